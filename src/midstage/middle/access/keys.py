"""API keys of programs: a secret that is shown once, permissions, a scope and an end."""

from datetime import UTC, datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import permissions, rules, store
from midstage.middle.access.types import Key, KeyId, NoSuchKey, Session, SessionId, SessionKind, SessionUnknown, Token
from midstage.middle.organisation import api as organisation

_NEVER = datetime.max.replace(tzinfo=UTC)


async def create_key(
    tx: Tx, name: str, held: frozenset[str], scope: organisation.Scope, *, expires_at: datetime | None = None
) -> tuple[KeyId, Token]:
    """Make a key. Its secret is told now and never again. Raises NoSuchPermission."""
    permissions.check_permissions(held)
    key_id, secret = KeyId(new_id()), rules.new_token(tx.brand)
    await store.create_key(tx, key_id, rules.hash_of(secret), name, held, scope, expires_at)
    tx.note("access.create_key", "api_key", key_id, after=sorted(held))
    return key_id, secret


async def find_key(tx: Tx, secret: str) -> Session:
    """Whom a key lets in. Raises SessionUnknown for one that is unknown, revoked or over."""
    row = await store.find_key(tx, rules.hash_of(secret))
    if row is None:
        raise SessionUnknown
    return Session(
        SessionKind.APP,
        SessionId(row["key_id"]),
        tx.brand,
        row["key_id"],
        None,
        frozenset(row["permissions"]),
        store.scope_of(row),
        row["expires_at"] or _NEVER,
    )


async def revoke_key(tx: Tx, key_id: UUID) -> None:
    """End a key at once. Raises NoSuchKey."""
    if not await store.revoke_key(tx, key_id):
        raise NoSuchKey
    tx.note("access.revoke_key", "api_key", key_id)


async def keys(tx: Tx) -> list[Key]:
    """The keys of the brand, the newest first."""
    return await store.keys(tx)
