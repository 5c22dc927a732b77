"""What runs behind the brand's back: who is behind with the facts, and what gave up and waits for a person."""

from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.kit import mending
from midstage.kit.database import Tx
from midstage.kit.facts import aside
from midstage.kit.paging import Limit, Page, PageRequest

TAGS = ["console: system"]
READ, WRITE = "system.read", "system.write"


@reading("/system/subscribers", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def subscribers(request: AnyRequest, tx: Tx, staff: Staff) -> list[mending.Standing]:
    """How far each listener is behind the facts of the brand."""
    whole_brand(staff, READ)
    return await mending.standings(tx, desk_of(request).subscribers)


@reading("/system/facts", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def facts_aside(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[mending.AsideFact]:
    """Facts that a listener failed on: being retried, or set aside; by listener and number."""
    whole_brand(staff, READ)
    return await mending.facts_aside(tx, PageRequest(after, limit))


@changing(
    "POST",
    "/system/facts/{subscriber:str}/{number:int}/retry",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, aside.NothingAside),
)
async def retry_fact(subscriber: str, number: int, tx: Tx, staff: Staff) -> None:
    """Let a failed fact be tried again at once."""
    whole_brand(staff, WRITE)
    await mending.retry_fact(tx, subscriber, number)


@changing(
    "POST",
    "/system/facts/{subscriber:str}/{number:int}/skip",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, aside.NothingAside),
)
async def skip_fact(subscriber: str, number: int, tx: Tx, staff: Staff) -> None:
    """Give up a fact for this listener, for good, so that those behind it go on."""
    whole_brand(staff, WRITE)
    await aside.skip(tx, subscriber, number)


@reading("/system/jobs", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def failed_jobs(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[mending.GivenUpJob]:
    """Jobs of the brand that failed as often as they may, the latest queued first."""
    whole_brand(staff, READ)
    return await mending.given_up_jobs(tx, PageRequest(after, limit))


@changing(
    "POST",
    "/system/jobs/{job_id:int}/retry",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, mending.NoFailedJob),
)
async def retry_job(job_id: int, tx: Tx, staff: Staff) -> None:
    """Give a job all of its attempts again."""
    whole_brand(staff, WRITE)
    await mending.retry_job(tx, job_id)


@changing(
    "POST",
    "/system/jobs/{job_id:int}/discard",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, mending.NoFailedJob),
)
async def discard_job(job_id: int, tx: Tx, staff: Staff) -> None:
    """Drop a job for good."""
    whole_brand(staff, WRITE)
    await mending.discard_job(tx, job_id)


@reading("/system/timers", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def stuck_timers(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[mending.StuckTimer]:
    """Timers of the brand whose work failed as often as it may, by kind and key."""
    whole_brand(staff, READ)
    return await mending.stuck_timers(tx, PageRequest(after, limit))


@changing(
    "POST",
    "/system/timers/{kind:str}/{key:uuid}/retry",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, mending.NoStuckTimer),
)
async def retry_timer(kind: str, key: UUID, tx: Tx, staff: Staff) -> None:
    """Give a stuck timer all of its attempts again, from now."""
    whole_brand(staff, WRITE)
    await mending.retry_timer(tx, kind, key)


HANDLERS: list[HTTPRouteHandler] = [
    subscribers, facts_aside, retry_fact, skip_fact, failed_jobs, retry_job, discard_job, stuck_timers, retry_timer,
]  # fmt: skip
