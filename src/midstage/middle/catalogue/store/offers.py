"""What checkout and scanners read."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from midstage.kit.database import Tx
from midstage.middle.catalogue.types import (
    Offer,
    ProductId,
    Scanned,
    SkuId,
    Unit,
)

# The array comes from a subselect so that one plan serves all: a bare parameter is planned anew for each call, which
# costs three times what the look-up does.
OFFERS = """
select s.sku_id, s.product_id, s.code, p.name_zh, p.name_en, s.options_text_zh, s.options_text_en, s.unit, s.milli_step,
       p.tax_class, p.tax_rate_millionths, p.tax_inclusive, p.category_path, p.trademark,
       s.state = 'live' and p.state = 'live' as live
  from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 where s.brand_id = $1 and s.sku_id = any((select $2::uuid[])::uuid[])
"""


async def read_offers(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, Offer]:
    return {SkuId(row[0]): to_offer(row) for row in await tx.rows(OFFERS, tx.brand, sku_ids)}


def to_offer(row: Iterable[Any]) -> Offer:
    sku_id, product_id, code, zh, en, text_zh, text_en, unit, step, tax, rate, inclusive, path, trademark, live = row
    return Offer(
        sku_id, product_id, code, zh or en, en or zh, text_zh, text_en, Unit(unit), step, tax, rate, inclusive,
        path, trademark, live,
    )  # fmt: skip


NOT_LIVE = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (
   select 1 from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
    where s.brand_id = $1 and s.sku_id = wanted.sku_id and s.state = 'live' and p.state = 'live')
 order by wanted.sku_id limit 1
"""
UNKNOWN_SKU = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = wanted.sku_id)
 order by wanted.sku_id limit 1
"""
SKU_CODES = "select code, sku_id from sku where brand_id = $1 and code = any($2::text[])"
PRODUCT_OF_SKU = "select product_id from sku where brand_id = $1 and sku_id = $2"
BY_BARCODE = """
select b.sku_id, s.product_id, b.milli, s.state = 'live' and p.state = 'live' as live
  from unnest($2::text[], $3::text[]) with ordinality as asked (space, key, preference)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
  join sku s on s.brand_id = b.brand_id and s.sku_id = b.sku_id
  join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 order by asked.preference limit 1
"""


async def first_not_live(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(NOT_LIVE, tx.brand, sku_ids))


async def first_unknown(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(UNKNOWN_SKU, tx.brand, sku_ids))


async def read_sku_codes(tx: Tx, codes: Sequence[str]) -> dict[str, SkuId]:
    return {code: SkuId(sku_id) for code, sku_id in await tx.rows(SKU_CODES, tx.brand, codes)}


async def product_of_sku(tx: Tx, sku_id: SkuId) -> ProductId | None:
    return cast("ProductId | None", await tx.value(PRODUCT_OF_SKU, tx.brand, sku_id))


async def scan(tx: Tx, places: Sequence[tuple[str, str]]) -> Scanned | None:
    row = await tx.row(BY_BARCODE, tx.brand, [space for space, _ in places], [key for _, key in places])
    return Scanned(row[0], row[1], row[2], row[3]) if row else None
