"""Goods on their way: what leaves one row, what another expects, and what arrives."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.inventory.store.plans import plan_for
from midstage.middle.inventory.types import LocationId, MovementKind, SkuId

OPEN_ROWS = """
insert into stock (brand_id, location_id, sku_id)
select $1, d.location_id, d.sku_id
  from unnest($2::uuid[], $3::uuid[]) as d (location_id, sku_id)
 where not exists (select 1 from stock s where s.brand_id = $1 and s.location_id = d.location_id and s.sku_id = d.sku_id)
 order by d.location_id, d.sku_id
    on conflict do nothing
"""

# All deltas or none: a guarded row gives no more than is free. Locked in key order; what is written is reckoned from
# the locked row (see RESERVE).
CARRY = """
with delta as materialized (
  select d.location_id, d.sku_id, d.kind, d.on_hand, d.tracked, d.guarded
    from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[])
      as d (location_id, sku_id, kind, on_hand, tracked, guarded)
), held as materialized (
  select s.location_id, s.sku_id, d.kind, d.on_hand, d.tracked, s.on_hand_milli, s.reserved_milli, s.short_milli,
         s.incoming_milli, s.tracked_milli, s.on_hand_milli - s.reserved_milli - s.safety_milli as free,
         not d.guarded or s.on_hand_milli - s.reserved_milli - s.safety_milli >= -d.on_hand as enough
    from delta d
    join stock s on s.brand_id = $1 and s.location_id = d.location_id and s.sku_id = d.sku_id
   order by s.location_id, s.sku_id
     for no key update of s
), fit as materialized (
  select count(*) = (select count(*) from delta) as yes from held where enough
), moved as (
  update stock s
     set on_hand_milli = held.on_hand_milli + held.on_hand,
         reserved_milli = held.reserved_milli,
         short_milli = least(held.short_milli, greatest(0, held.reserved_milli - held.on_hand_milli - held.on_hand)),
         incoming_milli = held.incoming_milli + held.tracked,
         tracked_milli = held.tracked_milli + held.tracked
    from held
   where s.brand_id = $1 and s.location_id = held.location_id and s.sku_id = held.sku_id and (select yes from fit)
  returning s.location_id, s.sku_id, held.kind, held.on_hand, held.tracked
), written as (
  insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                              incoming_delta_milli, reference, reason, moved_at)
  select $1, m.location_id, m.sku_id, m.kind, m.on_hand, 0, m.tracked, $8, $9, $10
    from moved m where m.on_hand <> 0 or m.tracked <> 0
   order by m.location_id, m.sku_id
)
select held.location_id, held.sku_id, held.free from held where not held.enough order by held.location_id, held.sku_id
"""


class Carry(msgspec.Struct, frozen=True):
    """By how much a row changes: its goods, and what transfers and deliveries bring it. Guarded, it gives what is free."""

    location_id: LocationId
    sku_id: SkuId
    kind: MovementKind
    on_hand_milli: int = 0
    tracked_milli: int = 0
    guarded: bool = False


async def carry(tx: Tx, moves: Sequence[Carry], *, reference: UUID, reason: str) -> list[tuple[LocationId, SkuId, int]]:
    """Do all of it, one move a row; or nothing, and say which rows have too little, and how much that is."""
    places, skus = [one.location_id for one in moves], [one.sku_id for one in moves]
    await plan_for(tx, len(moves))
    await tx.run(OPEN_ROWS, tx.brand, places, skus)
    rows = await tx.rows(
        CARRY,
        tx.brand,
        places,
        skus,
        [one.kind for one in moves],
        [one.on_hand_milli for one in moves],
        [one.tracked_milli for one in moves],
        [one.guarded for one in moves],
        reference,
        reason,
        tx.now,
    )
    return [(row["location_id"], row["sku_id"], row["free"]) for row in rows]
