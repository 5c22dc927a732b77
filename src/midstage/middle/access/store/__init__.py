"""All SQL of access, over its own tables only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.access.store.sessions import (
    Manner,
    delete_session,
    delete_sessions_of,
    delete_weak_sessions_of,
    find_session,
    insert_session,
    sessions_of,
    touch_sessions,
)
from midstage.middle.access.types import (
    Login,
    LoginState,
    PasswordHash,
    Role,
    RoleGrant,
)
from midstage.middle.organisation import api as organisation

# What is over

FORGET_SESSIONS = "delete from session where brand_id = $1 and expires_at <= $2"
FORGET_TRIES = "delete from sign_in_try where brand_id = $1 and since_at <= $2"
FORGET_CODES = "delete from phone_code where brand_id = $1 and expires_at <= $2"
FORGET_QUOTAS = "delete from phone_quota where brand_id = $1 and since_at <= $2"

# Logins

INSERT_LOGIN = """
insert into login (brand_id, staff_id, name, password_hash, changed_at, fit_alone) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
"""

LOGIN = "select staff_id, name, password_hash, state, fit_alone from login where brand_id = $1"
LOGIN_BY_NAME = LOGIN + " and name = $2"
LOGIN_OF = LOGIN + " and staff_id = $2"
LOCKED_LOGIN_OF = LOGIN_OF + " for no key update"

LOGINS = """
select l.staff_id, l.name, l.state,
       case when t.tries >= $2 and t.since_at > $3 then t.since_at + $4 end as locked_until
  from login l
  left join sign_in_try t on t.brand_id = l.brand_id and t.name_hash = sha256(convert_to(l.name, 'UTF8'))
 where l.brand_id = $1 and ($5::text is null or l.name > $5)
 order by l.name limit $6
"""

# Taken before a password is looked at, and given back by the right one: of a thousand guesses made at once five are
# looked at. A quarter of an hour after the first of them the count begins anew.
TAKE_TRY = """
insert into sign_in_try as t (brand_id, name_hash, since_at, tries) values ($1, $2, $3, 1)
on conflict (brand_id, name_hash) do update
   set since_at = case when t.since_at <= $3 - $4::interval then $3 else t.since_at end,
       tries = case when t.since_at <= $3 - $4::interval then 1 else t.tries + 1 end
 where t.tries < $5 or t.since_at <= $3 - $4::interval
"""

TRY = "select since_at from sign_in_try where brand_id = $1 and name_hash = $2"

FORGIVE = "delete from sign_in_try where brand_id = $1 and name_hash = $2"

# The one try of a right password that a code has yet to follow; the row stays, so that the window does.
GIVE_BACK = "update sign_in_try set tries = greatest(tries - 1, 1) where brand_id = $1 and name_hash = $2"

# Holds the login while a session is opened: a close or a new password takes its turn, and finds the session.
STILL_GOOD = """
select 1 from login where brand_id = $1 and staff_id = $2 and password_hash = $3 and state = 'open' for share
"""

SET_HASH = """
update login set password_hash = $3, changed_at = $4, fit_alone = $6
 where brand_id = $1 and staff_id = $2 and ($5::text is null or password_hash = $5)
"""

REHASH = "update login set password_hash = $4 where brand_id = $1 and staff_id = $2 and password_hash = $3"

SET_STATE = "update login set state = $3, changed_at = $4 where brand_id = $1 and staff_id = $2 and state <> $3"

# Roles and grants

GRANTS = """
select g.role, g.everything, g.units, g.operators, g.stores, r.permissions
  from role_grant g left join role r on r.brand_id = g.brand_id and r.code = g.role
 where g.brand_id = $1 and g.staff_id = $2 order by g.role
"""

INSERT_GRANT = """
insert into role_grant (brand_id, staff_id, role, everything, units, operators, stores)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (brand_id, staff_id, role) do update
   set everything = excluded.everything, units = excluded.units, operators = excluded.operators,
       stores = excluded.stores
"""

DELETE_GRANTS = "delete from role_grant where brand_id = $1 and staff_id = $2 and not role = any($3)"

PUT_ROLE = """
insert into role (brand_id, code, name_zh, name_en, permissions) values ($1, $2, $3, $4, $5)
on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, permissions = excluded.permissions
"""

ROLES = "select code, name_zh, name_en, permissions from role where brand_id = $1 order by code"

# Whoever grants a role holds it, and whoever removes it waits and then counts.
HELD_ROLES = """
select code, name_zh, name_en, permissions from role
 where brand_id = $1 and code = any($2) order by code for share
"""
LOCK_ROLE = "select code from role where brand_id = $1 and code = $2 for update"
PEOPLE_WITH_ROLE = "select count(*) from role_grant where brand_id = $1 and role = $2"
DELETE_ROLE = "delete from role where brand_id = $1 and code = $2"

# Phone codes

# Counts the code, and keeps it, unless it is too soon for another; two at once take turns at the quota.
PUT_CODE = """
with counted as (
  insert into phone_quota as q (brand_id, phone_hash, since_at, last_at, codes) values ($1, $2, $5, $5, 1)
  on conflict (brand_id, phone_hash) do update
     set last_at = $5,
         since_at = case when q.since_at <= $5 - $9::interval then $5 else q.since_at end,
         codes = case when q.since_at <= $5 - $9::interval then 1 else q.codes + 1 end
   where q.last_at <= $5 - $8::interval and (q.codes < $10 or q.since_at <= $5 - $9::interval)
  returning brand_id
)
insert into phone_code as c (brand_id, code_key, code_hash, sent_at, expires_at, tries_left)
select counted.brand_id, $3, $4, $5, $6, $7 from counted
on conflict (brand_id, code_key) do update
   set code_hash = excluded.code_hash, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
       tries_left = excluded.tries_left
"""

QUOTA = "select since_at, last_at, codes from phone_quota where brand_id = $1 and phone_hash = $2"

# Every guess takes a try, under the lock of the row; the right one takes all, so it is right once.
TRY_CODE = """
update phone_code set tries_left = case when code_hash = $3 then 0 else tries_left - 1 end
 where brand_id = $1 and code_key = $2 and expires_at > $4 and tries_left > 0
returning code_hash = $3
"""

__all__ = [
    "Manner",
    "delete_session",
    "delete_sessions_of",
    "delete_weak_sessions_of",
    "find_session",
    "insert_session",
    "sessions_of",
    "touch_sessions",
]


def scope_of(row: Record) -> organisation.Scope:
    """The scope in a row of grants or keys."""
    return organisation.Scope(
        everything=row["everything"],
        units=frozenset(row["units"]),
        operators=frozenset(row["operators"]),
        stores=frozenset(row["stores"]),
    )


def columns_of(scope: organisation.Scope) -> tuple[bool, list[UUID], list[UUID], list[UUID]]:
    return scope.everything, sorted(scope.units), sorted(scope.operators), sorted(scope.stores)


def _grant(row: Record) -> tuple[RoleGrant, frozenset[str] | None]:
    own = row["permissions"]
    return RoleGrant(row["role"], scope_of(row)), None if own is None else frozenset(own)


def grants_in(rows: Sequence[Record]) -> list[tuple[RoleGrant, frozenset[str] | None]]:
    """The grants in the rows of a session; each with the permissions of the brand's own role, if it is one."""
    return [_grant(row) for row in rows if row["role"] is not None]


async def forget(tx: Tx, *, try_window: timedelta, quota_window: timedelta) -> int:
    """Delete what is over and can no longer matter; returns how many sessions there were in it."""
    await tx.run(FORGET_TRIES, tx.brand, tx.now - try_window)
    await tx.run(FORGET_CODES, tx.brand, tx.now)
    await tx.run(FORGET_QUOTAS, tx.brand, tx.now - quota_window)
    return await tx.run(FORGET_SESSIONS, tx.brand, tx.now)


async def insert_login(tx: Tx, staff_id: UUID, name: str, password: PasswordHash, *, fit_alone: bool) -> bool:
    return await tx.run(INSERT_LOGIN, tx.brand, staff_id, name, password, tx.now, fit_alone) == 1


async def read_login(tx: Tx, name: str) -> Record | None:
    return await tx.row(LOGIN_BY_NAME, tx.brand, name)


async def read_login_of(tx: Tx, staff_id: UUID, *, lock: bool = False) -> Record | None:
    return await tx.row(LOCKED_LOGIN_OF if lock else LOGIN_OF, tx.brand, staff_id)


async def list_logins(tx: Tx, after: str | None, limit: int, *, most: int, window: timedelta) -> list[Login]:
    rows = await tx.rows(LOGINS, tx.brand, most, tx.now - window, window, after, limit)
    return [Login(row["staff_id"], row["name"], LoginState(row["state"]), row["locked_until"]) for row in rows]


async def take_try(tx: Tx, key: bytes, *, window: timedelta, most: int) -> bool:
    """False if all tries of this window are taken."""
    return await tx.run(TAKE_TRY, tx.brand, key, tx.now, window, most) == 1


async def read_try(tx: Tx, key: bytes) -> datetime | None:
    """When the first try of this window was."""
    return cast("datetime | None", await tx.value(TRY, tx.brand, key))


async def forgive(tx: Tx, key: bytes) -> None:
    await tx.run(FORGIVE, tx.brand, key)


async def give_back(tx: Tx, key: bytes) -> None:
    """Take one guess off the count."""
    await tx.run(GIVE_BACK, tx.brand, key)


async def is_still_good(tx: Tx, staff_id: UUID, seen: PasswordHash) -> bool:
    """Whether the login is open and has the password that was looked at; held to the end of the transaction."""
    return await tx.value(STILL_GOOD, tx.brand, staff_id, seen) is not None


async def set_password(
    tx: Tx, staff_id: UUID, password: PasswordHash, *, seen: PasswordHash | None, fit_alone: bool
) -> bool:
    return await tx.run(SET_HASH, tx.brand, staff_id, password, tx.now, seen, fit_alone) == 1


async def rehash(tx: Tx, staff_id: UUID, seen: PasswordHash, password: PasswordHash) -> None:
    await tx.run(REHASH, tx.brand, staff_id, seen, password)


async def set_state(tx: Tx, staff_id: UUID, state: LoginState) -> bool:
    return await tx.run(SET_STATE, tx.brand, staff_id, state, tx.now) == 1


async def read_grants(tx: Tx, staff_id: UUID) -> list[tuple[RoleGrant, frozenset[str] | None]]:
    return [_grant(row) for row in await tx.rows(GRANTS, tx.brand, staff_id)]


async def write_grants(tx: Tx, staff_id: UUID, grants: Sequence[RoleGrant]) -> None:
    """Somebody's grants from now on."""
    await tx.run(DELETE_GRANTS, tx.brand, staff_id, [grant.role for grant in grants])
    for grant in grants:
        await tx.run(INSERT_GRANT, tx.brand, staff_id, grant.role, *columns_of(grant.scope))


async def put_role(tx: Tx, role: Role) -> None:
    await tx.run(PUT_ROLE, tx.brand, role.code, role.name_zh, role.name_en, sorted(role.permissions))


def _role(row: Record) -> Role:
    return Role(row["code"], row["name_zh"], row["name_en"], frozenset(row["permissions"]))


async def read_roles(tx: Tx) -> list[Role]:
    return [_role(row) for row in await tx.rows(ROLES, tx.brand)]


async def hold_roles(tx: Tx, codes: Sequence[str]) -> dict[str, Role]:
    """The brand's own roles of these codes, which nobody can remove before this transaction ends."""
    return {row["code"]: _role(row) for row in await tx.rows(HELD_ROLES, tx.brand, codes)}


async def lock_role(tx: Tx, code: str) -> bool:
    return await tx.value(LOCK_ROLE, tx.brand, code) is not None


async def count_people(tx: Tx, role: str) -> int:
    return cast("int", await tx.value(PEOPLE_WITH_ROLE, tx.brand, role))


async def delete_role(tx: Tx, code: str) -> None:
    await tx.run(DELETE_ROLE, tx.brand, code)


async def put_code(
    tx: Tx,
    of_phone: bytes,
    key: bytes,
    code_hash: bytes,
    *,
    lasts: timedelta,
    tries: int,
    pause: timedelta,
    window: timedelta,
    most: int,
) -> bool:
    """False if it is too soon for another."""
    put = await tx.run(PUT_CODE, tx.brand, of_phone, key, code_hash, tx.now, tx.now + lasts, tries, pause, window, most)
    return put == 1


async def read_quota(tx: Tx, of_phone: bytes) -> Record | None:
    return await tx.row(QUOTA, tx.brand, of_phone)


async def try_code(tx: Tx, key: bytes, code_hash: bytes) -> bool:
    """Whether the code was right; it is used up either way, wholly or by one try."""
    return await tx.value(TRY_CODE, tx.brand, key, code_hash, tx.now) is True
