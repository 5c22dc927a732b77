"""SQL of a store's business day."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.orders.day_types import Returned, Sums
from midstage.middle.organisation import api as organisation

SOLD = """
select s.till_id, count(*)::bigint as sales,
       sum((select count(*) from order_line l where l.brand_id = $1 and l.order_id = s.order_id))::bigint as lines,
       sum(o.units_milli)::bigint as units_milli, sum(o.goods_minor)::bigint as goods_minor,
       sum(o.discount_minor)::bigint as discount_minor, sum(o.tax_minor)::bigint as tax_minor,
       sum(o.total_minor)::bigint as total_minor, sum(o.paid_minor)::bigint as paid_minor,
       count(o.member_id)::bigint as to_members,
       coalesce(sum(o.total_minor) filter (where o.member_id is not null), 0)::bigint as to_members_minor,
       count(s.device_sale_id)::bigint as offline, sum(s.differs_minor)::bigint as differs_minor
  from till_sale s join sales_order o on o.brand_id = s.brand_id and o.order_id = s.order_id
 where s.brand_id = $1 and s.store_id = $2 and s.business_date = $3 and o.state not in ('cancelled', 'expired')
 group by s.till_id
"""
RETURNED = """
select r.till_id, count(*)::bigint as returns,
       sum((select sum(l.quantity_milli) from till_return_line l
             where l.brand_id = $1 and l.return_id = r.return_id))::bigint as units_milli,
       sum(r.amount_minor)::bigint as amount_minor, sum(r.tax_minor)::bigint as tax_minor,
       coalesce(sum(r.amount_minor) filter (where r.order_id is null), 0)::bigint as loose_minor
  from till_return r
 where r.brand_id = $1 and r.store_id = $2 and r.business_date = $3
 group by r.till_id
"""
PAID = """
select s.order_id, o.paid_minor
  from till_sale s join sales_order o on o.brand_id = s.brand_id and o.order_id = s.order_id
 where s.brand_id = $1 and s.store_id = $2 and s.business_date = $3
"""
SHIFT_TOTALS = """
select s.shift_id, s.order_id, o.paid_minor, o.state, o.business_date = s.business_date as same_day, o.kind
  from till_sale s join sales_order o on o.brand_id = s.brand_id and o.order_id = s.order_id
 where s.brand_id = $1 and ($2::uuid is null or s.order_id > $2) order by s.order_id limit $3
"""


async def sold(tx: Tx, store_id: organisation.StoreId, day: date) -> dict[UUID, Sums]:
    return {row["till_id"]: Sums(**_rest(row)) for row in await tx.rows(SOLD, tx.brand, store_id, day)}


async def returned(tx: Tx, store_id: organisation.StoreId, day: date) -> dict[UUID, Returned]:
    return {row["till_id"]: Returned(**_rest(row)) for row in await tx.rows(RETURNED, tx.brand, store_id, day)}


async def paid(tx: Tx, store_id: organisation.StoreId, day: date) -> Sequence[tuple[UUID, int]]:
    return [(row["order_id"], row["paid_minor"]) for row in await tx.rows(PAID, tx.brand, store_id, day)]


async def sales_after(tx: Tx, after: UUID | None, limit: int) -> list[Record]:
    return await tx.rows(SHIFT_TOTALS, tx.brand, after, limit)


def _rest(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "till_id"}
