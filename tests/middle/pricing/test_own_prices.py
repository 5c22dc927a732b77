"""A store's own prices: within the band of its goods policy, explained, and no longer held to where that moves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing
from midstage.middle.pricing import rules
from midstage.middle.pricing.api import BasePrice, Entry, OwnPriceFilters, PriceContext, Rule, Scope
from shop import PRICE_MINOR, Shop
from shop.goods import choose_goods, well

BAND: dict[str, Any] = {"own_prices": True, "price_low_percent": 90, "price_high_percent": 110}


def _context(store: organisation.Store, level: str | None = None) -> PriceContext:
    return PriceContext("mall", store.store_id, store.unit_path, store.operator_id, level)


async def _quote(shop: Shop, store: organisation.Store, level: str | None = None) -> pricing.Quote:
    """The price of the first sku, which the explanation puts first as well."""
    async with shop.database.reading(shop.tenant) as tx:
        sku = shop.skus[0]
        quoted = (await pricing.quote(tx, _context(store, level), [sku], at=tx.now))[sku]
        why = await pricing.why(tx, _context(store, level), sku, at=tx.now)
        assert (why[0].unit_minor, why[0].rule, why[0].won) == (quoted.unit_minor, quoted.rule, True)
        assert [one.won for one in why].count(True) == 1
    return quoted


async def _set(shop: Shop, store: organisation.Store, minor: int) -> int:
    return await shop.do(lambda tx: pricing.set_own_prices(tx, store.store_id, [Entry(shop.skus[0], minor)]))


async def _list(shop: Shop, code: str, scope: Scope, minor: int) -> None:
    async def work(tx: Tx) -> None:
        draft = pricing.PriceListDraft(code, catalogue.Name(code), "CNY", utc_now(), scope=scope)
        made = await pricing.create_price_list(tx, draft)
        await pricing.set_entries(tx, made.price_list_id, [Entry(shop.skus[0], minor)])
        await pricing.publish_price_list(tx, made.price_list_id)

    await shop.do(work)


async def test_a_store_asks_its_own_price_within_the_band_and_no_other(shop: Shop) -> None:
    here, there = shop.stores
    with pytest.raises(pricing.OwnPricesNotAllowed):
        await _set(shop, here, PRICE_MINOR)
    await choose_goods(shop, **BAND)
    assert await _set(shop, here, 11_999) == 1
    assert await _set(shop, here, 11_999) == 0, "the same again is no change"
    quoted = await _quote(shop, here)
    assert (quoted.unit_minor, quoted.rule, quoted.list_minor) == (11_999, Rule.OWN, PRICE_MINOR)
    assert (await _quote(shop, there)).unit_minor == PRICE_MINOR
    assert (await shop.place(2)).order.total_minor == 2 * 11_999
    for wrong in (11_519, 14_081):
        with pytest.raises(pricing.PriceOutOfBand) as refused:
            await _set(shop, here, wrong)
        figures = refused.value.figures()
        assert (figures["lowest_minor"], figures["highest_minor"]) == (11_520, 14_080)
    assert (await _quote(shop, here)).unit_minor == 11_999
    for edge in (11_520, 14_080):
        await _set(shop, here, edge)
        assert (await _quote(shop, here)).unit_minor == edge
    assert await shop.do(lambda tx: pricing.drop_own_prices(tx, here.store_id, shop.skus)) == 1
    assert (await _quote(shop, here)).rule is Rule.LIST_PRICE
    await well(shop)


async def test_it_comes_after_headquarters_list_for_that_store_and_before_all_others(shop: Shop) -> None:
    await choose_goods(shop, **BAND)
    await _list(shop, "everywhere", Scope(), 9_000)
    await _list(shop, "operator", Scope(operator_id=shop.store.operator_id), 8_000)
    await _set(shop, shop.store, 12_000)
    assert (await _quote(shop, shop.store)).rule is Rule.OWN
    await _list(shop, "store", Scope(store_id=shop.store.store_id), 7_000)
    assert (await _quote(shop, shop.store)).unit_minor == 7_000
    async with shop.database.reading(shop.tenant) as tx:
        why = await pricing.why(tx, _context(shop.store), shop.skus[0], at=tx.now)
    assert [(one.rule, one.won) for one in why[:2]] == [(Rule.STORE, True), (Rule.OWN, False)]


async def test_out_of_the_band_it_no_longer_holds_and_is_listed(shop: Shop) -> None:
    here, there = shop.stores
    await choose_goods(shop, **BAND)
    await _set(shop, here, 14_000)
    await _set(shop, there, 13_000)

    async def listed(filters: OwnPriceFilters = OwnPriceFilters()) -> list[pricing.OutOfBand]:  # noqa: B008  # it is frozen
        async with shop.database.reading(shop.tenant) as tx:
            return (await pricing.out_of_band(tx, filters, PageRequest(None, 50))).items

    async def list_price(minor: int) -> None:
        await shop.do(lambda tx: pricing.set_base_prices(tx, [BasePrice(shop.skus[0], minor, "CNY")]))

    assert await listed() == []
    await list_price(12_000)  # its band is 10,800 to 13,200
    (case,) = await listed()
    assert (case.own.store_id, case.own.unit_minor, case.list_minor) == (here.store_id, 14_000, 12_000)
    assert case.band == pricing.Band(90, 110, 10_800, 13_200)
    assert (await _quote(shop, here)).rule is Rule.LIST_PRICE
    assert (await _quote(shop, there)).rule is Rule.OWN
    async with shop.database.reading(shop.tenant) as tx:
        why = await pricing.why(tx, _context(here), shop.skus[0], at=tx.now)
        assert why[-1].rule is Rule.OWN
        assert "90" in why[-1].reason_zh
        assert len((await pricing.own_prices(tx)).items) == 2
        (waits,) = await pricing.late(tx)
        assert (waits.kind, waits.store_id) == ("pricing.out_of_band", here.store_id)
    assert await listed(OwnPriceFilters(stores=frozenset({there.store_id}))) == []
    await list_price(PRICE_MINOR)
    assert (await _quote(shop, here)).unit_minor == 14_000, "it holds again"

    await choose_goods(shop, there.store_id, own_prices=False)  # the band moves for one store
    (case,) = await listed()
    assert (case.own.store_id, case.band) == (there.store_id, None)
    assert (await _quote(shop, there)).rule is Rule.LIST_PRICE
    assert (await _quote(shop, here)).rule is Rule.OWN
    await well(shop)


async def test_what_own_prices_refuse(shop: Shop) -> None:
    await choose_goods(shop, **BAND)
    here, sku = shop.store.store_id, shop.skus[0]
    for entries, refusal in (
        ([Entry(sku, -1)], pricing.PriceWrong),
        ([Entry(sku, PRICE_MINOR), Entry(sku, PRICE_MINOR)], pricing.PricedTwice),
        ([Entry(catalogue.SkuId(new_id()), 100)], pricing.NotPriced),
        ([Entry(sku, PRICE_MINOR), Entry(shop.skus[1], 1)], pricing.PriceOutOfBand),
    ):
        with pytest.raises(refusal):
            await shop.do(lambda tx, entries=entries: pricing.set_own_prices(tx, here, entries))
    with pytest.raises(organisation.NoSuchStore):
        await shop.do(lambda tx: pricing.set_own_prices(tx, organisation.StoreId(new_id()), [Entry(sku, PRICE_MINOR)]))
    async with shop.database.reading(shop.tenant) as tx:
        assert (await pricing.own_prices(tx)).items == []


async def test_a_cart_that_was_priced_before_is_priced_again(shop: Shop) -> None:
    await choose_goods(shop, **BAND)
    async with shop.database.reading(shop.tenant) as tx:
        seen = await pricing.version(tx)
    await _set(shop, shop.store, PRICE_MINOR - 100)
    async with shop.database.reading(shop.tenant) as tx:
        with pytest.raises(pricing.PricesChanged):
            await pricing.confirm(tx, seen)


@given(st.integers(0, 10**12), st.integers(1, 100), st.integers(100, 1000), st.integers(-3, 3))
def test_the_band_is_what_its_percent_allow_and_no_cent_more(listed: int, low: int, high: int, off: int) -> None:
    policy = catalogue.GoodsPolicy(own_prices=True, price_low_percent=low, price_high_percent=high)
    band = rules.band_of(listed, policy)
    assert band is not None
    for minor in (band.lowest_minor + off, band.highest_minor + off, listed):
        assert band.holds(minor) == (listed * low <= 100 * minor <= listed * high)
    assert rules.holds(listed, listed, policy)
    assert not rules.holds(listed, listed, catalogue.GoodsPolicy())
