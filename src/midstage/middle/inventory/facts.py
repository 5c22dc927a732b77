"""What inventory tells the world. What orders do to stock is in the facts of orders."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class StockMoved(Fact, frozen=True, kw_only=True):
    """Goods came, went or were found, other than by a reservation."""

    subject: ClassVar[str] = "location_id"
    location_id: UUID
    kind: str
    reference: UUID
    skus: list[UUID]
    on_hand_deltas_milli: list[int]
    incoming_deltas_milli: list[int]


class StockDiscrepancyFound(Fact, frozen=True, kw_only=True):
    """Stock fell below what was promised of it, or below zero: a person must look."""

    subject: ClassVar[str] = "location_id"
    discrepancy_id: UUID
    location_id: UUID
    sku_id: UUID
    kind: str
    on_hand_milli: int
    reserved_milli: int
    reference: UUID


class StockShareChanged(Fact, frozen=True, kw_only=True):
    """How much others may sell was changed."""

    subject: ClassVar[str] = "share_id"
    share_id: UUID
    location_id: UUID | None
    operator_id: UUID | None
    sales_channel: str | None
    percent: int | None


class StockChangedOwner(Fact, frozen=True, kw_only=True):
    """Goods went from one operator to another, worth so much at supply price: settlement may bill it."""

    subject: ClassVar[str] = "location_id"
    location_id: UUID
    reference: UUID
    from_operator_id: UUID
    to_operator_id: UUID
    skus: list[UUID]
    milli: list[int]
    values_minor: list[int]
    currency: str


class TransferChanged(Fact, frozen=True, kw_only=True):
    """A transfer was taken a step further."""

    subject: ClassVar[str] = "transfer_id"
    transfer_id: UUID
    from_location_id: UUID
    to_location_id: UUID
    action: str
    state: str


class CountChanged(Fact, frozen=True, kw_only=True):
    """A count was opened, finished, approved or abandoned; what was lost and gained is at supply price."""

    subject: ClassVar[str] = "count_id"
    count_id: UUID
    location_id: UUID
    state: str
    loss_minor: int
    gain_minor: int


class DeliveryChanged(Fact, frozen=True, kw_only=True):
    """A delivery was announced, received in part or whole, or cancelled."""

    subject: ClassVar[str] = "delivery_id"
    delivery_id: UUID
    location_id: UUID
    state: str


class StockAdjusted(Fact, frozen=True, kw_only=True):
    """Stock was changed by hand for a reason; the value is what came in less what went out, at supply price."""

    subject: ClassVar[str] = "location_id"
    adjustment_id: UUID
    location_id: UUID
    reason: str
    value_minor: int
    currency: str


class StockRanLow(Fact, frozen=True, kw_only=True):
    """Less is free than there should be."""

    subject: ClassVar[str] = "location_id"
    alarm_id: UUID
    location_id: UUID
    sku_id: UUID
    level_milli: int
    free_milli: int


class StockRecovered(Fact, frozen=True, kw_only=True):
    """Enough is free again."""

    subject: ClassVar[str] = "location_id"
    alarm_id: UUID
    location_id: UUID
    sku_id: UUID
    free_milli: int
