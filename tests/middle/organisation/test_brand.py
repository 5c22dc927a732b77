"""A brand begins whole."""

import asyncio
from uuid import uuid4

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.middle.organisation import api as organisation


async def create(db: Database, code: str | None = None, **given: object) -> Tenant:
    wanted = {"name": "云织", "currency": "CNY", "zone": "Asia/Shanghai", "day_starts_minute": 300, **given}
    return await organisation.create_brand(db, code=code or f"b{uuid4().hex[:12]}", **wanted)  # pyright: ignore[reportArgumentType]  # wrong values are what some tests are about


async def test_a_brand_begins_with_what_stands_in_where_nothing_is_known(db: Database) -> None:
    tenant = await create(db)
    async with db.reading(tenant) as tx:
        brand, virtual = await organisation.brand(tx), await organisation.virtual(tx)
        store = (await organisation.stores(tx))[virtual.store_id]
        guide = await organisation.guide(tx, virtual.guide_id)
        touchpoint = await organisation.touchpoint(tx, virtual.touchpoint_id)
        assert await organisation.checks(tx) == []
    assert (brand.currency, brand.zone, brand.day_starts_minute, brand.phone_prefix) == (
        "CNY",
        "Asia/Shanghai",
        300,
        "+86",
    )
    assert (store.kind, store.unit_path, store.operator_id) == (
        organisation.StoreKind.VIRTUAL,
        [brand.root_unit_id],
        brand.own_operator_id,
    )
    assert guide.store_id == touchpoint.store_id == store.store_id
    assert touchpoint.guide_id == guide.guide_id


async def test_a_brand_is_found_by_its_code(db: Database) -> None:
    tenant = await create(db)
    assert await organisation.tenant_of(db, tenant.code) == tenant
    assert tenant in await organisation.tenants(db)
    with pytest.raises(organisation.NoSuchBrand):
        await organisation.tenant_of(db, "nobody-has-this")


async def test_one_of_two_brands_that_want_one_code_gets_it(db: Database) -> None:
    code = f"b{uuid4().hex[:12]}"
    answers = await asyncio.gather(*(create(db, code) for _ in range(4)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, Tenant)]
    assert len(made) == 1
    assert all(isinstance(answer, organisation.BrandCodeTaken) for answer in answers if answer not in made)
    assert [tenant for tenant in await organisation.tenants(db) if tenant.code == code] == made


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"code": "Upper"}, organisation.BadCode),
        ({"name": " "}, organisation.NameMissing),
        ({"currency": "yuan"}, organisation.BadCurrency),
        ({"zone": "Asia/Atlantis"}, organisation.BadZone),
        ({"zone": "../etc"}, organisation.BadZone),
        ({"day_starts_minute": 1440}, organisation.BadStartOfDay),
        ({"phone_prefix": "86"}, organisation.BadPhonePrefix),
    ],
)
async def test_a_brand_that_makes_no_sense_is_refused(
    db: Database, given: dict[str, object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await create(db, **given)  # pyright: ignore[reportArgumentType]  # that is what is tested


async def test_a_change_is_refused_when_somebody_else_was_quicker(db: Database) -> None:
    tenant = await create(db)
    change = organisation.BrandChange(name="云织服饰", day_starts_minute=0)
    async with db.writing(tenant) as tx:
        changed = await organisation.change_brand(tx, change, seen=1)
        assert [type(fact) for fact, _ in tx.told] == [organisation.BrandChanged]
        with pytest.raises(organisation.ChangedMeanwhile):
            await organisation.change_brand(tx, organisation.BrandChange(name="别的"), seen=1)
        assert await organisation.change_brand(tx, change) == changed
        assert len(tx.told) == 1
    assert (changed.name, changed.day_starts_minute, changed.version) == ("云织服饰", 0, 2)


async def test_a_transaction_of_no_brand_is_told_so(db: Database, tenant: Tenant) -> None:
    async with db.reading(tenant) as tx:
        with pytest.raises(organisation.NoSuchBrand):
            await organisation.virtual(tx)
        assert await organisation.checks(tx) == []
