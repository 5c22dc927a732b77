"""What webhooks tell the world."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class WebhookMade(Fact, frozen=True):
    """Facts of the brand go to one more place."""

    subject: ClassVar[str] = "endpoint_id"
    endpoint_id: UUID


class WebhookDisabled(Fact, frozen=True):
    """A webhook gets nothing any more: it failed for days, or said that it is gone."""

    subject: ClassVar[str] = "endpoint_id"
    endpoint_id: UUID
    cause: str


class WebhookRemoved(Fact, frozen=True):
    subject: ClassVar[str] = "endpoint_id"
    endpoint_id: UUID
