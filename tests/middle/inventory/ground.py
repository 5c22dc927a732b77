"""A brand with four locations of two operators and some stock, without anything else."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import uuid4

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.money import Money
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

T = TypeVar("T")
_brands = itertools.count(31_000_000)
SOMEBODY = Principal("staff", uuid4())
SUPPLY_MINOR = 800


class Ground:
    """Locations `a` and `b` are of one operator, `c` of another; each has 10 pieces of each of three skus."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.tenant = Tenant(BrandId(next(_brands)), "ground", zone="UTC", day_starts_minute=0)
        self.a, self.b, self.c = (inventory.LocationId(uuid4()) for _ in range(3))
        self.mine, self.theirs = (organisation.OperatorId(uuid4()) for _ in range(2))
        self.skus = [inventory.SkuId(uuid4()) for _ in range(3)]

    async def do(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.db.attempt(self.tenant, work, by=SOMEBODY)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async with self.db.reading(self.tenant, by=SOMEBODY) as tx:
            return await work(tx)

    async def stock(self, location: inventory.LocationId, number: int = 0) -> inventory.Stock:
        sku = self.skus[number]
        return (await self.read(lambda tx: inventory.stock(tx, location, [sku])))[sku]

    async def sell(self, location: inventory.LocationId, milli: int, number: int = 0) -> None:
        await self.do(lambda tx: inventory.sell_through(tx, location, {self.skus[number]: milli}, reference=new_id()))

    async def sound(self) -> None:
        """The doctor finds nothing."""
        assert await self.read(inventory.checks) == []

    async def value(self) -> None:
        """Bring the books of value up to now."""
        while await self.do(lambda tx: inventory.value_pending(tx, supply=supply)):
            pass

    async def worth(self, number: int = 0) -> dict[inventory.LocationId, tuple[int, int, int, int]]:
        """Quantity, value, quantity in transit and its value of a sku, by location."""
        rows, _ = await self.read(inventory.worth)
        return {
            row.location_id: (row.quantity_milli, row.value_minor, row.transit_milli, row.transit_minor)
            for row in rows
            if row.sku_id == self.skus[number]
        }


async def supply(_: Tx, skus: Sequence[inventory.SkuId]) -> Mapping[inventory.SkuId, Money]:
    """What pricing would say."""
    return {sku: Money(SUPPLY_MINOR, "CNY") for sku in skus}


async def open_ground(db: Database) -> Ground:
    made = Ground(db)

    async def furnish(tx: Tx) -> None:
        kind = organisation.StoreKind.DIRECT
        await inventory.place_locations(
            tx,
            [
                inventory.Location(made.a, kind, made.mine),
                inventory.Location(made.b, kind, made.mine),
                inventory.Location(made.c, kind, made.theirs),
            ],
        )
        await inventory.open_stock(
            tx, [inventory.Opening(one, sku, 10_000) for one in (made.a, made.b, made.c) for sku in made.skus]
        )

    await made.do(furnish)
    return made
