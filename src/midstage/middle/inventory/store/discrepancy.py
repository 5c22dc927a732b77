"""Discrepancies that a person settles."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.types import Discrepancy, DiscrepancyId
from midstage.middle.inventory.work import CountId, DiscrepancyFilter

DISCREPANCIES = """
select d.discrepancy_id, d.location_id, d.sku_id, d.kind, d.on_hand_milli, d.reserved_milli, d.reference, d.found_at,
       d.settled_at, d.note, d.difference_milli, d.resolution, d.count_id
  from stock_discrepancy d
 where d.brand_id = $1 and ($2 or d.settled_at is null) and ($3::uuid[] is null or d.location_id = any($3))
   and d.discrepancy_id < $4 and ($6::uuid is null or d.sku_id = $6) and ($7::text is null or d.kind = $7)
 order by d.discrepancy_id desc
 limit $5
"""

DISCREPANCY = """
select d.discrepancy_id, d.location_id, d.sku_id, d.kind, d.on_hand_milli, d.reserved_milli, d.reference, d.found_at,
       d.settled_at, d.note, d.difference_milli, d.resolution, d.count_id
  from stock_discrepancy d where d.brand_id = $1 and d.discrepancy_id = $2
"""

SETTLE = """
update stock_discrepancy d set settled_at = $3, note = $4, resolution = $5
 where d.brand_id = $1 and d.discrepancy_id = $2 and d.settled_at is null
returning d.location_id
"""

LEAVE_TO_COUNT = """
update stock_discrepancy d set count_id = $3
 where d.brand_id = $1 and d.discrepancy_id = $2 and d.settled_at is null and d.count_id is null
"""

SETTLE_BY_COUNT = """
update stock_discrepancy d set settled_at = $3, note = $4, resolution = 'recounted'
 where d.brand_id = $1 and d.count_id = $2 and d.settled_at is null
returning d.discrepancy_id
"""

TAKE_FROM_COUNT = """
update stock_discrepancy d set count_id = null
 where d.brand_id = $1 and d.count_id = $2 and d.settled_at is null
"""

OLD_DISCREPANCIES = """
select d.discrepancy_id, d.location_id, d.kind, d.found_at from stock_discrepancy d
 where d.brand_id = $1 and d.settled_at is null and d.found_at < $2
 order by d.discrepancy_id
 limit $3
"""


async def discrepancies(tx: Tx, wanted: DiscrepancyFilter, *, below: UUID, limit: int) -> list[Discrepancy]:
    locations = None if wanted.locations is None else list(wanted.locations)
    rows = await tx.rows(
        DISCREPANCIES, tx.brand, wanted.settled_too, locations, below, limit, wanted.sku_id, wanted.kind
    )  # fmt: skip
    return [msgspec.convert(dict(row.items()), Discrepancy) for row in rows]


async def discrepancy(tx: Tx, number: DiscrepancyId) -> Discrepancy | None:
    row = await tx.row(DISCREPANCY, tx.brand, number)
    return None if row is None else msgspec.convert(dict(row.items()), Discrepancy)


async def settle(tx: Tx, number: DiscrepancyId, note: str, how: str) -> bool:
    return await tx.value(SETTLE, tx.brand, number, tx.now, note, how) is not None


async def leave_to_count(tx: Tx, number: DiscrepancyId, count_id: CountId) -> bool:
    """Let a count settle it; false where one is to do so already, or it is settled."""
    return bool(await tx.run(LEAVE_TO_COUNT, tx.brand, number, count_id))


async def settle_by_count(tx: Tx, count_id: CountId, note: str) -> list[DiscrepancyId]:
    rows = await tx.rows(SETTLE_BY_COUNT, tx.brand, count_id, tx.now, note)
    return [DiscrepancyId(row["discrepancy_id"]) for row in rows]


async def take_from_count(tx: Tx, count_id: CountId) -> None:
    """The count settles nothing: its discrepancies wait for a person again."""
    await tx.run(TAKE_FROM_COUNT, tx.brand, count_id)


async def old_discrepancies(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(OLD_DISCREPANCIES, tx.brand, before, limit)
