"""All SQL of access, over its own tables only."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.access.types import Key, KeyId, Login, Role, RoleGrant, SessionId, SessionKind
from midstage.middle.organisation import api as organisation

FIND_SESSION = """
select kind, session_id, subject_id, member_id, expires_at from session
 where brand_id = $1 and token_hash = $2 and expires_at > $3
"""
FIND_GRANTS = """
select g.role, g.units, g.operators, r.permissions
  from role_grant g left join role r on r.brand_id = $1 and r.code = g.role
 where g.brand_id = $1 and g.staff_id = $2 order by g.role
"""
_OPEN_SESSION = """
insert into session (brand_id, token_hash, session_id, kind, subject_id, member_id, opened_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_REVOKE = "delete from session where brand_id = $1 and session_id = $2"
_REVOKE_ALL = "delete from session where brand_id = $1 and subject_id = $2 and session_id is distinct from $3"
_SESSIONS = """
select session_id, kind, opened_at, expires_at from session
 where brand_id = $1 and subject_id = $2 and expires_at > $3 order by opened_at desc limit 200
"""
_SWEEP_SESSIONS = "delete from session where brand_id = $1 and expires_at <= $2"

_CREATE_LOGIN = """
insert into login (brand_id, staff_id, name, password_hash, changed_at) values ($1, $2, $3, $4, $5) on conflict do nothing
"""
_LOGIN = "select staff_id, name, password_hash, locked_until from login where brand_id = $1 and name = $2"
_LOGIN_OF = "select staff_id, name, password_hash, locked_until from login where brand_id = $1 and staff_id = $2"
_LOGINS = """
select staff_id, name, case when locked_until > $2 then locked_until end as locked_until
  from login where brand_id = $1 order by name limit 1000
"""
# One statement counts and locks, so that tries at once are all counted.
_FAILED = """
update login
   set failures = case when first_failure_at > $3 - $4::interval then failures + 1 else 1 end,
       first_failure_at = case when first_failure_at > $3 - $4::interval then first_failure_at else $3 end,
       locked_until = case when first_failure_at > $3 - $4::interval and failures + 1 >= $5
                           then $3 + $4::interval else locked_until end
 where brand_id = $1 and staff_id = $2
"""
_PASSED = """
update login set failures = 0, first_failure_at = null
 where brand_id = $1 and staff_id = $2 and locked_until <= $3
"""
_SET_PASSWORD = """
update login set password_hash = $3, changed_at = $4, failures = 0, first_failure_at = null, locked_until = '-infinity'
 where brand_id = $1 and staff_id = $2
"""
_GRANT = """
insert into role_grant (brand_id, staff_id, role, units, operators) values ($1, $2, $3, $4, $5)
on conflict (brand_id, staff_id, role) do update set units = excluded.units, operators = excluded.operators
"""
_UNGRANT = "delete from role_grant where brand_id = $1 and staff_id = $2 and not role = any($3)"
_PUT_ROLE = """
insert into role (brand_id, code, name_zh, name_en, permissions) values ($1, $2, $3, $4, $5)
on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, permissions = excluded.permissions
"""
_ROLES = "select code, name_zh, name_en, permissions from role where brand_id = $1 order by code"

# Sends only if the last code is old enough and the day's number is not used up; the caller compares.
_PUT_CODE = """
insert into phone_code as c (brand_id, phone_hash, code_hash, sent_at, expires_at, tries_left, sent_on, sent_today)
values ($1, $2, $3, $4, $5, $6, $7, 1)
on conflict (brand_id, phone_hash) do update
   set code_hash = excluded.code_hash, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
       tries_left = excluded.tries_left, sent_on = excluded.sent_on,
       sent_today = case when c.sent_on = excluded.sent_on then c.sent_today + 1 else 1 end
 where c.sent_at <= excluded.sent_at - $8::interval and (c.sent_on <> excluded.sent_on or c.sent_today < $9)
"""
_CODE = "select sent_at, sent_on, sent_today from phone_code where brand_id = $1 and phone_hash = $2"
# The right code is used up by being right: of two at once, one finds no tries left.
_USE_CODE = """
update phone_code set tries_left = 0
 where brand_id = $1 and phone_hash = $2 and code_hash = $3 and expires_at > $4 and tries_left > 0
"""
_MISS_CODE = """
update phone_code set tries_left = tries_left - 1 where brand_id = $1 and phone_hash = $2 and tries_left > 0
"""

_CREATE_KEY = """
insert into api_key (brand_id, key_id, secret_hash, name, permissions, units, operators, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FIND_KEY = """
select key_id, permissions, units, operators, expires_at from api_key
 where brand_id = $1 and secret_hash = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
"""
_REVOKE_KEY = "update api_key set revoked_at = $3 where brand_id = $1 and key_id = $2 and revoked_at is null"
_KEYS = """
select key_id, name, permissions, units, operators, created_at, expires_at, revoked_at
  from api_key where brand_id = $1 order by created_at desc, key_id limit 1000
"""


async def find_session(tx: Tx, token_hash: bytes) -> Record | None:
    return await tx.row(FIND_SESSION, tx.brand, token_hash, tx.now)


async def grants(tx: Tx, staff_id: UUID) -> list[tuple[RoleGrant, frozenset[str] | None]]:
    """Somebody's grants, each with the permissions of the brand's own role of that code, if it is one."""
    return [
        (
            RoleGrant(row["role"], scope_of(row)),
            frozenset(row["permissions"]) if row["permissions"] is not None else None,
        )
        for row in await tx.rows(FIND_GRANTS, tx.brand, staff_id)
    ]


async def open_session(
    tx: Tx,
    token_hash: bytes,
    session_id: SessionId,
    kind: SessionKind,
    subject_id: UUID,
    member_id: UUID | None,
    expires_at: datetime,
) -> None:
    await tx.run(_OPEN_SESSION, tx.brand, token_hash, session_id, kind, subject_id, member_id, tx.now, expires_at)


async def revoke_session(tx: Tx, session_id: UUID) -> bool:
    return await tx.run(_REVOKE, tx.brand, session_id) == 1


async def revoke_all(tx: Tx, subject_id: UUID, keep: UUID | None) -> int:
    return await tx.run(_REVOKE_ALL, tx.brand, subject_id, keep)


async def sessions(tx: Tx, subject_id: UUID) -> list[Record]:
    return await tx.rows(_SESSIONS, tx.brand, subject_id, tx.now)


async def sweep_sessions(tx: Tx) -> int:
    return await tx.run(_SWEEP_SESSIONS, tx.brand, tx.now)


async def create_login(tx: Tx, staff_id: UUID, name: str, password_hash: str) -> bool:
    return await tx.run(_CREATE_LOGIN, tx.brand, staff_id, name, password_hash, tx.now) == 1


async def login(tx: Tx, name: str) -> Record | None:
    return await tx.row(_LOGIN, tx.brand, name)


async def login_of(tx: Tx, staff_id: UUID) -> Record | None:
    return await tx.row(_LOGIN_OF, tx.brand, staff_id)


async def logins(tx: Tx) -> list[Login]:
    return [Login(**row) for row in await tx.rows(_LOGINS, tx.brand, tx.now)]


async def failed(tx: Tx, staff_id: UUID, *, window: Any, most: int) -> None:
    await tx.run(_FAILED, tx.brand, staff_id, tx.now, window, most)


async def passed(tx: Tx, staff_id: UUID) -> bool:
    """False if the login was locked in the meantime."""
    return await tx.run(_PASSED, tx.brand, staff_id, tx.now) == 1


async def set_password(tx: Tx, staff_id: UUID, password_hash: str) -> bool:
    return await tx.run(_SET_PASSWORD, tx.brand, staff_id, password_hash, tx.now) == 1


async def grant(tx: Tx, staff_id: UUID, given: Sequence[RoleGrant]) -> None:
    """Somebody's grants from now on."""
    await tx.run(_UNGRANT, tx.brand, staff_id, [one.role for one in given])
    for one in given:
        units, operators = columns_of(one.scope)
        await tx.run(_GRANT, tx.brand, staff_id, one.role, units, operators)


async def put_role(tx: Tx, role: Role) -> None:
    await tx.run(_PUT_ROLE, tx.brand, role.code, role.name_zh, role.name_en, sorted(role.permissions))


async def roles(tx: Tx) -> list[Role]:
    return [
        Role(row["code"], row["name_zh"], row["name_en"], frozenset(row["permissions"]))
        for row in await tx.rows(_ROLES, tx.brand)
    ]


async def put_code(
    tx: Tx, phone_hash: bytes, code_hash: bytes, *, expires_at: datetime, tries: int, day: date, pause: Any, a_day: int
) -> bool:
    """False if it is too soon for another."""
    put = await tx.run(_PUT_CODE, tx.brand, phone_hash, code_hash, tx.now, expires_at, tries, day, pause, a_day)
    return put == 1


async def code(tx: Tx, phone_hash: bytes) -> Record | None:
    return await tx.row(_CODE, tx.brand, phone_hash)


async def use_code(tx: Tx, phone_hash: bytes, code_hash: bytes) -> bool:
    return await tx.run(_USE_CODE, tx.brand, phone_hash, code_hash, tx.now) == 1


async def miss_code(tx: Tx, phone_hash: bytes) -> None:
    await tx.run(_MISS_CODE, tx.brand, phone_hash)


async def create_key(
    tx: Tx,
    key_id: KeyId,
    secret_hash: bytes,
    name: str,
    permissions: frozenset[str],
    scope: organisation.Scope,
    expires_at: datetime | None,
) -> None:
    units, operators = columns_of(scope)
    await tx.run(
        _CREATE_KEY, tx.brand, key_id, secret_hash, name, sorted(permissions), units, operators, tx.now, expires_at
    )


async def find_key(tx: Tx, secret_hash: bytes) -> Record | None:
    return await tx.row(_FIND_KEY, tx.brand, secret_hash, tx.now)


async def revoke_key(tx: Tx, key_id: UUID) -> bool:
    return await tx.run(_REVOKE_KEY, tx.brand, key_id, tx.now) == 1


async def keys(tx: Tx) -> list[Key]:
    return [
        Key(
            row["key_id"], row["name"], row["permissions"], scope_of(row), row["created_at"], row["expires_at"],
            row["revoked_at"],
        )
        for row in await tx.rows(_KEYS, tx.brand)
    ]  # fmt: skip


def scope_of(row: Record) -> organisation.Scope:
    """The scope of a row with units and operators; neither means everything."""
    units, operators = frozenset(row["units"]), frozenset(row["operators"])
    return organisation.Scope(everything=not units and not operators, units=units, operators=operators)


def columns_of(scope: organisation.Scope) -> tuple[list[UUID], list[UUID]]:
    if scope.everything:
        return [], []
    return sorted(scope.units), sorted(scope.operators)
