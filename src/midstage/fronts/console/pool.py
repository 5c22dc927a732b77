"""The pool (公海), handing over, and members of old systems who have not come yet."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest
from midstage.fronts._http.files import FileMissing, FileUnreadable, read_table, received
from midstage.fronts._http.rows.forms import Kind
from midstage.fronts._http.rows.load import Imported, Mode, TooManyRefused, bring_in
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Reason, Short, day_begins
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

TAGS = ["console: pool"]
READ, WRITE = "members.read", "members.write"
BoughtFrom = Annotated[date | None, QueryParameter(name="bought_from", description="Bought on this day or later")]
BoughtTo = Annotated[
    date | None, QueryParameter(name="bought_to", description="Bought last on this day or before, or never")
]
From = Annotated[date | None, QueryParameter(name="joined_from", description="The first business day")]
To = Annotated[date | None, QueryParameter(name="joined_to", description="The last business day")]
Day = Annotated[date | None, QueryParameter(description="A business day")]
HowMuch = Annotated[
    Mode, QueryParameter(name="mode", description="What happens to the good rows of a file with bad ones")
]
InState = Annotated[members.DormantState | None, QueryParameter(name="state")]
Ids = Annotated[list[UUID], msgspec.Meta(max_length=1_000)]
Members = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=members.ASSIGN_LIMIT)]
UNSEEN = (access.OutOfScope, organisation.NoSuchUnit)


class PooledRow(msgspec.Struct, frozen=True):
    """A member in the pool as a list shows it; the name is masked."""

    member_id: UUID
    person_id: UUID
    member_no: str
    name: str | None
    level: str
    store_id: UUID
    joined_at: datetime
    last_bought_at: datetime | None


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which members of the pool; those named, or all that fit."""

    member_ids: Members | None = None
    store_id: UUID | None = None
    unit_id: UUID | None = None
    level: Short | None = None
    bought_from: date | None = None
    bought_to: date | None = None
    joined_from: date | None = None
    joined_to: date | None = None


class AssignBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who goes to whom: by hand to one guide, or by a rule to the guides or stores named (to all that I see, if none)."""

    which: Which
    rule: members.AssignRule
    guide_ids: Ids = []
    store_ids: Ids = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=members.ASSIGN_LIMIT)] = members.ASSIGN_LIMIT


class ReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Members who go back into the pool of their stores, and why."""

    member_ids: Members
    reason: Reason


class Returned(msgspec.Struct, frozen=True):
    """How many of them a guide had."""

    members: int


class DormantRow(msgspec.Struct, frozen=True):
    """A member of an old system as a list shows it; number, phone and name are masked."""

    dormant_id: UUID
    old_no: str | None
    phone: str | None
    name: str | None
    level: str
    points: int
    store_id: UUID
    state: members.DormantState
    imported_at: datetime
    activated_at: datetime | None
    member_id: UUID | None


@reading("/pool", tags=TAGS, needs=READ, refuses=(*UNSEEN, BadDate))
async def pool(  # noqa: PLR0913, PLR0917  # each is a filter of the address
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    unit_id: UUID | None = None,
    level: Short | None = None,
    bought_from: BoughtFrom = None,
    bought_to: BoughtTo = None,
    joined_from: From = None,
    joined_to: To = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[PooledRow]:
    """Members whom no guide has, of the stores that I see, who joined first first. Names are masked."""
    which = Which(
        store_id=store_id,
        unit_id=unit_id,
        level=level,
        bought_from=bought_from,
        bought_to=bought_to,
        joined_from=joined_from,
        joined_to=joined_to,
    )
    wanted = await _wanted(tx, await reach(tx, staff, READ), which)
    found = await members.pool(tx, wanted, PageRequest(after, limit))
    return Page([_pooled(one) for one in found.items], found.next)


@changing(
    "POST",
    "/pool/assign",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        *UNSEEN,
        BadDate,
        members.GuideFull,
        members.TooManyToAssign,
        members.BadAssigning,
        organisation.NoSuchGuide,
        organisation.GuideGone,
    ),
)
async def assign(data: AssignBody, tx: Tx, staff: Staff) -> members.Assigned:
    """Give members of the pool to guides, in one go: by hand, in turn, by load, by nearness or by the last purchase."""
    within = await reach(tx, staff, WRITE)
    wanted = await _wanted(tx, within, data.which)
    guides = await organisation.guides(tx, [organisation.GuideId(each) for each in data.guide_ids])
    within.need(*(one.store_id for one in guides.values()))
    within.need(*data.store_ids)
    how = members.Assigning(
        data.rule,
        frozenset(organisation.GuideId(each) for each in data.guide_ids),
        frozenset(organisation.StoreId(each) for each in data.store_ids),
    )
    return await members.assign(tx, wanted, how, within=within.stores, limit=data.limit)


@changing("POST", "/pool/return", once=True, tags=TAGS, needs=WRITE, refuses=(members.TooManyToAssign,))
async def return_to_pool(data: ReturnBody, tx: Tx, staff: Staff) -> Returned:
    """Take members from their guides, into the pool; those outside of what I see are passed over."""
    within = await reach(tx, staff, WRITE)
    ids = [members.MemberId(each) for each in data.member_ids]
    return Returned(await members.return_to_pool(tx, ids, reason=data.reason, within=within.stores))


@reading("/handovers", tags=TAGS, needs=READ, refuses=UNSEEN)
async def handovers(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    guide_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[members.Handover]:
    """Customers of guides who left or moved: what becomes of them, and how many have gone; the latest first."""
    within = await reach(tx, staff, READ)
    guide = organisation.GuideId(guide_id) if guide_id else None
    stores = within.narrowed(store_id)
    return await members.handovers(tx, PageRequest(after, limit), store_ids=stores, guide_id=guide)


@changing(
    "POST",
    "/imports/dormant",
    once=True,
    file=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(FileMissing, FileUnreadable, TooManyRefused),
)
async def import_dormant(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Bring in members of an old system, who sleep until they come. The same file again brings the same members.

    Columns: old_no, phone; name, level, points, store_code (of the stores that I see).
    """
    within = await reach(tx, staff, WRITE)
    body, name = await received(request)
    return await bring_in(tx, Kind.DORMANT, read_table(body, name), mode, within=within.stores)


@reading("/dormant", tags=TAGS, needs=READ, refuses=UNSEEN)
async def dormant(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    in_state: InState = None,
    old_no: Short | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[DormantRow]:
    """Members of old systems, of the stores that I see, the latest brought in first. What is personal is masked."""
    within = await reach(tx, staff, READ)
    wanted = members.DormantFilter(store_ids=within.narrowed(store_id), state=in_state, old_no=old_no)
    found = await members.dormants(tx, wanted, PageRequest(after, limit))
    return Page([_dormant(one) for one in found.items], found.next)


@reading("/dormant/counts", tags=TAGS, needs=READ, refuses=UNSEEN)
async def activation_counts(
    tx: Tx, staff: Staff, store_id: UUID | None = None, since: Day = None, until: Day = None
) -> list[members.ActivationCount]:
    """Of each store that I see: how many old members sleep, and how many were activated, by business day."""
    within = await reach(tx, staff, READ)
    return await members.activation_counts(tx, store_ids=within.narrowed(store_id), since=since, until=until)


async def _wanted(tx: Tx, within: Reach, which: Which) -> members.PoolFilter:
    """Raises access.OutOfScope, organisation.NoSuchUnit, BadDate."""
    stores = within.narrowed(which.store_id)
    if which.unit_id is not None:
        unit = await organisation.unit(tx, organisation.UnitId(which.unit_id))
        of_unit = await organisation.stores_in(tx, organisation.Scope(units=frozenset({unit.unit_id})))
        stores = of_unit if stores is None or of_unit is None else stores & of_unit
    tenant = tx.tenant
    return members.PoolFilter(
        store_ids=stores,
        level=which.level,
        bought_from=day_begins(tenant, which.bought_from),
        bought_before=day_begins(tenant, which.bought_to, after=1),
        joined_from=day_begins(tenant, which.joined_from),
        joined_before=day_begins(tenant, which.joined_to, after=1),
        member_ids=None if which.member_ids is None else frozenset(members.MemberId(each) for each in which.member_ids),
    )


def _pooled(one: members.Pooled) -> PooledRow:
    return PooledRow(
        one.member_id,
        one.person_id,
        one.member_no,
        masked(one.name) if one.name else one.name,
        one.level,
        one.store_id,
        one.joined_at,
        one.last_bought_at,
    )


def _dormant(one: members.Dormant) -> DormantRow:
    old_no, phone, name = (masked(value) if value else value for value in (one.old_no, one.phone, one.name))
    return DormantRow(
        one.dormant_id,
        old_no,
        phone,
        name,
        one.level,
        one.points,
        one.store_id,
        one.state,
        one.imported_at,
        one.activated_at,
        one.member_id,
    )


HANDLERS: list[HTTPRouteHandler] = [
    pool,
    assign,
    return_to_pool,
    handovers,
    import_dormant,
    dormant,
    activation_counts,
]
