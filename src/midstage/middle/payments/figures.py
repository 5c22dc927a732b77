"""What a shift comes to, by our tenders and by the ledger."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.ledger import api as ledger
from midstage.middle.payments import drawer
from midstage.middle.payments.store import takings
from midstage.middle.payments.till_types import CASH, CashKind, MethodFigures, Shift, ShiftFigures, ShiftId


async def shift_figures(tx: Tx, shifts: Sequence[Shift]) -> list[ShiftFigures]:
    """Of each shift what was taken and given back, and what should lie in its drawer. Three statements, however many."""
    ids = [shift.shift_id for shift in shifts]
    by_shift = await takings.tender_sums(tx, ids)
    moves = await takings.cash_sums(tx, ids)
    accounts: dict[tuple[UUID, str], ledger.AccountId] = {
        (shift.shift_id, method): drawer.till_account(tx.brand, method, shift.shift_id, shift.currency)
        for shift in shifts
        for method in {CASH, *(sums.method for sums in by_shift[shift.shift_id])}
    }
    found = await ledger.balances(tx, list(accounts.values()))
    # What the brand has stands below zero.
    kept = {key: -found[account].amount for key, account in accounts.items()}
    return [_figures(shift, by_shift[shift.shift_id], moves, kept) for shift in shifts]


async def drawer_minor(tx: Tx, shift: Shift) -> int:
    """What should lie in the drawer of a shift, by our tenders."""
    return (await shift_figures(tx, [shift]))[0].drawer_minor


def _figures(
    shift: Shift,
    tenders: Sequence[takings.TenderSums],
    moves: dict[tuple[UUID, CashKind], int],
    kept: dict[tuple[UUID, str], int],
) -> ShiftFigures:
    methods = [
        MethodFigures(
            one.method,
            one.taken,
            one.taken_minor,
            one.given_back,
            one.given_back_minor,
            kept[shift.shift_id, one.method],
        )
        for one in tenders
    ]
    paid_in, paid_out, dropped, refunded = (
        abs(moves.get((shift.shift_id, kind), 0))
        for kind in (CashKind.PAID_IN, CashKind.PAID_OUT, CashKind.DROP, CashKind.REFUND)
    )
    cash = sum(one.taken_minor - one.given_back_minor for one in methods if one.method == CASH)
    return ShiftFigures(
        shift=shift,
        methods=methods,
        paid_in_minor=paid_in,
        paid_out_minor=paid_out,
        dropped_minor=dropped,
        refunded_minor=refunded,
        drawer_minor=shift.float_minor + cash + paid_in - paid_out - dropped - refunded,
        ledger_drawer_minor=kept[shift.shift_id, CASH],
    )


async def taken_by_order(tx: Tx, shift_ids: Sequence[ShiftId]) -> dict[UUID, int]:
    """What these shifts took by hand for each order, in minor units."""
    return await takings.taken_by_order(tx, shift_ids)
