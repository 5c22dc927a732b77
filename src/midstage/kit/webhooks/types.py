"""The words of webhooks."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text

EndpointId = NewType("EndpointId", UUID)

MOST_ENDPOINTS = 50
RETRIED_FOR = timedelta(days=3)
DISABLED_AFTER = timedelta(days=5)
LONGEST_OVERLAP = timedelta(days=7)


class WebhookState(StrEnum):
    """Whether facts are sent: `disabled` is what we did, `paused` what somebody wished."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """How a delivery stands: `behind` waits for an earlier fact of the same subject."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    BEHIND = "behind"
    GIVEN_UP = "given_up"


class WebhookEnd(StrEnum):
    """Why a webhook was disabled."""

    FAILING = "failing"
    """Nothing arrived for DISABLED_AFTER."""
    GONE = "gone"
    """It answered 410: do not call here any more."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where facts are sent. `types` names which; where it is empty, all of them."""

    endpoint_id: EndpointId
    url: str
    note: str
    types: list[str]
    state: WebhookState
    why: WebhookEnd | None
    """Why it was disabled."""
    cursor: int
    """Facts up to this number have been sent, or are among the deliveries."""
    failures: int
    """In a row."""
    failing_since: datetime | None
    rest_until: datetime | None
    """After failures in a row it is not called before this moment."""
    succeeded_at: datetime | None
    old_secret_until: datetime | None
    """Until when requests are signed with the secret before as well."""
    made_at: datetime
    version: int
    waiting: int = 0
    """Deliveries that are retried or wait behind one."""
    given_up: int = 0


class WebhookDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A fact at an endpoint, and what came of the last attempt."""

    number: int
    type: str
    key: UUID
    state: DeliveryState
    attempts: int
    since: datetime
    tried_at: datetime | None
    next_try_at: datetime | None
    status: int | None
    """What the other side answered; null where nothing came back."""
    took_ms: int | None
    told: str
    """The beginning of the answer, or why there was none."""


class WebhookOutcome(msgspec.Struct, frozen=True):
    """What came of one request."""

    arrived: bool
    status: int | None
    took_ms: int
    told: str
    retry_after_s: int = 0

    @property
    def gone(self) -> bool:
        """Whether the other side wants no more of it, ever."""
        return self.status == 410


class BadAddress(Invalid):
    """Facts go to https addresses that the whole internet can reach, without a user and password in them."""

    text = Text(
        zh="回调地址无效：{reason}",
        en="Facts cannot be sent there: {reason}.",
    )
    reason: str


class NoSuchFactType(Invalid):
    """There is no such fact."""

    text = Text(zh="没有事实类型 {type_code}", en="There is no fact called {type_code}.")
    type_code: str


class NoSuchEndpoint(NotFound):
    """There is no such webhook."""

    text = Text(zh="没有这个网络回调", en="There is no such webhook.")


class EndpointChanged(Conflict):
    """Somebody has changed it meanwhile; look again."""

    text = Text(zh="该回调已被他人修改，请刷新后重试", en="It was changed meanwhile; look again.")


class TooManyEndpoints(Conflict):
    """A brand has so many webhooks; each costs a request a fact."""

    text = Text(zh="最多 {most} 个网络回调", en="A brand has {most} webhooks at most.")
    most: int


class NoSuchDelivery(NotFound):
    """This fact was never sent to this webhook, or so long ago that nobody remembers."""

    text = Text(zh="没有这条投递记录", en="There is no such delivery.")


class BadSecretOverlap(Invalid):
    """Requests are signed with the old secret for up to seven days beside the new one."""

    text = Text(zh="新旧签名密钥并存的时间须在 0 到 7 天之间", en="Two signing secrets overlap by 0 to 7 days.")
