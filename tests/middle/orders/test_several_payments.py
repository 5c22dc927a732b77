"""An order that is paid in several payments: with the last of them, in time, or not at all."""

import asyncio
from datetime import timedelta

import pytest

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.kit.refusals import Refusal
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, STOCK_MILLI, Shop

State = orders.State
LATER = timedelta(hours=1)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def cash(minor: int) -> payments.Taking:
    return payments.Taking("cash", cny(minor))


async def due(shop: Shop, placed: orders.PlacedOrder) -> list[payments.Payment]:
    async with shop.database.reading(shop.tenant) as tx:
        return (await payments.payments_of(tx, [placed.order.order_id]))[placed.order.order_id]


async def pay(shop: Shop, payment: payments.Payment, *, transaction: str = "") -> orders.Order:
    """Let the money of one payment arrive."""
    notice = payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=shop.merchant.merchant_id,
        payee=payment.payee,
        provider="sandbox",
        payment_id=payment.payment_id,
        transaction_no=transaction or f"T{payment.payment_id.hex}",
        amount=payment.due,
        at=utc_now(),
    )

    async def work(tx: Tx) -> None:
        await orders.notice_arrived(tx, notice)

    await shop.do(work)
    return await shop.order(orders.OrderId(payment.order_id))


async def take(
    shop: Shop, placed: orders.PlacedOrder, minor: int, *, part: bool = True, method: str = "cash"
) -> orders.Order:
    async def work(tx: Tx) -> orders.Order:
        return await orders.take_payment(tx, placed.order.order_id, method, cny(minor), part=part)

    return await shop.do(work)


async def expire(shop: Shop, placed: orders.PlacedOrder) -> bool:
    async def work(tx: Tx) -> bool:
        return await orders.expire_order(tx, placed.order.order_id)

    return await shop.do(work, now=utc_now() + LATER)


async def cancel(shop: Shop, placed: orders.PlacedOrder) -> orders.Order:
    async def work(tx: Tx) -> orders.Order:
        return await orders.cancel_order(tx, placed.order.order_id)

    return await shop.do(work)


async def refunds(shop: Shop, placed: orders.PlacedOrder) -> list[int]:
    async with shop.database.reading(shop.tenant) as tx:
        return [one.amount.minor for one in await payments.refunds_of_order(tx, placed.order.order_id)]


async def agrees(shop: Shop) -> None:
    async with shop.database.reading(shop.tenant, snapshot=True) as tx:
        for checks in (orders.checks, payments.checks, inventory.checks, ledger.checks):
            assert await checks(tx) == []


async def test_a_split_tender_pays_the_order_as_it_is_placed(shop: Shop) -> None:
    card = payments.Taking("card_terminal", cny(PRICE_MINOR - 5_000), reference="A77")
    placed = await shop.place(1, takings=[cash(5_000), card])
    assert (placed.order.state, placed.order.paid_minor, placed.payment_id) == (State.PAID, PRICE_MINOR, None)
    assert [(one.method, one.amount.minor) for one in placed.taken] == [
        ("cash", 5_000),
        ("card_terminal", PRICE_MINOR - 5_000),
    ]
    assert await shop.order(placed.order.order_id) == placed.order
    async with shop.database.reading(shop.tenant) as tx:
        for method, minor in (("cash", 5_000), ("card_terminal", PRICE_MINOR - 5_000)):
            account = payments.source_account(tx.brand, "CNY", method=method, merchant_id=None)
            assert (await ledger.balance(tx, account)).amount == -minor
    await agrees(shop)


async def test_what_a_split_tender_leaves_stays_due_until_the_provider_tells(shop: Shop) -> None:
    placed = await shop.place(1, takings=[cash(5_000)])
    assert (placed.order.state, placed.order.paid_minor) == (State.PLACED, 5_000)
    await agrees(shop)
    first, rest = sorted(await due(shop, placed), key=lambda one: one.due_minor)
    assert (first.state, rest.payment_id, rest.due_minor) == ("paid", placed.payment_id, PRICE_MINOR - 5_000)
    order = await pay(shop, rest)
    assert (order.state, order.paid_minor) == (State.PAID, PRICE_MINOR)
    await agrees(shop)


async def test_more_than_is_due_is_not_taken_and_nothing_is_placed(shop: Shop) -> None:
    with pytest.raises(payments.AmountNotDue):
        await shop.place(1, takings=[cash(PRICE_MINOR), cash(1)])
    with pytest.raises(payments.MethodUnknown):
        await shop.place(1, takings=[payments.Taking("Cash!", cny(1))])
    assert await shop.free(shop.skus[0]) == STOCK_MILLI


async def test_parts_are_taken_one_after_the_other_and_the_last_pays(shop: Shop) -> None:
    placed = await shop.place(1)
    order = await take(shop, placed, 4_000)
    assert (order.state, order.paid_minor) == (State.PLACED, 4_000)
    assert order == await shop.order(order.order_id)
    with pytest.raises(payments.AmountNotDue):
        await take(shop, placed, PRICE_MINOR, part=True)
    with pytest.raises(payments.AmountNotDue):
        await take(shop, placed, 100, part=False)
    await agrees(shop)
    order = await take(shop, placed, PRICE_MINOR - 4_000, method="card_terminal")
    assert (order.state, order.paid_minor) == (State.PAID, PRICE_MINOR)
    await agrees(shop)


async def test_no_part_is_cut_off_what_the_shopper_may_be_paying_this_moment(shop: Shop) -> None:
    placed = await shop.place(1)
    assert placed.payment_id is not None
    with pytest.raises(payments.ProviderUnavailable):
        await payments.start_payment(
            shop.database, shop.tenant, placed.payment_id, payments.Cashier(title="x"), callback_base=""
        )
    with pytest.raises(payments.PaymentNotOpen):
        await take(shop, placed, 100)
    assert [one.due_minor for one in await due(shop, placed)] == [PRICE_MINOR]


async def test_what_was_paid_in_part_goes_back_when_the_order_expires(shop: Shop) -> None:
    placed = await shop.place(1, takings=[cash(5_000), cash(1_000)])
    assert await expire(shop, placed)
    order = await shop.order(placed.order.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == (State.EXPIRED, 6_000, 6_000)
    assert sorted(await refunds(shop, placed)) == [1_000, 5_000]
    assert await shop.free(shop.skus[0]) == STOCK_MILLI
    await agrees(shop)


async def test_the_last_money_after_expiry_goes_back_too(shop: Shop) -> None:
    placed = await shop.place(1, takings=[cash(5_000)])
    await expire(shop, placed)
    rest = next(one for one in await due(shop, placed) if one.state is payments.PaymentState.CLOSED)
    with pytest.raises(orders.OrderNotMovable):
        await take(shop, placed, rest.due_minor)
    order = await pay(shop, rest)
    assert (order.state, order.paid_minor, order.refunded_minor) == (State.EXPIRED, PRICE_MINOR, PRICE_MINOR)
    await agrees(shop)


async def test_cancelling_gives_back_what_came_and_closes_the_rest(shop: Shop) -> None:
    placed = await shop.place(1, takings=[cash(5_000)])
    order = await cancel(shop, placed)
    assert (order.state, order.refunded_minor) == (State.CANCELLED, 5_000)
    assert await refunds(shop, placed) == [5_000]
    assert sorted(one.state for one in await due(shop, placed)) == ["closed", "paid"]
    await agrees(shop)


async def test_money_that_comes_twice_for_one_of_them_goes_back_and_pays_no_other(shop: Shop) -> None:
    placed = await shop.place(1, takings=[cash(5_000)])
    order = await take(shop, placed, 800)
    rest = next(one for one in await due(shop, placed) if one.state is payments.PaymentState.OPEN)
    paid = next(one for one in await due(shop, placed) if one.due_minor == 5_000)
    order = await pay(shop, paid, transaction="T-second")
    assert (order.state, order.paid_minor) == (State.PLACED, 5_800)
    order = await pay(shop, rest)
    assert (order.state, order.paid_minor, order.refunded_minor) == (State.PAID, PRICE_MINOR, 0)
    assert await refunds(shop, placed) == [5_000]
    await agrees(shop)


async def test_a_refund_is_split_in_proportion(shop: Shop) -> None:
    placed = await shop.place(2, takings=[cash(PRICE_MINOR), payments.Taking("card_terminal", cny(PRICE_MINOR))])

    async def work(tx: Tx) -> None:
        await orders.refund_order(tx, placed.order.order_id, [orders.RefundWish(1, 1000)])

    await shop.do(work)
    assert await refunds(shop, placed) == [PRICE_MINOR // 2] * 2
    await shop.do(work)
    assert await refunds(shop, placed) == [PRICE_MINOR // 2] * 4
    with pytest.raises(orders.NothingToRefund):
        await shop.do(work)
    await agrees(shop)


async def test_the_callbacks_of_two_payments_at_once_pay_the_order_once(shop: Shop) -> None:
    for _ in range(6):
        placed = await shop.place(1, takings=[cash(800)])
        cut = await due(shop, placed)
        rest = next(one for one in cut if one.state is payments.PaymentState.OPEN)

        async def split(tx: Tx, rest: payments.Payment = rest) -> None:
            await payments.cut_payment(tx, rest.payment_id, cny(4_000))

        await shop.do(split)
        waiting = [one for one in await due(shop, placed) if one.state is payments.PaymentState.OPEN]
        assert len(waiting) == 2
        await asyncio.gather(*(pay(shop, one) for one in waiting), *(pay(shop, one) for one in waiting))
        order = await shop.order(placed.order.order_id)
        assert (order.state, order.paid_minor, order.version) == (State.PAID, PRICE_MINOR, 2)
    await agrees(shop)


async def test_the_last_payment_that_races_the_expiry_leaves_nobodys_money(shop: Shop) -> None:
    for _ in range(8):
        placed = await shop.place(1, takings=[cash(800)])
        rest = next(one for one in await due(shop, placed) if one.state is payments.PaymentState.OPEN)
        for answer in await asyncio.gather(
            pay(shop, rest), expire(shop, placed), expire(shop, placed), return_exceptions=True
        ):
            assert not isinstance(answer, BaseException) or isinstance(answer, Refusal)
        order = await shop.order(placed.order.order_id)
        assert order.paid_minor == PRICE_MINOR
        if order.state is State.EXPIRED:
            assert order.refunded_minor == PRICE_MINOR
        else:
            assert (order.state, order.refunded_minor) == (State.PAID, 0)
    await agrees(shop)
