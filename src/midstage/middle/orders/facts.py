"""What the order book tells the world: ids and figures, never a name, phone or address."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from midstage.kit.facts import Fact


class LineFigures(msgspec.Struct, frozen=True):
    """One line as a listener needs it; the total is the truth, tax is contained in it or part of it."""

    line_no: int
    sku_id: UUID
    quantity_milli: int
    total_minor: int


class OrderPlaced(Fact, frozen=True):
    """An order was accepted and its stock is promised."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    kind: str
    sales_channel: str
    store_id: UUID
    member_id: UUID | None
    currency: str
    total_minor: int
    lines: list[LineFigures]


class OrderPaid(Fact, frozen=True):
    """An order is paid in full; whose sale it is was frozen at this moment."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    kind: str
    sales_channel: str
    store_id: UUID
    guide_id: UUID
    touchpoint_id: UUID
    referrer_id: UUID | None
    member_id: UUID | None
    currency: str
    paid_minor: int
    units_milli: int
    placed_at: datetime


class OrderImported(Fact, frozen=True):
    """A sale of the past was entered into the book; no stock, payment or ledger moved."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    kind: str
    sales_channel: str
    store_id: UUID
    guide_id: UUID
    touchpoint_id: UUID
    referrer_id: UUID | None
    member_id: UUID | None
    currency: str
    paid_minor: int
    units_milli: int
    placed_at: datetime


class OrderCompleted(Fact, frozen=True):
    """Everything of the order is in the shopper's hands."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID


class PartHandedOver(Fact, frozen=True):
    """The goods of one location left it."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    part_no: int
    location_id: UUID


class OrderCancelled(Fact, frozen=True):
    """The order was called off before any of it left; what was paid goes back by an OrderRefunded."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    by: str
    refunded_minor: int


class OrderExpired(Fact, frozen=True):
    """Nobody paid in time; the stock is free again."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID


class OrderRefundUndone(Fact, frozen=True):
    """A provider would not give back what OrderRefunded told; the order holds that money again."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    refund_id: UUID
    member_id: UUID | None
    store_id: UUID
    currency: str
    amount_minor: int
    units_milli: int


class OrderRefunded(Fact, frozen=True):
    """Money goes back for some or all of the lines."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    refund_id: UUID
    member_id: UUID | None
    store_id: UUID
    currency: str
    refunded_minor: int
    units_milli: int
    lines: list[LineFigures]


class GoodsTakenBack(Fact, frozen=True):
    """A till took goods back without a receipt, for cash."""

    subject: ClassVar[str] = "return_id"
    return_id: UUID
    till_id: UUID
    store_id: UUID
    currency: str
    amount_minor: int
    lines: list[LineFigures]


class LeaveChecked(Fact, frozen=True):
    """Goods that a shopper had scanned herself were looked at when she left."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    store_id: UUID
    ok: bool
