"""Goods come back to a till: the exact money, by the ways it came, within what a cashier may do alone."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.till import FLOAT_MINOR, TillShop, open_till_shop

CARD = "card_terminal"


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def wrong(counter: TillShop) -> list[object]:
    async with counter.shop.database.reading(counter.shop.tenant, snapshot=True) as tx:
        return [*await payments.checks(tx), *await orders.checks(tx)]


async def bring_back(
    counter: TillShop, sold: orders.Sold, *lines: orders.BackLine, goes: payments.GoesBack = payments.GoesBack.SAME
) -> orders.ReturnTaken:
    wanted = lines or tuple(
        orders.BackLine(line_no=line.line_no, quantity_milli=line.quantity_milli) for line in sold.lines
    )
    back = orders.Back(order_id=sold.order.order_id, lines=wanted, reason="too small", goes=goes)

    async def work(tx: Tx) -> orders.ReturnTaken:
        return await orders.take_back(tx, counter.till, back)

    return await counter.do(work)


async def allow(counter: TillShop, **settings: object) -> None:
    async def work(tx: Tx) -> None:
        holder = organisation.Holder(organisation.Level.STORE, counter.till.at.store_id)
        await organisation.unchoose(tx, "till_refunds", holder)
        await organisation.choose(tx, "till_refunds", holder, settings)

    await counter.do(work)


async def test_a_whole_sale_comes_back_to_the_cent(counter: TillShop) -> None:
    before = await counter.stock(counter.shop.skus[0])
    sold = await counter.sell(2, 1, tenders=[payments.TenderWish(CARD, 10_000), payments.TenderWish("cash")])
    taken = await bring_back(counter, sold)
    assert taken.taken.amount_minor == sold.order.total_minor
    assert taken.by_method == {CARD: 10_000, "cash": sold.order.total_minor - 10_000}
    assert await counter.stock(counter.shop.skus[0]) == before
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR
    assert taken.taken.tax_minor == sold.order.tax_minor
    with pytest.raises(orders.NothingToRefund):
        await bring_back(counter, sold)
    assert await wrong(counter) == []


async def test_a_part_goes_back_by_each_tender_in_its_proportion(counter: TillShop) -> None:
    sold = await counter.sell(2, tenders=[payments.TenderWish(CARD, PRICE_MINOR // 2), payments.TenderWish("cash")])
    taken = await bring_back(counter, sold, orders.BackLine(line_no=1, quantity_milli=1000))
    assert taken.by_method == {CARD: PRICE_MINOR // 4, "cash": PRICE_MINOR - PRICE_MINOR // 4}
    await bring_back(counter, sold, orders.BackLine(line_no=1, quantity_milli=1000))
    assert (await counter.shop.order(sold.order.order_id)).refunded_minor == sold.order.paid_minor
    assert await wrong(counter) == []


async def test_damaged_goods_are_not_on_sale_again(counter: TillShop) -> None:
    sold = await counter.sell(1)
    before = await counter.stock(counter.shop.skus[0])
    line = orders.BackLine(line_no=1, quantity_milli=1000, condition=orders.Condition.DAMAGED)
    await bring_back(counter, sold, line)
    assert await counter.stock(counter.shop.skus[0]) == before


async def test_more_than_was_sold_does_not_come_back_even_at_once(counter: TillShop) -> None:
    sold = await counter.sell(3)
    line = orders.BackLine(line_no=1, quantity_milli=1000)
    found = await asyncio.gather(*(bring_back(counter, sold, line) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, orders.ReturnTaken) for one in found) == 3
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR
    assert await wrong(counter) == []


async def test_a_mall_order_comes_back_at_the_till(counter: TillShop) -> None:
    placed = await counter.shop.place(1)
    await counter.shop.pay(placed)

    async def hand_over(tx: Tx) -> orders.Order:
        return await orders.hand_over(tx, placed.order.order_id)

    await counter.do(hand_over)
    back = orders.Back(
        order_id=placed.order.order_id, lines=[orders.BackLine(line_no=1, quantity_milli=1000)], reason="colour"
    )

    async def work(tx: Tx) -> orders.ReturnTaken:
        return await orders.take_back(tx, counter.till, back)

    taken = await counter.do(work)
    assert (taken.by_method, taken.waiting_minor) == ({}, PRICE_MINOR)
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR
    assert await wrong(counter) == []


async def test_an_order_that_the_shopper_does_not_have_is_not_returned(counter: TillShop) -> None:
    placed = await counter.shop.place(1)
    back = orders.Back(
        order_id=placed.order.order_id, lines=[orders.BackLine(line_no=1, quantity_milli=1000)], reason="colour"
    )

    async def work(tx: Tx) -> orders.ReturnTaken:
        return await orders.take_back(tx, counter.till, back)

    with pytest.raises(orders.NotReturnable):
        await counter.do(work)


async def test_beyond_the_limit_somebody_else_approves(counter: TillShop) -> None:
    await allow(counter, most_minor=PRICE_MINOR - 1)
    sold = await counter.sell(1)
    with pytest.raises(access.ApprovalNeeded) as needed:
        await bring_back(counter, sold)
    assert needed.value.subject == orders.approval_subject(counter.till, sold.order.order_id)
    assert (await counter.shop.order(sold.order.order_id)).refunded_minor == 0


async def test_cash_for_what_was_paid_by_card_has_a_limit_of_its_own(counter: TillShop) -> None:
    await allow(counter, cash_instead_minor=PRICE_MINOR - 1)
    sold = await counter.sell(1, tenders=[payments.TenderWish(CARD)])
    with pytest.raises(access.ApprovalNeeded):
        await bring_back(counter, sold, goes=payments.GoesBack.CASH)
    await allow_again(counter)
    taken = await bring_back(counter, sold, goes=payments.GoesBack.CASH)
    assert taken.by_method == {"cash": PRICE_MINOR}
    assert await wrong(counter) == []


async def allow_again(counter: TillShop) -> None:
    async def work(tx: Tx) -> bool:
        return await organisation.unchoose(
            tx, "till_refunds", organisation.Holder(organisation.Level.STORE, counter.till.at.store_id)
        )

    await counter.do(work)


async def test_an_old_receipt_needs_somebody_else(shop: Shop) -> None:
    counter = await open_till_shop(shop, now=utc_now() - timedelta(days=40))
    sold = await counter.sell(1, now=utc_now() - timedelta(days=40))
    with pytest.raises(access.ApprovalNeeded):
        await bring_back(counter, sold)


async def test_without_a_receipt_the_lowest_price_of_late_counts(counter: TillShop) -> None:
    await counter.sell(1)
    lines = [orders.LooseLine(barcode=counter.barcodes[0])]

    async def work(tx: Tx) -> orders.ReturnTaken:
        return await orders.take_back_loose(tx, counter.till, lines, reason="no receipt")

    taken = await counter.do(work)
    assert taken.by_method == {"cash": PRICE_MINOR}
    figures = await counter.figures()
    assert (figures.refunded_minor, figures.drawer_minor) == (PRICE_MINOR, FLOAT_MINOR)
    assert await wrong(counter) == []
    await allow(counter, without_receipt_per_day_minor=PRICE_MINOR)
    with pytest.raises(access.ApprovalNeeded):
        await counter.do(work)
    await allow(counter, without_receipt=False)
    with pytest.raises(orders.NoReturnsWithoutReceipt):
        await counter.do(work)


async def test_an_empty_drawer_gives_nothing_back(counter: TillShop) -> None:
    sold = await counter.sell(1, tenders=[payments.TenderWish(CARD)])

    async def drop(tx: Tx) -> None:
        shift_id = counter.shift.shift_id
        await payments.move_cash(tx, shift_id, payments.CashKind.DROP, FLOAT_MINOR, reason="to the safe")

    await counter.do(drop)
    with pytest.raises(payments.DrawerShort):
        await bring_back(counter, sold, goes=payments.GoesBack.CASH)
    assert (await counter.shop.order(sold.order.order_id)).refunded_minor == 0


@pytest.mark.parametrize("out", [1, 2])
async def test_an_exchange_moves_the_difference_alone(counter: TillShop, out: int) -> None:
    sold = await counter.sell(1)
    back = orders.Back(
        order_id=sold.order.order_id, lines=[orders.BackLine(line_no=1, quantity_milli=1000)], reason="size"
    )
    lines = [orders.TillLine(barcode=counter.barcodes[0], quantity_milli=out * 1000)]
    tenders = [payments.TenderWish("cash")] if out > 1 else []

    async def work(tx: Tx) -> orders.ExchangeDone:
        return await orders.exchange(tx, counter.till, back, orders.Selling(lines=lines, tenders=tenders))

    done = await counter.do(work)
    assert done.back.by_method == {"exchange": PRICE_MINOR}
    assert done.sold.order.total_minor == out * PRICE_MINOR
    figures = await counter.figures()
    assert figures.drawer_minor == FLOAT_MINOR + out * PRICE_MINOR
    assert figures.agrees
    assert await wrong(counter) == []


async def test_an_exchange_for_less_gives_the_rest_back(counter: TillShop) -> None:
    sold = await counter.sell(0, 0, 0, 0, 0, 1)
    back = orders.Back(
        order_id=sold.order.order_id, lines=[orders.BackLine(line_no=1, quantity_milli=1000)], reason="size"
    )

    async def work(tx: Tx) -> orders.ExchangeDone:
        selling = orders.Selling(lines=[orders.TillLine(barcode=counter.barcodes[0])])
        return await orders.exchange(tx, counter.till, back, selling)

    done = await counter.do(work)
    assert done.back.by_method == {"exchange": PRICE_MINOR, "cash": 500}
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR + PRICE_MINOR
    assert await wrong(counter) == []
