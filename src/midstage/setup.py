"""The first steps on an empty database: a brand, and the person who may do everything in it."""

import msgspec

from midstage.fronts.open import trial
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest
from midstage.kit.settings import Settings
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

ADMINISTRATOR = "brand_admin"


class FirstBrand(msgspec.Struct, frozen=True, kw_only=True):
    """A brand to begin."""

    code: str
    name: str
    currency: str
    zone: str
    day_starts_minute: int = 0
    phone_prefix: str = "+86"
    sandbox: bool = False


async def begin_brand(database: Database, brand: FirstBrand, *, login: str, name: str, password: str) -> Tenant:
    """Create a brand and its administrator, who holds every permission over all of it.

    The two are two transactions: where the second did not happen, the same call again makes up for it. So a brand
    that has no login at all may be begun again. Raises organisation.BrandCodeTaken where it has one, and
    access.BadLogin, PasswordWeak and what organisation.create_brand raises for what makes no sense.
    """
    hashed = await access.hash_password(password, login=login)
    tenant = await _brand(database, brand)

    async def employ(tx: Tx) -> None:
        person = await organisation.hire(tx, organisation.NewStaff(code=login.strip().lower(), name=name))
        grant = access.RoleGrant(ADMINISTRATOR, organisation.EVERYTHING)
        await access.create_login(tx, person.staff_id, login, hashed, [grant])

    await database.attempt(tenant, employ)
    return tenant


async def furnish_sandbox(database: Database, tenant: Tenant, settings: Settings) -> None:
    """Empty a sandbox brand and put the shop in that it begins with. Raises organisation.NotSandbox."""

    async def work(tx: Tx) -> None:
        await trial.start_anew(tx, settings)

    await database.attempt(tenant, work)


async def _brand(database: Database, brand: FirstBrand) -> Tenant:
    try:
        return await organisation.create_brand(
            database,
            code=brand.code,
            name=brand.name,
            currency=brand.currency,
            zone=brand.zone,
            day_starts_minute=brand.day_starts_minute,
            phone_prefix=brand.phone_prefix,
            sandbox=brand.sandbox,
        )
    except organisation.BrandCodeTaken:
        tenant = await organisation.tenant_of(database, brand.code)
        async with database.reading(tenant) as tx:
            logins = await access.list_logins(tx, PageRequest(limit=1))
        if logins.items:
            raise
        return tenant
