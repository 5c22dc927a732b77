"""Count what lies there while the shop is open: what was counted is compared with the book of that very moment."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import approving, store
from midstage.middle.inventory.facts import CountChanged
from midstage.middle.inventory.policies import COUNTING, store_of
from midstage.middle.inventory.store import Delta
from midstage.middle.inventory.telling import parts, tell_changed
from midstage.middle.inventory.types import (
    MILLI_LIMIT,
    LocationId,
    MovementKind,
    NoSuchLocation,
    QuantityInvalid,
    ReasonMissing,
    SkuId,
)
from midstage.middle.inventory.value import estimate, value_rows
from midstage.middle.inventory.work import (
    LINES_LIMIT,
    Count,
    CountFilter,
    CountId,
    CountKind,
    CountLine,
    CountState,
    Step,
    SupplyPrices,
    Tally,
)
from midstage.middle.inventory.work_refusals import (
    CountChangedMeanwhile,
    CountedNothing,
    CountEmpty,
    CountOverlaps,
    CountStateWrong,
    CountTimeWrong,
    NoSuchCount,
)
from midstage.middle.organisation import api as organisation

OFFERS = 5_000
CLOCK_AHEAD = timedelta(minutes=5)  # a device whose clock runs ahead by less counted now
_OPEN, _FINISHED = CountState.OPEN, CountState.FINISHED


async def open_count(
    tx: Tx,
    location: LocationId,
    kind: CountKind,
    *,
    categories: Sequence[catalogue.CategoryId] = (),
    skus: Sequence[SkuId] = (),
    blind: bool = False,
    note: str = "",
) -> Count:
    """Begin a count of everything at a location, of categories with what lies beneath them, or of some skus.

    The book of the beginning is kept. Raises NoSuchLocation, CountEmpty, CountOverlaps.
    """
    if (kind is CountKind.CATEGORY) != bool(categories) or (kind is CountKind.SKUS) != bool(skus):
        raise CountEmpty
    if len(skus) > LINES_LIMIT:
        raise QuantityInvalid(f"{len(skus)} skus")
    if not await store.lock_location(tx, location):
        raise NoSuchLocation(location)
    made = Count(
        count_id=CountId(new_id()),
        location_id=location,
        kind=kind,
        category_ids=list(categories),
        blind=blind,
        state=_OPEN,
        note=note,
        loss_minor=0,
        gain_minor=0,
        currency="",
        version=1,
        opened_at=tx.now,
        finished_at=None,
        closed_at=None,
    )
    wanted = await _wanted(tx, location, kind, categories, skus)
    other = await store.overlap(tx, location, wanted, made.count_id)
    if other is not None:
        raise CountOverlaps(other)
    await store.add_count(tx, made, wanted)
    _step(tx, made, "open", note)
    return made


async def enter_count(tx: Tx, count_id: CountId, tallies: Sequence[Tally], *, device: str = "") -> None:
    """Enter what was counted; parts of a sku from several places add up. An entry with an id counts once.

    Something that the count does not list was found there, and is listed from now on. Raises NoSuchCount,
    CountStateWrong, CountTimeWrong, CountOverlaps, QuantityInvalid.
    """
    if not 1 <= len(tallies) <= LINES_LIMIT or not all(0 <= one.milli <= MILLI_LIMIT for one in tallies):
        raise QuantityInvalid(f"{len(tallies)} entries")
    found = await one_count(tx, count_id)
    if await store.share_count(tx, count_id) is not _OPEN:
        raise CountStateWrong((await one_count(tx, count_id)).state, "enter")
    entries = [
        (one.sku_id, one.entry_id or new_id(), one.milli, min(one.counted_at or tx.now, tx.now)) for one in tallies
    ]
    ahead = any(one.counted_at is not None and one.counted_at > tx.now + CLOCK_AHEAD for one in tallies)
    if ahead or any(at < found.opened_at for _, _, _, at in entries):
        raise CountTimeWrong
    more = await store.not_in_count(tx, count_id, sorted({one.sku_id for one in tallies}))
    if more:
        other = await store.overlap(tx, found.location_id, more, count_id)
        if other is not None:
            raise CountOverlaps(other)
        await store.add_lines(tx, count_id, found.location_id, more)
    await store.tally(tx, count_id, entries, device=device)


async def count_again(tx: Tx, count_id: CountId, skus: Sequence[SkuId], *, version: int, note: str = "") -> Count:
    """Have some lines counted anew; a finished count is open again. What was entered before stays in the history.

    Raises NoSuchCount, CountStateWrong, CountChangedMeanwhile, QuantityInvalid.
    """
    if not 1 <= len(skus) <= LINES_LIMIT:
        raise QuantityInvalid(f"{len(skus)} skus")
    moved = await _move(tx, count_id, "recount", version, (_OPEN, _FINISHED), _OPEN)
    if await store.again(tx, count_id, skus) != len(set(skus)):
        raise QuantityInvalid("a sku that is not in the count")
    _step(tx, moved, "recount", note, [{"sku_id": sku} for sku in skus])
    return moved


async def finish_count(
    tx: Tx, count_id: CountId, *, version: int, missing_is_zero: bool = False, supply: SupplyPrices | None = None
) -> Count:
    """End the counting: find the differences, and what they are worth at supply price. Stock stays as it is.

    What nobody counted stays as it is too, or is taken for nothing. Raises NoSuchCount, CountStateWrong,
    CountChangedMeanwhile, CountedNothing.
    """
    moved = await _move(tx, count_id, "finish", version, (_OPEN,), _FINISHED)
    if missing_is_zero:
        await store.missing_is_zero(tx, count_id)
    found = await store.compare(tx, count_id)
    if not found:
        raise CountedNothing(count_id)
    minor: dict[SkuId, int | None] = {}
    currency = ""
    for chunk in parts(list(found.items()), OFFERS):
        asked = {(moved.location_id, sku): milli for sku, milli in chunk}
        worth, coin = await estimate(tx, asked, supply=supply)
        currency = currency or coin
        for sku, milli in chunk:
            one = worth[moved.location_id, sku]
            minor[sku] = None if one is None else one if milli > 0 else -one
    loss, gain = await store.value_count(tx, count_id, minor, currency)
    done = msgspec.structs.replace(moved, loss_minor=loss, gain_minor=gain, currency=currency)
    _step(tx, done, "finish")
    return done


async def approve_count(
    tx: Tx,
    count_id: CountId,
    *,
    version: int,
    approval: access.ApprovalId | None = None,
    supply: SupplyPrices | None = None,
) -> Count:
    """Book the differences. Beyond the policy's value somebody else has to approve them.

    What was sold since is not touched: a difference is booked as one. Raises NoSuchCount, CountStateWrong,
    CountChangedMeanwhile, access.ApprovalNeeded.
    """
    moved = await _move(tx, count_id, "approve", version, (_FINISHED,), CountState.APPROVED)
    policy = await organisation.settings_of(tx, COUNTING, await store_of(tx, moved.location_id))
    most, value = policy.approval_above_minor, moved.loss_minor + moved.gain_minor
    if most is not None and value > most:
        await access.use_approval(tx, approval, action=approving.COUNT, subject=str(count_id), amount_minor=value)
    differences = await store.differences(tx, count_id)
    location, kind = moved.location_id, MovementKind.COUNTED
    if differences:
        deltas = [Delta(location, sku, milli) for sku, milli in differences.items()]
        changed = await store.move(tx, deltas, kind, reference=count_id, reason=moved.note)
        tell_changed(tx, location, kind, count_id, changed)
        entries = await value_rows(tx, [(location, sku) for sku in differences], supply=supply)
        minor: dict[SkuId, int | None] = {
            one.sku_id: one.in_minor - one.out_minor for one in entries if one.reference == count_id
        }
        loss, gain = await store.value_count(tx, count_id, minor, moved.currency)
        moved = msgspec.structs.replace(moved, loss_minor=loss, gain_minor=gain)
    for number in await store.settle_by_count(tx, count_id, moved.note):
        store.add_step(tx, "discrepancy", number, "recounted")
    _step(tx, moved, "approve", lines=[{"sku_id": sku, "milli": milli} for sku, milli in differences.items()])
    return moved


async def abandon_count(tx: Tx, count_id: CountId, *, version: int, reason: str) -> Count:
    """Give a count up; nothing is booked. Raises NoSuchCount, CountStateWrong, CountChangedMeanwhile, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    moved = await _move(tx, count_id, "abandon", version, (_OPEN, _FINISHED), CountState.ABANDONED)
    await store.take_from_count(tx, count_id)
    _step(tx, moved, "abandon", reason)
    return moved


async def one_count(tx: Tx, count_id: CountId) -> Count:
    """One count. Raises NoSuchCount."""
    found = await store.count(tx, count_id)
    if found is None:
        raise NoSuchCount(count_id)
    return found


async def counts(tx: Tx, wanted: CountFilter, page: PageRequest) -> Page[Count]:
    """Counts, the latest first."""
    place = page.place(tuple[CountId])
    rows = await store.counts(tx, wanted, None if place is None else place[0], page.fetch)
    return page.page(rows, lambda row: (row.count_id,))


async def count_lines(
    tx: Tx, count_id: CountId, page: PageRequest, *, book: bool, different: bool = False
) -> Page[CountLine]:
    """The lines of a count, or those that differ; without the book for who must not see it."""
    place = page.place(tuple[SkuId])
    after = None if place is None else place[0]
    rows = await store.count_lines(tx, count_id, after=after, limit=page.fetch, different=different and book)
    shown = rows if book else [CountLine(row.sku_id, row.round, row.counted_milli, row.last_at) for row in rows]
    return page.page(shown, lambda row: (row.sku_id,))


async def sees_book(tx: Tx, found: Count, who: UUID, *, counts_only: bool) -> bool:
    """Whether somebody may see the book: of a blind count not before it is finished, if they count or may only count."""
    if not found.blind or found.state is not _OPEN:
        return not (found.blind and counts_only)
    return not counts_only and not await store.has_counted(tx, found.count_id, who)


async def count_steps(tx: Tx, count_id: CountId) -> list[Step]:
    """Who did what, and when."""
    return await store.steps(tx, "count", count_id)


async def _wanted(
    tx: Tx,
    location: LocationId,
    kind: CountKind,
    categories: Iterable[catalogue.CategoryId],
    skus: Iterable[SkuId],
) -> list[SkuId] | None:
    """What is to be counted; None is everything. Raises CountEmpty where nothing of it lies there."""
    if kind is CountKind.FULL:
        return None
    if kind is CountKind.SKUS:
        return sorted(set(skus))
    within = set(categories)
    found: list[SkuId] = []
    for chunk in parts(await store.skus_there(tx, location), OFFERS):
        offers = await catalogue.offers(tx, chunk)
        found += [sku for sku in chunk if sku in offers and not within.isdisjoint(offers[sku].category_path)]
    if not found:
        raise CountEmpty
    return found


async def _move(
    tx: Tx, count_id: CountId, action: str, version: int, before: Sequence[CountState], state: CountState
) -> Count:
    """Take a count to a state. Raises NoSuchCount, CountStateWrong, CountChangedMeanwhile."""
    now = await store.move_count(tx, count_id, seen=version, before=before, state=state)
    found = await one_count(tx, count_id)
    if now is None:
        if found.state not in before:
            raise CountStateWrong(found.state, action)
        raise CountChangedMeanwhile(found.version, version)
    return found


def _step(tx: Tx, at: Count, action: str, note: str = "", lines: Sequence[dict[str, object]] = ()) -> None:
    store.add_step(tx, "count", at.count_id, action, lines=lines, note=note)
    figures = {"state": at.state, "loss_minor": at.loss_minor, "gain_minor": at.gain_minor}
    tx.note(f"count.{action}", "count", at.count_id, after={**figures, "note": note})
    tx.tell(
        CountChanged(
            count_id=at.count_id,
            location_id=at.location_id,
            state=at.state,
            loss_minor=at.loss_minor,
            gain_minor=at.gain_minor,
        )
    )
