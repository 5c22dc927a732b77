"""What the doctor looks for."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding

WRONG_PATHS = """
select p.product_id, p.category_path, c.path
  from product p join category c on c.brand_id = p.brand_id and c.category_id = p.category_id
 where p.brand_id = $1 and p.category_path <> c.path limit 20
"""
WRONG_TAX = """
select p.product_id, p.tax_rate_millionths, t.rate_millionths, p.tax_inclusive, t.inclusive
  from product p join tax_class t on t.brand_id = p.brand_id and t.code = p.tax_class
 where p.brand_id = $1 and (p.tax_rate_millionths, p.tax_inclusive) <> (t.rate_millionths, t.inclusive) limit 20
"""
LIVE_WITHOUT_SKU = """
select p.product_id, p.code
  from product p
 where p.brand_id = $1 and p.state = 'live' and not exists (
   select 1 from sku s where s.brand_id = $1 and s.product_id = p.product_id) limit 20
"""
BROKEN_TREE = """
select c.category_id, c.path, above.path as above
  from category c left join category above on above.brand_id = c.brand_id and above.category_id = c.parent_id
 where c.brand_id = $1 and c.path <> coalesce(above.path, '{}') || c.category_id limit 20
"""
ORPHANS = """
select p.product_id, null::uuid as sku_id
  from product p
 where p.brand_id = $1
   and (not exists (select 1 from category c where c.brand_id = $1 and c.category_id = p.category_id)
        or not exists (select 1 from tax_class t where t.brand_id = $1 and t.code = p.tax_class))
union all
select s.product_id, s.sku_id
  from sku s
 where s.brand_id = $1 and not exists (select 1 from product p where p.brand_id = $1 and p.product_id = s.product_id)
union all
select null, b.sku_id
  from barcode b where b.brand_id = $1 and not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = b.sku_id)
 limit 20
"""
WRONG_BUNDLES = """
select s.sku_id, s.code, s.bundle, b.part_sku_id
  from sku s left join bundle_part b on b.brand_id = s.brand_id and b.sku_id = s.sku_id
  left join sku part on part.brand_id = b.brand_id and part.sku_id = b.part_sku_id
 where s.brand_id = $1 and (s.bundle or b.sku_id is not null)
   and (s.bundle <> (b.sku_id is not null) or s.unit <> 'piece' or part.sku_id is null or part.bundle) limit 20
"""
ORPHAN_PARTS = """
select b.sku_id, b.part_sku_id from bundle_part b
 where b.brand_id = $1 and not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = b.sku_id) limit 20
"""
WRONG_RESTRICTED = """
select p.product_id, p.code, p.restricted
  from product p
 where p.brand_id = $1 and p.restricted <> (
   p.owner_store_id is not null or p.owner_operator_id is not null
   or exists (select 1 from listing l where l.brand_id = $1 and l.product_id = p.product_id)) limit 20
"""
ORPHAN_LISTINGS = """
select l.listing_id, l.product_id from listing l
 where l.brand_id = $1 and not exists (select 1 from product p where p.brand_id = $1 and p.product_id = l.product_id)
 limit 20
"""
WRONG_COUNTS = """
select c.change_id, c.kind, c.created + c.changed + c.same + c.faulty as counted, count(r.line) as rows
  from change_set c left join change_row r on r.brand_id = c.brand_id and r.change_id = c.change_id
 where c.brand_id = $1
 group by c.change_id, c.kind, c.created, c.changed, c.same, c.faulty
having c.created + c.changed + c.same + c.faulty <> count(r.line) limit 20
"""
FAULTS = {
    ORPHANS: ("catalogue.orphan", "A product, sku or barcode refers to what is not there."),
    WRONG_PATHS: ("catalogue.category_path", "A product's copy of its category's path differs from the category's."),
    WRONG_TAX: ("catalogue.tax", "A product's copy of its tax rate differs from the tax class'."),
    LIVE_WITHOUT_SKU: ("catalogue.live_without_sku", "A live product has no sku."),
    WRONG_BUNDLES: ("catalogue.bundle", "A bundle has no parts, is not sold by the piece, or has a bundle in it."),
    ORPHAN_PARTS: ("catalogue.bundle_orphan", "Parts belong to a sku that is not there."),
    WRONG_RESTRICTED: ("catalogue.restricted", "A product's mark for listing differs from its rows and owner."),
    ORPHAN_LISTINGS: ("catalogue.listing_orphan", "A row of listing is of a product that is not there."),
    WRONG_COUNTS: ("catalogue.change_set", "The totals of a change by file are not those of its rows."),
    BROKEN_TREE: ("catalogue.tree", "A category's path is not its parent's and itself."),
}


async def find_faults(tx: Tx) -> list[Finding]:
    return [Finding(*fault, dict(row)) for sql, fault in FAULTS.items() for row in await tx.rows(sql, tx.brand)]
