"""Stock rows and their movements."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.inventory.types import LocationId, Moved, Movement, MovementKind, SkuId, Stock, StockFilter

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

# The same for goods that were expected: what transfers and deliveries account for stays expected.
_ANY_INCOMING = "incoming_milli = greatest(0, s.incoming_milli + case"
MOVE_EXPECTED = MOVE.replace(_ANY_INCOMING, "incoming_milli = greatest(s.tracked_milli, s.incoming_milli + case")

CALL_OFF_INCOMING = """
with less as (
  select d.location_id, d.sku_id, d.milli
    from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as d (location_id, sku_id, milli)
), held as materialized (
  select s.location_id, s.sku_id, s.incoming_milli, least(s.incoming_milli - s.tracked_milli, less.milli) as milli
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


class Delta(msgspec.Struct, frozen=True):
    """By how much a stock row changes."""

    location_id: LocationId
    sku_id: SkuId
    on_hand_milli: int = 0
    incoming_milli: int = 0


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
        MOVE_EXPECTED if from_incoming else MOVE,
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
