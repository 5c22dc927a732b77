"""Open what is owed for an order, close what nobody will pay, and read what became of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.payments import store
from midstage.middle.payments.refusals import (
    NoSuchPayment,
    PaymentNotOpen,
)
from midstage.middle.payments.splitting import open_payments
from midstage.middle.payments.types import (
    Due,
    Held,
    Payment,
    PaymentId,
    PaymentState,
    Tender,
)


async def open_payment(tx: Tx, order_id: UUID, amount: Money, *, payee: UUID | None, due_at: datetime) -> PaymentId:
    """Note what is due for an order, to whom, and until when. One insert, left to the flush."""
    opened = await open_payments(tx, order_id, [Due(amount, payee)], due_at=due_at)
    return opened.waiting[0]


async def close_payment(tx: Tx, of: PaymentId | UUID) -> None:
    """Nobody is to pay any more, this payment or any of this order: it expired or was called off.

    Money that comes all the same is booked and told as late. Closing twice is closing once. Of several payments those
    that were paid stay so: whoever closes the order gives that money back.
    Raises PaymentNotOpen where all were paid before.
    """
    payments = await store.lock_payments_of(tx, of)
    if payments and all(payment.state is PaymentState.PAID for payment in payments):
        raise PaymentNotOpen(payments[0].payment_id, state=PaymentState.PAID.value)
    await store.close_payments(tx, [payment.payment_id for payment in payments])


async def order_of(tx: Tx, payment_id: PaymentId) -> UUID:
    """The order that a payment is for. Raises NoSuchPayment."""
    order_id = await store.order_of(tx, payment_id)
    if order_id is None:
        raise NoSuchPayment(payment_id)
    return order_id


async def tendered(tx: Tx) -> dict[UUID, int]:
    """What the tenders of each order hold, less what is on its way back, in minor units. For the doctor."""
    return await store.tendered(tx)


async def held(tx: Tx) -> list[Held]:
    """What was collected and not given back of each order, by payee and currency; what the ledger saw. For the doctor."""
    return await store.held(tx)


async def payment_of(tx: Tx, payment_id: PaymentId) -> Payment:
    """One payment. Raises NoSuchPayment."""
    found = await store.read_payment(tx, payment_id)
    if found is None:
        raise NoSuchPayment(payment_id)
    return found


async def payments_of(tx: Tx, order_ids: Sequence[UUID]) -> dict[UUID, list[Payment]]:
    """The payments of orders, oldest first; orders without one are not in the answer."""
    found: dict[UUID, list[Payment]] = {}
    for payment in await store.payments_of(tx, order_ids):
        found.setdefault(payment.order_id, []).append(payment)
    return found


async def tenders_of(tx: Tx, payment_ids: Sequence[PaymentId]) -> list[Tender]:
    """The money that moved for payments, in the order in which it was booked."""
    return await store.tenders_of(tx, payment_ids)
