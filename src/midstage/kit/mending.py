"""What a person sees and mends in one brand: subscribers that are behind; facts, jobs and timers that gave up.

All of it in a transaction of the brand, so that what is mended stands in the audit trail or did not happen.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.facts.aside import NothingAside
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import NotFound, Text
from midstage.kit.timers import retry_stuck

LAGS = """
select s.subscriber, coalesce(h.number, 0) - coalesce(c.number, 0) as behind, c.moved_at,
       (select count(*) from fact_aside a where a.brand_id = $1 and a.subscriber = s.subscriber) as aside
  from unnest($2::text[]) as s (subscriber)
  left join fact_head h on h.brand_id = $1
  left join fact_cursor c on c.brand_id = $1 and c.subscriber = s.subscriber
 order by s.subscriber
"""
ASIDE = """
select a.subscriber, a.number, a.key, a.type, a.state, a.attempts, a.error, a.since,
       case when a.state = 'retrying' then a.next_try_at end as next_try_at,
       (select count(*) from fact_aside b
         where b.brand_id = $1 and b.subscriber = a.subscriber and b.key = a.key and b.state = 'behind') as behind
  from fact_aside a
 where a.brand_id = $1 and a.state <> 'behind' and (a.subscriber, a.number) > ($2, $3)
 order by a.subscriber, a.number limit $4
"""
LOCK_CURSOR = "select from fact_cursor where subscriber = $1 and brand_id = $2 for update"
RETRY_ASIDE = """
update fact_aside set state = 'retrying', attempts = 0, next_try_at = clock_timestamp()
 where brand_id = $1 and subscriber = $2 and number = $3 and state in ('set_aside', 'retrying')
"""
# A job of the whole platform has no brand, and is none of any brand's business.
FAILED_JOBS = """
select job.id as job_id, job.entrypoint as name, job.attempts, job.updated as failed_at,
       coalesce((select log.traceback ->> 'exception_message' from pgqueuer_log log
                  where log.job_id = job.id and log.status = 'failed' order by log.created desc limit 1), '') as error
  from pgqueuer job
 where job.status = 'failed' and (job.headers ->> 'brand')::integer = $1 and job.id < $2
 order by job.id desc limit $3
"""
RETRY_JOB = """
update pgqueuer set status = 'queued', attempts = 0, execute_after = now(), updated = now(), queue_manager_id = null
 where id = $2 and status = 'failed' and (headers ->> 'brand')::integer = $1 and not exists (
   select from pgqueuer other
    where other.dedupe_key = pgqueuer.dedupe_key and other.status in ('queued', 'picked'))
returning entrypoint
"""
DISCARD_JOB = """
delete from pgqueuer where id = $2 and status = 'failed' and (headers ->> 'brand')::integer = $1
returning entrypoint
"""
STUCK = """
select kind, key, due_at, attempts, error from timer
 where brand_id = $1 and try_at = 'infinity' and (kind, key) > ($2, $3)
 order by kind, key limit $4
"""

_NEWEST = 2**63 - 1


class NoFailedJob(NotFound):
    """There is no such job that was given up, or the same job waits already."""

    text = Text(
        zh="没有这个失败的任务，或相同的任务已在等待", en="No such job has failed, or its double waits already."
    )


class NoStuckTimer(NotFound):
    """No such timer is stuck."""

    text = Text(zh="没有这个停滞的定时器", en="No such timer is stuck.")


class Standing(msgspec.Struct, frozen=True):
    """How many facts a subscriber is behind, how many it has aside, and when it last moved; never, if it has not."""

    subscriber: str
    behind: int
    moved_at: datetime | None
    aside: int


class AsideFact(msgspec.Struct, frozen=True):
    """A fact that leads a subject's queue of failures; `behind` so many wait for it."""

    subscriber: str
    number: int
    key: UUID
    type: str
    state: str
    attempts: int
    error: str
    since: datetime
    next_try_at: datetime | None
    behind: int


class GivenUpJob(msgspec.Struct, frozen=True):
    """A job that failed as often as it may."""

    job_id: int
    name: str
    attempts: int
    failed_at: datetime
    error: str


class StuckTimer(msgspec.Struct, frozen=True):
    """A timer whose handler failed as often as it may."""

    kind: str
    key: UUID
    due_at: datetime
    attempts: int
    error: str


async def standings(tx: Tx, subscribers: Sequence[str]) -> list[Standing]:
    """Where these subscribers stand, by name."""
    return [Standing(**row) for row in await tx.rows(LAGS, tx.brand, list(subscribers))]


async def facts_aside(tx: Tx, page: PageRequest) -> Page[AsideFact]:
    """What is being retried or is set aside, by subscriber and number."""
    place = page.place(tuple[str, int]) or ("", 0)
    rows = [AsideFact(**row) for row in await tx.rows(ASIDE, tx.brand, *place, page.fetch)]
    return page.page(rows, lambda one: (one.subscriber, one.number))


async def retry_fact(tx: Tx, subscriber: str, number: int) -> None:
    """Let a failed fact be tried again at once, and as often as a new one. Raises NothingAside."""
    await tx.row(LOCK_CURSOR, subscriber, tx.brand)
    if await tx.run(RETRY_ASIDE, tx.brand, subscriber, number) == 0:
        raise NothingAside
    tx.note("facts.retry", "fact", f"{subscriber}/{number}")


async def given_up_jobs(tx: Tx, page: PageRequest) -> Page[GivenUpJob]:
    """The jobs that were given up, the latest queued first."""
    place = page.place(tuple[int]) or (_NEWEST,)
    rows = [GivenUpJob(**row) for row in await tx.rows(FAILED_JOBS, tx.brand, *place, page.fetch)]
    return page.page(rows, lambda one: (one.job_id,))


async def retry_job(tx: Tx, job_id: int) -> None:
    """Give a job all of its attempts again. Raises NoFailedJob."""
    name = await tx.value(RETRY_JOB, tx.brand, job_id)
    if name is None:
        raise NoFailedJob
    tx.note("jobs.retry", "job", job_id, after={"name": name})


async def discard_job(tx: Tx, job_id: int) -> None:
    """Drop a job for good. Raises NoFailedJob."""
    name = await tx.value(DISCARD_JOB, tx.brand, job_id)
    if name is None:
        raise NoFailedJob
    tx.note("jobs.discard", "job", job_id, before={"name": name})


async def stuck_timers(tx: Tx, page: PageRequest) -> Page[StuckTimer]:
    """The timers that gave up, by kind and key."""
    place = page.place(tuple[str, UUID]) or ("", UUID(int=0))
    rows = [StuckTimer(**row) for row in await tx.rows(STUCK, tx.brand, *place, page.fetch)]
    return page.page(rows, lambda one: (one.kind, one.key))


async def retry_timer(tx: Tx, kind: str, key: UUID) -> None:
    """Give a stuck timer all of its attempts again. Raises NoStuckTimer."""
    if not await retry_stuck(tx, kind, key):
        raise NoStuckTimer
    tx.note("timers.retry", "timer", f"{kind}/{key}")
