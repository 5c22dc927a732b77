"""How an order ends: handed over, called off, or never paid."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import bundles, rules, store
from midstage.middle.orders.facts import OrderCancelled, OrderCompleted, OrderExpired, PartHandedOver
from midstage.middle.orders.refund import give_back
from midstage.middle.orders.sale import book_sale
from midstage.middle.orders.types import (
    Line,
    NoSuchOrder,
    Order,
    OrderId,
    OrderNotMovable,
    Part,
    PartState,
    State,
)
from midstage.middle.payments import api as payments


async def cancel_order(tx: Tx, order_id: OrderId, *, reason: str = "") -> Order:
    """Call off an order of which nothing has left; the stock is free again and what was paid goes back.

    Raises NoSuchOrder, OrderNotMovable, OrderChanged.
    """
    order = await _locked(tx, order_id)
    rules.check_move(order.state, State.CANCELLED)
    parts = await store.parts(tx, order_id)
    if any(part.state is PartState.HANDED_OVER for part in parts):
        raise OrderNotMovable("partly_handed_over", State.CANCELLED.value)
    owed = max(0, order.paid_minor - order.refunded_minor)
    if order.state is State.PLACED:
        await payments.close_payment(tx, order_id)
    if owed:
        await give_back(tx, order, None, reason=reason or "order cancelled")
        order = replace(order, refunded_minor=order.paid_minor, version=order.version + 1)
    store.move(tx, order, State.CANCELLED, reason=reason)
    await store.move_parts(tx, order_id, [part.part_no for part in parts], PartState.CANCELLED)
    await inventory.end_reservation(tx, order_id, inventory.Outcome.CANCELLED)
    tx.tell(OrderCancelled(order_id=order_id, by=tx.by.kind, refunded_minor=owed))
    return replace(order, state=State.CANCELLED, version=order.version + 1, closed_at=tx.now)


async def expire_order(tx: Tx, order_id: OrderId) -> bool:
    """End an order that nobody paid in time; False if it was paid, cancelled or given more time meanwhile.

    What came of it (some of several payments, an amount that a person accepted) goes back by itself.
    """
    order = await store.lock(tx, order_id)
    if order is None or order.state is not State.PLACED or order.expires_at is None or order.expires_at > tx.now:
        return False
    parts = await store.parts(tx, order_id)
    await payments.close_payment(tx, order_id)
    if order.paid_minor > order.refunded_minor:
        await give_back(tx, order, None, reason="not paid in full in time")
        order = replace(order, refunded_minor=order.paid_minor, version=order.version + 1)
    store.move(tx, order, State.EXPIRED)
    await store.move_parts(tx, order_id, [part.part_no for part in parts], PartState.CANCELLED)
    await inventory.end_reservation(tx, order_id, inventory.Outcome.EXPIRED)
    tx.tell(OrderExpired(order_id=order_id))
    return True


async def due(tx: Tx, *, limit: int = 100) -> list[OrderId]:
    """The orders that nobody paid in time; each is then expired in a transaction of its own."""
    return await store.due(tx, limit)


async def hand_over(tx: Tx, order_id: OrderId, part_nos: Sequence[int] | None = None) -> Order:
    """The goods of these parts (all, if not said) are in the shopper's or courier's hands.

    With the last part the order is completed and its sale is booked. Parts that were handed over before stay so.
    Raises NoSuchOrder, OrderNotMovable, OrderChanged.
    """
    order = await _locked(tx, order_id)
    if order.state is not State.PAID:
        raise OrderNotMovable(order.state.value, State.COMPLETED.value)
    parts = await store.parts(tx, order_id)
    leaving = [
        part for part in parts if part.state is PartState.WAITING and (part_nos is None or part.part_no in part_nos)
    ]
    if leaving:
        await _take_from_stock(tx, order, leaving)
    if all(part.state is not PartState.WAITING or part in leaving for part in parts):
        await _complete(tx, order)
    return order


async def _take_from_stock(tx: Tx, order: Order, leaving: Sequence[Part]) -> None:
    lines = await store.lines(tx, order.order_id)
    await store.move_parts(tx, order.order_id, [part.part_no for part in leaving], PartState.HANDED_OVER)
    places = {part.part_no: part.location_id for part in leaving}
    only = [
        (places[part_no], sku_id)
        for line in lines
        for sku_id, part_no, _ in bundles.goods_of(line)
        if part_no in places
    ]
    promised = await inventory.end_reservation(tx, order.order_id, inventory.Outcome.HANDED_OVER, only=only)
    if not promised:
        await _take_unpromised(tx, order, lines, places)
    for part in leaving:
        tx.tell(PartHandedOver(order_id=order.order_id, part_no=part.part_no, location_id=part.location_id))


async def _take_unpromised(
    tx: Tx, order: Order, lines: Sequence[Line], places: Mapping[int, inventory.LocationId]
) -> None:
    """Goods that lay on a counter while a provider took the money: nothing was promised, and they leave all the same."""
    for part_no, location in places.items():
        milli: dict[inventory.SkuId, int] = {}
        for sku_id, of_part, quantity in (goods for line in lines for goods in bundles.goods_of(line)):
            if of_part == part_no:
                milli[sku_id] = milli.get(sku_id, 0) + quantity
        if milli:
            await inventory.sell_through(tx, location, milli, reference=order.order_id)


async def _complete(tx: Tx, order: Order) -> None:
    store.move(tx, order, State.COMPLETED)
    await book_sale(tx, order, order.paid_minor - order.refunded_minor)
    tx.tell(OrderCompleted(order_id=order.order_id))


async def _locked(tx: Tx, order_id: OrderId) -> Order:
    order = await store.lock(tx, order_id)
    if order is None:
        raise NoSuchOrder
    return order
