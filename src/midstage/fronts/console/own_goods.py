"""Goods and prices of one's own: what a store or an operator adds, and what a store asks within its band."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Minor, Version
from midstage.fronts.console.catalogue import PRODUCT_FAULTS, SKU_FAULTS, ChangeProduct, NewProduct, NewSku
from midstage.fronts.console.categories import READ, as_of
from midstage.fronts.console.listing import LIST
from midstage.fronts.console.pricing import READ as READ_PRICES
from midstage.fronts.console.pricing import EntryBody, PricesMoved, RemoveEntries
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

TAGS = ["console: own goods"]
OWN = "pricing.own"
PLACE_FAULTS = (access.OutOfScope, organisation.NoSuchStore, organisation.NoSuchOperator)
OWN_FAULTS = (*PLACE_FAULTS, *PRODUCT_FAULTS, catalogue.OwnGoodsNotAllowed, catalogue.NotOwnGoods)
OWN_SKU_FAULTS = (*PLACE_FAULTS, *SKU_FAULTS, catalogue.NotOwnGoods)
PRICE_FAULTS = (
    *PLACE_FAULTS,
    pricing.OwnPricesNotAllowed,
    pricing.PriceOutOfBand,
    pricing.NotPriced,
    pricing.PricedTwice,
    pricing.PriceWrong,
    pricing.PriceCurrencyWrong,
)


class ListPriceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list price of a sku of one's own, and what it was bought for where that is to be known."""

    sku_id: UUID
    list_minor: Minor
    supply_minor: Minor | None = None


class SetListPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of skus of one product; all are set, or none."""

    prices: Annotated[list[ListPriceBody], msgspec.Meta(min_length=1, max_length=500)]


class SetOwnPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a store asks of its own, of up to a thousand skus; all are set, or none."""

    prices: Annotated[list[EntryBody], msgspec.Meta(min_length=1, max_length=1000)]


@reading("/stores/{store_id:uuid}/own-products", tags=TAGS, needs=READ, refuses=PLACE_FAULTS)
async def own_products_of_store(
    store_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[catalogue.Listed]:
    """The goods of a store's own, in any state, the newest first."""
    (await reach(tx, staff, READ)).need(store_id)
    at = await organisation.one_store(tx, organisation.StoreId(store_id))
    wanted = catalogue.ProductFilters(owner=catalogue.Owner(store_id=at.store_id))
    return await catalogue.products(tx, wanted, PageRequest(after, limit))


@reading("/operators/{operator_id:uuid}/own-products", tags=TAGS, needs=READ, refuses=PLACE_FAULTS)
async def own_products_of_operator(
    operator_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[catalogue.Listed]:
    """The goods of an operator's own, in any state, the newest first."""
    found = organisation.OperatorId(operator_id)
    (await reach(tx, staff, READ)).need_operator(found)
    await organisation.operator(tx, found)
    wanted = catalogue.ProductFilters(owner=catalogue.Owner(operator_id=found))
    return await catalogue.products(tx, wanted, PageRequest(after, limit))


@changing(
    "POST", "/stores/{store_id:uuid}/own-products", status=201, once=True, tags=TAGS, needs=LIST, refuses=OWN_FAULTS
)
async def create_own_product(store_id: UUID, data: NewProduct, tx: Tx, staff: Staff) -> catalogue.Product:
    """Add a product of a store's own, as a draft, where its goods policy allows it."""
    (await reach(tx, staff, LIST)).need(store_id)
    draft = as_of(catalogue.ProductDraft, data)
    owner = catalogue.Owner(store_id=organisation.StoreId(store_id))
    return await catalogue.create_product(tx, msgspec.structs.replace(draft, owner=owner))


@changing(
    "POST",
    "/operators/{operator_id:uuid}/own-products",
    status=201,
    once=True,
    tags=TAGS,
    needs=LIST,
    refuses=OWN_FAULTS,
)
async def create_product_of_operator(operator_id: UUID, data: NewProduct, tx: Tx, staff: Staff) -> catalogue.Product:
    """Add a product of an operator's own, as a draft, where the goods policy of one of its stores allows it."""
    found = organisation.OperatorId(operator_id)
    (await reach(tx, staff, LIST)).need_operator(found)
    draft = as_of(catalogue.ProductDraft, data)
    return await catalogue.create_product(tx, msgspec.structs.replace(draft, owner=catalogue.Owner(operator_id=found)))


@changing("PATCH", "/own-products/{own_product_id:uuid}", tags=TAGS, needs=LIST, refuses=OWN_FAULTS)
async def change_own_product(
    own_product_id: UUID, data: ChangeProduct, tx: Tx, staff: Staff, seen: Version | None = None
) -> catalogue.Product:
    """Change a product of one's own."""
    found = await _own(tx, await reach(tx, staff, LIST), own_product_id)
    return await catalogue.change_product(tx, found.product_id, as_of(catalogue.ProductChange, data), seen=seen)


@changing("POST", "/own-products/{own_product_id:uuid}/publish", tags=TAGS, needs=LIST, refuses=OWN_FAULTS)
async def publish_own_product(
    own_product_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None
) -> catalogue.Product:
    """Put a product of one's own on sale, in its owner's stores alone unless headquarters shares it."""
    found = await _own(tx, await reach(tx, staff, LIST), own_product_id)
    return await catalogue.publish_product(tx, found.product_id, seen=seen)


@changing("POST", "/own-products/{own_product_id:uuid}/retire", tags=TAGS, needs=LIST, refuses=OWN_FAULTS)
async def retire_own_product(
    own_product_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None
) -> catalogue.Product:
    """Take a product of one's own off sale."""
    found = await _own(tx, await reach(tx, staff, LIST), own_product_id)
    return await catalogue.retire_product(tx, found.product_id, seen=seen)


@changing(
    "POST",
    "/own-products/{own_product_id:uuid}/skus",
    status=201,
    once=True,
    tags=TAGS,
    needs=LIST,
    refuses=OWN_SKU_FAULTS,
)
async def add_own_sku(
    own_product_id: UUID, data: NewSku, tx: Tx, staff: Staff, seen: Version | None = None
) -> catalogue.Sku:
    """Add a sku to a product of one's own, as a draft."""
    found = await _own(tx, await reach(tx, staff, LIST), own_product_id)
    return await catalogue.add_sku(tx, found.product_id, as_of(catalogue.SkuDraft, data), seen=seen)


@changing(
    "PUT",
    "/own-products/{own_product_id:uuid}/prices",
    tags=TAGS,
    needs=OWN,
    refuses=(
        *PLACE_FAULTS,
        catalogue.NoSuchProduct,
        catalogue.NoSuchSku,
        catalogue.NotOwnGoods,
        pricing.PricedTwice,
        pricing.PriceWrong,
        pricing.PriceCurrencyWrong,
    ),
)
async def set_own_list_prices(own_product_id: UUID, data: SetListPrices, tx: Tx, staff: Staff) -> PricesMoved:
    """Set the list prices of a product of one's own."""
    found = await _own(tx, await reach(tx, staff, OWN), own_product_id)
    skus = {sku.sku_id for sku in found.skus}
    for price in data.prices:
        if price.sku_id not in skus:
            raise catalogue.NoSuchSku(str(price.sku_id))
    currency = (await organisation.brand(tx)).currency
    if found.owner is not None and found.owner.store_id is not None:
        currency = (await organisation.one_store(tx, found.owner.store_id)).currency
    prices = [
        pricing.BasePrice(catalogue.SkuId(one.sku_id), one.list_minor, currency, one.supply_minor)
        for one in data.prices
    ]
    return PricesMoved(await pricing.set_base_prices(tx, prices))


@reading("/own-prices", tags=TAGS, needs=READ_PRICES, refuses=(access.OutOfScope,))
async def own_prices(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    sku_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[pricing.OwnPrice]:
    """What stores ask of their own, whether it holds at this moment or not."""
    within = await reach(tx, staff, READ_PRICES)
    filters = pricing.OwnPriceFilters(
        sku_id=catalogue.SkuId(sku_id) if sku_id else None, stores=within.narrowed(store_id)
    )
    return await pricing.own_prices(tx, filters, PageRequest(after, limit))


@reading("/own-prices/out-of-band", tags=TAGS, needs=READ_PRICES, refuses=(access.OutOfScope,))
async def out_of_band(
    tx: Tx, staff: Staff, store_id: UUID | None = None, after: str | None = None, limit: Limit = 50
) -> Page[pricing.OutOfBand]:
    """Own prices that no longer hold, as the list price or the policy has moved; the price lists hold instead."""
    within = await reach(tx, staff, READ_PRICES)
    filters = pricing.OwnPriceFilters(stores=within.narrowed(store_id))
    return await pricing.out_of_band(tx, filters, PageRequest(after, limit))


@changing("PUT", "/stores/{store_id:uuid}/own-prices", tags=TAGS, needs=OWN, refuses=PRICE_FAULTS)
async def set_own_prices(store_id: UUID, data: SetOwnPrices, tx: Tx, staff: Staff) -> PricesMoved:
    """Let a store ask its own prices, within the band that its goods policy sets around the list price."""
    (await reach(tx, staff, OWN)).need(store_id)
    prices = as_of(list[pricing.Entry], data.prices)
    return PricesMoved(await pricing.set_own_prices(tx, organisation.StoreId(store_id), prices))


@changing("POST", "/stores/{store_id:uuid}/own-prices/drop", tags=TAGS, needs=OWN, refuses=PLACE_FAULTS)
async def drop_own_prices(store_id: UUID, data: RemoveEntries, tx: Tx, staff: Staff) -> PricesMoved:
    """Let the price lists hold again in a store."""
    (await reach(tx, staff, OWN)).need(store_id)
    at = await organisation.one_store(tx, organisation.StoreId(store_id))
    skus = [catalogue.SkuId(sku_id) for sku_id in data.sku_ids]
    return PricesMoved(await pricing.drop_own_prices(tx, at.store_id, skus))


async def _own(tx: Tx, within: Reach, product_id: UUID) -> catalogue.Product:
    """A product of one's own, whose owner lies within. Raises access.OutOfScope, NoSuchProduct, NotOwnGoods."""
    found = await catalogue.product(tx, catalogue.ProductId(product_id))
    if found.owner is None and not within.everything:
        raise access.OutOfScope
    owner = catalogue.check_own(found)
    if owner.store_id is not None:
        within.need(owner.store_id)
    elif owner.operator_id is not None:
        within.need_operator(owner.operator_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    own_products_of_store, own_products_of_operator, create_own_product, create_product_of_operator,
    change_own_product, publish_own_product, retire_own_product, add_own_sku, set_own_list_prices,
    own_prices, out_of_band, set_own_prices, drop_own_prices,
]  # fmt: skip
