"""Who listens to what, who serves what, and who is on the other side: the one file that knows everybody."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from litestar import Router

from midstage.adapters.sandbox_messages.api import SandboxMessages
from midstage.adapters.sandbox_pay import provider as sandbox_pay
from midstage.fronts._http.supply import supply_prices
from midstage.fronts.console import api as console
from midstage.fronts.counter import api as counter
from midstage.fronts.mall import api as mall
from midstage.fronts.open import api as open_front
from midstage.kit import retention
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Fact
from midstage.kit.facts.subscribers import Forget, Listener, Subscriber, subscribers_of
from midstage.kit.findings import Finding
from midstage.kit.jobs import Job, JobHandler, Nothing, Schedule
from midstage.kit.settings import Settings
from midstage.kit.stuck import Stuck
from midstage.kit.timers import TimerHandler
from midstage.kit.webhooks import api as webhooks
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing
from midstage.privacy import Privacy

LISTENERS: Mapping[type[Fact], Sequence[Listener]] = {
    orders.OrderPaid: (loyalty.note_purchase, loyalty.note_touch),
    orders.OrderImported: (loyalty.note_purchase, loyalty.note_touch),
    orders.OrderRefunded: (loyalty.note_purchase,),
    orders.OrderRefundUndone: (loyalty.note_purchase,),
    organisation.GuideLeft: (members.note_guide_left,),
    organisation.GuideMoved: (members.note_guide_moved,),
    organisation.StaffLeft: (access.note_staff_left,),
    organisation.PolicyChanged: (inventory.note_policy_changed,),
}

FORGET: Mapping[Listener, Forget] = {loyalty.note_purchase: loyalty.forget_standing}

ROUTES: Sequence[Router] = (mall.router, console.router, counter.router, open_front.router)

CHECKS: Mapping[str, Callable[[Tx], Awaitable[list[Finding]]]] = {
    "organisation": organisation.checks,
    "access": access.checks,
    "identity": identity.checks,
    "members": members.checks,
    "catalogue": catalogue.checks,
    "pricing": pricing.checks,
    "inventory": inventory.checks,
    "payments": payments.checks,
    "ledger": ledger.checks,
    "orders": orders.checks,
    "loyalty": loyalty.checks,
    "webhooks": webhooks.checks,
}

# What waits longer than it should, and who looks for it.
LATE: Mapping[str, Callable[[Tx], Awaitable[list[Stuck]]]] = {
    "access": access.late,
    "inventory": inventory.late,
    "identity": identity.late,
    "members": members.late,
    "orders": orders.late,
    "payments": payments.late,
    "pricing": pricing.late,
    "webhooks": webhooks.late,
}

PAYMENT_CALLBACKS = "/v1/callbacks"


def subscribers() -> list[Subscriber]:
    """Everybody who listens to facts."""
    return subscribers_of(LISTENERS, forget=FORGET)


def message_port(settings: Settings) -> access.MessagePort:
    """Who sends codes to phones: the sandbox, until a brand wires its own."""
    return SandboxMessages(settings.home)


def connect_outside() -> None:
    """Make the payment providers known to this process: the built-in one, and those of installed packages."""
    payments.register(sandbox_pay.SandboxPay())
    for entry in entry_points(group="midstage.providers"):
        payments.register(entry.load()())


async def disconnect_outside() -> None:
    """Close the connections of the providers."""
    await payments.close_providers()


def callback_base(settings: Settings) -> str:
    """Where providers reach us."""
    return settings.public_url + PAYMENT_CALLBACKS


def timer_handlers() -> Mapping[str, TimerHandler]:
    """Who acts when a timer falls due."""
    return {}


def job_handlers(
    database: Database, settings: Settings, tenants: Callable[[], Awaitable[Sequence[Tenant]]]
) -> Mapping[str, JobHandler[Any]]:
    """Who does which job: schedules, and what is long. What must be quick is a fact or a sweep of the worker."""

    async def make_room(_: Job[Nothing]) -> None:
        await retention.forget(database, utc_now())

    async def tidy_books(_: Job[Nothing]) -> None:
        for tenant in await tenants():
            for work in (
                ledger.roll_up,
                ledger.expire_holds,
                ledger.expire_lots,
                access.forget_old,
                catalogue.forget_changes,
                *_TILL_WORK,
            ):
                await database.attempt(tenant, work)

    async def reconcile(_: Job[Nothing]) -> None:
        for tenant in await tenants():
            await payments.reconcile_due(database, tenant)

    return {
        "reconcile": JobHandler(Nothing, reconcile),
        "make_room": JobHandler(Nothing, make_room),
        "tidy_books": JobHandler(Nothing, tidy_books),
        **_member_jobs(database, settings, tenants),
        **_stock_jobs(database, tenants),
    }


def _stock_jobs(database: Database, tenants: Callable[[], Awaitable[Sequence[Tenant]]]) -> dict[str, JobHandler[Any]]:
    """The books of value and the alarms follow the movements of stock; by night all is looked at."""
    value = partial(inventory.value_pending, supply=supply_prices)

    async def work_on_stock(_: Job[Nothing]) -> None:
        for tenant in await tenants():
            while await database.attempt(tenant, value):
                continue
            await database.attempt(tenant, inventory.sweep_alarms)

    async def look_at_all(_: Job[Nothing]) -> None:
        for tenant in await tenants():
            after = await database.attempt(tenant, inventory.look_at_all)
            while after is not None:
                after = await database.attempt(tenant, partial(inventory.look_at_all, after=after))
            pool = await database.attempt(tenant, partial(inventory.value_unpriced, supply=supply_prices))
            while pool is not None:
                more = partial(inventory.value_unpriced, after=pool, supply=supply_prices)
                pool = await database.attempt(tenant, more)

    return {
        "work_on_stock": JobHandler(Nothing, work_on_stock),
        inventory.LOOK_AT_ALL: JobHandler(Nothing, look_at_all),
    }


def _member_jobs(
    database: Database, settings: Settings, tenants: Callable[[], Awaitable[Sequence[Tenant]]]
) -> dict[str, JobHandler[Any]]:
    """The pool, customers handed over, and requests about personal data: the schedule does what a job left."""
    privacy = Privacy(database, settings.home, SandboxMessages(settings.home).forget)

    async def care_for_members(_: Job[Nothing]) -> None:
        for tenant in await tenants():
            await _care(database, tenant)
            await privacy.do_due(tenant)

    async def hand_over_customers(job: Job[members.GuideCustomers]) -> None:
        for tenant in await tenants():
            if tenant.brand == job.brand:
                await _hand_over(database, tenant, job.payload.guide_id)

    async def privacy_request(job: Job[members.Asked]) -> None:
        for tenant in await tenants():
            if tenant.brand == job.brand:
                await privacy.do(tenant, job.payload.request_id)

    return {
        "care_for_members": JobHandler(Nothing, care_for_members),
        members.HANDOVER_JOB: JobHandler(members.GuideCustomers, hand_over_customers),
        members.PRIVACY_JOB: JobHandler(members.Asked, privacy_request),
    }


async def _care(database: Database, tenant: Tenant) -> None:
    """Go on with what is handed over, and take back into the pool whom nobody serves."""
    await database.attempt(tenant, members.mend_handovers)
    async with database.reading(tenant) as tx:
        guides = await members.handed_over(tx)
    for guide_id in guides:
        await _hand_over(database, tenant, guide_id)
    for work in (members.return_idle, members.forget_touches):
        while await database.attempt(tenant, work):
            continue


async def _hand_over(database: Database, tenant: Tenant, guide_id: organisation.GuideId) -> None:
    """Hand over the customers of a guide, a batch a transaction, until none is left."""

    async def batch(tx: Tx) -> bool:
        return await members.hand_over_some(tx, guide_id)

    while await database.attempt(tenant, batch):
        continue


_TILL_WORK: Sequence[Callable[[Tx], Awaitable[int]]] = (orders.expire_held, members.forget_codes)


SCHEDULES: Sequence[Schedule] = (
    Schedule("make_room", "17 * * * *", Nothing()),
    Schedule("tidy_books", "*/10 * * * *", Nothing()),
    Schedule("reconcile", "7,37 * * * *", Nothing()),
    Schedule("care_for_members", "*/10 * * * *", Nothing()),
    Schedule("work_on_stock", "* * * * *", Nothing()),
    Schedule(inventory.LOOK_AT_ALL, "43 3 * * *", Nothing()),
)
