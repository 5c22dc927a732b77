"""A shop under siege: `midstage serve` on an embedded server of its own, everybody at its doors, and somebody with kill -9.

Everything is real: processes, sockets, the supervisor, the simulated provider with its faults, a receiver of webhooks.
Those at the doors remember what they were told, and ask again with the same key whenever an answer was lost.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Self
from uuid import UUID

import psutil

from faults import office, outside, tills
from faults.hooks import Hooks
from faults.office import Office
from faults.shoppers import Shoppers
from faults.tills import Tills
from faults.traffic import ANSWER_WITHIN_S, BROKEN, PAUSE_S, Door
from midstage import doctor, migrations, processes
from midstage.bench import ground
from midstage.bench.client import request
from midstage.bench.ground import MERCHANT_NO, SECRET_VARIABLE, Ground, Size
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts.subscribers import Deliverer
from midstage.kit.findings import Finding
from midstage.kit.ids import BrandId, new_id
from midstage.kit.postgres import EmbeddedPostgres
from midstage.middle.payments import api as payments
from midstage.wiring import subscribers

SIZE = Size(stores=3, skus=40, members=40, tokens=40, stocked=40)
SHOPPERS, CASHIERS, DEVICES = 8, 3, 2
PROVIDER, RECEIVER, SUPERVISOR = "provider", "receiver", "supervisor"
# Each of them is killed; `api` is all of its processes, `api process` and `backend` one of several.
KINDS = ("api", "worker", RECEIVER, "postgres", PROVIDER, "api process", SUPERVISOR, "backend")


# Again for all when the worker has asked about each: the first who were asked may have been paid since.
_A_MINUTE_PASSES = """
update payment_attempt set next_query_at = now()
 where brand_id = $1 and state = 'started'
   and not exists (select from payment_attempt where brand_id = $1 and state = 'started' and next_query_at <= now())
"""

_UNNUMBERED = """
select count(*) from fact f where f.brand_id = $1
   and not exists (select from fact_number n where n.fact_id = f.id and n.recorded_at = f.recorded_at)
"""


class Siege:
    """Set up with `async with`; then `traffic`, `kill`, `recovered`, `paused`, and `settle`."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedPostgres(home)
        self.door = Door(processes.free_port())
        self.killed: Counter[str] = Counter()
        self.hooks = Hooks(home / "webhooks.jsonl")
        self._home = home
        self._calm = home / "calm"
        self._provider_port, self._receiver_port = processes.free_port(), processes.free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def __aenter__(self) -> Self:
        os.environ.setdefault(SECRET_VARIABLE, new_id().hex)
        self.server.start()
        await asyncio.to_thread(migrations.upgrade, self.server.url)
        self.database = await Database.open(self.server.url, pool_size=4, statement_timeout_ms=60_000)
        self.made: Ground = await ground.make(self.database, SIZE, say=lambda _: None)
        await self.database.attempt(self.tenant, self._point_at_sandbox)
        opened = await tills.furnish(self.database, self.made, CASHIERS + DEVICES)
        token = await office.hire(self.database, self.made)
        for name in (PROVIDER, RECEIVER, SUPERVISOR):
            self._start(name)
        await self.recovered()
        self.shoppers = Shoppers(self.door, self.made, f"http://127.0.0.1:{self._provider_port}")
        self.tills = Tills(self.door, self.made, opened)
        self.office = Office(self.door, self.made, token)
        await self.hooks.make(self.door, f"http://127.0.0.1:{self._receiver_port}", token)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in reversed(self._running.values()):
            process.terminate()
        for process in reversed(self._running.values()):
            await asyncio.to_thread(process.wait, 30)
        await self.database.close()
        self.server.leave()

    @property
    def tenant(self) -> Tenant:
        return self.made.tenant

    @asynccontextmanager
    async def traffic(self) -> AsyncGenerator[None]:
        """Everybody comes; at the end nobody is let in any more, and every wish is followed to its answer."""
        async with asyncio.TaskGroup() as group:
            for nth in range(SHOPPERS):
                group.create_task(self.shoppers.shop(nth))
            for nth in range(CASHIERS):
                group.create_task(self.tills.sell(nth))
            for nth in range(CASHIERS, CASHIERS + DEVICES):
                group.create_task(self.tills.tell(nth))
            group.create_task(self.office.reconcile())
            yield
            self.door.gate.over = True

    async def kill(self, what: str) -> None:
        """Kill -9 one of KINDS."""
        for pid in self._pids(what):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[what] += 1

    async def recovered(self) -> None:
        """Start again what nobody watches over, and wait until everything is there."""
        for name, process in self._running.items():
            if process.poll() is not None:
                self._start(name)
        await self._eventually("the API answers", self._answers)

    @asynccontextmanager
    async def paused(self) -> AsyncGenerator[None]:
        """Let every wish come to its answer, and nobody in meanwhile."""
        async with self.door.gate.shut():
            yield

    async def settle(self) -> None:
        """Let everything that was begun come to its end: lost callbacks are repaired, all facts delivered."""
        await self.recovered()
        self._calm.touch()
        await self._eventually("lost callbacks are repaired", self._all_repaired)
        await self._eventually("the facts are delivered", self._all_delivered)
        await self._eventually("the webhooks have got everything", self._all_sent)

    async def hurry(self) -> None:
        """Let the hours pass that webhooks wait after failures."""
        async with self.database.connection() as link:
            await self.hooks.hurry(link, self.tenant.brand)

    async def retried(self, chance: random.Random, most: int) -> list[str]:
        """Ask again for orders and sales with the same key; what was answered otherwise than before, to the byte."""
        wrong: list[str] = []
        with closing(self.door.connection()) as link:
            for told in (self.shoppers.promises, self.tills.sales):
                for promise in chance.sample(told, min(most, len(told))):
                    status, body = await asyncio.wait_for(link.ask(promise.request), ANSWER_WITHIN_S)
                    if (status, body) != (201, promise.answer):
                        wrong.append(f"{status} {body[:200]!r} instead of {promise.answer[:200]!r}")
        return wrong

    async def kept(self) -> list[UUID]:
        """Every order in the book."""
        async with self.database.connection() as link:
            rows = await link.fetch("select order_id from sales_order where brand_id = $1", self.tenant.brand)
        return [row["order_id"] for row in rows]

    async def states(self) -> dict[UUID, tuple[str, int, int]]:
        """State, paid and refunded of every order."""
        async with self.database.connection() as link:
            rows = await link.fetch(
                "select order_id, state, paid_minor, refunded_minor from sales_order where brand_id = $1",
                self.tenant.brand,
            )
        return {row["order_id"]: (row["state"], row["paid_minor"], row["refunded_minor"]) for row in rows}

    async def findings(self) -> list[Finding]:
        return (await doctor.examine(self.database)).findings

    # --- the processes

    def _start(self, name: str) -> None:
        arguments = {
            PROVIDER: (
                "-m", "midstage.adapters.sandbox_pay", "--port", str(self._provider_port),
                "--data", str(self._home / "sandbox.sqlite"), "--secret-env", SECRET_VARIABLE,
                "--retry-base-ms", "200",
            ),
            RECEIVER: (outside.__file__, str(self._receiver_port), str(self._home / "webhooks.jsonl"), str(self._calm)),
            SUPERVISOR: ("-m", "midstage.cli", "serve"),
        }[name]  # fmt: skip
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MIDSTAGE_")},
            "MIDSTAGE_HOME": str(self._home), "MIDSTAGE_PORT": str(self.door.port), "MIDSTAGE_API_PROCESSES": "2",
            "MIDSTAGE_POOL_SIZE": "8", "MIDSTAGE_SANDBOX": "1",
        }  # fmt: skip
        with (self._home / "siege.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _pids(self, what: str) -> list[int]:
        if what in self._running:
            process = self._running[what]
            return [process.pid] if process.poll() is None else []
        if what in {"postgres", "backend"}:
            postmaster = self._postmaster()
            if postmaster is None or what == "postgres":
                return [] if postmaster is None else [postmaster]
            backends = [one.pid for one in _children(postmaster) if "midstage midstage" in " ".join(_command(one))]
            return backends[:1]
        children = {" ".join(_command(child)): child.pid for child in _children(self._running[SUPERVISOR].pid)}
        if what == "worker":
            return [pid for command, pid in children.items() if command.endswith(" worker")]
        api = [pid for command, pid in children.items() if "granian" in command]
        if what == "api":
            return api
        forked = [one.pid for pid in api for one in _children(pid) if "resource_tracker" not in " ".join(_command(one))]
        return forked[:1]

    def _postmaster(self) -> int | None:
        """Its number, unless it is dead: numbers are given out again."""
        with contextlib.suppress(FileNotFoundError, IndexError, psutil.NoSuchProcess):
            found = psutil.Process(int((self.server.data / "postmaster.pid").read_text().splitlines()[0]))
            return found.pid if "postgres" in found.name() else None
        return None

    async def _answers(self) -> bool:
        with contextlib.suppress(*BROKEN):
            with closing(self.door.connection()) as link:
                status, _ = await asyncio.wait_for(link.ask(request("GET", "/readyz", b"", {})), ANSWER_WITHIN_S)
            return status == 200
        return False

    async def _eventually(self, what: str, is_so: Callable[[], Awaitable[bool]], *, within_s: float = 120) -> None:
        until = time.monotonic() + within_s
        while not await is_so():
            if time.monotonic() > until:
                raise AssertionError(f"it never came to be that {what}\n{self._last_words()}")
            await asyncio.sleep(PAUSE_S)

    def _last_words(self) -> str:
        logs = [self._home / "siege.log", *(self._home / "logs").glob("*.log"), self.server.log]
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs if log.exists())

    # --- what comes to its end by itself

    async def _all_repaired(self) -> bool:
        """Whether everything that was paid at the provider is booked. The minute until it is asked is made short."""
        async with self.database.connection() as link:
            await link.execute(_A_MINUTE_PASSES, self.tenant.brand)
        states = await self.states()
        return all(states[one.order_id][1] > 0 for one in self.shoppers.promises if one.paid and one.order_id in states)

    async def _all_delivered(self) -> bool:
        async def tenant_of(_: BrandId) -> Tenant:
            return self.tenant

        async with self.database.connection() as link:
            unnumbered = await link.fetchval(_UNNUMBERED, self.tenant.brand)
        return unnumbered == 0 and all(
            lag.behind == 0 and lag.aside == 0
            for lag in await Deliverer(self.database, subscribers(), tenant_of).lags()
        )

    async def _all_sent(self) -> bool:
        await self.hurry()
        async with self.database.connection() as link:
            return await self.hooks.behind(link, self.tenant.brand) == 0

    async def _point_at_sandbox(self, tx: Tx) -> None:
        await payments.put_merchant(
            tx,
            provider="sandbox",
            payee=None,
            settings={"merchant_no": MERCHANT_NO, "base_url": f"http://127.0.0.1:{self._provider_port}"},
            secrets={"secret": f"env:{SECRET_VARIABLE}"},
        )


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
