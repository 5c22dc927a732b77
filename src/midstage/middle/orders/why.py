"""Why something is sold in a store at this moment, or is not: the store, the catalogue, the price and the stock."""

from collections.abc import Mapping

from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

_STATES = {
    organisation.StoreState.OPEN: ("门店营业中", "The store is open"),
    organisation.StoreState.PAUSED: ("门店暂停营业", "The store has paused"),
    organisation.StoreState.CLOSED: ("门店已关闭", "The store is closed"),
}


async def why_here(
    tx: Tx,
    sku_id: catalogue.SkuId,
    store_id: organisation.StoreId,
    *,
    sales_channel: str,
    level: str | None = None,
) -> list[catalogue.Reason]:
    """Every rule that has a say in whether a sku can be bought in a store by a channel now, and the one that decided.

    Stock is that of the store itself: a delivery may come from elsewhere. Raises NoSuchStore.
    """
    store = await organisation.one_store(tx, store_id)
    listed = await catalogue.why(tx, sku_id, catalogue.Selling(store, sales_channel))
    if any(one.rule is catalogue.Rule.UNKNOWN for one in listed):
        return listed
    context = pricing.PriceContext(sales_channel, store_id, store.unit_path, store.operator_id, level)
    quote = (await pricing.quote(tx, context, [sku_id], at=tx.now)).get(sku_id)
    free = await sellable(tx, sku_id, inventory.location_of(store_id))
    return catalogue.decide([_store(store), *listed, _price(quote), _stock(free)])


async def sellable(tx: Tx, sku_id: catalogue.SkuId, location: inventory.LocationId) -> int:
    """How much of a sku can be promised at a location; of a bundle, as many as its parts make."""
    parts = (await catalogue.bundle_parts(tx, [sku_id])).get(sku_id)
    free = await inventory.available(tx, location, [part.sku_id for part in parts] if parts else [sku_id])
    return in_stock(sku_id, parts, free)


def in_stock(
    sku_id: catalogue.SkuId, parts: list[catalogue.BundlePart] | None, free: Mapping[catalogue.SkuId, int]
) -> int:
    """The same, of what is known to be free."""
    return catalogue.available(parts, free) if parts else free.get(sku_id, 0)


def _store(store: organisation.Store) -> catalogue.Reason:
    zh, en = _STATES[store.state]
    return catalogue.Reason(catalogue.Rule.STORE, store.state is organisation.StoreState.OPEN, zh, en)


def _price(quote: pricing.Quote | None) -> catalogue.Reason:
    if quote is None:
        return catalogue.Reason(catalogue.Rule.PRICE, allows=False, zh="没有价格", en="It has no price")
    return catalogue.Reason(catalogue.Rule.PRICE, allows=True, zh="有价格", en="It has a price")


def _stock(free_milli: int) -> catalogue.Reason:
    if free_milli <= 0:
        return catalogue.Reason(
            catalogue.Rule.STOCK, allows=False, zh="本店无可售库存", en="Nothing is free in the store"
        )
    return catalogue.Reason(
        catalogue.Rule.STOCK, allows=True, zh="本店有可售库存", en="The store has some that is free"
    )
