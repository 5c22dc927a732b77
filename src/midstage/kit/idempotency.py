"""Idempotency: a call that is sent again is answered again, not done again.

The row is inserted first, in the effect's own transaction. A second caller with the same key waits at the unique
index: when the first commits it gets the stored answer, when the first rolls back it does the work itself. So there
is no answer without its effect and no effect without its answer. Refusals roll back, and are not stored.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec

from midstage.kit.database import Database, Tx
from midstage.kit.refusals import Conflict, Invalid, Text

KEY_LIMIT = 200
SWEEP_BATCH = 2_000  # rows a statement: short enough that no one waits for it and no replica lags behind it
_TURNS = 3

CLAIM = """
insert into idempotency (brand_id, principal, operation, key, body_hash)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""

READ = """
select body_hash, status, answer from idempotency
 where brand_id = $1 and principal = $2 and operation = $3 and key = $4
"""

STORE = """
update idempotency set status = $5, answer = $6
 where brand_id = $1 and principal = $2 and operation = $3 and key = $4 and status is null
"""

# Over all brands, which the kit alone may do.
SWEEP = """
delete from idempotency where ctid = any (array(
  select ctid from idempotency where recorded_at < $1 limit $2 for update skip locked))
"""

RETENTION = "select days from retention where what = 'idempotency'"


class Stored(msgspec.Struct, frozen=True):
    """What the first call with this key was answered."""

    status: int
    answer: bytes


class KeyReusedWithOtherBody(Conflict):
    """One key stands for one request; a retry sends the same body, a new request a new key."""

    text = Text(
        zh="幂等键 {key} 已用于另一个内容不同的请求",
        en="The idempotency key {key} was used before for a request with another body.",
    )
    operation: str
    key: str


class BadIdempotencyKey(Invalid):
    """An idempotency key is 1 to 200 printable characters; a fresh UUID is a good one."""

    text = Text(
        zh="幂等键须为 1 至 200 个可见字符",
        en="An idempotency key is 1 to 200 printable characters.",
    )
    length: int


class AnswerMissingError(Exception):
    """A claimed key was committed without store_answer: a fault in the caller, never to be answered as done."""


def hash_of(body: Any) -> bytes:
    """What tells one decoded body from another: order of members and white space make no difference."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()


async def claim(tx: Tx, *, principal: UUID, operation: str, key: str, body_hash: bytes) -> Stored | None:
    """Take the key for this transaction, as its first statement, or get what was answered before.

    None: the key is ours; do the work, then `store_answer`. Waits while another transaction holds the key.
    Raises KeyReusedWithOtherBody, BadIdempotencyKey.
    """
    if not 1 <= len(key) <= KEY_LIMIT or not key.isprintable():
        raise BadIdempotencyKey(len(key))
    for _ in range(_TURNS):
        if await tx.run(CLAIM, tx.brand, principal, operation, key, body_hash):
            return None
        known = await tx.row(READ, tx.brand, principal, operation, key)
        if known is None:
            continue  # swept between the two statements: it is free again
        if known["body_hash"] != body_hash:
            raise KeyReusedWithOtherBody(operation, key)
        if known["status"] is None:
            break
        return Stored(cast("int", known["status"]), cast("bytes", known["answer"]))
    raise AnswerMissingError(f"{operation} holds the key {key!r} without an answer")


def store_answer(tx: Tx, *, principal: UUID, operation: str, key: str, status: int, answer: bytes) -> None:
    """Keep what the call is answered, with the last statement of the transaction that claimed the key.

    The commit raises AnswerMissingError where the key was not claimed, or has its answer already.
    """
    missing = AnswerMissingError(f"{operation} did not claim the key {key!r}, or has answered already")
    tx.later(STORE, tx.brand, principal, operation, key, status, answer, expect=1, otherwise=missing)


async def sweep(database: Database, now: datetime, *, batch: int = SWEEP_BATCH, batches: int = 500) -> int:
    """Forget what is older than the retention, a bounded batch a transaction. Returns how many rows went."""
    gone = 0
    async with database.connection() as link:
        days = cast("int | None", await link.fetchval(RETENTION))
        if days is None:
            return 0
        for _ in range(batches):
            status = await link.execute(SWEEP, now - timedelta(days=days), batch)
            count = int(status.rpartition(" ")[2])
            gone += count
            if count < batch:
                break
    return gone
