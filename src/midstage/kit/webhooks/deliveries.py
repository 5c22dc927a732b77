"""What was sent to an endpoint and what came of it, and sending it again."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.kit.webhooks import store
from midstage.kit.webhooks.endpoints import endpoint
from midstage.kit.webhooks.types import DeliveryState, NoSuchDelivery, WebhookDelivery

_NEWEST = 2**63 - 1


async def deliveries(
    tx: Tx, endpoint_id: UUID, page: PageRequest, *, state: DeliveryState | None = None, key: UUID | None = None
) -> Page[WebhookDelivery]:
    """The deliveries of an endpoint, the newest fact first; what arrived is kept for 30 days. Raises NoSuchEndpoint."""
    await endpoint(tx, endpoint_id)
    (before,) = page.place(tuple[int]) or (_NEWEST,)
    rows = await store.deliveries(tx, endpoint_id, before, state, key, page.fetch)
    return page.page(rows, lambda one: (one.number,))


async def replay_from(tx: Tx, endpoint_id: UUID, *, number: int | None = None, since: datetime | None = None) -> int:
    """Send everything again from a fact on, or from a moment, in order. Returns the number that it begins with.

    Facts that have arrived arrive again, under the same ids. Raises NoSuchEndpoint.
    """
    found = await endpoint(tx, endpoint_id)
    head, oldest = await store.head(tx)
    wished: int = number or await tx.value(store.NUMBER_AT, tx.brand, since) or head + 1
    first = max(wished, oldest or 1)
    if first <= found.cursor:
        await tx.run(store.FORGET_FROM, tx.brand, endpoint_id, first - 1)
    await tx.run(store.REWIND, tx.brand, endpoint_id, first - 1)
    tx.note("webhooks.replay", "webhook", endpoint_id, after={"from": first})
    return first


async def replay_one(tx: Tx, endpoint_id: UUID, number: int) -> None:
    """Send one delivery again, soon. Raises NoSuchEndpoint or NoSuchDelivery."""
    await endpoint(tx, endpoint_id)
    if not await _again(tx, endpoint_id, number):
        raise NoSuchDelivery
    tx.note("webhooks.replay", "webhook", endpoint_id, after={"number": number})


async def replay_failed(tx: Tx, endpoint_id: UUID) -> int:
    """Send again what was given up, and at once what waits for its next attempt. Returns how many were given up."""
    await endpoint(tx, endpoint_id)
    count = await _again(tx, endpoint_id, None)
    tx.note("webhooks.replay", "webhook", endpoint_id, after={"given_up": count})
    return count


async def _again(tx: Tx, endpoint_id: UUID, number: int | None) -> int:
    # The row of the endpoint first: a courier that writes meanwhile has lost its epoch, and writes nothing.
    await tx.run(store.REWIND, tx.brand, endpoint_id, _NEWEST)
    keys = [row["key"] for row in await tx.rows(store.AGAIN, tx.brand, endpoint_id, number, tx.now)]
    await store.lead(tx, endpoint_id, None if number is None else keys, hurry=True)
    return len(keys)
