"""Promises: all or none, never beyond what is there, ended once."""

from uuid import uuid4

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

HERE = inventory.LocationId(uuid4())
COAT, SHOE = inventory.SkuId(uuid4()), inventory.SkuId(uuid4())


async def stocked(tx: Tx, milli: dict[inventory.SkuId, int]) -> None:
    operator = organisation.OperatorId(uuid4())
    await inventory.place_locations(tx, [inventory.Location(HERE, organisation.StoreKind.DIRECT, operator)])
    await inventory.open_stock(tx, [inventory.Opening(HERE, sku, amount) for sku, amount in milli.items()])


async def free(tx: Tx) -> tuple[int, int]:
    found = await inventory.available(tx, HERE, [COAT, SHOE])
    return found[COAT], found[SHOE]


async def test_an_order_reserves_all_its_lines(db: Database, tenant: Tenant) -> None:
    order = new_id()
    async with db.writing(tenant) as tx:
        await stocked(tx, {COAT: 5000, SHOE: 2000})
        wants = [inventory.Want(HERE, COAT, 1000), inventory.Want(HERE, SHOE, 2000), inventory.Want(HERE, COAT, 2000)]
        await inventory.reserve(tx, order, wants)
        assert await free(tx) == (2000, 0)
        assert await inventory.checks(tx) == []


async def test_one_short_line_reserves_nothing_and_is_named(db: Database, tenant: Tenant) -> None:
    order = new_id()
    async with db.writing(tenant) as tx:
        await stocked(tx, {COAT: 5000, SHOE: 2000})
        with pytest.raises(inventory.StockShort) as short:
            await inventory.reserve(tx, order, [inventory.Want(HERE, COAT, 1000), inventory.Want(HERE, SHOE, 2001)])
        assert short.value.figures() == {"sku": SHOE, "location": HERE, "wanted_milli": 2001, "free_milli": 2000}
        assert await free(tx) == (5000, 2000)
        assert await inventory.reservations(tx, order) == []
        assert await inventory.checks(tx) == []


async def test_what_is_not_kept_here_is_short(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(inventory.StockShort):
            await inventory.reserve(tx, new_id(), [inventory.Want(HERE, COAT, 1)])


@pytest.mark.parametrize("outcome", list(inventory.Outcome))
async def test_a_reservation_ends_once(db: Database, tenant: Tenant, outcome: inventory.Outcome) -> None:
    order = new_id()
    async with db.writing(tenant) as tx:
        await stocked(tx, {COAT: 5000, SHOE: 2000})
        await inventory.reserve(tx, order, [inventory.Want(HERE, COAT, 3000), inventory.Want(HERE, SHOE, 1000)])
        ended = await inventory.end_reservation(tx, order, outcome, only=[(HERE, COAT)])
        assert ended == [inventory.Want(HERE, COAT, 3000)]
        assert await free(tx) == (2000 if outcome == inventory.Outcome.HANDED_OVER else 5000, 1000)
        assert len(await inventory.end_reservation(tx, order, outcome)) == 1
        assert await inventory.end_reservation(tx, order, inventory.Outcome.CANCELLED) == []
        stock = await inventory.stock(tx, HERE, [COAT, SHOE])
        assert [row.reserved_milli for row in stock.values()] == [0, 0]
        assert await inventory.checks(tx) == []


async def test_an_expired_order_reserves_again_and_an_open_one_does_not(db: Database, tenant: Tenant) -> None:
    order, wants = new_id(), [inventory.Want(HERE, COAT, 1000)]
    async with db.writing(tenant) as tx:
        await stocked(tx, {COAT: 5000})
        await inventory.reserve(tx, order, wants)
        await inventory.end_reservation(tx, order, inventory.Outcome.EXPIRED)
        await inventory.reserve(tx, order, wants)
        assert await free(tx) == (4000, 0)
    with pytest.raises(inventory.AlreadyReserved):
        async with db.writing(tenant) as tx:
            await inventory.reserve(tx, order, wants)
    async with db.reading(tenant) as tx:
        assert await free(tx) == (4000, 0)
        assert await inventory.checks(tx) == []
