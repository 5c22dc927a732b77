"""The first stock of a location, by COPY."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.inventory.types import LocationId, Opening, SkuId

KEEPS_STOCK = """
select exists (select 1 from unnest($2::uuid[]) as g (l)
                where exists (select 1 from stock s where s.brand_id = $1 and s.location_id = g.l))
"""

OPENED_BEFORE = """
select s.location_id, s.sku_id from stock s
 where s.brand_id = $1 and (s.location_id, s.sku_id) in (select g.l, g.s from unnest($2::uuid[], $3::uuid[]) as g (l, s))
 limit 1
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
