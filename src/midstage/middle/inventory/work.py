"""The words of stock work: transfers, counts, adjustments, incoming goods, alarms and values."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.inventory.types import DiscrepancyId, LocationId, MovementKind, SkuId
from midstage.middle.organisation import api as organisation

TransferId = NewType("TransferId", UUID)
CountId = NewType("CountId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
AlarmId = NewType("AlarmId", UUID)

LINES_LIMIT = 5_000
Key = tuple[LocationId, SkuId]

SupplyPrices = Callable[[Tx, Sequence[SkuId]], Awaitable[Mapping[SkuId, Money]]]
"""Asks for supply prices of skus, by the unit, where the books of value know none. Fronts and wiring give one."""


class TransferState(StrEnum):
    """Asked, then approved or refused; sent, in parts if need be; received, with differences open; closed."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SENT = "sent"
    RECEIVED = "received"
    CLOSED = "closed"


class Missing(StrEnum):
    """What became of goods that did not arrive."""

    LOST = "lost"
    WRITTEN_OFF = "written_off"
    FOUND = "found"
    SENT_BACK = "sent_back"


class TransferLine(msgspec.Struct, frozen=True):
    """A sku of a transfer. The values are at supply price, in the currency of the giver's books."""

    sku_id: SkuId
    asked_milli: int
    approved_milli: int
    sent_milli: int = 0
    received_milli: int = 0
    over_milli: int = 0
    lost_milli: int = 0
    back_milli: int = 0
    sent_minor: int = 0
    arrived_minor: int = 0
    lost_minor: int = 0
    back_minor: int = 0
    discrepancy_id: DiscrepancyId | None = None

    @property
    def transit_milli(self) -> int:
        return self.sent_milli - self.received_milli - self.lost_milli - self.back_milli

    @property
    def transit_minor(self) -> int:
        return self.sent_minor - self.arrived_minor - self.lost_minor - self.back_minor


class Transfer(msgspec.Struct, frozen=True):
    """Goods that go from one location to another, without their lines."""

    transfer_id: TransferId
    from_id: LocationId
    to_id: LocationId
    from_operator: organisation.OperatorId
    to_operator: organisation.OperatorId
    currency: str
    state: TransferState
    note: str
    due_on: date | None
    version: int
    asked_at: datetime
    changed_at: datetime

    @property
    def between_operators(self) -> bool:
        return self.from_operator != self.to_operator


class Resolved(msgspec.Struct, frozen=True):
    """So much of what did not arrive became this."""

    sku_id: SkuId
    became: Missing
    milli: int


class TransferFilter(msgspec.Struct, frozen=True):
    """Which transfers. `locations` is what the asker may see: one of the ends lies there."""

    locations: frozenset[LocationId] | None = None
    state: TransferState | None = None
    from_id: LocationId | None = None
    to_id: LocationId | None = None


class Step(msgspec.Struct, frozen=True):
    """A step of a history: who did what and when, to how much of what."""

    action: str
    at: datetime
    by_kind: str
    by_id: UUID
    lines: list[dict[str, Any]]
    note: str


class Reason(msgspec.Struct, frozen=True):
    """Why stock is changed by hand. Above a value, at supply price, somebody else has to approve."""

    code: str
    name_zh: str
    name_en: str
    approval_above_minor: int | None = None
    active: bool = True


class Adjustment(msgspec.Struct, frozen=True):
    """A change of stock by hand, and what it was worth: what came in less what went out."""

    adjustment_id: UUID
    location_id: LocationId
    code: str
    reason: str
    lines: int
    value_minor: int
    currency: str
    approval_id: UUID | None
    at: datetime
    by_kind: str
    by_id: UUID


class CountKind(StrEnum):
    FULL = "full"
    CATEGORY = "category"
    SKUS = "skus"


class CountState(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    APPROVED = "approved"
    ABANDONED = "abandoned"


class Count(msgspec.Struct, frozen=True):
    """A count, without its lines; what was lost and gained is known when it is finished."""

    count_id: CountId
    location_id: LocationId
    kind: CountKind
    category_ids: list[UUID]
    blind: bool
    state: CountState
    note: str
    loss_minor: int
    gain_minor: int
    currency: str
    version: int
    opened_at: datetime
    finished_at: datetime | None
    closed_at: datetime | None


class CountLine(msgspec.Struct, frozen=True):
    """A sku of a count: the book at the beginning, what was counted, and the book at that moment (`expected`).

    `moved_between` says that goods moved between the first and the last part of what was counted: count it again.
    """

    sku_id: SkuId
    round: int
    counted_milli: int | None
    last_at: datetime | None
    book_milli: int | None = None
    expected_milli: int | None = None
    difference_milli: int | None = None
    value_minor: int | None = None
    moved_between: bool | None = None


class CountFilter(msgspec.Struct, frozen=True):
    """Which counts; `locations` is what the asker may see."""

    locations: frozenset[LocationId] | None = None
    state: CountState | None = None


class Tally(msgspec.Struct, frozen=True):
    """What somebody counted of a sku in one place, and when; a device gives it an id, so that it counts once."""

    sku_id: SkuId
    milli: int
    counted_at: datetime | None = None
    entry_id: UUID | None = None


class DeliveryState(StrEnum):
    EXPECTED = "expected"
    PART = "part"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class DeliveryLine(msgspec.Struct, frozen=True):
    """A sku of a delivery; `supply_minor` is the price of a unit, `received_minor` what all that came is worth."""

    sku_id: SkuId
    expected_milli: int
    supply_minor: int
    received_milli: int = 0
    refused_milli: int = 0
    off_milli: int = 0
    received_minor: int = 0

    @property
    def open_milli(self) -> int:
        return max(0, self.expected_milli - self.received_milli - self.refused_milli - self.off_milli)


class Delivery(msgspec.Struct, frozen=True):
    """Goods that a supplier sends, without their lines."""

    delivery_id: DeliveryId
    location_id: LocationId
    supplier: str
    document: str
    due_on: date | None
    currency: str
    over_percent: int
    state: DeliveryState
    note: str
    version: int
    expected_at: datetime
    changed_at: datetime


class DeliveryFilter(msgspec.Struct, frozen=True):
    """Which deliveries; `locations` is what the asker may see."""

    locations: frozenset[LocationId] | None = None
    state: DeliveryState | None = None


class Arrival(msgspec.Struct, frozen=True):
    """What came of a sku: so much taken, so much refused as damaged; the price, if it is not as expected."""

    sku_id: SkuId
    milli: int
    refused_milli: int = 0
    supply_minor: int | None = None


class Alarm(msgspec.Struct, frozen=True):
    """Too little is free of a sku at a location, since when, and how much would fill it up."""

    alarm_id: AlarmId
    location_id: LocationId
    sku_id: SkuId
    level_milli: int
    free_milli: int
    incoming_milli: int
    raised_at: datetime
    snoozed_until: datetime | None
    resolved_at: datetime | None
    suggested_milli: int = 0


class AlarmFilter(msgspec.Struct, frozen=True):
    """Which alarms; `locations` is what the asker may see."""

    locations: frozenset[LocationId] | None = None
    sku_id: SkuId | None = None
    snoozed_too: bool = False
    resolved_too: bool = False


class Worth(msgspec.Struct, frozen=True):
    """What a sku at a location is worth; what is on its way from there is apart. None: no price was ever known."""

    operator_id: organisation.OperatorId
    location_id: LocationId
    sku_id: SkuId
    currency: str
    quantity_milli: int
    value_minor: int
    transit_milli: int
    transit_minor: int
    priced: bool


class How(StrEnum):
    """How a discrepancy is resolved."""

    ACCEPTED = "accepted"
    ADJUSTED = "adjusted"
    RECOUNTED = "recounted"
    TRANSFERRED = "transferred"


class DiscrepancyFilter(msgspec.Struct, frozen=True):
    """Which discrepancies; `locations` is what the asker may see."""

    locations: frozenset[LocationId] | None = None
    sku_id: SkuId | None = None
    kind: MovementKind | None = None
    settled_too: bool = False
