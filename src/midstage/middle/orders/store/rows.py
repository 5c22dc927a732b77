"""How orders and lines stand in their rows."""

from typing import Any

import msgspec

from midstage.kit.database import Record
from midstage.middle.orders.collecting_types import Collecting
from midstage.middle.orders.types import (
    Delivery,
    Kind,
    Line,
    LinePart,
    Order,
    State,
)

ORDER_COLUMNS = """
order_id, number, version, kind, state, sales_channel, front, store_id, operator_id, member_id, person_id, guide_id,
touchpoint_id, credited_store_id, credited_guide_id, credited_touchpoint_id, credited_referrer_id, currency,
units_milli, goods_minor, discount_minor, shipping_minor, total_minor, tax_minor, tax_added_minor, paid_minor, refunded_minor,
delivery, note, business_date, placed_at, expires_at, paid_at, closed_at, collecting
"""
LINE_COLUMNS = """
line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options, unit, quantity_milli, unit_minor,
list_minor, price_rule, goods_minor, discount_minor, total_minor, tax_class, tax_rate_millionths, tax_inclusive,
tax_minor, refunded_minor, returned_milli, parts
"""
NO_PARTS = "[]"


def to_order(row: Record) -> Order:
    fields: dict[str, Any] = dict(row)
    fields["kind"] = Kind(fields["kind"])
    fields["state"] = State(fields["state"])
    fields["delivery"] = msgspec.json.decode(fields["delivery"], type=Delivery)
    if fields["collecting"] is not None:
        fields["collecting"] = msgspec.json.decode(fields["collecting"], type=Collecting)
    return Order(**fields)


def to_line(row: Record) -> Line:
    fields: dict[str, Any] = dict(row)
    parts = fields["parts"]
    fields["parts"] = () if parts == NO_PARTS else msgspec.json.decode(parts, type=list[LinePart])
    return Line(**fields)


def line_values(line: Line) -> tuple[Any, ...]:
    return (
        line.line_no, line.part_no, line.sku_id, line.product_id, line.sku_code, line.title_zh, line.title_en,
        line.options, line.unit, line.quantity_milli, line.unit_minor, line.list_minor, line.price_rule,
        line.goods_minor, line.discount_minor, line.tax_class, line.tax_rate_millionths, line.tax_inclusive,
        line.tax_minor, as_json(line.parts) if line.parts else NO_PARTS,
    )  # fmt: skip


def as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
