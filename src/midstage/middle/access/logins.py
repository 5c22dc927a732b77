"""Logins of staff and guides: argon2 passwords, a lock after too many wrong ones."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import permissions, rules, store
from midstage.middle.access.sessions import open_session
from midstage.middle.access.types import (
    LockedOut,
    Login,
    LoginTaken,
    NoSuchLogin,
    NoSuchRole,
    Role,
    RoleGrant,
    SessionKind,
    SignInWrong,
    Token,
)
from midstage.middle.organisation import api as organisation

STAFF_LASTS = timedelta(hours=12)

# RFC 9106, second recommended option: 64 MiB, 3 passes; about 60 ms, off the event loop.
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
_at_once = asyncio.Semaphore(4)  # 64 MiB each: a flood of sign-ins waits instead of filling the memory

# Checked where the login is unknown, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash("nobody has this password")


async def create_login(
    tx: Tx, staff_id: organisation.StaffId, name: str, password: str, grants: Sequence[RoleGrant]
) -> None:
    """Give somebody a login and roles. Raises PasswordWeak, LoginTaken, NoSuchRole."""
    lowered = name.strip().lower()
    rules.check_password(password, login=lowered)
    await _check_roles(tx, grants)
    if not await store.create_login(tx, staff_id, lowered, await _hash(password)):
        raise LoginTaken(lowered)
    await store.grant(tx, staff_id, grants)
    tx.note("access.create_login", "staff", staff_id, after={"roles": [grant.role for grant in grants]})


async def set_grants(tx: Tx, staff_id: organisation.StaffId, grants: Sequence[RoleGrant]) -> None:
    """The roles of somebody from now on, in force with their next call. Raises NoSuchRole."""
    await _check_roles(tx, grants)
    before = [grant.role for grant, _ in await store.grants(tx, staff_id)]
    await store.grant(tx, staff_id, grants)
    tx.note("access.set_grants", "staff", staff_id, before=before, after=[grant.role for grant in grants])


async def grants_of(tx: Tx, staff_id: organisation.StaffId) -> list[RoleGrant]:
    """The roles of somebody, each with its scope."""
    return [grant for grant, _ in await store.grants(tx, staff_id)]


async def sign_in(
    database: Database,
    tenant: Tenant,
    login: str,
    password: str,
    *,
    kind: SessionKind = SessionKind.STAFF,
    now: datetime | None = None,
) -> Token:
    """Let somebody in by password. Raises SignInWrong or LockedOut; both take the time of a right password.

    The hash is computed outside of any transaction; the write afterwards checks that no lock came in between.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at) as tx:
        row = await store.login(tx, login.strip().lower())
    right = await _verify(row["password_hash"] if row else _NOBODY, password)
    if row is None:
        raise SignInWrong
    locked_until: datetime = row["locked_until"]
    if locked_until > at:
        raise LockedOut(rules.seconds_until(locked_until, at))
    async with database.writing(tenant, now=at) as tx:
        if right and await store.passed(tx, row["staff_id"]):
            return await open_session(tx, kind, row["staff_id"], lasts=STAFF_LASTS)
        await store.failed(tx, row["staff_id"], window=rules.LOCK_WINDOW, most=rules.LOCK_AFTER)
    raise SignInWrong


async def change_password(
    database: Database, tenant: Tenant, staff_id: organisation.StaffId, *, old: str, new: str
) -> None:
    """Change one's own password; every other session ends. Raises SignInWrong, PasswordWeak, NoSuchLogin."""
    async with database.reading(tenant) as tx:
        row = await store.login_of(tx, staff_id)
    if row is None:
        raise NoSuchLogin
    if not await _verify(row["password_hash"], old):
        raise SignInWrong
    rules.check_password(new, login=row["name"])
    hashed = await _hash(new)
    async with database.writing(tenant) as tx:
        await store.set_password(tx, staff_id, hashed)
        await store.revoke_all(tx, staff_id, None)
        tx.note("access.change_password", "staff", staff_id)


async def reset_password(tx: Tx, staff_id: organisation.StaffId, password: str) -> None:
    """Set somebody's password for them, and end their sessions. Raises PasswordWeak, NoSuchLogin."""
    row = await store.login_of(tx, staff_id)
    if row is None:
        raise NoSuchLogin
    rules.check_password(password, login=row["name"])
    await store.set_password(tx, staff_id, await _hash(password))
    await store.revoke_all(tx, staff_id, None)
    tx.note("access.reset_password", "staff", staff_id)


async def logins(tx: Tx) -> list[Login]:
    """Every login of the brand, at most 1,000."""
    return await store.logins(tx)


async def put_role(tx: Tx, role: Role) -> None:
    """Make or change a role of the brand's own. Raises NoSuchPermission, NoSuchRole for a built-in code."""
    if role.code in permissions.BUILT_IN:
        raise NoSuchRole(role.code)
    permissions.check_permissions(role.permissions)
    await store.put_role(tx, role)
    tx.note("access.put_role", "role", role.code, after=sorted(role.permissions))


async def roles(tx: Tx) -> list[Role]:
    """The built-in roles, and the brand's own."""
    return [*permissions.BUILT_IN.values(), *await store.roles(tx)]


async def _check_roles(tx: Tx, grants: Sequence[RoleGrant]) -> None:
    known = {role.code for role in await roles(tx)}
    for grant in grants:
        if grant.role not in known:
            raise NoSuchRole(grant.role)


async def _hash(password: str) -> str:
    async with _at_once:
        return await asyncio.to_thread(_hasher.hash, password)


async def _verify(hashed: str, password: str) -> bool:
    async with _at_once:
        return await asyncio.to_thread(_matches, hashed, password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
