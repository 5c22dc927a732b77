"""The SQL of brands, and the tenants that they are to the kit."""

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Record, Tx
from midstage.kit.ids import BrandId
from midstage.middle.organisation.types import Brand, Virtual

NEXT_BRAND = "select nextval('brand_number')::integer as brand_id"

# The one statement over all brands: it is what finds out which brand there is to name.
TENANTS = """
select brand_id, code, zone, day_starts_minute, sandbox from brand
 where brand_id = coalesce($2::integer, brand_id) and ($1::text is null or code = $1)
 order by brand_id
"""

INSERT_BRAND = """
insert into brand (brand_id, code, name, currency, zone, day_starts_minute, phone_prefix, root_unit_id,
                   own_operator_id, virtual_store_id, virtual_guide_id, virtual_touchpoint_id, created_at, sandbox)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (code) do nothing
"""

FURNISH_BRAND = """
with made_unit as (
  insert into unit (brand_id, unit_id, parent_id, code, name, kind, path)
  select brand_id, root_unit_id, null, code, name, 'brand', array[root_unit_id] from brand where brand_id = $1
), made_operator as (
  insert into operator (brand_id, operator_id, code, name, kind)
  select brand_id, own_operator_id, code, name, 'brand' from brand where brand_id = $1
), made_store as (
  insert into store (brand_id, store_id, code, name, kind, unit_id, operator_id, currency)
  select brand_id, virtual_store_id, 'virtual', '虚拟门店 Virtual store', 'virtual', root_unit_id, own_operator_id, currency
    from brand where brand_id = $1
), made_guide as (
  insert into guide (brand_id, guide_id, code, name, store_id, joined_at)
  select brand_id, virtual_guide_id, 'virtual', '公海 Pool', virtual_store_id, created_at from brand where brand_id = $1
), made_stay as (
  insert into guide_stay (brand_id, guide_id, from_at, store_id)
  select brand_id, virtual_guide_id, created_at, virtual_store_id from brand where brand_id = $1
)
insert into touchpoint (brand_id, touchpoint_id, code, name, kind, store_id, guide_id)
select brand_id, virtual_touchpoint_id, 'virtual', '未知触点 Unknown', 'virtual', virtual_store_id, virtual_guide_id
  from brand where brand_id = $1
"""

BRAND = """
select brand_id, code, name, currency, zone, day_starts_minute, phone_prefix, root_unit_id, own_operator_id, version, sandbox
  from brand where brand_id = $1
"""

# Everything that changes the shape of the tree takes turns here: shape changes are rare, and a path that is
# computed from a tree that somebody else is changing would be wrong.
LOCK_TREE = "select brand_id from brand where brand_id = $1 for no key update"

VIRTUAL = "select virtual_store_id, virtual_guide_id, virtual_touchpoint_id from brand where brand_id = $1"

UPDATE_BRAND = """
update brand set name = $3, zone = $4, day_starts_minute = $5, phone_prefix = $6, version = version + 1
 where brand_id = $1 and version = $2
"""


def _tenant(row: Record) -> Tenant:
    return Tenant(BrandId(row["brand_id"]), row["code"], row["zone"], row["day_starts_minute"], row["sandbox"])


async def read_tenants(database: Database, *, code: str | None = None, brand: BrandId | None = None) -> list[Tenant]:
    async with database.connection() as link:
        return [_tenant(row) for row in await link.fetch(TENANTS, code, brand)]


async def next_brand(database: Database) -> BrandId:
    async with database.connection() as link:
        return BrandId(await link.fetchval(NEXT_BRAND))


async def insert_brand(tx: Tx, brand: Brand, virtual: Virtual) -> bool:
    """The brand with all that stands in; False where the code is taken."""
    made = await tx.run(
        INSERT_BRAND,
        tx.brand,
        brand.code,
        brand.name,
        brand.currency,
        brand.zone,
        brand.day_starts_minute,
        brand.phone_prefix,
        brand.root_unit_id,
        brand.own_operator_id,
        virtual.store_id,
        virtual.guide_id,
        virtual.touchpoint_id,
        tx.now,
        brand.sandbox,
    )
    if made:
        await tx.run(FURNISH_BRAND, tx.brand)
    return made == 1


async def read_brand(tx: Tx, *, lock: bool = False) -> Brand | None:
    row = await tx.row(BRAND + " for no key update" if lock else BRAND, tx.brand)
    return None if row is None else Brand(*row)


async def lock_tree(tx: Tx) -> None:
    await tx.row(LOCK_TREE, tx.brand)


async def read_virtual(tx: Tx) -> Virtual | None:
    row = await tx.row(VIRTUAL, tx.brand)
    return None if row is None else Virtual(*row)


async def write_brand(tx: Tx, brand: Brand) -> int:
    return await tx.run(
        UPDATE_BRAND,
        tx.brand,
        brand.version - 1,
        brand.name,
        brand.zone,
        brand.day_starts_minute,
        brand.phone_prefix,
    )
