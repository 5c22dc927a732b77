"""Timers: something that happens at a moment because nothing else caused it, once, with its effect.

A timer is a row (brand, kind, key) in the transaction that asks for it. When it falls due its handler runs in one
transaction of its brand, and that transaction also takes the timer away: both are there or neither is, whenever
a process dies. The runner leases a timer with an advisory lock, not with a row lock, and takes the row last: a use
case locks its order first and then sets or clears the timer, so a runner that held the timer and waited for the order
would deadlock with it. Somebody who clears or moves a timer that is being run wins: the run is rolled back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import structlog

from midstage.kit import observability
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Record, Tx
from midstage.kit.ids import BrandId

T = TypeVar("T")

MAX_ATTEMPTS = 10  # with doubling pauses about 17 minutes; then a person has to look
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 3600.0
_ERROR_LIMIT = 500
DEFAULT_LIMIT = 100
DEFAULT_CONCURRENCY = 4
POLL_S = 0.5

SET = """
insert into timer (brand_id, kind, key, due_at, try_at, payload)
select $1, $2, wanted.key, wanted.due_at, wanted.due_at, wanted.payload
  from unnest($3::uuid[], $4::timestamptz[], $5::jsonb[]) as wanted (key, due_at, payload)
on conflict (brand_id, kind, key) do update
   set due_at = excluded.due_at, try_at = excluded.try_at, payload = excluded.payload,
       attempts = 0, error = '', set_at = excluded.set_at
"""

CLEAR = "delete from timer where brand_id = $1 and kind = $2 and key = $3"

# Over all brands, which the kit alone may do.
PEEK = "select brand_id, kind, key from timer where try_at <= $1 and kind = any ($2) order by try_at limit $3"

NEXT = "select min(try_at) from timer where kind = any ($1) and try_at < 'infinity'"

STUCK = """
select brand_id as brand, kind, key, due_at, attempts, error from timer
 where try_at = 'infinity' and ($1::integer is null or brand_id = $1) order by brand_id, kind, key limit $2
"""

# The lease ends with the transaction, whichever way that ends.
LEASE = """
select due_at, set_at, attempts, payload from timer
 where brand_id = $1 and kind = $2 and key = $3 and try_at <= $4
   and pg_try_advisory_xact_lock(hashtextextended(kind || key::text, brand_id))
"""

TAKE = "delete from timer where brand_id = $1 and kind = $2 and key = $3 and due_at = $4 and set_at = $5"

FAIL = """
update timer set attempts = attempts + 1, error = $6, try_at = coalesce($7::timestamptz, 'infinity')
 where brand_id = $1 and kind = $2 and key = $3 and attempts = $4 and try_at <= $5
"""

RETRY = """
update timer set attempts = 0, error = '', try_at = $4
 where brand_id = $1 and kind = $2 and key = $3 and try_at = 'infinity'
"""


class Due(msgspec.Struct, frozen=True):
    """A timer that fell due, as its handler gets it. `due_at` is what was asked for, however late it is."""

    brand: BrandId
    kind: str
    key: UUID
    due_at: datetime
    attempts: int
    payload: str

    def read(self, kind: type[T]) -> T:
        """The payload as the struct that was set."""
        return msgspec.json.decode(self.payload, type=kind)


class Stuck(msgspec.Struct, frozen=True):
    """A timer whose handler failed MAX_ATTEMPTS times; it waits for a person."""

    brand: BrandId
    kind: str
    key: UUID
    due_at: datetime
    attempts: int
    error: str


class Ran(msgspec.Struct, frozen=True):
    """What one pass did: run, failed (to be tried again or stuck), left to another runner or to whoever moved it."""

    done: int
    failed: int
    left: int


class Wanted(msgspec.Struct, frozen=True):
    """One timer of `set_timers`."""

    key: UUID
    due_at: datetime
    payload: Any = None


TimerHandler = Callable[[Tx, Due], Awaitable[None]]
TenantOf = Callable[[BrandId], Awaitable[Tenant]]
Address = tuple[BrandId, str, UUID]


class _Run:
    """The timer that this task is running, and whether its handler set or cleared that very timer itself."""

    __slots__ = ("address", "touched")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.touched = False


class _MovedError(Exception):
    """Somebody set or cleared the timer while it ran."""


_running: ContextVar[_Run | None] = ContextVar("midstage_timer", default=None)


async def set_timer(tx: Tx, kind: str, key: UUID, due_at: datetime, payload: Any = None) -> None:
    """Set, or move, the one timer of this kind and key; with the commit. Write it after the rows it is about."""
    await set_timers(tx, kind, [Wanted(key, due_at, payload)])


async def set_timers(tx: Tx, kind: str, wanted: Sequence[Wanted]) -> None:
    """The same for many keys, each named once."""
    ordered = sorted(wanted, key=lambda timer: timer.key)  # two that move the same timers never wait in a ring
    await tx.run(
        SET,
        tx.brand,
        kind,
        [timer.key for timer in ordered],
        [timer.due_at for timer in ordered],
        [msgspec.json.encode({} if timer.payload is None else timer.payload).decode() for timer in ordered],
    )
    for timer in ordered:
        _touch((tx.brand, kind, timer.key))


async def clear_timer(tx: Tx, kind: str, key: UUID) -> bool:
    """Take a timer back, with the commit. False: there is none (any more)."""
    cleared = await tx.run(CLEAR, tx.brand, kind, key) == 1
    if cleared:
        _touch((tx.brand, kind, key))
    return cleared


async def run_due(
    database: Database,
    handlers: Mapping[str, TimerHandler],
    tenant_of: TenantOf,
    *,
    now: datetime | None = None,
    limit: int = DEFAULT_LIMIT,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Ran:
    """Run what is due by now, the oldest first, at most `limit`; kinds without a handler here are left alone.

    Any number of processes may do so at once. Raises what the database raises when it is away.
    """
    at = now or utc_now()
    async with database.connection() as link:
        rows = await link.fetch(PEEK, at, list(handlers), limit)
    lanes = asyncio.Semaphore(concurrency)

    async def one(row: Record) -> bool | None:
        async with lanes:
            kind = cast("str", row["kind"])
            address = (BrandId(cast("int", row["brand_id"])), kind, cast("UUID", row["key"]))
            return await _run_one(database, handlers[kind], tenant_of, address, at)

    outcomes = await asyncio.gather(*(one(row) for row in rows), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return Ran(outcomes.count(True), outcomes.count(False), outcomes.count(None))


async def stuck(database: Database, *, brand: BrandId | None = None, limit: int = 100) -> list[Stuck]:
    """The timers that gave up, of one brand or of all."""
    async with database.connection() as link:
        rows = await link.fetch(STUCK, brand, limit)
    return [msgspec.convert(dict(row), Stuck) for row in rows]


async def retry_stuck(tx: Tx, kind: str, key: UUID) -> bool:
    """Give a stuck timer all of its attempts again, from now. False: it is not stuck."""
    return await tx.run(RETRY, tx.brand, kind, key, tx.now) == 1


class TimerRunner:
    """Runs what falls due until it is stopped: looks every POLL_S, and goes straight on while there is more."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, TimerHandler],
        tenant_of: TenantOf,
        *,
        limit: int = DEFAULT_LIMIT,
        poll_s: float = POLL_S,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._tenant_of = tenant_of
        self._limit = limit
        self._poll_s = poll_s
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End after the pass that is running."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`. A database that is away is waited for."""
        log = structlog.get_logger("midstage.timers")
        while not self._stop.is_set():
            pause = self._poll_s
            try:
                ran = await run_due(self._database, self._handlers, self._tenant_of, limit=self._limit)
                if ran.done + ran.failed >= self._limit:
                    pause = 0.0
                await self._measure()
            except Exception:
                log.exception("timers could not be read")
            try:
                await asyncio.wait_for(self._stop.wait(), pause)
            except TimeoutError:
                continue

    async def _measure(self) -> None:
        async with self._database.connection() as link:
            first = cast("datetime | None", await link.fetchval(NEXT, list(self._handlers)))
        late = (utc_now() - first).total_seconds() if first else 0.0
        observability.TIMERS_OVERDUE_S.set(max(0.0, late))


async def _run_one(
    database: Database, handler: TimerHandler, tenant_of: TenantOf, address: Address, now: datetime
) -> bool | None:
    """True: done. False: failed and put off. None: left to somebody else."""
    brand, kind, key = address
    attempts = 0

    async def work(tx: Tx) -> bool:
        nonlocal attempts
        row = await tx.row(LEASE, brand, kind, key, tx.now)
        if row is None:
            return False
        attempts = cast("int", row["attempts"])
        run = _Run(address)
        token = _running.set(run)
        try:
            await handler(tx, Due(brand, kind, key, row["due_at"], attempts, row["payload"]))
        finally:
            _running.reset(token)
        taken = await tx.run(TAKE, brand, kind, key, row["due_at"], row["set_at"])
        if not taken and not run.touched:
            raise _MovedError
        return True

    with observability.bound(brand=brand), observability.span("timer", kind=kind):
        try:
            done = await database.attempt(await tenant_of(brand), work, now=now)
        except _MovedError:
            done = False
        except Exception as error:  # noqa: BLE001  # whatever a handler raises puts its timer off, and no other
            structlog.get_logger("midstage.timers").exception("timer failed", kind=kind, key=str(key))
            await _put_off(database, address, attempts, now, error)
            observability.TIMERS.labels(kind, "failed").inc()
            return False
    if done:
        observability.TIMERS.labels(kind, "done").inc()
    return True if done else None


async def _put_off(database: Database, address: Address, attempts: int, now: datetime, error: Exception) -> None:
    """Note the failure and when to try again, unless somebody moved or cleared the timer meanwhile."""
    text = f"{type(error).__name__}: {error}".replace("\x00", "")[:_ERROR_LIMIT]
    async with database.connection() as link:
        pause = timedelta(seconds=min(_FIRST_PAUSE_S * 2**attempts, _LONGEST_PAUSE_S))
        next_try = now + pause if attempts + 1 < MAX_ATTEMPTS else None
        await link.execute(FAIL, *address, attempts, now, text, next_try)


def _touch(address: Address) -> None:
    run = _running.get()
    if run is not None and run.address == address:
        run.touched = True
