"""Brands: the tenants."""

from datetime import datetime

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.facts import BrandChanged, BrandCreated
from midstage.middle.organisation.forms import BrandChange
from midstage.middle.organisation.refusals import BrandCodeTaken, ChangedMeanwhile, NoSuchBrand
from midstage.middle.organisation.types import Brand, GuideId, OperatorId, StoreId, TouchpointId, UnitId, Virtual


async def create_brand(
    database: Database,
    *,
    code: str,
    name: str,
    currency: str,
    zone: str,
    day_starts_minute: int = 0,
    phone_prefix: str = "+86",
    sandbox: bool = False,
    now: datetime | None = None,
) -> Tenant:
    """Begin a brand: with its root unit, own operator, virtual store, virtual guide and virtual touchpoint.

    A sandbox is there for trying out, and stays one. In a transaction of its own, since there is no brand yet to open one for. Raises BrandCodeTaken and,
    for what makes no sense, BadCode, NameMissing, BadCurrency, BadZone, BadStartOfDay or BadPhonePrefix.
    """
    rules.check_brand_code(code)
    rules.check_name(name)
    rules.check_currency(currency)
    rules.check_day(zone, day_starts_minute)
    rules.check_phone_prefix(phone_prefix)
    tenant = Tenant(await store.next_brand(database), code, zone, day_starts_minute, sandbox)
    brand = Brand(
        brand=tenant.brand,
        code=code,
        name=name,
        currency=currency,
        zone=zone,
        day_starts_minute=day_starts_minute,
        phone_prefix=phone_prefix,
        root_unit_id=UnitId(new_id()),
        own_operator_id=OperatorId(new_id()),
        version=1,
        sandbox=sandbox,
    )
    virtual = Virtual(StoreId(new_id()), GuideId(new_id()), TouchpointId(new_id()))
    async with database.writing(tenant, now=now) as tx:
        if not await store.insert_brand(tx, brand, virtual):
            raise BrandCodeTaken(code)
        tx.note("create", "brand", tenant.brand, after=brand)
        tx.tell(
            BrandCreated(
                root_unit_id=brand.root_unit_id,
                own_operator_id=brand.own_operator_id,
                virtual_store_id=virtual.store_id,
                virtual_guide_id=virtual.guide_id,
                virtual_touchpoint_id=virtual.touchpoint_id,
            )
        )
    return tenant


async def tenant_of(database: Database, code: str) -> Tenant:
    """The brand of a code. Raises NoSuchBrand."""
    found = await store.read_tenants(database, code=code)
    if not found:
        raise NoSuchBrand(code[:80])
    return found[0]


async def tenant_of_brand(database: Database, brand: BrandId) -> Tenant:
    """The brand of a number, as tokens carry it. Raises NoSuchBrand."""
    found = await store.read_tenants(database, brand=brand)
    if not found:
        raise NoSuchBrand(str(brand))
    return found[0]


async def tenants(database: Database) -> list[Tenant]:
    """All brands, in the order in which they began."""
    return await store.read_tenants(database)


async def brand(tx: Tx) -> Brand:
    """The brand of the transaction. Raises NoSuchBrand."""
    found = await store.read_brand(tx)
    if found is None:
        raise NoSuchBrand(tx.tenant.code)
    return found


async def virtual(tx: Tx) -> Virtual:
    """What stands in where no store, guide or touchpoint is known. Raises NoSuchBrand."""
    found = await store.read_virtual(tx)
    if found is None:
        raise NoSuchBrand(tx.tenant.code)
    return found


async def change_brand(tx: Tx, change: BrandChange, *, seen: int | None = None) -> Brand:
    """Change name, zone, start of day or phone prefix; what is stored keeps the business days it has."""
    before = await store.read_brand(tx, lock=True)
    if before is None:
        raise NoSuchBrand(tx.tenant.code)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    rules.check_day(after.zone, after.day_starts_minute)
    rules.check_phone_prefix(after.phone_prefix)
    if not await store.write_brand(tx, after):
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "brand", tx.brand, before=before, after=after)
    tx.tell(BrandChanged(root_unit_id=after.root_unit_id, fields=fields))
    return after
