"""A load that is cut off, at whatever point, is completed by the next one; nothing is there twice."""

import asyncio
import os
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from rich.console import Console

from midstage.demo import load, welcome
from midstage.demo.data import Ints, Journey, Products
from midstage.demo.figures import GUIDES, MEMBERS, ORDERS
from midstage.demo.grocer import order_id
from midstage.demo.hand import Hand, Order
from midstage.demo.journey import JourneyMarket
from midstage.demo.story import Story, is_open, sign_in_shopper
from midstage.demo.yunzhi import LOGINS, SHOPPER_PHONE, Yunzhi
from midstage.doctor import examine
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

SANDBOX = "http://127.0.0.1:1"
QUIET = Console(quiet=True)
BASKETS = 60


class Sample(Journey):
    """The first baskets of the data, with the products that are in them."""

    @cached_property
    def _sold(self) -> dict[str, Ints]:
        every = super()._sold
        first = np.lexsort((every["basket_id"], every["at_ms"]))[:2_000]
        baskets = list(dict.fromkeys(every["basket_id"][first].tolist()))[:BASKETS]
        rows = np.flatnonzero(np.isin(every["basket_id"], baskets))
        return {name: column[rows] for name, column in every.items()}

    @cached_property
    def products(self) -> Products:
        every, sold = super().products, set(self.lines.product.tolist())
        rows = [n for n, number in enumerate(every.number) if number in sold]
        return Products(**{field: [getattr(every, field)[n] for n in rows] for field in Products.__struct_fields__})

    @cached_property
    def by_volume(self) -> frozenset[int]:
        return frozenset()


def steps(story: Story) -> Iterator[tuple[str, int]]:
    for stage in story.stages():
        for step in stage:
            for part in range(step.parts):
                yield step.name, part


async def do_all(database: Database, story: Story) -> Tenant:
    tenant = await story.begin(database)
    for step, part in steps(story):
        await story.prepare(step)
        async with database.writing(tenant) as tx:
            assert await story.do(tx, step, part) > 0
    return tenant


async def count_orders(tx: Tx) -> int:
    counted, page = 0, PageRequest(limit=200)
    while True:
        found = await orders.find_orders(tx, orders.OrderFilters(), page)
        counted += len(found.items)
        if found.next is None:
            return counted
        page = PageRequest(found.next, limit=200)


async def test_a_load_that_is_cut_off_after_any_step_ends_complete(own_db: Database) -> None:
    story = Yunzhi(SANDBOX)
    tenant = await story.begin(own_db)
    for step, part in steps(story):
        await story.prepare(step)
        with pytest.raises(asyncio.CancelledError):
            async with own_db.writing(tenant) as tx:
                await story.do(tx, step, part)
                raise asyncio.CancelledError
        async with own_db.reading(tenant) as tx:
            assert not await is_open(tx, LOGINS["brand_admin"])
        async with own_db.writing(tenant) as tx:
            await story.do(tx, step, part)
    assert await do_all(own_db, Yunzhi(SANDBOX)) == tenant

    async with own_db.reading(tenant) as tx:
        assert await is_open(tx, LOGINS["brand_admin"])
        assert await count_orders(tx) == ORDERS
        assert len(await organisation.stores(tx)) == 24 + 1
        guides = await organisation.list_guides(tx, organisation.Filter(), PageRequest(limit=200))
        assert len(guides.items) == GUIDES + 1
    async with own_db.writing(tenant) as tx:
        assert await sign_in_shopper(tx, "+18035550199") is None
        signed_in = await sign_in_shopper(tx, SHOPPER_PHONE)
        assert signed_in is not None
        basket = await welcome.for_sale(tx, signed_in[0])
        assert basket is not None
        assert len(basket.lines) == 2
    assert (await examine(own_db)).findings == []


async def test_a_hand_that_is_killed_leaves_nothing_half_done(own_database_url: str, tmp_path: Path) -> None:
    async def go() -> load.Loaded:
        return await load.load(
            ["yunzhi"],
            url=own_database_url,
            sandbox_url=SANDBOX,
            log=tmp_path / "load.log",
            environment=os.environ,
            console=QUIET,
        )

    loading = asyncio.create_task(go())
    hands: list[psutil.Process] = []
    while len(hands) < load.HANDS:
        await asyncio.sleep(0.01)
        hands = [child for child in psutil.Process().children() if "midstage.demo.hand" in " ".join(child.cmdline())]
    await asyncio.sleep(1.5)
    for hand in hands:
        hand.kill()
    with pytest.raises(load.CannotStartError):
        await loading

    loaded = await go()
    assert sum(step.rows for step in loaded.steps if step.step == "members") == MEMBERS
    database = await Database.open(own_database_url, pool_size=2)
    tenant = await organisation.tenant_of(database, "yunzhi")
    async with database.reading(tenant) as tx:
        assert await count_orders(tx) == ORDERS
    await database.close()


async def test_an_unknown_step_is_answered_and_breaks_nothing(own_db: Database) -> None:
    hand = Hand(own_db, SANDBOX)
    assert "KeyError" in (await hand.do(Order("yunzhi", "no such step"))).error
    assert (await hand.do(Order("yunzhi"))).stages == Yunzhi(SANDBOX).stages()


async def test_baskets_become_orders_with_the_lines_and_amounts_of_the_data(own_db: Database) -> None:
    story = JourneyMarket(SANDBOX, Sample())
    tenant = await do_all(own_db, story)
    await do_all(own_db, JourneyMarket(SANDBOX, Sample()))
    data = Sample()
    lines = data.lines
    async with own_db.reading(tenant) as tx:
        assert await count_orders(tx) == BASKETS
        for begin, end in pairwise(data.baskets.tolist()):
            detail = await orders.order_detail(tx, order_id(int(lines.at_ms[begin]), int(lines.basket[begin])))
            assert [line.sku_code for line in detail.lines] == [str(n) for n in lines.product[begin:end]]
            assert [line.total_minor for line in detail.lines] == lines.total[begin:end].tolist()
            assert detail.order.total_minor == int(lines.total[begin:end].sum())
            assert detail.order.paid_minor == max(detail.order.total_minor, 0)
            assert detail.order.placed_at.timestamp() * 1000 == int(lines.at_ms[begin])
        found = await catalogue.sku_ids(tx, [str(number) for number in data.products.number])
        assert len(found) == len(data.products.number)
        shelf = inventory.StockFilter()
        assert len((await inventory.stock_list(tx, shelf, PageRequest(limit=200))).items) > 0
    assert (await examine(own_db)).findings == []
