"""The door of webhooks."""

from midstage.kit.webhooks.checks import checks
from midstage.kit.webhooks.courier import Courier
from midstage.kit.webhooks.deliveries import deliveries, replay_failed, replay_from, replay_one
from midstage.kit.webhooks.endpoints import (
    EndpointDraft,
    change,
    endpoint,
    endpoints,
    make,
    ping,
    remove,
    rotate,
)
from midstage.kit.webhooks.facts import WebhookDisabled, WebhookMade, WebhookRemoved
from midstage.kit.webhooks.feed import CursorTooOld, Feed, feed, newest
from midstage.kit.webhooks.late import late
from midstage.kit.webhooks.messages import FactMessage
from midstage.kit.webhooks.outside import Outside
from midstage.kit.webhooks.sweeping import sweep
from midstage.kit.webhooks.types import (
    BadAddress,
    BadSecretOverlap,
    DeliveryState,
    EndpointChanged,
    EndpointId,
    NoSuchDelivery,
    NoSuchEndpoint,
    NoSuchFactType,
    TooManyEndpoints,
    Webhook,
    WebhookDelivery,
    WebhookEnd,
    WebhookOutcome,
    WebhookState,
)

__all__ = [
    "BadAddress",
    "BadSecretOverlap",
    "Courier",
    "CursorTooOld",
    "DeliveryState",
    "EndpointChanged",
    "EndpointDraft",
    "EndpointId",
    "FactMessage",
    "Feed",
    "NoSuchDelivery",
    "NoSuchEndpoint",
    "NoSuchFactType",
    "Outside",
    "TooManyEndpoints",
    "Webhook",
    "WebhookDelivery",
    "WebhookDisabled",
    "WebhookEnd",
    "WebhookMade",
    "WebhookOutcome",
    "WebhookRemoved",
    "WebhookState",
    "change",
    "checks",
    "deliveries",
    "endpoint",
    "endpoints",
    "feed",
    "late",
    "make",
    "newest",
    "ping",
    "remove",
    "replay_failed",
    "replay_from",
    "replay_one",
    "rotate",
    "sweep",
]
