"""kill -9 at every statement and at any moment: no fact is skipped, none has its effect twice, and all goes on."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from kit.facts import bells
from kit.facts.bells import BellRang
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.ids import new_id
from midstage.kit.postgres import EmbeddedPostgres


class Ringers:
    """The warm program that forks sequencers and deliverers."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, bells.__file__, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def ask(self, line: str) -> int:
        """One question at a time, and so in the loop's own thread: the pipe has one line for each answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        return int(self._process.stdout.readline())

    async def step(self, role: str, nth: int, when: str) -> int:
        """The exit code of a child that dies at its nth statement: -9, or 0 where it had fewer."""
        return self.ask(f"step {role} {nth} {when}")

    async def start(self, role: str, name: str) -> int:
        return self.ask(f"run {role} {name}")

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # a session of its own: it and its children
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@pytest_asyncio.fixture(loop_scope="session")
async def belfry(own_db: Database) -> AsyncIterator[Database]:
    async with own_db.connection() as link:
        await link.execute(bells.TABLE)
    yield own_db


@pytest.fixture
def ringers(belfry: Database) -> Iterator[Ringers]:
    found = Ringers(belfry.url)
    yield found
    found.stop()


async def tell(db: Database, tenant: Tenant, *strokes: int) -> None:
    bell = new_id()
    async with db.writing(tenant) as tx:
        for nth in strokes:
            tx.tell(BellRang(bell_id=bell, nth=nth))


async def number(db: Database) -> int:
    """One pass of the sequencer; the backend of one that was killed may not have seen it yet, so we try again."""
    sequencer = Sequencer(db, name="dies")
    for _ in range(200):
        numbered = await sequencer.number()
        if numbered is not None:
            return numbered
        await asyncio.sleep(0.05)
    raise AssertionError("the dead sequencer keeps its lock")


async def finish(db: Database) -> None:
    """Number and deliver what is left, in this process."""
    deliverer = bells.deliverer(db)
    for _ in range(200):
        numbered = await number(db)
        # The first round of a brand only makes its cursor.
        if not numbered and not await deliverer.round() and not await deliverer.round():
            return
    raise AssertionError("the facts never came to an end")


async def heard(db: Database, tenant: Tenant) -> list[tuple[object, int]]:
    async with db.reading(tenant) as tx:
        rows = await tx.rows("select bell, nth from belfry where brand_id = $1 order by id", tenant.brand)
    return [(row["bell"], row["nth"]) for row in rows]


async def each_once(db: Database, tenant: Tenant, told: int) -> None:
    """Every fact was heard once, under numbers without a gap, and each bell's strokes in their order."""
    rows = await heard(db, tenant)
    assert len(rows) == len(set(rows)) == told
    by_bell: dict[object, list[int]] = {}
    for bell, nth in rows:
        by_bell.setdefault(bell, []).append(nth)
    assert all(strokes == sorted(strokes) for strokes in by_bell.values())
    async with db.reading(tenant) as tx:
        numbers = [
            row["number"]
            for row in await tx.rows("select number from belfry where brand_id = $1 order by number", tenant.brand)
        ]
        cursor = await tx.value("select number from fact_cursor where brand_id = $1", tenant.brand)
    assert numbers == list(range(1, told + 1))
    assert cursor == told


@pytest.mark.parametrize("role", ["sequencer", "deliverer"])
async def test_a_death_at_any_statement_skips_and_doubles_nothing(
    belfry: Database, ringers: Ringers, tenant: Tenant, role: str
) -> None:
    told = deaths = 0
    await tell(belfry, tenant, 1)  # so that there is a row of the sequencer, and a cursor
    told += 1
    await finish(belfry)
    for when in ("before", "after"):
        for nth in range(1, 40):
            await tell(belfry, tenant, 1, 2)
            told += 2
            if role == "deliverer":
                await number(belfry)
            died = await ringers.step(role, nth, when) == -signal.SIGKILL
            await finish(belfry)
            if not died:
                break  # the round has no more statements
            deaths += 1
    assert deaths >= 12, "begin, lock, read, write, move, commit: each before and after"
    await each_once(belfry, tenant, told)


async def test_deaths_at_any_moment_while_commits_come_out_of_order(
    belfry: Database, ringers: Ringers, tenant: Tenant
) -> None:
    chance = random.Random(5)
    stop = asyncio.Event()
    told = 0

    async def writer() -> None:
        nonlocal told
        bell, nth = new_id(), 0
        while not stop.is_set():
            pause = chance.choice([0, 0.001, 0.02, 0.3])
            gives_up = chance.random() < 0.1
            with contextlib.suppress(ZeroDivisionError):
                async with belfry.writing(tenant) as tx:
                    count = chance.randint(1, 3)
                    for more in range(count):
                        tx.tell(BellRang(bell_id=bell, nth=nth + more))
                    await tx.flush()
                    await asyncio.sleep(pause)
                    if gives_up:
                        raise ZeroDivisionError
                nth += count
                told += count

    async def killer(role: str, name: str) -> int:
        deaths = 0
        while not stop.is_set():
            pid = await ringers.start(role, name)
            await asyncio.sleep(chance.uniform(0.02, 0.4))
            os.kill(pid, signal.SIGKILL)
            deaths += 1
        return deaths

    writers = [asyncio.create_task(writer()) for _ in range(8)]
    killers = [
        asyncio.create_task(killer(role, name))
        for role, name in (("sequencer", "dies"), ("deliverer", "one"), ("deliverer", "two"))
    ]
    await asyncio.sleep(5)
    stop.set()
    await asyncio.gather(*writers)
    assert sum(await asyncio.gather(*killers)) >= 15
    assert told > 100
    await finish(belfry)
    await each_once(belfry, tenant, told)


async def test_a_restore_into_another_cluster_goes_on_where_it_stood(
    belfry: Database, server: EmbeddedPostgres, tenant: Tenant
) -> None:
    for _ in range(20):
        await tell(belfry, tenant, 1, 2)
    await finish(belfry)
    await tell(belfry, tenant, 1, 2)  # dumped before they have their numbers
    home = Path(tempfile.mkdtemp(prefix="midstage-other-"))
    other = EmbeddedPostgres(home, conf={"fsync": "off"})
    try:
        with other:
            await asyncio.to_thread(_move, server, belfry.url, other)
            database = await Database.open(other.url, pool_size=8)
            try:
                async with database.connection() as link:
                    here = await link.fetchval("select system_identifier from pg_control_system()")
                    there = await link.fetchval("select system_identifier from sequencer")
                assert here != there, "it is another cluster"
                await finish(database)
                await each_once(database, tenant, 42)
                for _ in range(10):
                    await tell(database, tenant, 1, 2, 3)
                    assert await Sequencer(database, name="dies").number() == 3
                await finish(database)
                await each_once(database, tenant, 72)
            finally:
                await database.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    await finish(belfry)
    await each_once(belfry, tenant, 42)


def _move(server: EmbeddedPostgres, url: str, other: EmbeddedPostgres) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dump = f"{folder}/facts.dump"
        subprocess.run([str(server.binary("pg_dump")), "-Fc", "-f", dump, url], check=True, timeout=60)
        subprocess.run([str(server.binary("pg_restore")), "-d", other.url, dump], check=True, timeout=60)
