"""An order that is paid in several payments: one a payee, or parts of a split tender."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import booking, rules, store
from midstage.middle.payments.refusals import AmountNotDue, DueAlready, PaymentNotOpen
from midstage.middle.payments.types import Due, Opened, Payment, PaymentId, PaymentState, Taken, Taking, TenderId


async def open_payments(
    tx: Tx,
    order_id: UUID,
    dues: Sequence[Due],
    *,
    due_at: datetime,
    takings: Sequence[Taking] = (),
    taken_at: datetime | None = None,
) -> Opened:
    """Note what is due for an order, to whom, and until when: a payment a due, in their order.

    `takings` is what a person takes in the same moment (a split tender of a till): it pays the dues one after the
    other, each taking a payment of its own; what it leaves stays due. Inserts wait for the flush; the ledger moves
    once for all takings. The order must be new, or held by the caller.
    Raises NothingToPay, DueAlready, MethodUnknown, AmountNotDue where more is taken than is due.
    """
    for due in dues:
        rules.check_amount(due.amount)
    for taking in takings:
        rules.check_amount(taking.amount)
        rules.check_method(taking.method)
    if due_at <= tx.now:
        raise DueAlready(due_at)
    dealt = rules.deal([due.amount for due in dues], [taking.amount for taking in takings])
    split = len(dealt) > 1
    waiting: list[PaymentId] = []
    taken: list[Taken] = []
    for place, by, minor in dealt:
        due = dues[place]
        payment = _payment(tx, order_id, due.payee, Money(minor, due.amount.currency), due_at=due_at, split=split)
        if by is None:
            store.open_payment(tx, payment)
            waiting.append(payment.payment_id)
            continue
        taking, tender_id = takings[by], TenderId(new_id())
        store.open_taken(
            tx,
            payment,
            tender_id=tender_id,
            method=taking.method,
            reference=taking.reference,
            at=taken_at or tx.now,
        )
        taken.append(Taken(payment.payment_id, tender_id, due.payee, taking.method, payment.due))
    if taken:
        await booking.all_taken(tx, order_id, taken)
    return Opened(waiting, taken)


async def cut_payment(tx: Tx, payment_id: PaymentId, part: Money) -> PaymentId:
    """Make two of an open payment: a new one of `part`, and what is left of the old. Returns the new one.

    The caller holds the order. Raises PaymentNotOpen where it is not open, or was taken to a provider where the
    shopper may be paying all of it this moment; AmountNotDue where it is not more than the part.
    """
    rules.check_amount(part)
    payment = await store.lock_payment(tx, payment_id)
    if payment is None or payment.state is not PaymentState.OPEN:
        raise PaymentNotOpen(payment_id, state="missing" if payment is None else payment.state.value)
    if part.currency != payment.currency or part.minor >= payment.due_minor:
        raise AmountNotDue(part.minor, payment.due_minor, payment.currency)
    part_id = PaymentId(new_id())
    if not await store.cut_payment(tx, payment_id, part_id, part.minor):
        raise PaymentNotOpen(payment_id, state="started")
    return part_id


def _payment(tx: Tx, order_id: UUID, payee: UUID | None, amount: Money, *, due_at: datetime, split: bool) -> Payment:
    return Payment(
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
