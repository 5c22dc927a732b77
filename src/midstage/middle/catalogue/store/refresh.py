"""Making a category's products new after it was renamed or moved."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.catalogue import lexemes
from midstage.middle.catalogue.types import (
    CategoryId,
    Product,
    ProductId,
)

PRODUCTS_BENEATH = """
select product_id from product
 where brand_id = $1 and search @@ $2::text::tsquery and product_id > $3 order by product_id limit $4
"""
REFRESH = """
update product p
   set category_path = c.path, search = d.search::tsvector, changed_at = $2, version = p.version + 1
  from unnest($3::uuid[], $4::integer[], $5::text[]) as d (product_id, seen, search), category c
 where p.brand_id = $1 and p.product_id = d.product_id and p.version = d.seen
   and c.brand_id = $1 and c.category_id = p.category_id
"""
LOCK_PRODUCTS = """
select product_id from product
 where brand_id = $1 and product_id = any($2::uuid[]) order by product_id for no key update
"""


async def lock_beneath(tx: Tx, category_id: CategoryId, *, after: UUID, limit: int) -> list[ProductId]:
    """The next products in or beneath a category, by id, held for changing."""
    marks = lexemes.marked([lexemes.brand_mark(tx.brand), lexemes.category_mark(category_id)])
    rows = await tx.rows(PRODUCTS_BENEATH, tx.brand, marks, after, limit)
    product_ids = [ProductId(row[0]) for row in rows]
    await tx.rows(LOCK_PRODUCTS, tx.brand, product_ids)
    return product_ids


async def refresh_products(tx: Tx, products: Sequence[Product], vectors: Sequence[str]) -> None:
    seen = [product.version for product in products]
    await tx.run(REFRESH, tx.brand, tx.now, [product.product_id for product in products], seen, vectors)
