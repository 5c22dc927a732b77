"""What the doctor asks; each statement returns the wrong rows alone."""

from typing import Any

from midstage.kit.database import Tx

STOCK_OFF = """
with moved as (
  select m.location_id, m.sku_id, sum(m.on_hand_delta_milli) as on_hand, sum(m.reserved_delta_milli) as reserved,
         sum(m.incoming_delta_milli) as incoming
    from stock_movement m where m.brand_id = $1 group by m.location_id, m.sku_id
), kept as (
  select s.location_id, s.sku_id, s.on_hand_milli, s.reserved_milli, s.incoming_milli
    from stock s where s.brand_id = $1
)
select location_id, sku_id, on_hand_milli, on_hand::text as on_hand_moved, reserved_milli,
       reserved::text as reserved_moved, incoming_milli, incoming::text as incoming_moved
  from kept full join moved using (location_id, sku_id)
 where coalesce(on_hand_milli, 0) <> coalesce(on_hand, 0) or coalesce(reserved_milli, 0) <> coalesce(reserved, 0)
    or coalesce(incoming_milli, 0) <> coalesce(incoming, 0)
 limit 20
"""

RESERVED_OFF = """
with held as (
  select r.location_id, r.sku_id, sum(r.milli) as milli, coalesce(sum(r.milli) filter (where r.shared), 0) as shared
    from stock_reservation r where r.brand_id = $1 and r.state = 'open' group by r.location_id, r.sku_id
), kept as (
  select s.location_id, s.sku_id, s.reserved_milli, s.shared_milli
    from stock s where s.brand_id = $1 and s.reserved_milli <> 0
)
select location_id, sku_id, reserved_milli, held.milli::text as open, shared_milli, held.shared::text as open_shared
  from kept full join held using (location_id, sku_id)
 where coalesce(reserved_milli, 0) <> coalesce(held.milli, 0) or coalesce(shared_milli, 0) <> coalesce(held.shared, 0)
 limit 20
"""

OVERSOLD = """
select s.location_id, s.sku_id, s.on_hand_milli, s.reserved_milli, s.short_milli
  from stock s
 where s.brand_id = $1 and s.reserved_milli > s.on_hand_milli
   and not exists (select 1 from stock_discrepancy d
                    where d.brand_id = $1 and d.location_id = s.location_id and d.sku_id = s.sku_id)
 limit 20
"""


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of a check."""
    return [dict(row.items()) for row in await tx.rows(sql, tx.brand)]
