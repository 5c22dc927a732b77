"""Money that a person takes, or vouches for."""

from datetime import datetime

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.orders import rules, store
from midstage.middle.orders.paid import become_paid
from midstage.middle.orders.pay import promised_again
from midstage.middle.orders.sale import book_sale_beyond
from midstage.middle.orders.types import NoSuchOrder, Order, OrderId, OrderNotMovable, State
from midstage.middle.payments import api as payments


async def take_payment(
    tx: Tx,
    order_id: OrderId,
    method: str,
    amount: Money,
    *,
    reference: str | None = None,
    payment_id: payments.PaymentId | None = None,
    part: bool = False,
    at: datetime | None = None,
) -> Order:
    """Take what is due for an order by hand (cash, a card terminal): the order is paid with the last of its payments.

    Of several payments it is the one of `payment_id`, else the first open one of this amount. With `part` less may be
    taken than is due: it becomes a payment of its own (of `payment_id`, else of the first that is larger), the rest
    stays due. If the order expired in the meantime its goods are promised again. Where they are gone, or the order
    was cancelled or paid before, nothing is taken: unlike a provider's, this money is still in the shopper's hand.
    Raises NoSuchOrder, OrderNotMovable, OrderChanged, and what payments.book_taken and payments.cut_payment raise.
    """
    order = await _locked(tx, order_id)
    rules.check_move(order.state, State.PAID)
    due = (await payments.payments_of(tx, [order_id])).get(order_id)
    if not due:
        raise payments.NothingToPay(order.total_minor)
    chosen = rules.choose_payment(due, amount, payment_id)
    if part and chosen.due_minor > amount.minor and order.state is State.PLACED:
        taken_of = await payments.cut_payment(tx, chosen.payment_id, amount)
    else:
        taken_of = chosen.payment_id
    booked = await payments.book_taken(tx, taken_of, method=method, amount=amount, reference=reference, at=at)
    paid_minor = order.paid_minor + amount.minor
    if order.state is State.PLACED and not booked.complete:
        await store.note_paid(tx, order_id, paid_minor)
        return replace(order, paid_minor=paid_minor)
    if order.state is State.EXPIRED and not (booked.complete and await promised_again(tx, order)):
        raise OrderNotMovable(order.state.value, State.PAID.value)
    return await become_paid(tx, order, paid_minor)


async def accept_amount(
    tx: Tx, payment_id: payments.PaymentId, discrepancy_id: payments.DiscrepancyId, *, note: str
) -> payments.Discrepancy:
    """Another amount than was due did arrive, as a person has seen: the order holds it, so that it can go back.

    The order is not paid by it. `payment_id` is whose discrepancy it is, so that the order is held first.
    Raises NoSuchOrder, and what payments.accept_amount raises.
    """
    order = await _locked(tx, OrderId(await payments.order_of(tx, payment_id)))

    async def keep(tx: Tx, accepted: payments.Discrepancy) -> None:
        await store.note_paid(tx, order.order_id, order.paid_minor + accepted.got.minor)
        if order.state is State.COMPLETED:
            await book_sale_beyond(tx, order, payment_id, accepted)

    return await payments.accept_amount(tx, payment_id, discrepancy_id, note=note, keep=keep)


async def _locked(tx: Tx, order_id: OrderId) -> Order:
    order = await store.lock(tx, order_id)
    if order is None:
        raise NoSuchOrder
    return order
