"""Logins of staff and guides: argon2 passwords, and five guesses in a quarter of an hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered
from midstage.kit.paging import MAX_LIMIT, Page, PageRequest
from midstage.middle.access import passwords, permissions, rules, store
from midstage.middle.access.facts import (
    LoginCreated,
    LoginReopened,
    LoginWasClosed,
    PasswordChanged,
    StaffSignedIn,
)
from midstage.middle.access.roles import check_may_give, put_grants
from midstage.middle.access.sessions import open_known
from midstage.middle.access.store import approvals
from midstage.middle.access.types import (
    LockedOut,
    Login,
    LoginClosed,
    LoginState,
    LoginTaken,
    NoSuchLogin,
    PasswordHash,
    RoleGrant,
    Session,
    SessionKind,
    SignInWrong,
    Token,
)
from midstage.middle.organisation import api as organisation

STAFF_LASTS = timedelta(hours=12)


async def create_login(
    tx: Tx,
    staff_id: organisation.StaffId,
    name: str,
    password: PasswordHash,
    grants: Sequence[RoleGrant],
    *,
    by: Session | None = None,
) -> None:
    """Give somebody a login and roles; the password comes from `await hash_password(…)`, made before the transaction.

    `by` is who does it; without it the system does. Raises BadLogin, LoginTaken, NoSuchRole, BeyondOwn, and
    organisation's NoSuchStaff, StaffGone, NoSuchUnit, NoSuchOperator, NoSuchStore.
    """
    lowered = rules.login_name(name)
    passwords.check_is_hash(password)
    await organisation.employed(tx, staff_id)
    if not await store.insert_login(tx, staff_id, lowered, password):
        raise LoginTaken(lowered)
    await put_grants(tx, staff_id, grants, by=by)
    tx.note("access.create_login", "staff", staff_id, after=list(grants))
    tx.tell(LoginCreated(staff_id=staff_id, roles=sorted(grant.role for grant in grants)))


async def sign_in(
    database: Database,
    tenant: Tenant,
    login: str,
    password: str,
    *,
    kind: SessionKind = SessionKind.STAFF,
    now: datetime | None = None,
) -> Token:
    """Let somebody in by password. Raises SignInWrong or LockedOut, for a name that nobody has as for any other.

    Three steps, the hash being computed between two transactions: a try is taken, the password looked at, and the
    session opened if the login is still as it was.
    """
    at = now or utc_now()
    key = rules.try_key(login)
    row = await take_try(database, tenant, key, at, name=login.strip().lower())
    seen = PasswordHash(row["password_hash"]) if row else passwords.NOBODY
    right = await passwords.verify(seen, password)
    if row is None or not right:
        raise SignInWrong
    staff_id: organisation.StaffId = row["staff_id"]
    newer = await passwords.hash_password(password) if passwords.is_dated(seen) else None
    by = Principal(kind, staff_id)
    async with database.writing(tenant, now=at, by=by) as tx:
        if not await store.is_still_good(tx, staff_id, seen):
            raise SignInWrong
        token, session_id = await open_known(tx, kind, staff_id, lasts=STAFF_LASTS)
        await store.forgive(tx, key)
        if newer is not None:
            await store.rehash(tx, staff_id, seen, newer)
        tx.tell(StaffSignedIn(staff_id=staff_id, session_id=session_id, kind=kind))
    return token


async def change_password(
    database: Database,
    tenant: Tenant,
    staff_id: organisation.StaffId,
    *,
    old: str,
    new: str,
    keep: UUID | None = None,
    now: datetime | None = None,
) -> None:
    """Change one's own password; every session ends, but for the one to keep.

    The old password is a guess like any other. Raises SignInWrong, LockedOut, PasswordWeak or NoSuchLogin.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at) as tx:
        login = await store.read_login_of(tx, staff_id)
    if login is None:
        raise NoSuchLogin
    hashed = await passwords.hash_password(new, login=login["name"])
    key = rules.try_key(login["name"])
    row = await take_try(database, tenant, key, at, name=login["name"])
    seen = PasswordHash(row["password_hash"]) if row else passwords.NOBODY
    if not await passwords.verify(seen, old) or row is None:
        raise SignInWrong
    async with database.writing(tenant, now=at, by=Principal("staff", staff_id)) as tx:
        if not await store.set_password(tx, staff_id, hashed, seen=seen):
            raise SignInWrong
        await store.delete_sessions_of(tx, staff_id, keep)
        await store.forgive(tx, key)
        tx.note("access.change_password", "staff", staff_id)
        tx.tell(PasswordChanged(staff_id=staff_id, reset=False))


async def reset_password(
    tx: Tx, staff_id: organisation.StaffId, password: PasswordHash, *, by: Session | None = None
) -> None:
    """Set somebody's password for them (made by hash_password), end their sessions, their lock and their PIN.

    Whoever does it must hold all that the other does. Raises NoSuchLogin, LoginClosed or BeyondOwn.
    """
    passwords.check_is_hash(password)
    row = await _locked(tx, staff_id)
    if row.state != LoginState.OPEN:
        raise LoginClosed
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    await store.set_password(tx, staff_id, password, seen=None)
    await store.delete_sessions_of(tx, staff_id, None)
    await approvals.drop_pin(tx, staff_id)
    await store.forgive(tx, rules.try_key(row.name))
    tx.note("access.reset_password", "staff", staff_id)
    tx.tell(PasswordChanged(staff_id=staff_id, reset=True))


async def close_login(tx: Tx, staff_id: organisation.StaffId, *, by: Session | None = None) -> bool:
    """Let somebody in no more, and end their sessions; False if there was nothing to close. Raises BeyondOwn."""
    if await store.read_login_of(tx, staff_id, lock=True) is None:
        return False
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if not await store.set_state(tx, staff_id, LoginState.CLOSED):
        return False
    ended = await store.delete_sessions_of(tx, staff_id, None)
    tx.note("access.close_login", "staff", staff_id)
    tx.tell(LoginWasClosed(staff_id=staff_id, sessions=ended))
    return True


async def note_staff_left(tx: Tx, told: Delivered[organisation.StaffLeft]) -> None:
    """Who no longer works here no longer signs in."""
    await close_login(tx, told.fact.staff_id)


async def reopen_login(tx: Tx, staff_id: organisation.StaffId, *, by: Session | None = None) -> None:
    """Let somebody in again, with the roles they had. Raises NoSuchLogin, BeyondOwn, organisation.StaffGone."""
    await organisation.employed(tx, staff_id)
    await _locked(tx, staff_id)
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if await store.set_state(tx, staff_id, LoginState.OPEN):
        tx.note("access.reopen_login", "staff", staff_id)
        tx.tell(LoginReopened(staff_id=staff_id))


async def unlock(tx: Tx, staff_id: organisation.StaffId) -> None:
    """Forget the wrong passwords of somebody who locked themselves out. Raises NoSuchLogin."""
    row = await _locked(tx, staff_id)
    await store.forgive(tx, rules.try_key(row.name))
    tx.note("access.unlock", "staff", staff_id)


async def logins(tx: Tx) -> list[Login]:
    """The first logins of the brand by name, at most 200; list_logins has them all."""
    return (await list_logins(tx, PageRequest(limit=MAX_LIMIT))).items


async def list_logins(tx: Tx, page: PageRequest) -> Page[Login]:
    """The logins of the brand by name."""
    place = page.place(tuple[str])
    rows = await store.list_logins(
        tx, place[0] if place else None, page.fetch, most=rules.LOCK_AFTER, window=rules.LOCK_WINDOW
    )
    return page.page(rows, _place)


async def _locked(tx: Tx, staff_id: organisation.StaffId) -> Login:
    row = await store.read_login_of(tx, staff_id, lock=True)
    if row is None:
        raise NoSuchLogin
    return Login(row["staff_id"], row["name"], LoginState(row["state"]), None)


async def take_try(database: Database, tenant: Tenant, key: bytes, at: datetime, *, name: str) -> store.Record | None:
    """Count a guess before it is looked at, and read what it is to be compared with. Raises LockedOut."""
    async with database.writing(tenant, now=at) as tx:
        taken = await store.take_try(tx, key, window=rules.LOCK_WINDOW, most=rules.LOCK_AFTER)
        since = None if taken else await store.read_try(tx, key)
        row = await store.read_login(tx, name) if taken else None
    if not taken:
        raise LockedOut(rules.seconds_until((since or at) + rules.LOCK_WINDOW, at))
    return row


def _place(row: Login) -> tuple[str]:
    return (row.name,)
