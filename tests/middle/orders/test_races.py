"""Several at once on one order: each race ends in one of its allowed ends, and the books agree afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from midstage.kit import idempotency
from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.refusals import Refusal
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import STOCK_MILLI, Shop

T = TypeVar("T")
State = orders.State
LATER = timedelta(hours=1)


async def expire(shop: Shop, order_id: orders.OrderId) -> bool:
    async def work(tx: Tx) -> bool:
        return await orders.expire_order(tx, order_id)

    return await shop.do(work, now=utc_now() + LATER)


async def cancel(shop: Shop, order_id: orders.OrderId) -> orders.Order:
    async def work(tx: Tx) -> orders.Order:
        return await orders.cancel_order(tx, order_id)

    return await shop.do(work)


async def refund(shop: Shop, order_id: orders.OrderId, *wishes: orders.RefundWish) -> orders.OrderRefund:
    async def work(tx: Tx) -> orders.OrderRefund:
        return await orders.refund_order(tx, order_id, wishes or None)

    return await shop.do(work)


async def hand_over(shop: Shop, order_id: orders.OrderId) -> orders.Order:
    async def work(tx: Tx) -> orders.Order:
        return await orders.hand_over(tx, order_id)

    return await shop.do(work)


async def at_once(*work: Awaitable[T]) -> list[T | Refusal]:
    """Do these at the same time; a refusal is an answer, anything else that is raised fails the test."""
    answers: list[T | Refusal] = []
    for answer in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
            raise answer
        answers.append(answer)
    return answers


async def several(times: int, race: Callable[[], Awaitable[T]]) -> list[T]:
    """Run a race again and again, as one run says little about it."""
    return [await race() for _ in range(times)]


async def agrees(shop: Shop) -> None:
    """Every check of the doctor that an order can hurt finds nothing."""
    async with shop.database.reading(shop.tenant, snapshot=True) as tx:
        for checks in (orders.checks, payments.checks, inventory.checks, ledger.checks):
            assert await checks(tx) == []


async def promised(shop: Shop) -> int:
    async with shop.database.reading(shop.tenant) as tx:
        stock = await inventory.stock(tx, shop.location, shop.skus)
    return sum(row.reserved_milli for row in stock.values())


async def test_a_callback_that_races_the_expiry_is_paid_in_the_end(shop: Shop) -> None:
    async def race() -> orders.Order:
        placed = await shop.place(2, 1)
        await at_once(shop.pay(placed), expire(shop, placed.order.order_id), expire(shop, placed.order.order_id))
        return await shop.order(placed.order.order_id)

    for order in await several(8, race):
        assert order.state is State.PAID, "the goods were there all the time"
        assert (order.paid_minor, order.refunded_minor) == (order.total_minor, 0)
    assert await promised(shop) == 8 * 3000
    await agrees(shop)


async def test_late_money_races_the_next_buyer_of_the_last_piece(shop: Shop) -> None:
    async def race() -> None:
        placed = await shop.place(100)
        await expire(shop, placed.order.order_id)
        _, other = await at_once(shop.pay(placed), shop.place(100))
        order = await shop.order(placed.order.order_id)
        if isinstance(other, orders.PlacedOrder):
            assert (order.state, order.refunded_minor) == (State.EXPIRED, order.total_minor)
            await cancel(shop, other.order.order_id)
        else:
            assert isinstance(other, inventory.StockShort)
            assert (order.state, order.refunded_minor) == (State.PAID, 0)
            await cancel(shop, placed.order.order_id)

    await several(6, race)
    assert await shop.free(shop.skus[0]) == STOCK_MILLI
    await agrees(shop)


async def test_a_cancel_that_races_the_payment_keeps_nobodys_money(shop: Shop) -> None:
    async def race() -> orders.Order:
        placed = await shop.place(1, 2)
        await at_once(cancel(shop, placed.order.order_id), shop.pay(placed), shop.pay(placed))
        return await shop.order(placed.order.order_id)

    for order in await several(8, race):
        assert order.state is State.CANCELLED
        assert order.paid_minor == order.refunded_minor == order.total_minor
    assert await promised(shop) == 0
    await agrees(shop)


async def test_of_two_cancels_one_is_refused_and_the_money_goes_back_once(shop: Shop) -> None:
    async def race() -> None:
        placed = await shop.place(3)
        await shop.pay(placed)
        answers = await at_once(*(cancel(shop, placed.order.order_id) for _ in range(4)))
        assert sum(isinstance(answer, orders.Order) for answer in answers) == 1
        assert sum(isinstance(answer, orders.OrderNotMovable) for answer in answers) == 3
        async with shop.database.reading(shop.tenant) as tx:
            given = await payments.refunds_of_order(tx, placed.order.order_id)
        assert [one.amount.minor for one in given] == [placed.order.total_minor]

    await several(4, race)
    await agrees(shop)


async def test_refunds_at_once_never_exceed_what_was_paid(shop: Shop) -> None:
    async def race() -> None:
        placed = await shop.place(3, 1)
        await shop.pay(placed)
        piece = orders.RefundWish(1, 1000)
        order_id = placed.order.order_id
        answers = await at_once(*(refund(shop, order_id, piece) for _ in range(5)), refund(shop, order_id))
        given = sum(answer.amount.minor for answer in answers if isinstance(answer, orders.OrderRefund))
        detail = await shop.detail(order_id)
        assert given == detail.order.refunded_minor == sum(line.refunded_minor for line in detail.lines)
        assert given == detail.order.total_minor, "the wish for all of it was among them"
        assert [line.returned_milli for line in detail.lines] == [3000, 1000]

    await several(4, race)
    await agrees(shop)


async def test_a_hand_over_that_races_a_cancel_and_a_refund_has_one_end(shop: Shop) -> None:
    async def race() -> int:
        placed = await shop.place(2)
        await shop.pay(placed)
        order_id = placed.order.order_id
        await at_once(hand_over(shop, order_id), cancel(shop, order_id), refund(shop, order_id))
        order = await shop.order(order_id)
        assert order.state in {State.COMPLETED, State.CANCELLED}
        assert order.refunded_minor == order.total_minor
        return 2000 if order.state is State.COMPLETED else 0

    gone = sum(await several(8, race))
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - gone
    await agrees(shop)


async def test_eight_callers_with_one_key_place_one_order(shop: Shop) -> None:
    key, placing = new_id().hex, shop.placing(1)

    async def place(tx: Tx) -> bytes:
        known = await idempotency.claim(tx, principal=tx.by.id, operation="place", key=key, body_hash=b"one")
        if known is not None:
            return known.answer
        answer = (await orders.place_order(tx, placing)).order.order_id.bytes
        idempotency.store_answer(tx, principal=tx.by.id, operation="place", key=key, status=201, answer=answer)
        return answer

    answers = await asyncio.gather(*(shop.do(place) for _ in range(8)))
    assert len(set(answers)) == 1
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 1000
    await agrees(shop)


async def test_a_guests_cart_merged_twice_at_once_is_neither_lost_nor_doubled(shop: Shop) -> None:
    async def race() -> None:
        guest, member = orders.OwnerId(new_id()), orders.OwnerId(new_id())

        async def fill(tx: Tx) -> None:
            for nth, sku_id in enumerate(shop.skus[:4]):
                await orders.put_in_cart(tx, guest, orders.LineWish(sku_id, 1000 * (nth + 1)))
            for sku_id in shop.skus[3:5]:
                await orders.put_in_cart(tx, member, orders.LineWish(sku_id, 2000))

        async def merge(tx: Tx) -> None:
            await orders.merge(tx, guest, member)

        async def put(tx: Tx) -> None:
            await orders.put_in_cart(tx, member, orders.LineWish(shop.skus[5], 1000))

        await shop.do(fill)
        await asyncio.gather(shop.do(merge), shop.do(merge), shop.do(put), shop.do(merge))
        async with shop.database.reading(shop.tenant) as tx:
            mine = {line.sku_id: line.quantity_milli for line in await orders.cart_lines(tx, member)}
            assert await orders.cart_lines(tx, guest) == []
        assert mine == dict(zip(shop.skus, (1000, 2000, 3000, 4000, 2000, 1000), strict=True))

    await several(6, race)


async def test_a_flood_on_one_order_leaves_it_in_order(shop: Shop) -> None:
    """Every verb that an order knows, at once, many times."""

    async def race() -> None:
        placed = await shop.place(2, 2)
        order_id = placed.order.order_id
        flood: list[Awaitable[object]] = [
            shop.pay(placed), expire(shop, order_id), cancel(shop, order_id), shop.pay(placed),
            refund(shop, order_id, orders.RefundWish(2, 500)), hand_over(shop, order_id), expire(shop, order_id),
        ]  # fmt: skip
        await at_once(*flood)
        steps = (await shop.detail(order_id)).steps
        assert [step.version for step in steps] == list(range(1, len(steps) + 1))

    await several(6, race)
    await agrees(shop)


def failed(given: payments.Refund, shop: Shop) -> payments.Notice:
    return payments.Notice(
        kind=payments.NoticeKind.REFUND_FAILED,
        merchant_id=shop.merchant.merchant_id,
        payee=None,
        provider="sandbox",
        payment_id=given.payment_id,
        transaction_no="",
        amount=given.amount,
        at=utc_now(),
        refund_id=given.refund_id,
        reason="the card is closed",
    )


@pytest.mark.parametrize("completed", [False, True])
async def test_a_refund_that_fails_twice_at_once_is_put_back_once(shop: Shop, completed: bool) -> None:  # noqa: FBT001  # pytest gives it by name
    placed = await shop.place(2, 1)
    order_id = placed.order.order_id
    await shop.pay(placed)
    if completed:
        await hand_over(shop, order_id)
    before = await shop.detail(order_id)
    await refund(shop, order_id, orders.RefundWish(1, 1000))
    async with shop.database.reading(shop.tenant) as tx:
        [given] = await payments.refunds_of_order(tx, order_id)

    async def fail(tx: Tx) -> None:
        await orders.notice_arrived(tx, failed(given, shop))

    await asyncio.gather(shop.do(fail), shop.do(fail), shop.do(fail))
    after = await shop.detail(order_id)
    assert after.lines == before.lines
    assert after.order.refunded_minor == 0
    await agrees(shop)
    again = await refund(shop, order_id)
    assert again.amount.minor == placed.order.total_minor
    await agrees(shop)


async def test_a_cancelled_order_whose_refund_failed_can_be_refunded_again(shop: Shop) -> None:
    placed = await shop.place(1)
    order_id = placed.order.order_id
    await shop.pay(placed)
    await cancel(shop, order_id)
    async with shop.database.reading(shop.tenant) as tx:
        [given] = await payments.refunds_of_order(tx, order_id)

    async def fail(tx: Tx) -> None:
        await orders.notice_arrived(tx, failed(given, shop))

    await shop.do(fail)
    await agrees(shop)
    assert (await refund(shop, order_id)).amount.minor == placed.order.total_minor
    assert (await shop.order(order_id)).state is State.CANCELLED
    with pytest.raises(orders.NothingToRefund):
        await refund(shop, order_id)
    await agrees(shop)
