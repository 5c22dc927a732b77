"""Transactions: all or nothing, of one brand and one moment, tried again only where the database called them off."""

import asyncio
import time
from datetime import UTC, date, datetime
from typing import ClassVar
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from midstage.kit import database
from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant
from midstage.kit.database import ATTEMPTS, Database, Record, Statement, Tx
from midstage.kit.facts.types import Fact
from midstage.kit.ids import new_id

TABLE = "create table if not exists bell (brand_id integer, key uuid, figure integer, primary key (brand_id, key))"
SET = "insert into bell (brand_id, key, figure) values ($1, $2, $3)"
ADD = "update bell set figure = figure + 1 where brand_id = $1 and key = $2"
CLEAR = "update bell set figure = 0 where brand_id = $1 and key = $2"
READ = "select figure from bell where brand_id = $1 and key = $2"
COUNT = "select count(*) from bell where brand_id = $1"
TOLD = "select type, key, business_date, payload from fact where brand_id = $1 order by id"
NOTED = "select count(*) from audit where brand_id = $1"
CALL_OFF = "do $$ begin raise exception 'called off' using errcode = '40001'; end $$"


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def bells(db: Database) -> None:
    """A table that no module has, so that no module's change reaches these tests."""
    async with db.connection() as link:
        await link.execute(TABLE)


class BellRung(Fact, frozen=True):
    subject: ClassVar[str] = "bell_id"
    bell_id: UUID
    times: int


async def _set(db: Database, tenant: Tenant, figure: int = 0) -> UUID:
    key = new_id()
    async with db.writing(tenant) as tx:
        await tx.run(SET, tx.brand, key, figure)
    return key


async def _read(db: Database, tenant: Tenant, key: UUID) -> int | None:
    async with db.reading(tenant) as tx:
        return await tx.value(READ, tx.brand, key)


async def _told(db: Database, tenant: Tenant) -> list[Record]:
    async with db.reading(tenant) as tx:
        return await tx.rows(TOLD, tx.brand)


async def _counted(db: Database, tenant: Tenant, sql: str = COUNT) -> int:
    async with db.reading(tenant) as tx:
        return await tx.value(sql, tx.brand)


async def test_a_block_that_ends_is_committed_with_what_it_told_and_noted(db: Database, tenant: Tenant) -> None:
    bell = new_id()
    async with db.writing(tenant) as tx:
        await tx.run(SET, tx.brand, bell, 1)
        tx.tell(BellRung(bell_id=bell, times=2))
        tx.note("rung", "bell", bell)
        assert await _told(db, tenant) == []
    assert await _read(db, tenant, bell) == 1
    assert [(row["type"], row["key"]) for row in await _told(db, tenant)] == [("BellRung", bell)]
    assert await _counted(db, tenant, NOTED) == 1


async def test_a_block_that_raises_leaves_nothing(db: Database, tenant: Tenant) -> None:
    bell = new_id()
    with pytest.raises(KeyError):
        async with db.writing(tenant) as tx:
            await tx.run(SET, tx.brand, bell, 1)
            tx.tell(BellRung(bell_id=bell, times=2))
            tx.note("rung", "bell", bell)
            await tx.flush()
            raise KeyError
    assert await _read(db, tenant, bell) is None
    assert await _told(db, tenant) == []
    assert await _counted(db, tenant, NOTED) == 0


async def test_a_failed_statement_fails_the_whole_and_the_connection_goes_on(db: Database, tenant: Tenant) -> None:
    bell = new_id()
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.writing(tenant) as tx:
            await tx.run(SET, tx.brand, bell, 1)
            await tx.run(SET, tx.brand, bell, 2)
    assert await _read(db, tenant, bell) is None
    await _set(db, tenant)


async def test_facts_are_told_in_order_and_on_the_business_day_of_their_moment(db: Database) -> None:
    tenant = Tenant(database.BrandId(900_001), "nightbell", zone="Asia/Shanghai", day_starts_minute=240)
    bell, now = new_id(), datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    async with db.writing(tenant, now=now) as tx:
        tx.tell(BellRung(bell_id=bell, times=1))
        tx.tell(BellRung(bell_id=bell, times=2), at=datetime(2026, 11, 21, 19, 0, tzinfo=UTC))
    first, second = await _told(db, tenant)
    assert (first["payload"], first["business_date"]) == (f'{{"times": 1, "bell_id": "{bell}"}}', date(2026, 11, 22))
    assert (second["payload"], second["business_date"]) == (f'{{"times": 2, "bell_id": "{bell}"}}', date(2026, 11, 21))


async def test_a_transaction_knows_its_brand_moment_and_principal(db: Database, tenant: Tenant) -> None:
    now, staff = datetime(2026, 11, 22, tzinfo=UTC), Principal("staff", new_id())
    async with db.writing(tenant, now=now, by=staff) as tx:
        assert (tx.brand, tx.tenant, tx.now, tx.by, tx.read_only) == (tenant.brand, tenant, now, staff, False)
    async with db.reading(tenant) as tx:
        assert (tx.by, tx.read_only, tx.now.tzinfo) == (SYSTEM, True, UTC)


async def test_a_savepoint_undoes_its_part_alone(db: Database, tenant: Tenant) -> None:
    kept, gone = new_id(), new_id()
    async with db.writing(tenant) as tx:
        await tx.run(SET, tx.brand, kept, 1)
        tx.tell(BellRung(bell_id=kept, times=1))
        tx.note("rung", "bell", kept)
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.savepoint():
                await tx.run(SET, tx.brand, gone, 1)
                tx.tell(BellRung(bell_id=gone, times=1))
                tx.note("rung", "bell", gone)
                await tx.run(SET, tx.brand, gone, 1)
        async with tx.savepoint():
            await tx.run(ADD, tx.brand, kept)
    assert await _read(db, tenant, kept) == 2
    assert await _read(db, tenant, gone) is None
    assert [row["key"] for row in await _told(db, tenant)] == [kept]
    assert await _counted(db, tenant, NOTED) == 1


async def test_savepoints_nest(db: Database, tenant: Tenant) -> None:
    keys = [new_id() for _ in range(3)]
    async with db.writing(tenant) as tx, tx.savepoint():
        await tx.run(SET, tx.brand, keys[0], 1)
        with pytest.raises(KeyError):
            async with tx.savepoint():
                await tx.run(SET, tx.brand, keys[1], 1)
                raise KeyError
        async with tx.savepoint():
            await tx.run(SET, tx.brand, keys[2], 1)
    assert [await _read(db, tenant, key) for key in keys] == [1, None, 1]


async def test_run_counts_the_rows_it_touched(db: Database, tenant: Tenant) -> None:
    key = await _set(db, tenant)
    async with db.writing(tenant) as tx:
        assert await tx.run(ADD, tx.brand, key) == 1
        assert await tx.run(ADD, tx.brand, new_id()) == 0
        assert await tx.run("set local work_mem = '4MB'") == 0


async def test_copy_loads_all_or_nothing(db: Database, tenant: Tenant) -> None:
    columns = ("brand_id", "key", "figure")
    rows = [(tenant.brand, new_id(), figure) for figure in range(1000)]
    async with db.writing(tenant) as tx:
        await tx.copy("bell", columns, rows)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.writing(tenant) as tx:
            await tx.copy("bell", columns, [(tenant.brand, new_id(), 0), rows[0]])
    assert await _counted(db, tenant) == 1000


async def test_reading_refuses_every_write(db: Database, tenant: Tenant) -> None:
    for snapshot in (False, True):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with db.reading(tenant, snapshot=snapshot) as tx:
                await tx.run(SET, tx.brand, new_id(), 1)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with db.reading(tenant) as tx:
            await tx.copy("bell", ("brand_id", "key", "figure"), [(tx.brand, new_id(), 1)])
    assert await _counted(db, tenant) == 0


async def test_a_snapshot_sees_one_moment_and_plain_reading_the_present(db: Database, tenant: Tenant) -> None:
    key = await _set(db, tenant, 1)
    async with db.reading(tenant, snapshot=True) as still, db.reading(tenant) as moving:
        assert await still.value(READ, still.brand, key) == 1
        async with db.writing(tenant) as tx:
            await tx.run(ADD, tx.brand, key)
        assert await still.value(READ, still.brand, key) == 1
        assert await moving.value(READ, moving.brand, key) == 2


async def test_the_loser_of_a_serialisation_conflict_tries_again_and_both_count(db: Database, tenant: Tenant) -> None:
    key = await _set(db, tenant)
    both_have_read = asyncio.Barrier(2)
    tries: list[str] = []

    async def add(name: str) -> None:
        async def work(tx: Tx) -> None:
            tries.append(name)
            await tx.run("set transaction isolation level repeatable read")
            await tx.value(READ, tx.brand, key)
            if tries.count(name) == 1:
                await both_have_read.wait()
            await tx.run(ADD, tx.brand, key)
            tx.tell(BellRung(bell_id=key, times=tries.count(name)))

        await db.attempt(tenant, work)

    await asyncio.gather(add("one"), add("other"))
    assert await _read(db, tenant, key) == 2
    assert len(tries) == 3
    assert len(await _told(db, tenant)) == 2


async def test_a_deadlock_is_tried_again(db: Database, tenant: Tenant) -> None:
    keys = [await _set(db, tenant), await _set(db, tenant)]
    both_hold_one = asyncio.Barrier(2)
    tries: list[int] = []

    async def add(first: int) -> None:
        async def work(tx: Tx) -> None:
            tries.append(first)
            await tx.run("set local deadlock_timeout = '20ms'")
            await tx.run(ADD, tx.brand, keys[first])
            if tries.count(first) == 1:
                await both_hold_one.wait()
            await tx.run(ADD, tx.brand, keys[1 - first])

        await db.attempt(tenant, work)

    await asyncio.gather(add(0), add(1))
    assert [await _read(db, tenant, key) for key in keys] == [2, 2]
    assert len(tries) == 3


async def test_write_skew_is_called_off_and_decided_anew(db: Database, tenant: Tenant) -> None:
    """Two doctors on call, each may leave only while the other stays: with serializable work one of them stays."""
    keys = [await _set(db, tenant, 1), await _set(db, tenant, 1)]
    both_have_counted = asyncio.Barrier(2)
    tries: list[int] = []

    async def leave(mine: int) -> None:
        async def work(tx: Tx) -> None:
            tries.append(mine)
            await tx.run("set transaction isolation level serializable")
            on_call = sum([await tx.value(READ, tx.brand, key) for key in keys])
            if tries.count(mine) == 1:
                await both_have_counted.wait()
            if on_call == 2:
                await tx.run(CLEAR, tx.brand, keys[mine])

        await db.attempt(tenant, work)

    await asyncio.gather(leave(0), leave(1))
    assert sum([await _read(db, tenant, key) or 0 for key in keys]) == 1


async def test_an_attempt_gives_up_after_its_number_and_leaves_nothing(db: Database, tenant: Tenant) -> None:
    tries: list[UUID] = []

    async def work(tx: Tx) -> None:
        tries.append(new_id())
        await tx.run(SET, tx.brand, tries[-1], 1)
        tx.tell(BellRung(bell_id=tries[-1], times=1))
        await tx.run(CALL_OFF)

    with pytest.raises(asyncpg.SerializationError):
        await db.attempt(tenant, work)
    assert len(tries) == ATTEMPTS
    assert await _counted(db, tenant) == 0
    assert await _told(db, tenant) == []


async def test_what_is_the_callers_own_fault_is_not_tried_again(db: Database, tenant: Tenant) -> None:
    key = await _set(db, tenant)
    tries: list[int] = []

    async def work(tx: Tx) -> None:
        tries.append(1)
        await tx.run(SET, tx.brand, key, 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await db.attempt(tenant, work)
    assert tries == [1]


async def test_a_statement_that_takes_too_long_is_cancelled_and_the_pool_goes_on(
    database_url: str, tenant: Tenant
) -> None:
    hasty = await Database.open(database_url, pool_size=2, statement_timeout_ms=100)
    try:
        began = time.monotonic()
        with pytest.raises(asyncpg.QueryCanceledError):
            async with hasty.writing(tenant) as tx:
                await tx.run(SET, tx.brand, new_id(), 1)
                await tx.value("select pg_sleep(30)")
        with pytest.raises(asyncpg.QueryCanceledError):
            async with hasty.reading(tenant) as tx:
                await tx.value("select pg_sleep(30)")
        assert time.monotonic() - began < 5
        assert await _counted(hasty, tenant) == 0
        await _set(hasty, tenant)
        assert await _counted(hasty, tenant) == 1
    finally:
        await hasty.close()


async def test_a_cancelled_task_leaves_no_open_transaction(database_url: str, tenant: Tenant) -> None:
    narrow = await Database.open(database_url, pool_size=1)
    try:
        asleep = asyncio.Event()

        async def sleep() -> None:
            async with narrow.writing(tenant) as tx:
                await tx.run(SET, tx.brand, new_id(), 1)
                asleep.set()
                await tx.value("select pg_sleep(30)")

        for _ in range(3):
            asleep.clear()
            task = asyncio.create_task(sleep())
            await asleep.wait()
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with narrow.writing(
            tenant
        ) as tx:  # the one connection there is: in a transaction it would warn, or see rows
            assert await tx.value(COUNT, tx.brand) == 0
    finally:
        await narrow.close()


async def test_a_connection_that_the_server_closes_is_replaced(database_url: str, tenant: Tenant) -> None:
    narrow = await Database.open(database_url, pool_size=1)
    try:
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)):
            async with narrow.writing(tenant) as tx:
                await tx.run(SET, tx.brand, new_id(), 1)
                await tx.value("select pg_terminate_backend(pg_backend_pid())")
                await tx.value("select 1")
        await _set(narrow, tenant)
        assert await _counted(narrow, tenant) == 1
    finally:
        await narrow.close()


async def test_nothing_of_a_transaction_stays_on_its_connection(database_url: str, tenant: Tenant) -> None:
    narrow = await Database.open(database_url, pool_size=1)
    try:
        async with narrow.writing(tenant) as tx:
            await tx.run("set local work_mem = '64kB'")
            await tx.value("select pg_advisory_xact_lock(4711)")
        async with narrow.writing(tenant) as tx:
            assert await tx.value("show work_mem") != "64kB"
            assert await tx.value("select count(*) from pg_locks where locktype = 'advisory' and objid = 4711") == 0
            assert await tx.value("show timezone") == "UTC"
    finally:
        await narrow.close()


async def test_the_recorder_hears_every_statement_of_a_transaction(own_db: Database, tenant: Tenant) -> None:
    heard: list[Statement] = []
    own_db.recorder = heard
    async with own_db.writing(tenant) as tx:
        await tx.run(NOTED, tx.brand)
        await tx.rows(TOLD, tx.brand)
    async with own_db.reading(tenant) as tx:
        await tx.row(NOTED, tx.brand)
    assert [sql for sql, _ in heard] == ["begin", NOTED, TOLD, "commit", NOTED]
    own_db.recorder = None


async def test_two_that_change_one_row_take_turns_and_none_is_lost(db: Database, tenant: Tenant) -> None:
    key = await _set(db, tenant)

    async def add() -> None:
        async with db.writing(tenant) as tx:
            await tx.run(ADD, tx.brand, key)

    await asyncio.gather(*(add() for _ in range(50)))
    assert await _read(db, tenant, key) == 50


async def test_no_server_is_an_error_at_once() -> None:
    with pytest.raises(OSError, match=r"."):
        await Database.open("postgresql://midstage@127.0.0.1:1/midstage")
