"""`midstage bench orders`: orders of five lines through HTTP, against the bare statements in pgbench."""

import asyncio
import os
from collections.abc import Sequence

import msgspec
import psutil

from midstage import processes
from midstage.bench import bare, ground
from midstage.bench.client import Shoppers, Took, percentile
from midstage.bench.ground import SECRET_VARIABLE, Ground, Say, Size
from midstage.kit.database import Database
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import Settings
from midstage.middle.inventory import api as inventory

ROUNDS = 3
WARM_UP_S = 4.0


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench orders`. CPU is milliseconds an order, of all processes of its kind."""

    orders_per_s: float
    bare_per_s: float
    ratio: float
    p50_ms: float
    p99_ms: float
    app_cpu_ms: float
    db_cpu_ms: float
    errors: int
    oversold_units: int
    first_error: str = ""


def run(settings: Settings, size: Size, *, seconds: int, concurrency: int, say: Say) -> Result:
    """Measure on a throw-away database with two API processes, the bare statements in turn with the application."""
    with ground.throw_away_server() as server:
        return asyncio.run(_measure(server, settings, size, seconds=seconds, concurrency=concurrency, say=say))


async def _measure(
    server: EmbeddedPostgres, settings: Settings, size: Size, *, seconds: int, concurrency: int, say: Say
) -> Result:
    database = await Database.open(server.url, pool_size=8, statement_timeout_ms=600_000)
    made = await ground.make(database, size, say=say)
    secret = os.environ[SECRET_VARIABLE].encode()
    own = msgspec.structs.replace(
        settings, home=server.home, port=processes.free_port(), api_processes=2, pool_size=concurrency // 2 + 2
    )
    say("the bare statements")
    script = await bare.prepare(database, made, own, secret)
    with processes.Processes(server.home) as running:
        api = processes.api(own, server.url)
        running.start(api)
        await asyncio.to_thread(running.wait_ready, api)
        shoppers = Shoppers(made, secret, own.host, own.port, seed=1)
        await shoppers.run(seconds=WARM_UP_S, concurrency=concurrency)
        await settle(database)
        took, bare_per_s, cpu = await _rounds(server, api, shoppers, script, seconds, concurrency, say)
    oversold = await _oversold(database, made)
    await database.close()
    per_s = took.orders / took.seconds if took.seconds else 0.0
    app, db = (1000 * used / max(1, took.orders) for used in cpu)
    return Result(
        orders_per_s=round(per_s, 1),
        bare_per_s=round(bare_per_s, 1),
        ratio=round(per_s / bare_per_s, 3) if bare_per_s else 0.0,
        p50_ms=round(percentile(took.times_ms, 0.5), 1),
        p99_ms=round(percentile(took.times_ms, 0.99), 1),
        app_cpu_ms=round(app, 2),
        db_cpu_ms=round(db, 2),
        errors=took.errors,
        oversold_units=oversold,
        first_error=took.first_error,
    )


async def settle(database: Database) -> None:
    """Let the tables that the first orders filled be analysed, as they are on every database that has lived a day.

    A plan that was made while they were empty reads them whole, and stays until then.
    """
    async with database.connection() as link:
        await link.execute("vacuum analyze")
        await link.execute("checkpoint")


async def _rounds(
    server: EmbeddedPostgres,
    api: processes.Child,
    shoppers: Shoppers,
    script: str,
    seconds: int,
    concurrency: int,
    say: Say,
) -> tuple[Took, float, tuple[float, float]]:
    """The application and the bare statements in turn, so that a machine that slows down slows both."""
    total, bare_rates, cpu_app, cpu_db = Took(), list[float](), 0.0, 0.0
    for turn in range(ROUNDS):
        say(f"round {turn + 1} of {ROUNDS}")
        before = cpu_of(family(api)), cpu_of(backends(server))
        took = await shoppers.run(seconds=seconds / ROUNDS, concurrency=concurrency)
        cpu_app += cpu_of(family(api)) - before[0]
        cpu_db += cpu_of(backends(server)) - before[1]
        total.orders += took.orders
        total.errors += took.errors
        total.seconds += took.seconds
        total.times_ms += took.times_ms
        total.first_error = total.first_error or took.first_error
        bare_rates.append(
            await bare.pgbench(server, script, seconds=max(1, round(seconds / ROUNDS)), clients=concurrency)
        )
    return total, sum(bare_rates) / len(bare_rates), (cpu_app, cpu_db)


async def _oversold(database: Database, made: Ground) -> int:
    """Units promised beyond what there is: none, or the doctor's rows of stock say where."""
    async with database.reading(made.tenant, snapshot=True) as tx:
        return len(await inventory.checks(tx))


def family(child: processes.Child) -> list[psutil.Process]:
    """A process of ours and those that it started."""
    if child.process is None:
        return []
    parent = psutil.Process(child.process.pid)
    return [parent, *parent.children(recursive=True)]


def backends(server: EmbeddedPostgres) -> list[psutil.Process]:
    """The processes of a server."""
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_of(family: Sequence[psutil.Process]) -> float:
    """Seconds of CPU that these processes have used, those of children that have ended included."""
    total = 0.0
    for process in family:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total
