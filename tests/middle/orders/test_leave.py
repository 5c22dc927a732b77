"""Scan-and-go and kiosks: what was scanned is paid and leaves once, through the door of its store, looked at by chance."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from midstage.kit.database import Tx
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import Shop

STORE = organisation.Level.STORE


async def _serve(shop: Shop, *, kind: orders.Kind = orders.Kind.SCAN_AND_GO) -> orders.PlacedOrder:
    lines = [orders.TillLine(sku_id=shop.skus[0]), orders.TillLine(sku_id=shop.skus[1]), orders.TillLine(sku_id=shop.skus[0])]  # fmt: skip

    async def work(tx: Tx) -> orders.PlacedOrder:
        serving = orders.Serving(kind=kind, at=shop.store, lines=lines, member_id=shop.member.member_id)
        return await orders.place_served(tx, serving)

    return await shop.database.attempt(shop.tenant, work)


async def _paid(shop: Shop) -> orders.OrderId:
    placed = await _serve(shop)
    await shop.pay(placed)
    return placed.order.order_id


async def _choose(shop: Shop, **settings: object) -> None:
    async with shop.database.writing(shop.tenant) as tx:
        holder = organisation.Holder(STORE, shop.store.store_id)
        await organisation.unchoose(tx, orders.SELF_SERVICE.code, holder)
        await organisation.choose(tx, orders.SELF_SERVICE.code, holder, settings)


async def _code(shop: Shop, order_id: orders.OrderId, *, later: timedelta = timedelta()) -> str:
    async with shop.database.writing(shop.tenant) as tx:
        tx.now += later
        return (await orders.leave_code(tx, order_id)).code


async def _open(shop: Shop, code: str, *, later: timedelta = timedelta()) -> orders.Opened:
    async def work(tx: Tx) -> orders.Opened:
        tx.now += later
        return await orders.open_door(tx, shop.store.store_id, code)

    return await shop.database.attempt(shop.tenant, work)


async def test_what_was_scanned_twice_is_one_line_at_the_price_of_the_till(shop: Shop) -> None:
    placed = await _serve(shop)
    assert [(line.sku_id, line.quantity_milli) for line in placed.lines] == [(shop.skus[0], 2000), (shop.skus[1], 1000)]
    assert (placed.order.kind, placed.order.sales_channel) == (orders.Kind.SCAN_AND_GO, "till")


async def test_a_code_opens_once_and_the_goods_are_out_of_the_stock(shop: Shop) -> None:
    await _choose(shop, check_percent=0)
    order_id = await _paid(shop)
    code = await _code(shop, order_id)
    opened = await _open(shop, f" {code.lower()} ")
    assert (opened.state, opened.lines) == (orders.PassState.LEFT, [])
    async with shop.database.reading(shop.tenant) as tx:
        assert (await orders.order(tx, order_id)).state is orders.State.COMPLETED
        stock = (await inventory.stock(tx, shop.location, [shop.skus[0]]))[shop.skus[0]]
    assert (stock.on_hand_milli, stock.reserved_milli) == (98_000, 0)
    with pytest.raises(orders.LeaveCodeUsed):
        await _open(shop, code)
    with pytest.raises(orders.LeaveCodeUsed):
        await _code(shop, order_id)


async def test_two_doors_at_once_open_one(shop: Shop) -> None:
    await _choose(shop, check_percent=0)
    code = await _code(shop, await _paid(shop))
    answers = await asyncio.gather(*(_open(shop, code) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, orders.Opened) for one in answers) == 1
    assert sum(isinstance(one, orders.LeaveCodeUsed) for one in answers) == 5


async def test_a_new_code_shuts_the_old_one_and_a_code_is_soon_over(shop: Shop) -> None:
    await _choose(shop, check_percent=0, code_minutes=15)
    order_id = await _paid(shop)
    old = await _code(shop, order_id)
    new = await _code(shop, order_id)
    with pytest.raises(orders.LeaveCodeUnknown):
        await _open(shop, old)
    with pytest.raises(orders.LeaveCodeExpired):
        await _open(shop, new, later=timedelta(minutes=16))
    assert (await _open(shop, new)).state is orders.PassState.LEFT


async def test_who_is_chosen_is_looked_at_and_cannot_draw_again(shop: Shop) -> None:
    await _choose(shop, check_percent=100)
    order_id = await _paid(shop)
    await _code(shop, order_id)
    await _choose(shop, check_percent=0)
    opened = await _open(shop, await _code(shop, order_id))
    assert opened.state is orders.PassState.CHECKING
    assert [line.sku_id for line in opened.lines] == [shop.skus[0], shop.skus[1]]
    async with shop.database.reading(shop.tenant) as tx:
        assert (await orders.order(tx, order_id)).state is orders.State.PAID
    end = partial(orders.end_check, store_id=shop.store.store_id, order_id=order_id, ok=False, note="多一件")
    async with shop.database.writing(shop.tenant) as tx:
        ended = await end(tx)
    assert (ended.state, ended.check_ok) == (orders.PassState.LEFT, False)
    with pytest.raises(orders.NotChecking):
        async with shop.database.writing(shop.tenant) as tx:
            await end(tx)
    async with shop.database.reading(shop.tenant) as tx:
        assert (await orders.order(tx, order_id)).state is orders.State.COMPLETED


async def test_a_dear_basket_is_always_looked_at(shop: Shop) -> None:
    await _choose(shop, check_percent=0, check_from_minor=1)
    assert (await _open(shop, await _code(shop, await _paid(shop)))).state is orders.PassState.CHECKING


async def test_a_check_that_nobody_ends_is_late(shop: Shop) -> None:
    await _choose(shop, check_percent=100)
    order_id = await _paid(shop)
    await _open(shop, await _code(shop, order_id))
    async with shop.database.reading(shop.tenant) as tx:
        assert [one.kind for one in await orders.late(tx)] == []
        tx.now += timedelta(minutes=31)
        found = await orders.late(tx)
    assert [(one.kind, one.subject_id, one.store_id) for one in found] == [
        ("orders.at_the_door", str(order_id), shop.store.store_id)
    ]


async def test_nobody_leaves_unpaid_refunded_elsewhere_or_with_an_order_of_the_mall(shop: Shop) -> None:
    await _choose(shop, check_percent=0)
    unpaid = await _serve(shop)
    mall = await shop.place(1)
    await shop.pay(mall)
    for order_id in (unpaid.order.order_id, mall.order.order_id):
        with pytest.raises(orders.NothingToLeaveWith):
            await _code(shop, order_id)
    order_id = await _paid(shop)
    code = await _code(shop, order_id)
    with pytest.raises(orders.LeaveCodeUnknown):
        async with shop.database.writing(shop.tenant) as tx:
            await orders.open_door(tx, shop.virtual.store_id, code)
    async with shop.database.writing(shop.tenant) as tx:
        await orders.cancel_order(tx, order_id)
    with pytest.raises(orders.NothingToLeaveWith):
        await _open(shop, code)


async def test_a_store_may_have_no_self_service(shop: Shop) -> None:
    await _choose(shop, enabled=False)
    with pytest.raises(orders.SelfServiceOff):
        await _serve(shop, kind=orders.Kind.KIOSK)
