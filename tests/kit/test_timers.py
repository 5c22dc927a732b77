"""A timer runs once, with its effect, whoever dies when."""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from midstage.kit import timers
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.timers import Due, Ran, TimerRunner, Wanted, clear_timer, run_due, set_timer, set_timers

PAST = timedelta(minutes=-1)
KIND = "test.expire"
EFFECT = "insert into effect (key) values ($1)"


class Note(msgspec.Struct, frozen=True):
    text: str


class BrokenError(Exception):
    """What a faulty handler raises."""


@pytest_asyncio.fixture(loop_scope="session")
async def house(own_db: Database) -> Database:
    """A database with a table for effects, and room for the same effect twice."""
    async with own_db.connection() as link:
        await link.execute("create table effect (key uuid not null)")
    return own_db


@pytest.fixture
def tenant_of(tenant: Tenant) -> Callable[[BrandId], Awaitable[Tenant]]:
    async def of(brand: BrandId) -> Tenant:
        return msgspec.structs.replace(tenant, brand=brand)

    return of


async def effect(tx: Tx, due: Due) -> None:
    await tx.run(EFFECT, due.key)


async def effects(house: Database) -> list[UUID]:
    async with house.connection() as link:
        return [row["key"] for row in await link.fetch("select key from effect")]


async def waiting(house: Database) -> int:
    async with house.connection() as link:
        return await link.fetchval("select count(*) from timer")


async def put(house: Database, tenant: Tenant, due_at: datetime | None = None) -> UUID:
    key = new_id()
    async with house.writing(tenant) as tx:
        await set_timer(tx, KIND, key, due_at or tx.now + PAST, Note("hello"))
    return key


async def test_a_due_timer_runs_once_with_its_payload(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    seen: list[Due] = []

    async def handler(tx: Tx, due: Due) -> None:
        assert tx.brand == tenant.brand
        seen.append(due)
        await effect(tx, due)

    key = await put(house, tenant)
    assert await run_due(house, {KIND: handler}, tenant_of) == Ran(1, 0, 0)
    assert await run_due(house, {KIND: handler}, tenant_of) == Ran(0, 0, 0)
    assert await effects(house) == [key]
    assert [due.read(Note) for due in seen] == [Note("hello")]
    assert await waiting(house) == 0


async def test_what_is_not_due_cleared_or_of_another_kind_does_not_run(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    later = await put(house, tenant, utc_now() + timedelta(hours=1))
    cleared = await put(house, tenant)
    async with house.writing(tenant) as tx:
        assert await clear_timer(tx, KIND, cleared)
        assert not await clear_timer(tx, KIND, cleared)
        await set_timer(tx, "test.other", new_id(), tx.now + PAST)
    assert await run_due(house, {KIND: effect}, tenant_of) == Ran(0, 0, 0)
    assert await effects(house) == []
    assert await run_due(house, {KIND: effect}, tenant_of, now=utc_now() + timedelta(hours=2)) == Ran(1, 0, 0)
    assert await effects(house) == [later]


async def test_a_timer_of_a_rolled_back_transaction_was_never_set(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    async def refused() -> None:
        async with house.writing(tenant) as tx:
            await set_timer(tx, KIND, new_id(), tx.now + PAST)
            raise BrokenError

    with pytest.raises(BrokenError):
        await refused()
    assert await run_due(house, {KIND: effect}, tenant_of) == Ran(0, 0, 0)


async def test_setting_again_moves_the_timer(house: Database, tenant: Tenant, tenant_of: timers.TenantOf) -> None:
    key = new_id()
    async with house.writing(tenant) as tx:
        await set_timers(tx, KIND, [Wanted(key, tx.now + PAST), Wanted(new_id(), tx.now + timedelta(days=1))])
    async with house.writing(tenant) as tx:
        await set_timer(tx, KIND, key, tx.now + timedelta(days=1))
    assert await run_due(house, {KIND: effect}, tenant_of) == Ran(0, 0, 0)
    assert await waiting(house) == 2


async def test_many_runners_share_the_work_and_double_none_of_it(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    other = msgspec.structs.replace(tenant, brand=BrandId(tenant.brand + 500_000))
    keys = {await put(house, whose) for whose in (tenant, other) for _ in range(15)}
    runs = await asyncio.gather(*(run_due(house, {KIND: effect}, tenant_of, concurrency=3) for _ in range(4)))
    assert sum(ran.done for ran in runs) == 30
    assert sum(ran.failed for ran in runs) == 0
    assert sorted(await effects(house)) == sorted(keys)


async def test_a_failure_undoes_the_effect_backs_off_and_gets_stuck_in_the_end(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    async def broken(tx: Tx, due: Due) -> None:
        await effect(tx, due)
        raise BrokenError("no such shelf")

    key = await put(house, tenant)
    fine = await put(house, tenant)

    async def either(tx: Tx, due: Due) -> None:
        await (broken if due.key == key else effect)(tx, due)

    now = utc_now()
    assert await run_due(house, {KIND: either}, tenant_of, now=now) == Ran(1, 1, 0)
    assert await effects(house) == [fine]
    assert await run_due(house, {KIND: either}, tenant_of, now=now) == Ran(0, 0, 0), "it backs off"
    for attempt in range(1, timers.MAX_ATTEMPTS):
        assert await timers.stuck(house) == []
        at = now + timedelta(hours=attempt)
        assert await run_due(house, {KIND: either}, tenant_of, now=at) == Ran(0, 1, 0)
    assert await run_due(house, {KIND: either}, tenant_of, now=now + timedelta(days=900)) == Ran(0, 0, 0)
    (found,) = await timers.stuck(house, brand=tenant.brand)
    assert (found.key, found.attempts, found.error) == (key, timers.MAX_ATTEMPTS, "BrokenError: no such shelf")
    async with house.writing(tenant) as tx:
        assert await timers.retry_stuck(tx, KIND, key)
        assert not await timers.retry_stuck(tx, KIND, key)
    assert await run_due(house, {KIND: effect}, tenant_of) == Ran(1, 0, 0)
    assert await effects(house) == [fine, key]


async def test_a_handler_may_set_or_clear_its_own_timer(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    again, gone = await put(house, tenant), await put(house, tenant)

    async def handler(tx: Tx, due: Due) -> None:
        await effect(tx, due)
        if due.key == again:
            await set_timer(tx, KIND, due.key, due.due_at)  # the very same moment
        else:
            await clear_timer(tx, KIND, due.key)

    assert await run_due(house, {KIND: handler}, tenant_of) == Ran(2, 0, 0)
    assert sorted(await effects(house)) == sorted([again, gone])
    assert await waiting(house) == 1


@pytest.mark.parametrize("change", ["move", "clear"])
async def test_who_moves_or_clears_a_running_timer_wins_without_a_deadlock(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf, change: str
) -> None:
    key = await put(house, tenant)
    order = "select pg_advisory_xact_lock(77)"  # stands for the lock of the order
    locked, running = asyncio.Event(), asyncio.Event()

    async def use_case() -> None:
        async with house.writing(tenant) as tx:
            await tx.run(order)
            locked.set()
            await running.wait()
            await asyncio.sleep(0.05)  # the handler waits for the order by now
            if change == "move":
                await set_timer(tx, KIND, key, tx.now + timedelta(days=1))
            else:
                await clear_timer(tx, KIND, key)

    async def handler(tx: Tx, due: Due) -> None:
        running.set()
        await tx.run(order)
        await effect(tx, due)

    async def runner() -> Ran:
        await locked.wait()
        return await run_due(house, {KIND: handler}, tenant_of)

    _, ran = await asyncio.gather(use_case(), runner())
    assert ran == Ran(0, 0, 1)
    assert await effects(house) == []
    assert await waiting(house) == (1 if change == "move" else 0)


async def die(tx: Tx) -> None:
    await tx.run("select pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("step", ["before the effect", "after the effect", "before the commit", "cancelled"])
async def test_a_connection_that_dies_at_any_step_leaves_the_timer_and_no_effect(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await put(house, tenant)
    flush = Tx.flush

    async def handler(tx: Tx, due: Due) -> None:
        if step == "before the effect":
            await die(tx)
        await effect(tx, due)
        if step == "after the effect":
            await die(tx)
        if step == "cancelled":
            await asyncio.sleep(60)

    async def dying_flush(tx: Tx) -> None:  # runs when the timer is taken already
        await die(tx)

    if step == "before the commit":
        monkeypatch.setattr(Tx, "flush", dying_flush)
    if step == "cancelled":
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_due(house, {KIND: handler}, tenant_of), 0.2)
    else:
        assert await run_due(house, {KIND: handler}, tenant_of) == Ran(0, 1, 0)
    monkeypatch.setattr(Tx, "flush", flush)
    assert await effects(house) == []
    assert await run_due(house, {KIND: effect}, tenant_of, now=utc_now() + timedelta(hours=1)) == Ran(1, 0, 0)
    assert await effects(house) == [key]


WORKER = """
import asyncio, sys
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.timers import TimerRunner

async def effect(tx, due):
    await tx.run("insert into effect (key) values ($1)", due.key)

async def tenant_of(brand):
    return Tenant(brand, "killed")

async def main():
    database = await Database.open(sys.argv[1], pool_size=6)
    await TimerRunner(database, {"test.expire": effect}, tenant_of, limit=20, poll_s=0.01).run()

asyncio.run(main())
"""


async def test_processes_killed_at_random_lose_and_double_nothing(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    keys = [new_id() for _ in range(1500)]
    async with house.writing(tenant) as tx:
        await set_timers(tx, KIND, [Wanted(key, tx.now + PAST) for key in keys])

    async def killed(after: int) -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, house.url, stderr=DEVNULL)
        try:
            while process.returncode is None and len(keys) - await waiting(house) < after:  # noqa: ASYNC110  # only the database knows
                await asyncio.sleep(0.01)
        finally:
            process.kill()
            await process.wait()

    dice = random.Random(7)
    await asyncio.gather(*(killed(dice.randrange(100, 900)) for _ in range(3)))
    assert 0 < await waiting(house) < len(keys), "they died in the middle of it"
    while (await run_due(house, {KIND: effect}, tenant_of, limit=2000, concurrency=8)).done or await waiting(house):
        continue
    assert sorted(await effects(house)) == sorted(keys)


async def test_the_runner_runs_what_falls_due_and_stops_when_told(
    house: Database, tenant: Tenant, tenant_of: timers.TenantOf
) -> None:
    ran = asyncio.Event()

    async def handler(tx: Tx, due: Due) -> None:
        await effect(tx, due)
        ran.set()

    runner = TimerRunner(house, {KIND: handler}, tenant_of, poll_s=0.02)
    task = asyncio.create_task(runner.run())
    key = await put(house, tenant, utc_now() + timedelta(seconds=0.2))
    await asyncio.wait_for(ran.wait(), 5)
    runner.stop()
    await asyncio.wait_for(task, 5)
    assert await effects(house) == [key]
