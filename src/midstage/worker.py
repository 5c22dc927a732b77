"""The background process: numbers facts, delivers them, runs timers and jobs, ends what nobody paid, forgets in time.

Any number of these may run. The sequencer has a lease; cursors, timers and jobs are taken row by row.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Protocol

import structlog

from midstage.kit import observability
from midstage.kit.clock import Tenant
from midstage.kit.database import CALLED_OFF, TRANSIENT, Database, Tx
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.facts.subscribers import Deliverer
from midstage.kit.ids import BrandId
from midstage.kit.jobs.runner import JobRunner
from midstage.kit.refusals import Refusal
from midstage.kit.settings import Settings
from midstage.kit.timers import TimerRunner
from midstage.kit.webhooks import api as webhooks
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.wiring import (
    SCHEDULES,
    callback_base,
    connect_outside,
    disconnect_outside,
    job_handlers,
    subscribers,
    timer_handlers,
)

EXPIRE_EVERY_S = 1.0
REFUND_EVERY_S = 1.0
REPAIR_EVERY_S = 5.0
MEASURE_EVERY_S = 5.0
OUTAGE_PAUSE_S = 0.5
_log = structlog.get_logger()


class Tenants:
    """The brands of this database, looked up again when an unknown one appears."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[BrandId, Tenant] = {}

    async def of(self, brand: BrandId) -> Tenant:
        """The brand of a number. A brand that is gone keeps its number, in UTC."""
        if brand not in self._known:
            await self.all()
        return self._known.get(brand) or Tenant(brand, f"brand {brand}")

    async def all(self) -> list[Tenant]:
        """Every brand, as it stands now."""
        found = await organisation.tenants(self._database)
        self._known = {tenant.brand: tenant for tenant in found}
        return found


async def run(settings: Settings, url: str) -> None:
    """Work until SIGTERM or SIGINT; what has begun is finished or rolled back."""
    observability.configure_logging(settings)
    observability.configure_tracing(settings, service="midstage-worker")
    if settings.metrics_port:
        observability.serve_metrics(settings.host, settings.metrics_port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    database = await Database.open(
        url, pool_size=settings.pool_size, statement_timeout_ms=settings.statement_timeout_ms
    )
    try:
        await work(database, settings, stop)
    finally:
        observability.stop_tracing()
        await database.close()


async def work(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Run every loop of the worker on this database until told to stop."""
    tenants = Tenants(database)
    connect_outside()
    deliverer = Deliverer(database, subscribers(), tenants.of)
    sweeps = Sweeps(database, settings, tenants)
    loops = (
        Sequencer(database).run(stop),
        deliverer.run(stop),
        _until(stop, TimerRunner(database, timer_handlers(), tenants.of)),
        _until(stop, JobRunner(database.url, job_handlers(database, settings, tenants.all), SCHEDULES)),
        every(EXPIRE_EVERY_S, stop, sweeps.expire_unpaid),
        every(REFUND_EVERY_S, stop, sweeps.push_refunds),
        every(REPAIR_EVERY_S, stop, sweeps.repair_payments),
        every(MEASURE_EVERY_S, stop, deliverer.lags),
    )
    try:
        async with webhooks.Outside(loopback=settings.sandbox) as outside, asyncio.TaskGroup() as group:
            for one in (*loops, webhooks.Courier(database, tenants.of, outside).run(stop)):
                group.create_task(one)
    finally:
        await disconnect_outside()


class _Runner(Protocol):
    def stop(self) -> None: ...

    async def run(self) -> None: ...


async def _until(stop: asyncio.Event, runner: _Runner) -> None:
    running = asyncio.create_task(runner.run())
    await stop.wait()
    runner.stop()
    await running


async def every(seconds: float, stop: asyncio.Event, do: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again until told to stop; an outage of the database is waited out."""
    while not stop.is_set():
        try:
            await do()
        except (*CALLED_OFF, *TRANSIENT) as error:
            _log.warning("waited_out", error=type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


class Sweeps:
    """What is due by the state of a row rather than by a fact or a timer: each row in a transaction of its own."""

    def __init__(self, database: Database, settings: Settings, tenants: Tenants) -> None:
        self._database = database
        self._callbacks = callback_base(settings)
        self._tenants = tenants

    async def expire_unpaid(self) -> int:
        """End the orders that nobody paid in time."""
        ended = 0
        for tenant in await self._tenants.all():
            async with self._database.reading(tenant) as tx:
                due = await orders.due(tx)
            for order_id in due:
                with _told("expiry_refused", brand=tenant.brand, order=str(order_id)):
                    ended += await self._database.attempt(tenant, partial(_expire, order_id))
        return ended

    async def push_refunds(self) -> int:
        """Take refunds to their providers; one that does not answer is asked again later."""
        pushed = 0
        for tenant in await self._tenants.all():
            async with self._database.reading(tenant) as tx:
                waiting = await payments.refunds_to_push(tx)
            for refund_id in waiting:
                with _told("refund_waits", brand=tenant.brand, refund=str(refund_id)):
                    await payments.push_refund(
                        self._database, tenant, refund_id, callback_base=self._callbacks, book=orders.refund_arrived
                    )
                    pushed += 1
        return pushed

    async def repair_payments(self) -> int:
        """Ask providers about payments whose callback may have been lost, and book what they say."""
        repaired = 0
        for tenant in await self._tenants.all():
            await self._database.attempt(tenant, payments.end_answered)
            async with self._database.reading(tenant) as tx:
                doubtful = await payments.payments_to_repair(tx)
            for payment_id in doubtful:
                with _told("repair_refused", brand=tenant.brand, payment=str(payment_id)):
                    for notice in await payments.repair(self._database, tenant, payment_id):
                        await self._database.attempt(tenant, partial(_take, notice))
                        repaired += 1
        return repaired


@contextlib.contextmanager
def _told(event: str, **what: object) -> Generator[None]:
    """One row that is refused is told, and holds up no other."""
    try:
        yield
    except Refusal as refusal:
        _log.warning(event, code=refusal.code, **what)


async def _expire(order_id: orders.OrderId, tx: Tx) -> bool:
    return await orders.expire_order(tx, order_id)


async def _take(notice: payments.Notice, tx: Tx) -> None:
    await orders.notice_arrived(tx, notice)
