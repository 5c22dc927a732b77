"""Delivery: each subscriber follows the numbers of each brand with a cursor of its own.

The effects of a batch and the cursor commit together, so an effect in our database happens once. The row lock on the
cursor is the lease: it ends with the transaction or the connection, so a killed worker blocks nobody, and another
worker skips what is locked instead of waiting.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from midstage.kit import database
from midstage.kit.clock import Tenant
from midstage.kit.database import CALLED_OFF, TRANSIENT, Connection, Database, Record, Tx
from midstage.kit.facts import aside, metrics
from midstage.kit.facts.sequencer import CHANNEL
from midstage.kit.facts.types import Delivered, Fact, decode
from midstage.kit.ids import BrandId

BATCH = 200
POLL_S = 1.0  # how long a lost notification can delay a delivery
OUTAGE_PAUSE_S = 0.5
LISTENER_TIMEOUT_S = 30

Listener = Callable[[Tx, Delivered[Any]], Awaitable[None]]
Forget = Callable[[Tx], Awaitable[None]]
TenantOf = Callable[[BrandId], Awaitable[Tenant]]


class Subscriber(msgspec.Struct, frozen=True):
    """A listener with its name and what it listens to. `forget` empties what it made, for a rebuild by replay."""

    name: str
    listen: Listener
    kinds: frozenset[str]
    forget: Forget | None = None


class _ListenerFailed(Exception):  # noqa: N818  # leaves the batch's transaction; never seen outside
    """Some listener of a batch raised; the batch is done again, one savepoint a fact."""


_BEHIND = """
select h.brand_id
  from fact_head h
  left join fact_cursor c on c.brand_id = h.brand_id and c.subscriber = $1
 where h.number > coalesce(c.number, 0)
"""

_LOCK = """
select number from fact_cursor where subscriber = $1 and brand_id = $2 for update skip locked
"""

_READ = """
select n.number, n.fact_id, n.recorded_at, f.type, f.version, f.key, f.payload, f.business_date
  from (select number, fact_id, recorded_at from fact_number
         where brand_id = $1 and number > $2 order by number limit $3) n
  left join fact f on f.brand_id = $1 and f.id = n.fact_id and f.recorded_at = n.recorded_at and f.type = any($4)
 order by n.number
"""

_MOVE = """
update fact_cursor set number = $3, moved_at = clock_timestamp() where subscriber = $1 and brand_id = $2
"""

_LAGS = """
select h.brand_id, s.subscriber, h.number - coalesce(c.number, 0) as behind,
       (select count(*) from fact_aside a where a.subscriber = s.subscriber and a.brand_id = h.brand_id) as aside
  from fact_head h cross join unnest($1::text[]) as s (subscriber)
  left join fact_cursor c on c.brand_id = h.brand_id and c.subscriber = s.subscriber
"""


class Lag(msgspec.Struct, frozen=True):
    """How far a subscriber is behind in one brand, and how many facts it has aside."""

    subscriber: str
    brand: BrandId
    behind: int
    aside: int


def subscribers_of(
    listeners: Mapping[type[Fact], Iterable[Listener]], *, forget: Mapping[Listener, Forget] | None = None
) -> list[Subscriber]:
    """Turn the table of who listens to what into subscribers: one a function, named module.function."""
    kinds: dict[Listener, set[str]] = {}
    for fact, functions in listeners.items():
        for function in functions:
            kinds.setdefault(function, set()).add(fact.__name__)
    return [
        Subscriber(_name(function), function, frozenset(names), (forget or {}).get(function))
        for function, names in kinds.items()
    ]


class Deliverer:
    """Delivers to a set of subscribers; any number of these may run, in any number of processes."""

    def __init__(self, on: Database, subscribers: Iterable[Subscriber], tenant_of: TenantOf) -> None:
        self._database = on
        self._subscribers = list(subscribers)
        self._tenant_of = tenant_of
        self._woken = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; a batch that has begun is finished."""
        listening = asyncio.create_task(self._listen(stop))
        try:
            while not stop.is_set():
                self._woken.clear()
                if not await self._round_or_pause():
                    await self._wait(stop)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def round(self) -> int:
        """One batch for every subscriber and brand that is behind, and what is due of the retries."""
        done = 0
        for subscriber in self._subscribers:
            async with self._database.connection() as link:
                brands = await link.fetch(_BEHIND, subscriber.name)
                due = await aside.brands_due(link, subscriber.name)
            for brand in dict.fromkeys(BrandId(row["brand_id"]) for row in brands):
                done += await self.deliver(subscriber, await self._tenant_of(brand))
            for brand in due:
                done += await self.retry(subscriber, await self._tenant_of(brand))
        return done

    async def deliver(self, subscriber: Subscriber, tenant: Tenant) -> int:
        """Deliver one batch of one brand. Returns how many facts the cursor moved over."""
        try:
            return await self._batch(subscriber, tenant, careful=False)
        except _ListenerFailed:
            return await self._batch(subscriber, tenant, careful=True)

    async def retry(self, subscriber: Subscriber, tenant: Tenant) -> int:
        """Try again what is due of this subscriber's failures, each with what waits behind it."""
        async with self._database.writing(tenant) as tx:
            if await tx.row(_LOCK, subscriber.name, tenant.brand) is None:
                return 0
            done = 0
            for held in await aside.due(tx, subscriber.name):
                done += await self._retry_key(tx, subscriber, held)
            return done

    async def lags(self) -> list[Lag]:
        """Where every subscriber stands, for `/metrics`, the doctor and the progress of an import."""
        async with self._database.connection() as link:
            rows = await link.fetch(_LAGS, [subscriber.name for subscriber in self._subscribers])
        found = [Lag(row["subscriber"], BrandId(row["brand_id"]), row["behind"], row["aside"]) for row in rows]
        for subscriber in self._subscribers:
            own = [lag for lag in found if lag.subscriber == subscriber.name]
            metrics.LAG.labels(subscriber.name).set(max((lag.behind for lag in own), default=0))
            metrics.ASIDE.labels(subscriber.name).set(sum(lag.aside for lag in own))
        return found

    async def _batch(self, subscriber: Subscriber, tenant: Tenant, *, careful: bool) -> int:
        async with self._database.writing(tenant) as tx:
            cursor = await tx.row(_LOCK, subscriber.name, tenant.brand)
            if cursor is None:
                await tx.run(_BEGIN_CURSOR, subscriber.name, tenant.brand)
                return 0
            rows = await tx.rows(_READ, tenant.brand, cursor["number"], BATCH, list(subscriber.kinds))
            if not rows:
                return 0
            wanted = [row for row in rows if row["type"] is not None]
            blocked = await aside.blocked_keys(tx, subscriber.name, [row["key"] for row in wanted])
            for row in wanted:
                if row["key"] in blocked:
                    await aside.wait_behind(tx, subscriber.name, row)
                elif careful:
                    if not await self._try(tx, subscriber, row):
                        blocked.add(row["key"])
                else:
                    await self._hand_over(tx, subscriber, row)
            await tx.run(_MOVE, subscriber.name, tenant.brand, rows[-1]["number"])
        metrics.DELIVERED.labels(subscriber.name).inc(len(wanted))
        return len(rows)

    async def _hand_over(self, tx: Tx, subscriber: Subscriber, row: Record) -> None:
        try:
            await _listen_to(tx, subscriber, row)
        except (*CALLED_OFF, *TRANSIENT):
            raise
        except Exception as error:
            raise _ListenerFailed from error

    async def _try(self, tx: Tx, subscriber: Subscriber, row: Record) -> bool:
        """Hand one fact over in a savepoint; if that fails, only it and later ones of its key are put aside."""
        try:
            async with tx.savepoint():
                await _listen_to(tx, subscriber, row)
        except (*CALLED_OFF, *TRANSIENT):
            raise
        except Exception as error:  # noqa: BLE001  # whatever a listener raises is kept for a person to see
            metrics.FAILED.labels(subscriber.name).inc()
            await aside.put(tx, subscriber.name, row, error)
            return False
        return True

    async def _retry_key(self, tx: Tx, subscriber: Subscriber, held: aside.Held) -> int:
        """The failed fact of a key, then those behind it, until one fails again or none is left."""
        done = 0
        for row in await aside.chain(tx, subscriber.name, held.key):
            try:
                async with tx.savepoint():
                    await _listen_to(tx, subscriber, row)
            except (*CALLED_OFF, *TRANSIENT):
                raise
            except Exception as error:  # noqa: BLE001  # see _try
                await aside.failed_again(tx, subscriber.name, row, error)
                return done
            await aside.done(tx, subscriber.name, row["number"])
            done += 1
        await aside.continue_soon(tx, subscriber.name, held.key)
        return done

    async def _round_or_pause(self) -> int:
        try:
            return await self.round()
        except (*CALLED_OFF, *TRANSIENT) as error:
            metrics.OUTAGES.labels("deliverer", type(error).__name__).inc()
            await asyncio.sleep(OUTAGE_PAUSE_S)
            return 0

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self._woken)]
        _, pending = await asyncio.wait(waits, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    async def _listen(self, stop: asyncio.Event) -> None:
        """Be woken by the sequencer; a torn connection is made anew, the polling covers the gap."""
        while not stop.is_set():
            try:
                link = await database.connect(self._database.url, name="midstage deliverer")
                try:
                    await self._listen_on(link)
                finally:
                    await link.close(timeout=1)
            except TRANSIENT:
                await asyncio.sleep(OUTAGE_PAUSE_S)

    async def _listen_on(self, link: Connection) -> None:
        torn = asyncio.Event()

        def note_end(_: object) -> None:
            torn.set()

        link.add_termination_listener(note_end)
        await link.add_listener(CHANNEL, self._wake)
        await torn.wait()

    def _wake(self, *_: object) -> None:
        self._woken.set()


_BEGIN_CURSOR = """
insert into fact_cursor (subscriber, brand_id) values ($1, $2) on conflict do nothing
"""


async def _listen_to(tx: Tx, subscriber: Subscriber, row: Record) -> None:
    delivered = Delivered(
        tx.brand,
        row["number"],
        row["fact_id"],
        decode(row["type"], row["version"], row["payload"]),
        row["business_date"],
        row["recorded_at"],
    )
    async with asyncio.timeout(LISTENER_TIMEOUT_S):
        await subscriber.listen(tx, delivered)


def _name(function: Listener) -> str:
    """`midstage.middle.loyalty.standing.note_purchase` is known as `loyalty.note_purchase`."""
    parts = function.__module__.split(".")
    home = parts[2] if parts[0] == "midstage" and len(parts) > 2 else parts[-1]
    return f"{home}.{function.__name__}"
