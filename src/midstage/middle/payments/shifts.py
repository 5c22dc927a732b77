"""Shifts: opened with a counted float, closed with a counted drawer; and the business day that ends with them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import drawer, till_rules
from midstage.middle.payments.facts import BusinessDayEnded, ShiftCounted, ShiftOpened, TillCashMoved
from midstage.middle.payments.figures import drawer_minor
from midstage.middle.payments.store import shift as store
from midstage.middle.payments.store import takings
from midstage.middle.payments.till_policy import TILL
from midstage.middle.payments.till_types import (
    BusinessDayClosed,
    CashKind,
    CashMove,
    DayState,
    DrawerShort,
    NoShiftOpen,
    NoSuchBusinessDay,
    NoSuchShift,
    Pieces,
    Shift,
    ShiftClosed,
    ShiftFilters,
    ShiftId,
    ShiftKind,
    ShiftsStillOpen,
    ShiftState,
)


async def open_shift(
    tx: Tx, till_id: organisation.TouchpointId, at: organisation.Store, *, float_minor: int, pieces: Sequence[Pieces]
) -> Shift:
    """Begin to sell at a till. Raises ShiftOpenAlready, BusinessDayClosed, CountDoesNotAddUp."""
    counted = till_rules.counted(float_minor or None, pieces)
    day = tx.tenant.business_date(tx.now)
    if await store.begin_day(tx, at.store_id, day) is DayState.CLOSED:
        raise BusinessDayClosed(day)
    shift = Shift(
        shift_id=ShiftId(new_id()),
        till_id=till_id,
        store_id=at.store_id,
        business_date=day,
        currency=at.currency,
        kind=ShiftKind.COUNTED,
        state=ShiftState.OPEN,
        opened_by=tx.by.id,
        held_by=tx.by.id,
        opened_at=tx.now,
        float_minor=counted,
    )
    await store.open_shift(tx, shift)
    await drawer.float_in(tx, shift)
    tx.note("till.open_shift", "shift", shift.shift_id, after={"till_id": till_id, "float_minor": counted})
    tx.tell(
        ShiftOpened(
            till_id=till_id,
            shift_id=shift.shift_id,
            store_id=at.store_id,
            business_date=day,
            float_minor=counted,
            currency=shift.currency,
        )
    )
    return shift


async def move_cash(tx: Tx, shift_id: ShiftId, kind: CashKind, amount_minor: int, *, reason: str) -> CashMove:
    """Cash comes into the drawer, or leaves it. Raises NoSuchShift, ShiftClosed, DrawerShort."""
    shift = await _locked(tx, shift_id)
    signed = amount_minor if kind is CashKind.PAID_IN else -amount_minor
    if signed < 0:
        await check_drawer(tx, shift, amount_minor)
    move = CashMove(new_id(), kind, signed, reason, None, tx.by.id, tx.now)
    takings.write_cash(tx, shift_id, move.move_id, kind, signed, reason=reason, reference=None)
    await drawer.cash_moved(tx, shift, move.move_id, kind, signed)
    tx.note("till.move_cash", "shift", shift_id, after={"kind": kind, "amount_minor": signed, "reason": reason})
    tx.tell(
        TillCashMoved(
            till_id=shift.till_id,
            shift_id=shift_id,
            move_id=move.move_id,
            kind=kind,
            amount_minor=signed,
            currency=shift.currency,
        )
    )
    return move


async def hand_over_shift(tx: Tx, shift_id: ShiftId, to: UUID, *, counted_minor: int | None = None) -> Shift:
    """Let somebody else answer for the drawer from now on; what was counted then is kept. Raises NoSuchShift, ShiftClosed."""
    shift = await _locked(tx, shift_id)
    expected = await drawer_minor(tx, shift)
    await store.hand_over(tx, shift_id, to, expected_minor=expected, counted_minor=counted_minor)
    after = {"held_by": to, "expected_minor": expected, "counted_minor": counted_minor}
    tx.note("till.hand_over", "shift", shift_id, before={"held_by": shift.held_by}, after=after)
    return replace(shift, held_by=to)


async def close_shift(
    tx: Tx,
    shift_id: ShiftId,
    *,
    counted_minor: int | None = None,
    pieces: Sequence[Pieces] = (),
    blind: bool = True,
    note: str = "",
) -> Shift:
    """Count a drawer and end its shift; what is over or short is booked and stays on record.

    Sales that are under way come before. Raises NoSuchShift, ShiftClosed, CountDoesNotAddUp.
    """
    counted = till_rules.counted(counted_minor, pieces)
    shift = await _locked(tx, shift_id)
    expected = await drawer_minor(tx, shift)
    if not await store.close_shift(
        tx, shift_id, blind=blind, expected_minor=expected, counted_minor=counted, pieces=pieces, note=note
    ):
        raise ShiftClosed(shift_id)
    await drawer.counted(tx, shift, expected_minor=expected, counted_minor=counted)
    after = {"expected_minor": expected, "counted_minor": counted, "blind": blind, "note": note}
    tx.note("till.close_shift", "shift", shift_id, after=after)
    tx.tell(
        ShiftCounted(
            till_id=shift.till_id,
            shift_id=shift_id,
            store_id=shift.store_id,
            business_date=shift.business_date,
            expected_minor=expected,
            counted_minor=counted,
            currency=shift.currency,
        )
    )
    return replace(
        shift,
        state=ShiftState.CLOSED,
        closed_at=tx.now,
        closed_by=tx.by.id,
        blind=blind,
        expected_minor=expected,
        counted_minor=counted,
        note=note,
    )


async def shift(tx: Tx, shift_id: ShiftId) -> Shift:
    """One shift. Raises NoSuchShift."""
    found = await store.read_shift(tx, shift_id)
    if found is None:
        raise NoSuchShift(shift_id)
    return found


async def open_shift_of(tx: Tx, till_id: organisation.TouchpointId) -> Shift | None:
    """The shift that is open at a till, if one is."""
    return await store.open_shift_of(tx, till_id)


async def selling_shift(tx: Tx, till_id: organisation.TouchpointId) -> Shift:
    """The open shift of a till, held: it is not counted before this transaction ends. Raises NoShiftOpen."""
    found = await store.hold_open_shift(tx, till_id)
    if found is None:
        raise NoShiftOpen(till_id)
    return found


async def shift_of_past_sale(
    tx: Tx, till_id: organisation.TouchpointId, at: organisation.Store, sold: datetime
) -> Shift:
    """In which shift something was sold that is told only now, held.

    That which was open then, counted or not, as long as its business day is open; else the late shift of today, which
    has no drawer: what was taken was counted elsewhere.
    """
    then = till_rules.shift_at(await store.shifts_around(tx, till_id, sold), sold)
    if then is not None:
        day = await store.hold_day(tx, at.store_id, then.business_date)
        held = await store.hold_shift(tx, then.shift_id)
        if held is not None and day is DayState.OPEN and then.store_id == at.store_id:
            return held
    return await _late(tx, till_id, at)


async def shifts(tx: Tx, filters: ShiftFilters, page: PageRequest) -> Page[Shift]:
    """Shifts, the latest first."""
    rows = await store.list_shifts(tx, filters, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, _place)


async def cash_moves(tx: Tx, shift_id: ShiftId) -> list[CashMove]:
    """What came into a drawer and left it other than by sales, in order."""
    return await takings.cash_moves(tx, shift_id)


async def shifts_of_day(tx: Tx, store_id: organisation.StoreId, day: date) -> list[Shift]:
    """The shifts of a store's business day, by till."""
    return await store.shifts_of_day(tx, store_id, day)


async def close_day(tx: Tx, store_id: organisation.StoreId, day: date) -> list[Shift]:
    """Hold a business day that is about to be closed. Raises NoSuchBusinessDay, BusinessDayClosed, ShiftsStillOpen."""
    state = await store.lock_day(tx, store_id, day)
    if state is None:
        raise NoSuchBusinessDay(day)
    if state is DayState.CLOSED:
        raise BusinessDayClosed(day)
    found = await store.shifts_of_day(tx, store_id, day)
    still_open = sum(one.state is ShiftState.OPEN for one in found)
    if still_open:
        raise ShiftsStillOpen(still_open)
    return found


async def keep_day(tx: Tx, store_id: organisation.StoreId, day: date, report: bytes) -> None:
    """Close a business day that is held, and keep its report (JSON) as it was. Raises BusinessDayClosed."""
    if not await store.close_day(tx, store_id, day, report):
        raise BusinessDayClosed(day)
    tx.note("till.close_day", "store", store_id, after={"business_date": day})
    tx.tell(BusinessDayEnded(store_id=store_id, business_date=day))


async def kept_day(tx: Tx, store_id: organisation.StoreId, day: date) -> bytes | None:
    """The report of a business day that was closed, as it was then."""
    return await store.day_report(tx, store_id, day)


async def shifts_open_too_long(tx: Tx) -> list[Shift]:
    """Shifts that are open for longer than the brand's tills should be, the longest first."""
    hours = (await organisation.settings_of(tx, TILL)).late_after_hours
    return await store.late_open(tx, tx.now - timedelta(hours=hours))


async def days_left_open(tx: Tx) -> list[tuple[UUID, date, datetime]]:
    """Business days before yesterday that nobody closed: store, day, and since when nothing moved; the oldest first."""
    yesterday = date.fromordinal(tx.tenant.business_date(tx.now).toordinal() - 1)
    return await store.open_days(tx, yesterday)


async def check_drawer(tx: Tx, shift: Shift, minor: int) -> None:
    """Raises DrawerShort where less should be in the drawer than is to leave it."""
    inside = await drawer_minor(tx, shift)
    if minor > inside:
        raise DrawerShort(minor, inside)


async def _late(tx: Tx, till_id: organisation.TouchpointId, at: organisation.Store) -> Shift:
    """The late shift of today; where today was closed already, that of the next day."""
    day = tx.tenant.business_date(tx.now)
    while await store.begin_day(tx, at.store_id, day) is DayState.CLOSED:
        day = date.fromordinal(day.toordinal() + 1)
    fresh = Shift(
        shift_id=ShiftId(new_id()),
        till_id=till_id,
        store_id=at.store_id,
        business_date=day,
        currency=at.currency,
        kind=ShiftKind.LATE,
        state=ShiftState.CLOSED,
        opened_by=tx.by.id,
        held_by=tx.by.id,
        opened_at=tx.now,
        float_minor=0,
    )
    found = await store.late_shift(tx, fresh)
    if found is None:
        raise NoSuchShift(fresh.shift_id)
    return found


async def _locked(tx: Tx, shift_id: ShiftId) -> Shift:
    found = await store.lock_shift(tx, shift_id)
    if found is None:
        raise NoSuchShift(shift_id)
    if found.state is ShiftState.CLOSED:
        raise ShiftClosed(shift_id)
    return found


def _place(row: Shift) -> tuple[datetime, UUID]:
    return row.opened_at, row.shift_id
