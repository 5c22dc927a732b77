"""Take money at a till: what was given by hand is booked in one go, with the sale that it is for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.ledger import api as ledger
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import drawer, till_rules
from midstage.middle.payments.provider import providers
from midstage.middle.payments.store import shift as shifts
from midstage.middle.payments.store import takings as store
from midstage.middle.payments.store.payment import open_payment
from midstage.middle.payments.till_policy import TILL
from midstage.middle.payments.till_types import CASH, NoSuchShift, Shift, ShiftState, TenderWish, TillPart
from midstage.middle.payments.types import Payment, PaymentId, PaymentState


async def settle(tx: Tx, at: organisation.Store, total_minor: int, wishes: Sequence[TenderWish]) -> list[TillPart]:
    """How a total is paid at a store's till, to the cent.

    Raises TendersDoNotAddUp, TooLittleGiven, TenderNotTaken, MethodUnknown.
    """
    settings = await organisation.settings_of(tx, TILL, at)
    return till_rules.settle(total_minor, wishes, allowed={*settings.tenders, *providers()})


def settle_taken(total_minor: int, wishes: Sequence[TenderWish]) -> list[TillPart]:
    """How a sale was paid that has happened: whatever was taken is taken, and must come to its total. Pure.

    Raises TendersDoNotAddUp, TooLittleGiven, MethodUnknown.
    """
    return till_rules.settle(total_minor, wishes, allowed={wish.method for wish in wishes})


async def take_at_till(
    tx: Tx,
    shift: Shift,
    order_id: UUID,
    taken: Sequence[TillPart],
    *,
    to: ledger.AccountId,
    at: datetime,
    split: bool = False,
) -> PaymentId | None:
    """Book what was taken for an order: a payment that is paid, its tenders, and the ledger. None for nothing.

    The shift is held; `split` where the order has other payments beside this. Of one that was counted already, what should have been in its drawer becomes more.
    """
    total = sum(one.amount_minor for one in taken)
    if not total:
        return None
    payment_id = PaymentId(new_id())
    postings = drawer.takings(tx, shift, taken, to=to)
    await ledger.transfer(tx, f"till-sale/{payment_id}", postings, reason="till sale", reference=order_id)
    store.write_taken(tx, payment_id, order_id, shift.shift_id, taken, currency=shift.currency, at=at, split=split)
    note_counted(tx, shift, sum(one.amount_minor for one in taken if one.method == CASH))
    return payment_id


def await_provider(
    tx: Tx, order_id: UUID, amount: Money, *, payee: UUID | None, due_at: datetime, split: bool
) -> PaymentId:
    """Note what a provider is to take for a sale of a till; `split` where hands took a part. With the flush."""
    payment = Payment(
        payment_id=PaymentId(new_id()),
        order_id=order_id,
        payee=payee,
        currency=amount.currency,
        due_minor=amount.minor,
        paid_minor=0,
        refunding_minor=0,
        refunded_minor=0,
        state=PaymentState.OPEN,
        opened_at=tx.now,
        due_at=due_at,
        paid_at=None,
        split=split,
    )
    open_payment(tx, payment)
    return payment.payment_id


def note_counted(tx: Tx, shift: Shift, cash_minor: int) -> None:
    """Where cash is told of a shift that was counted: its count was of that much more."""
    if cash_minor and shift.state is ShiftState.CLOSED:
        shifts.expect_more(tx, shift.shift_id, cash_minor, NoSuchShift(shift.shift_id))
