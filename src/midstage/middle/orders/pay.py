"""Money arrives: in time, twice, late, or for an order that is gone."""

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import bundles, store
from midstage.middle.orders.paid import become_paid
from midstage.middle.orders.refund import give_back, refund_arrived
from midstage.middle.orders.types import Order, OrderId, State
from midstage.middle.payments import api as payments


async def notice_arrived(tx: Tx, notice: payments.Notice) -> None:
    """Take whatever a provider says, verified: a payment, an authorisation, a refund that came through or did not."""
    match notice.kind:
        case payments.NoticeKind.PAID:
            await payment_arrived(tx, notice)
        case payments.NoticeKind.REFUNDED | payments.NoticeKind.REFUND_FAILED:
            await refund_arrived(tx, notice)
        case payments.NoticeKind.AUTHORISED:
            await payments.book_authorised(tx, notice)
        case payments.NoticeKind.CLOSED:
            pass  # our own clock ends the order; money that comes all the same is given back


async def payment_arrived(tx: Tx, notice: payments.Notice) -> Order | None:
    """Take a provider's word that a payment was made. Returns the order, or None where nothing is to be done.

    The same notice again changes nothing. If the order expired in the meantime its goods are promised again in one
    statement, and where they are gone, or the order was cancelled, the money is given back by itself. An order of
    several payments is paid by the last of them; one that expired before is not, as what had come is on its way back.
    """
    order_id = await payments.order_of(tx, notice.payment_id)
    order = await store.lock(tx, OrderId(order_id))
    if order is None:
        return None
    booked = await payments.book_paid(tx, notice)
    if not booked.first or not booked.settled:
        return order  # a repeated notice, or one whose amount is a discrepancy for a person
    paid_minor = order.paid_minor + booked.amount.minor
    if order.state is State.PLACED and not booked.complete:
        await store.note_paid(tx, order.order_id, paid_minor)
        return replace(order, paid_minor=paid_minor)
    if order.state is State.PLACED or (
        order.state is State.EXPIRED and booked.complete and await promised_again(tx, order)
    ):
        return await become_paid(tx, order, paid_minor)
    return await _return(tx, replace(order, paid_minor=paid_minor))


async def promised_again(tx: Tx, order: Order) -> bool:
    """Whether the goods of an expired order could be promised anew, all of them."""
    lines = await store.lines(tx, order.order_id)
    parts = {part.part_no: part for part in await store.parts(tx, order.order_id)}
    try:
        async with tx.savepoint():
            seller = inventory.Seller(order.sales_channel, order.operator_id)
            await inventory.reserve(tx, order.order_id, bundles.wants_of(lines, parts), seller=seller)
    except inventory.StockShort:
        return False
    await store.wait_again(tx, order.order_id)
    return True


async def _return(tx: Tx, order: Order) -> Order:
    """The order is gone: keep that it was paid, and send the money back."""
    await store.note_paid(tx, order.order_id, order.paid_minor)
    await give_back(tx, order, None, reason=f"paid after the order was {order.state}")
    return replace(order, refunded_minor=order.paid_minor, version=order.version + 1)
