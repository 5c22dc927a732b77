"""Roles: built in or the brand's own, given to people over a part of the organisation."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.access import permissions, rules, store
from midstage.middle.access.facts import GrantsChanged
from midstage.middle.access.policy import SIGN_IN
from midstage.middle.access.types import (
    BadRole,
    BeyondOwn,
    Held,
    NoSuchLogin,
    NoSuchRole,
    Role,
    RoleGrant,
    RoleInUse,
    Session,
)
from midstage.middle.organisation import api as organisation


async def set_grants(
    tx: Tx, staff_id: organisation.StaffId, grants: Sequence[RoleGrant], *, by: Session | None = None
) -> None:
    """The roles of somebody from now on, in force with their next call.

    `by` is who gives them; without it the system does. Raises NoSuchLogin, NoSuchRole, BeyondOwn,
    NoSuchUnit, NoSuchOperator or NoSuchStore.
    """
    if await store.read_login_of(tx, staff_id, lock=True) is None:
        raise NoSuchLogin
    before = await store.read_grants(tx, staff_id)
    await check_may_give(tx, by, permissions.held_by(before))
    await put_grants(tx, staff_id, grants, by=by)
    told = GrantsChanged(
        staff_id=staff_id,
        roles_before=[grant.role for grant, _ in before],
        roles_after=sorted(grant.role for grant in grants),
    )
    await _end_weak_sessions(tx, staff_id, grants)
    tx.note("access.set_grants", "staff", staff_id, before=[grant for grant, _ in before], after=list(grants))
    tx.tell(told)


async def _end_weak_sessions(tx: Tx, staff_id: organisation.StaffId, grants: Sequence[RoleGrant]) -> None:
    """Who gets a role that needs a second factor signs in anew, with one."""
    policy = await organisation.settings_of(tx, SIGN_IN)
    if any(grant.role in policy.second_factor_roles for grant in grants):
        await store.delete_weak_sessions_of(tx, staff_id)


async def put_grants(
    tx: Tx, staff_id: organisation.StaffId, grants: Sequence[RoleGrant], *, by: Session | None
) -> None:
    """Check grants and write them; the caller holds the login."""
    own = await store.hold_roles(tx, [grant.role for grant in grants])
    for grant in grants:
        if grant.role not in permissions.BUILT_IN and grant.role not in own:
            raise NoSuchRole(grant.role)
        await organisation.check_scope(tx, grant.scope)
    given = [(grant, own[grant.role].permissions if grant.role in own else None) for grant in grants]
    await check_may_give(tx, by, permissions.held_by(given))
    await store.write_grants(tx, staff_id, grants)


async def check_may_give(tx: Tx, by: Session | None, given: Sequence[Held]) -> None:
    """Raises BeyondOwn where somebody would give, or take, what they do not hold, or over more than they do."""
    if by is None:
        return
    for held in given:
        for permission in sorted(held.permissions):
            limit = permissions.scope_of(by, permission)
            if limit == organisation.NOTHING or not await organisation.lies_within(tx, held.scope, limit):
                raise BeyondOwn(permission)


async def grants_of(tx: Tx, staff_id: organisation.StaffId) -> list[RoleGrant]:
    """The roles of somebody, each with its scope."""
    return [grant for grant, _ in await store.read_grants(tx, staff_id)]


async def put_role(tx: Tx, role: Role, *, by: Session | None = None) -> None:
    """Make or change a role of the brand's own. Raises BadRole, NoSuchPermission or BeyondOwn."""
    rules.check_role(role)
    if role.code in permissions.BUILT_IN or role.built_in:
        raise BadRole(role.code)
    permissions.check_permissions(role.permissions)
    # A role may be given over everything, so only what is held over everything can be put into one.
    before = (await store.hold_roles(tx, [role.code])).get(role.code)
    touched = role.permissions | (before.permissions if before else frozenset[str]())
    await check_may_give(tx, by, [Held(touched, organisation.EVERYTHING)])
    await store.put_role(tx, role)
    tx.note(
        "access.put_role",
        "role",
        role.code,
        before=sorted(before.permissions) if before else None,
        after=sorted(role.permissions),
    )


async def remove_role(tx: Tx, code: str) -> None:
    """Remove a role of the brand's own. Raises NoSuchRole, or RoleInUse while somebody has it."""
    if not await store.lock_role(tx, code):
        raise NoSuchRole(code)
    people = await store.count_people(tx, code)
    if people:
        raise RoleInUse(code, people)
    await store.delete_role(tx, code)
    tx.note("access.remove_role", "role", code)


async def roles(tx: Tx) -> list[Role]:
    """The built-in roles, and the brand's own."""
    return [*permissions.BUILT_IN.values(), *await store.read_roles(tx)]
