"""Many products written at once, over the versions that were read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue.store.products import name_keys, name_length
from midstage.middle.catalogue.types import Product, SkuId

_SEPARATOR = "\x1f"
_json = msgspec.json.encode

UPDATE_PRODUCTS = """
update product p
   set name_zh = d.name_zh, name_en = d.name_en, description_zh = d.description_zh, description_en = d.description_en,
       category_id = c.category_id, category_path = c.path, trademark = d.trademark, options = d.options,
       attributes = d.attributes, tags = string_to_array(d.tags, e'\\x1f'), tax_class = t.code,
       tax_rate_millionths = t.rate_millionths, tax_inclusive = t.inclusive, state = d.state,
       name_keys = string_to_array(d.name_keys, e'\\x1f'), name_length = d.name_length, search = d.search::tsvector,
       changed_at = $2, published_at = case when d.published then $2 else p.published_at end, version = p.version + 1
  from unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
              $11::jsonb[], $12::jsonb[], $13::text[], $14::text[], $15::text[], $16::text[], $17::integer[],
              $18::text[], $19::boolean[])
    as d (product_id, seen, name_zh, name_en, description_zh, description_en, category_id, trademark, options,
          attributes, tags, tax_class, state, name_keys, name_length, search, published)
  join category c on c.brand_id = $1 and c.category_id = d.category_id
  join tax_class t on t.brand_id = $1 and t.code = d.tax_class
 where p.brand_id = $1 and p.product_id = d.product_id and p.version = d.seen
"""
OWNERS_OF_BARCODES = """
select b.space, b.key, b.sku_id
  from unnest($2::text[], $3::text[]) as asked (space, key)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
"""


async def update_products(tx: Tx, products: Sequence[tuple[Product, Product]], vectors: Sequence[str]) -> bool:
    """Write products (before and after) over the versions that were read; False if one of them has moved."""
    after = [new for _, new in products]
    keys = [name_keys(p) for p in after]
    values: list[Any] = [
        [p.product_id for p in after],
        [old.version for old, _ in products],
        [p.name.zh for p in after],
        [p.name.en for p in after],
        [p.description.zh for p in after],
        [p.description.en for p in after],
        [p.category_id for p in after],
        [p.trademark for p in after],
        [_json(p.options).decode() for p in after],
        [_json(p.attributes).decode() for p in after],
        [_SEPARATOR.join(p.tags) for p in after],
        [p.tax_class for p in after],
        [p.state.value for p in after],
        [_SEPARATOR.join(key) for key in keys],
        [name_length(key) for key in keys],
        vectors,
        [new.published_at != old.published_at for old, new in products],
    ]
    return await tx.run(UPDATE_PRODUCTS, tx.brand, tx.now, *values) == len(products)


async def owners_of_barcodes(tx: Tx, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], SkuId]:
    """Which sku carries which of these codes, by space and key."""
    rows = await tx.rows(OWNERS_OF_BARCODES, tx.brand, [space for space, _ in places], [key for _, key in places])
    return {(row[0], row[1]): SkuId(row[2]) for row in rows}
