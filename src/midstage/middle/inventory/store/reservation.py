"""Reservations: what is promised to orders."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.inventory.store.pieces import seller_values, whole
from midstage.middle.inventory.types import LocationId, Outcome, Reservation, Seller, SkuId, Want

# Locked in key order, so that two carts never wait for each other; then all are taken or none.
# What is written is reckoned from the locked row: PostgreSQL checks constraints first on what the statement's snapshot
# would give, and where somebody cancelled since, it would call off an order for which there is enough.
# The shares are looked up only for a seller, and only if the brand has any. The arrays and the seller come through
# sub-selects because PostgreSQL, if it saw their values, would take the plan of the moment for cheaper than the one
# it has kept, and plan anew each time (measured: 0.85 against 0.37 ms).
RESERVE = whole("""
with want as materialized (
  select w.location_id, w.sku_id, w.milli
    from unnest((select $4::uuid[]), (select $5::uuid[]), (select $6::bigint[])) as w (location_id, sku_id, milli)
), share as materialized (
  select l.location_id, <percent> as percent
    from stock_location l
   where l.brand_id = $1 and l.location_id in (select location_id from want) and (select $2::text) is not null
     and exists (select 1 from stock_share p where p.brand_id = $1)
), held as materialized (
  select s.location_id, s.sku_id, want.milli, coalesce(share.percent, 100) < 100 as shared,
         s.on_hand_milli, s.reserved_milli, s.shared_milli, s.short_milli,
         s.on_hand_milli - s.reserved_milli - s.safety_milli >= want.milli
         and (coalesce(share.percent, 100) = 100
              or s.on_hand_milli * share.percent / 100 - s.shared_milli >= want.milli) as enough
    from want
    join stock s on s.brand_id = $1 and s.location_id = want.location_id and s.sku_id = want.sku_id
    left join share on share.location_id = want.location_id
   order by s.location_id, s.sku_id
     for no key update of s
), fit as materialized (
  select count(*) = (select count(*) from want) as yes from held where enough
), taken as (
  update stock s
     set on_hand_milli = held.on_hand_milli,
         reserved_milli = held.reserved_milli + held.milli,
         shared_milli = held.shared_milli + case when held.shared then held.milli else 0 end,
         short_milli = held.short_milli
    from held
   where s.brand_id = $1 and s.location_id = held.location_id and s.sku_id = held.sku_id and (select yes from fit)
  returning s.location_id, s.sku_id, held.milli, held.shared
), promised as (
  insert into stock_reservation as r (brand_id, order_id, location_id, sku_id, milli, shared, reserved_at)
  select $1, $7, t.location_id, t.sku_id, t.milli, t.shared, $8 from taken t
      on conflict (brand_id, order_id, location_id, sku_id) do update
     set milli = excluded.milli, shared = excluded.shared, reserved_at = excluded.reserved_at,
         state = 'open', ended_at = null
   where r.state <> 'open'
  returning 1
), moved as (
  insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                              incoming_delta_milli, reference, moved_at)
  select $1, t.location_id, t.sku_id, 'reserved', 0, t.milli, 0, $7, $8 from taken t)
select (select yes from fit) as fit, (select count(*) from promised) as promised
""")

END_RESERVATION = """
with ended as (
  update stock_reservation r set state = $3, ended_at = $4
   where r.brand_id = $1 and r.order_id = $2 and r.state = 'open'
     and ($5::uuid[] is null or (r.location_id, r.sku_id) in (select o.l, o.s from unnest($5, $6::uuid[]) as o (l, s)))
  returning r.location_id, r.sku_id, r.milli, r.shared
), held as materialized (
  select s.location_id, s.sku_id, ended.milli,
         case when ended.shared then ended.milli else 0 end as shared,
         case when $3 = 'handed_over' then ended.milli else 0 end as gone
    from ended join stock s on s.brand_id = $1 and s.location_id = ended.location_id and s.sku_id = ended.sku_id
   order by s.location_id, s.sku_id
     for no key update of s
), freed as (
  update stock s
     set reserved_milli = s.reserved_milli - held.milli,
         shared_milli = s.shared_milli - held.shared,
         on_hand_milli = s.on_hand_milli - held.gone,
         short_milli = least(s.short_milli,
                             greatest(0, s.reserved_milli - held.milli - s.on_hand_milli + held.gone))
    from held
   where s.brand_id = $1 and s.location_id = held.location_id and s.sku_id = held.sku_id
  returning s.location_id, s.sku_id, held.milli, held.gone
), moved as (
  insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                              incoming_delta_milli, reference, moved_at)
  select $1, f.location_id, f.sku_id, $3, -f.gone, -f.milli, 0, $2, $4 from freed f
)
select location_id, sku_id, milli from freed order by location_id, sku_id
"""

RESERVATIONS = """
select r.order_id, r.location_id, r.sku_id, r.milli, r.state, r.shared, r.reserved_at, r.ended_at
  from stock_reservation r where r.brand_id = $1 and r.order_id = $2
 order by r.location_id, r.sku_id
"""

ORDERS_HOLDING = "select distinct order_id from stock_reservation where brand_id = $1 and state = 'open'"


async def reserve(tx: Tx, order_id: UUID, wants: Sequence[Want], seller: Seller | None) -> tuple[bool, int]:
    """Promise all wants (merged, sorted) or none; whether all were there, and how many reservations were written."""
    channel, operator = seller_values(seller)
    row = await tx.row(
        RESERVE,
        tx.brand,
        channel,
        operator,
        [want.location_id for want in wants],
        [want.sku_id for want in wants],
        [want.milli for want in wants],
        order_id,
        tx.now,
    )
    return (False, 0) if row is None else (row["fit"], row["promised"])


async def end_reservation(
    tx: Tx, order_id: UUID, outcome: Outcome, only: Sequence[tuple[LocationId, SkuId]] | None
) -> list[Want]:
    locations = None if only is None else [location for location, _ in only]
    skus = None if only is None else [sku for _, sku in only]
    rows = await tx.rows(END_RESERVATION, tx.brand, order_id, outcome, tx.now, locations, skus)
    return [Want(*row.values()) for row in rows]


async def orders_holding(tx: Tx) -> set[UUID]:
    return {row["order_id"] for row in await tx.rows(ORDERS_HOLDING, tx.brand)}


async def reservations(tx: Tx, order_id: UUID) -> list[Reservation]:
    return [msgspec.convert(dict(row.items()), Reservation) for row in await tx.rows(RESERVATIONS, tx.brand, order_id)]
