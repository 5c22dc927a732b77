"""A job is queued with its transaction, run at least once, tried again with pauses, and never silently lost."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.settings import DBSettings

from midstage import migrations
from midstage.kit import jobs
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.jobs import GiveUpError, Job, JobHandler, Schedule, enqueue
from midstage.kit.jobs.runner import JobRunner

NAME = "test.send"


class Letter(msgspec.Struct, frozen=True):
    text: str


class DownError(Exception):
    """The other side is away."""


class Post:
    """A handler that notes what it got, and fails as often as it is told to."""

    def __init__(self, failures: int = 0, error: type[Exception] = DownError) -> None:
        self.got: list[Job[Letter]] = []
        self.failures = failures
        self.error = error

    async def run(self, job: Job[Letter]) -> None:
        self.got.append(job)
        if len(self.got) <= self.failures:
            raise self.error("away")

    def handler(self, **settings: Any) -> JobHandler[Letter]:
        return msgspec.structs.replace(JobHandler(Letter, self.run, first_pause_s=0.01), **settings)


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in a database
            await asyncio.sleep(0.01)


async def left(database: Database) -> list[tuple[str, int]]:
    async with database.connection() as link:
        rows = await link.fetch("select status::text, attempts from pgqueuer order by id")
    return [(row["status"], row["attempts"]) for row in rows]


@asynccontextmanager
async def running(
    database: Database, handler: JobHandler[Any], *schedules: Schedule, **settings: Any
) -> AsyncGenerator[JobRunner]:
    runner = JobRunner(database.url, {NAME: handler}, schedules, **settings)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await asyncio.wait_for(task, 10)


async def test_a_job_runs_with_its_brand_and_payload_after_the_commit(own_db: Database, tenant: Tenant) -> None:
    post = Post()
    async with running(own_db, post.handler()):
        async with own_db.writing(tenant) as tx:
            job_id = await enqueue(tx, NAME, Letter("hello"))
            await asyncio.sleep(0.2)
            assert post.got == []
        await until(lambda: bool(post.got))
    (job,) = post.got
    assert (job.job_id, job.brand, job.payload, job.attempt) == (job_id, tenant.brand, Letter("hello"), 1)
    assert await left(own_db) == []


async def test_a_job_of_a_rolled_back_transaction_never_was(own_db: Database, tenant: Tenant) -> None:
    async def refused() -> None:
        async with own_db.writing(tenant) as tx:
            await enqueue(tx, NAME, Letter("never"))
            raise DownError

    with pytest.raises(DownError):
        await refused()
    assert await left(own_db) == []


async def test_a_failure_is_tried_again_and_the_limit_sets_it_aside(own_db: Database, tenant: Tenant) -> None:
    post = Post(failures=5)
    async with running(own_db, post.handler(attempts=3)):
        async with own_db.writing(tenant) as tx:
            job_id = await enqueue(tx, NAME, Letter("again"))
        await until(lambda: len(post.got) == 3)
    assert [job.attempt for job in post.got] == [1, 2, 3]
    (failed,) = await jobs.failed_jobs(own_db)
    assert (failed.job_id, failed.name, failed.brand, failed.error) == (job_id, NAME, tenant.brand, "away")
    assert await jobs.retry_failed(own_db, [failed.job_id]) == 1
    async with running(own_db, post.handler(attempts=5)):
        await until(lambda: len(post.got) == 6)
    assert await left(own_db) == []
    assert await jobs.failed_jobs(own_db) == []


@pytest.mark.parametrize("payload", [Letter("no use"), jobs.Nothing()])
async def test_what_cannot_succeed_is_set_aside_at_once(
    own_db: Database, tenant: Tenant, payload: msgspec.Struct
) -> None:
    post = Post(failures=9, error=GiveUpError)
    async with own_db.writing(tenant) as tx:
        job_id = await enqueue(tx, NAME, payload)
    async with running(own_db, post.handler(attempts=1 if isinstance(payload, jobs.Nothing) else 8)):
        async with asyncio.timeout(8):
            while not await jobs.failed_jobs(own_db):  # noqa: ASYNC110  # only the database knows
                await asyncio.sleep(0.02)
    assert len(post.got) <= 1
    assert job_id is not None
    assert await jobs.discard_failed(own_db, [job_id]) == 1
    assert await left(own_db) == []


async def test_one_of_a_key_waits_at_a_time_and_brands_keep_apart(own_db: Database, tenant: Tenant) -> None:
    other = msgspec.structs.replace(tenant, brand=tenant.brand + 1)
    async with own_db.writing(tenant) as tx:
        assert await enqueue(tx, NAME, Letter("1"), dedupe_key="k") is not None
        assert await enqueue(tx, NAME, Letter("2"), dedupe_key="k") is None
    async with own_db.writing(other) as tx:
        assert await enqueue(tx, NAME, Letter("3"), dedupe_key="k") is not None
    post = Post()
    async with running(own_db, post.handler()):
        await until(lambda: len(post.got) == 2)
    assert {job.payload.text for job in post.got} == {"1", "3"}


async def test_a_job_waits_for_its_moment_even_in_a_long_transaction(own_db: Database, tenant: Tenant) -> None:
    post = Post()
    due = utc_now() + timedelta(seconds=0.7)
    async with running(own_db, post.handler()):
        async with own_db.writing(tenant) as tx:
            await tx.value("select pg_sleep(0.4)")
            await enqueue(tx, NAME, Letter("later"), not_before=due)
        await until(lambda: bool(post.got))
        assert utc_now() >= due


async def test_a_stop_interrupts_what_takes_too_long_and_another_runner_does_it(
    own_db: Database, tenant: Tenant
) -> None:
    started = asyncio.Event()

    async def forever(_job: Job[Letter]) -> None:
        started.set()
        await asyncio.Event().wait()

    async with own_db.writing(tenant) as tx:
        await enqueue(tx, NAME, Letter("long"))
    async with running(own_db, JobHandler(Letter, forever), grace_s=0.1):
        await asyncio.wait_for(started.wait(), 8)
    assert await left(own_db) == [("queued", 1)]
    post = Post()
    async with running(own_db, post.handler()):
        await until(lambda: bool(post.got))
    assert await left(own_db) == []


async def test_a_runner_outlives_its_connection(own_db: Database, tenant: Tenant) -> None:
    post = Post()
    async with running(own_db, post.handler()):
        async with own_db.writing(tenant) as tx:
            await enqueue(tx, NAME, Letter("before"))
        await until(lambda: len(post.got) == 1)
        async with own_db.connection() as link:
            await link.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'midstage jobs' and datname = current_database()"
            )
        async with own_db.writing(tenant) as tx:
            await enqueue(tx, NAME, Letter("after"))
        await until(lambda: any(job.payload.text == "after" for job in post.got))


WORKER = """
import asyncio, sys
import msgspec
from midstage.kit.jobs import JobHandler
from midstage.kit.jobs.runner import JobRunner

class Letter(msgspec.Struct, frozen=True):
    text: str

async def hang(job):
    print("started", flush=True)
    await asyncio.Event().wait()

asyncio.run(JobRunner(sys.argv[1], {"test.send": JobHandler(Letter, hang)}).run())
"""


async def test_a_job_of_a_killed_process_is_done_by_another(own_db: Database, tenant: Tenant) -> None:
    async with own_db.writing(tenant) as tx:
        await enqueue(tx, NAME, Letter("mine"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, own_db.url, stdout=asyncio.subprocess.PIPE, stderr=DEVNULL
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 10)
    process.kill()
    await process.communicate()
    assert [status for status, _ in await left(own_db)] == ["picked"]
    post = Post()
    async with running(own_db, post.handler(), heartbeat_s=0.5):
        async with own_db.writing(tenant) as tx:
            await asyncio.sleep(0.6)
            await enqueue(tx, NAME, Letter("wake up"))
        await until(lambda: len(post.got) == 2)
    assert await left(own_db) == []


async def test_a_schedule_queues_its_job_once_whoever_runs_it(own_db: Database) -> None:
    post = Post()
    every_minute = Schedule(NAME, "* * * * *", Letter("tick"))
    async with running(own_db, post.handler(), every_minute), own_db.connection() as link:
        async with asyncio.timeout(5):
            while not await link.fetchval("select count(*) from pgqueuer_schedules"):  # noqa: ASYNC110  # see above
                await asyncio.sleep(0.02)
            await link.execute("update pgqueuer_schedules set next_run = now() - interval '1 second'")
    async with running(own_db, post.handler(), every_minute), running(own_db, post.handler(), every_minute):
        await until(lambda: bool(post.got))
        await asyncio.sleep(0.2)
    (job,) = post.got
    assert (job.brand, job.payload) == (None, Letter("tick"))


def test_a_schedule_that_cannot_work_is_refused_at_the_start() -> None:
    handlers = {NAME: Post().handler()}
    with pytest.raises(ValueError, match="has no handler"):
        JobRunner("postgresql://", handlers, [Schedule("other", "* * * * *", Letter(""))])
    with pytest.raises(ValueError, match="no valid cron"):
        JobRunner("postgresql://", handlers, [Schedule(NAME, "every day", Letter(""))])


async def test_the_log_is_swept_after_its_retention(own_db: Database, tenant: Tenant) -> None:
    post = Post()
    async with own_db.writing(tenant) as tx:
        await enqueue(tx, NAME, Letter("logged"))
    async with running(own_db, post.handler()):
        await until(lambda: bool(post.got))
    async with own_db.connection() as link:
        await link.execute("update pgqueuer_log set aggregated = true")
    assert await jobs.sweep_log(own_db, utc_now() + timedelta(days=29)) == 0
    assert await jobs.sweep_log(own_db, utc_now() + timedelta(days=31)) == 3, "queued, picked, done"


def test_our_migration_holds_what_the_library_would_install() -> None:
    query = QueryBuilderEnvironment(settings=DBSettings(prefix="")).build_install_query()
    ours = (Path(migrations.__file__).parent / "sql" / "0002_jobs.sql").read_text(encoding="utf-8")
    assert query.split("\n", 1)[1].strip() in ours
