"""Book money that came: told by a provider, or taken by hand."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import booking, discrepancies, refunding, rules, store
from midstage.middle.payments.facts import PaymentCameLate, PaymentCameTwice, PaymentFlagged
from midstage.middle.payments.refusals import (
    AmountNotDue,
    NoSuchPayment,
    NoticeOfAnother,
    PaymentNotOpen,
    WrongNotice,
)
from midstage.middle.payments.rules import Verdict
from midstage.middle.payments.types import (
    Booked,
    DiscrepancyKind,
    Notice,
    NoticeKind,
    Payment,
    PaymentId,
    PaymentState,
    TenderId,
)


async def book_paid(tx: Tx, notice: Notice) -> Booked:
    """Book what a provider told of, once: one conditional statement, and the ledger.

    `first` says whether this made the payment paid. Told again: nothing happens. Another amount than was due:
    nothing is booked, the payment is flagged and a discrepancy waits for a person. Paid a second time by another
    transaction: booked, and a refund of it asked for at once. After closing: booked, and `late`.
    Raises NoSuchPayment, NoticeOfAnother, TransactionTaken, WrongNotice.
    """
    if notice.kind is not NoticeKind.PAID:
        raise WrongNotice(notice.kind.value)
    return await _first(tx, notice) or await _not_first(tx, notice)


async def book_taken(
    tx: Tx,
    payment_id: PaymentId,
    *,
    method: str,
    amount: Money,
    reference: str | None = None,
    at: datetime | None = None,
) -> Booked:
    """Book what was taken by hand (cash, a card terminal) for an open payment: the very amount that is due.

    Change is given before calling. Raises PaymentNotOpen where it is paid already, AmountNotDue.
    """
    rules.check_method(method)
    payment = await store.lock_payment(tx, payment_id)
    if payment is None:
        raise NoSuchPayment(payment_id)
    if amount != payment.due:
        raise AmountNotDue(amount.minor, payment.due_minor, payment.currency)
    if payment.paid_minor:
        raise PaymentNotOpen(payment_id, state=payment.state.value)
    tender_id = TenderId(new_id())
    owe = await store.book_taken(tx, payment, tender_id=tender_id, method=method, reference=reference, at=at or tx.now)
    if owe is None:
        raise PaymentNotOpen(payment_id, state=payment.state.value)
    await booking.paid(
        tx,
        tender_id,
        payment.order_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        method=method,
        merchant_id=None,
        payee=payment.payee,
    )
    return Booked(
        payment_id,
        payment.order_id,
        amount,
        first=True,
        state=PaymentState.PAID,
        paid_minor=amount.minor,
        late=payment.state is PaymentState.CLOSED,
        others_owe_minor=owe,
        tender_id=tender_id,
    )


async def _first(tx: Tx, notice: Notice) -> Booked | None:
    tender_id = TenderId(new_id())
    moved = await store.book_paid(tx, notice, tender_id)
    if moved is None:
        return None
    order_id, was, others_owe = moved
    await _to_ledger(tx, notice, tender_id, order_id)
    late = was is PaymentState.CLOSED
    if late:
        tx.tell(
            PaymentCameLate(
                order_id=order_id,
                payment_id=notice.payment_id,
                amount_minor=notice.amount.minor,
                currency=notice.amount.currency,
            )
        )
    if was is not PaymentState.OPEN:
        await store.correct_discrepancies(tx, notice.payment_id, notice.transaction_no)
    return Booked(
        notice.payment_id,
        order_id,
        notice.amount,
        first=True,
        state=PaymentState.PAID,
        paid_minor=notice.amount.minor,
        late=late,
        others_owe_minor=others_owe,
    )


async def _not_first(tx: Tx, notice: Notice) -> Booked:
    payment = await store.lock_payment(tx, notice.payment_id)
    if payment is None:
        raise NoSuchPayment(notice.payment_id)
    if notice.payee != payment.payee:
        raise NoticeOfAnother(notice.payment_id)
    if payment.paid_minor == 0 and notice.amount == payment.due:
        # It was opened, or given back to the shopper to pay, between the two statements.
        booked = await _first(tx, notice)
        if booked is not None:
            return booked
    verdict = rules.judge(payment, notice, await store.tenders_of(tx, [payment.payment_id]))
    if verdict is Verdict.DIFFERS:
        return await _flag(tx, payment, notice)
    if verdict is Verdict.AGAIN:
        return _booked(payment, notice, first=False, state=payment.state)
    return await _beyond(tx, payment, notice)


async def _flag(tx: Tx, payment: Payment, notice: Notice) -> Booked:
    found = await discrepancies.note(
        tx, DiscrepancyKind.AMOUNT_DIFFERS, notice, payment_id=payment.payment_id, expected=payment.due
    )
    state = payment.state
    if await store.flag_payment(tx, payment.payment_id):
        state = PaymentState.FLAGGED
    if found is not None:
        tx.tell(
            PaymentFlagged(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                discrepancy_id=found,
                expected_minor=payment.due_minor,
                got_minor=notice.amount.minor,
                currency=notice.amount.currency,
            )
        )
    return _booked(payment, notice, first=False, state=state)


async def _beyond(tx: Tx, payment: Payment, notice: Notice) -> Booked:
    """Money on top of money: completes a payment that holds a wrong amount, or goes back by itself."""
    tender_id = TenderId(new_id())
    await store.book_extra(tx, notice, tender_id, PaymentState.PAID)
    await _to_ledger(tx, notice, tender_id, payment.order_id)
    if payment.state is PaymentState.FLAGGED:
        await store.correct_discrepancies(tx, payment.payment_id, notice.transaction_no)
        completed = _booked(payment, notice, first=True, state=PaymentState.PAID, more=notice.amount.minor)
        return msgspec.structs.replace(completed, others_owe_minor=await store.others_owe(tx, payment))
    await discrepancies.note(
        tx, DiscrepancyKind.PAID_TWICE, notice, payment_id=payment.payment_id, expected=Money(0, notice.amount.currency)
    )
    (refund,) = await refunding.request_refund(
        tx,
        payment.payment_id,
        notice.amount,
        reason="paid_twice",
        key=f"paid-twice/{notice.merchant_id}/{notice.transaction_no}",
        only=tender_id,
    )
    tx.tell(
        PaymentCameTwice(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            refund_id=refund.refund_id,
            amount_minor=notice.amount.minor,
            currency=notice.amount.currency,
        )
    )
    booked = _booked(payment, notice, first=False, state=payment.state, more=notice.amount.minor)
    return msgspec.structs.replace(booked, refund_id=refund.refund_id)


def _booked(payment: Payment, notice: Notice, *, first: bool, state: PaymentState, more: int = 0) -> Booked:
    return Booked(
        payment.payment_id,
        payment.order_id,
        notice.amount,
        first=first,
        state=state,
        paid_minor=payment.paid_minor + more,
    )


async def _to_ledger(tx: Tx, notice: Notice, tender_id: TenderId, order_id: UUID) -> None:
    await booking.paid(
        tx,
        tender_id,
        order_id,
        amount_minor=notice.amount.minor,
        currency=notice.amount.currency,
        method=notice.provider,
        merchant_id=notice.merchant_id,
        payee=notice.payee,
    )
