"""Money that a person takes by hand, or vouches for."""

from datetime import timedelta

import pytest

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.paging import PageRequest
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import STOCK_MILLI, Shop


async def _take(shop: Shop, placed: orders.PlacedOrder, *, less: int = 0, method: str = "cash") -> orders.Order:
    amount = Money(placed.order.total_minor - less, placed.order.currency)

    async def work(tx: Tx) -> orders.Order:
        return await orders.take_payment(tx, placed.order.order_id, method, amount)

    return await shop.do(work)


async def _expire(shop: Shop, placed: orders.PlacedOrder) -> None:
    async def work(tx: Tx) -> bool:
        return await orders.expire_order(tx, placed.order.order_id)

    assert await shop.do(work, now=utc_now() + timedelta(hours=1))


async def _all_is_proven(shop: Shop) -> None:
    async with shop.database.reading(shop.tenant) as tx:
        assert await orders.checks(tx) == []
        assert await payments.checks(tx) == []


async def test_cash_makes_an_order_paid(shop: Shop) -> None:
    placed = await shop.place(2)
    taken = await _take(shop, placed)
    order = await shop.order(placed.order.order_id)
    assert taken == order
    assert (order.state, order.paid_minor) == (orders.State.PAID, order.total_minor)
    assert order.credited_store_id == shop.store.store_id
    await _all_is_proven(shop)


async def test_cash_is_taken_once_and_only_what_is_due(shop: Shop) -> None:
    placed = await shop.place(1)
    with pytest.raises(payments.AmountNotDue):
        await _take(shop, placed, less=1)
    with pytest.raises(payments.MethodUnknown):
        await _take(shop, placed, method="Cash!")
    await _take(shop, placed)
    with pytest.raises(orders.OrderNotMovable):
        await _take(shop, placed)
    order = await shop.order(placed.order.order_id)
    assert (order.version, order.paid_minor) == (2, order.total_minor)


async def test_cash_after_expiry_promises_the_goods_again(shop: Shop) -> None:
    placed = await shop.place(5)
    await _expire(shop, placed)
    assert (await _take(shop, placed)).state is orders.State.PAID
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 5000
    await _all_is_proven(shop)


async def test_no_cash_is_taken_where_the_goods_are_gone_or_the_order_is(shop: Shop) -> None:
    placed = await shop.place(60)
    await _expire(shop, placed)
    other = await shop.place(60)
    with pytest.raises(orders.OrderNotMovable):
        await _take(shop, placed)

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, other.order.order_id)

    await shop.do(cancel)
    with pytest.raises(orders.OrderNotMovable):
        await _take(shop, other)
    for one in (placed, other):
        assert (await shop.order(one.order.order_id)).paid_minor == 0
    await _all_is_proven(shop)


async def test_an_order_of_nobody_takes_no_cash(shop: Shop) -> None:
    async def work(tx: Tx) -> orders.Order:
        return await orders.take_payment(tx, orders.OrderId(new_id()), "cash", Money(1, "CNY"))

    with pytest.raises(orders.NoSuchOrder):
        await shop.do(work)


async def test_money_that_the_provider_brings_after_the_cash_goes_back(shop: Shop) -> None:
    placed = await shop.place(1)
    await _take(shop, placed)
    order = await shop.pay(placed)
    assert (order.state, order.paid_minor, order.refunded_minor) == (orders.State.PAID, order.total_minor, 0)
    async with shop.database.reading(shop.tenant) as tx:
        (refund,) = await payments.refunds_of_order(tx, order.order_id)
    assert refund.amount.minor == order.total_minor
    await _all_is_proven(shop)


async def test_an_amount_that_a_person_accepts_is_held_by_the_order_and_can_go_back(shop: Shop) -> None:
    placed = await shop.place(1)
    assert placed.payment_id is not None
    payment_id = placed.payment_id
    told = shop.notice(placed, amount=placed.order.total_minor - 100)

    async def tell(tx: Tx) -> None:
        await orders.notice_arrived(tx, told)

    await shop.do(tell)
    async with shop.database.reading(shop.tenant) as tx:
        (found,) = (await payments.discrepancies(tx, payments.DiscrepancyFilters(), PageRequest())).items

    async def accept_of(payment: payments.PaymentId) -> None:
        async def work(tx: Tx) -> None:
            await orders.accept_amount(tx, payment, found.discrepancy_id, note="seen on the statement")

        await shop.do(work)

    other = await shop.place(1)
    assert other.payment_id is not None
    with pytest.raises(payments.NoSuchPaymentDiscrepancy):
        await accept_of(other.payment_id)
    await accept_of(payment_id)
    order = await shop.order(placed.order.order_id)
    assert (order.state, order.paid_minor) == (orders.State.PLACED, order.total_minor - 100)
    await _all_is_proven(shop)

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, order.order_id)

    await shop.do(cancel)
    order = await shop.order(order.order_id)
    assert order.refunded_minor == order.paid_minor == order.total_minor - 100
    async with shop.database.reading(shop.tenant) as tx:
        assert order.order_id not in await inventory.orders_holding(tx)
    await _all_is_proven(shop)
