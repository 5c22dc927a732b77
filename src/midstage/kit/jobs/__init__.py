"""Jobs: schedules and calls to the outside that have no deadline. PgQueuer does the work behind this door.

A job is queued in the transaction that wants it, and is gone with it if that rolls back. It runs at least once: a
handler whose process dies is run again after its heartbeat ran out, so it must bear that (by its subject's state, or
by an idempotency key of the other side). What fails is tried again with growing pauses, then set aside where a person
sees it. Queueing notifies, and PostgreSQL lets notifying transactions commit one after the other: what every order
does is told as a fact, never queued as a job.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, NewType, TypeVar, cast

import msgspec

from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId

P = TypeVar("P", bound=msgspec.Struct)
JobId = NewType("JobId", int)

DEFAULT_ATTEMPTS = 8  # with doubling pauses from 2 s: about four minutes
LONGEST_PAUSE_S = 3600.0
_SWEEP_BATCH = 5_000


# PostgreSQL's own clock: a job is due by the time of the server that hands it out.
DELAY = "select $1::timestamptz - now()"

FAILED = """
select job.id as job_id, job.entrypoint as name, (job.headers ->> 'brand')::integer as brand, job.attempts,
       job.updated as failed_at,
       coalesce((select log.traceback ->> 'exception_message' from pgqueuer_log log
                  where log.job_id = job.id and log.status = 'failed' order by log.created desc limit 1), '') as error
  from pgqueuer job where job.status = 'failed' order by job.updated desc limit $1
"""

RETRY = """
update pgqueuer set status = 'queued', attempts = 0, execute_after = now(), updated = now(), queue_manager_id = null
 where id = any ($1) and status = 'failed' and not exists (
   select from pgqueuer other
    where other.dedupe_key = pgqueuer.dedupe_key and other.status in ('queued', 'picked'))
"""

DISCARD = "delete from pgqueuer where id = any ($1) and status = 'failed'"

SWEEP_LOG = """
delete from pgqueuer_log where id = any (array(
  select id from pgqueuer_log where created < $1 and aggregated order by created limit $2 for update skip locked))
"""

SWEEP_STATISTICS = "delete from pgqueuer_statistics where created < $1"

RETENTION = "select days from retention where what = 'job_log'"


class Job(msgspec.Struct, Generic[P], frozen=True):
    """A job as its handler gets it. `brand` is None for what a schedule queued for the whole platform."""

    job_id: JobId
    name: str
    brand: BrandId | None
    payload: P
    attempt: int
    queued_at: datetime


class JobHandler(msgspec.Struct, Generic[P], frozen=True):
    """Who does a job, with what payload, and how stubbornly. `at_once` 0: as many as the runners have room for."""

    payload: type[P]
    run: Callable[[Job[P]], Awaitable[None]]
    attempts: int = DEFAULT_ATTEMPTS
    first_pause_s: float = 2.0
    at_once: int = 0


class Schedule(msgspec.Struct, frozen=True):
    """Queue this job whenever the cron expression (five fields, UTC) says so; one at a time, whoever runs it."""

    name: str
    cron: str
    payload: msgspec.Struct


class FailedJob(msgspec.Struct, frozen=True):
    """A job that was given up and waits for a person."""

    job_id: int
    name: str
    brand: int | None
    attempts: int
    failed_at: datetime
    error: str


class Nothing(msgspec.Struct, frozen=True):
    """The payload of a job that needs none."""


class GiveUpError(Exception):
    """Raised by a handler that knows that trying again is of no use."""


async def enqueue(
    tx: Tx,
    name: str,
    payload: msgspec.Struct,
    *,
    not_before: datetime | None = None,
    dedupe_key: str | None = None,
) -> JobId | None:
    """Queue a job with this transaction.

    With a `dedupe_key` there is one of this brand and name at a time: None says that one waits or runs already.
    """
    delay = timedelta(0) if not_before is None else max(timedelta(0), await tx.value(DELAY, not_before))
    unique = None if dedupe_key is None else f"{tx.brand}:{name}:{dedupe_key}"
    headers = msgspec.json.encode({"brand": tx.brand}).decode()
    body = msgspec.json.encode(payload)
    # PgQueuer brings pydantic along: a third of a second at the start of every API process, most of which queue nothing.
    from midstage.kit.jobs.names import ENQUEUE  # noqa: PLC0415

    rows = await tx.rows(ENQUEUE, [0], [name], [body], [delay], [unique], [headers])
    return JobId(cast("int", rows[0]["id"])) if rows else None


async def failed_jobs(database: Database, *, limit: int = 100) -> list[FailedJob]:
    """What was given up, the latest first."""
    async with database.connection() as link:
        rows = await link.fetch(FAILED, limit)
    return [msgspec.convert(dict(row), FailedJob) for row in rows]


async def retry_failed(database: Database, jobs: Sequence[int]) -> int:
    """Give jobs that were given up all of their attempts again; not those whose double waits already."""
    async with database.connection() as link:
        return _count(await link.execute(RETRY, list(jobs)))


async def discard_failed(database: Database, jobs: Sequence[int]) -> int:
    """Drop jobs that were given up."""
    async with database.connection() as link:
        return _count(await link.execute(DISCARD, list(jobs)))


async def sweep_log(database: Database, now: datetime) -> int:
    """Forget the log of jobs that is older than the retention, in bounded batches."""
    gone = 0
    async with database.connection() as link:
        days = cast("int | None", await link.fetchval(RETENTION))
        if days is None:
            return 0
        before = now - timedelta(days=days)
        while True:
            count = _count(await link.execute(SWEEP_LOG, before, _SWEEP_BATCH))
            gone += count
            if count < _SWEEP_BATCH:
                break
        await link.execute(SWEEP_STATISTICS, before)
    return gone


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
