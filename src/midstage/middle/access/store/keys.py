"""The SQL of API keys."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.access.store import columns_of, scope_of
from midstage.middle.access.types import Key

INSERT_KEY = """
insert into api_key (brand_id, key_id, secret_hash, prefix, name, permissions, everything, units, operators, stores,
                     created_at, expires_at, calls_per_minute)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

FIND_KEY = """
select key_id, permissions, everything, units, operators, stores, expires_at, calls_per_minute, last_used_at
  from api_key
 where brand_id = $1 and (secret_hash = $2 or (old_hash = $2 and old_until > $3))
   and revoked_at is null and (expires_at is null or expires_at > $3)
"""

KEYS = """
select key_id, name, prefix, permissions, everything, units, operators, stores, created_at, expires_at, revoked_at,
       rotated_at, old_until, last_used_at, calls_per_minute
  from api_key
 where brand_id = $1 and ($2::uuid is null or key_id < $2) order by key_id desc limit $3
"""

# Nobody rotates a key that opens nothing: it would open something again.
LOCK_OPEN = """
select key_id, name, prefix, permissions, everything, units, operators, stores, created_at, expires_at, revoked_at,
       rotated_at, old_until, last_used_at, calls_per_minute
  from api_key
 where brand_id = $1 and key_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3) for update
"""

ROTATE = """
update api_key set old_hash = secret_hash, old_until = $5, secret_hash = $3, prefix = $4, rotated_at = $6
 where brand_id = $1 and key_id = $2
"""

REVOKE_KEY = "update api_key set revoked_at = $3 where brand_id = $1 and key_id = $2 and revoked_at is null"

# Any process may say it, the latest wins; often enough is good enough.
TOUCH = """
update api_key set last_used_at = $3
 where brand_id = $1 and key_id = $2 and (last_used_at is null or last_used_at < $3)
"""


async def insert(tx: Tx, key: Key, secret_hash: bytes) -> None:
    await tx.run(
        INSERT_KEY, tx.brand, key.key_id, secret_hash, key.prefix, key.name, key.permissions, *columns_of(key.scope),
        key.created_at, key.expires_at, key.calls_per_minute,
    )  # fmt: skip


async def find(tx: Tx, secret_hash: bytes) -> Record | None:
    return await tx.row(FIND_KEY, tx.brand, secret_hash, tx.now)


async def lock_open(tx: Tx, key_id: UUID) -> Key | None:
    row = await tx.row(LOCK_OPEN, tx.brand, key_id, tx.now)
    return None if row is None else _key(row)


async def rotate(tx: Tx, key_id: UUID, secret_hash: bytes, prefix: str, old_until: datetime) -> None:
    await tx.run(ROTATE, tx.brand, key_id, secret_hash, prefix, old_until, tx.now)


async def revoke(tx: Tx, key_id: UUID) -> bool:
    return await tx.run(REVOKE_KEY, tx.brand, key_id, tx.now) == 1


async def touch(tx: Tx, key_id: UUID) -> None:
    await tx.run(TOUCH, tx.brand, key_id, tx.now)


async def page(tx: Tx, after: UUID | None, limit: int) -> list[Key]:
    return [_key(row) for row in await tx.rows(KEYS, tx.brand, after, limit)]


def _key(row: Record) -> Key:
    return Key(
        key_id=row["key_id"],
        name=row["name"],
        prefix=row["prefix"],
        permissions=row["permissions"],
        scope=scope_of(row),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        rotated_at=row["rotated_at"],
        old_until=row["old_until"],
        last_used_at=row["last_used_at"],
        calls_per_minute=row["calls_per_minute"],
    )
