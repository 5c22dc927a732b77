"""The cart and the favourites, the same in every front."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.mall.callers import CHANNEL, GuestUnknown, Visitor
from midstage.fronts.mall.pricing import Here, here, quotes
from midstage.fronts.mall.views import PriceView, price_view
from midstage.kit.database import Tx
from midstage.kit.money import times
from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

TAGS = ["mall: cart"]


class CartLineView(msgspec.Struct, frozen=True):
    """One sku of the cart; without a price, or no longer live and sold here, it cannot be bought here."""

    sku_id: UUID
    sku_code: str
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    price: PriceView | None
    goods_minor: int
    live: bool
    added_at: datetime


class CartView(msgspec.Struct, frozen=True):
    """The cart with the prices that hold here and now; `goods_minor` counts what can be bought."""

    lines: list[CartLineView]
    goods_minor: int
    currency: str | None


class PutLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the sku the cart holds from now on."""

    quantity_milli: orders.Quantity


@reading("/cart", tags=TAGS, refuses=(GuestUnknown, organisation.NoSuchStore))
async def cart(tx: Tx, visitor: Visitor, store_id: UUID | None = None) -> CartView:
    """What is in the cart, at the prices of this store (or the visitor's own)."""
    return await _view(tx, visitor, store_id)


@changing(
    "PUT",
    "/cart/lines/{sku_id:uuid}",
    tags=TAGS,
    refuses=(GuestUnknown, orders.CartFull, catalogue.NotForSale, catalogue.QuantityUnsellable),
)
async def put_line(sku_id: UUID, data: PutLine, tx: Tx, visitor: Visitor) -> CartView:
    """Set how much of a sku is in the cart."""
    await orders.put_in_cart(tx, visitor.owner, orders.LineWish(catalogue.SkuId(sku_id), data.quantity_milli))
    return await _view(tx, visitor, None)


@changing("DELETE", "/cart/lines/{sku_id:uuid}", tags=TAGS, refuses=(GuestUnknown,))
async def remove_line(sku_id: UUID, tx: Tx, visitor: Visitor) -> CartView:
    """Take a sku out of the cart; one that is not in it is no fault."""
    await orders.remove_from_cart(tx, visitor.owner, [catalogue.SkuId(sku_id)])
    return await _view(tx, visitor, None)


@reading("/favourites", tags=TAGS, refuses=(GuestUnknown,))
async def favourites(tx: Tx, visitor: Visitor) -> list[UUID]:
    """The favourite products, the newest first."""
    return list(await orders.favourites(tx, visitor.owner))


@changing(
    "PUT", "/favourites/{product_id:uuid}", status=204, tags=TAGS, refuses=(GuestUnknown, catalogue.NoSuchProduct)
)
async def favour(product_id: UUID, tx: Tx, visitor: Visitor) -> None:
    """Keep a product as a favourite."""
    product = await catalogue.product(tx, catalogue.ProductId(product_id), visible_only=True)
    await orders.favour(tx, visitor.owner, product.product_id)


@changing("DELETE", "/favourites/{product_id:uuid}", status=204, tags=TAGS, refuses=(GuestUnknown,))
async def disfavour(product_id: UUID, tx: Tx, visitor: Visitor) -> None:
    """Let a favourite go."""
    await orders.disfavour(tx, visitor.owner, catalogue.ProductId(product_id))


async def _view(tx: Tx, visitor: Visitor, store_id: Annotated[UUID | None, "the visitor's own if None"]) -> CartView:
    lines = await orders.cart_lines(tx, visitor.owner)
    if not lines:
        return CartView([], 0, None)
    at: Here = await here(tx, visitor.member_id, store_id, channel=CHANNEL)
    ids = [line.sku_id for line in lines]
    offers = await catalogue.offers(tx, ids, at=at.selling)
    found = await quotes(tx, at, ids)
    views: list[CartLineView] = []
    for line in lines:
        offer, quote = offers[line.sku_id], found.get(line.sku_id)
        sold = offer.live and offer.refused is None
        goods = times(quote.unit_minor, line.quantity_milli) if quote and sold else 0
        views.append(
            CartLineView(
                line.sku_id,
                offer.sku_code,
                offer.title_zh,
                offer.title_en,
                offer.options_text,
                offer.unit,
                line.quantity_milli,
                price_view(quote),
                goods,
                sold,
                line.added_at,
            )
        )
    return CartView(views, sum(view.goods_minor for view in views), at.store.currency)


HANDLERS: list[HTTPRouteHandler] = [cart, put_line, remove_line, favourites, favour, disfavour]
