"""A sale of which a provider takes a part: it waits, and nothing leaves before the money came."""

from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.franchise import collects, open_franchise
from shop.till import FLOAT_MINOR, TillShop, open_till_shop

SPLIT = [payments.TenderWish("cash", 5_000), payments.TenderWish("sandbox")]


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def wrong(counter: TillShop) -> list[object]:
    async with counter.shop.database.reading(counter.shop.tenant, snapshot=True) as tx:
        return [*await payments.checks(tx), *await orders.checks(tx)]


async def provider_pays(counter: TillShop, sold: orders.Sold, *, payee: UUID | None = None) -> None:
    told = payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=counter.shop.merchant.merchant_id,
        payee=payee,
        provider="sandbox",
        payment_id=sold.waiting[0],
        transaction_no=f"T{sold.waiting[0].hex}",
        amount=Money(sold.order.total_minor - sold.order.paid_minor, "CNY"),
        at=utc_now(),
    )

    async def work(tx: Tx) -> None:
        await orders.notice_arrived(tx, told)

    await counter.do(work)


async def report(counter: TillShop) -> orders.DayReport:
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        return await orders.day_report(tx, counter.till.at, counter.shift.business_date)


async def test_it_is_handed_over_when_the_provider_took_its_part(counter: TillShop) -> None:
    before = await counter.stock(counter.shop.skus[0])
    sold = await counter.sell(1, tenders=SPLIT)
    assert (sold.order.state, sold.order.paid_minor, len(sold.waiting)) == (orders.State.PLACED, 5_000, 1)
    assert await counter.stock(counter.shop.skus[0]) == before
    await provider_pays(counter, sold)
    order = await counter.shop.order(sold.order.order_id)
    assert (order.state, order.paid_minor) == (orders.State.PAID, PRICE_MINOR)

    async def finish(tx: Tx) -> orders.Order:
        return await orders.hand_over(tx, order.order_id)

    await counter.do(finish)
    assert (await counter.shop.order(order.order_id)).state is orders.State.COMPLETED
    assert await counter.stock(counter.shop.skus[0]) == before - 1000
    day = await report(counter)
    assert (day.agrees, day.by_providers_minor, day.sold.total_minor) == (True, PRICE_MINOR - 5_000, PRICE_MINOR)
    assert await wrong(counter) == []


async def test_where_the_operator_collects_the_provider_s_part_is_the_operator_s(shop: Shop) -> None:
    franchise = await open_franchise(shop)
    await collects(shop, collects="operator")
    shop.stores.insert(0, franchise.store)
    counter = await open_till_shop(shop)
    sold = await counter.sell(1, tenders=SPLIT)
    async with shop.database.reading(shop.tenant) as tx:
        waiting = await payments.payment_of(tx, sold.waiting[0])
    assert waiting.payee == franchise.payee
    assert franchise.merchant is not None
    shop.merchant = franchise.merchant
    await provider_pays(counter, sold, payee=franchise.payee)

    async def finish(tx: Tx) -> None:
        await orders.hand_over(tx, sold.order.order_id)
        await orders.refund_order(tx, sold.order.order_id)

    await counter.do(finish)
    order = await shop.order(sold.order.order_id)
    assert (order.state, order.refunded_minor) == (orders.State.COMPLETED, PRICE_MINOR)
    assert await wrong(counter) == []


async def test_called_off_the_cash_goes_back_over_the_counter(counter: TillShop) -> None:
    sold = await counter.sell(1, tenders=SPLIT)

    async def cancel(tx: Tx) -> orders.Order:
        return await orders.cancel_waiting(tx, counter.till, sold.order.order_id, reason="changed her mind")

    await counter.do(cancel)
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR
    assert await counter.stock(counter.shop.skus[0]) == 100_000
    day = await report(counter)
    assert (day.agrees, day.sold.sales) == (True, 0)
    await provider_pays(counter, sold)
    assert (await counter.shop.order(sold.order.order_id)).state is orders.State.CANCELLED
    assert await wrong(counter) == []
    with pytest.raises(orders.OrderNotMovable):
        await counter.do(cancel)


async def test_nobody_pays_in_time_and_it_ends_by_itself(counter: TillShop) -> None:
    sold = await counter.sell(1, tenders=SPLIT)

    async def expire(tx: Tx) -> bool:
        return await orders.expire_order(tx, sold.order.order_id)

    shop = counter.shop
    assert await shop.database.attempt(shop.tenant, expire, now=utc_now() + timedelta(minutes=16))
    assert (await shop.order(sold.order.order_id)).refunded_minor == 5_000
    assert await counter.stock(shop.skus[0]) == 100_000
    assert await wrong(counter) == []
