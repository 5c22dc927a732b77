"""A bundle through the whole life of an order: sold as one, taken and given back part by part."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.orders import bundles, rules
from midstage.middle.orders.types import Line, LinePart
from midstage.middle.pricing import api as pricing
from shop import PRICE_MINOR, STOCK_MILLI, Shop
from shop.goods import add_bundle, free_of, well

SET_MINOR = 29_999


async def _placed(shop: Shop, sku_id: catalogue.SkuId, quantity: int = 1, *more: int) -> orders.PlacedOrder:
    wishes = [orders.LineWish(sku_id, quantity * 1000), *shop.placing(*more).lines]
    return await shop.place(lines=wishes)


async def _frees(shop: Shop) -> tuple[int, int]:
    first, second, *_ = shop.skus
    return await shop.free(first), await shop.free(second)


async def test_a_bundle_is_one_line_with_its_own_price_and_promises_its_parts(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 2000), (second, 1000)], price_minor=SET_MINOR)
    placed = await _placed(shop, bundle, 3)
    (line,) = placed.lines
    assert (line.sku_id, line.quantity_milli, line.total_minor) == (bundle, 3000, 3 * SET_MINOR)
    assert [(part.sku_id, part.quantity_milli) for part in line.parts] == [(first, 6000), (second, 3000)]
    assert sum(part.total_minor for part in line.parts) == line.total_minor
    weights = [6 * PRICE_MINOR, 3 * (PRICE_MINOR + 100)]
    assert [part.total_minor for part in line.parts] == [
        round(line.total_minor * weight / sum(weights)) for weight in weights
    ]
    assert await _frees(shop) == (STOCK_MILLI - 6000, STOCK_MILLI - 3000)
    async with shop.database.reading(shop.tenant) as tx:
        assert {one.sku_id for one in await inventory.reservations(tx, placed.order.order_id)} == {first, second}
    assert (await shop.detail(placed.order.order_id)).lines == placed.lines
    await well(shop)


async def test_its_whole_life_expired_paid_late_handed_over_and_refunded_in_part(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 2000), (second, 1000)], price_minor=SET_MINOR)
    placed = await _placed(shop, bundle, 3, 1)  # and one of the first sku by itself
    order_id = placed.order.order_id

    async def expire(tx: Tx) -> bool:
        return await orders.expire_order(tx, order_id)

    async def hand_over(tx: Tx) -> orders.Order:
        return await orders.hand_over(tx, order_id)

    async def refund_one(tx: Tx) -> orders.OrderRefund:
        return await orders.refund_order(tx, order_id, [orders.RefundWish(1, 1000)])

    async def refund_rest(tx: Tx) -> orders.OrderRefund:
        return await orders.refund_order(tx, order_id)

    assert await shop.do(expire, now=utc_now() + timedelta(hours=1))
    assert await _frees(shop) == (STOCK_MILLI, STOCK_MILLI)
    assert (await shop.pay(placed)).state is orders.State.PAID
    assert await _frees(shop) == (STOCK_MILLI - 7000, STOCK_MILLI - 3000)
    await well(shop)
    await shop.do(hand_over)
    async with shop.database.reading(shop.tenant) as tx:
        stock = await inventory.stock(tx, shop.location, [first, second])
        assert [(stock[one].on_hand_milli, stock[one].reserved_milli) for one in (first, second)] == [
            (STOCK_MILLI - 7000, 0),
            (STOCK_MILLI - 3000, 0),
        ]
        assert await inventory.stock(tx, shop.location, [bundle]) == {}
    await well(shop)
    one = await shop.do(refund_one)
    assert one.amount.minor == SET_MINOR
    detail = await shop.detail(order_id)
    assert orders.goods_back(detail.lines[0], 1000) == {first: 2000, second: 1000}
    rest = await shop.do(refund_rest)
    assert one.amount.minor + rest.amount.minor == placed.order.total_minor
    await well(shop)


async def test_a_cancelled_order_frees_the_parts(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 1000), (second, 1000)], price_minor=SET_MINOR)
    placed = await _placed(shop, bundle, 5)
    await shop.pay(placed)

    async def cancel(tx: Tx) -> orders.Order:
        return await orders.cancel_order(tx, placed.order.order_id)

    await shop.do(cancel)
    assert await _frees(shop) == (STOCK_MILLI, STOCK_MILLI)
    await well(shop)


async def test_the_scarcest_part_decides_how_many_can_be_sold(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 7000), (second, 1000)], price_minor=SET_MINOR)
    async with shop.database.reading(shop.tenant) as tx:
        assert await orders.sellable(tx, bundle, shop.location) == 14_000
    with pytest.raises(inventory.StockShort) as refused:
        await _placed(shop, bundle, 15)
    assert refused.value.sku == first
    await _placed(shop, bundle, 14)
    assert await _frees(shop) == (2000, STOCK_MILLI - 14_000)
    await well(shop)


async def test_parts_that_lie_in_two_places_leave_each_with_its_own(shop: Shop) -> None:
    first, second, *_ = shop.skus
    here, there = shop.stores
    bundle = await add_bundle(shop, "SET", [(first, 1000), (second, 1000)], price_minor=SET_MINOR)

    async def empty(tx: Tx) -> None:
        await inventory.adjust(tx, shop.location, {second: -STOCK_MILLI}, reference=new_id(), reason="test")
        far = inventory.location_of(there.store_id)
        await inventory.adjust(tx, far, {first: -STOCK_MILLI}, reference=new_id(), reason="test")

    await shop.do(empty)
    address = orders.Address("李雷", "13800000000", "南京西路 1 号", lat=31.2, lng=121.4)
    placed = await shop.place(
        lines=[orders.LineWish(bundle, 2000)], delivery=orders.Delivery(orders.Method.DELIVERY, address)
    )
    (line,) = placed.lines
    assert [(part.sku_id, part.part_no) for part in line.parts] == [(first, 1), (second, 2)]
    await shop.pay(placed)

    async def hand_over(tx: Tx, part_no: int) -> orders.Order:
        return await orders.hand_over(tx, placed.order.order_id, [part_no])

    await shop.do(lambda tx: hand_over(tx, 2))
    assert (await shop.order(placed.order.order_id)).state is orders.State.PAID
    assert await free_of(shop, second, there) == STOCK_MILLI - 2000
    async with shop.database.reading(shop.tenant) as tx:
        assert (await inventory.stock(tx, shop.location, [first]))[first].reserved_milli == 2000
    await shop.do(lambda tx: hand_over(tx, 1))
    assert (await shop.order(placed.order.order_id)).state is orders.State.COMPLETED
    assert await free_of(shop, first, here) == STOCK_MILLI - 2000
    await well(shop)


async def test_a_bundle_cannot_be_bought_while_a_part_is_not_live(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 1000), (second, 1000)], price_minor=SET_MINOR)

    async def retire(tx: Tx) -> None:
        await catalogue.retire_product(tx, shop.products[1].product_id)

    await shop.do(retire)
    with pytest.raises(catalogue.NotForSale):
        await _placed(shop, bundle)
    async with shop.database.reading(shop.tenant) as tx:
        why = await orders.why_here(tx, bundle, shop.store.store_id, sales_channel="mall")
    (decided,) = [one for one in why if one.decided]
    assert (decided.rule, decided.allows) == (catalogue.Rule.PARTS, False)
    assert "P1-M" in decided.en
    await well(shop)


async def test_what_was_changed_of_a_bundle_does_not_touch_what_was_ordered(shop: Shop) -> None:
    first, second, third, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 1000), (second, 1000)], price_minor=SET_MINOR)
    placed = await _placed(shop, bundle)

    async def change(tx: Tx) -> None:
        await catalogue.set_parts(tx, bundle, [catalogue.BundlePart(third, 3000)])

    await shop.do(change)
    await shop.pay(placed)
    await shop.do(lambda tx: orders.hand_over(tx, placed.order.order_id))
    assert [await shop.free(one) for one in (first, second, third)] == [
        STOCK_MILLI - 1000,
        STOCK_MILLI - 1000,
        STOCK_MILLI,
    ]
    await well(shop)


async def test_a_bundle_costs_checkout_no_further_statement(shop: Shop) -> None:
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 1000), (second, 1000)], price_minor=SET_MINOR)
    counts: list[int] = []
    for wishes in ([orders.LineWish(first, 1000)], [orders.LineWish(first, 1000)], [orders.LineWish(bundle, 1000)]):
        placing = shop.placing(lines=wishes)

        async def work(tx: Tx, placing: orders.Placing = placing) -> None:
            tx.recorder = []
            await orders.place_order(tx, placing)
            await tx.flush()
            counts.append(len(tx.recorder))

        await shop.do(work)
    assert counts[1] == counts[2]


_PIECES = st.integers(1, 40)


@given(
    bundle=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=4, unique_by=lambda part: part[0]
    ),
    prices=st.lists(st.integers(0, 20_000), min_size=4, max_size=4),
    quantity=_PIECES,
    plain=_PIECES,
    places=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_whatever_the_plan_every_piece_is_taken_once_and_no_cent_is_lost(
    bundle: list[tuple[int, int]], prices: list[int], quantity: int, plain: int, places: list[int]
) -> None:
    skus = [catalogue.SkuId(new_id()) for _ in range(4)]
    sold = catalogue.SkuId(new_id())
    parts = [catalogue.BundlePart(skus[which], pieces * 1000) for which, pieces in bundle]
    offers = {sold: _offer(sold, parts), skus[0]: _offer(skus[0], [])}
    wishes = [orders.LineWish(sold, quantity * 1000), orders.LineWish(skus[0], plain * 1000)]
    quotes = {sku: _quote(price) for sku, price in zip(skus, prices, strict=True)} | {sold: _quote(9_999)}
    wanted = bundles.goods_wanted(wishes, offers)
    locations = [inventory.LocationId(new_id()) for _ in [*places, 0]]
    plan: list[inventory.Want] = []
    for sku, milli in wanted.items():
        left = milli
        for location, most in zip(locations, [*places, 10**6], strict=True):
            some = min(left, most * 1000)
            left -= some
            if some:
                plan.append(inventory.Want(location, sku, some))
    lines, found = rules.price_lines(wishes, offers, quotes, plan)
    assert lines[0].total_minor == quantity * 9_999 == sum(part.total_minor for part in lines[0].parts)
    taken: dict[tuple[inventory.LocationId, catalogue.SkuId], int] = {}
    for line in lines:
        for sku, part_no, milli in bundles.goods_of(line):
            key = found[part_no - 1], sku
            taken[key] = taken.get(key, 0) + milli
    assert taken == {(want.location_id, want.sku_id): want.milli for want in plan}
    whole = bundles.goods_back(lines[0], lines[0].quantity_milli)
    assert whole == {part.sku_id: part.quantity_milli * quantity for part in parts}


def test_what_comes_back_with_some_of_a_line_adds_up_to_all_of_it() -> None:
    part = LinePart(catalogue.SkuId(new_id()), 1, 6000, 100)
    line = msgspec.structs.replace(_line(3000), parts=[part])
    assert [bundles.goods_back(line, milli)[part.sku_id] for milli in (1000, 2000, 3000)] == [2000, 4000, 6000]


def _offer(sku_id: catalogue.SkuId, parts: list[catalogue.BundlePart]) -> catalogue.Offer:
    product = catalogue.ProductId(new_id())
    return catalogue.Offer(
        sku_id, product, "S", "名", "Name", "", "", catalogue.Unit.PIECE, 1000, "standard", 0, True, [], "", True, parts
    )  # fmt: skip


def _quote(minor: int) -> pricing.Quote:
    return pricing.Quote(minor, "CNY", minor, None, pricing.Rule.LIST_PRICE, 1)


def _line(quantity_milli: int) -> Line:
    return rules.line_of(1, 1, _offer(catalogue.SkuId(new_id()), []), _quote(100), quantity_milli, 100)
