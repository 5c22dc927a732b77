"""Many connections at once: nothing is promised twice, nobody waits for ever, nothing is lost."""

import asyncio
import random
from uuid import UUID, uuid4

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

HERE, THERE = (inventory.LocationId(uuid4()) for _ in range(2))
SKUS = [inventory.SkuId(uuid4()) for _ in range(5)]
OPERATOR = organisation.OperatorId(uuid4())


async def stocked(db: Database, tenant: Tenant, milli: int) -> None:
    async with db.writing(tenant) as tx:
        places = [inventory.Location(one, organisation.StoreKind.DIRECT, OPERATOR) for one in (HERE, THERE)]
        await inventory.place_locations(tx, places)
        await inventory.open_stock(tx, [inventory.Opening(one, sku, milli) for one in (HERE, THERE) for sku in SKUS])


async def test_sixteen_buyers_of_the_last_four_get_four(db: Database, tenant: Tenant) -> None:
    await stocked(db, tenant, 4000)

    async def buy() -> bool:
        try:
            async with db.writing(tenant) as tx:
                await inventory.reserve(tx, new_id(), [inventory.Want(HERE, SKUS[0], 1000)])
        except inventory.StockShort:
            return False
        return True

    assert sum(await asyncio.gather(*(buy() for _ in range(16)))) == 4
    async with db.reading(tenant) as tx:
        assert await inventory.available(tx, HERE, SKUS[:1]) == {SKUS[0]: 0}
        assert await inventory.checks(tx) == []


async def test_orders_in_any_order_of_lines_with_every_end_mixed_in(db: Database, tenant: Tenant) -> None:
    await stocked(db, tenant, 20_000)
    handed_over: list[inventory.Want] = []
    sold = 0

    async def shop(chance: random.Random) -> None:
        nonlocal sold
        for _ in range(6):
            order = new_id()
            wants = [
                inventory.Want(chance.choice([HERE, THERE]), sku, 1000 * chance.randint(1, 3))
                for sku in chance.sample(SKUS, 4)
            ]
            try:
                async with db.writing(tenant) as tx:
                    await inventory.reserve(tx, order, wants)
            except inventory.StockShort:
                continue
            outcome = chance.choice(list(inventory.Outcome))
            twice = await asyncio.gather(*(end(order, outcome) for _ in range(2)))
            assert sorted(len(ended) for ended in twice) == [0, 4]
            if outcome == inventory.Outcome.HANDED_OVER:
                handed_over.extend(twice[0] + twice[1])
            if chance.random() < 0.2:
                async with db.writing(tenant) as tx:
                    await inventory.sell_through(tx, HERE, dict.fromkeys(SKUS, 500), reference=order)
                    sold += 500

    async def end(order: UUID, outcome: inventory.Outcome) -> list[inventory.Want]:
        async with db.writing(tenant) as tx:
            return await inventory.end_reservation(tx, order, outcome)

    await asyncio.gather(*(shop(random.Random(seed)) for seed in range(16)))
    async with db.reading(tenant) as tx:
        assert await inventory.checks(tx) == []
        for location in (HERE, THERE):
            for sku, row in (await inventory.stock(tx, location, SKUS)).items():
                gone = sum(want.milli for want in handed_over if (want.location_id, want.sku_id) == (location, sku))
                assert row.on_hand_milli == 20_000 - gone - (sold if location == HERE else 0)
                assert row.reserved_milli == 0


async def test_the_share_of_others_holds_under_a_race(db: Database, tenant: Tenant) -> None:
    await stocked(db, tenant, 20_000)
    other = inventory.Seller("mall", organisation.OperatorId(uuid4()))
    async with db.writing(tenant) as tx:
        await inventory.set_share(tx, 30, operator_id=OPERATOR)

    async def buy(seller: inventory.Seller | None) -> bool:
        try:
            async with db.writing(tenant) as tx:
                await inventory.reserve(tx, new_id(), [inventory.Want(HERE, SKUS[0], 1000)], seller=seller)
        except inventory.StockShort:
            return False
        return True

    assert sum(await asyncio.gather(*(buy(other) for _ in range(16)))) == 6
    own = inventory.Seller("mall", OPERATOR)
    assert sum(await asyncio.gather(*(buy(own) for _ in range(16)))) == 14
    async with db.reading(tenant) as tx:
        assert await inventory.checks(tx) == []


async def test_who_waited_for_a_cancel_gets_what_it_gave_back(db: Database, tenant: Tenant) -> None:
    await stocked(db, tenant, 4000)
    first, second = new_id(), new_id()
    async with db.writing(tenant) as tx:
        await inventory.reserve(tx, first, [inventory.Want(HERE, SKUS[0], 3000)])

    async def wait_and_buy() -> None:
        async with db.writing(tenant) as tx:
            await inventory.reserve(tx, second, [inventory.Want(HERE, SKUS[0], 3000)])

    async with db.writing(tenant) as tx:
        await inventory.end_reservation(tx, first, inventory.Outcome.CANCELLED)
        waiting = asyncio.create_task(wait_and_buy())
        await asyncio.sleep(0.2)
    await waiting
    async with db.reading(tenant) as tx:
        assert await inventory.available(tx, HERE, SKUS[:1]) == {SKUS[0]: 1000}
