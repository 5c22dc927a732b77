"""The words of payments."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.money import Money
from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text, Unauthenticated, Unavailable

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
    """What is said differently on the two sides."""

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

    @property
    def due(self) -> Money:
        return Money(self.due_minor, self.currency)

    @property
    def refundable(self) -> Money:
        """What can still be asked back."""
        return Money(self.paid_minor - self.refunding_minor - self.refunded_minor, self.currency)


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


class Reconciled(msgspec.Struct, frozen=True):
    """A provider's day against our book."""

    since: datetime
    until: datetime
    matched: int
    found: list[DiscrepancyId]


class NothingToPay(Invalid):
    """A payment needs an amount above zero."""

    text = Text(zh="支付金额必须大于零", en="There is nothing to pay: the amount is {amount_minor}.")
    amount_minor: int


class AmountNotDue(Invalid):
    """What was taken by hand is not what was due."""

    text = Text(
        zh="收款金额 {taken_minor} 与应付 {due_minor} 不符",
        en="{taken_minor} was taken and {due_minor} was due (minor units of {currency}).",
    )
    taken_minor: int
    due_minor: int
    currency: str


class DueAlready(Invalid):
    """The payment was given a deadline that has passed."""

    text = Text(zh="支付截止时间已过", en="The payment would be due at {due_at}, which has passed.")
    due_at: datetime


class NoSuchPayment(NotFound):
    """There is no such payment."""

    text = Text(zh="没有这笔支付", en="There is no such payment.")
    payment_id: UUID


class NoSuchRefund(NotFound):
    """There is no such refund."""

    text = Text(zh="没有这笔退款", en="There is no such refund.")
    refund_id: UUID


class NoSuchMerchant(NotFound):
    """Nobody collects for this payee through this provider."""

    text = Text(zh="没有可用的收款商户", en="No merchant of {provider} collects here.")
    provider: str


class NoSuchDiscrepancy(NotFound):
    """There is no such discrepancy, or it is settled already."""

    text = Text(zh="没有这条待处理的差异", en="There is no such open discrepancy.")
    discrepancy_id: UUID


class PaymentNotOpen(Conflict):
    """The payment is paid, closed or under examination, and cannot be started or closed."""

    text = Text(zh="这笔支付已不能继续：{state}", en="The payment is not open any more: {state}.")
    payment_id: UUID
    state: str


class PaymentOverdue(Conflict):
    """The time to pay is over."""

    text = Text(zh="支付已超时，请重新下单", en="The time to pay ended at {due_at}.")
    payment_id: UUID
    due_at: datetime


class RefundExceedsPaid(Conflict):
    """More is asked back than is left of what was paid."""

    text = Text(
        zh="退款金额超过可退余额：申请 {asked_minor}，可退 {left_minor}",
        en="{asked_minor} was asked back and {left_minor} is left of what was paid (minor units of {currency}).",
    )
    asked_minor: int
    left_minor: int
    currency: str


class RefundKeyReused(Conflict):
    """The key was used before for a refund of another payment or amount."""

    text = Text(zh="退款幂等键已用于另一笔退款", en="The key {key} belongs to another refund.")
    key: str


class RefundNotWaiting(Conflict):
    """The refund has ended, or is not one that a person gives back."""

    text = Text(zh="这笔退款不能这样处理：{state}", en="The refund cannot be dealt with so: {state}.")
    refund_id: UUID
    state: str


class TransactionTaken(Conflict):
    """A provider told one of its transactions for two of our payments."""

    text = Text(
        zh="交易号 {transaction_no} 已记在另一笔支付上", en="Transaction {transaction_no} belongs to another payment."
    )
    transaction_no: str


class NoticeOfAnother(Forbidden):
    """A merchant told of a payment that is not collected by it."""

    text = Text(zh="通知的商户与收款主体不符", en="This merchant does not collect this payment.")
    payment_id: UUID


class WrongNotice(Invalid):
    """The verified notice is of another kind than this verb books."""

    text = Text(zh="通知类型不符：{kind}", en="A notice of {kind} cannot be booked here.")
    kind: str


class SignatureWrong(Unauthenticated):
    """The notice is not signed by the provider, or was signed too long ago; nothing was believed."""

    text = Text(zh="支付通知验签失败：{reason}", en="The notice could not be verified: {reason}.")
    reason: str


class NoticeUnreadable(Invalid):
    """The notice is signed and cannot be read."""

    text = Text(zh="支付通知无法解析", en="The notice could not be read: {reason}.")
    reason: str


class ProviderUnavailable(Unavailable):
    """The payment provider did not answer, or answered that it cannot now; asking again is safe."""

    text = Text(zh="支付渠道暂不可用，请稍后再试", en="The payment provider {provider} is not available: {reason}.")
    provider: str
    reason: str


class ProviderRefused(Conflict):
    """The payment provider answered, and refused."""

    text = Text(zh="支付渠道拒绝了请求：{reason}", en="The payment provider {provider} refused: {reason}.")
    provider: str
    reason: str


class UnknownProvider(Invalid):
    """No provider of this name is installed."""

    text = Text(zh="没有安装支付渠道 {provider}", en="No payment provider is called {provider}.")
    provider: str


class BadMerchant(Invalid):
    """A setting of the merchant is missing, unknown, or not a reference where a secret is meant."""

    text = Text(zh="商户配置有误：{setting}（{reason}）", en="The merchant's setting {setting} is wrong: {reason}.")
    setting: str
    reason: str


class SecretMissing(Unavailable):
    """A secret that a merchant refers to is not there."""

    text = Text(zh="商户密钥未配置：{reference}", en="The secret {reference} is not set on this machine.")
    reference: str


class MethodUnknown(Invalid):
    """Money was taken by a method that is not one word of small letters."""

    text = Text(zh="支付方式无效：{method}", en="{method} is not the name of a way to pay.")
    method: str
