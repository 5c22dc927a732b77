"""Where it comes from: one place before several, the near before the far, within what others may sell."""

import math
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.inventory import api as inventory
from midstage.middle.inventory import rules
from midstage.middle.inventory.types import Option
from midstage.middle.organisation import api as organisation

NEAR, MIDDLE, FAR, HIDDEN = (inventory.LocationId(UUID(int=n)) for n in range(1, 5))
COAT, SHOE, HAT = (inventory.SkuId(UUID(int=n)) for n in range(11, 14))
OWNER = organisation.OperatorId(uuid4())
PEOPLES_SQUARE = organisation.Place(31.2304, 121.4737)
PLACES = {
    NEAR: organisation.Place(31.2310, 121.4740),
    MIDDLE: organisation.Place(31.2500, 121.4900),
    FAR: organisation.Place(39.9042, 116.4074),
    HIDDEN: organisation.Place(31.2304, 121.4737),
}


async def stocked(tx: Tx, stock: dict[inventory.LocationId, dict[inventory.SkuId, int]]) -> None:
    await inventory.place_locations(
        tx,
        [
            inventory.Location(one, organisation.StoreKind.DIRECT, OWNER, PLACES[one], sells_online=one != HIDDEN)
            for one in PLACES
        ],
    )
    openings = [inventory.Opening(one, sku, milli) for one, skus in stock.items() for sku, milli in skus.items()]
    await inventory.open_stock(tx, openings)


async def test_a_place_with_everything_beats_a_nearer_one_with_some(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 9000}, MIDDLE: {COAT: 1000, SHOE: 1000}, FAR: {COAT: 1000, SHOE: 9000}})
        both = await inventory.plan(tx, {COAT: 1000, SHOE: 1000}, near=PEOPLES_SQUARE)
        assert both == [inventory.Want(MIDDLE, COAT, 1000), inventory.Want(MIDDLE, SHOE, 1000)]
        split = await inventory.plan(tx, {COAT: 5000, SHOE: 5000}, near=PEOPLES_SQUARE)
        assert split == [inventory.Want(NEAR, COAT, 5000), inventory.Want(FAR, SHOE, 5000)]
        assert await inventory.plan(tx, {COAT: 1000}, only=FAR) == [inventory.Want(FAR, COAT, 1000)]


async def test_nobody_sends_what_all_together_do_not_have(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 2000}, FAR: {COAT: 2000}, HIDDEN: {COAT: 9000}})
        with pytest.raises(inventory.StockShort) as short:
            await inventory.plan(tx, {COAT: 5000}, near=PEOPLES_SQUARE)
        assert (short.value.sku, short.value.free_milli) == (COAT, 4000)


async def test_the_nearest_with_stock_come_first_and_the_far_not_at_all(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 0}, MIDDLE: {COAT: 2000, SHOE: 1000}, FAR: {COAT: 5000}, HIDDEN: {HAT: 1000}})
        found = await inventory.nearest(tx, [COAT, SHOE], PEOPLES_SQUARE, within_km=10)
        assert [(one.location_id, one.free_milli) for one in found] == [(MIDDLE, {COAT: 2000, SHOE: 1000})]
        assert found[0].distance_m == pytest.approx(2676, abs=30)
        assert [one.location_id for one in await inventory.nearest(tx, [COAT], PEOPLES_SQUARE)] == [MIDDLE, FAR]


async def test_the_most_exact_share_holds_for_others_and_none_for_the_owner(db: Database, tenant: Tenant) -> None:
    mall = inventory.Seller("mall", organisation.OperatorId(uuid4()))
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 10_000}, FAR: {COAT: 10_000}})
        await inventory.set_share(tx, 50)
        await inventory.set_share(tx, 20, operator_id=OWNER)
        await inventory.set_share(tx, 0, operator_id=OWNER, sales_channel="live")
        near = await inventory.set_share(tx, 90, location_id=NEAR)
        assert await inventory.available(tx, NEAR, [COAT], seller=mall) == {COAT: 9000}
        assert await inventory.available(tx, FAR, [COAT], seller=mall) == {COAT: 2000}
        assert await inventory.available(tx, FAR, [COAT], seller=inventory.Seller("mall", OWNER)) == {COAT: 10_000}
        live = inventory.Seller("live", mall.operator_id)
        assert await inventory.available(tx, FAR, [COAT], seller=live) == {COAT: 0}
        assert await inventory.plan(tx, {COAT: 8000}, seller=mall) == [inventory.Want(NEAR, COAT, 8000)]
        assert await inventory.drop_share(tx, near.share_id)
        with pytest.raises(inventory.StockShort):
            await inventory.plan(tx, {COAT: 8000}, seller=mall)
        assert [share.percent for share in await inventory.shares(tx)] == [0, 20, 50]


async def test_a_sale_of_what_is_promised_books_and_calls_for_a_person(db: Database, tenant: Tenant) -> None:
    order = uuid4()
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 3000}})
        await inventory.reserve(tx, order, [inventory.Want(NEAR, COAT, 2000)])
        await inventory.sell_through(tx, NEAR, {COAT: 2000}, reference=order)
        assert [type(fact).__name__ for fact, _ in tx.told] == ["StockMoved", "StockDiscrepancyFound"]
        assert await inventory.available(tx, NEAR, [COAT]) == {COAT: 0}
        found = (await inventory.discrepancies(tx, inventory.DiscrepancyFilter(), PageRequest())).items
        assert [(one.on_hand_milli, one.reserved_milli) for one in found] == [(1000, 2000)]
        await inventory.settle_discrepancy(tx, found[0].discrepancy_id, note="refunded the later order")
        assert (await inventory.discrepancies(tx, inventory.DiscrepancyFilter(), PageRequest())).items == []
        with pytest.raises(inventory.NoSuchStockDiscrepancy):
            await inventory.settle_discrepancy(tx, found[0].discrepancy_id, note="again")
        assert await inventory.checks(tx) == []


async def test_lists_page_by_cursor(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 1000, SHOE: 0}, FAR: {COAT: 2000}})
        first = await inventory.stock_list(tx, inventory.StockFilter(), PageRequest(limit=2))
        rest = await inventory.stock_list(tx, inventory.StockFilter(), PageRequest(after=first.next, limit=2))
        assert [(row.location_id, row.sku_id) for row in first.items + rest.items] == [
            (NEAR, COAT),
            (NEAR, SHOE),
            (FAR, COAT),
        ]
        coats = await inventory.stock_list(tx, inventory.StockFilter(sku_id=COAT), PageRequest())
        assert [row.on_hand_milli for row in coats.items] == [1000, 2000]
        low = await inventory.stock_list(
            tx, inventory.StockFilter(locations=frozenset({NEAR}), only_low=True), PageRequest()
        )
        assert [row.sku_id for row in low.items] == [SHOE]
        await inventory.receive(tx, NEAR, {COAT: 500}, reference=uuid4(), reason="delivery")
        history = await inventory.movements(tx, NEAR, COAT, PageRequest(limit=1))
        older = await inventory.movements(tx, NEAR, COAT, PageRequest(after=history.next, limit=1))
        assert [row.kind for row in history.items + older.items] == ["received", "opening"]


async def test_stock_is_opened_once_and_only_where_there_is_a_place(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await stocked(tx, {NEAR: {COAT: 1000}})
        with pytest.raises(inventory.OpenedBefore):
            await inventory.open_stock(tx, [inventory.Opening(NEAR, COAT, 1)])
        with pytest.raises(inventory.NoSuchLocation):
            await inventory.open_stock(tx, [inventory.Opening(inventory.LocationId(uuid4()), COAT, 1)])
        with pytest.raises(inventory.QuantityInvalid):
            await inventory.open_stock(tx, [inventory.Opening(FAR, COAT, -1)])
        with pytest.raises(inventory.ReasonMissing):
            await inventory.adjust(tx, NEAR, {COAT: -1}, reference=uuid4(), reason=" ")
        assert await inventory.available(tx, NEAR, [COAT]) == {COAT: 1000}


skus = st.sampled_from([COAT, SHOE, HAT])
stocks = st.lists(st.dictionaries(skus, st.integers(1, 9).map(lambda n: n * 500)), max_size=7)


@settings(max_examples=100, deadline=None)
@given(wants=st.dictionaries(skus, st.integers(1, 12).map(lambda n: n * 500), min_size=1), stocks=stocks)
def test_a_plan_gives_exactly_what_is_wanted_and_never_more_than_there_is(
    wants: dict[inventory.SkuId, int], stocks: list[dict[inventory.SkuId, int]]
) -> None:
    options = [Option(inventory.LocationId(UUID(int=place)), free) for place, free in enumerate(stocks)]
    planned = rules.plan(wants, options)
    if planned is None:
        sku, have = rules.missing(wants, options)
        assert have < wants[sku]
        return
    for sku, milli in wants.items():
        assert sum(want.milli for want in planned if want.sku_id == sku) == milli
    for want in planned:
        assert want.milli <= stocks[want.location_id.int].get(want.sku_id, 0)
        assert want.milli % 1000 == 0 or wants[want.sku_id] % 1000
    one_has_all = any(all(free.get(sku, 0) >= milli for sku, milli in wants.items()) for free in stocks)
    assert (len({want.location_id for want in planned}) == 1) or not one_has_all


@settings(max_examples=100, deadline=None)
@given(
    lat=st.floats(-90, 90),
    lng=st.floats(-180, 180),
    km=st.floats(0.01, 5000),
    turn=st.floats(0, 6.28),
    part=st.floats(0, 1),
)
def test_the_box_holds_every_point_of_the_circle(lat: float, lng: float, km: float, turn: float, part: float) -> None:
    angle = km * part / rules.EARTH_KM
    phi, lam = math.radians(lat), math.radians(lng)
    to_lat = math.asin(math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(turn))
    east = math.sin(turn) * math.sin(angle) * math.cos(phi)
    to_lng = lam + math.atan2(east, math.cos(angle) - math.sin(phi) * math.sin(to_lat))
    there_lat, there_lng = math.degrees(to_lat), (math.degrees(to_lng) + 540) % 360 - 180
    box = rules.box(lat, lng, km)
    slack = 1e-6
    assert box.south - slack <= there_lat <= box.north + slack
    if box.west <= box.east:
        assert box.west - slack <= there_lng <= box.east + slack or abs(there_lng) > 180 - slack
    else:
        assert there_lng >= box.west - slack or there_lng <= box.east + slack
