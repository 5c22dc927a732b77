"""What a completed sale moves in the ledger, forth and back: out of the deposits of whoever collected it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.ledger import api as ledger
from midstage.middle.orders.types import Kind, Order
from midstage.middle.payments import api as payments


async def book_sale(tx: Tx, order: Order, amount_minor: int) -> None:
    """The order is completed: what was kept of its deposits is earned by the operator of its store."""
    deposits: dict[UUID | None, int] = {None: amount_minor}
    if _has_payees(order):
        deposits = {}
        for payment in (await payments.payments_of(tx, [order.order_id])).get(order.order_id, []):
            deposits[payment.payee] = deposits.get(payment.payee, 0) + payment.refundable.minor
    await _transfer(tx, f"sale:{order.order_id}", order, deposits, reason="order completed")


async def take_back_sale(tx: Tx, order: Order, refunds: Sequence[payments.Refund], refund_id: UUID) -> None:
    """What was booked as sold becomes deposits again; the refunds are paid out of these."""
    payee_of: dict[UUID, UUID | None] = {}
    if _has_payees(order):
        due = (await payments.payments_of(tx, [order.order_id])).get(order.order_id, [])
        payee_of = {payment.payment_id: payment.payee for payment in due}
    deposits: dict[UUID | None, int] = {}
    for refund in refunds:
        payee = payee_of.get(refund.payment_id)
        deposits[payee] = deposits.get(payee, 0) + refund.amount.minor
    await _transfer(tx, f"unsale:{refund_id}", order, deposits, reason="sale taken back", back=True)


async def book_sale_again(tx: Tx, order: Order, failed: payments.Refund) -> None:
    """A refund of a completed order did not go through: what was kept for it is earned after all."""
    payee = (await payments.payment_of(tx, failed.payment_id)).payee if _has_payees(order) else None
    await _transfer(tx, f"resale:{failed.refund_id}", order, {payee: failed.amount.minor}, reason="refund failed")


async def book_sale_beyond(
    tx: Tx, order: Order, payment_id: payments.PaymentId, accepted: payments.Discrepancy
) -> None:
    """More came for a completed order than was due, as a person has seen: it is earned until it goes back."""
    payee = (await payments.payment_of(tx, payment_id)).payee if _has_payees(order) else None
    await _transfer(
        tx, f"beyond:{accepted.discrepancy_id}", order, {payee: accepted.got.minor}, reason="amount accepted"
    )


def _has_payees(order: Order) -> bool:
    return order.collecting is not None and bool(order.collecting.payees)


async def _transfer(
    tx: Tx, key: str, order: Order, deposits: Mapping[UUID | None, int], *, reason: str, back: bool = False
) -> None:
    if order.kind is Kind.IMPORTED:  # the ledger never saw what was paid elsewhere
        return
    sales = ledger.account_id(tx.brand, "sales", order.operator_id, order.currency)
    postings: list[ledger.Posting] = []
    for payee, minor in deposits.items():
        deposit = payments.deposits_account(tx.brand, order.currency, payee)
        source, destination = (sales, deposit) if back else (deposit, sales)
        if minor > 0:
            postings.append(ledger.Posting(source, destination, asset=order.currency, amount=minor))
    if postings:
        await ledger.transfer(tx, key, postings, reason=reason, reference=order.order_id)
