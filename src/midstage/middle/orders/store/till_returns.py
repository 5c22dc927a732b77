"""SQL of goods that came back to tills."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.orders.till_return_types import TillReturn
from midstage.middle.organisation import api as organisation

INSERT_RETURN = """
insert into till_return (brand_id, return_id, store_id, till_id, shift_id, business_date, cashier_id, order_id, refund_id,
                         exchange_of, currency, amount_minor, tax_minor, approval_id, reason, returned_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
INSERT_RETURN_LINES = """
insert into till_return_line (brand_id, return_id, line_no, sku_id, quantity_milli, amount_minor, condition)
select $1, $2, l.line_no, l.sku_id, l.quantity_milli, l.amount_minor, l.condition
  from unnest($3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::text[])
    as l (line_no, sku_id, quantity_milli, amount_minor, condition)
"""
GIVEN_WITHOUT_RECEIPT = """
select coalesce(sum(amount_minor), 0)::bigint from till_return
 where brand_id = $1 and cashier_id = $2 and business_date = $3 and order_id is null
"""
# What a store sold lately: by way of its orders, as such a return is rare and an index over all lines is not.
LOWEST_PRICES = """
select l.sku_id, min(l.total_minor * 1000 / l.quantity_milli)::bigint as unit_minor
  from sales_order o join order_line l on l.brand_id = o.brand_id and l.order_id = o.order_id
 where o.brand_id = $1 and o.store_id = $2 and o.state = 'completed' and o.placed_at >= $3
   and l.sku_id = any($4::uuid[]) and l.returned_milli < l.quantity_milli
 group by l.sku_id
"""


def write(tx: Tx, one: TillReturn) -> None:
    """With the flush."""
    tx.later(
        INSERT_RETURN, tx.brand, one.return_id, one.store_id, one.till_id, one.shift_id, one.business_date,
        one.cashier_id, one.order_id, one.refund_id, one.exchange_of, one.currency, one.amount_minor, one.tax_minor,
        one.approval_id, one.reason, one.returned_at,
    )  # fmt: skip
    tx.later(
        INSERT_RETURN_LINES, tx.brand, one.return_id, [line.line_no for line in one.lines],
        [line.sku_id for line in one.lines], [line.quantity_milli for line in one.lines],
        [line.amount_minor for line in one.lines], [line.condition for line in one.lines],
    )  # fmt: skip


async def given_without_receipt(tx: Tx, cashier_id: UUID, day: date) -> int:
    return await tx.value(GIVEN_WITHOUT_RECEIPT, tx.brand, cashier_id, day)


async def lowest_prices(
    tx: Tx, store_id: organisation.StoreId, since: datetime, sku_ids: Sequence[UUID]
) -> dict[UUID, int]:
    rows = await tx.rows(LOWEST_PRICES, tx.brand, store_id, since, sku_ids)
    return {row["sku_id"]: row["unit_minor"] for row in rows}
