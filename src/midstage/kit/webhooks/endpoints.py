"""Where a brand's facts go: made, changed, paused, given another secret, tried out, removed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from midstage.kit import sealing
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Record, Tx
from midstage.kit.facts.types import kinds
from midstage.kit.ids import BrandId, new_id
from midstage.kit.webhooks import messages, signing, store
from midstage.kit.webhooks.facts import WebhookMade, WebhookRemoved
from midstage.kit.webhooks.messages import FactMessage
from midstage.kit.webhooks.outside import Outside, check_url
from midstage.kit.webhooks.types import (
    LONGEST_OVERLAP,
    MOST_ENDPOINTS,
    BadSecretOverlap,
    EndpointChanged,
    EndpointId,
    NoSuchEndpoint,
    NoSuchFactType,
    TooManyEndpoints,
    Webhook,
    WebhookOutcome,
    WebhookState,
)

PING = "Ping"


class EndpointDraft(msgspec.Struct, frozen=True):
    """An endpoint as somebody wishes it."""

    url: str
    types: Sequence[str] = ()
    note: str = ""
    state: WebhookState = WebhookState.ACTIVE


async def make(tx: Tx, draft: EndpointDraft, *, loopback: bool) -> tuple[EndpointId, str]:
    """Send facts to one more place, from the next one on. Its secret is told now and never again.

    Raises BadAddress, NoSuchFactType or TooManyEndpoints.
    """
    types = _checked(draft, loopback=loopback)
    endpoint_id, secret = EndpointId(new_id()), signing.new_secret()
    sealed = sealing.seal(secret, _about(tx.brand, endpoint_id))
    await tx.row(store.TURNS, tx.brand)
    made = await tx.run(
        store.INSERT, tx.brand, endpoint_id, draft.url, draft.note, types, sealed, tx.now, MOST_ENDPOINTS
    )
    if not made:
        raise TooManyEndpoints(MOST_ENDPOINTS)
    tx.note("webhooks.make", "webhook", endpoint_id, after={"url": draft.url, "types": types})
    tx.tell(WebhookMade(endpoint_id=endpoint_id))
    return endpoint_id, signing.shown(secret)


async def change(
    tx: Tx, endpoint_id: UUID, draft: EndpointDraft, *, seen: int, loopback: bool, skip: bool = False
) -> Webhook:
    """Change where, which, or whether; who was disabled begins anew. With `skip` it leaves out what it has missed.

    Raises NoSuchEndpoint, EndpointChanged, BadAddress or NoSuchFactType.
    """
    before = await _lock(tx, endpoint_id)
    if before["version"] != seen:
        raise EndpointChanged
    types = _checked(draft, loopback=loopback)
    state = WebhookState.PAUSED if draft.state is WebhookState.DISABLED else draft.state
    await tx.run(store.CHANGE, tx.brand, endpoint_id, draft.url, draft.note, types, state, tx.now, skip)
    tx.note(
        "webhooks.change",
        "webhook",
        endpoint_id,
        before={name: before[name] for name in ("url", "types", "state")},
        after={"url": draft.url, "types": types, "state": state, "skip": skip},
    )
    return await endpoint(tx, endpoint_id)


async def rotate(tx: Tx, endpoint_id: UUID, *, overlap: timedelta) -> str:
    """Give an endpoint a new secret, told now and never again; for `overlap` requests have both signatures.

    Raises NoSuchEndpoint or BadSecretOverlap.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise BadSecretOverlap
    await _lock(tx, endpoint_id)
    secret = signing.new_secret()
    sealed = sealing.seal(secret, _about(tx.brand, EndpointId(endpoint_id)))
    await tx.run(store.ROTATE, tx.brand, endpoint_id, sealed, tx.now + overlap, tx.now)
    tx.note("webhooks.rotate", "webhook", endpoint_id, after={"old_until": tx.now + overlap})
    return signing.shown(secret)


async def remove(tx: Tx, endpoint_id: UUID) -> None:
    """Send nothing there any more, and forget its deliveries. Raises NoSuchEndpoint."""
    before = await _lock(tx, endpoint_id)
    await tx.run(store.DELETE, tx.brand, endpoint_id)
    tx.note("webhooks.remove", "webhook", endpoint_id, before={"url": before["url"]})
    tx.tell(WebhookRemoved(endpoint_id=endpoint_id))


async def endpoint(tx: Tx, endpoint_id: UUID) -> Webhook:
    """Raises NoSuchEndpoint."""
    found = await store.endpoints(tx, endpoint_id)
    if not found:
        raise NoSuchEndpoint
    return found[0]


async def endpoints(tx: Tx) -> list[Webhook]:
    """All of the brand's, at most MOST_ENDPOINTS, the oldest first."""
    return await store.endpoints(tx)


async def ping(database: Database, tenant: Tenant, outside: Outside, endpoint_id: UUID) -> WebhookOutcome:
    """Send a test message, whatever the endpoint's state, and say what came of it. Raises NoSuchEndpoint."""
    now = utc_now()
    async with database.reading(tenant, now=now) as tx:
        row = await tx.row(store.SECRETS, tx.brand, endpoint_id, now)
    if row is None:
        raise NoSuchEndpoint
    own = EndpointId(endpoint_id)
    test = FactMessage(
        id=f"ping_{new_id().hex}",
        type=PING,
        version=1,
        number=0,
        key=own,
        business_date=tenant.business_date(now).isoformat(),
        at=now,
        data={"endpoint_id": str(own)},
    )
    content = messages.body(test)
    headers = signing.headers(test.id, now, content, keys_in(tenant.brand, own, row))
    return await outside.post(row["url"], headers, content)


def keys_in(brand: BrandId, endpoint_id: EndpointId, row: Record) -> list[bytes]:
    """The keys that requests are signed with: the present one, and the one before while it is good."""
    sealed: list[bytes] = [one for one in (row["secret"], row["old_secret"]) if one is not None]
    return [sealing.unseal(one, _about(brand, endpoint_id)) for one in sealed]


def _about(brand: BrandId, endpoint_id: EndpointId) -> bytes:
    return f"webhook {brand} {endpoint_id}".encode()


def _checked(draft: EndpointDraft, *, loopback: bool) -> list[str]:
    check_url(draft.url, loopback=loopback)
    known = kinds()
    for name in draft.types:
        if name not in known:
            raise NoSuchFactType(name[:80])
    return sorted(set(draft.types))


async def _lock(tx: Tx, endpoint_id: UUID) -> Record:
    row = await tx.row(store.LOCK, tx.brand, endpoint_id)
    if row is None:
        raise NoSuchEndpoint
    return row
