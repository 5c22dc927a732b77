"""A store's own prices, within the band that its goods policy sets around the list price."""

from collections.abc import Sequence
from datetime import datetime

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import rules, store
from midstage.middle.pricing.base import FACT, parts
from midstage.middle.pricing.facts import EntryChange, OwnPricesChanged
from midstage.middle.pricing.types import (
    Entry,
    NotPriced,
    OutOfBand,
    OwnPrice,
    OwnPriceFilters,
    OwnPricesNotAllowed,
    PriceCurrencyWrong,
    PriceOutOfBand,
)

MAX_PRICES = 1_000
_ALL = OwnPriceFilters()
_FIRST = PageRequest()


async def set_own_prices(tx: Tx, store_id: organisation.StoreId, prices: Sequence[Entry]) -> int:
    """Let a store ask its own price for skus, in all channels; returns how many are other than before.

    Raises OwnPricesNotAllowed, PriceOutOfBand, NotPriced, PriceCurrencyWrong, PriceWrong, PricedTwice, NoSuchStore; then
    none of them is set.
    """
    for price in prices:
        rules.check_minor(str(price.sku_id), price.unit_minor)
    rules.check_distinct([price.sku_id for price in prices])
    at = await organisation.one_store(tx, store_id)
    policy = await organisation.settings_of(tx, catalogue.GOODS, at)
    if not policy.own_prices:
        raise OwnPricesNotAllowed(str(store_id))
    # Whoever changes prices waits here, so the list prices that are looked at next stay until we are done.
    version = await store.move_version(tx)
    base = await store.read_base(tx, [price.sku_id for price in prices])
    for price in prices:
        found = base.get(price.sku_id)
        if found is None:
            raise NotPriced(str(price.sku_id))
        if found.currency != at.currency:
            raise PriceCurrencyWrong(found.currency)
        band = rules.band_of(found.list_minor, policy)
        if band is None or not band.holds(price.unit_minor):
            raise _out_of_band(price, found.list_minor, policy)
    changes = await store.write_own(tx, store_id, at.currency, prices)
    _tell(tx, store_id, changes, version)
    return len(changes)


async def drop_own_prices(tx: Tx, store_id: organisation.StoreId, sku_ids: Sequence[catalogue.SkuId]) -> int:
    """Let the price lists hold again; returns how many of these had a price of the store's own."""
    changes = await store.delete_own(tx, store_id, sku_ids)
    if changes:
        _tell(tx, store_id, changes, await store.move_version(tx))
    return len(changes)


async def own_prices(tx: Tx, filters: OwnPriceFilters = _ALL, page: PageRequest = _FIRST) -> Page[OwnPrice]:
    """Stores' own prices, whether they hold at this moment or not."""
    return page.page(await store.list_own(tx, filters, page), _place)


async def out_of_band(tx: Tx, filters: OwnPriceFilters = _ALL, page: PageRequest = _FIRST) -> Page[OutOfBand]:
    """The own prices that do not hold, as the list price or the policy has moved since: the price lists hold instead.

    A filter by sku is not looked at.
    """
    ids = await store.stores_with_own(tx, filters.store_id, filters.stores)
    stores = await organisation.stores(tx, ids)
    standings = await organisation.standings_of(tx, catalogue.GOODS, stores.values())
    policies = {store_id: standing.settings for store_id, standing in standings.items()}
    bands = [
        (store_id, one.price_low_percent, one.price_high_percent) if one.own_prices else (store_id, None, None)
        for store_id, one in policies.items()
    ]
    found = page.page(await store.out_of_band(tx, bands, page), _place_of_pair)
    return Page(
        [
            OutOfBand(own, listed, None if listed is None else rules.band_of(listed, policies[own.store_id]), since)
            for own, listed, since in found.items
        ],
        found.next,
    )


def _out_of_band(price: Entry, list_minor: int, policy: catalogue.GoodsPolicy) -> PriceOutOfBand:
    low, high = policy.price_low_percent, policy.price_high_percent
    return PriceOutOfBand(
        str(price.sku_id),
        price.unit_minor,
        list_minor,
        low,
        high,
        -(-list_minor * low // 100),
        list_minor * high // 100,
    )


def _tell(tx: Tx, store_id: organisation.StoreId, changes: Sequence[EntryChange], version: int) -> None:
    for part in parts(changes, FACT):
        tx.tell(OwnPricesChanged(store_id=store_id, price_version=version, changes=list(part)))
    if changes:
        shown = {"count": len(changes), "prices": changes[:20]}
        tx.note("pricing.set_own_prices", "store", store_id, after=shown)


def _place(own: OwnPrice) -> tuple[organisation.StoreId, catalogue.SkuId]:
    return own.store_id, own.sku_id


def _place_of_pair(pair: tuple[OwnPrice, int | None, datetime]) -> tuple[organisation.StoreId, catalogue.SkuId]:
    return _place(pair[0])
