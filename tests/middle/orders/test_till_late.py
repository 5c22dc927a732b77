"""What waits at the tills shows in the one list of what is late."""

from datetime import timedelta

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.stuck import Stuck
from midstage.middle.orders import api as orders
from shop import Shop
from shop.till import offline_sale, open_till_shop


async def test_a_shift_a_day_and_a_sale_that_wait_are_listed(shop: Shop) -> None:
    counter = await open_till_shop(shop, now=utc_now() - timedelta(days=3))
    [told] = await orders.upload(
        shop.database,
        shop.tenant,
        counter.till.till_id,
        [offline_sale("NOTHING")],
        by=counter.cashier,
        now=utc_now() - timedelta(hours=2),
    )

    async def look(tx: Tx) -> list[Stuck]:
        return await orders.late(tx)

    found = {one.kind: one for one in await counter.do(look)}
    assert found["till.shift_open"].subject_id == str(counter.shift.shift_id)
    assert found["till.refused_sale"].subject_id == str(told.refused_id)
    assert found["till.day_open"].store_id == shop.store.store_id
