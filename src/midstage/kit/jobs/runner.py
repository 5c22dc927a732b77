"""Running jobs: what a worker does with the queue. PgQueuer hands them out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import asyncpg
import msgspec
import structlog
from croniter import croniter
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule as DueSchedule

from midstage.kit import observability
from midstage.kit.database import Connection, connect
from midstage.kit.ids import BrandId
from midstage.kit.jobs import (
    LONGEST_PAUSE_S,
    GiveUpError,
    Job,
    JobHandler,
    JobId,
    Schedule,
)
from midstage.kit.jobs.names import NAMES

_BATCH = 10
_RECONNECT_S = (0.2, 0.5, 1.0, 2.0, 5.0)

# A connection that is torn within a statement makes asyncpg stumble over its own state, too.
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


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
            qbe=QueryBuilderEnvironment(settings=NAMES),
            qbq=QueryQueueBuilder(settings=NAMES),
            qbs=QuerySchedulerBuilder(settings=NAMES),
        )
        queuer = PgQueuer(driver, channel=NAMES.channel, queries=queries)
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
