"""Policies: the nearest choice holds, what nobody chose is the default, and nonsense is not chosen."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.refusals import Text
from midstage.middle.organisation import api as organisation


class Hours(msgspec.Struct, frozen=True):
    """Settings of a policy that only these tests have."""

    minutes: int = 30
    kinds: tuple[str, ...] = ()


HOURS = organisation.declare(organisation.Policy("test_hours", Hours, Text(zh="测试", en="Test")))
OF_BRANDS = organisation.declare(
    organisation.Policy("test_of_brands", Hours, Text(zh="测试", en="Test"), frozenset({organisation.Level.BRAND}))
)
BRAND, UNIT, OPERATOR, STORE = organisation.Level


class Place(msgspec.Struct, frozen=True):
    """A store below a region of a brand."""

    root: organisation.Holder
    region: organisation.Holder
    operator: organisation.Holder
    here: organisation.Holder
    store: organisation.Store


@pytest_asyncio.fixture(loop_scope="session")
async def place(db: Database, brand: Tenant) -> AsyncIterator[Place]:
    async with db.writing(brand) as tx:
        unit = await organisation.create_unit(
            tx, organisation.NewUnit(code="east", name="华东", kind=organisation.UnitKind.REGION)
        )
        store = await organisation.create_store(
            tx, organisation.NewStore(code="s1", name="一店", kind=organisation.StoreKind.DIRECT, unit_id=unit.unit_id)
        )
        root = (await organisation.brand(tx)).root_unit_id
    yield Place(
        root=organisation.Holder(BRAND, root),
        region=organisation.Holder(UNIT, unit.unit_id),
        operator=organisation.Holder(OPERATOR, store.operator_id),
        here=organisation.Holder(STORE, store.store_id),
        store=store,
    )


async def test_what_nobody_chose_is_the_default(db: Database, brand: Tenant, place: Place) -> None:
    async with db.reading(brand) as tx:
        standing = await organisation.standing_of(tx, HOURS, place.store)
    assert standing == organisation.Standing(Hours(), None)


async def test_the_nearest_choice_holds_and_gives_way_when_it_is_dropped(
    db: Database, brand: Tenant, place: Place
) -> None:
    for minutes, holder in enumerate((place.root, place.region, place.operator, place.here), start=1):
        async with db.writing(brand) as tx:
            await organisation.choose(tx, HOURS.code, holder, {"minutes": minutes})
        async with db.reading(brand) as tx:
            assert await organisation.standing_of(tx, HOURS, place.store) == organisation.Standing(
                Hours(minutes=minutes), holder
            )
            assert (await organisation.settings_of(tx, HOURS)).minutes == 1  # of the brand as a whole
    async with db.writing(brand) as tx:
        assert await organisation.unchoose(tx, HOURS.code, place.here)
        assert not await organisation.unchoose(tx, HOURS.code, place.here)
    async with db.reading(brand) as tx:
        assert (await organisation.settings_of(tx, HOURS, place.store)).minutes == 3


async def test_a_choice_is_changed_from_the_version_that_was_looked_at(
    db: Database, brand: Tenant, place: Place
) -> None:
    async with db.writing(brand) as tx:
        first = await organisation.choose(tx, HOURS.code, place.here, {"minutes": 1})
    async with db.writing(brand) as tx:
        second = await organisation.choose(tx, HOURS.code, place.here, {"minutes": 2}, version=first.version)
    for seen in (None, first.version):
        with pytest.raises(organisation.ChangedMeanwhile):
            async with db.writing(brand) as tx:
                await organisation.choose(tx, HOURS.code, place.here, {"minutes": 3}, version=seen)
    async with db.reading(brand) as tx:
        assert await organisation.choices(tx, HOURS.code) == [second]


@pytest.mark.parametrize("settings", [{"minutes": "many"}, {"hours": 3}, {"minutes": 1.5}, {"kinds": "till"}])
async def test_settings_of_another_shape_are_refused(
    db: Database, brand: Tenant, place: Place, settings: dict[str, object]
) -> None:
    with pytest.raises(organisation.PolicyInvalid):
        async with db.writing(brand) as tx:
            await organisation.choose(tx, HOURS.code, place.here, settings)
    async with db.reading(brand) as tx:
        assert await organisation.choices(tx, HOURS.code) == []


async def test_who_is_not_there_chooses_nothing(db: Database, brand: Tenant, place: Place) -> None:
    for holder, refusal in (
        (organisation.Holder(UNIT, new_id()), organisation.NoSuchUnit),
        (organisation.Holder(OPERATOR, new_id()), organisation.NoSuchOperator),
        (organisation.Holder(STORE, new_id()), organisation.NoSuchStore),
    ):
        with pytest.raises(refusal):
            async with db.writing(brand) as tx:
                await organisation.choose(tx, HOURS.code, holder, {})
    with pytest.raises(organisation.PolicyNotHere):
        async with db.writing(brand) as tx:
            await organisation.choose(tx, OF_BRANDS.code, place.here, {})
    with pytest.raises(organisation.NoSuchPolicy):
        async with db.writing(brand) as tx:
            await organisation.choose(tx, "no_such", place.here, {})
