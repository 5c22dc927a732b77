"""Lists of orders: whatever the filters and the way the statement takes, every order once, the newest first."""

import itertools
from datetime import timedelta

import pytest

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import Shop

NOW = utc_now()


async def many(shop: Shop) -> list[orders.Order]:
    """Twenty-four orders of two stores, a third of them cancelled, some at the very same moment."""
    found: list[orders.Order] = []
    for nth in range(24):
        placed = await shop.place(
            1, store_id=shop.stores[nth % 2].store_id, now=NOW - timedelta(minutes=nth // 3),
            kind=orders.Kind.GUIDE if nth % 4 == 0 else orders.Kind.MALL,
        )  # fmt: skip
        if nth % 3 == 0:

            async def cancel(tx: Tx, order_id: orders.OrderId = placed.order.order_id) -> None:
                await orders.cancel_order(tx, order_id)

            await shop.do(cancel)
        found.append(await shop.order(placed.order.order_id))
    return sorted(found, key=lambda order: (order.placed_at, order.order_id), reverse=True)


async def pages(shop: Shop, filters: orders.OrderFilters, limit: int) -> list[orders.Order]:
    shown: list[orders.Order] = []
    after: str | None = None
    for _ in range(60):
        async with shop.database.reading(shop.tenant) as tx:
            page = await orders.find_orders(tx, filters, PageRequest(after, limit))
        assert len(page.items) <= limit
        shown += page.items
        if page.next is None:
            return shown
        after = page.next
    raise AssertionError("the list never ends")


async def test_pages_of_any_filter_are_the_whole_in_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    every = await many(shop)
    one, two = (store.store_id for store in shop.stores)
    stores: list[frozenset[organisation.StoreId] | None] = [None, frozenset({one}), frozenset({one, two}), frozenset()]
    states = [None, orders.State.PLACED, orders.State.CANCELLED]
    periods = [(None, None), (NOW - timedelta(minutes=5), NOW - timedelta(minutes=2))]
    kinds = [None, orders.Kind.GUIDE]
    for few in (50, 1):  # each store and state from its own place in the index, or walking the newest
        monkeypatch.setattr("midstage.middle.orders.store.lists._PAIRS", few)
        for store_ids, state, (since, until), kind in itertools.product(stores, states, periods, kinds):
            filters = orders.OrderFilters(
                store_ids=store_ids, state=state, kind=kind, placed_from=since, placed_to=until,
                member_id=shop.member.member_id if kind else None,
            )  # fmt: skip
            expected = [
                order.order_id
                for order in every
                if (store_ids is None or order.store_id in store_ids)
                and (state is None or order.state is state)
                and (kind is None or order.kind is kind)
                and (since is None or until is None or since <= order.placed_at < until)
            ]
            assert [order.order_id for order in await pages(shop, filters, 4)] == expected


async def test_a_cursor_from_beyond_the_period_begins_with_the_period(shop: Shop) -> None:
    every = await many(shop)
    async with shop.database.reading(shop.tenant) as tx:
        first = await orders.find_orders(tx, orders.OrderFilters(), PageRequest(None, 2))
        until = NOW - timedelta(minutes=4)
        later = await orders.find_orders(tx, orders.OrderFilters(placed_to=until), PageRequest(first.next, 200))
    assert [one.order_id for one in later.items] == [one.order_id for one in every if one.placed_at < until]
