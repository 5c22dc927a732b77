"""SQL of what goes back."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.orders.store.rows import as_json
from midstage.middle.orders.types import (
    Order,
    OrderId,
)

# Lines and order together, each within what it may still give back; the caller compares the row count.
_WRITE_REFUND = """
with share as (
  select * from unnest($4::smallint[], $5::bigint[], $6::bigint[]) as s (line_no, milli, minor)
), line as (
  update order_line l set refunded_minor = l.refunded_minor + share.minor, returned_milli = l.returned_milli + share.milli
    from share where l.brand_id = $1 and l.order_id = $2 and l.line_no = share.line_no
     and l.returned_milli + share.milli <= l.quantity_milli
  returning 1
), head as (
  update sales_order set refunded_minor = refunded_minor + $7, version = version + 1
   where brand_id = $1 and order_id = $2 and version = $8 and refunded_minor + $7 <= paid_minor
  returning version, state
), step as (
  insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
  select $1, $2, version, state, state, $9, $10, $11, $12 from head
), refund as (
  insert into order_refund (brand_id, order_id, refund_id, amount_minor, lines, reason, by_kind, by_id, at)
  select $1, $2, $3, $7, $13, $11, $9, $10, $12 from head
)
select (select count(*) from line) as lines, (select count(*) from head) as heads
"""
_REFUND_SHARES = """
select lines, failed_minor from order_refund where brand_id = $1 and order_id = $2 and refund_id = $3
"""
_UNDO_REFUND = """
with share as (
  select * from unnest($4::smallint[], $5::bigint[], $6::bigint[]) as s (line_no, milli, minor)
), refund as (
  update order_refund set failed_minor = failed_minor + $7
   where brand_id = $1 and order_id = $2 and refund_id = $3 and failed_minor + $7 <= amount_minor
  returning 1
), line as (
  update order_line l set refunded_minor = l.refunded_minor - share.minor, returned_milli = l.returned_milli - share.milli
    from share, refund where l.brand_id = $1 and l.order_id = $2 and l.line_no = share.line_no
), head as (
  update sales_order set refunded_minor = refunded_minor - $7, version = version + 1
    from refund where brand_id = $1 and order_id = $2 and version = $8
  returning version, state
)
insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
select $1, $2, version, state, state, $9, $10, $11, $12 from head
"""


async def write_refund(
    tx: Tx, order: Order, refund_id: UUID, amount_minor: int, shares: Sequence[tuple[int, int, int]], *, reason: str
) -> bool:
    """Note what of which line goes back (line_no, milli, minor); False if the order moved or a line has too little."""
    row = await tx.row(
        _WRITE_REFUND, tx.brand, order.order_id, refund_id, [no for no, _, _ in shares],
        [milli for _, milli, _ in shares], [minor for _, _, minor in shares], amount_minor, order.version,
        tx.by.kind, tx.by.id, reason, tx.now, as_json(shares),
    )  # fmt: skip
    return row is not None and row["lines"] == len(shares) and row["heads"] == 1


async def refund_shares(tx: Tx, order_id: OrderId, refund_id: UUID) -> tuple[list[tuple[int, int, int]], int]:
    """What went back of which line, and how much of the whole has failed since."""
    row = await tx.row(_REFUND_SHARES, tx.brand, order_id, refund_id)
    if row is None:
        return [], 0
    return msgspec.json.decode(row["lines"], type=list[tuple[int, int, int]]), row["failed_minor"]


async def undo_refund(
    tx: Tx, order: Order, refund_id: UUID, amount_minor: int, back: Sequence[tuple[int, int, int]], *, reason: str
) -> bool:
    """Put back what a failed refund had taken off the order and its lines; False if the order moved."""
    undone = await tx.run(
        _UNDO_REFUND, tx.brand, order.order_id, refund_id, [no for no, _, _ in back], [milli for _, milli, _ in back],
        [minor for _, _, minor in back], amount_minor, order.version, tx.by.kind, tx.by.id, reason, tx.now,
    )  # fmt: skip
    return undone == 1
