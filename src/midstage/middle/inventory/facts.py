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
