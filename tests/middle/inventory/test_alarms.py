"""Low stock is said once, and over when enough is there again."""

from datetime import timedelta
from typing import Any

import pytest

from middle.inventory.ground import Ground, open_ground
from midstage.kit.clock import utc_now
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from shop import STOCK_MILLI, Shop


async def _alarms(ground: Ground, **wanted: Any) -> list[inventory.Alarm]:
    return (await ground.read(lambda tx: inventory.alarms(tx, inventory.AlarmFilter(**wanted), PageRequest()))).items


async def _sweep(ground: Ground) -> list[str]:
    """Follow what moved; what was told."""

    async def work(tx: Any) -> list[str]:
        await inventory.sweep_alarms(tx)
        return [type(fact).__name__ for fact, _ in tx.told]

    return await ground.do(work)


async def test_an_alarm_is_raised_once_and_ends_when_enough_is_there_again(db: Database) -> None:
    ground = await open_ground(db)
    await ground.do(lambda tx: inventory.set_alarm_levels(tx, ground.a, {ground.skus[0]: 5_000}))
    await _sweep(ground)
    assert await _alarms(ground) == []
    order = new_id()
    await ground.do(lambda tx: inventory.reserve(tx, order, [inventory.Want(ground.a, ground.skus[0], 6_000)]))
    assert await _sweep(ground) == ["StockRanLow"]
    await ground.sell(ground.a, 1_000)
    assert await _sweep(ground) == []
    [low] = await _alarms(ground)
    assert (low.level_milli, low.free_milli, low.suggested_milli) == (5_000, 3_000, 7_000)
    await ground.do(lambda tx: inventory.adjust(tx, ground.a, {ground.skus[0]: 2_500}, reference=new_id(), reason="x"))
    assert await _sweep(ground) == [], "a little more than the level is not enough: it would flutter"
    await ground.do(lambda tx: inventory.end_reservation(tx, order, inventory.Outcome.CANCELLED))
    assert await _sweep(ground) == ["StockRecovered"]
    assert await _alarms(ground) == []
    assert len(await _alarms(ground, resolved_too=True)) == 1
    assert await _sweep(ground) == []


async def test_the_sweep_sees_what_moved_while_it_looked_away(db: Database) -> None:
    """A number given out before, and committed after, is not passed over."""
    ground = await open_ground(db)
    await ground.do(lambda tx: inventory.set_alarm_levels(tx, ground.a, dict.fromkeys(ground.skus, 5_000)))
    await _sweep(ground)
    async with db.writing(ground.tenant) as slow:
        await inventory.sell_through(slow, ground.a, {ground.skus[0]: 9_000}, reference=new_id())
        await ground.sell(ground.a, 9_000, 1)
        assert await _sweep(ground) == ["StockRanLow"]
        assert await _sweep(ground) == []
    assert await _sweep(ground) == ["StockRanLow"]
    await ground.value()
    assert (await ground.worth(0))[ground.a][0] == 1_000


async def test_the_books_of_value_miss_nothing_either(db: Database) -> None:
    ground = await open_ground(db)
    async with db.writing(ground.tenant) as slow:
        await inventory.sell_through(slow, ground.a, {ground.skus[0]: 9_000}, reference=new_id())
        await ground.sell(ground.b, 4_000, 0)
        await ground.value()
        await ground.value()
        assert (await ground.worth(0))[ground.b][0] == 6_000
    await ground.value()
    assert (await ground.worth(0))[ground.a][0] == 1_000
    await ground.sound()


async def test_an_alarm_can_be_put_off_and_taken_away(db: Database) -> None:
    ground = await open_ground(db)
    await ground.do(lambda tx: inventory.set_alarm_levels(tx, ground.a, {ground.skus[0]: 50_000}))
    [low] = await _alarms(ground)
    for until in (utc_now() - timedelta(minutes=1), utc_now() + timedelta(days=91)):
        with pytest.raises(inventory.SnoozeWrong):
            await ground.do(lambda tx, until=until: inventory.snooze_alarm(tx, low.alarm_id, until))
    await ground.do(lambda tx: inventory.snooze_alarm(tx, low.alarm_id, utc_now() + timedelta(days=1)))
    assert await _alarms(ground) == []
    assert len(await _alarms(ground, snoozed_too=True)) == 1
    late = await ground.read(inventory.late)
    assert [one.kind for one in late] == []
    await ground.do(lambda tx: inventory.set_alarm_levels(tx, ground.a, {ground.skus[0]: None}))
    with pytest.raises(inventory.NoSuchAlarm):
        await ground.do(lambda tx: inventory.snooze_alarm(tx, low.alarm_id, utc_now() + timedelta(days=1)))


async def test_the_policy_says_by_category_and_by_days_of_cover(shop: Shop) -> None:
    holder = organisation.Holder(organisation.Level.STORE, shop.store.store_id)
    chosen = {"min_milli": 1_000, "by_category": {"coats": 120_000}, "cover_days": 7, "recent_days": 7}

    async def choose(tx: Any) -> None:
        await organisation.choose(tx, "stock_alarms", holder, chosen)

    await shop.do(choose)
    assert await shop.do(inventory.look_at_all) is None
    page = await _page(shop)
    assert {low.location_id for low in page} == {shop.location}
    assert {(low.level_milli, low.free_milli) for low in page} == {(120_000, STOCK_MILLI)}
    sold = 90_000
    await shop.do(lambda tx: inventory.sell_through(tx, shop.location, {shop.skus[0]: sold}, reference=new_id()))
    await shop.do(lambda tx: organisation.unchoose(tx, "stock_alarms", holder))
    await shop.do(inventory.look_at_all)
    assert await _page(shop) == []
    await shop.do(lambda tx: organisation.choose(tx, "stock_alarms", holder, {"cover_days": 7, "recent_days": 7}))
    await shop.do(inventory.look_at_all)
    [low] = await _page(shop)
    assert (low.sku_id, low.level_milli, low.free_milli) == (shop.skus[0], sold, STOCK_MILLI - sold)
    sources = await shop.do(lambda tx: inventory.alarm_sources(tx, low.alarm_id))
    assert [one.location_id for one in sources] == [inventory.location_of(shop.stores[1].store_id)]
    assert 1_000 < sources[0].distance_m < 1_200


async def _page(shop: Shop) -> list[inventory.Alarm]:
    return (await shop.do(lambda tx: inventory.alarms(tx, inventory.AlarmFilter(), PageRequest()))).items


async def test_what_waits_too_long_is_said(db: Database) -> None:
    ground = await open_ground(db)
    asked = await ground.do(lambda tx: inventory.ask_transfer(tx, ground.a, ground.b, {ground.skus[0]: 1_000}))
    kind = inventory.CountKind.SKUS
    opened = await ground.do(lambda tx: inventory.open_count(tx, ground.a, kind, skus=[ground.skus[0]]))
    line = [inventory.DeliveryLine(ground.skus[0], 1_000, 1)]
    due = utc_now().date() + timedelta(days=1)
    sent = await ground.do(
        lambda tx: inventory.expect_delivery(tx, ground.a, line, supplier="s", currency="CNY", due_on=due)
    )
    await ground.do(lambda tx: inventory.set_alarm_levels(tx, ground.a, {ground.skus[1]: 50_000}))
    [low] = await _alarms(ground)
    await ground.sell(ground.b, 11_000)
    assert await ground.read(inventory.late) == []
    async with db.reading(ground.tenant, now=utc_now() + timedelta(days=8)) as tx:
        late = await inventory.late(tx)
    assert {one.kind: one.subject_id for one in late if one.kind != "inventory.discrepancy"} == {
        "inventory.transfer": str(asked.transfer_id),
        "inventory.count": str(opened.count_id),
        "inventory.delivery": str(sent.delivery_id),
        "inventory.alarm": str(low.alarm_id),
    }
    assert [one.store_id for one in late if one.kind == "inventory.discrepancy"] == [ground.b]
