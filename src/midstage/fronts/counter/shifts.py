"""Tills and their shifts: opened with a float, cash in and out, handed over, counted."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import Minor, Reason, Short
from midstage.fronts.counter.desk import AT_TILL, MANAGE, READ, SELL, SHIFT, my_shift, my_store, my_till
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.refusals import Conflict, Text
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

TAGS = ["counter: shifts"]
MAX_PIECES = 40
Counted = Annotated[list[payments.Pieces], msgspec.Meta(max_length=MAX_PIECES)]
InState = Annotated[payments.ShiftState | None, QueryParameter(name="state")]


class NotYourDrawer(Conflict):
    """A drawer is counted or handed over by who answers for it, or by a manager."""

    text = Text(zh="只能由当班收银员或店长操作", en="Only who answers for the drawer, or a manager, may do that.")


class TillView(msgspec.Struct, frozen=True, kw_only=True):
    """A till, and the shift that is open at it."""

    till_id: UUID
    code: str
    name: str
    store_id: UUID
    store_name: str
    currency: str
    shift: payments.Shift | None


class OpenShift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The float that was counted: its amount, or its pieces, or both."""

    float_minor: Minor = 0
    pieces: Counted = []


class MoveCash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cash that comes in (change from the bank), goes out (window cleaning), or goes to the safe."""

    kind: Literal["paid_in", "paid_out", "drop"]
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=10**12)]
    reason: Reason


class HandOverShift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for the drawer from now on, and what was in it if it was counted."""

    staff_id: UUID
    counted_minor: Minor | None = None


class CloseShift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lies in the drawer: its amount, or its pieces, or both."""

    counted_minor: Minor | None = None
    pieces: Counted = []
    note: Short = ""


class ShiftSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A shift in figures (X report; of a closed one Z). While a blind count is to come, not what should be there."""

    shift: payments.Shift
    methods: list[payments.MethodFigures]
    moves: list[payments.CashMove]
    paid_in_minor: int
    paid_out_minor: int
    dropped_minor: int
    refunded_minor: int
    drawer_minor: int | None
    difference_minor: int | None
    agrees: bool | None
    """Whether tenders and ledger say the same."""


@reading("/tills", tags=TAGS, needs=SELL, refuses=(access.OutOfScope,))
async def tills(tx: Tx, staff: Person, store_id: UUID) -> list[TillView]:
    """The tills of a store, with the shifts that are open."""
    at = await my_store(tx, staff, SELL, store_id)
    wanted = organisation.Filter(store_id=at.store_id, kind=organisation.TouchpointKind.TILL)
    found = await organisation.list_touchpoints(tx, wanted, PageRequest(limit=200))
    return [
        TillView(
            till_id=one.touchpoint_id,
            code=one.code,
            name=one.name,
            store_id=at.store_id,
            store_name=at.name,
            currency=at.currency,
            shift=await payments.open_shift_of(tx, one.touchpoint_id),
        )
        for one in found.items
        if one.state is organisation.State.OPEN
    ]


@changing(
    "POST",
    "/tills/{till_id:uuid}/shift",
    status=201,
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*AT_TILL, payments.ShiftOpenAlready, payments.BusinessDayClosed, payments.CountDoesNotAddUp),
)
async def open_shift(till_id: UUID, data: OpenShift, tx: Tx, staff: Person) -> payments.Shift:
    """Count the float and begin to sell."""
    till = await my_till(tx, staff, SELL, till_id)
    return await payments.open_shift(tx, till.till_id, till.at, float_minor=data.float_minor, pieces=data.pieces)


@changing(
    "POST",
    "/shifts/{shift_id:uuid}/cash",
    status=201,
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*SHIFT, payments.ShiftClosed, payments.DrawerShort),
)
async def move_cash(shift_id: UUID, data: MoveCash, tx: Tx, staff: Person) -> payments.CashMove:
    """Put cash into the drawer, or take some out, and say why."""
    found = await my_shift(tx, staff, SELL, shift_id)
    return await payments.move_cash(
        tx, found.shift_id, payments.CashKind(data.kind), data.amount_minor, reason=data.reason
    )


@changing(
    "POST",
    "/shifts/{shift_id:uuid}/hand-over",
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*SHIFT, NotYourDrawer, payments.ShiftClosed, organisation.NoSuchStaff),
)
async def hand_over_shift(shift_id: UUID, data: HandOverShift, tx: Tx, staff: Person) -> payments.Shift:
    """Let a colleague answer for the drawer from now on."""
    found = await my_shift(tx, staff, SELL, shift_id)
    _answers_for(staff, found, await my_store(tx, staff, SELL, found.store_id))
    heir = await organisation.staff(tx, organisation.StaffId(data.staff_id))
    return await payments.hand_over_shift(tx, found.shift_id, heir.staff_id, counted_minor=data.counted_minor)


@changing(
    "POST",
    "/shifts/{shift_id:uuid}/close",
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*SHIFT, NotYourDrawer, payments.ShiftClosed, payments.CountDoesNotAddUp),
)
async def close_shift(shift_id: UUID, data: CloseShift, tx: Tx, staff: Person) -> ShiftSheet:
    """Count the drawer and end the shift. The difference is booked, and told only now where the count is blind."""
    found = await my_shift(tx, staff, SELL, shift_id)
    at = await my_store(tx, staff, SELL, found.store_id)
    _answers_for(staff, found, at)
    settings = await organisation.settings_of(tx, payments.TILL, at)
    closed = await payments.close_shift(
        tx,
        found.shift_id,
        counted_minor=data.counted_minor,
        pieces=data.pieces,
        blind=settings.blind_count,
        note=data.note,
    )
    return await _sheet(tx, closed, hidden=False)


@reading("/shifts/{shift_id:uuid}", tags=TAGS, needs=SELL, refuses=SHIFT)
async def shift(shift_id: UUID, tx: Tx, staff: Person) -> ShiftSheet:
    """A shift in figures: its X report while it is open, its Z report afterwards."""
    found = await my_shift(tx, staff, SELL, shift_id)
    at = await my_store(tx, staff, SELL, found.store_id)
    blind = (await organisation.settings_of(tx, payments.TILL, at)).blind_count
    still_open = found.state is payments.ShiftState.OPEN
    return await _sheet(tx, found, hidden=blind and still_open and not _manages(staff, at))


@reading("/shifts", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def shifts(  # each is a filter of the list
    tx: Tx,
    staff: Person,
    store_id: UUID | None = None,
    till_id: UUID | None = None,
    business_date: date | None = None,
    in_state: InState = None,
    only_different: bool = False,  # noqa: FBT001, FBT002  # a filter of the address
    after: str | None = None,
    limit: Limit = 50,
) -> Page[payments.Shift]:
    """The shifts of the stores that I see, the latest first; with `only_different` those whose count was not right."""
    filters = payments.ShiftFilters(
        store_ids=(await reach(tx, staff, READ)).narrowed(store_id),
        till_id=organisation.TouchpointId(till_id) if till_id else None,
        business_date=business_date,
        state=in_state,
        only_different=only_different,
    )
    return await payments.shifts(tx, filters, PageRequest(after, limit))


def _manages(staff: Person, at: organisation.Store) -> bool:
    return access.may_see_store(staff.session, at, MANAGE)


def _answers_for(staff: Person, shift: payments.Shift, at: organisation.Store) -> None:
    """Raises NotYourDrawer."""
    if shift.held_by != staff.staff_id and not _manages(staff, at):
        raise NotYourDrawer


async def _sheet(tx: Tx, shift: payments.Shift, *, hidden: bool) -> ShiftSheet:
    (figures,) = await payments.shift_figures(tx, [shift])
    return ShiftSheet(
        shift=shift,
        methods=[] if hidden else list(figures.methods),
        moves=await payments.cash_moves(tx, shift.shift_id),
        paid_in_minor=figures.paid_in_minor,
        paid_out_minor=figures.paid_out_minor,
        dropped_minor=figures.dropped_minor,
        refunded_minor=figures.refunded_minor,
        drawer_minor=None if hidden else figures.drawer_minor,
        difference_minor=shift.difference_minor,
        agrees=None if hidden else figures.agrees,
    )


HANDLERS: list[HTTPRouteHandler] = [
    tills, open_shift, move_cash, hand_over_shift, close_shift, shift, shifts,
]  # fmt: skip
