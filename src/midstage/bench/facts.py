"""`midstage bench facts`: how long a fact takes from its commit to its listener, quiet and while a transaction stays open.

One sequencer and one deliverer, as a worker runs them; several writers that tell a fact each few milliseconds. The
second half of the run holds a transaction open that has written, which stalls whoever reads behind a horizon of
running transactions.
"""

import asyncio
import random
import time
from typing import ClassVar
from uuid import UUID

import msgspec

from midstage.bench import ground
from midstage.bench.client import percentile
from midstage.bench.ground import Say
from midstage.kit import partitions
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx, connect
from midstage.kit.facts import Delivered, Fact
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.facts.subscribers import Deliverer, Subscriber
from midstage.kit.ids import BrandId, new_id

WRITERS = 12
PAUSE_S = 0.05
PATIENCE = 6_000  # hundredths of a second that the last facts may take before they count as lost
_TENANT = Tenant(BrandId(1), "bench")
_TABLE = "create table bench_heard (brand_id integer, told_id uuid)"
_HEARD = "insert into bench_heard (brand_id, told_id) values ($1, $2)"
_COUNT = "select count(*) as heard, count(distinct told_id) as once from bench_heard where brand_id = $1"
_HOLD = "select pg_current_xact_id()"


class BenchTold(Fact, frozen=True):
    """A fact of the benchmark: when it was told, on the monotonic clock, in nanoseconds."""

    subject: ClassVar[str] = "told_id"
    told_id: UUID
    at_ns: int


class Delivery(msgspec.Struct, frozen=True):
    """Milliseconds from just before the commit of a fact until its listener has it."""

    p50_ms: float
    p99_ms: float
    most_ms: float
    facts: int


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench facts`."""

    quiet: Delivery
    held: Delivery
    lost: int
    doubled: int


def run(*, seconds: float, say: Say) -> Result:
    """Measure on a throw-away server, half of the time quiet and half with a transaction held open."""
    with ground.throw_away_server() as server:
        return asyncio.run(_measure(server.url, seconds / 2, say))


class _Bench:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.told = 0
        self.times_ms: list[float] = []
        self.stop = asyncio.Event()

    async def hear(self, tx: Tx, delivered: Delivered[BenchTold]) -> None:
        """The listener: an effect in the database, and the time it took to come here."""
        self.times_ms.append((time.monotonic_ns() - delivered.fact.at_ns) / 1e6)
        await tx.run(_HEARD, tx.brand, delivered.fact.told_id)

    async def write(self, nth: int, until: float) -> None:
        chance = random.Random(nth)  # noqa: S311  # the same pauses every time
        while time.monotonic() < until:
            async with self.database.writing(_TENANT) as tx:
                tx.tell(BenchTold(told_id=new_id(), at_ns=time.monotonic_ns()))
            self.told += 1
            await asyncio.sleep(PAUSE_S * 2 * chance.random())

    async def phase(self, seconds: float) -> Delivery:
        """Write for so long, and wait for the last of it."""
        self.times_ms, before = [], self.told
        until = time.monotonic() + seconds
        await asyncio.gather(*(self.write(nth, until) for nth in range(WRITERS)))
        for _ in range(PATIENCE):
            if len(self.times_ms) >= self.told - before:
                break
            await asyncio.sleep(0.01)
        times = self.times_ms
        return Delivery(
            round(percentile(times, 0.5), 1), round(percentile(times, 0.99), 1), round(max(times), 1), len(times)
        )


async def _measure(url: str, seconds: float, say: Say) -> Result:
    async def tenant_of(_: BrandId) -> Tenant:
        return _TENANT

    database = await Database.open(url, pool_size=WRITERS + 8)
    async with database.connection() as link:
        await partitions.ensure_partitions(link, utc_now())
        await link.execute(_TABLE)
    bench = _Bench(database)
    listener = Subscriber("bench.hear", bench.hear, frozenset({BenchTold.__name__}))
    tasks = [
        asyncio.create_task(Sequencer(database).run(bench.stop)),
        asyncio.create_task(Deliverer(database, [listener], tenant_of).run(bench.stop)),
    ]
    say("warming up")
    await bench.phase(1.0)
    say("quiet")
    quiet = await bench.phase(seconds)
    say("with a transaction held open")
    holder = await connect(url)
    await holder.execute("begin isolation level repeatable read")
    await holder.fetchval(_HOLD)
    held = await bench.phase(seconds)
    await holder.close()
    bench.stop.set()
    await asyncio.gather(*tasks)
    async with database.connection() as link:
        row = await link.fetchrow(_COUNT, _TENANT.brand)
    await database.close()
    heard, once = (row["heard"], row["once"]) if row else (0, 0)
    return Result(quiet, held, lost=bench.told - once, doubled=heard - once)
