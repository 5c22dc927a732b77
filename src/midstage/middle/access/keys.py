"""API keys of programs: a secret that is shown once, permissions, a scope and an end."""

from datetime import UTC, datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import MAX_LIMIT, Page, PageRequest
from midstage.middle.access import chance, permissions, rules, store
from midstage.middle.access.facts import KeyCreated, KeyRevoked
from midstage.middle.access.roles import check_may_give
from midstage.middle.access.types import (
    BadKey,
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
_NEVER = datetime.max.replace(tzinfo=UTC)


async def create_key(
    tx: Tx,
    name: str,
    held: frozenset[str],
    scope: organisation.Scope,
    *,
    expires_at: datetime | None = None,
    by: Session | None = None,
) -> tuple[KeyId, Token]:
    """Make a key. Its secret is told now and never again.

    `by` is who makes it; without it the system does. Raises BadKey, NoSuchPermission, BeyondOwn, and
    organisation's NoSuchUnit, NoSuchOperator, NoSuchStore.
    """
    over = expires_at is not None and expires_at <= tx.now
    if over or not held or not name.strip() or len(name) > MAX_NAME:
        raise BadKey
    permissions.check_permissions(held)
    await organisation.check_scope(tx, scope)
    await check_may_give(tx, by, [Held(held, scope)])
    key_id, secret = KeyId(new_id()), chance.new_token(tx.brand)
    await store.insert_key(tx, key_id, rules.hash_of(secret), name, held, scope, expires_at)
    tx.note("access.create_key", "api_key", key_id, after={"permissions": sorted(held), "scope": scope})
    tx.tell(KeyCreated(key_id=key_id, permissions=sorted(held)))
    return key_id, secret


async def find_key(tx: Tx, secret: str) -> Session:
    """Whom a key lets in. ONE statement. Raises SessionUnknown for one that is unknown, revoked or over."""
    row = await store.find_key(tx, rules.hash_of(secret))
    if row is None:
        raise SessionUnknown
    held = Held(frozenset(row["permissions"]) & frozenset(permissions.PERMISSIONS), store.scope_of(row))
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
    )


async def revoke_key(tx: Tx, key_id: UUID) -> None:
    """End a key at once. Raises NoSuchKey, also for one that was ended before."""
    if not await store.revoke_key(tx, key_id):
        raise NoSuchKey
    tx.note("access.revoke_key", "api_key", key_id)
    tx.tell(KeyRevoked(key_id=key_id))


async def keys(tx: Tx) -> list[Key]:
    """The newest keys of the brand, at most 200; list_keys has them all."""
    return (await list_keys(tx, PageRequest(limit=MAX_LIMIT))).items


async def list_keys(tx: Tx, page: PageRequest) -> Page[Key]:
    """The keys of the brand, the newest first."""
    place = page.place(tuple[UUID])
    rows = await store.list_keys(tx, place[0] if place else None, page.fetch)
    return page.page(rows, _place)


def _place(row: Key) -> tuple[UUID]:
    return (row.key_id,)
