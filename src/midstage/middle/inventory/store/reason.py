"""Reasons to change stock, and the changes."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.inventory.types import LocationId
from midstage.middle.inventory.work import Adjustment, Reason

REASONS = """
select r.code, r.name_zh, r.name_en, r.approval_above_minor, r.active from stock_reason r where r.brand_id = $1
"""

PUT_REASON = """
insert into stock_reason (brand_id, code, name_zh, name_en, approval_above_minor, active)
values ($1, $2, $3, $4, $5, $6)
    on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, active = excluded.active,
       approval_above_minor = excluded.approval_above_minor
"""

ADD_ADJUSTMENT = """
insert into stock_adjustment (brand_id, adjustment_id, location_id, code, reason, lines, value_minor, currency, approval_id,
                              at, by_kind, by_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

ADJUSTMENTS = """
select a.adjustment_id, a.location_id, a.code, a.reason, a.lines, a.value_minor, a.currency, a.approval_id, a.at,
       a.by_kind, a.by_id
  from stock_adjustment a
 where a.brand_id = $1 and ($2::uuid[] is null or a.location_id = any($2)) and ($3::text is null or a.code = $3)
   and a.adjustment_id < $4
 order by a.adjustment_id desc
 limit $5
"""


async def reasons(tx: Tx) -> list[Reason]:
    return [Reason(*row.values()) for row in await tx.rows(REASONS, tx.brand)]


async def put_reason(tx: Tx, one: Reason) -> None:
    await tx.run(
        PUT_REASON, tx.brand, one.code, one.name_zh, one.name_en, one.approval_above_minor, one.active
    )  # fmt: skip


async def add_adjustment(tx: Tx, one: Adjustment) -> None:
    tx.later(
        ADD_ADJUSTMENT, tx.brand, one.adjustment_id, one.location_id, one.code, one.reason, one.lines, one.value_minor,
        one.currency, one.approval_id, one.at, one.by_kind, one.by_id,
    )  # fmt: skip


async def adjustments(
    tx: Tx, *, locations: Sequence[LocationId] | None, code: str | None, below: UUID, limit: int
) -> list[Adjustment]:
    rows = await tx.rows(ADJUSTMENTS, tx.brand, locations, code, below, limit)
    return [Adjustment(*row.values()) for row in rows]
