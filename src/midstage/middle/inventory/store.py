"""All SQL of inventory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.rules import Box
from midstage.middle.inventory.types import (
    Discrepancy,
    DiscrepancyId,
    Location,
    LocationId,
    Moved,
    Movement,
    MovementKind,
    Near,
    Opening,
    Option,
    Outcome,
    Reservation,
    Seller,
    Share,
    ShareId,
    SkuId,
    Stock,
    StockFilter,
    Want,
)
from midstage.middle.organisation import api as organisation

# The percentage of a location's stock that a seller may sell: all of his own, of others' what the most exact share says.
# A piece of statements in which l is the location, $1 the brand, $2 the seller's channel and $3 his operator.
_PERCENT = """
       case when (select $2::text) is null or l.operator_id = (select $3::uuid) then 100 else coalesce((
         select p.percent from stock_share p
          where p.brand_id = $1
            and (p.location_id is null or p.location_id = l.location_id)
            and (p.operator_id is null or p.operator_id = l.operator_id)
            and (p.sales_channel is null or p.sales_channel = (select $2::text))
          order by p.location_id nulls last, p.operator_id nulls last, p.sales_channel nulls last
          limit 1), 100) end"""

# What a seller may promise of a stock row s under a percentage.
_FREE = """
       greatest(0, least(s.on_hand_milli - s.reserved_milli - s.safety_milli,
         case when percent < 100 then s.on_hand_milli * percent / 100 - s.shared_milli end))"""

_METRES = """
       2 * 6371008.8 * asin(least(1, sqrt(
         sin(radians(l.lat - $6::double precision) / 2) ^ 2
         + cos(radians($6::double precision)) * cos(radians(l.lat)) * sin(radians(l.lng - $7::double precision) / 2) ^ 2)))"""


def _whole(sql: str) -> str:
    """A statement with its pieces."""
    return sql.replace("<percent>", _PERCENT).replace("<free>", _FREE).replace("<metres>", _METRES)


# Locked in key order, so that two carts never wait for each other; then all are taken or none.
# What is written is reckoned from the locked row: PostgreSQL checks constraints first on what the statement's snapshot
# would give, and where somebody cancelled since, it would call off an order for which there is enough.
# The shares are looked up only for a seller, and only if the brand has any. The arrays and the seller come through
# sub-selects because PostgreSQL, if it saw their values, would take the plan of the moment for cheaper than the one
# it has kept, and plan anew each time (measured: 0.85 against 0.37 ms).
RESERVE = _whole("""
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

# What the seller may promise of some skus at some locations; rows that do not exist are not free.
FREE_AT = _whole("""
select s.location_id, s.sku_id, <free>::bigint as free
  from stock s
  left join (select l.location_id, <percent> as percent from stock_location l where l.brand_id = $1 and l.location_id = any($4::uuid[])) l using (location_id)
 where s.brand_id = $1 and s.location_id = any($4::uuid[]) and s.sku_id = any($5::uuid[])
""")

# Moves goods by deltas, opening rows that are not there. Rows are locked in key order by the upsert itself.
# Where promises come to exceed the goods, or the goods fall below zero, a discrepancy is written.
MOVE = """
with moved as (
  insert into stock as s (brand_id, location_id, sku_id, on_hand_milli, incoming_milli, short_milli)
  select $1, d.location_id, d.sku_id, d.on_hand, greatest(0, d.incoming), greatest(0, -d.on_hand)
    from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[]) as d (location_id, sku_id, on_hand, incoming)
   order by d.location_id, d.sku_id
      on conflict (brand_id, location_id, sku_id) do update
     set on_hand_milli = s.on_hand_milli + excluded.on_hand_milli,
         incoming_milli = greatest(0, s.incoming_milli + case when $6 = 'received' then -$10::bigint * excluded.on_hand_milli
                                                              else excluded.incoming_milli end),
         short_milli = greatest(0, s.reserved_milli - s.on_hand_milli - excluded.on_hand_milli)
  returning s.location_id, s.sku_id, s.reserved_milli, s.on_hand_milli, s.incoming_milli,
            s.on_hand_milli - coalesce(old.on_hand_milli, 0) as on_hand_delta,
            s.incoming_milli - coalesce(old.incoming_milli, 0) as incoming_delta,
            s.short_milli > coalesce(old.short_milli, 0)
            or (s.on_hand_milli < 0 and s.on_hand_milli < coalesce(old.on_hand_milli, 0)) as wrong
), written as (
  insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                              incoming_delta_milli, reference, reason, moved_at)
  select $1, m.location_id, m.sku_id, $6, m.on_hand_delta, 0, m.incoming_delta, $7, $8, $9
    from moved m where m.on_hand_delta <> 0 or m.incoming_delta <> 0
), found as (
  insert into stock_discrepancy (brand_id, discrepancy_id, location_id, sku_id, kind, on_hand_milli, reserved_milli,
                                 reference, found_at)
  select $1, uuidv7(), m.location_id, m.sku_id, $6, m.on_hand_milli, m.reserved_milli, $7, $9
    from moved m where m.wrong
  returning discrepancy_id, location_id, sku_id
)
select m.location_id, m.sku_id, m.on_hand_milli, m.reserved_milli, m.on_hand_delta, m.incoming_delta, f.discrepancy_id
  from moved m left join found f using (location_id, sku_id)
 order by m.location_id, m.sku_id
"""

CALL_OFF_INCOMING = """
with less as (
  select d.location_id, d.sku_id, d.milli
    from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as d (location_id, sku_id, milli)
), held as materialized (
  select s.location_id, s.sku_id, s.incoming_milli, least(s.incoming_milli, less.milli) as milli
    from less join stock s on s.brand_id = $1 and s.location_id = less.location_id and s.sku_id = less.sku_id
   order by s.location_id, s.sku_id
     for no key update of s
), moved as (
  update stock s set incoming_milli = held.incoming_milli - held.milli
    from held
   where s.brand_id = $1 and s.location_id = held.location_id and s.sku_id = held.sku_id and held.milli > 0
  returning s.location_id, s.sku_id, held.milli
)
insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                            incoming_delta_milli, reference, reason, moved_at)
select $1, m.location_id, m.sku_id, 'expected', 0, 0, -m.milli, $5, $6, $7 from moved m
"""

SET_SAFETY = """
insert into stock as s (brand_id, location_id, sku_id, safety_milli)
select $1, d.location_id, d.sku_id, d.milli
  from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as d (location_id, sku_id, milli)
 order by d.location_id, d.sku_id
    on conflict (brand_id, location_id, sku_id) do update set safety_milli = excluded.safety_milli
returning s.sku_id, coalesce(old.safety_milli, 0) as before
"""

STOCK_AT = """
select s.location_id, s.sku_id, s.on_hand_milli, s.reserved_milli, s.shared_milli, s.safety_milli, s.incoming_milli,
       s.short_milli
  from stock s
 where s.brand_id = $1 and s.location_id = any($2::uuid[]) and s.sku_id = any($3::uuid[])
"""

LIST_STOCK = """
select s.location_id, s.sku_id, s.on_hand_milli, s.reserved_milli, s.shared_milli, s.safety_milli, s.incoming_milli,
       s.short_milli
  from stock s
 where s.brand_id = $1 and ($2::uuid[] is null or s.location_id = any($2))
   and (not $3 or s.on_hand_milli - s.reserved_milli - s.safety_milli <= 0)
   and ($4::uuid is null or (s.location_id, s.sku_id) > ($4, $5::uuid))
 order by s.location_id, s.sku_id
 limit $6
"""

# By way of the locations: a second index over all stock would cost every opening more than these probes do.
LIST_STOCK_OF_SKU = """
select s.location_id, s.sku_id, s.on_hand_milli, s.reserved_milli, s.shared_milli, s.safety_milli, s.incoming_milli,
       s.short_milli
  from stock_location l
  join stock s on s.brand_id = l.brand_id and s.location_id = l.location_id and s.sku_id = $7
 where l.brand_id = $1 and ($2::uuid[] is null or l.location_id = any($2))
   and (not $3 or s.on_hand_milli - s.reserved_milli - s.safety_milli <= 0)
   and ($4::uuid is null or (s.location_id, s.sku_id) > ($4, $5::uuid))
 order by s.location_id, s.sku_id
 limit $6
"""

MOVEMENTS = """
select m.movement_id, m.location_id, m.sku_id, m.kind, m.on_hand_delta_milli, m.incoming_delta_milli, m.reference,
       m.reason, m.moved_at
  from stock_movement m
 where m.brand_id = $1 and m.location_id = $2 and m.sku_id = $3
   and (m.on_hand_delta_milli <> 0 or m.incoming_delta_milli <> 0) and m.movement_id < $4
 order by m.movement_id desc
 limit $5
"""

RESERVATIONS = """
select r.order_id, r.location_id, r.sku_id, r.milli, r.state, r.shared, r.reserved_at, r.ended_at
  from stock_reservation r where r.brand_id = $1 and r.order_id = $2
 order by r.location_id, r.sku_id
"""

PLACE_LOCATIONS = """
insert into stock_location (brand_id, location_id, kind, operator_id, lat, lng, sells_online, active)
select $1, l.location_id, l.kind, l.operator_id, l.lat, l.lng, l.sells_online, l.active
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::double precision[], $6::double precision[], $7::boolean[],
              $8::boolean[]) as l (location_id, kind, operator_id, lat, lng, sells_online, active)
 order by l.location_id
    on conflict (brand_id, location_id) do update
   set kind = excluded.kind, operator_id = excluded.operator_id, lat = excluded.lat, lng = excluded.lng,
       sells_online = excluded.sells_online, active = excluded.active
"""

LOCATIONS = """
select l.location_id, l.kind, l.operator_id, l.lat, l.lng, l.sells_online, l.active
  from stock_location l
 where l.brand_id = $1 and ($2::uuid[] is null or l.location_id = any($2))
 order by l.location_id
"""

UNKNOWN_LOCATIONS = """
select g.location_id from unnest($2::uuid[]) as g (location_id)
 where not exists (select 1 from stock_location l where l.brand_id = $1 and l.location_id = g.location_id)
 order by g.location_id
 limit 1
"""

# The nearest active locations that have any of the skus, within a box first and a circle then.
NEAREST = _whole("""
with close as materialized (
  select l.location_id, <metres> as metres, <percent> as percent
    from stock_location l
   where l.brand_id = $1 and l.active and l.lat between $8 and $9
     and case when $10::double precision <= $11::double precision then l.lng between $10 and $11
              else l.lng >= $10 or l.lng <= $11 end
), free as (
  select close.location_id, close.metres, s.sku_id, <free>::bigint as milli
    from close join stock s on s.brand_id = $1 and s.location_id = close.location_id and s.sku_id = any($4::uuid[])
   where close.metres <= $12)
select location_id, round(metres)::bigint as metres, array_agg(sku_id order by sku_id) as skus,
       array_agg(milli order by sku_id) as free
  from free where milli > 0
 group by location_id, metres
 order by metres, location_id
 limit $5
""")

# Who could send what, in the order of preference: by distance from a place; without one, warehouses first.
OPTIONS = _whole("""
with near as materialized (
  select l.location_id,
         case when $6::double precision is null then (l.kind not in ('warehouse', 'online'))::integer
              else  <metres> end as rank, <percent> as percent
    from stock_location l
   where l.brand_id = $1 and l.active
     and case when (select $8::uuid[]) is null then l.sells_online else l.location_id = any((select $8::uuid[])::uuid[]) end
   order by rank nulls last, l.location_id
   limit $5
), free as (
  select near.location_id, near.rank, s.sku_id, <free>::bigint as milli
    from near join stock s on s.brand_id = $1 and s.location_id = near.location_id and s.sku_id = any((select $4::uuid[])::uuid[]))
select location_id, array_agg(sku_id) as skus, array_agg(milli) as free
  from free where milli > 0
 group by location_id, rank
 order by rank nulls last, location_id
""")

SET_SHARE = """
insert into stock_share as p (brand_id, share_id, location_id, operator_id, sales_channel, percent)
values ($1, $2, $3, $4, $5, $6)
    on conflict (brand_id, location_id, operator_id, sales_channel) do update set percent = excluded.percent
returning p.share_id, old.percent as before
"""

DROP_SHARE = """
delete from stock_share p where p.brand_id = $1 and p.share_id = $2
returning p.share_id, p.percent, p.location_id, p.operator_id, p.sales_channel
"""

SHARES = """
select p.share_id, p.percent, p.location_id, p.operator_id, p.sales_channel
  from stock_share p where p.brand_id = $1
 order by p.location_id nulls last, p.operator_id nulls last, p.sales_channel nulls last
"""

DISCREPANCIES = """
select d.discrepancy_id, d.location_id, d.sku_id, d.kind, d.on_hand_milli, d.reserved_milli, d.reference, d.found_at,
       d.settled_at, d.note
  from stock_discrepancy d
 where d.brand_id = $1 and ($2 or d.settled_at is null) and ($3::uuid[] is null or d.location_id = any($3))
   and d.discrepancy_id < $4
 order by d.discrepancy_id desc
 limit $5
"""

SETTLE = """
update stock_discrepancy d set settled_at = $3, note = $4
 where d.brand_id = $1 and d.discrepancy_id = $2 and d.settled_at is null
returning d.location_id
"""

KEEPS_STOCK = """
select exists (select 1 from unnest($2::uuid[]) as g (l)
                where exists (select 1 from stock s where s.brand_id = $1 and s.location_id = g.l))
"""

OPENED_BEFORE = """
select s.location_id, s.sku_id from stock s
 where s.brand_id = $1 and (s.location_id, s.sku_id) in (select g.l, g.s from unnest($2::uuid[], $3::uuid[]) as g (l, s))
 limit 1
"""

# What the doctor asks. Each returns the wrong rows alone.

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

_STOCK_COLUMNS = ("brand_id", "location_id", "sku_id", "on_hand_milli", "safety_milli")
_MOVEMENT_COLUMNS = (
    "brand_id",
    "location_id",
    "sku_id",
    "kind",
    "on_hand_delta_milli",
    "reserved_delta_milli",
    "incoming_delta_milli",
    "reference",
    "reason",
    "moved_at",
)


class Delta(msgspec.Struct, frozen=True):
    """By how much a stock row changes."""

    location_id: LocationId
    sku_id: SkuId
    on_hand_milli: int = 0
    incoming_milli: int = 0


def _seller(seller: Seller | None) -> tuple[str | None, UUID | None]:
    return (None, None) if seller is None else (seller.sales_channel, seller.operator_id)


ORDERS_HOLDING = "select distinct order_id from stock_reservation where brand_id = $1 and state = 'open'"


async def reserve(tx: Tx, order_id: UUID, wants: Sequence[Want], seller: Seller | None) -> tuple[bool, int]:
    """Promise all wants (merged, sorted) or none; whether all were there, and how many reservations were written."""
    channel, operator = _seller(seller)
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


async def free_at(
    tx: Tx, locations: Sequence[LocationId], skus: Sequence[SkuId], seller: Seller | None
) -> dict[tuple[LocationId, SkuId], int]:
    rows = await tx.rows(FREE_AT, tx.brand, *_seller(seller), locations, skus)
    return {(LocationId(row["location_id"]), SkuId(row["sku_id"])): row["free"] for row in rows}


async def move(
    tx: Tx,
    deltas: Sequence[Delta],
    kind: MovementKind,
    *,
    reference: UUID,
    reason: str,
    from_incoming: bool = False,
) -> list[Moved]:
    """Apply deltas, one a stock row."""
    rows = await tx.rows(
        MOVE,
        tx.brand,
        [delta.location_id for delta in deltas],
        [delta.sku_id for delta in deltas],
        [delta.on_hand_milli for delta in deltas],
        [delta.incoming_milli for delta in deltas],
        kind,
        reference,
        reason,
        tx.now,
        int(from_incoming),
    )
    return [Moved(*row.values()) for row in rows]


async def call_off_incoming(tx: Tx, deltas: Sequence[Delta], *, reference: UUID, reason: str) -> int:
    locations = [delta.location_id for delta in deltas]
    skus = [delta.sku_id for delta in deltas]
    amounts = [delta.incoming_milli for delta in deltas]
    return await tx.run(CALL_OFF_INCOMING, tx.brand, locations, skus, amounts, reference, reason, tx.now)


async def set_safety(tx: Tx, location: LocationId, safety_milli: Mapping[SkuId, int]) -> dict[SkuId, int]:
    """Set it; returns what it was."""
    places = [location] * len(safety_milli)
    rows = await tx.rows(SET_SAFETY, tx.brand, places, list(safety_milli), list(safety_milli.values()))
    return {SkuId(row["sku_id"]): row["before"] for row in rows}


async def stock_at(tx: Tx, locations: Sequence[LocationId], skus: Sequence[SkuId]) -> list[Stock]:
    return [Stock(*row.values()) for row in await tx.rows(STOCK_AT, tx.brand, locations, skus)]


async def list_stock(tx: Tx, filters: StockFilter, place: tuple[UUID, UUID] | None, limit: int) -> list[Stock]:
    locations = None if filters.locations is None else list(filters.locations)
    location, sku = place or (None, None)
    args: list[Any] = [tx.brand, locations, filters.only_low, location, sku, limit]
    if filters.sku_id is None:
        rows = await tx.rows(LIST_STOCK, *args)
    else:
        rows = await tx.rows(LIST_STOCK_OF_SKU, *args, filters.sku_id)
    return [Stock(*row.values()) for row in rows]


async def movements(tx: Tx, location: LocationId, sku: SkuId, *, below: int, limit: int) -> list[Movement]:
    rows = await tx.rows(MOVEMENTS, tx.brand, location, sku, below, limit)
    return [msgspec.convert(dict(row.items()), Movement) for row in rows]


async def orders_holding(tx: Tx) -> set[UUID]:
    return {row["order_id"] for row in await tx.rows(ORDERS_HOLDING, tx.brand)}


async def reservations(tx: Tx, order_id: UUID) -> list[Reservation]:
    return [msgspec.convert(dict(row.items()), Reservation) for row in await tx.rows(RESERVATIONS, tx.brand, order_id)]


async def place_locations(tx: Tx, locations: Sequence[Location]) -> None:
    await tx.run(
        PLACE_LOCATIONS,
        tx.brand,
        [one.location_id for one in locations],
        [one.kind for one in locations],
        [one.operator_id for one in locations],
        [one.place and one.place.lat for one in locations],
        [one.place and one.place.lng for one in locations],
        [one.sells_online for one in locations],
        [one.active for one in locations],
    )


async def locations(tx: Tx, ids: Sequence[LocationId] | None) -> list[Location]:
    return [_location(row) for row in await tx.rows(LOCATIONS, tx.brand, ids)]


async def unknown_location(tx: Tx, ids: Iterable[LocationId]) -> LocationId | None:
    return await tx.value(UNKNOWN_LOCATIONS, tx.brand, list(ids))


async def nearest(
    tx: Tx,
    skus: Sequence[SkuId],
    place: organisation.Place,
    around: Box,
    *,
    within_m: float,
    limit: int,
    seller: Seller | None,
) -> list[Near]:
    rows = await tx.rows(
        NEAREST,
        tx.brand,
        *_seller(seller),
        skus,
        limit,
        place.lat,
        place.lng,
        around.south,
        around.north,
        around.west,
        around.east,
        within_m,
    )
    return [Near(row["location_id"], row["metres"], _free(row)) for row in rows]


async def options(
    tx: Tx,
    skus: Sequence[SkuId],
    *,
    near: organisation.Place | None,
    candidates: Sequence[LocationId] | None,
    seller: Seller | None,
    limit: int,
) -> list[Option]:
    """Who could send what, the preferred first."""
    lat, lng = (None, None) if near is None else (near.lat, near.lng)
    rows = await tx.rows(OPTIONS, tx.brand, *_seller(seller), skus, limit, lat, lng, candidates)
    return [Option(row["location_id"], _free(row)) for row in rows]


async def set_share(tx: Tx, share: Share) -> tuple[ShareId, int | None]:
    """Write it; returns the id it has, and the percentage that was there."""
    row = await tx.row(
        SET_SHARE, tx.brand, share.share_id, share.location_id, share.operator_id, share.sales_channel, share.percent
    )
    return (share.share_id, None) if row is None else (row["share_id"], row["before"])


async def drop_share(tx: Tx, share: ShareId) -> Share | None:
    row = await tx.row(DROP_SHARE, tx.brand, share)
    return None if row is None else Share(*row.values())


async def shares(tx: Tx) -> list[Share]:
    return [Share(*row.values()) for row in await tx.rows(SHARES, tx.brand)]


async def discrepancies(
    tx: Tx, *, settled_too: bool, locations: Sequence[LocationId] | None, below: UUID, limit: int
) -> list[Discrepancy]:
    rows = await tx.rows(DISCREPANCIES, tx.brand, settled_too, locations, below, limit)
    return [msgspec.convert(dict(row.items()), Discrepancy) for row in rows]


async def settle(tx: Tx, discrepancy: DiscrepancyId, note: str) -> bool:
    return await tx.value(SETTLE, tx.brand, discrepancy, tx.now, note) is not None


async def opened_before(tx: Tx, rows: Sequence[Opening], ids: Iterable[LocationId]) -> tuple[LocationId, SkuId] | None:
    """A row that is there already. Where none of the locations keeps anything, nothing is compared row by row."""
    if not await tx.value(KEEPS_STOCK, tx.brand, list(ids)):
        return None
    found = await tx.row(OPENED_BEFORE, tx.brand, [row.location_id for row in rows], [row.sku_id for row in rows])
    return None if found is None else (found["location_id"], found["sku_id"])


async def copy_openings(tx: Tx, rows: Sequence[Opening], *, reference: UUID, reason: str) -> None:
    brand, now = tx.brand, tx.now
    await tx.copy(
        "stock",
        _STOCK_COLUMNS,
        ((brand, row.location_id, row.sku_id, row.on_hand_milli, row.safety_milli) for row in rows),
    )
    await tx.copy(
        "stock_movement",
        _MOVEMENT_COLUMNS,
        (
            (brand, row.location_id, row.sku_id, "opening", row.on_hand_milli, 0, 0, reference, reason, now)
            for row in rows
            if row.on_hand_milli
        ),
    )


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of a check."""
    return [dict(row.items()) for row in await tx.rows(sql, tx.brand)]


def _free(row: Record) -> dict[SkuId, int]:
    return {SkuId(sku): milli for sku, milli in zip(row["skus"], row["free"], strict=True)}


def _location(row: Record) -> Location:
    lat, lng = row["lat"], row["lng"]
    return Location(
        location_id=row["location_id"],
        kind=organisation.StoreKind(row["kind"]),
        operator_id=row["operator_id"],
        place=None if lat is None else organisation.Place(lat, lng),
        sells_online=row["sells_online"],
        active=row["active"],
    )
