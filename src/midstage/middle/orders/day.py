"""The end of a store's business day: what its tills sold, took back and took in, held against the ledger."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.orders.day_types import DayReport, MethodSums, Returned, Sums, TillDay
from midstage.middle.orders.store import day as store
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

S = TypeVar("S", bound=msgspec.Struct)


async def day_report(tx: Tx, at: organisation.Store, day: date) -> DayReport:
    """A business day as it stands; one that was closed as it was then. Raises payments.NoSuchBusinessDay."""
    kept = await payments.kept_day(tx, at.store_id, day)
    if kept is not None:
        return msgspec.json.decode(kept, type=DayReport)
    shifts = await payments.shifts_of_day(tx, at.store_id, day)
    if not shifts:
        raise payments.NoSuchBusinessDay(day)
    return await _report(tx, at, day, shifts, closed=False)


async def end_day(tx: Tx, at: organisation.Store, day: date) -> DayReport:
    """Close a business day whose drawers were all counted, and keep its report. Nothing is added to it afterwards.

    Raises payments.NoSuchBusinessDay, BusinessDayClosed, ShiftsStillOpen.
    """
    shifts = await payments.close_day(tx, at.store_id, day)
    report = await _report(tx, at, day, shifts, closed=True)
    await payments.keep_day(tx, at.store_id, day, msgspec.json.encode(report))
    return report


async def _report(
    tx: Tx, at: organisation.Store, day: date, shifts: Sequence[payments.Shift], *, closed: bool
) -> DayReport:
    figures = await payments.shift_figures(tx, shifts)
    sold = await store.sold(tx, at.store_id, day)
    returned = await store.returned(tx, at.store_id, day)
    taken = sum(one.taken_minor for shift in figures for one in shift.methods)
    paid = await store.paid(tx, at.store_id, day)
    by_providers = await _by_providers(tx, [shift.shift_id for shift in shifts], paid)
    whole_sold, whole_returned = _add(Sums, list(sold.values())), _add(Returned, list(returned.values()))
    tills = sorted({shift.till_id for shift in shifts} | set(sold) | set(returned))
    loose = sum(shift.refunded_minor for shift in figures)
    return DayReport(
        store_id=at.store_id,
        business_date=day,
        currency=at.currency,
        closed=closed,
        sold=whole_sold,
        returned=whole_returned,
        net_minor=whole_sold.total_minor - whole_returned.amount_minor,
        methods=_methods(figures),
        by_providers_minor=by_providers,
        counted_difference_minor=sum(shift.difference_minor or 0 for shift in shifts),
        open_shifts=sum(shift.state is payments.ShiftState.OPEN for shift in shifts),
        tills=[
            TillDay(
                till_id=till_id,
                sold=sold.get(till_id, Sums()),
                returned=returned.get(till_id, Returned()),
                shifts=[one for one in figures if one.shift.till_id == till_id],
            )
            for till_id in tills
        ],
        agrees=all(one.agrees for one in figures)
        and taken + by_providers == sum(minor for _, minor in paid)
        and loose == whole_returned.loose_minor,
    )


async def _by_providers(tx: Tx, shift_ids: Sequence[payments.ShiftId], paid: Sequence[tuple[UUID, int]]) -> int:
    """What providers took, by their payments: only of the sales that hands did not pay whole."""
    by_hand = await payments.taken_by_order(tx, shift_ids)
    rest = [order_id for order_id, minor in paid if minor != by_hand.get(order_id, 0)]
    due = await payments.payments_of(tx, rest) if rest else {}
    return sum(
        sum(payment.paid_minor for payment in found) - by_hand.get(order_id, 0) for order_id, found in due.items()
    )


def _methods(figures: Sequence[payments.ShiftFigures]) -> list[MethodSums]:
    sums: dict[str, tuple[int, int]] = {}
    for shift in figures:
        for one in shift.methods:
            taken, back = sums.get(one.method, (0, 0))
            sums[one.method] = (taken + one.taken_minor, back + one.given_back_minor)
    return [MethodSums(method, taken, back, taken - back) for method, (taken, back) in sorted(sums.items())]


def _add(kind: type[S], parts: Sequence[S]) -> S:
    return kind(**{name: sum(getattr(part, name) for part in parts) for name in kind.__struct_fields__})
