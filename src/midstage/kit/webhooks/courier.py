"""The courier: takes endpoints that have something to get, one turn each, and sends.

Any number of couriers run in any number of processes: a turn has a lease on its endpoint, and an epoch without which
it writes nothing. Each endpoint's turn is a task of its own, so one that is dead or slow holds up no other.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import CALLED_OFF, TRANSIENT, Database
from midstage.kit.ids import BrandId
from midstage.kit.webhooks import endpoints, store
from midstage.kit.webhooks.outside import Outside
from midstage.kit.webhooks.turn import Taken, Turn
from midstage.kit.webhooks.types import EndpointId

POLL_S = 0.25
OUTAGE_PAUSE_S = 0.5
# Longer than a request and its writing may take; a courier that dies is missed for so long.
LEASE = timedelta(seconds=30)
MOST_TURNS = 200
AT_ONCE = 8
_log = structlog.get_logger()


class Courier:
    """Sends to every endpoint of every brand. `clock` is for those who test what happens after days."""

    def __init__(
        self,
        database: Database,
        tenant_of: Callable[[BrandId], Awaitable[Tenant]],
        outside: Outside,
        *,
        lease: timedelta = LEASE,
        at_once: int = AT_ONCE,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._tenant_of = tenant_of
        self._outside = outside
        self._lease = lease
        self._at_once = at_once
        self._clock = clock
        self._turns: dict[EndpointId, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop; requests that were sent are waited for and written down."""
        while not stop.is_set():
            try:
                await self._begin_turns(stop)
            except (*CALLED_OFF, *TRANSIENT) as error:
                _log.warning("webhooks_wait", error=type(error).__name__)
                await asyncio.sleep(OUTAGE_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_S)
        if self._turns:
            await asyncio.wait(self._turns.values())

    async def round(self) -> int:
        """A turn at each endpoint that has something to get; how many there were."""
        await self._begin_turns(asyncio.Event())
        begun = list(self._turns.values())
        if begun:
            await asyncio.gather(*begun)
        return len(begun)

    async def _begin_turns(self, stop: asyncio.Event) -> None:
        room = MOST_TURNS - len(self._turns)
        if room <= 0:
            return
        async with self._database.connection() as link:
            due = await store.due(link, self._clock(), room)
        for brand, endpoint_id in due:
            if endpoint_id not in self._turns:
                turn = asyncio.create_task(self._turn(brand, endpoint_id, stop))
                self._turns[endpoint_id] = turn
                turn.add_done_callback(lambda _, one=endpoint_id: self._turns.pop(one, None))

    async def _turn(self, brand: BrandId, endpoint_id: EndpointId, stop: asyncio.Event) -> None:
        tenant = await self._tenant_of(brand)
        try:
            taken = await self._take(tenant, endpoint_id)
            if taken is not None:
                await Turn(
                    self._database, self._outside, tenant, taken,
                    stop=stop, lease=self._lease, at_once=self._at_once, clock=self._clock,
                ).work()  # fmt: skip
        except (*CALLED_OFF, *TRANSIENT) as error:
            _log.warning("webhook_waits", brand=brand, endpoint=str(endpoint_id), error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # a fault at one endpoint is told, and the others get what is theirs
            _log.error("webhook_fault", brand=brand, endpoint=str(endpoint_id), exc_info=error)

    async def _take(self, tenant: Tenant, endpoint_id: EndpointId) -> Taken | None:
        now = self._clock()
        async with self._database.writing(tenant, now=now) as tx:
            row = await tx.row(store.TAKE, tenant.brand, endpoint_id, now, now + self._lease)
        if row is None:
            return None
        return Taken(
            endpoint_id=endpoint_id,
            url=row["url"],
            types=row["types"],
            keys=endpoints.keys_in(tenant.brand, endpoint_id, row),
            cursor=row["cursor"],
            epoch=row["epoch"],
            failures=row["failures"],
        )
