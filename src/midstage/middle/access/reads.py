"""Reads of personal data: who looked at whom, where, and at what.

A read is noted when its answer is ready and written within half a second, many at once, so that looking costs nothing.
A process that is stopped writes what it has; one that is killed loses what it noted in its last half second
(docs/decisions/0022).
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import CALLED_OFF, TRANSIENT, Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.access.read_words import PersonalRead, ReadFilter
from midstage.middle.access.store import reads as store
from midstage.middle.access.store import touch_sessions

FLUSH_EVERY_S = 0.5
# What a database that is away for long may cost of memory; beyond it the oldest are lost, and the log says so.
MOST_WAITING = 100_000
_log = structlog.get_logger()


class _Touch(NamedTuple):
    session_id: UUID
    at: datetime
    ip: str


class Notebook:
    """What one process has noted and not yet written: reads of personal data, and when sessions were used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reads: dict[Tenant, list[PersonalRead]] = defaultdict(list)
        self._touches: dict[Tenant, dict[UUID, _Touch]] = defaultdict(dict)
        self._waiting = 0
        self._soon: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def saw(
        self,
        tenant: Tenant,
        by: Principal,
        call: str,
        *,
        fields: Sequence[str],
        member_id: UUID | None = None,
        order_id: UUID | None = None,
        persons: int = 1,
    ) -> None:
        """Note that somebody saw this."""
        if self._waiting >= MOST_WAITING:
            self._lose_oldest()
        self._waiting += 1
        self._reads[tenant].append(
            PersonalRead(by, call, member_id, order_id, tuple(fields), utc_now(), new_id(), persons)
        )
        self._flush_soon()

    def touched(self, tenant: Tenant, session_id: UUID, at: datetime, ip: str) -> None:
        """Note that a session is in use."""
        self._touches[tenant][session_id] = _Touch(session_id, at, ip)
        self._flush_soon()

    async def flush(self) -> None:
        """Write all that was noted; what the database does not take now is tried again with the next."""
        async with self._turn:
            for tenant in {*self._reads, *self._touches}:
                reads, touches = self._reads.pop(tenant, []), self._touches.pop(tenant, {})
                try:
                    await self._database.attempt(tenant, partial(_write, reads=reads, touches=list(touches.values())))
                except (*CALLED_OFF, *TRANSIENT) as error:
                    _log.warning("reads_wait", error=type(error).__name__, reads=len(reads))
                    self._reads[tenant][:0] = reads
                    self._touches[tenant] = {**touches, **self._touches[tenant]}
                else:
                    self._waiting -= len(reads)

    async def close(self) -> None:
        """Write what is left, at the end of the process."""
        if self._soon is not None:
            self._soon.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._soon
            self._soon = None
        await self.flush()
        if self._waiting:
            _log.error("reads_lost", reads=self._waiting)

    def _flush_soon(self) -> None:
        if self._soon is None or self._soon.done():
            self._soon = asyncio.get_running_loop().create_task(self._until_written())

    async def _until_written(self) -> None:
        while self._reads or self._touches:
            await asyncio.sleep(FLUSH_EVERY_S)
            # Not called off with the sleep: what was taken out would be lost in between.
            await asyncio.shield(self.flush())

    def _lose_oldest(self) -> None:
        tenant = next(iter(self._reads))
        lost = self._reads.pop(tenant)
        self._waiting -= len(lost)
        _log.error("reads_lost", reads=len(lost))


async def _write(tx: Tx, *, reads: Sequence[PersonalRead], touches: Sequence[_Touch]) -> None:
    """The writes of one brand, in one short transaction."""
    if reads:
        await store.insert(tx, reads)
    if touches:
        await touch_sessions(tx, touches)


async def personal_reads(tx: Tx, filters: ReadFilter, page: PageRequest) -> Page[PersonalRead]:
    """Who looked, the latest first. Raises paging.BadCursor."""
    rows = await store.read(tx, filters, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, lambda one: (one.at, one.read_id))
