"""The life of an order, through the door: placed, paid, handed over, cancelled, expired, refunded."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.facts import Fact
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.orders import rules
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing
from shop import PRICE_MINOR, STOCK_MILLI, Shop


async def test_placing_promises_the_stock_and_says_what_is_due(shop: Shop) -> None:
    placed = await shop.place(2, 1)
    assert placed.order.state is orders.State.PLACED
    assert placed.order.total_minor == 2 * PRICE_MINOR + PRICE_MINOR + 100
    assert [line.total_minor for line in placed.lines] == [2 * PRICE_MINOR, PRICE_MINOR + 100]
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 2000


async def test_a_paid_order_keeps_whose_sale_it_is(shop: Shop) -> None:
    order = await shop.pay(await shop.place(1))
    assert order.state is orders.State.PAID
    assert order.paid_minor == order.total_minor
    assert order.credited_store_id == shop.store.store_id
    assert order.credited_guide_id == shop.member.guide_id


async def test_the_same_notice_twice_pays_once(shop: Shop) -> None:
    placed = await shop.place(1)
    await shop.pay(placed)
    order = await shop.pay(placed)
    assert (order.version, order.paid_minor) == (2, order.total_minor)


async def test_handing_over_takes_the_goods_and_completes(shop: Shop) -> None:
    placed = await shop.place(3)
    await shop.pay(placed)

    async def hand_over(tx: Tx) -> None:
        await orders.hand_over(tx, placed.order.order_id)

    await shop.do(hand_over)
    detail = await shop.detail(placed.order.order_id)
    assert detail.order.state is orders.State.COMPLETED
    assert [part.state for part in detail.parts] == [orders.PartState.HANDED_OVER]
    assert [step.became for step in detail.steps] == ["placed", "paid", "completed"]
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 3000


async def test_an_unpaid_order_expires_and_frees_its_stock(shop: Shop) -> None:
    placed = await shop.place(5)

    async def expire(tx: Tx) -> bool:
        return await orders.expire_order(tx, placed.order.order_id)

    assert await shop.do(expire) is False, "its time is not over"
    assert await shop.do(expire, now=utc_now() + timedelta(hours=1)) is True
    assert await shop.do(expire, now=utc_now() + timedelta(hours=1)) is False
    assert (await shop.order(placed.order.order_id)).state is orders.State.EXPIRED
    assert await shop.free(shop.skus[0]) == STOCK_MILLI


async def test_money_after_expiry_finds_the_goods_again(shop: Shop) -> None:
    placed = await shop.place(5)

    async def expire(tx: Tx) -> bool:
        return await orders.expire_order(tx, placed.order.order_id)

    await shop.do(expire, now=utc_now() + timedelta(hours=1))
    order = await shop.pay(placed)
    assert order.state is orders.State.PAID
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 5000


async def test_money_after_expiry_goes_back_where_the_goods_are_gone(shop: Shop) -> None:
    placed = await shop.place(60)

    async def expire(tx: Tx) -> bool:
        return await orders.expire_order(tx, placed.order.order_id)

    await shop.do(expire, now=utc_now() + timedelta(hours=1))
    await shop.place(60)
    order = await shop.pay(placed)
    assert order.state is orders.State.EXPIRED
    assert (order.paid_minor, order.refunded_minor) == (order.total_minor, order.total_minor)
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 60_000


async def test_a_cancelled_order_gives_back_stock_and_money(shop: Shop) -> None:
    placed = await shop.place(4)
    await shop.pay(placed)

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, placed.order.order_id, reason="changed her mind")

    await shop.do(cancel)
    order = await shop.order(placed.order.order_id)
    assert (order.state, order.refunded_minor) == (orders.State.CANCELLED, order.paid_minor)
    assert await shop.free(shop.skus[0]) == STOCK_MILLI
    with pytest.raises(orders.OrderNotMovable):
        await shop.do(cancel)


async def test_a_completed_order_stays_as_it_was(shop: Shop) -> None:
    placed = await shop.place(1)
    await shop.pay(placed)

    async def hand_over(tx: Tx) -> None:
        await orders.hand_over(tx, placed.order.order_id)

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, placed.order.order_id)

    await shop.do(hand_over)
    before = await shop.detail(placed.order.order_id)
    with pytest.raises(orders.OrderNotMovable):
        await shop.do(cancel)
    assert await shop.detail(placed.order.order_id) == before


async def test_too_much_is_refused_and_nothing_is_written(shop: Shop) -> None:
    with pytest.raises(inventory.StockShort) as refused:
        await shop.place(1, 101)
    assert refused.value.figures()["free_milli"] == STOCK_MILLI
    assert await shop.free(shop.skus[0]) == STOCK_MILLI


async def test_another_total_than_was_shown_is_refused(shop: Shop) -> None:
    with pytest.raises(orders.TotalMoved) as refused:
        await shop.place(1, expected_total_minor=PRICE_MINOR - 1)
    assert refused.value.total_minor == PRICE_MINOR
    assert await shop.free(shop.skus[0]) == STOCK_MILLI


async def test_partial_refunds_add_up_to_the_whole_and_no_further(shop: Shop) -> None:
    placed = await shop.place(3, 1)
    await shop.pay(placed)

    async def refund_one(tx: Tx) -> orders.OrderRefund:
        return await orders.refund_order(tx, placed.order.order_id, [orders.RefundWish(1, 1000)])

    async def refund_rest(tx: Tx) -> orders.OrderRefund:
        return await orders.refund_order(tx, placed.order.order_id)

    amounts = [(await shop.do(refund_one)).amount.minor, (await shop.do(refund_rest)).amount.minor]
    order = await shop.order(placed.order.order_id)
    assert amounts[0] == PRICE_MINOR
    assert sum(amounts) == order.refunded_minor == order.paid_minor
    with pytest.raises(orders.NothingToRefund):
        await shop.do(refund_rest)


async def test_an_order_of_nothing_is_paid_at_once(shop: Shop) -> None:
    async def for_free(tx: Tx) -> None:
        await pricing.set_base_prices(tx, [pricing.BasePrice(shop.skus[0], 0, "CNY")])

    await shop.do(for_free)
    placed = await shop.place(2)
    assert placed.payment_id is None
    order = await shop.order(placed.order.order_id)
    assert order == placed.order
    assert (order.state, order.paid_minor, order.expires_at) == (orders.State.PAID, 0, None)
    assert order.credited_guide_id == shop.member.guide_id
    async with shop.database.reading(shop.tenant) as tx:
        assert await payments.payments_of(tx, [order.order_id]) == {}
        assert await orders.checks(tx) == []

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, order.order_id)

    await shop.do(cancel)
    assert await shop.free(shop.skus[0]) == STOCK_MILLI


async def test_a_cancelled_sale_is_told_as_given_back(shop: Shop) -> None:
    placed = await shop.place(2, 1)
    await shop.pay(placed)

    async def cancel(tx: Tx) -> list[Fact]:
        await orders.cancel_order(tx, placed.order.order_id)
        return [fact for fact, _ in tx.told]

    told = {type(fact): fact for fact in await shop.do(cancel)}
    back = told[orders.OrderRefunded]
    assert isinstance(back, orders.OrderRefunded)
    assert (back.refunded_minor, back.units_milli) == (placed.order.total_minor, 3000)
    assert orders.OrderCancelled in told


@given(
    parts=st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 10_000)), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 60_000), max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_failures_of_a_refund_add_up_to_its_shares(parts: list[tuple[int, int]], cuts: list[int]) -> None:
    shares = [(no, milli, minor) for no, (milli, minor) in enumerate(parts, start=1)]
    whole = sum(minor for _, minor in parts)
    ends = sorted({min(cut, whole) for cut in cuts} | {whole})
    undone: dict[int, list[int]] = {}
    begun = 0
    for end in ends:
        for no, milli, minor in rules.undone_shares(shares, begun, end - begun):
            so_far = undone.setdefault(no, [0, 0])
            so_far[0] += milli
            so_far[1] += minor
        begun = end
    assert {no: tuple(sums) for no, sums in undone.items()} == {
        no: (milli, minor) for no, milli, minor in shares if minor
    }
