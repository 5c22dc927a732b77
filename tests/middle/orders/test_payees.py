"""Who collects: the brand or operators, each on its own account, frozen when the order is placed."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.franchise import Franchise, collects, open_franchise, open_payments_of

State = orders.State
HERE = orders.Delivery(orders.Method.DELIVERY, orders.Address("韩梅梅", "13800000000", "某路 1 号", 31.21, 121.4))


async def pay(shop: Shop, payment: payments.Payment, merchant: payments.Merchant | None) -> orders.Order:
    """Let the money of one payment arrive on an account."""
    assert merchant is not None
    notice = payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=merchant.merchant_id,
        payee=merchant.payee,
        provider="sandbox",
        payment_id=payment.payment_id,
        transaction_no=f"T{payment.payment_id.hex}",
        amount=payment.due,
        at=utc_now(),
    )

    async def work(tx: Tx) -> None:
        await orders.notice_arrived(tx, notice)

    await shop.do(work)
    return await shop.order(orders.OrderId(payment.order_id))


async def deposits(shop: Shop, payee: UUID | None) -> int:
    async with shop.database.reading(shop.tenant) as tx:
        return (await ledger.balance(tx, payments.deposits_account(tx.brand, "CNY", payee))).amount


async def agrees(shop: Shop) -> None:
    async with shop.database.reading(shop.tenant, snapshot=True) as tx:
        for checks in (orders.checks, payments.checks, inventory.checks, ledger.checks):
            assert await checks(tx) == []


async def two_shippers(shop: Shop) -> tuple[Franchise, orders.PlacedOrder]:
    """An order of which the brand's store ships 100 of one sku, and a franchisee the 20 that are missing."""
    franchise = await open_franchise(shop)
    await collects(shop, collects="operator", whose="shipper")
    async with shop.database.reading(shop.tenant) as tx:
        stock = await inventory.available(tx, inventory.location_of(shop.stores[1].store_id), shop.skus)
    assert stock[shop.skus[0]] == 100_000
    placed = await shop.place(220, delivery=HERE)
    return franchise, placed


async def test_the_brand_collects_unless_somebody_chose_otherwise(shop: Shop) -> None:
    franchise = await open_franchise(shop)
    placed = await shop.place(1, store_id=franchise.store.store_id)
    assert placed.order.collecting is None
    [payment] = await open_payments_of(shop, placed)
    assert (payment.payee, payment.split) == (None, False)


async def test_the_operator_of_the_selling_store_collects_on_its_own_account(shop: Shop) -> None:
    franchise = await open_franchise(shop)
    await collects(shop, collects="operator")
    placed = await shop.place(2, store_id=franchise.store.store_id)
    [payment] = await open_payments_of(shop, placed)
    assert payment.payee == franchise.payee
    with pytest.raises(payments.NoticeOfAnother):
        await pay(shop, payment, shop.merchant)
    order = await pay(shop, payment, franchise.merchant)
    assert order.state is State.PAID
    assert order.collecting == orders.Collecting(
        "seller",
        organisation.Holder(organisation.Level.BRAND, shop.store.unit_path[0]),
        [
            orders.CollectingShare(
                franchise.operator.operator_id, franchise.payee, 2 * PRICE_MINOR, [1], orders.Why.OPERATOR
            )
        ],
    )
    assert (await deposits(shop, franchise.payee), await deposits(shop, None)) == (2 * PRICE_MINOR, 0)
    await agrees(shop)


async def test_the_brands_own_store_collects_for_the_brand_all_the_same(shop: Shop) -> None:
    await collects(shop, collects="operator")
    placed = await shop.place(1)
    [payment] = await open_payments_of(shop, placed)
    assert payment.payee is None
    assert placed.order.collecting is not None
    assert [share.why for share in placed.order.collecting.shares] == [orders.Why.OWN]


async def test_an_operator_without_an_account_sells_nothing_or_through_the_brand(shop: Shop) -> None:
    franchise = await open_franchise(shop, account=False)
    await collects(shop, collects="operator")
    with pytest.raises(orders.PayeeWithoutAccount):
        await shop.place(1, store_id=franchise.store.store_id)
    await collects(shop, store=franchise.store, collects="operator", without_account="brand")
    placed = await shop.place(1, store_id=franchise.store.store_id)
    [payment] = await open_payments_of(shop, placed)
    assert payment.payee is None
    assert placed.order.collecting is not None
    assert [share.why for share in placed.order.collecting.shares] == [orders.Why.NO_ACCOUNT]


async def test_an_account_is_for_the_payee_that_an_operator_names_today(shop: Shop) -> None:
    franchise = await open_franchise(shop, account=False)
    newer = organisation.Payee("新公司", "sandbox", "B-1")

    async def change(tx: Tx) -> None:
        change = organisation.OperatorChange(payee=newer)
        await organisation.change_operator(tx, franchise.operator.operator_id, change)

    async def put(payee: UUID) -> payments.Merchant:
        async def work(tx: Tx) -> payments.Merchant:
            return await payments.put_merchant(
                tx,
                provider="sandbox",
                payee=payee,
                settings=shop.merchant.settings,
                secrets=shop.merchant.secrets,
            )

        return await shop.do(work)

    await shop.do(change)
    for stranger in (franchise.payee, UUID(int=5)):
        with pytest.raises(payments.NotCollecting):
            await put(stranger)
    assert (await put(newer.payee_id)).payee == newer.payee_id


async def test_where_two_operators_ship_each_collects_its_share_and_the_last_pays(shop: Shop) -> None:
    franchise, placed = await two_shippers(shop)
    small, large = await open_payments_of(shop, placed)
    assert (small.payee, small.due_minor) == (franchise.payee, 20 * PRICE_MINOR)
    assert (large.payee, large.due_minor) == (None, 200 * PRICE_MINOR)
    assert set(placed.waiting) == {small.payment_id, large.payment_id}
    assert (await pay(shop, small, franchise.merchant)).state is State.PLACED
    await agrees(shop)
    assert (await pay(shop, large, shop.merchant)).state is State.PAID
    assert await deposits(shop, franchise.payee) == 20 * PRICE_MINOR
    assert await deposits(shop, None) == 200 * PRICE_MINOR
    await agrees(shop)


async def test_a_line_goes_back_out_of_the_account_that_collected_for_it(shop: Shop) -> None:
    franchise, placed = await two_shippers(shop)
    small, large = await open_payments_of(shop, placed)
    await asyncio.gather(pay(shop, small, franchise.merchant), pay(shop, large, shop.merchant))
    assert (await shop.order(placed.order.order_id)).state is State.PAID
    detail = await shop.detail(placed.order.order_id)
    theirs = next(line for line in detail.lines if line.quantity_milli == 20_000)

    async def work(tx: Tx) -> None:
        await orders.refund_order(tx, placed.order.order_id, [orders.RefundWish(theirs.line_no, 5_000)])

    await shop.do(work)
    async with shop.database.reading(shop.tenant) as tx:
        [refund] = await payments.refunds_of_order(tx, placed.order.order_id)
    assert (refund.payment_id, refund.amount.minor) == (small.payment_id, 5 * PRICE_MINOR)

    async def cancel(tx: Tx) -> None:
        await orders.cancel_order(tx, placed.order.order_id)

    await shop.do(cancel)
    async with shop.database.reading(shop.tenant) as tx:
        held = (await payments.payments_of(tx, [placed.order.order_id]))[placed.order.order_id]
    assert all(payment.refundable.minor == 0 for payment in held)
    await agrees(shop)


async def test_a_completed_sale_is_earned_out_of_each_payees_deposits_and_taken_back_into_them(shop: Shop) -> None:
    franchise, placed = await two_shippers(shop)
    small, large = await open_payments_of(shop, placed)
    await pay(shop, small, franchise.merchant)
    await pay(shop, large, shop.merchant)

    async def hand_over(tx: Tx) -> None:
        await orders.hand_over(tx, placed.order.order_id)

    await shop.do(hand_over)
    assert (await deposits(shop, franchise.payee), await deposits(shop, None)) == (0, 0)
    await agrees(shop)

    async def refund(tx: Tx) -> None:
        await orders.refund_order(tx, placed.order.order_id)

    await shop.do(refund)
    assert await deposits(shop, franchise.payee) == 20 * PRICE_MINOR
    await agrees(shop)
    async with shop.database.reading(shop.tenant) as tx:
        given = next(
            one
            for one in await payments.refunds_of_order(tx, placed.order.order_id)
            if one.payment_id == small.payment_id
        )
    assert franchise.merchant is not None
    failed = payments.Notice(
        kind=payments.NoticeKind.REFUND_FAILED,
        merchant_id=franchise.merchant.merchant_id,
        payee=franchise.payee,
        provider="sandbox",
        payment_id=small.payment_id,
        transaction_no="",
        amount=given.amount,
        at=utc_now(),
        refund_id=given.refund_id,
        reason="closed",
    )

    async def fail(tx: Tx) -> None:
        await orders.notice_arrived(tx, failed)

    await shop.do(fail)
    assert await deposits(shop, franchise.payee) == 0
    await agrees(shop)


async def test_two_payees_callbacks_at_once_and_the_expiry_leave_nobodys_money(shop: Shop) -> None:
    franchise, first = await two_shippers(shop)

    async def expire(placed: orders.PlacedOrder) -> bool:
        async def work(tx: Tx) -> bool:
            return await orders.expire_order(tx, placed.order.order_id)

        return await shop.do(work, now=utc_now() + timedelta(hours=1))

    async def cancel(placed: orders.PlacedOrder) -> None:
        async def work(tx: Tx) -> None:
            await orders.cancel_order(tx, placed.order.order_id)

        await shop.do(work)

    await cancel(first)
    for _ in range(5):
        placed = await shop.place(220, delivery=HERE)
        small, large = await open_payments_of(shop, placed)
        await asyncio.gather(
            pay(shop, small, franchise.merchant),
            pay(shop, large, shop.merchant),
            expire(placed),
            pay(shop, large, shop.merchant),
        )
        order = await shop.order(placed.order.order_id)
        assert order.paid_minor == order.total_minor
        if order.state is State.PAID:
            await cancel(placed)
        order = await shop.order(placed.order.order_id)
        assert order.refunded_minor == order.total_minor
    await agrees(shop)


async def test_cash_at_the_till_pays_both_payees_in_one_go(shop: Shop) -> None:
    franchise = await open_franchise(shop)
    await collects(shop, collects="operator", whose="shipper")
    takings = [
        payments.Taking("cash", Money(100 * PRICE_MINOR, "CNY")),
        payments.Taking("card", Money(120 * PRICE_MINOR, "CNY")),
    ]
    placed = await shop.place(220, delivery=HERE, takings=takings)
    assert placed.order.state is State.PAID
    assert sum(one.amount.minor for one in placed.taken if one.payee == franchise.payee) == 20 * PRICE_MINOR
    assert await deposits(shop, franchise.payee) == 20 * PRICE_MINOR
    await agrees(shop)
