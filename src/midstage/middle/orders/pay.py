"""Money arrives: in time, twice, late, or for an order that is gone."""

from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import rules, store
from midstage.middle.orders.facts import OrderPaid
from midstage.middle.orders.types import Line, Order, OrderChanged, OrderId, Part, State
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments


async def notice_arrived(tx: Tx, notice: payments.Notice) -> None:
    """Take whatever a provider says, verified: a payment, an authorisation, a refund that came through or did not."""
    match notice.kind:
        case payments.NoticeKind.PAID:
            await payment_arrived(tx, notice)
        case payments.NoticeKind.REFUNDED | payments.NoticeKind.REFUND_FAILED:
            await payments.book_refunded(tx, notice)
        case payments.NoticeKind.AUTHORISED:
            await payments.book_authorised(tx, notice)
        case payments.NoticeKind.CLOSED:
            pass  # our own clock ends the order; money that comes all the same is given back


async def payment_arrived(tx: Tx, notice: payments.Notice) -> Order | None:
    """Take a provider's word that a payment was made. Returns the order, or None where nothing is to be done.

    The same notice again changes nothing. If the order expired in the meantime its goods are promised again in one
    statement, and where they are gone, or the order was cancelled, the money is given back by itself.
    """
    order_id = await payments.order_of(tx, notice.payment_id)
    order = await store.lock(tx, OrderId(order_id))
    if order is None:
        return None
    booked = await payments.book_paid(tx, notice)
    if not booked.first or not booked.settled:
        return order  # a repeated notice, or one whose amount is a discrepancy for a person
    if order.state is State.PLACED or (order.state is State.EXPIRED and await _promised_again(tx, order)):
        return await _paid(tx, order, booked.paid_minor)
    await _give_back(tx, order, booked)
    return order


async def _paid(tx: Tx, order: Order, paid_minor: int) -> Order:
    rules.check_move(order.state, State.PAID)
    shopper = await members.shopper(tx, order.member_id) if order.member_id else None
    bound = shopper or await organisation.virtual(tx)
    crediting = rules.credit(order, bound, referrer=shopper.referrer_id if shopper else None)
    if not await store.move_paid(tx, order, crediting, paid_minor):
        raise OrderChanged
    tx.tell(
        OrderPaid(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=crediting.store_id,
            guide_id=crediting.guide_id,
            touchpoint_id=crediting.touchpoint_id,
            referrer_id=crediting.referrer_id,
            member_id=order.member_id,
            currency=order.currency,
            paid_minor=paid_minor,
            units_milli=order.units_milli,
            placed_at=order.placed_at,
        )
    )
    return order


async def _promised_again(tx: Tx, order: Order) -> bool:
    """Whether the goods of an expired order could be promised anew, all of them."""
    lines = await store.lines(tx, order.order_id)
    parts = {part.part_no: part for part in await store.parts(tx, order.order_id)}
    try:
        async with tx.savepoint():
            await inventory.reserve(tx, order.order_id, wants_of(lines, parts))
    except inventory.StockShort:
        return False
    await store.wait_again(tx, order.order_id)
    return True


def wants_of(lines: list[Line], parts: dict[int, Part]) -> list[inventory.Want]:
    """What an order takes from which location."""
    return [inventory.Want(parts[line.part_no].location_id, line.sku_id, line.quantity_milli) for line in lines]


async def _give_back(tx: Tx, order: Order, booked: payments.Booked) -> None:
    """The order is gone: keep that it was paid, and send the money back."""
    await store.note_paid(tx, order.order_id, order.paid_minor + booked.paid_minor)
    await store.note_refund(tx, order.order_id, booked.paid_minor)
    await payments.request_refund(
        tx,
        booked.payment_id,
        Money(booked.paid_minor, order.currency),
        reason=f"paid after the order was {order.state}",
        key=f"late:{booked.payment_id}",
    )
