"""Browsing: categories, products, search, prices, and which store has it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts.mall.callers import CHANNEL, Visitor
from midstage.fronts.mall.pricing import here, quotes
from midstage.fronts.mall.views import PriceView, SkuView, StoreView, price_view, sku_view, store_view
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

TAGS = ["mall: goods"]
NEAREST_ASKED = 200
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
SearchText = Annotated[str, msgspec.Meta(max_length=100)]


class CategoryView(msgspec.Struct, frozen=True):
    """A node of the category tree."""

    category_id: UUID
    parent_id: UUID | None
    code: str
    name: catalogue.Name


class ProductCard(msgspec.Struct, frozen=True):
    """A product as a list shows it; the price is its lowest here."""

    product_id: UUID
    name: catalogue.Name
    trademark: str
    cover: catalogue.Media | None
    from_price: PriceView | None


class ProductView(msgspec.Struct, frozen=True):
    """A product with every variant that can be bought."""

    product_id: UUID
    name: catalogue.Name
    description: catalogue.Name
    trademark: str
    category_path: list[UUID]
    options: list[catalogue.Option]
    attributes: dict[str, catalogue.Value]
    media: list[catalogue.Media]
    tags: list[str]
    skus: list[SkuView]


class WhyView(msgspec.Struct, frozen=True):
    """One price that was looked at, and why it holds or does not."""

    unit_minor: int
    won: bool
    reason_zh: str
    reason_en: str


class NearbyView(msgspec.Struct, frozen=True):
    """A store that has it: how far it is, and how much can be bought there, in thousandths."""

    store: StoreView
    distance_m: int
    free_milli: int


@reading("/categories", tags=TAGS)
async def categories(tx: Tx, _visitor: Visitor) -> list[CategoryView]:
    """The category tree, parents before their children."""
    return [
        CategoryView(found.category_id, found.parent_id, found.code, found.name)
        for found in await catalogue.categories(tx)
    ]


@reading("/products", tags=TAGS, refuses=(catalogue.SearchTooLong, organisation.NoSuchStore))
async def products(
    tx: Tx,
    visitor: Visitor,
    text: SearchText = "",
    category_id: UUID | None = None,
    trademark: str | None = None,
    store_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 20,
) -> Page[ProductCard]:
    """Browse or search what is sold in this store (or the visitor's own); Chinese is found by any piece of a name, other words by their beginnings."""
    filters = catalogue.ProductFilters(
        state=catalogue.State.LIVE,
        category_id=catalogue.CategoryId(category_id) if category_id else None,
        trademark=trademark,
    )
    at = await here(tx, visitor.member_id, store_id, channel=CHANNEL)
    found = await catalogue.search(tx, text, filters, PageRequest(after, limit), at=at.selling)
    prices = await quotes(tx, at, [sku_id for product in found.items for sku_id in product.sku_ids])
    return Page([_card(product, prices) for product in found.items], found.next)


@reading("/products/{product_id:uuid}", tags=TAGS, refuses=(catalogue.NoSuchProduct, organisation.NoSuchStore))
async def product(product_id: UUID, tx: Tx, visitor: Visitor, store_id: UUID | None = None) -> ProductView:
    """One product with the variants that this store sells, and their prices there."""
    at = await here(tx, visitor.member_id, store_id, channel=CHANNEL)
    found = await catalogue.product(tx, catalogue.ProductId(product_id), visible_only=True, at=at.selling)
    prices = await quotes(tx, at, [sku.sku_id for sku in found.skus])
    return ProductView(
        product_id=found.product_id,
        name=found.name,
        description=found.description,
        trademark=found.trademark,
        category_path=list(found.category_path),
        options=found.options,
        attributes=found.attributes,
        media=found.media,
        tags=found.tags,
        skus=[sku_view(sku, prices.get(sku.sku_id)) for sku in found.skus],
    )


@reading("/skus/{sku_id:uuid}/why", tags=TAGS, refuses=(pricing.NotPriced, organisation.NoSuchStore))
async def why(sku_id: UUID, tx: Tx, visitor: Visitor, store_id: UUID | None = None) -> list[WhyView]:
    """Why this price: every price the sku could have here, the one that holds first."""
    at = await here(tx, visitor.member_id, store_id, channel=CHANNEL)
    context = pricing.PriceContext(CHANNEL, at.store.store_id, at.store.unit_path, at.store.operator_id, at.level)
    return [
        WhyView(one.unit_minor, one.won, one.reason_zh, one.reason_en)
        for one in await pricing.why(tx, context, catalogue.SkuId(sku_id), at=tx.now)
    ]


@reading("/skus/{sku_id:uuid}/stores", tags=TAGS)
async def nearest_stores(
    sku_id: UUID, tx: Tx, _visitor: Visitor, lat: Latitude, lng: Longitude, limit: Limit = 10
) -> list[NearbyView]:
    """The nearest stores that sell it and have it, nearest first; of a bundle, those that have all of its parts."""
    wanted, place = catalogue.SkuId(sku_id), organisation.Place(lat, lng)
    parts = (await catalogue.bundle_parts(tx, [wanted])).get(wanted)
    skus = [part.sku_id for part in parts] if parts else [wanted]
    near = await inventory.nearest(tx, skus, place, limit=limit)
    views = await _nearby(tx, wanted, parts, near)
    if len(views) < len(near) == limit:  # some do not sell it: the further ones may
        views = await _nearby(tx, wanted, parts, await inventory.nearest(tx, skus, place, limit=NEAREST_ASKED))
    return views[:limit]


async def _nearby(
    tx: Tx, sku_id: catalogue.SkuId, parts: list[catalogue.BundlePart] | None, near: Sequence[inventory.Near]
) -> list[NearbyView]:
    stores = await organisation.stores(tx, [organisation.StoreId(one.location_id) for one in near])
    sold = await catalogue.sold_in(tx, sku_id, stores.values(), sales_channel=CHANNEL)
    return [
        NearbyView(store_view(stores[store_id]), one.distance_m, free)
        for one in near
        if (store_id := organisation.StoreId(one.location_id)) in sold
        and (free := orders.in_stock(sku_id, parts, one.free_milli)) > 0
    ]


def _card(listed: catalogue.Listed, prices: dict[catalogue.SkuId, pricing.Quote]) -> ProductCard:
    known = [prices[sku_id] for sku_id in listed.sku_ids if sku_id in prices]
    lowest = min(known, key=lambda quote: quote.unit_minor, default=None)
    return ProductCard(listed.product_id, listed.name, listed.trademark, listed.cover, price_view(lowest))


HANDLERS: list[HTTPRouteHandler] = [categories, products, product, why, nearest_stores]
