"""SQL of what waits in the order book."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx

Row = tuple[UUID, str, UUID, datetime]
"""An order, its number, its store, and since when it waits."""

OVERDUE = """
select order_id, number, store_id, expires_at as since from sales_order
 where brand_id = $1 and state = 'placed' and expires_at < $2
 order by expires_at limit $3
"""

NOT_HANDED_OVER = """
select o.order_id, o.number, p.location_id as store_id, o.paid_at as since
  from order_part p join sales_order o on o.brand_id = p.brand_id and o.order_id = p.order_id
 where p.brand_id = $1 and p.state = 'waiting' and p.moved_at < $2 and o.state = 'paid' and o.paid_at < $2
 order by o.paid_at, o.order_id limit $3
"""


async def overdue(tx: Tx, before: datetime, most: int) -> list[Row]:
    """Unpaid orders whose deadline passed before that moment."""
    return [_row(row) for row in await tx.rows(OVERDUE, tx.brand, before, most)]


async def not_handed_over(tx: Tx, before: datetime, most: int) -> list[Row]:
    """Parts of orders that were paid before that moment and still wait; the store is the one that ships."""
    return [_row(row) for row in await tx.rows(NOT_HANDED_OVER, tx.brand, before, most)]


def _row(row: Record) -> Row:
    return row["order_id"], row["number"], row["store_id"], row["since"]
