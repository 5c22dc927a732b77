"""Jobs: schedules and calls to the outside that have no deadline. PgQueuer does the work behind this door.

A job is queued in the transaction that wants it, and is gone with it if that rolls back. It runs at least once: a
handler whose process dies is run again after its heartbeat ran out, so it must bear that (by its subject's state, or
by an idempotency key of the other side). What fails is tried again with growing pauses, then set aside where a person
sees it. Queueing notifies, and PostgreSQL lets notifying transactions commit one after the other: what every order
does is told as a fact, never queued as a job.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NewType, TypeVar, cast

import asyncpg
import msgspec
import structlog
from croniter import croniter
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule as DueSchedule

from midstage.kit import observability
from midstage.kit.database import Connection, Database, Tx, connect
from midstage.kit.ids import BrandId

P = TypeVar("P", bound=msgspec.Struct)
JobId = NewType("JobId", int)

DEFAULT_ATTEMPTS = 8  # with doubling pauses from 2 s: about four minutes
LONGEST_PAUSE_S = 3600.0
_BATCH = 10
_SWEEP_BATCH = 5_000
_RECONNECT_S = (0.2, 0.5, 1.0, 2.0, 5.0)

# A connection that is torn within a statement makes asyncpg stumble over its own state, too.
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# Named here, not read from the environment: PgQueuer would listen to variables as common as FUNCTION or CHANNEL.
_NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=cast("Any", "ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
)
_ENQUEUE = QueryQueueBuilder(settings=_NAMES).build_enqueue_query("skip")

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
    rows = await tx.rows(_ENQUEUE, [0], [name], [body], [delay], [unique], [headers])
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


class JobRunner:
    """Runs queued jobs and fires schedules until it is stopped; any number of them share the work.

    A database that goes away is waited for. `stop` lets running jobs end for `grace_s`; what is not done then is
    interrupted and queued again.
    """

    def __init__(
        self,
        database_url: str,
        handlers: Mapping[str, JobHandler[Any]],
        schedules: Sequence[Schedule] = (),
        *,
        at_once: int = 2 * _BATCH,
        heartbeat_s: float = 30.0,
        grace_s: float = 20.0,
    ) -> None:
        for schedule in schedules:
            if schedule.name not in handlers:
                raise ValueError(f"the schedule {schedule.cron!r} names {schedule.name}, which has no handler")
            if not croniter.is_valid(schedule.cron):
                raise ValueError(f"{schedule.name} has no valid cron expression: {schedule.cron!r}")
        self._url = database_url
        self._handlers = handlers
        self._schedules = schedules
        self._at_once = max(at_once, 2 * _BATCH)
        self._heartbeat = timedelta(seconds=heartbeat_s)
        self._grace_s = grace_s
        self._stop = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("midstage.jobs")

    def stop(self) -> None:
        """Take no more jobs, end those that run, then return from `run`."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`."""
        lost = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                link = await connect(self._url, name="midstage jobs")
                try:
                    await self._serve(link)
                finally:
                    await link.close(timeout=2)
            except _AWAY as error:
                self._log.warning("jobs wait for the database", error=str(error))
            lost = 0 if time.monotonic() - started > _RECONNECT_S[-1] else lost + 1
            await self._sleep(_RECONNECT_S[min(lost, len(_RECONNECT_S) - 1)])

    async def _serve(self, link: Connection) -> None:
        """Work over one connection, until it is lost or `stop`."""
        queuer = self._queuer(link)
        link.add_termination_listener(lambda _link: queuer.shutdown.set())
        if self._schedules:
            work = queuer.run(batch_size=_BATCH, max_concurrent_tasks=self._at_once, heartbeat_timeout=self._heartbeat)
        else:  # its scheduler would ask the database every second for nothing
            work = queuer.qm.run(
                batch_size=_BATCH, max_concurrent_tasks=self._at_once, heartbeat_timeout=self._heartbeat
            )
        serving = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        losing = asyncio.create_task(queuer.shutdown.wait())
        try:
            await asyncio.wait({serving, stopping, losing}, return_when=asyncio.FIRST_COMPLETED)
            queuer.shutdown.set()
            await asyncio.wait({serving}, timeout=self._grace_s)
        finally:
            # Never cancel what PgQueuer runs: it takes a cancelled job for one that nobody wants any more.
            queuer.shutdown.set()
            for job in self._running:
                job.cancel()
            stopping.cancel()
            losing.cancel()
            await asyncio.wait({serving})
        serving.result()

    def _queuer(self, link: Connection) -> PgQueuer:
        driver = AsyncpgDriver(cast("Any", link))
        queries = Queries(
            driver,
            qbe=QueryBuilderEnvironment(settings=_NAMES),
            qbq=QueryQueueBuilder(settings=_NAMES),
            qbs=QuerySchedulerBuilder(settings=_NAMES),
        )
        queuer = PgQueuer(driver, channel=_NAMES.channel, queries=queries)
        for name, handler in self._handlers.items():
            queuer.entrypoint(name, concurrency_limit=handler.at_once, accepts_context=False, on_failure="hold")(
                self._entry(name, handler)
            )
        for schedule in self._schedules:
            queuer.schedule(schedule.name, schedule.cron, accepts_context=False)(_tick(queries, schedule))
        return queuer

    def _entry(self, name: str, handler: JobHandler[Any]) -> Callable[[QueuedJob], Awaitable[None]]:
        async def entry(queued: QueuedJob) -> None:
            brand = cast("BrandId | None", (queued.headers or {}).get("brand"))
            began = time.perf_counter()
            with observability.bound(brand=brand, job_id=queued.id), observability.span("job", job=name):
                outcome = "failed"
                try:
                    await self._do(name, handler, queued, brand)
                    outcome = "done"
                except RetryRequested:
                    outcome = "retried"
                    raise
                finally:
                    observability.JOBS.labels(name, outcome).inc()
                    observability.JOB_SECONDS.labels(name).observe(time.perf_counter() - began)

        return entry

    async def _do(self, name: str, handler: JobHandler[Any], queued: QueuedJob, brand: BrandId | None) -> None:
        payload = msgspec.json.decode(queued.payload or b"{}", type=handler.payload)
        job = Job(JobId(queued.id), name, brand, payload, queued.attempts + 1, queued.created)
        inner = asyncio.create_task(_awaited(handler.run(job)))
        self._running.add(inner)
        inner.add_done_callback(self._running.discard)
        try:
            await inner
        except asyncio.CancelledError:
            # Interrupted by a stop, not unwanted: the next runner does it.
            raise RetryRequested(timedelta(0), "the runner was stopped") from None
        except GiveUpError:
            raise
        except Exception as error:
            if job.attempt >= handler.attempts:
                raise
            pause = min(handler.first_pause_s * 2 ** (job.attempt - 1), LONGEST_PAUSE_S)
            self._log.warning("job failed", job=name, attempt=job.attempt, pause_s=pause, error=repr(error))
            raise RetryRequested(timedelta(seconds=pause), f"{type(error).__name__}: {error}") from error

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return


def _tick(queries: Queries, schedule: Schedule) -> Callable[[DueSchedule], Awaitable[None]]:
    """What a schedule does when it is due: it queues its job, unless the last one still waits or runs."""
    body = msgspec.json.encode(schedule.payload)

    async def tick(_due: DueSchedule) -> None:
        key = f"schedule:{schedule.name}:{schedule.cron}"
        await queries.enqueue(schedule.name, body, dedupe_key=key, on_conflict="skip")

    return tick


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
