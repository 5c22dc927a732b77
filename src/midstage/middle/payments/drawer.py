"""What happens at a till, in the ledger: which accounts, under which key.

What a shift takes by a method stands on an account of that shift. Cash comes out of the store's safe as the float and
goes back there when it was counted, what is over or short to an account of its own: so the drawer of a closed shift
holds nothing, to the cent. (What the brand has stands below zero, as at every source of money.)
"""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.middle.ledger import api as ledger
from midstage.middle.payments.till_types import CASH, CashKind, Shift, ShiftId, ShiftState, TillPart

SAFE = "store_safe"
OVER_SHORT = "cash_over_short"
INCOME = "till_paid_in"
EXPENSES = "till_paid_out"


def till_account(brand: BrandId, method: str, shift_id: ShiftId, currency: str) -> ledger.AccountId:
    """What a shift took by a method; of cash, what lies in its drawer. Pure."""
    return ledger.account_id(brand, f"till_{method}", shift_id, currency)


def drawer_of(brand: BrandId, shift: Shift) -> ledger.AccountId:
    """The cash of a shift. Pure."""
    return till_account(brand, CASH, shift.shift_id, shift.currency)


async def float_in(tx: Tx, shift: Shift) -> None:
    """The float lies in the drawer."""
    if shift.float_minor:
        await _move(tx, f"till-float/{shift.shift_id}", shift, drawer_of(tx.brand, shift), _of_store(tx, shift, SAFE),
                    shift.float_minor, reason="till float")  # fmt: skip


async def cash_moved(tx: Tx, shift: Shift, move_id: UUID, kind: CashKind, minor: int) -> None:
    """Cash came into the drawer from outside, or left it for there or for the safe."""
    other = {CashKind.PAID_IN: INCOME, CashKind.PAID_OUT: EXPENSES, CashKind.DROP: SAFE}[kind]
    drawer, outside = drawer_of(tx.brand, shift), _of_store(tx, shift, other)
    source, destination = (drawer, outside) if minor > 0 else (outside, drawer)
    await _move(tx, f"till-cash/{move_id}", shift, source, destination, abs(minor), reason=f"till {kind.value}")


async def counted(tx: Tx, shift: Shift, *, expected_minor: int, counted_minor: int) -> None:
    """What was counted goes to the safe, and the difference to over and short."""
    drawer, safe, over = drawer_of(tx.brand, shift), _of_store(tx, shift, SAFE), _of_store(tx, shift, OVER_SHORT)
    postings: list[ledger.Posting] = []
    if counted_minor:
        postings.append(ledger.Posting(safe, drawer, shift.currency, counted_minor))
    difference = counted_minor - expected_minor
    if difference:
        source, destination = (drawer, over) if difference > 0 else (over, drawer)
        postings.append(ledger.Posting(source, destination, shift.currency, abs(difference)))
    if postings:
        await ledger.transfer(
            tx, f"till-count/{shift.shift_id}", postings, reason="till count", reference=shift.shift_id
        )


def takings(tx: Tx, shift: Shift, taken: Sequence[TillPart], *, to: ledger.AccountId) -> list[ledger.Posting]:
    """Money that was taken for an order goes to where the order's money is kept."""
    postings = [
        ledger.Posting(till_account(tx.brand, one.method, shift.shift_id, shift.currency), to, shift.currency, minor)
        for one in taken
        if (minor := one.amount_minor)
    ]
    return [*postings, *after_count(tx, shift, sum(one.amount_minor for one in taken if one.method == CASH))]


def after_count(tx: Tx, shift: Shift, cash_minor: int) -> list[ledger.Posting]:
    """Cash of a shift that was counted before it was told: the count held it, so what was over becomes less."""
    if not cash_minor or shift.state is ShiftState.OPEN:
        return []
    drawer, over = drawer_of(tx.brand, shift), _of_store(tx, shift, OVER_SHORT)
    source, destination = (over, drawer) if cash_minor > 0 else (drawer, over)
    return [ledger.Posting(source, destination, shift.currency, abs(cash_minor))]


def _of_store(tx: Tx, shift: Shift, kind: str) -> ledger.AccountId:
    return ledger.account_id(tx.brand, kind, shift.store_id, shift.currency)


async def _move(
    tx: Tx,
    key: str,
    shift: Shift,
    source: ledger.AccountId,
    destination: ledger.AccountId,
    minor: int,
    *,
    reason: str,
) -> None:
    posting = ledger.Posting(source, destination, shift.currency, minor)
    await ledger.transfer(tx, key, [posting], reason=reason, reference=shift.shift_id)
