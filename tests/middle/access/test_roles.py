"""Roles and scope: a permission holds where its grant says, and nobody gives what they do not hold."""

import asyncio
from datetime import timedelta

import pytest

from middle.access.people import PASSWORD, Ground, Person
from midstage.kit.database import Database
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

EVERYTHING = organisation.EVERYTHING


async def _session(db: Database, ground: Ground, staff_id: organisation.StaffId) -> access.Session:
    """What somebody may at this moment, without the cost of a password."""
    async with db.writing(ground.tenant) as tx:
        token = await access.open_session(tx, access.SessionKind.STAFF, staff_id, lasts=timedelta(hours=1))
        return await access.find_session(tx, token)


async def test_a_permission_reaches_as_far_as_the_grant_that_gave_it(
    db: Database, ground: Ground, person: Person
) -> None:
    region = organisation.Scope(units=frozenset({ground.region}))
    staff_id = await person("li", access.RoleGrant("region_manager", region), access.RoleGrant("auditor", EVERYTHING))
    session = await _session(db, ground, staff_id)
    async with db.reading(ground.tenant) as tx:
        stores = await organisation.stores(tx)
    inside, outside = stores[ground.inside], stores[ground.outside]
    assert access.need(session, "orders.write") == region
    assert access.need(session, "orders.read").everything
    assert session.scope.everything
    access.need_store(session, "orders.write", inside)
    access.need_store(session, "orders.read", outside)
    with pytest.raises(access.OutOfScope):
        access.need_store(session, "orders.write", outside)
    with pytest.raises(access.NotPermitted):
        access.need_store(session, "catalogue.write", inside)
    assert access.may_see_store(session, outside)
    assert not access.may_see_store(session, outside, "orders.write")


async def test_a_franchisee_sees_the_stores_of_the_operator_alone(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person(
        "li", access.RoleGrant("franchisee", organisation.Scope(operators=frozenset({ground.agent})))
    )
    session = await _session(db, ground, staff_id)
    async with db.reading(ground.tenant) as tx:
        assert await organisation.stores_in(tx, access.need(session, "orders.read")) == {ground.outside}


async def test_an_empty_scope_gives_nothing(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", access.RoleGrant("brand_admin", organisation.NOTHING))
    session = await _session(db, ground, staff_id)
    for permission in access.PERMISSIONS:
        with pytest.raises(access.NotPermitted):
            access.need(session, permission)


async def test_a_change_of_roles_is_in_force_with_the_next_call(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", access.RoleGrant("brand_admin", EVERYTHING))
    async with db.writing(ground.tenant) as tx:
        token = await access.open_session(tx, access.SessionKind.STAFF, staff_id, lasts=timedelta(hours=1))
        assert access.need(await access.find_session(tx, token), "orders.refund").everything
        store = organisation.Scope(stores=frozenset({ground.inside}))
        await access.set_grants(tx, staff_id, [access.RoleGrant("guide", store)])
        session = await access.find_session(tx, token)
        assert access.need(session, "orders.read") == store
        with pytest.raises(access.NotPermitted):
            access.need(session, "orders.refund")
        assert await access.grants_of(tx, staff_id) == [access.RoleGrant("guide", store)]
        assert [fact for fact, _ in tx.told] == [
            access.GrantsChanged(staff_id=staff_id, roles_before=["brand_admin"], roles_after=["guide"])
        ]
        await access.set_grants(tx, staff_id, [])
        assert (await access.find_session(tx, token)).permissions == frozenset()
        with pytest.raises(access.NoSuchLogin):
            await access.set_grants(tx, organisation.StaffId(ground.inside), [])


async def test_two_changes_of_roles_at_once_leave_one_of_them_whole(
    db: Database, ground: Ground, person: Person
) -> None:
    staff_id = await person("li")
    wanted = [["guide", "auditor"], ["store_manager", "franchisee"], ["brand_operations"]]

    async def change(roles: list[str]) -> None:
        async with db.writing(ground.tenant) as tx:
            await access.set_grants(tx, staff_id, [access.RoleGrant(role, EVERYTHING) for role in roles])

    await asyncio.gather(*(change(roles) for roles in wanted * 3))
    async with db.reading(ground.tenant) as tx:
        left = [grant.role for grant in await access.grants_of(tx, staff_id)]
    assert left in [sorted(roles) for roles in wanted]


async def test_nobody_gives_what_they_do_not_hold(
    db: Database, ground: Ground, person: Person, password: access.PasswordHash
) -> None:
    region = organisation.Scope(units=frozenset({ground.region}))
    async with db.writing(ground.tenant) as tx:
        await access.put_role(
            tx, access.Role("deputy", "副经理", "Deputy", frozenset({"access.write", "orders.read", "orders.write"}))
        )
    deputy = await _session(db, ground, await person("deputy", access.RoleGrant("deputy", region)))
    boss = await person("boss", access.RoleGrant("brand_admin", EVERYTHING))
    other = await person("other")
    inside = organisation.Scope(stores=frozenset({ground.inside}))
    async with db.writing(ground.tenant) as tx:
        await access.set_grants(tx, other, [access.RoleGrant("deputy", inside)], by=deputy)
        for grant in (
            access.RoleGrant("deputy", EVERYTHING),
            access.RoleGrant("deputy", organisation.Scope(stores=frozenset({ground.outside}))),
            access.RoleGrant("brand_admin", region),
        ):
            with pytest.raises(access.BeyondOwn):
                await access.set_grants(tx, other, [grant], by=deputy)
        for verb in (
            access.set_grants(tx, boss, [], by=deputy),
            access.reset_password(tx, boss, password, by=deputy),
            access.close_login(tx, boss, by=deputy),
            access.create_key(tx, "ERP", frozenset({"orders.read"}), EVERYTHING, by=deputy),
            access.create_key(tx, "ERP", frozenset({"orders.refund"}), region, by=deputy),
            access.put_role(tx, access.Role("deputy", "副", "D", frozenset({"orders.refund"})), by=deputy),
        ):
            with pytest.raises(access.BeyondOwn):
                await verb
        assert await access.grants_of(tx, other) == [access.RoleGrant("deputy", inside)]
        assert [grant.role for grant in await access.grants_of(tx, boss)] == ["brand_admin"]
        await access.create_key(tx, "till", frozenset({"orders.read"}), region, by=deputy)
        await access.reset_password(tx, other, password, by=deputy)


async def test_a_brand_makes_roles_of_its_own(db: Database, ground: Ground, person: Person) -> None:
    role = access.Role("picker", "拣货员", "Picker", frozenset({"orders.read", "inventory.read"}))
    async with db.writing(ground.tenant) as tx:
        await access.put_role(tx, role)
        assert role in await access.roles(tx)
        for wrong, refusal in (
            (access.Role("guide", "导购", "Guide", frozenset({"orders.read"})), access.BadRole),
            (access.Role("Has Blank", "空", "Blank", frozenset()), access.BadRole),
            (access.Role("nameless", "", "x", frozenset()), access.BadRole),
            (access.Role("flyer", "飞", "Flyer", frozenset({"orders.fly"})), access.NoSuchPermission),
        ):
            with pytest.raises(refusal):
                await access.put_role(tx, wrong)
    staff_id = await person("li", access.RoleGrant("picker", EVERYTHING))
    assert (await _session(db, ground, staff_id)).permissions == role.permissions
    async with db.writing(ground.tenant) as tx:
        with pytest.raises(access.RoleInUse):
            await access.remove_role(tx, "picker")
        await access.set_grants(tx, staff_id, [])
        await access.remove_role(tx, "picker")
        for gone in ("picker", "guide"):
            with pytest.raises(access.NoSuchRole):
                await access.remove_role(tx, gone)


async def test_a_role_given_while_it_is_removed_is_there_or_not_given(
    db: Database, ground: Ground, person: Person
) -> None:
    staff_id = await person("li")
    codes = [f"role{number}" for number in range(5)]
    async with db.writing(ground.tenant) as tx:
        for code in codes:
            await access.put_role(tx, access.Role(code, "角色", "Role", frozenset({"orders.read"})))

    async def give(code: str) -> None:
        async with db.writing(ground.tenant) as tx:
            await access.set_grants(tx, staff_id, [access.RoleGrant(code, EVERYTHING)])

    async def remove(code: str) -> None:
        async with db.writing(ground.tenant) as tx:
            await access.remove_role(tx, code)

    await asyncio.gather(*(verb(code) for code in codes for verb in (give, remove)), return_exceptions=True)
    async with db.reading(ground.tenant) as tx:
        assert await access.checks(tx) == []


def test_every_permission_speaks_both_languages_and_every_role_holds_known_ones() -> None:
    for permission in access.PERMISSIONS.values():
        assert permission.zh
        assert permission.en
        assert permission.name.partition(".")[1:] != ("", "")
    for role in access.BUILT_IN.values():
        assert role.permissions <= frozenset(access.PERMISSIONS)
    admin = access.BUILT_IN["brand_admin"].permissions
    assert admin == frozenset(access.PERMISSIONS)


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("access.grant_has_role", "update role_grant set role = 'nobody' where brand_id = $1"),
        ("access.closed_login_is_out", "update login set state = 'closed' where brand_id = $1"),
        (
            "access.built_in_role_is_built_in",
            "insert into role (brand_id, code, name_zh, name_en, permissions) values ($1, 'guide', '导', 'G', '{}')",
        ),
    ],
)
async def test_the_doctor_finds_a_broken_row(
    db: Database, ground: Ground, person: Person, check: str, sql: str
) -> None:
    await _session(db, ground, await person("li", access.RoleGrant("auditor", EVERYTHING)))
    async with db.writing(ground.tenant) as tx:
        assert await access.checks(tx) == []
        await tx.run(sql, tx.brand)
        assert [finding.check for finding in await access.checks(tx)] == [check]


async def test_a_guide_signs_in_as_a_guide(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", access.RoleGrant("guide", organisation.Scope(stores=frozenset({ground.inside}))))
    token = (await access.sign_in(db, ground.tenant, "li", PASSWORD, kind=access.SessionKind.GUIDE)).token
    async with db.reading(ground.tenant) as tx:
        session = await access.find_session(tx, token)
    assert (session.kind, session.subject_id) == (access.SessionKind.GUIDE, staff_id)
    assert "members.read" in session.permissions
