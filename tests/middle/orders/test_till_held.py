"""Held sales: for any till of the store, once, until the day ends."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import Shop
from shop.till import TillShop, new_till, open_till_shop


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def hold(counter: TillShop, name: str = "红衣服的女士") -> orders.HeldSale:
    cart = orders.HeldCart(lines=[orders.TillLine(barcode=counter.barcodes[0])])

    async def work(tx: Tx) -> orders.HeldSale:
        return await orders.hold_sale(tx, counter.till, cart, name=name)

    return await counter.do(work)


async def recall(counter: TillShop, till: orders.Till, held: orders.HeldSale) -> orders.HeldSale:
    async def work(tx: Tx) -> orders.HeldSale:
        return await orders.recall_sale(tx, till, held.held_id)

    return await counter.do(work)


async def another_till(counter: TillShop, store: organisation.Store) -> orders.Till:
    async def work(tx: Tx) -> orders.Till:
        return await orders.till_of(tx, await new_till(tx, store.store_id))

    return await counter.do(work)


async def test_another_till_of_the_store_takes_it_up(counter: TillShop) -> None:
    held = await hold(counter)
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        assert await orders.held_sales(tx, counter.shop.store.store_id) == [held]
    found = await recall(counter, await another_till(counter, counter.shop.store), held)
    assert found.cart == held.cart
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        assert await orders.held_sales(tx, counter.shop.store.store_id) == []


async def test_of_many_who_recall_at_once_one_gets_it(counter: TillShop) -> None:
    held = await hold(counter)
    found = await asyncio.gather(*(recall(counter, counter.till, held) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, orders.HeldSale) for one in found) == 1
    assert sum(isinstance(one, orders.SaleNotHeld) for one in found) == 7


async def test_a_till_of_another_store_does_not_get_it(counter: TillShop) -> None:
    held = await hold(counter)
    with pytest.raises(orders.SaleNotHeld):
        await recall(counter, await another_till(counter, counter.shop.stores[1]), held)


async def test_it_ends_with_the_business_day(counter: TillShop) -> None:
    held = await hold(counter)
    tomorrow = utc_now() + timedelta(days=1)

    async def late(tx: Tx) -> orders.HeldSale:
        return await orders.recall_sale(tx, counter.till, held.held_id)

    with pytest.raises(orders.SaleNotHeld):
        await counter.shop.database.attempt(counter.shop.tenant, late, now=tomorrow)

    async def expire(tx: Tx) -> int:
        return await orders.expire_held(tx)

    assert await counter.shop.database.attempt(counter.shop.tenant, expire, now=tomorrow) == 1
