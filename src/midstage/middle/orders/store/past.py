"""Sales of the past, by COPY."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.orders.store.rows import as_json, line_values
from midstage.middle.orders.types import (
    Line,
    OrderId,
)

_COPIED_HEAD = (
    "brand_id", "order_id", "number", "kind", "state", "sales_channel", "front", "store_id", "operator_id",
    "member_id", "person_id", "credited_store_id", "credited_guide_id", "credited_touchpoint_id",
    "credited_referrer_id", "currency", "units_milli", "goods_minor", "discount_minor", "shipping_minor", "total_minor", "tax_minor",
    "tax_added_minor", "paid_minor", "delivery", "note", "business_date", "placed_at", "paid_at", "closed_at",
)  # fmt: skip
_COPIED_LINE = (
    "brand_id", "order_id", "line_no", "part_no", "sku_id", "product_id", "sku_code", "title_zh", "title_en",
    "options", "unit", "quantity_milli", "unit_minor", "list_minor", "price_rule", "goods_minor", "discount_minor",
    "tax_class", "tax_rate_millionths", "tax_inclusive", "tax_minor", "parts", "total_minor", "discounts",
)  # fmt: skip
_COPIED_STEP = ("brand_id", "order_id", "version", "became", "by_kind", "by_id", "reason", "at")


async def copy_orders(tx: Tx, heads: Iterable[dict[str, Any]]) -> None:
    """Load orders; each row has the columns of _COPIED_HEAD but the brand."""
    names = _COPIED_HEAD[1:]
    await tx.copy("sales_order", _COPIED_HEAD, ((tx.brand, *(head[name] for name in names)) for head in heads))


async def copy_lines(tx: Tx, of_orders: Iterable[tuple[OrderId, Line]]) -> None:
    brand = tx.brand
    await tx.copy(
        "order_line",
        _COPIED_LINE,
        (
            (brand, order_id, *line_values(line), line.total_minor, as_json(line.discounts) if line.discounts else "[]")
            for order_id, line in of_orders
        ),
    )


async def copy_steps(tx: Tx, of_orders: Iterable[tuple[OrderId, datetime]]) -> None:
    await tx.copy(
        "order_step",
        _COPIED_STEP,
        ((tx.brand, order_id, 1, "completed", tx.by.kind, tx.by.id, "imported", at) for order_id, at in of_orders),
    )
