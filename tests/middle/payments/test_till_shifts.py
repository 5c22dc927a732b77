"""Shifts: counted in, counted out; the difference is booked, and the drawer of a closed shift holds nothing."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.till import FLOAT_MINOR, TillShop, open_till_shop


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def wrong(counter: TillShop) -> list[object]:
    async with counter.shop.database.reading(counter.shop.tenant, snapshot=True) as tx:
        return [*await payments.checks(tx), *await orders.checks(tx)]


async def move(counter: TillShop, kind: payments.CashKind, minor: int) -> payments.CashMove:
    async def work(tx: Tx) -> payments.CashMove:
        return await payments.move_cash(tx, counter.shift.shift_id, kind, minor, reason="change")

    return await counter.do(work)


async def test_a_drawer_that_is_right_leaves_nothing_behind(counter: TillShop) -> None:
    await counter.sell(1)
    closed = await counter.close(FLOAT_MINOR + PRICE_MINOR)
    assert closed.difference_minor == 0
    assert await counter.balance("till_cash", closed.shift_id) == 0
    assert await counter.balance("store_safe", counter.shop.store.store_id) == -PRICE_MINOR
    assert await wrong(counter) == []


@pytest.mark.parametrize("difference", [-700, 300])
async def test_what_is_over_or_short_is_booked_and_listed(counter: TillShop, difference: int) -> None:
    await counter.sell(2)
    closed = await counter.close(FLOAT_MINOR + 2 * PRICE_MINOR + difference)
    assert closed.difference_minor == difference
    assert await counter.balance("cash_over_short", counter.shop.store.store_id) == difference
    assert await counter.balance("till_cash", closed.shift_id) == 0
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        listed = await payments.shifts(tx, payments.ShiftFilters(only_different=True), PageRequest())
    assert [one.shift_id for one in listed.items] == [closed.shift_id]
    assert await wrong(counter) == []


async def test_cash_in_and_out_moves_what_should_be_there(counter: TillShop) -> None:
    await move(counter, payments.CashKind.PAID_IN, 5_000)
    await move(counter, payments.CashKind.PAID_OUT, 2_000)
    await move(counter, payments.CashKind.DROP, 40_000)
    figures = await counter.figures()
    assert figures.drawer_minor == FLOAT_MINOR + 5_000 - 2_000 - 40_000
    assert figures.agrees
    with pytest.raises(payments.DrawerShort):
        await move(counter, payments.CashKind.DROP, figures.drawer_minor + 1)
    closed = await counter.close(figures.drawer_minor)
    assert closed.difference_minor == 0
    assert await wrong(counter) == []


async def test_a_till_has_one_open_shift(counter: TillShop) -> None:
    with pytest.raises(payments.ShiftOpenAlready):
        await counter.open()
    first = counter.shift
    await counter.close(FLOAT_MINOR)
    assert (await counter.open()).shift_id != first.shift_id


async def test_of_many_who_open_at_once_one_does(shop: Shop) -> None:
    counter = await open_till_shop(shop, open_shift=False)
    found = await asyncio.gather(*(counter.open() for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, payments.Shift) for one in found) == 1
    assert sum(isinstance(one, payments.ShiftOpenAlready) for one in found) == 7


async def test_a_shift_that_is_counted_sells_no_more(counter: TillShop) -> None:
    await counter.close(FLOAT_MINOR)
    with pytest.raises(payments.NoShiftOpen):
        await counter.sell(1)
    with pytest.raises(payments.ShiftClosed):
        await counter.close(FLOAT_MINOR)


async def test_sales_that_race_with_the_count_are_in_it_or_refused(counter: TillShop) -> None:
    sales = [counter.sell(1) for _ in range(10)]
    found = await asyncio.gather(*sales[:5], counter.close(FLOAT_MINOR), *sales[5:], return_exceptions=True)
    sold = [one for one in found if isinstance(one, orders.Sold)]
    refused = [one for one in found if isinstance(one, payments.NoShiftOpen)]
    assert len(sold) + len(refused) == 10
    figures = await counter.figures()
    assert figures.shift.expected_minor == FLOAT_MINOR + PRICE_MINOR * len(sold)
    assert await wrong(counter) == []


async def test_a_handover_keeps_who_answered_when_and_for_what(counter: TillShop) -> None:
    heir = new_id()

    async def work(tx: Tx) -> payments.Shift:
        return await payments.hand_over_shift(tx, counter.shift.shift_id, heir, counted_minor=FLOAT_MINOR - 100)

    assert (await counter.do(work)).held_by == heir
    assert (await counter.figures()).shift.held_by == heir


async def test_a_shift_belongs_to_the_business_day_on_which_it_was_opened(shop: Shop) -> None:
    yesterday = utc_now() - timedelta(days=1)
    counter = await open_till_shop(shop, now=yesterday)
    sold = await counter.sell(1)
    assert sold.order.business_date == shop.tenant.business_date(yesterday)
    assert await wrong(counter) == []


async def test_a_day_ends_when_every_drawer_is_counted_and_nothing_is_added_to_it(counter: TillShop) -> None:
    day = counter.shift.business_date

    async def end(tx: Tx) -> orders.DayReport:
        return await orders.end_day(tx, counter.till.at, day)

    await counter.sell(1, tenders=[payments.TenderWish("card_terminal", 2_000), payments.TenderWish("cash")])
    with pytest.raises(payments.ShiftsStillOpen):
        await counter.do(end)
    await counter.close(FLOAT_MINOR + PRICE_MINOR - 2_000)
    report = await counter.do(end)
    assert report.agrees
    assert report.closed
    assert (report.sold.sales, report.sold.total_minor) == (1, PRICE_MINOR)
    assert {one.method: one.net_minor for one in report.methods} == {
        "cash": PRICE_MINOR - 2_000,
        "card_terminal": 2_000,
    }
    with pytest.raises(payments.BusinessDayClosed):
        await counter.do(end)
    with pytest.raises(payments.BusinessDayClosed):
        await counter.open()
