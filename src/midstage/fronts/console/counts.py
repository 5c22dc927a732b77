"""Counting stock: opened, counted by several, finished, approved."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.supply import supply_prices
from midstage.fronts._http.words import BadDate, Milli, Moment, Reason, Short, Version, moment
from midstage.fronts.console.stock_words import approval_of, my_location, sees_values
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory

TAGS = ["console: counts"]
COUNT, WRITE = "inventory.count", "inventory.write"
STEP_FAULTS = (
    access.OutOfScope,
    inventory.NoSuchCount,
    inventory.CountStateWrong,
    inventory.CountChangedMeanwhile,
)
Skus = Annotated[list[UUID], msgspec.Meta(max_length=inventory.LINES_LIMIT)]


class OpenCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be counted where. Blind: who counts does not see the book."""

    store_id: UUID
    kind: inventory.CountKind
    category_ids: Annotated[list[UUID], msgspec.Meta(max_length=100)] = []
    sku_ids: Skus = []
    blind: bool = False
    note: Short = ""


class CountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted of a sku, now or at a moment; a device gives each entry an id, so that it counts once."""

    sku_id: UUID
    milli: Milli
    counted_at: Moment | None = None
    entry_id: UUID | None = None


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted; parts of a sku from several places add up."""

    entries: Annotated[list[CountEntry], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]
    device: Annotated[str, msgspec.Meta(max_length=60)] = ""


class CountAgain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be counted anew."""

    version: Version
    sku_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]
    note: Short = ""


class Finish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of counting; what nobody counted stays as it is, or is taken for nothing."""

    version: Version
    missing_is_zero: bool = False


class ApproveCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Book it; beyond the policy's value with the approval of somebody else."""

    version: Version
    approval_id: UUID | None = None


class Abandon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Version
    reason: Reason


class CountView(msgspec.Struct, frozen=True):
    """A count; what was lost and gained, at supply price, is for who may see values."""

    count_id: UUID
    store_id: UUID
    kind: inventory.CountKind
    category_ids: list[UUID]
    blind: bool
    state: inventory.CountState
    note: str
    version: int
    opened_at: datetime
    finished_at: datetime | None
    closed_at: datetime | None
    loss_minor: int | None
    gain_minor: int | None
    currency: str


class CountDetail(msgspec.Struct, frozen=True):
    """A count, and who did what."""

    count: CountView
    sees_book: bool
    steps: list[inventory.Step]


@reading("/counts", tags=TAGS, needs=COUNT, refuses=(access.OutOfScope,))
async def counts(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    state: inventory.CountState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CountView]:
    """Counts of the stores that I see, the latest first."""
    wanted = inventory.CountFilter((await reach(tx, staff, COUNT)).locations(store_id), state)
    page = await inventory.counts(tx, wanted, PageRequest(after, limit))
    return Page([_view(staff, one) for one in page.items], page.next)


@reading("/counts/{count_id:uuid}", tags=TAGS, needs=COUNT, refuses=(access.OutOfScope, inventory.NoSuchCount))
async def count(count_id: UUID, tx: Tx, staff: Staff) -> CountDetail:
    """A count, and who did what and when."""
    found = await _mine(tx, staff, COUNT, count_id)
    steps = await inventory.count_steps(tx, found.count_id)
    book = await _sees_book(tx, staff, found)
    shown = steps if book else [msgspec.structs.replace(step, lines=[]) for step in steps]
    return CountDetail(_view(staff, found), book, shown)


@reading("/counts/{count_id:uuid}/lines", tags=TAGS, needs=COUNT, refuses=(access.OutOfScope, inventory.NoSuchCount))
async def count_lines(
    count_id: UUID,
    tx: Tx,
    staff: Staff,
    different: bool = False,  # noqa: FBT001, FBT002  # a parameter of the address, given by its name
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.CountLine]:
    """The lines of a count by sku, or those that differ; without the book for who must not see it."""
    found = await _mine(tx, staff, COUNT, count_id)
    book = await _sees_book(tx, staff, found)
    page = await inventory.count_lines(tx, found.count_id, PageRequest(after, limit), book=book, different=different)
    if sees_values(staff):
        return page
    return Page([msgspec.structs.replace(line, value_minor=None) for line in page.items], page.next)


@changing(
    "POST",
    "/counts",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        inventory.NoSuchLocation,
        inventory.QuantityInvalid,
        inventory.CountEmpty,
        inventory.CountOverlaps,
        catalogue.NoSuchSku,
    ),
)
async def open_count(data: OpenCount, tx: Tx, staff: Staff) -> CountView:
    """Begin a count of everything in a store, of categories, or of some skus."""
    location = await my_location(tx, staff, WRITE, data.store_id)
    skus = [catalogue.SkuId(sku) for sku in data.sku_ids]
    await catalogue.require_skus(tx, skus)
    made = await inventory.open_count(
        tx,
        location,
        data.kind,
        categories=[catalogue.CategoryId(one) for one in data.category_ids],
        skus=skus,
        blind=data.blind,
        note=data.note,
    )
    return _view(staff, made)


@changing(
    "POST",
    "/counts/{count_id:uuid}/entries",
    status=204,
    once=True,
    tags=TAGS,
    needs=COUNT,
    refuses=(
        access.OutOfScope,
        inventory.NoSuchCount,
        inventory.CountStateWrong,
        inventory.CountTimeWrong,
        inventory.CountOverlaps,
        inventory.QuantityInvalid,
        catalogue.NoSuchSku,
        BadDate,
    ),
)
async def enter_count(count_id: UUID, data: Enter, tx: Tx, staff: Staff) -> None:
    """Enter what was counted; any number of people and devices may, at the same time."""
    found = await _mine(tx, staff, COUNT, count_id)
    await catalogue.require_skus(tx, sorted({catalogue.SkuId(one.sku_id) for one in data.entries}))
    tallies = [
        inventory.Tally(
            catalogue.SkuId(one.sku_id),
            one.milli,
            None if one.counted_at is None else moment(one.counted_at),
            one.entry_id,
        )
        for one in data.entries
    ]
    await inventory.enter_count(tx, found.count_id, tallies, device=data.device)


@changing(
    "POST",
    "/counts/{count_id:uuid}/recount",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.QuantityInvalid),
)
async def recount(count_id: UUID, data: CountAgain, tx: Tx, staff: Staff) -> CountView:
    """Have some lines counted anew; a finished count is open again."""
    found = await _mine(tx, staff, WRITE, count_id)
    skus = [catalogue.SkuId(one) for one in data.sku_ids]
    return _view(staff, await inventory.count_again(tx, found.count_id, skus, version=data.version, note=data.note))


@changing(
    "POST",
    "/counts/{count_id:uuid}/finish",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.CountedNothing),
)
async def finish_count(count_id: UUID, data: Finish, tx: Tx, staff: Staff) -> CountView:
    """End the counting, and see the differences and their value. Stock stays as it is."""
    found = await _mine(tx, staff, WRITE, count_id)
    done = await inventory.finish_count(
        tx, found.count_id, version=data.version, missing_is_zero=data.missing_is_zero, supply=supply_prices
    )
    return _view(staff, done)


@changing(
    "POST",
    "/counts/{count_id:uuid}/approve",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, access.ApprovalNeeded, inventory.SupplyCurrencyWrong),
)
async def approve_count(count_id: UUID, data: ApproveCount, tx: Tx, staff: Staff) -> CountView:
    """Book the differences; what was sold since is not touched."""
    found = await _mine(tx, staff, WRITE, count_id)
    done = await inventory.approve_count(
        tx, found.count_id, version=data.version, approval=approval_of(data.approval_id), supply=supply_prices
    )
    return _view(staff, done)


@changing(
    "POST",
    "/counts/{count_id:uuid}/abandon",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.ReasonMissing),
)
async def abandon_count(count_id: UUID, data: Abandon, tx: Tx, staff: Staff) -> CountView:
    """Give a count up; nothing is booked."""
    found = await _mine(tx, staff, WRITE, count_id)
    return _view(staff, await inventory.abandon_count(tx, found.count_id, version=data.version, reason=data.reason))


async def _mine(tx: Tx, staff: Staff, permission: str, count_id: UUID) -> inventory.Count:
    """A count of a store of mine. Raises inventory.NoSuchCount, access.OutOfScope."""
    mine = await reach(tx, staff, permission)
    found = await inventory.one_count(tx, inventory.CountId(count_id))
    mine.need(found.location_id)
    return found


async def _sees_book(tx: Tx, staff: Staff, found: inventory.Count) -> bool:
    counts_only = WRITE not in {name for held in staff.session.held for name in held.permissions}
    return await inventory.sees_book(tx, found, staff.by.id, counts_only=counts_only)


def _view(staff: Staff, found: inventory.Count) -> CountView:
    shows = sees_values(staff)
    return CountView(
        count_id=found.count_id,
        store_id=found.location_id,
        kind=found.kind,
        category_ids=found.category_ids,
        blind=found.blind,
        state=found.state,
        note=found.note,
        version=found.version,
        opened_at=found.opened_at,
        finished_at=found.finished_at,
        closed_at=found.closed_at,
        loss_minor=found.loss_minor if shows else None,
        gain_minor=found.gain_minor if shows else None,
        currency=found.currency if shows else "",
    )


HANDLERS: list[HTTPRouteHandler] = [
    counts, count, count_lines, open_count, enter_count, recount, finish_count, approve_count, abandon_count,
]  # fmt: skip
