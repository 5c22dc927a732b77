"""Bundles: of which skus a sku consists."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue.types import BundlePart, ProductId, SkuId, State, Unit

# Bundle and parts in one order, so that two changes of bundles see each other.
LOCK_SKUS = """
select s.sku_id, s.code, s.unit, s.milli_step, s.bundle, s.state
  from sku s where s.brand_id = $1 and s.sku_id = any($2::uuid[]) order by s.sku_id for no key update
"""
USED_IN = """
select part_sku_id from bundle_part where brand_id = $1 and part_sku_id = any($2::uuid[]) order by 1 limit 1
"""
DELETE_PARTS = "delete from bundle_part where brand_id = $1 and sku_id = any($2::uuid[])"
INSERT_PARTS = """
insert into bundle_part (brand_id, sku_id, part_sku_id, quantity_milli, place)
select $1, d.sku_id, d.part_sku_id, d.quantity_milli, d.place
  from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::smallint[]) as d (sku_id, part_sku_id, quantity_milli, place)
"""
MARK_BUNDLES = """
update sku set bundle = sku_id = any($3::uuid[]) where brand_id = $1 and sku_id = any($2::uuid[])
"""
UNREADY = """
select s.code, part.code
  from sku s
  join bundle_part b on b.brand_id = s.brand_id and b.sku_id = s.sku_id
  join sku part on part.brand_id = b.brand_id and part.sku_id = b.part_sku_id
  join product whole on whole.brand_id = part.brand_id and whole.product_id = part.product_id
 where s.brand_id = $1 and s.product_id = any($2::uuid[]) and s.bundle and s.state = 'live'
   and (part.state <> 'live' or whole.state <> 'live')
 order by s.code, part.code limit 1
"""
PARTS_OF = """
select sku_id, part_sku_id, quantity_milli from bundle_part
 where brand_id = $1 and sku_id = any($2::uuid[]) order by sku_id, place, part_sku_id
"""


class HeldSku(msgspec.Struct, frozen=True):
    """What a bundle is checked against."""

    sku_id: SkuId
    code: str
    unit: Unit
    milli_step: int
    bundle: bool
    state: State


async def lock_skus(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, HeldSku]:
    """These skus, held until the end of the transaction."""
    rows = await tx.rows(LOCK_SKUS, tx.brand, sku_ids)
    return {SkuId(row[0]): HeldSku(SkuId(row[0]), row[1], Unit(row[2]), row[3], row[4], State(row[5])) for row in rows}


async def first_part(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    """The first of these that is a part of a bundle."""
    found = await tx.value(USED_IN, tx.brand, sku_ids)
    return None if found is None else SkuId(found)


async def write_parts(tx: Tx, parts: Sequence[tuple[SkuId, Sequence[BundlePart]]]) -> None:
    """Set of what these skus consist; nothing makes a plain sku again."""
    skus = [sku_id for sku_id, _ in parts]
    rows = [(sku_id, part, place) for sku_id, consists in parts for place, part in enumerate(consists)]
    await tx.run(DELETE_PARTS, tx.brand, skus)
    await tx.run(
        INSERT_PARTS,
        tx.brand,
        [sku_id for sku_id, _, _ in rows],
        [part.sku_id for _, part, _ in rows],
        [part.quantity_milli for _, part, _ in rows],
        [place for _, _, place in rows],
    )
    await tx.run(MARK_BUNDLES, tx.brand, skus, [sku_id for sku_id, consists in parts if consists])


async def first_unready(tx: Tx, product_ids: Sequence[ProductId]) -> tuple[str, str] | None:
    """The first live bundle of these products with a part that is not on sale, by their codes."""
    row = await tx.row(UNREADY, tx.brand, product_ids)
    return (row[0], row[1]) if row else None


async def read_parts(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, list[BundlePart]]:
    """Of what bundles consist; a sku that is none is left out."""
    found: dict[SkuId, list[BundlePart]] = {}
    for sku_id, part, milli in await tx.rows(PARTS_OF, tx.brand, sku_ids):
        found.setdefault(SkuId(sku_id), []).append(BundlePart(SkuId(part), milli))
    return found
