"""Where the facts of the brand are sent, what came of it, and sending them again."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Moment, Short, Version, moment
from midstage.kit.database import Tx
from midstage.kit.facts.types import kinds
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.webhooks import api as webhooks

TAGS = ["open: webhooks"]
READ, WRITE, FACTS = "webhooks.read", "webhooks.write", "facts.read"
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Types = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=80)]],
    msgspec.Meta(max_length=200, description="Which facts; none: all of them"),
]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Overlap = Annotated[int, msgspec.Meta(ge=0, le=7 * 24, description="Hours")]
TAKING = (NeedsWholeBrand, webhooks.BadAddress, webhooks.NoSuchFactType)
FINDING = (NeedsWholeBrand, webhooks.NoSuchEndpoint)


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where facts are to be sent from now on."""

    url: Url
    types: Types = []
    note: Short = ""


class ChangeWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The webhook as it is to be. One that was disabled begins anew as `active`, and goes on where it was."""

    version: Version
    url: Url
    types: Types = []
    note: Short = ""
    active: bool = True
    skip_missed: bool = False
    """Leave out what it has missed while it was paused or disabled."""


class MadeWebhook(msgspec.Struct, frozen=True):
    """A webhook, and the secret that its requests are signed with: told now and never again."""

    endpoint_id: UUID
    secret: str


class NewSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long requests are signed with the old secret as well."""

    overlap_hours: Overlap = 24


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent again: everything from a number or a moment on; without either, all that was given up."""

    number: Number | None = None
    since: Moment | None = None


class Replayed(msgspec.Struct, frozen=True):
    """From which number everything is sent again, or how many were given up and are tried once more."""

    from_number: int | None
    given_up: int


class FactType(msgspec.Struct, frozen=True):
    """A kind of fact that a webhook may ask for, and the version that is sent."""

    type: str
    version: int
    about: str


@reading("/fact-types", tags=TAGS, needs=READ)
async def fact_types(_staff: Staff) -> list[FactType]:
    """Every kind of fact there is, by name."""
    known = [kind for kind in kinds().values() if kind.__module__.startswith("midstage.")]
    ordered = sorted(known, key=lambda kind: kind.__name__)
    return [FactType(kind.__name__, kind.version, " ".join((kind.__doc__ or "").split())) for kind in ordered]


@reading("/webhooks", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def webhook_list(tx: Tx, staff: Staff) -> list[webhooks.Webhook]:
    """The webhooks of the brand, the oldest first; at most 50."""
    whole_brand(staff, READ)
    return await webhooks.endpoints(tx)


@changing("POST", "/webhooks", status=201, tags=TAGS, needs=WRITE, refuses=(*TAKING, webhooks.TooManyEndpoints))
async def create_webhook(data: NewWebhook, request: AnyRequest, tx: Tx, staff: Staff) -> MadeWebhook:
    """Send facts to one more place, from the next fact on.

    Whoever says where facts go must be allowed to read them. The answer holds the secret, so it is not kept for a
    retry: send this once.
    """
    _may_send(staff)
    draft = webhooks.EndpointDraft(data.url, data.types, data.note)
    endpoint_id, secret = await webhooks.make(tx, draft, loopback=_loopback(request))
    return MadeWebhook(endpoint_id, secret)


@reading("/webhooks/{endpoint_id:uuid}", tags=TAGS, needs=READ, refuses=FINDING)
async def webhook(endpoint_id: UUID, tx: Tx, staff: Staff) -> webhooks.Webhook:
    """One webhook, with how it stands."""
    whole_brand(staff, READ)
    return await webhooks.endpoint(tx, endpoint_id)


@changing(
    "PUT",
    "/webhooks/{endpoint_id:uuid}",
    tags=TAGS,
    needs=WRITE,
    refuses=(*TAKING, webhooks.NoSuchEndpoint, webhooks.EndpointChanged),
)
async def change_webhook(
    endpoint_id: UUID, data: ChangeWebhook, request: AnyRequest, tx: Tx, staff: Staff
) -> webhooks.Webhook:
    """Change where facts go and which; pause it, or let it go on."""
    _may_send(staff)
    state = webhooks.WebhookState.ACTIVE if data.active else webhooks.WebhookState.PAUSED
    draft = webhooks.EndpointDraft(data.url, data.types, data.note, state)
    return await webhooks.change(
        tx, endpoint_id, draft, seen=data.version, loopback=_loopback(request), skip=data.skip_missed
    )


@changing("DELETE", "/webhooks/{endpoint_id:uuid}", status=204, tags=TAGS, needs=WRITE, refuses=FINDING)
async def remove_webhook(endpoint_id: UUID, tx: Tx, staff: Staff) -> None:
    """Send nothing there any more, and forget what was sent."""
    whole_brand(staff, WRITE)
    await webhooks.remove(tx, endpoint_id)


@changing(
    "POST",
    "/webhooks/{endpoint_id:uuid}/rotate",
    tags=TAGS,
    needs=WRITE,
    refuses=(*FINDING, webhooks.BadSecretOverlap),
)
async def rotate_webhook_secret(endpoint_id: UUID, data: NewSecret, tx: Tx, staff: Staff) -> MadeWebhook:
    """Sign with a new secret; for a while requests have both signatures."""
    _may_send(staff)
    secret = await webhooks.rotate(tx, endpoint_id, overlap=timedelta(hours=data.overlap_hours))
    return MadeWebhook(endpoint_id, secret)


@changing("POST", "/webhooks/{endpoint_id:uuid}/ping", tags=TAGS, needs=WRITE, refuses=FINDING)
async def ping_webhook(endpoint_id: UUID, request: AnyRequest, staff: Staff) -> webhooks.WebhookOutcome:
    """Send a signed message of type `Ping` at once, and say what was answered."""
    _may_send(staff)
    async with webhooks.Outside(loopback=_loopback(request)) as outside:
        return await webhooks.ping(desk_of(request).database, staff.tenant, outside, endpoint_id)


@reading("/webhooks/{endpoint_id:uuid}/deliveries", tags=TAGS, needs=READ, refuses=FINDING)
async def deliveries(
    endpoint_id: UUID,
    tx: Tx,
    staff: Staff,
    state: webhooks.DeliveryState | None = None,
    key: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[webhooks.WebhookDelivery]:
    """What was sent and what was answered, the newest fact first. What is not tried yet is not among them."""
    whole_brand(staff, READ)
    return await webhooks.deliveries(tx, endpoint_id, PageRequest(after, limit), state=state, key=key)


@changing(
    "POST",
    "/webhooks/{endpoint_id:uuid}/replay",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*FINDING, BadDate),
)
async def replay(endpoint_id: UUID, data: Replay, tx: Tx, staff: Staff) -> Replayed:
    """Send facts again, under the same ids: all from a number or moment on, in order, or what was given up."""
    _may_send(staff)
    if data.number is None and data.since is None:
        return Replayed(None, await webhooks.replay_failed(tx, endpoint_id))
    since: datetime | None = moment(data.since) if data.since else None
    return Replayed(await webhooks.replay_from(tx, endpoint_id, number=data.number, since=since), 0)


@changing(
    "POST",
    "/webhooks/{endpoint_id:uuid}/deliveries/{fact_number:int}/replay",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*FINDING, webhooks.NoSuchDelivery),
)
async def replay_delivery(endpoint_id: UUID, fact_number: int, tx: Tx, staff: Staff) -> None:
    """Send one delivery again."""
    _may_send(staff)
    await webhooks.replay_one(tx, endpoint_id, fact_number)


def _may_send(staff: Staff) -> None:
    """Who makes facts go somewhere could read them there. Raises NeedsWholeBrand or access.NotPermitted."""
    whole_brand(staff, WRITE)
    whole_brand(staff, FACTS)


def _loopback(request: AnyRequest) -> bool:
    """Whether facts may go to this machine itself: only where Midstage is tried out."""
    return desk_of(request).settings.sandbox


HANDLERS: list[HTTPRouteHandler] = [
    fact_types,
    webhook_list,
    create_webhook,
    webhook,
    change_webhook,
    remove_webhook,
    rotate_webhook_secret,
    ping_webhook,
    deliveries,
    replay,
    replay_delivery,
]
