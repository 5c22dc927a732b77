"""A brand with a region, two stores, an agent and a few people; one password hash for all tests."""

from uuid import uuid4

import pytest
import pytest_asyncio

from middle.access.people import PASSWORD, QUICK, Ground, Person
from midstage.kit.database import Database
from midstage.middle.access import api as access
from midstage.middle.access import passwords
from midstage.middle.organisation import api as organisation


@pytest_asyncio.fixture(loop_scope="session")
async def ground(db: Database) -> Ground:
    tenant = await organisation.create_brand(
        db, code=f"b{uuid4().hex[:12]}", name="云织", currency="CNY", zone="Asia/Shanghai"
    )
    region = organisation.NewUnit(code="east", name="华东")
    agent = organisation.NewOperator(code="agent", name="代理", kind=organisation.OperatorKind.AGENT)
    inside = organisation.NewStore(code="in", name="内", unit_id=region.unit_id)
    outside = organisation.NewStore(code="out", name="外", operator_id=agent.operator_id)
    async with db.writing(tenant) as tx:
        await organisation.create_units(tx, [region])
        await organisation.create_operators(tx, [agent])
        await organisation.create_stores(tx, [inside, outside])
    return Ground(tenant, region.unit_id, inside.store_id, outside.store_id, agent.operator_id)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing; what they cost is a test of its own."""
    monkeypatch.setattr(passwords, "HASHER", QUICK)


@pytest.fixture
def password() -> access.PasswordHash:
    """What is stored of PASSWORD."""
    return access.PasswordHash(QUICK.hash(PASSWORD))


@pytest_asyncio.fixture(loop_scope="session")
async def person(db: Database, ground: Ground, password: access.PasswordHash) -> Person:
    """How somebody is taken on, with a name to sign in by and roles."""

    async def make(name: str, *grants: access.RoleGrant) -> organisation.StaffId:
        async with db.writing(ground.tenant) as tx:
            staff = await organisation.hire(tx, organisation.NewStaff(code=name, name="李华"))
            await access.create_login(tx, staff.staff_id, name, password, grants)
        return staff.staff_id

    return make
