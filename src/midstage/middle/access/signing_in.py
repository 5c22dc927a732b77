"""Signing in: a password, then whatever else the brand asks for, and a session at the end.

Each step gives another token, so one that somebody knew before opens nothing after. Guesses are counted before they
are looked at, for passwords and codes together, and given back when somebody is in.
"""

from datetime import datetime, timedelta
from uuid import UUID

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import passwords, rules, second_factor, store
from midstage.middle.access.facts import StaffSignedIn
from midstage.middle.access.policy import SIGN_IN
from midstage.middle.access.sessions import find_session, open_known
from midstage.middle.access.types import (
    Device,
    Entered,
    LockedOut,
    LoginState,
    Next,
    NoSuchLogin,
    PasswordHash,
    SecondFactorWrong,
    SessionKind,
    SessionUnknown,
    SignInWrong,
    Token,
)
from midstage.middle.organisation import api as organisation

# To give a code, and to set up a second factor or choose a password.
CODE_LASTS = timedelta(minutes=5)
STEP_LASTS = timedelta(minutes=15)


async def sign_in(
    database: Database,
    tenant: Tenant,
    login: str,
    password: str,
    *,
    kind: SessionKind = SessionKind.STAFF,
    device: Device | None = None,
    now: datetime | None = None,
) -> Entered:
    """Let somebody in by password, or say what is left to do; the token is for that.

    Raises SignInWrong or LockedOut, for a name that nobody has as for any other. Three steps, the hash being computed
    between two transactions: a try is taken, the password looked at, and the session opened if the login is still as
    it was.
    """
    at = now or utc_now()
    key = rules.try_key(login)
    row = await take_try(database, tenant, key, at, name=login.strip().lower())
    seen = PasswordHash(row["password_hash"]) if row else passwords.NOBODY
    right = await passwords.verify(seen, password)
    if row is None or not right:
        raise SignInWrong
    staff_id: organisation.StaffId = row["staff_id"]
    # What was right may be shorter than what is asked for today; it is only made anew, not judged.
    newer = await passwords.rehash(password) if passwords.is_dated(seen) else None
    async with database.writing(tenant, now=at, by=Principal(kind, staff_id)) as tx:
        if not await store.is_still_good(tx, staff_id, seen):
            raise SignInWrong
        grants = [grant for grant, _ in await store.read_grants(tx, staff_id)]
        left = await second_factor.next_of(tx, staff_id, grants, fit_alone=row["fit_alone"])
        if newer is not None:
            await store.rehash(tx, staff_id, seen, newer)
        if left is Next.CODE:  # who has the password alone must not get new guesses at the code
            await store.give_back(tx, key)
        else:
            await store.forgive(tx, key)
        token = await let_in(tx, kind, staff_id, left=left, device=device)
    return Entered(token, left)


async def waste_time(password: str) -> None:
    """Take as long as a look at a password, where there is not even a brand."""
    await passwords.verify(passwords.NOBODY, password)


async def give_code(
    database: Database,
    tenant: Tenant,
    token: str,
    code: str,
    *,
    device: Device | None = None,
    now: datetime | None = None,
) -> Token:
    """Finish signing in with a code of the second factor, or a recovery code.

    Raises SessionUnknown, SecondFactorWrong or LockedOut.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at) as tx:
        begun = await find_session(tx, token, unfinished=frozenset({Next.CODE}))
        login = await store.read_login_of(tx, begun.subject_id)
    if begun.next is not Next.CODE or login is None:
        raise SessionUnknown
    key = rules.try_key(login["name"])
    await take_try(database, tenant, key, at, name=login["name"])
    staff_id = organisation.StaffId(begun.subject_id)
    typed = await second_factor.ready(tenant.brand, staff_id, code)
    async with database.writing(tenant, now=at, by=Principal(begun.kind, staff_id)) as tx:
        held = await store.read_login_of(tx, staff_id, lock=True)
        if held is None or held["state"] != LoginState.OPEN:
            raise SessionUnknown
        if not await second_factor.take(tx, staff_id, typed):
            raise SecondFactorWrong
        if not await store.delete_session(tx, begun.session_id):
            raise SessionUnknown
        await store.forgive(tx, key)
        return await let_in(tx, begun.kind, staff_id, left=Next.NOTHING, factors=2, device=device)


async def let_in(
    tx: Tx,
    kind: SessionKind,
    staff_id: organisation.StaffId,
    *,
    left: Next,
    factors: int = 1,
    device: Device | None = None,
) -> Token:
    """Open a session: a whole one, which is told, or one for the next step alone."""
    policy = await organisation.settings_of(tx, SIGN_IN)
    lasts = {Next.NOTHING: timedelta(minutes=policy.session_minutes), Next.CODE: CODE_LASTS}.get(left, STEP_LASTS)
    token, session_id = await open_known(
        tx, kind, staff_id, lasts=lasts, left=left, factors=factors, device=device or Device()
    )
    if left is Next.NOTHING:
        tx.tell(StaffSignedIn(staff_id=staff_id, session_id=session_id, kind=kind))
    return token


async def prove_password(
    database: Database, tenant: Tenant, staff_id: UUID, password: str, at: datetime
) -> tuple[str, PasswordHash, bytes]:
    """Look at the password of somebody who is in, as a guess like any other.

    Gives the login, the hash that was right, and where the guesses are counted. Raises SignInWrong, LockedOut or
    NoSuchLogin.
    """
    async with database.reading(tenant, now=at) as tx:
        login = await store.read_login_of(tx, staff_id)
    if login is None:
        raise NoSuchLogin
    key = rules.try_key(login["name"])
    row = await take_try(database, tenant, key, at, name=login["name"])
    seen = PasswordHash(row["password_hash"]) if row else passwords.NOBODY
    if not await passwords.verify(seen, password) or row is None:
        raise SignInWrong
    return row["name"], seen, key


async def take_try(database: Database, tenant: Tenant, key: bytes, at: datetime, *, name: str) -> store.Record | None:
    """Count a guess before it is looked at, and read what it is to be compared with. Raises LockedOut."""
    async with database.writing(tenant, now=at) as tx:
        taken = await store.take_try(tx, key, window=rules.LOCK_WINDOW, most=rules.LOCK_AFTER)
        since = None if taken else await store.read_try(tx, key)
        row = await store.read_login(tx, name) if taken else None
    if not taken:
        raise LockedOut(rules.seconds_until((since or at) + rules.LOCK_WINDOW, at))
    return row
