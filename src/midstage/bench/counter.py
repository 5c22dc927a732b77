"""`midstage bench counter`: sales of 8 lines by barcode from 16 tills, and 10,000 offline sales over a bad network."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from midstage import processes
from midstage.bench import ground
from midstage.bench.client import Connection, percentile, request
from midstage.bench.ground import Ground, Say, Size
from midstage.bench.orders import backends, cpu_of, family, settle
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import Settings
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

LINES = 8
TILLS = 16
RATE = 100.0
OFFLINE_TILLS = 50
BATCH = 20
UPLOADS = 3
WARM_UP_S = 5.0
_ROLE = "store_manager"


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench counter`. Times count from the moment in which a sale was due, not sent."""

    sales_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    app_cpu_ms: float
    db_cpu_ms: float
    most_per_s: float
    """With every till selling as fast as it is answered."""
    offline_sales: int
    offline_per_s: float
    uploads: int
    cuts: int
    doubled: int
    lost: int
    findings: int
    """Of the doctor, in orders, payments, ledger and stock."""
    first_error: str = ""

    @property
    def well(self) -> bool:
        return not (self.errors or self.doubled or self.lost or self.findings)


class Till(msgspec.Struct, frozen=True):
    """A till of the benchmark, and the token of who sells at it."""

    till_id: UUID
    store_id: organisation.StoreId
    token: str


class Sold(msgspec.Struct):
    """What a run of the tills saw."""

    sales: int = 0
    errors: int = 0
    seconds: float = 0.0
    times_ms: list[float] = []
    first_error: str = ""


class Uploaded(msgspec.Struct):
    """What the offline part saw."""

    uploads: int = 0
    cuts: int = 0
    refused: int = 0
    seconds: float = 0.0
    first_error: str = ""


def run(settings: Settings, size: Size, *, seconds: int, offline: int, say: Say) -> Result:
    """Measure on a throw-away database with two API processes."""
    with ground.throw_away_server() as server:
        return asyncio.run(_measure(server, settings, size, seconds=seconds, offline=offline, say=say))


async def _measure(
    server: EmbeddedPostgres, settings: Settings, size: Size, *, seconds: int, offline: int, say: Say
) -> Result:
    database = await Database.open(server.url, pool_size=8, statement_timeout_ms=600_000)
    made = await ground.make(database, size, say=say)
    say("tills")
    tills = await _open_tills(database, made, TILLS, per_store=2)
    own = msgspec.structs.replace(
        settings, home=server.home, port=processes.free_port(), api_processes=2, pool_size=TILLS
    )
    with processes.Processes(server.home) as running:
        api = processes.api(own, server.url)
        running.start(api)
        await asyncio.to_thread(running.wait_ready, api)
        counter = Counter(made, tills, own.host, own.port)
        say("warming up")
        await counter.at_rate(seconds=WARM_UP_S, rate=RATE)
        await settle(database)
        say(f"{RATE:.0f} sales a second")
        used = cpu_of(family(api)), cpu_of(backends(server))
        sold = await counter.at_rate(seconds=seconds, rate=RATE)
        cpu = cpu_of(family(api)) - used[0], cpu_of(backends(server)) - used[1]
        say("as fast as it goes")
        most = await counter.closed(seconds=max(2.0, seconds / 2))
        say(f"{offline} offline sales")
        away = await _open_tills(database, made, OFFLINE_TILLS, per_store=5, skip=TILLS)
        device = Devices(made, away, own.host, own.port, sales=offline)
        uploaded = await device.upload()
        doubled, lost = await _missed(database, made, device)
    findings = await _findings(database, made)
    await database.close()
    return Result(
        sales_per_s=round(sold.sales / sold.seconds, 1),
        p50_ms=round(percentile(sold.times_ms, 0.5), 1),
        p99_ms=round(percentile(sold.times_ms, 0.99), 1),
        errors=sold.errors + most.errors + uploaded.refused,
        app_cpu_ms=round(1000 * cpu[0] / max(1, sold.sales), 2),
        db_cpu_ms=round(1000 * cpu[1] / max(1, sold.sales), 2),
        most_per_s=round(most.sales / most.seconds, 1),
        offline_sales=offline,
        offline_per_s=round(offline / uploaded.seconds, 1),
        uploads=uploaded.uploads,
        cuts=uploaded.cuts,
        doubled=doubled,
        lost=lost,
        findings=len(findings),
        first_error=sold.first_error or most.first_error or uploaded.first_error or " ".join(findings[:1]),
    )


class Counter:
    """Cashiers at tills: 8 lines by barcode, a member with two sales of three, card and cash."""

    def __init__(self, made: Ground, tills: Sequence[Till], host: str, port: int) -> None:
        self._made = made
        self._tills = tills
        self._host = host
        self._port = port
        self._chance = random.Random(7)  # noqa: S311  # the same sales every time

    async def at_rate(self, *, seconds: float, rate: float) -> Sold:
        """Sell at a rate, whether the answers keep up or not: shoppers come when they come."""
        sold = Sold()
        each = rate / len(self._tills)
        begun = time.perf_counter()
        await asyncio.gather(*(self._serve(sold, till, begun, seconds, each) for till in self._tills))
        sold.seconds = time.perf_counter() - begun
        return sold

    async def closed(self, *, seconds: float) -> Sold:
        """Sell the next as soon as the last was answered."""
        sold = Sold()
        begun = time.perf_counter()
        await asyncio.gather(*(self._hurry(sold, till, begun + seconds) for till in self._tills))
        sold.seconds = time.perf_counter() - begun
        return sold

    async def _serve(self, sold: Sold, till: Till, begun: float, seconds: float, rate: float) -> None:
        chance = random.Random(till.till_id.int)  # noqa: S311  # the same queue every time
        link = Connection(self._host, self._port)
        due = begun + chance.expovariate(rate)
        while due < begun + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._sell(sold, link, till, due)
            due += chance.expovariate(rate)
        link.close()

    async def _hurry(self, sold: Sold, till: Till, until: float) -> None:
        link = Connection(self._host, self._port)
        while (now := time.perf_counter()) < until:
            await self._sell(sold, link, till, now)
        link.close()

    async def _sell(self, sold: Sold, link: Connection, till: Till, due: float) -> None:
        try:
            status, body = await link.ask(self._request(till))
        except (OSError, asyncio.IncompleteReadError) as error:
            status, body = 0, repr(error).encode()
        if status == 201:
            sold.sales += 1
            sold.times_ms.append((time.perf_counter() - due) * 1000)
        else:
            sold.errors += 1
            sold.first_error = sold.first_error or f"{status} {body[:300].decode(errors='replace')}"

    def _request(self, till: Till) -> bytes:
        chance, made = self._chance, self._made
        body = {
            "till_id": str(till.till_id),
            "lines": [
                {"barcode": barcode, "quantity_milli": 1000 * chance.randint(1, 3)}
                for barcode in chance.sample(made.barcodes, LINES)
            ],
            "tenders": [{"method": "card_terminal", "amount_minor": 1000, "reference": "slip"}, {"method": "cash"}],
            "member_id": str(chance.choice(made.members)),
        }
        return _post("/v1/counter/sales", body, till.token)


class Devices:
    """Tills that were offline and tell of their sales, each up to three times, over a network that is cut at random."""

    def __init__(self, made: Ground, tills: Sequence[Till], host: str, port: int, *, sales: int) -> None:
        self._host = host
        self._port = port
        self._chance = random.Random(11)  # noqa: S311  # the same cuts every time
        self.tills = tills
        self.sales: dict[UUID, list[dict[str, object]]] = {till.till_id: [] for till in tills}
        begun = utc_now() - timedelta(hours=2)
        for n in range(sales):
            till = tills[n % len(tills)]
            self.sales[till.till_id].append(self._sale(made, n, (begun + timedelta(seconds=n / 4)).isoformat()))

    async def upload(self) -> Uploaded:
        """Tell all of it; ends when every sale was answered for."""
        seen = Uploaded()
        begun = time.perf_counter()
        await asyncio.gather(*(self._tell(seen, till) for till in self.tills))
        seen.seconds = time.perf_counter() - begun
        return seen

    async def _tell(self, seen: Uploaded, till: Till) -> None:
        """Batches in any order and overlapping; some twice at the same time; each until it was answered."""
        chance = random.Random(till.till_id.int)  # noqa: S311  # the same cuts every time
        sales = self.sales[till.till_id]
        batches = [sales[first : first + BATCH] for first in range(0, len(sales), BATCH)]
        chance.shuffle(batches)
        for batch in batches:
            times = chance.randint(1, UPLOADS)
            if times > 1 and chance.random() < 0.2:
                await asyncio.gather(*(self._send(seen, till, batch, chance, last=True) for _ in range(times)))
                continue
            for turn in range(times):
                await self._send(seen, till, batch, chance, last=turn == times - 1)

    async def _send(
        self, seen: Uploaded, till: Till, batch: list[dict[str, object]], chance: random.Random, *, last: bool
    ) -> None:
        """Tell a batch; but for the last time the network may be cut anywhere in it."""
        some = chance.sample(batch, len(batch))
        wire = _post("/v1/counter/offline", {"till_id": str(till.till_id), "sales": some}, till.token)
        seen.uploads += 1
        if not last and chance.random() < 0.7:
            seen.cuts += 1
            await self._cut(wire, chance)
            return
        link = Connection(self._host, self._port)
        try:
            status, body = await link.ask(wire)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, body = 0, repr(error).encode()
        link.close()
        fates = [one["fate"] for one in json.loads(body)["sales"]] if status == 200 else []
        if status != 200 or "refused" in fates:
            seen.refused += 1
            seen.first_error = seen.first_error or f"{status} {body[:300].decode(errors='replace')}"

    async def _cut(self, wire: bytes, chance: random.Random) -> None:
        """Send a part of it, or all of it and do not wait for the answer."""
        try:
            _, writer = await asyncio.open_connection(self._host, self._port)
            writer.write(wire if chance.random() < 0.7 else wire[: chance.randrange(len(wire))])
            await writer.drain()
            await asyncio.sleep(chance.random() * 0.05)
            writer.transport.abort()
        except OSError:
            return

    def _sale(self, made: Ground, n: int, at: str) -> dict[str, object]:
        barcodes = self._chance.sample(made.barcodes, 3)
        lines = [{"barcode": code, "quantity_milli": 1000, "total_minor": 1_000 + n % 100} for code in barcodes]
        return {
            "device_sale_id": new_id().hex,
            "sequence": n,
            "device_at": at,
            "receipt": f"R{n}",
            "lines": lines,
            "tenders": [{"method": "cash"}],
        }


async def _open_tills(database: Database, made: Ground, count: int, *, per_store: int, skip: int = 0) -> list[Till]:
    """Tills with a cashier each and an open shift."""
    password = await access.hash_password("a password of the benchmark")

    async def one(tx: Tx, n: int) -> Till:
        at = made.stores[(skip + n // per_store) % len(made.stores)]
        name = f"cashier-{skip + n}"
        hired = await organisation.hire(tx, organisation.NewStaff(code=name, name="Cashier"))
        scope = organisation.Scope(stores=frozenset({at.store_id}))
        await access.create_login(tx, hired.staff_id, name, password, [access.RoleGrant(_ROLE, scope)])
        token = await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(days=1))
        new = organisation.NewTouchpoint(
            code=f"till-{skip + n}", name="Till", kind=organisation.TouchpointKind.TILL, store_id=at.store_id
        )
        till_id = await organisation.create_touchpoint(tx, new)
        await payments.open_shift(tx, till_id.touchpoint_id, at, float_minor=50_000, pieces=[])
        return Till(till_id.touchpoint_id, at.store_id, token)

    return [await database.attempt(made.tenant, lambda tx, n=n: one(tx, n)) for n in range(count)]


async def _missed(database: Database, made: Ground, devices: Devices) -> tuple[int, int]:
    """How many offline sales stand twice in the order book, and how many not at all."""
    doubled = lost = 0
    for till in devices.tills:
        told = [str(sale["device_sale_id"]) for sale in devices.sales[till.till_id]]
        async with database.reading(made.tenant) as tx:
            known = await orders.offline_orders(tx, organisation.TouchpointId(till.till_id), told)
        lost += len(set(told) - set(known))
    stores = {till.store_id for till in devices.tills}
    expected = sum(len(sales) for sales in devices.sales.values())
    found = 0
    filters = orders.OrderFilters(store_ids=frozenset(stores), kind=orders.Kind.TILL)
    page = PageRequest(limit=200)
    while True:
        async with database.reading(made.tenant) as tx:
            rows = await orders.find_orders(tx, filters, page)
        found += sum(row.touchpoint_id in devices.sales for row in rows.items)
        if rows.next is None:
            break
        page = PageRequest(rows.next, 200)
    doubled = found - (expected - lost)
    return doubled, lost


async def _findings(database: Database, made: Ground) -> list[str]:
    found: list[str] = []
    for check in (orders.checks, payments.checks, ledger.checks, inventory.checks):
        async with database.reading(made.tenant, snapshot=True) as tx:
            found += [str(one) for one in await check(tx)]
    return found


def _post(path: str, body: object, token: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id().hex}
    return request("POST", path, json.dumps(body).encode(), headers)
