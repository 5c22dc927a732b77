"""What a subscriber could not do: retried with backoff, then set aside where a person sees it.

The first failed fact of a key leads; later facts of that key wait behind it for this subscriber, all others go on.
Every write here happens under the row lock of the subscriber's cursor in the brand, so delivery and retry never cross.
"""

import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit.database import Connection, Database, Record, Tx
from midstage.kit.ids import BrandId
from midstage.kit.refusals import NotFound, Text

ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
CHAIN = 200  # facts of one key handled in one transaction
_ERROR_LENGTH = 2000


class NothingAside(NotFound):
    """No fact of that description is set aside."""

    text = Text(zh="没有符合条件的搁置事实", en="No fact that is set aside fits this description.")


class Held(msgspec.Struct, frozen=True):
    """A fact that leads a key's queue of failures, as a person sees it."""

    subscriber: str
    brand: BrandId
    number: int
    key: UUID
    type: str
    state: str
    attempts: int
    error: str
    since: datetime
    next_try_at: datetime | None = None
    behind: int = 0


_DUE_BRANDS = """
select distinct brand_id from fact_aside
 where subscriber = $1 and state = 'retrying' and next_try_at <= clock_timestamp()
"""
_DUE = """
select subscriber, brand_id as brand, number, key, type, state, attempts, error, since from fact_aside
 where subscriber = $1 and brand_id = $2 and state = 'retrying' and next_try_at <= clock_timestamp()
 order by number limit 50
"""
_BLOCKED = """
select distinct key from fact_aside where subscriber = $1 and brand_id = $2 and key = any($3)
"""
_PUT = """
insert into fact_aside (subscriber, brand_id, number, fact_id, recorded_at, key, type, state, attempts, next_try_at, error)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + $10::interval, $11)
"""
_CHAIN = """
select a.number, a.fact_id, a.recorded_at, a.key, a.attempts, f.type, f.version, f.payload, f.business_date
  from fact_aside a join fact f on f.brand_id = a.brand_id and f.id = a.fact_id and f.recorded_at = a.recorded_at
 where a.subscriber = $1 and a.brand_id = $2 and a.key = $3
 order by a.number limit $4
"""
_FAILED_AGAIN = """
update fact_aside
   set state = $4, attempts = attempts + 1, next_try_at = clock_timestamp() + $5::interval, error = $6
 where subscriber = $1 and brand_id = $2 and number = $3
"""
_DONE = "delete from fact_aside where subscriber = $1 and brand_id = $2 and number = $3"
_CONTINUE = """
update fact_aside set state = 'retrying', next_try_at = clock_timestamp()
 where subscriber = $1 and brand_id = $2
   and number = (select min(number) from fact_aside where subscriber = $1 and brand_id = $2 and key = $3)
"""
_LIST = """
select a.subscriber, a.brand_id as brand, a.number, a.key, a.type, a.state, a.attempts, a.error, a.since,
       case when a.state = 'retrying' then a.next_try_at end as next_try_at,
       (select count(*) from fact_aside b
         where b.subscriber = a.subscriber and b.brand_id = a.brand_id and b.key = a.key and b.state = 'behind') as behind
  from fact_aside a
 where a.state <> 'behind' and ($1::text is null or a.subscriber = $1) and ($2::integer is null or a.brand_id = $2)
 order by a.brand_id, a.subscriber, a.number limit 500
"""
_RETRY = """
update fact_aside set state = 'retrying', attempts = 0, next_try_at = clock_timestamp()
 where state in ('set_aside', 'retrying') and ($1::text is null or subscriber = $1)
   and ($2::integer is null or brand_id = $2) and ($3::bigint is null or number = $3)
"""
_LOCK_CURSOR = "select from fact_cursor where subscriber = $1 and brand_id = $2 for update"
_SKIP = """
delete from fact_aside
 where subscriber = $1 and brand_id = $2 and number = $3 and state in ('set_aside', 'retrying')
returning key
"""


async def brands_due(link: Connection, subscriber: str) -> list[BrandId]:
    """The brands in which something of this subscriber is due again."""
    return [BrandId(row["brand_id"]) for row in await link.fetch(_DUE_BRANDS, subscriber)]


async def due(tx: Tx, subscriber: str) -> list[Held]:
    """The failed facts of this brand that are due again, in order."""
    return [Held(**row) for row in await tx.rows(_DUE, subscriber, tx.brand)]


async def blocked_keys(tx: Tx, subscriber: str, keys: Sequence[UUID]) -> set[UUID]:
    """Which of these subjects have a failed fact, so that later ones must wait."""
    return {row["key"] for row in await tx.rows(_BLOCKED, subscriber, tx.brand, list(keys))}


async def wait_behind(tx: Tx, subscriber: str, row: Record) -> None:
    """Queue a fact behind the failed one of its key."""
    await _put(tx, subscriber, row, "behind", 0, timedelta(0), "")


async def put(tx: Tx, subscriber: str, row: Record, error: Exception) -> None:
    """Keep a fact that failed for the first time; it is tried again soon."""
    await _put(tx, subscriber, row, "retrying", 1, FIRST_PAUSE, _told(error))


async def failed_again(tx: Tx, subscriber: str, row: Record, error: Exception) -> None:
    """Wait longer; after ATTEMPTS it is set aside for a person."""
    attempts = row["attempts"] + 1
    state = "retrying" if attempts < ATTEMPTS else "set_aside"
    await tx.run(_FAILED_AGAIN, subscriber, tx.brand, row["number"], state, pause(attempts), _told(error))


async def chain(tx: Tx, subscriber: str, key: UUID) -> list[Record]:
    """The failed fact of a key and those behind it, in order."""
    return await tx.rows(_CHAIN, subscriber, tx.brand, key, CHAIN)


async def done(tx: Tx, subscriber: str, number: int) -> None:
    """A fact that was aside has had its effect."""
    await tx.run(_DONE, subscriber, tx.brand, number)


async def continue_soon(tx: Tx, subscriber: str, key: UUID) -> None:
    """If more of this key is left than one transaction took, let its first be due at once."""
    await tx.run(_CONTINUE, subscriber, tx.brand, key)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failures: doubling, up to LONGEST_PAUSE."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, attempts - 1))


async def held(database: Database, *, subscriber: str | None = None, brand: BrandId | None = None) -> list[Held]:
    """What is being retried or is set aside, over all brands, at most 500."""
    async with database.connection() as link:
        return [Held(**row) for row in await link.fetch(_LIST, subscriber, brand)]


async def retry(
    database: Database, *, subscriber: str | None = None, brand: BrandId | None = None, number: int | None = None
) -> int:
    """Let failed facts be tried again at once. Returns how many; raises NothingAside if none fits."""
    async with database.connection() as link:
        status = await link.execute(_RETRY, subscriber, brand, number)
    count = int(status.rpartition(" ")[2])
    if count == 0:
        raise NothingAside
    return count


async def skip(tx: Tx, subscriber: str, number: int) -> None:
    """Give up one fact for this subscriber, so that those behind it go on. Raises NothingAside."""
    await tx.row(_LOCK_CURSOR, subscriber, tx.brand)
    key = await tx.value(_SKIP, subscriber, tx.brand, number)
    if key is None:
        raise NothingAside
    tx.note("facts.skip", "fact", f"{subscriber}/{number}")
    await continue_soon(tx, subscriber, key)


async def _put(tx: Tx, subscriber: str, row: Record, state: str, attempts: int, wait: timedelta, error: str) -> None:
    # Spelled out: these are the columns of fact_aside, in their order.
    await tx.run(
        _PUT, subscriber, tx.brand, row["number"], row["fact_id"], row["recorded_at"], row["key"], row["type"],
        state, attempts, wait, error,
    )  # fmt: skip


def _told(error: Exception) -> str:
    """The error and where it arose, short enough to read."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"[:_ERROR_LENGTH]
