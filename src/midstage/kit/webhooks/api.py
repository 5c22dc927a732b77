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
from midstage.kit.webhooks.late import late
from midstage.kit.webhooks.messages import Change
from midstage.kit.webhooks.outside import Outside
from midstage.kit.webhooks.sweeping import sweep
from midstage.kit.webhooks.types import (
    BadAddress,
    BadSecretOverlap,
    Delivery,
    Endpoint,
    EndpointChanged,
    EndpointId,
    NoSuchDelivery,
    NoSuchEndpoint,
    NoSuchFactType,
    Outcome,
    Sent,
    State,
    TooManyEndpoints,
    Why,
)

__all__ = [
    "BadAddress",
    "BadSecretOverlap",
    "Change",
    "Courier",
    "Delivery",
    "Endpoint",
    "EndpointChanged",
    "EndpointDraft",
    "EndpointId",
    "NoSuchDelivery",
    "NoSuchEndpoint",
    "NoSuchFactType",
    "Outcome",
    "Outside",
    "Sent",
    "State",
    "TooManyEndpoints",
    "WebhookDisabled",
    "WebhookMade",
    "WebhookRemoved",
    "Why",
    "change",
    "checks",
    "deliveries",
    "endpoint",
    "endpoints",
    "late",
    "make",
    "ping",
    "remove",
    "replay_failed",
    "replay_from",
    "replay_one",
    "rotate",
    "sweep",
]
