"""SQL of sales at a till."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Record, Tx
from midstage.middle.inventory import api as inventory
from midstage.middle.orders.store.order import INSERT_LINES, INSERT_STEP
from midstage.middle.orders.store.rows import as_json, line_values
from midstage.middle.orders.till_types import Clock, TillSale
from midstage.middle.orders.types import Line, Order, OrderId

# An order that is completed as it comes to be: its goods are in the shopper's hands and its money is in the drawer.
INSERT_SOLD = """
insert into sales_order (
  brand_id, order_id, number, kind, state, sales_channel, front, store_id, operator_id, member_id, person_id,
  guide_id, touchpoint_id, credited_store_id, credited_guide_id, credited_touchpoint_id, credited_referrer_id,
  currency, units_milli, goods_minor, discount_minor, shipping_minor, total_minor, tax_minor, tax_added_minor,
  paid_minor, delivery, note, business_date, placed_at, paid_at, closed_at)
values ($1, $2, $3, $4, 'completed', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
        $22, $23, $24, $22, $25, $26, $27, $28, $28, $28)
"""
INSERT_PART = """
insert into order_part (brand_id, order_id, part_no, location_id, method, state, moved_at)
values ($1, $2, 1, $3, 'carry_out', 'handed_over', $4)
"""
INSERT_TILL_SALE = """
insert into till_sale (brand_id, order_id, store_id, till_id, shift_id, business_date, cashier_id, sold_at, booked_at,
                       device_sale_id, device_sequence, device_at, device_receipt, clock, differs_minor, content_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
TILL_SALE = """
select store_id, till_id, shift_id, business_date, cashier_id, sold_at, device_sale_id, device_sequence, device_at,
       device_receipt, clock, differs_minor, content_hash
  from till_sale where brand_id = $1 and order_id = $2
"""


def write_sold(tx: Tx, order: Order, lines: Sequence[Line], location: inventory.LocationId, *, reason: str) -> None:
    """Insert a completed sale, with the flush."""
    brand, order_id = tx.brand, order.order_id
    tx.later(
        INSERT_SOLD, brand, order_id, order.number, order.kind, order.sales_channel, order.front, order.store_id,
        order.operator_id, order.member_id, order.person_id, order.guide_id, order.touchpoint_id,
        order.credited_store_id, order.credited_guide_id, order.credited_touchpoint_id, order.credited_referrer_id,
        order.currency, order.units_milli, order.goods_minor, order.discount_minor, order.shipping_minor,
        order.total_minor, order.tax_minor, order.tax_added_minor, as_json(order.delivery), order.note,
        order.business_date, order.placed_at,
    )  # fmt: skip
    tx.later(INSERT_PART, brand, order_id, location, order.placed_at)
    columns = zip(*(line_values(line) for line in lines), strict=True)
    tx.later(INSERT_LINES, brand, order_id, *(list(column) for column in columns))
    tx.later(INSERT_STEP, brand, order_id, 1, None, order.state, tx.by.kind, tx.by.id, reason, tx.now)


def write_till_sale(tx: Tx, order_id: OrderId, sale: TillSale) -> None:
    tx.later(INSERT_TILL_SALE, *sale_values(tx, order_id, sale))


def sale_values(tx: Tx, order_id: OrderId, sale: TillSale) -> tuple[Any, ...]:
    return (
        tx.brand, order_id, sale.store_id, sale.till_id, sale.shift_id, sale.business_date, sale.cashier_id,
        sale.sold_at, tx.now, sale.device_sale_id, sale.device_sequence, sale.device_at, sale.device_receipt,
        sale.clock, sale.differs_minor, sale.content_hash,
    )  # fmt: skip


async def till_sale(tx: Tx, order_id: OrderId) -> TillSale | None:
    row = await tx.row(TILL_SALE, tx.brand, order_id)
    return None if row is None else to_sale(row)


def to_sale(row: Record) -> TillSale:
    fields: dict[str, Any] = dict(row)
    fields["clock"] = Clock(fields["clock"])
    return TillSale(**fields)
