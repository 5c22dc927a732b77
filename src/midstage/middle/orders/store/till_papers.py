"""SQL of goods that came back to tills, as their receipts say it."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.orders.till_return_types import Condition, ReturnedLine, TillReturn

RETURN = """
select return_id, store_id, till_id, shift_id, business_date, cashier_id, order_id, refund_id, currency, amount_minor,
       tax_minor, reason, returned_at, exchange_of, approval_id
  from till_return where brand_id = $1 and return_id = $2
"""
RETURN_LINES = """
select line_no, sku_id, quantity_milli, amount_minor, condition from till_return_line
 where brand_id = $1 and return_id = $2 order by line_no
"""


async def till_return(tx: Tx, return_id: UUID) -> TillReturn | None:
    """One return with its lines."""
    row = await tx.row(RETURN, tx.brand, return_id)
    if row is None:
        return None
    lines = [
        ReturnedLine(line["line_no"], line["sku_id"], line["quantity_milli"], line["amount_minor"], Condition(line["condition"]))
        for line in await tx.rows(RETURN_LINES, tx.brand, return_id)
    ]  # fmt: skip
    return TillReturn(**dict(row), lines=lines)
