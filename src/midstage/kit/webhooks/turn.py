"""One turn at one endpoint: read what it is to get, send each subject's in their order, write down what came of it.

A fact of a subject is sent when what came of the one before it is written. So whenever a process dies, what is sent
again is the last of each subject at most, and nothing is lost: what has no row lies beyond the cursor.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.webhooks import messages, metrics, pauses, signing, store
from midstage.kit.webhooks.facts import WebhookDisabled
from midstage.kit.webhooks.messages import Message
from midstage.kit.webhooks.outside import Outside
from midstage.kit.webhooks.store import Row
from midstage.kit.webhooks.types import (
    DISABLED_AFTER,
    RETRIED_FOR,
    DeliveryState,
    EndpointId,
    WebhookEnd,
    WebhookOutcome,
    WebhookState,
)

BATCH = 200  # facts looked at in one go
SUBJECTS = 50  # subjects that are tried again in one go
CHAIN = 50  # facts of one of them
MOST_WAITING = 20_000  # beyond these an endpoint gets nothing new until some arrive
ROUNDS = 20  # then others have their turn, and somebody may have changed the endpoint


class Taken(msgspec.Struct, frozen=True):
    """An endpoint as a turn has it."""

    endpoint_id: EndpointId
    url: str
    types: list[str]
    keys: list[bytes]
    cursor: int
    epoch: int
    failures: int


class _Result(msgspec.Struct, frozen=True):
    """What is to be written of a message, and who waits for it. Without an outcome it waits behind another."""

    message: Message
    outcome: WebhookOutcome | None
    written: asyncio.Future[bool]


class Turn:
    """What is done with one endpoint between taking its lease and giving it back."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        tenant: Tenant,
        taken: Taken,
        *,
        stop: asyncio.Event,
        lease: timedelta,
        at_once: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._outside = outside
        self._tenant = tenant
        self._taken = taken
        self._stop = stop
        self._lease = lease
        self._clock = clock
        # An endpoint that rested is asked with one request whether it is well again.
        self._probing = taken.failures >= pauses.TRIP
        self._room = asyncio.Semaphore(at_once)
        self._in_a_row = taken.failures
        self._over = False
        self._lost = False
        self._went_on = False
        self._results: list[_Result] = []
        self._writer: asyncio.Task[None] | None = None
        self._cursor = taken.cursor
        self._unwritten: set[int] = set()
        self._read_to = taken.cursor

    async def work(self) -> None:
        """Send what there is, until there is no more of it, the endpoint has to rest, or we are told to stop."""
        try:
            for _ in range(ROUNDS):
                chains = await self._read()
                if chains:
                    await self._send_all(chains)
                if self._done or not await self._move(self._lease) or (not chains and not self._went_on):
                    break
        finally:
            if not self._lost:
                await self._move(timedelta(0))

    @property
    def _done(self) -> bool:
        return self._over or self._stop.is_set()

    async def _read(self) -> list[list[Message]]:
        """What is due again, and what is new: a list a subject."""
        now = self._clock()
        async with self._database.reading(self._tenant, now=now) as tx:
            again = await store.chains(tx, self._taken.endpoint_id, now, subjects=SUBJECTS, length=CHAIN)
            chains: dict[UUID, list[Message]] = {}
            for row in again:
                one = messages.message(self._tenant, row, attempts=row["attempts"], since=row["since"])
                chains.setdefault(row["key"], []).append(one)
            fresh = await self._read_new(tx)
        behind: list[Message] = []
        for one, blocked in fresh:
            if blocked:
                behind.append(one)
            else:
                chains.setdefault(one.key, []).append(one)
        if behind:
            await asyncio.gather(*(self._write(one, None) for one in behind))
        return list(chains.values())

    async def _read_new(self, tx: Tx) -> list[tuple[Message, bool]]:
        """The facts beyond the cursor, each with whether its subject has to wait."""
        taken = self._taken
        before = self._read_to
        if await tx.value(store.WAITING, tx.brand, taken.endpoint_id) < MOST_WAITING:
            rows = await tx.rows(store.READ, tx.brand, before, BATCH, taken.types, taken.endpoint_id)
        else:
            rows = []
        wanted = [row for row in rows if row["type"] is not None and not row["seen"]]
        blocked = await store.blocked(tx, taken.endpoint_id, [row["key"] for row in wanted]) if wanted else set[UUID]()
        if rows:
            self._read_to = rows[-1]["number"]
        self._went_on = self._read_to > before
        self._unwritten |= {row["number"] for row in wanted}
        return [(messages.message(self._tenant, row), row["key"] in blocked) for row in wanted]

    async def _send_all(self, chains: Sequence[Sequence[Message]]) -> None:
        if self._probing:
            first = min(chains, key=lambda chain: chain[0].number)
            await self._send(first[:1])
            if self._over:
                return
            self._probing = False
            rest = [chain if chain is not first else chain[1:] for chain in chains]
            chains = [chain for chain in rest if chain]
        ends = await asyncio.gather(*(self._send(chain) for chain in chains), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def _send(self, chain: Sequence[Message]) -> None:
        """The facts of one subject, one after the other; from one that fails on, the rest waits."""
        for place, one in enumerate(chain):
            async with self._room:
                if self._done:
                    return
                outcome = await self._ask(one)
                self._in_a_row = 0 if outcome.arrived else self._in_a_row + 1
                # The rest is fixed when this is written; until then no further request is sent.
                self._over = self._over or self._in_a_row >= pauses.TRIP
            if not await self._write(one, outcome):
                return
            if not outcome.arrived and not self._is_too_old(one):
                # Those that were read again have their rows already.
                new = [later for later in chain[place + 1 :] if later.since is None]
                await asyncio.gather(*(self._write(later, None) for later in new))
                return

    async def _ask(self, one: Message) -> WebhookOutcome:
        if one.change is None:
            return WebhookOutcome(True, None, 0, "the fact is past its retention")
        content = messages.body(one.change)
        headers = signing.headers(one.change.id, self._clock(), content, self._taken.keys)
        outcome = await self._outside.post(self._taken.url, headers, content)
        metrics.ATTEMPTS.labels("arrived" if outcome.arrived else "failed").inc()
        metrics.SECONDS.observe(outcome.took_ms / 1000)
        return outcome

    def _is_too_old(self, one: Message) -> bool:
        return one.since is not None and self._clock() - one.since >= RETRIED_FOR

    async def _write(self, one: Message, outcome: WebhookOutcome | None) -> bool:
        """Write it down with whatever else is to be written at this moment; False where the endpoint is ours no more."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._results.append(_Result(one, outcome, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await written

    async def _write_all(self) -> None:
        while self._results:
            results, self._results = self._results, []
            try:
                ours = await self._database.attempt(self._tenant, partial(self._record, results), now=self._clock())
            except Exception as error:  # noqa: BLE001  # told to all who wait for it
                self._over = self._lost = True
                for result in (*results, *self._results):
                    result.written.set_exception(error)
                self._results = []
                return
            for result in results:
                self._unwritten.discard(result.message.number)
                result.written.set_result(ours)

    async def _record(self, results: Sequence[_Result], tx: Tx) -> bool:
        tried = [
            result.outcome for result in results if result.outcome is not None and result.message.change is not None
        ]
        arrived = any(outcome.arrived for outcome in tried)
        row = await tx.row(
            store.FENCE, tx.brand, self._taken.endpoint_id, self._taken.epoch, tx.now + self._lease,
            arrived, _failed_last(tried), tx.now,
        )  # fmt: skip
        if row is None:
            self._over = self._lost = True
            return False
        rows = [self._row(result, tx.now) for result in results]
        await store.record(tx, self._taken.endpoint_id, rows)
        # Who has arrived, or is given up, lets the next of its subject go on.
        moved = [row.key for row in rows if row.state in (DeliveryState.DELIVERED, DeliveryState.GIVEN_UP)]
        again = {result.message.key for result in results if result.message.since is not None}
        if again & set(moved):
            await store.lead(tx, self._taken.endpoint_id, [key for key in moved if key in again])
        if arrived and row["failures_before"] >= pauses.TRIP:
            await tx.run(store.HURRY, tx.brand, self._taken.endpoint_id, tx.now)
        if row["state"] != WebhookState.ACTIVE:
            self._over = True
        elif any(not outcome.arrived for outcome in tried):
            await self._after_failure(tx, tried, row["failures"], row["failing_since"])
        return True

    async def _after_failure(
        self, tx: Tx, tried: Sequence[WebhookOutcome], failures: int, failing_since: datetime | None
    ) -> None:
        """Let an endpoint rest that fails again and again or asks for it, and end one that is beyond hope."""
        taken = self._taken
        why = WebhookEnd.GONE if any(outcome.gone for outcome in tried) else None
        if failing_since is not None and tx.now - failing_since >= DISABLED_AFTER:
            why = why or WebhookEnd.FAILING
        if why is not None:
            self._over = True
            if await tx.run(store.DISABLE, tx.brand, taken.endpoint_id, taken.epoch, why, tx.now):
                tx.note("webhooks.disable", "webhook", taken.endpoint_id, after={"why": why})
                tx.tell(WebhookDisabled(endpoint_id=taken.endpoint_id, cause=why))
                metrics.DISABLED.labels(why).inc()
            return
        asked = timedelta(seconds=max(outcome.retry_after_s for outcome in tried))
        pause = max(asked, pauses.rest(failures, random.random()))  # noqa: S311  # a pause, not a secret
        if pause > timedelta(0):
            self._over = True
            await tx.run(store.REST, tx.brand, taken.endpoint_id, taken.epoch, tx.now + pause)

    def _row(self, result: _Result, now: datetime) -> Row:
        one, outcome = result.message, result.outcome
        attempts, next_try = one.attempts, None
        if outcome is None:
            state = DeliveryState.BEHIND
        else:
            attempts += 1
            state = DeliveryState.DELIVERED
            if not outcome.arrived:
                state = DeliveryState.GIVEN_UP if self._is_too_old(one) else DeliveryState.RETRYING
        if state is DeliveryState.RETRYING:
            next_try = now + pauses.until_next_try(attempts, random.random())  # noqa: S311  # a pause, not a secret
        return Row(
            number=one.number,
            fact_id=one.fact_id,
            recorded_at=one.recorded_at,
            key=one.key,
            type=one.type,
            state=state,
            attempts=attempts,
            since=one.since or now,
            tried_at=now if outcome else None,
            next_try_at=next_try,
            status=outcome.status if outcome else None,
            took_ms=outcome.took_ms if outcome else None,
            told=outcome.told if outcome else "",
        )

    async def _move(self, lease: timedelta) -> bool:
        """Say how far the endpoint is; False where it is ours, or active, no more."""
        to = min(self._unwritten) - 1 if self._unwritten else self._read_to
        now = self._clock()
        async with self._database.writing(self._tenant, now=now) as tx:
            state = await tx.value(
                store.MOVE, tx.brand, self._taken.endpoint_id, self._taken.epoch, max(to, self._cursor), now + lease
            )
        self._cursor = max(to, self._cursor)
        self._lost = self._lost or state is None
        return state == WebhookState.ACTIVE


def _failed_last(tried: Sequence[WebhookOutcome]) -> int:
    """How many failed since the last that arrived, or of all."""
    count = 0
    for outcome in reversed(tried):
        if outcome.arrived:
            break
        count += 1
    return count
