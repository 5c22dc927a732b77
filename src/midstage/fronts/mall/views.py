"""What the mall shows of the middle: the same figures, with what concerns the shopper alone."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing


class PriceView(msgspec.Struct, frozen=True):
    """A price in minor units; `list_minor` is what it would be without any price list."""

    unit_minor: int
    list_minor: int
    currency: str
    rule: str


class SkuView(msgspec.Struct, frozen=True):
    """A variant with its price here; without a price it cannot be bought here. With parts it is a bundle of these."""

    sku_id: UUID
    sku_code: str
    options: dict[str, str]
    unit: str
    milli_step: int
    price: PriceView | None
    parts: list[catalogue.BundlePart] = []


class LineView(msgspec.Struct, frozen=True):
    """One line of an order, as the shopper sees it."""

    line_no: int
    sku_id: UUID
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    total_minor: int
    refunded_minor: int


class StepView(msgspec.Struct, frozen=True):
    """One step in the life of an order."""

    became: str
    at: datetime


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order, as the shopper sees it."""

    order_id: UUID
    number: str
    kind: str
    state: str
    store_id: UUID
    currency: str
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    refunded_minor: int
    delivery: orders.Delivery
    placed_at: datetime
    expires_at: datetime | None


class PlacedView(OrderView, frozen=True, kw_only=True):
    """An order that was just placed, and the payment that it waits for; none where nothing is to be paid."""

    payment_id: UUID | None
    lines: list[LineView]


class OrderDetailView(OrderView, frozen=True, kw_only=True):
    """An order with its lines and history."""

    lines: list[LineView]
    steps: list[StepView]


class StoreView(msgspec.Struct, frozen=True):
    """A store, as the shopper sees it."""

    store_id: UUID
    code: str
    name: str
    kind: str
    lat: float | None
    lng: float | None


def price_view(quote: pricing.Quote | None) -> PriceView | None:
    if quote is None:
        return None
    return PriceView(quote.unit_minor, quote.list_minor, quote.currency, quote.rule)


def store_view(store: organisation.Store) -> StoreView:
    place = store.place
    return StoreView(
        store.store_id, store.code, store.name, store.kind, place.lat if place else None, place.lng if place else None
    )


def line_view(line: orders.Line) -> LineView:
    return LineView(
        line.line_no,
        line.sku_id,
        line.title_zh,
        line.title_en,
        line.options,
        line.unit,
        line.quantity_milli,
        line.unit_minor,
        line.total_minor,
        line.refunded_minor,
    )


def order_view(order: orders.Order) -> OrderView:
    return OrderView(**_order_fields(order))


def placed_view(placed: orders.PlacedOrder) -> PlacedView:
    return PlacedView(
        payment_id=placed.payment_id,
        lines=[line_view(line) for line in placed.lines],
        **_order_fields(placed.order),
    )


def detail_view(detail: orders.OrderDetail) -> OrderDetailView:
    return OrderDetailView(
        lines=[line_view(line) for line in detail.lines],
        steps=[StepView(step.became, step.at) for step in detail.steps],
        **_order_fields(detail.order),
    )


def sku_view(sku: catalogue.Sku, quote: pricing.Quote | None) -> SkuView:
    return SkuView(
        sku.sku_id,
        sku.code,
        sku.options,
        sku.unit,
        sku.milli_step,
        price_view(quote),
        sku.parts,
    )


def _order_fields(order: orders.Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in OrderView.__struct_fields__}
