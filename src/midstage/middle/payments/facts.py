"""What payments tell. That an order was paid in time is told by orders; here is what orders could not know."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from midstage.kit.facts.types import Fact
from midstage.middle.payments.statement_types import DifferenceKind, Resolution, StatementState


class PaymentCameLate(Fact, frozen=True):
    """Money came after its payment was closed. The order reserves again, or gives it back."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str


class PaymentCameTwice(Fact, frozen=True):
    """Money came a second time for one payment; a refund of it was asked for in the same moment."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str


class PaymentFlagged(Fact, frozen=True):
    """A provider told another amount than was due. Nothing was booked; a discrepancy waits for a person."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    discrepancy_id: UUID
    expected_minor: int
    got_minor: int
    currency: str


class RefundRequested(Fact, frozen=True):
    """Money is to go back. Who listens pushes it to its provider."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str
    by_hand: bool


class StatementCompared(Fact, frozen=True):
    """A provider's day was compared with our book; told when it stands elsewhere than before, or something is new."""

    subject: ClassVar[str] = "merchant_id"
    merchant_id: UUID
    day: date
    state: StatementState
    matched: int
    differences: int


class DifferenceResolved(Fact, frozen=True):
    """A person dealt with a difference between a statement and our book."""

    subject: ClassVar[str] = "difference_id"
    difference_id: UUID
    merchant_id: UUID
    kind: DifferenceKind
    resolution: Resolution
    minor: int
    currency: str


class RefundCompleted(Fact, frozen=True):
    """Money went back."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str


class RefundFailed(Fact, frozen=True):
    """A provider will not give the money back; what was held for it can be asked back again."""

    subject: ClassVar[str] = "order_id"
    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str


class ShiftOpened(Fact, frozen=True):
    """Somebody counted the float and began to sell."""

    subject: ClassVar[str] = "till_id"
    till_id: UUID
    shift_id: UUID
    store_id: UUID
    business_date: date
    float_minor: int
    currency: str


class ShiftCounted(Fact, frozen=True):
    """A drawer was counted and its shift closed; the difference is booked."""

    subject: ClassVar[str] = "till_id"
    till_id: UUID
    shift_id: UUID
    store_id: UUID
    business_date: date
    expected_minor: int
    counted_minor: int
    currency: str


class TillCashMoved(Fact, frozen=True):
    """Cash came into a drawer or left it other than by a sale."""

    subject: ClassVar[str] = "till_id"
    till_id: UUID
    shift_id: UUID
    move_id: UUID
    kind: str
    amount_minor: int
    currency: str


class BusinessDayEnded(Fact, frozen=True):
    """All tills of a store were counted and its business day was closed."""

    subject: ClassVar[str] = "store_id"
    store_id: UUID
    business_date: date
