"""Stock work in a half of the world: a second store of the same operator, and one thing of each kind under way."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from shop import STOCK_MILLI, Shop


async def open_stock_work(shop: Shop, store: organisation.Store, code: str) -> dict[str, UUID]:
    """The ids of what was opened, by the name that addresses give them."""

    async def work(tx: Tx) -> dict[str, UUID]:
        [source] = await organisation.create_stores(
            tx,
            [
                organisation.NewStore(
                    code=f"ST-{code}-2", name=code, unit_id=store.unit_id, operator_id=store.operator_id
                )
            ],
        )
        here, there = inventory.location_of(store.store_id), inventory.location_of(source)
        await inventory.place_locations(tx, [inventory.Location(there, store.kind, store.operator_id)])
        await inventory.open_stock(tx, [inventory.Opening(there, sku, STOCK_MILLI) for sku in shop.skus])
        asked = await inventory.ask_transfer(tx, there, here, {shop.skus[0]: 1_000})
        kind = inventory.CountKind.SKUS
        counted = await inventory.open_count(tx, here, kind, skus=[shop.skus[1]])
        lines = [inventory.DeliveryLine(shop.skus[0], 2_000, 6_000)]
        expected = await inventory.expect_delivery(tx, here, lines, supplier="一厂", currency=store.currency)
        await inventory.set_alarm_levels(tx, here, {shop.skus[1]: 2 * STOCK_MILLI})
        found = await inventory.alarms(tx, inventory.AlarmFilter(frozenset({here})), PageRequest())
        return {
            "source_id": source,
            "transfer_id": asked.transfer_id,
            "count_id": counted.count_id,
            "stock_delivery_id": expected.delivery_id,
            "alarm_id": found.items[0].alarm_id,
        }

    return await shop.database.attempt(shop.tenant, work)
