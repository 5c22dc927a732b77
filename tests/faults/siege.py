"""A shop under siege: `midstage serve` on an embedded server of its own, shoppers at its door, and somebody with kill -9.

Everything is real: processes, sockets, the supervisor, the simulated provider with its faults. The shoppers remember
what they were promised, and ask again with the same key whenever an answer was lost.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self
from uuid import UUID

import httpx
import msgspec
import psutil

from midstage import doctor, migrations, processes
from midstage.bench import ground
from midstage.bench.client import Connection, request
from midstage.bench.ground import MERCHANT_NO, SECRET_VARIABLE, Ground, Size
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts.subscribers import Deliverer
from midstage.kit.findings import Finding
from midstage.kit.ids import BrandId, new_id
from midstage.kit.postgres import EmbeddedPostgres
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from midstage.wiring import subscribers

SIZE = Size(stores=3, skus=40, members=40, tokens=40, stocked=40)
SHOPPERS = 10
ANSWER_WITHIN_S = 10
PAUSE_S = 0.2
# A busy till is not a benchmark: the machine also has to restart what was killed.
BREATH_S = 0.05
BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError)
FAULTS = {"": 55, "lost": 20, "doubled": 15, "late": 10}


# Again for all when the worker has asked about each: the first who were asked may have been paid since.
_A_MINUTE_PASSES = """
update payment_attempt set next_query_at = now()
 where brand_id = $1 and state = 'started'
   and not exists (select from payment_attempt where brand_id = $1 and state = 'started' and next_query_at <= now())
"""


class Promise(msgspec.Struct):
    """An order that was answered 201: the request, the very bytes of the answer, and what became of it after."""

    request: bytes
    answer: bytes
    order_id: UUID
    paid: bool = False
    cancelled: bool = False


class _Placed(msgspec.Struct):
    order_id: UUID
    payment_id: UUID


class _Cashier(msgspec.Struct):
    cashier_url: str


class Siege:
    """Set up with `async with`; then `load`, `kill`, and `settle`."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedPostgres(home)
        self.port, self.sandbox_port = processes.free_port(), processes.free_port()
        self.promises: list[Promise] = []
        self.unsure: list[bytes] = []
        self.odd: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self._home = home
        self._running: list[subprocess.Popen[bytes]] = []

    async def __aenter__(self) -> Self:
        os.environ.setdefault(SECRET_VARIABLE, new_id().hex)
        self.server.start()
        await asyncio.to_thread(migrations.upgrade, self.server.url)
        self.database = await Database.open(self.server.url, pool_size=4, statement_timeout_ms=60_000)
        self.made: Ground = await ground.make(self.database, SIZE, say=lambda _: None)
        await self.database.attempt(self.made.tenant, self._point_at_sandbox)
        self._start(
            "-m", "midstage.adapters.sandbox_pay", "--port", str(self.sandbox_port),
            "--data", str(self._home / "sandbox.sqlite"), "--secret-env", SECRET_VARIABLE, "--retry-base-ms", "200",
        )  # fmt: skip
        self.serve = self._start("-m", "midstage.cli", "serve")
        await self._ready()
        self.http = httpx.AsyncClient(timeout=ANSWER_WITHIN_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            await asyncio.to_thread(process.wait, 30)
        await self.database.close()
        self.server.leave()

    @property
    def tenant(self) -> Tenant:
        return self.made.tenant

    async def load(self, *, until: Callable[[], bool]) -> None:
        """Shoppers place, pay, cancel and forget, until told to stop; every wish is followed to its answer."""
        await asyncio.gather(*(self._shopper(nth, until) for nth in range(SHOPPERS)))

    async def kill(self, what: str) -> None:
        """Kill -9: `api` (all of it), `api process` (one of them), `worker`, `postgres`, `backend` (one of it)."""
        for pid in self._pids(what):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(PAUSE_S)

    async def settle(self) -> None:
        """Let everything that was begun come to its end: lost answers asked for again, lost callbacks repaired."""
        await self._ready()
        link = self._connection()
        for wish in self.unsure:
            await self._promised(link, wish)
        self.unsure.clear()
        link.close()
        await self._eventually("lost callbacks are repaired", self._all_repaired)
        await self._eventually("the facts are delivered", self._all_delivered)

    async def retried(self, chance: random.Random, most: int) -> list[str]:
        """Ask again for accepted orders with the same key; what was answered otherwise than before, to the byte."""
        wrong: list[str] = []
        link = self._connection()
        for promise in chance.sample(self.promises, min(most, len(self.promises))):
            status, body = await asyncio.wait_for(link.ask(promise.request), ANSWER_WITHIN_S)
            if (status, body) != (201, promise.answer):
                wrong.append(f"{status} {body[:200]!r} instead of {promise.answer[:200]!r}")
        link.close()
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

    # --- the shoppers

    async def _shopper(self, nth: int, until: Callable[[], bool]) -> None:
        chance = random.Random(nth)
        link = self._connection()
        while not until():
            wish = self._order(chance)
            promise = await self._promised(link, wish, until)
            if promise is None:
                self.unsure.append(wish)
            elif chance.random() < 0.75:
                await self._pay(link, promise, chance, until)
            if promise is not None and chance.random() < 0.1:
                await self._cancel(link, promise, until)
            await asyncio.sleep(BREATH_S)
        link.close()

    async def _promised(
        self, link: Connection, wish: bytes, until: Callable[[], bool] = lambda: False
    ) -> Promise | None:
        """Ask until there is an answer; None if the siege ended before."""
        while True:
            status, body = await self._ask(link, wish)
            if status == 201:
                promise = Promise(wish, body, msgspec.json.decode(body, type=_Placed).order_id)
                self.promises.append(promise)
                return promise
            if until():
                return None

    async def _pay(self, link: Connection, promise: Promise, chance: random.Random, until: Callable[[], bool]) -> None:
        wish = self._call(promise, f"/orders/{promise.order_id}/payment", {})
        status, body = await self._ask(link, wish)
        while status != 202:
            if until():
                return
            status, body = await self._ask(link, wish)
        url = msgspec.json.decode(body, type=_Cashier).cashier_url
        payment = msgspec.json.decode(promise.answer, type=_Placed).payment_id
        [fault] = chance.choices(list(FAULTS), list(FAULTS.values()))
        if fault:
            wanted = {"kind": fault, "payment_no": payment.hex, "times": 1, "seconds": 2}
            (await self.http.post(f"http://127.0.0.1:{self.sandbox_port}/faults", json=wanted)).raise_for_status()
        (await self.http.post(f"{url}/pay", json={})).raise_for_status()
        promise.paid = True

    async def _cancel(self, link: Connection, promise: Promise, until: Callable[[], bool]) -> None:
        wish = self._call(promise, f"/orders/{promise.order_id}/cancel", {})
        first: bytes | None = None
        while not until():
            status, body = await self._ask(link, wish)
            if status == 200 and first is None:
                promise.cancelled, first = True, body
                continue  # and once more with the same key
            if status == 200:
                if body != first:
                    self.odd["a cancel answered otherwise the second time"] += 1
                return

    async def _ask(self, link: Connection, wish: bytes) -> tuple[int, bytes]:
        """One try; (0, …) where the connection broke. Whatever is neither an answer nor an outage is odd."""
        try:
            status, body = await asyncio.wait_for(link.ask(wish), ANSWER_WITHIN_S)
        except BROKEN as error:
            link.close()
            self.broken[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_S)
            return 0, b""
        if status >= 500:
            self.broken[str(status)] += 1
            await asyncio.sleep(PAUSE_S)
        elif status not in {200, 201, 202}:
            self.odd[f"{status} {body[:200].decode(errors='replace')}"] += 1
            await asyncio.sleep(PAUSE_S)
        return status, body

    def _order(self, chance: random.Random) -> bytes:
        lines = [
            {"sku_id": str(sku), "quantity_milli": 1000 * chance.randint(1, 3)}
            for sku in chance.sample(self.made.skus, chance.randint(1, 5))
        ]
        body = {
            "lines": lines,
            "delivery": {"method": "pick_up"},
            "store_id": str(chance.choice(self.made.stores).store_id),
            "from_cart": False,
        }
        return self._request("/orders", body, chance.choice(self.made.tokens))

    def _call(self, promise: Promise, path: str, body: dict[str, str]) -> bytes:
        """A call of the same shopper."""
        head = promise.request.partition(b"Bearer ")[2]
        return self._request(path, body, head.partition(b"\r\n")[0].decode())

    def _request(self, path: str, body: object, token: str) -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id().hex}
        return request("POST", f"/v1/mall/{self.tenant.code}{path}", json.dumps(body).encode(), headers)

    def _connection(self) -> Connection:
        return Connection("127.0.0.1", self.port)

    # --- the processes

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MIDSTAGE_")},
            "MIDSTAGE_HOME": str(self._home), "MIDSTAGE_PORT": str(self.port), "MIDSTAGE_API_PROCESSES": "2",
            "MIDSTAGE_POOL_SIZE": "8",
        }  # fmt: skip
        with (self._home / "siege.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._running.append(process)
        return process

    def _pids(self, what: str) -> list[int]:
        if what in {"postgres", "backend"}:
            postmaster = int((self.server.data / "postmaster.pid").read_text().splitlines()[0])
            if what == "postgres":
                return [postmaster]
            backends = [one.pid for one in _children(postmaster) if "midstage midstage" in " ".join(_command(one))]
            return backends[:1]
        children = {" ".join(_command(child)): child.pid for child in _children(self.serve.pid)}
        if what == "worker":
            return [pid for command, pid in children.items() if command.endswith(" worker")]
        api = [pid for command, pid in children.items() if "granian" in command]
        if what == "api":
            return api
        forked = [one.pid for pid in api for one in _children(pid) if "resource_tracker" not in " ".join(_command(one))]
        return forked[:1]

    async def _ready(self) -> None:
        async def answers() -> bool:
            with contextlib.suppress(*BROKEN):
                link = self._connection()
                status, _ = await asyncio.wait_for(link.ask(request("GET", "/readyz", b"", {})), ANSWER_WITHIN_S)
                link.close()
                return status == 200
            return False

        await self._eventually("the API answers", answers)

    async def _eventually(self, what: str, is_so: Callable[[], Awaitable[bool]], *, within_s: float = 120) -> None:
        until = time.monotonic() + within_s
        while not await is_so():
            if time.monotonic() > until or self.serve.poll() is not None:
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
        return all(
            states[promise.order_id][1] > 0 for promise in self.promises if promise.paid and promise.order_id in states
        )

    async def _all_delivered(self) -> bool:
        async def tenant_of(_: BrandId) -> Tenant:
            return self.tenant

        async with self.database.connection() as link:
            unnumbered = await link.fetchval(
                "select count(*) from fact f where not exists"
                " (select from fact_number n where n.fact_id = f.id and n.recorded_at = f.recorded_at)"
            )
        return unnumbered == 0 and all(
            lag.behind == 0 and lag.aside == 0
            for lag in await Deliverer(self.database, subscribers(), tenant_of).lags()
        )

    async def _point_at_sandbox(self, tx: Tx) -> None:
        await payments.put_merchant(
            tx,
            provider="sandbox",
            payee=None,
            settings={"merchant_no": MERCHANT_NO, "base_url": f"http://127.0.0.1:{self.sandbox_port}"},
            secrets={"secret": f"env:{SECRET_VARIABLE}"},
        )


def is_right(promise: Promise, state: tuple[str, int, int]) -> bool:
    """Whether an order came to where its shopper may expect it."""
    name, paid, refunded = state
    if promise.cancelled:
        return name == orders.State.CANCELLED and paid == refunded
    if promise.paid:
        return name == orders.State.PAID and paid > 0 and refunded == 0
    # Whether an unanswered call to pay or cancel was done, nobody promised.
    return name in set(orders.State)


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
