"""Processes that number and deliver the facts of the kill tests, and die at a given statement or when they are killed.

Run as a program it stays warm and forks: a line `step ROLE NTH WHEN` on its input makes a child that does one round
and kills itself before or after its NTH statement; `run ROLE NAME` makes one that works until it is killed. It answers
with the child's pid at once, and with `step`'s exit code when the child has ended.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from uuid import UUID

import asyncpg

from midstage.kit import database as kit_database
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered, Fact
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.facts.subscribers import Deliverer, Subscriber
from midstage.kit.ids import BrandId

TABLE = "create table belfry (id bigint generated always as identity, brand_id integer, bell uuid, nth integer, number bigint)"
_RING = "insert into belfry (brand_id, bell, nth, number) values ($1, $2, $3, $4)"


class BellRang(Fact, frozen=True):
    """A fact of the kill tests: the bells ring in any order, the strokes of one bell in theirs."""

    subject: ClassVar[str] = "bell_id"
    bell_id: UUID
    nth: int


async def ring(tx: Tx, delivered: Delivered[BellRang]) -> None:
    """The listener: one row a fact, so that what was skipped or doubled can be counted."""
    await tx.run(_RING, tx.brand, delivered.fact.bell_id, delivered.fact.nth, delivered.number)


def deliverer(database: Database) -> Deliverer:
    async def tenant_of(brand: BrandId) -> Tenant:
        return Tenant(brand, "belfry")

    return Deliverer(database, [Subscriber("belfry.ring", ring, frozenset({"BellRang"}))], tenant_of)


def arm(nth: int, when: str) -> None:
    """Let this process kill itself before or after the nth statement that it sends."""
    sent = 0

    def faulty(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def send(link: object, *args: Any, **named: Any) -> Any:
            nonlocal sent
            sent += 1
            mine = sent == nth
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await original(link, *args, **named)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return send

    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        setattr(kit_database._PooledConnection, name, faulty(getattr(asyncpg.Connection, name)))  # pyright: ignore[reportPrivateUsage]  # faults are put in from the inside


async def step(url: str, role: str, nth: int, when: str) -> None:
    """One round of a role, with a death in it."""
    database = await Database.open(url, pool_size=2)
    arm(nth, when)
    if role == "sequencer":
        # One name for all: who is started again need not wait for the lease of who died.
        await Sequencer(database, name="dies").number()
    else:
        await deliverer(database).round()


async def run(url: str, role: str, name: str) -> None:
    """Work until killed."""
    database = await Database.open(url, pool_size=2)
    never = asyncio.Event()
    if role == "sequencer":
        await Sequencer(database, name=name).run(never)
    else:
        await deliverer(database).run(never)


def main(url: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for line in sys.stdin:
        what, *rest = line.split()
        pid = os.fork()
        if pid == 0:
            work = step(url, rest[0], int(rest[1]), rest[2]) if what == "step" else run(url, rest[0], rest[1])
            asyncio.run(work)
            os._exit(0)
        answer = str(pid)
        if what == "step":
            answer = str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
        while what == "run" and os.waitpid(-1, os.WNOHANG)[0]:
            pass  # those that were killed


if __name__ == "__main__":
    main(sys.argv[1])
