"""Offline sales: each booked once, whatever the network does, and none lost."""

import asyncio
import random
from datetime import timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.orders import api as orders
from midstage.middle.orders.offline import LONGEST_OFFLINE, SLACK, believe
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.till import FLOAT_MINOR, TillShop, ean13, offline_sale, open_till_shop


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def tell(counter: TillShop, *sales: orders.OfflineSale, **named: object) -> list[orders.Told]:
    shop = counter.shop
    return await orders.upload(
        shop.database,
        shop.tenant,
        counter.till.till_id,
        sales,
        by=counter.cashier,
        **named,  # type: ignore[arg-type]
    )


async def wrong(counter: TillShop) -> list[object]:
    async with counter.shop.database.reading(counter.shop.tenant, snapshot=True) as tx:
        return [*await payments.checks(tx), *await orders.checks(tx)]


async def waiting(counter: TillShop) -> list[orders.RefusedSale]:
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        return (await orders.refused_sales(tx, None, PageRequest())).items


async def test_a_sale_is_booked_as_it_was_with_both_times(counter: TillShop) -> None:
    at = utc_now()
    sale = offline_sale(counter.barcodes[0], minor=9_900, at=at, receipt="R-1")
    [told] = await tell(counter, sale)
    assert (told.fate, told.differs_minor) == (orders.Fate.BOOKED, 9_900 - PRICE_MINOR)
    order = await counter.shop.order(orders.OrderId(told.order_id or new_id()))
    assert (order.total_minor, order.state, order.placed_at) == (9_900, orders.State.COMPLETED, at)
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        kept = await orders.till_sale(tx, order.order_id)
    assert (kept.device_at, kept.device_receipt, kept.shift_id) == (at, "R-1", counter.shift.shift_id)
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR + 9_900
    assert await wrong(counter) == []


async def test_told_again_it_is_known(counter: TillShop) -> None:
    sale = offline_sale(counter.barcodes[0])
    [first] = await tell(counter, sale)
    [second] = await tell(counter, sale)
    assert (second.fate, second.order_id) == (orders.Fate.KNOWN, first.order_id)
    assert await counter.stock(counter.shop.skus[0]) == 99_000


async def test_told_by_many_at_once_each_is_booked_once(counter: TillShop) -> None:
    chance = random.Random(3)
    sales = [offline_sale(counter.barcodes[n % 6]) for n in range(12)]
    uploads = [chance.sample(sales, chance.randint(4, 12)) for _ in range(12)] + [sales]
    told = [one for found in await asyncio.gather(*(tell(counter, *some) for some in uploads)) for one in found]
    booked = [one.device_sale_id for one in told if one.fate is orders.Fate.BOOKED]
    assert sorted(booked) == sorted(sale.device_sale_id for sale in sales)
    assert all(one.fate is not orders.Fate.REFUSED for one in told)
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR + 12 * 12_800
    assert await wrong(counter) == []


async def test_goods_below_zero_are_booked_with_a_discrepancy(counter: TillShop) -> None:
    [told] = await tell(counter, offline_sale(counter.barcodes[0], quantity=120))
    assert (told.fate, told.below) == (orders.Fate.BOOKED, 1)
    assert await counter.stock(counter.shop.skus[0]) == -20_000


async def test_what_cannot_be_read_is_kept_whole_until_a_person_mends_it(counter: TillShop) -> None:
    sale = offline_sale(ean13("690999999999"))
    [told] = await tell(counter, sale)
    [again] = await tell(counter, sale)
    assert told.fate is again.fate is orders.Fate.REFUSED
    assert (told.code, told.refused_id) == ("barcode_unknown", again.refused_id)
    [kept] = await waiting(counter)
    assert (kept.sale, kept.tries) == (sale, 2)

    async def mend(tx: Tx) -> orders.Told:
        held = await orders.lock_refused(tx, kept.refused_id)
        return await orders.retry_refused(tx, counter.till, held, [orders.Mend(1, counter.shop.skus[1])], another=False)

    booked = await counter.do(mend)
    assert booked.fate is orders.Fate.BOOKED
    assert await waiting(counter) == []
    [known] = await tell(counter, sale)
    assert (known.fate, known.order_id) == (orders.Fate.KNOWN, booked.order_id)
    assert await counter.stock(counter.shop.skus[1]) == 99_000
    assert await wrong(counter) == []


async def test_a_sale_that_is_refused_stops_none_that_come_with_it(counter: TillShop) -> None:
    bad = offline_sale(counter.barcodes[0], tenders=[payments.TenderWish("cash", 1)])
    told = await tell(counter, offline_sale(counter.barcodes[0]), bad, offline_sale(counter.barcodes[1]))
    assert [one.fate for one in told] == [orders.Fate.BOOKED, orders.Fate.REFUSED, orders.Fate.BOOKED]
    assert await wrong(counter) == []


async def test_another_sale_under_a_number_that_is_taken_is_not_lost(counter: TillShop) -> None:
    await tell(counter, offline_sale(counter.barcodes[0], number="N1"))
    [told] = await tell(counter, offline_sale(counter.barcodes[1], number="N1"))
    assert (told.fate, told.code) == (orders.Fate.REFUSED, "offline_sale_differs")

    async def book(tx: Tx) -> orders.Told:
        held = await orders.lock_refused(tx, told.refused_id or new_id())
        return await orders.retry_refused(tx, counter.till, held, [], another=True)

    assert (await counter.do(book)).fate is orders.Fate.BOOKED
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR + 2 * 12_800


async def test_what_a_person_dismissed_is_not_asked_about_again(counter: TillShop) -> None:
    sale = offline_sale("NOTHING")
    [told] = await tell(counter, sale)

    async def dismiss(tx: Tx) -> None:
        await orders.dismiss_refused(tx, await orders.lock_refused(tx, told.refused_id or new_id()), note="training")

    await counter.do(dismiss)
    [again] = await tell(counter, sale)
    assert (again.fate, again.order_id) == (orders.Fate.KNOWN, None)
    assert await waiting(counter) == []


async def test_cash_that_is_told_after_the_count_explains_what_was_over(counter: TillShop) -> None:
    at = utc_now()
    closed = await counter.close(FLOAT_MINOR + 12_800)
    assert closed.difference_minor == 12_800
    [told] = await tell(counter, offline_sale(counter.barcodes[0], at=at))
    assert told.fate is orders.Fate.BOOKED
    figures = await counter.figures(closed)
    assert (figures.shift.difference_minor, figures.agrees) == (0, True)
    assert await counter.balance("cash_over_short", counter.shop.store.store_id) == 0
    assert await wrong(counter) == []


async def test_what_is_told_after_its_day_was_closed_counts_today_and_leaves_that_day_as_it_was(shop: Shop) -> None:
    yesterday = utc_now() - timedelta(days=1)
    counter = await open_till_shop(shop, now=yesterday)
    closed = await counter.close(FLOAT_MINOR + 12_800, now=yesterday + timedelta(minutes=10))

    async def end(tx: Tx) -> orders.DayReport:
        return await orders.end_day(tx, counter.till.at, closed.business_date)

    before = await counter.do(end)
    sale = offline_sale(counter.barcodes[0], at=yesterday + timedelta(minutes=1))
    [told] = await tell(counter, sale)
    assert told.fate is orders.Fate.BOOKED

    async def report(tx: Tx, day: object) -> orders.DayReport:
        return await orders.day_report(tx, counter.till.at, day)  # type: ignore[arg-type]

    assert await counter.do(lambda tx: report(tx, closed.business_date)) == before
    today = await counter.do(lambda tx: report(tx, shop.tenant.business_date(utc_now())))
    assert (today.sold.sales, today.agrees, today.counted_difference_minor) == (1, True, -12_800)
    order = await shop.order(orders.OrderId(told.order_id or new_id()))
    assert (order.placed_at, order.business_date) == (sale.device_at, today.business_date)
    assert await counter.balance("cash_over_short", shop.store.store_id) == 0
    assert await wrong(counter) == []


async def test_a_member_is_found_by_phone_and_an_unknown_one_does_not_stop_the_sale(counter: TillShop) -> None:
    unknown = offline_sale(counter.barcodes[0], member=orders.OfflineMember(phone="13999999998"))
    by_id = offline_sale(counter.barcodes[0], member=orders.OfflineMember(member_id=counter.shop.member.member_id))
    told = await tell(counter, unknown, by_id)
    assert [(one.fate, one.member_unknown) for one in told] == [(orders.Fate.BOOKED, True), (orders.Fate.BOOKED, False)]
    order = await counter.shop.order(orders.OrderId(told[1].order_id or new_id()))
    assert order.member_id == counter.shop.member.member_id


@pytest.mark.parametrize("ahead", [timedelta(hours=5), timedelta(days=-4)])
async def test_a_wrong_clock_is_set_right_by_the_moment_of_sending(counter: TillShop, ahead: timedelta) -> None:
    now = utc_now()
    sold = now - timedelta(minutes=1)
    [told] = await tell(counter, offline_sale(counter.barcodes[0], at=sold + ahead), sent_at=now + ahead, now=now)
    order = await counter.shop.order(orders.OrderId(told.order_id or new_id()))
    assert order.placed_at == sold


@given(st.integers(-(10**7), 10**7), st.integers(-(10**7), 10**7) | st.none())
def test_a_sale_never_happened_after_we_heard_of_it_nor_too_long_before(device_s: int, sent_s: int | None) -> None:
    now = utc_now()
    sent_at = None if sent_s is None else now + timedelta(seconds=sent_s)
    believed = believe(now + timedelta(seconds=device_s), sent_at=sent_at, received_at=now)
    assert now - LONGEST_OFFLINE <= believed.sold_at <= now
    if (
        sent_at is not None
        and abs(sent_at - now) <= SLACK
        and -LONGEST_OFFLINE <= timedelta(seconds=device_s) <= timedelta(0)
    ):
        assert believed.clock == "right"
