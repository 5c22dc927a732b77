"""Discrepancies that a person settles."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.inventory.types import Discrepancy, DiscrepancyId, LocationId

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


async def discrepancies(
    tx: Tx, *, settled_too: bool, locations: Sequence[LocationId] | None, below: UUID, limit: int
) -> list[Discrepancy]:
    rows = await tx.rows(DISCREPANCIES, tx.brand, settled_too, locations, below, limit)
    return [msgspec.convert(dict(row.items()), Discrepancy) for row in rows]


async def settle(tx: Tx, discrepancy: DiscrepancyId, note: str) -> bool:
    return await tx.value(SETTLE, tx.brand, discrepancy, tx.now, note) is not None
