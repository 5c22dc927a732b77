"""Looking orders up."""

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.orders import store
from midstage.middle.orders.types import NoSuchOrder, Order, OrderDetail, OrderFilters, OrderId


async def order(tx: Tx, order_id: OrderId) -> Order:
    """One order, without its lines. Raises NoSuchOrder."""
    found = await store.read(tx, order_id)
    if found is None:
        raise NoSuchOrder
    return found


async def order_detail(tx: Tx, order_id: OrderId) -> OrderDetail:
    """One order with lines, parts and history. Raises NoSuchOrder."""
    return await _detail(tx, await order(tx, order_id))


async def order_by_number(tx: Tx, number: str) -> OrderDetail:
    """The order of a number as people read it; small letters and spaces are forgiven. Raises NoSuchOrder."""
    found = await store.read_by_number(tx, number.strip().upper())
    if found is None:
        raise NoSuchOrder
    return await _detail(tx, found)


async def find_orders(tx: Tx, filters: OrderFilters, page: PageRequest) -> Page[Order]:
    """Orders that fit all the filters, newest first."""
    return await store.find(tx, filters, page)


async def _detail(tx: Tx, found: Order) -> OrderDetail:
    return OrderDetail(
        found,
        await store.lines(tx, found.order_id),
        await store.parts(tx, found.order_id),
        await store.steps(tx, found.order_id),
    )
