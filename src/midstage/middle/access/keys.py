"""API keys of programs: a secret that is shown once, permissions, a scope and an end.

A secret begins with `mst_live_`, or with `mst_test_` where its brand is a sandbox, so that a person (and a scanner of
source code) sees what it is. It can be changed without a gap: for a while the old one and the new one both open.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import MAX_LIMIT, Page, PageRequest
from midstage.middle.access import chance, permissions, rules
from midstage.middle.access.facts import KeyCreated, KeyRevoked, KeyRotated
from midstage.middle.access.roles import check_may_give
from midstage.middle.access.store import keys as store
from midstage.middle.access.store import scope_of
from midstage.middle.access.types import (
    BadKey,
    BadOverlap,
    Held,
    Key,
    KeyId,
    NoSuchKey,
    Session,
    SessionId,
    SessionKind,
    SessionUnknown,
    Token,
)
from midstage.middle.organisation import api as organisation

MAX_NAME = 100
MOST_CALLS_PER_MINUTE = 60_000
LONGEST_OVERLAP = timedelta(days=30)
# How exactly "last used" is known; more would be a write a call.
USED_EVERY = timedelta(minutes=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


async def create_key(
    tx: Tx,
    name: str,
    held: frozenset[str],
    scope: organisation.Scope,
    *,
    expires_at: datetime | None = None,
    calls_per_minute: int | None = None,
    by: Session | None = None,
) -> tuple[KeyId, Token]:
    """Make a key. Its secret is told now and never again.

    `by` is who makes it; without it the system does. `calls_per_minute` None is what the process allows any key.
    Raises BadKey, NoSuchPermission, BeyondOwn, and organisation's NoSuchUnit, NoSuchOperator, NoSuchStore.
    """
    over = expires_at is not None and expires_at <= tx.now
    mad = calls_per_minute is not None and not 1 <= calls_per_minute <= MOST_CALLS_PER_MINUTE
    if over or mad or not held or not name.strip() or len(name) > MAX_NAME:
        raise BadKey
    permissions.check_permissions(held)
    await organisation.check_scope(tx, scope)
    await check_may_give(tx, by, [Held(held, scope)])
    secret = chance.new_key(tx.brand, test=tx.tenant.sandbox)
    key = Key(
        key_id=KeyId(new_id()),
        name=name,
        prefix=rules.prefix_of(secret),
        permissions=sorted(held),
        scope=scope,
        created_at=tx.now,
        expires_at=expires_at,
        revoked_at=None,
        calls_per_minute=calls_per_minute,
    )
    await store.insert(tx, key, rules.hash_of(secret))
    tx.note("access.create_key", "api_key", key.key_id, after={"permissions": sorted(held), "scope": scope})
    tx.tell(KeyCreated(key_id=key.key_id, permissions=sorted(held)))
    return key.key_id, secret


async def find_key(tx: Tx, secret: str) -> Session:
    """Whom a key lets in. ONE statement. Raises SessionUnknown for one that is unknown, revoked or over."""
    row = await store.find(tx, rules.hash_of(secret))
    if row is None:
        raise SessionUnknown
    held = Held(frozenset(row["permissions"]) & frozenset(permissions.PERMISSIONS), scope_of(row))
    return Session(
        kind=SessionKind.APP,
        session_id=SessionId(row["key_id"]),
        brand=tx.brand,
        subject_id=row["key_id"],
        member_id=None,
        permissions=held.permissions,
        scope=held.scope,
        expires_at=row["expires_at"] or _NEVER,
        held=(held,),
        seen_at=row["last_used_at"],
        calls_per_minute=row["calls_per_minute"],
    )


async def note_key_used(tx: Tx, key_id: UUID) -> None:
    """Remember that a key was used now; callers do so at most once in USED_EVERY."""
    await store.touch(tx, key_id)


async def rotate_key(tx: Tx, key_id: UUID, *, overlap: timedelta, by: Session | None = None) -> Token:
    """Give a key a new secret, told now and never again; the one before opens for `overlap` longer.

    A second change within the overlap ends the first secret at once: two open at a time, never three. Who changes a
    secret gets to know one, so they must hold what the key holds. Raises BadOverlap, BeyondOwn, or NoSuchKey, also
    for a key that was ended or is over.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise BadOverlap
    key = await store.lock_open(tx, key_id)
    if key is None:
        raise NoSuchKey
    await check_may_give(tx, by, [Held(frozenset(key.permissions), key.scope)])
    secret, old_until = chance.new_key(tx.brand, test=tx.tenant.sandbox), tx.now + overlap
    await store.rotate(tx, key_id, rules.hash_of(secret), rules.prefix_of(secret), old_until)
    tx.note("access.rotate_key", "api_key", key_id, after={"old_until": old_until})
    tx.tell(KeyRotated(key_id=key_id, old_until=old_until))
    return secret


async def revoke_key(tx: Tx, key_id: UUID) -> None:
    """End a key at once. Raises NoSuchKey, also for one that was ended before."""
    if not await store.revoke(tx, key_id):
        raise NoSuchKey
    tx.note("access.revoke_key", "api_key", key_id)
    tx.tell(KeyRevoked(key_id=key_id))


async def keys(tx: Tx) -> list[Key]:
    """The newest keys of the brand, at most 200; list_keys has them all."""
    return (await list_keys(tx, PageRequest(limit=MAX_LIMIT))).items


async def list_keys(tx: Tx, page: PageRequest) -> Page[Key]:
    """The keys of the brand, the newest first."""
    place = page.place(tuple[UUID])
    rows = await store.page(tx, place[0] if place else None, page.fetch)
    return page.page(rows, _place)


def _place(row: Key) -> tuple[UUID]:
    return (row.key_id,)
