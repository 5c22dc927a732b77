"""The words of payments."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.money import Money

PaymentId = NewType("PaymentId", UUID)
RefundId = NewType("RefundId", UUID)
TenderId = NewType("TenderId", UUID)
MerchantId = NewType("MerchantId", UUID)
DiscrepancyId = NewType("DiscrepancyId", UUID)


class PaymentState(StrEnum):
    """Where a payment stands. Money that comes to a closed one is booked all the same, and told as late."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"
    FLAGGED = "flagged"


class AttemptState(StrEnum):
    """How far an attempt got at its provider."""

    STARTING = "starting"
    STARTED = "started"
    AUTHORISED = "authorised"
    REFUSED = "refused"
    CLOSED = "closed"
    ENDED = "ended"


class RefundState(StrEnum):
    """Where a refund stands. `sent` means that a provider may have it; asking again is safe."""

    REQUESTED = "requested"
    SENT = "sent"
    REFUNDED = "refunded"
    FAILED = "failed"


class TenderKind(StrEnum):
    """Whether money came or went back."""

    PAYMENT = "payment"
    REFUND = "refund"


class MerchantState(StrEnum):
    """A paused merchant starts nothing new; what is under way ends."""

    ACTIVE = "active"
    PAUSED = "paused"


class DiscrepancyKind(StrEnum):
    """What a callback says differently. The last two are of before statements had differences of their own."""

    AMOUNT_DIFFERS = "amount_differs"
    PAID_TWICE = "paid_twice"
    REFUND_DIFFERS = "refund_differs"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"


class DiscrepancyState(StrEnum):
    """`corrected` when the provider set itself right, `accepted` or `dismissed` when a person decided."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    CORRECTED = "corrected"


class NoticeKind(StrEnum):
    """What a provider tells."""

    PAID = "paid"
    AUTHORISED = "authorised"
    CLOSED = "closed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class Merchant(msgspec.Struct, frozen=True):
    """Where the money of a payee is collected: an account at a provider. `payee` None is the brand itself."""

    merchant_id: MerchantId
    payee: UUID | None
    provider: str
    settings: dict[str, str]
    secrets: dict[str, str]
    """References: `env:SECRET_NAME` or `file:name`; see secret.py. Values are never stored."""
    state: MerchantState = MerchantState.ACTIVE
    fee_millionths: int | None = None
    """What its provider charges of each payment, as agreed; None: whatever it says."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said, verified: by a callback, or in answer to a query."""

    kind: NoticeKind
    merchant_id: MerchantId
    payee: UUID | None
    provider: str
    payment_id: PaymentId
    transaction_no: str
    amount: Money
    at: datetime
    refund_id: RefundId | None = None
    reason: str = ""


class Payment(msgspec.Struct, frozen=True):
    """What is owed for an order, and what became of it."""

    payment_id: PaymentId
    order_id: UUID
    payee: UUID | None
    currency: str
    due_minor: int
    paid_minor: int
    refunding_minor: int
    refunded_minor: int
    state: PaymentState
    opened_at: datetime
    due_at: datetime
    paid_at: datetime | None
    split: bool = False
    """Whether its order has other payments besides."""

    @property
    def due(self) -> Money:
        return Money(self.due_minor, self.currency)

    @property
    def refundable(self) -> Money:
        """What can still be asked back."""
        return Money(self.paid_minor - self.refunding_minor - self.refunded_minor, self.currency)


class Due(msgspec.Struct, frozen=True):
    """A part of what is due for an order, and whose it is; `payee` None is the brand itself."""

    amount: Money
    payee: UUID | None = None


class Taking(msgspec.Struct, frozen=True):
    """Money that a person takes by hand: cash, a card terminal. Change is given before."""

    method: str
    amount: Money
    reference: str | None = None


class Taken(msgspec.Struct, frozen=True):
    """What became of a taking: the payment that it paid, and the tender. One that pays two payees is two."""

    payment_id: PaymentId
    tender_id: TenderId
    payee: UUID | None
    method: str
    amount: Money


class Held(msgspec.Struct, frozen=True):
    """What the ledger holds for an order in the deposits of a payee, as the tenders say; for the doctor.

    `refunding_minor` of it is on its way back.
    """

    order_id: UUID
    payee: UUID | None
    currency: str
    minor: int
    refunding_minor: int


class Opened(msgspec.Struct, frozen=True):
    """The payments of an order that wait, and what was taken in the same moment."""

    waiting: list[PaymentId]
    taken: list[Taken]


class Attempt(msgspec.Struct, frozen=True):
    """One time that a payment was taken to a provider."""

    payment_id: PaymentId
    merchant_id: MerchantId
    provider: str
    state: AttemptState
    capture_later: bool
    provider_no: str | None
    cashier_url: str | None
    queries: int
    next_query_at: datetime
    started_at: datetime
    combined_id: UUID | None = None
    """The combined payment that it was a part of, where it was."""


class Cashier(msgspec.Struct, frozen=True):
    """What a shopper sees where she pays, and where she comes back to."""

    title: str
    return_url: str = ""
    language: str = "zh-CN"
    capture_later: bool = False
    """The provider only holds the money until `capture`."""


class Started(msgspec.Struct, frozen=True):
    """A payment that its provider is ready to take: send the shopper to `cashier_url`."""

    payment_id: PaymentId
    provider: str
    provider_no: str
    cashier_url: str
    due_at: datetime


class CashierTo(msgspec.Struct, frozen=True):
    """A cashier that the shopper has to go to, and what is paid there: several payments where they are combined."""

    provider: str
    cashier_url: str
    amount: Money
    payment_ids: list[PaymentId]
    payees: list[UUID | None]
    due_at: datetime


class Tender(msgspec.Struct, frozen=True):
    """Money that moved: above zero it came, below zero it went back."""

    tender_id: TenderId
    payment_id: PaymentId
    kind: TenderKind
    method: str
    merchant_id: MerchantId | None
    transaction_no: str | None
    refund_id: RefundId | None
    amount: Money
    happened_at: datetime
    booked_at: datetime
    in_ledger: bool


class Booked(msgspec.Struct, frozen=True):
    """What became of a notice of payment."""

    payment_id: PaymentId
    order_id: UUID
    amount: Money
    first: bool
    """Whether this notice, and none before it, made the payment paid."""
    state: PaymentState
    paid_minor: int
    """What the payment holds now."""
    late: bool = False
    """The payment had been closed (its order expired or was called off) before the money came."""
    refund_id: RefundId | None = None
    """The refund of money that came a second time, which is asked for by itself."""
    others_owe_minor: int = 0
    """What the other payments of the order do not hold of what is due; true while the order is held."""
    tender_id: TenderId | None = None
    """The tender of what was taken by hand."""

    @property
    def complete(self) -> bool:
        """Whether all that is due for the order is there."""
        return self.settled and self.others_owe_minor == 0

    @property
    def settled(self) -> bool:
        """Whether the payment holds what was due. Flagged: a person has to look at it."""
        return self.state is PaymentState.PAID


class Refund(msgspec.Struct, frozen=True):
    """Money that is to go back, or went."""

    refund_id: RefundId
    payment_id: PaymentId
    order_id: UUID
    tender_id: TenderId
    key: str
    part: int
    amount: Money
    reason: str
    state: RefundState
    by_hand: bool
    transaction_no: str | None
    attempts: int
    next_try_at: datetime
    error: str
    requested_at: datetime
    ended_at: datetime | None


class Discrepancy(msgspec.Struct, frozen=True):
    """What our book and a provider say differently."""

    discrepancy_id: DiscrepancyId
    kind: DiscrepancyKind
    payment_id: PaymentId | None
    refund_id: RefundId | None
    merchant_id: MerchantId | None
    transaction_no: str
    expected: Money
    got: Money
    happened_at: datetime
    state: DiscrepancyState
    note: str
    found_at: datetime
    ended_at: datetime | None


class DiscrepancyFilters(msgspec.Struct, frozen=True):
    """Which discrepancies are asked for."""

    state: DiscrepancyState | None = None
    kind: DiscrepancyKind | None = None


class RefundFilters(msgspec.Struct, frozen=True):
    """Which refunds are asked for."""

    state: RefundState | None = None
    order_id: UUID | None = None
