"""The words of reconciliation: a provider's day, what it says differently, and what became of that."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.money import Money
from midstage.kit.refusals import Conflict, Invalid, NotFound, Text, Unavailable
from midstage.middle.payments.types import MerchantId, PaymentId, RefundId, TenderId

DifferenceId = NewType("DifferenceId", UUID)


class StatementState(StrEnum):
    """How far a day of a merchant is reconciled. `waits`: what still differs is expected to go by itself."""

    DUE = "due"
    WAITS = "waits"
    DIFFERS = "differs"
    RECONCILED = "reconciled"


class DifferenceKind(StrEnum):
    """In which way a statement and our book differ."""

    MISSING_HERE = "missing_here"
    """The provider collected, and we never heard."""
    MISSING_THERE = "missing_there"
    """We booked it, and neither its day nor the day after has it."""
    AMOUNT_DIFFERS = "amount_differs"
    FEE_UNEXPECTED = "fee_unexpected"
    """Another fee than was agreed."""
    REFUND_MISSING_HERE = "refund_missing_here"
    REFUND_MISSING_THERE = "refund_missing_there"
    REFUND_DIFFERS = "refund_differs"
    DUPLICATE = "duplicate"
    """The statement, or one before it, has the same movement already."""
    WRONG_MERCHANT = "wrong_merchant"
    """It is of a payment that is collected by another account."""
    IN_TRANSIT = "in_transit"
    """We booked it, and its day does not have it: the next statement may."""


class DifferenceState(StrEnum):
    """Where a difference stands. `gone` when a later statement, or a correction, put it right by itself."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    GONE = "gone"


class Resolution(StrEnum):
    """What was done about a difference."""

    BOOKED = "booked"
    GIVEN_BACK = "given_back"
    FEE = "fee"
    WRITTEN_OFF = "written_off"
    DISMISSED = "dismissed"


UNRESOLVED = frozenset({DifferenceState.OPEN, DifferenceState.WAITING})
# These two set the books right, so the ledger moves with them, and back when they are undone.
IN_LEDGER = frozenset({Resolution.FEE, Resolution.WRITTEN_OFF})


class StatementSum(msgspec.Struct, frozen=True):
    """What moved in a currency: collected less given back, less fees; on our side and on theirs."""

    currency: str
    ours_minor: int
    theirs_minor: int
    fee_minor: int
    fee_booked_minor: int


class StatementDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a merchant, as the provider counts days. `differences` still wait for somebody."""

    merchant_id: MerchantId
    day: date
    state: StatementState
    since: datetime | None
    until: datetime | None
    runs: int
    lines: int
    matched: int
    differences: int
    fetched_at: datetime | None
    next_try_at: datetime | None
    """When it is fetched again: it was not there, or it may be corrected. None: not by itself."""
    error: str
    sums: Sequence[StatementSum] = ()


class Line(msgspec.Struct, frozen=True):
    """A line of a statement, as we keep it."""

    line_no: int
    payment_no: str
    refund_no: str
    transaction_no: str
    amount_minor: int
    fee_minor: int
    currency: str
    happened_at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def signed_minor(self) -> int:
        """Above zero what was collected, below what was given back."""
        return -self.amount_minor if self.refund_no else self.amount_minor


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A difference as a comparison finds it. Amounts are signed: what the provider owes us more or less by it."""

    kind: DifferenceKind
    mark: str
    transaction_no: str
    currency: str
    ours_minor: int
    theirs_minor: int
    happened_at: datetime
    payment_id: PaymentId | None = None
    refund_id: RefundId | None = None
    tender_id: TenderId | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement says differently, and what became of it."""

    difference_id: DifferenceId
    merchant_id: MerchantId
    day: date
    kind: DifferenceKind
    mark: str
    transaction_no: str
    payment_id: PaymentId | None
    refund_id: RefundId | None
    tender_id: TenderId | None
    currency: str
    ours_minor: int
    theirs_minor: int
    state: DifferenceState
    standing: bool
    """Whether the last comparison still shows it."""
    resolution: Resolution | None
    note: str
    wait_until: date | None
    happened_at: datetime
    found_at: datetime
    ended_at: datetime | None
    version: int

    @property
    def minor(self) -> int:
        """Theirs less ours."""
        return self.theirs_minor - self.ours_minor


class DifferenceStep(msgspec.Struct, frozen=True):
    """One move of a difference: by which verb, by whom, and why."""

    version: int
    was: DifferenceState | None
    became: DifferenceState
    verb: str
    by_kind: str
    by_id: UUID
    note: str
    at: datetime


class DifferenceFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which differences are asked for. `unresolved`: those that wait for somebody."""

    merchant_id: MerchantId | None = None
    day: date | None = None
    state: DifferenceState | None = None
    kind: DifferenceKind | None = None
    unresolved: bool = False


class StatementFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are asked for; both dates included."""

    merchant_id: MerchantId | None = None
    state: StatementState | None = None
    since: date | None = None
    until: date | None = None


class Reconciled(msgspec.Struct, frozen=True):
    """A provider's day against our book; `found` are the differences that were not there before."""

    since: datetime
    until: datetime
    matched: int
    found: list[DifferenceId]
    day: StatementDay


class NoSuchDifference(NotFound):
    """There is no such difference."""

    text = Text(zh="没有这条对账差异", en="There is no such difference.")
    difference_id: UUID


class NoSuchStatement(NotFound):
    """The day of this merchant was never reconciled."""

    text = Text(zh="该商户这一天没有对账记录", en="There is no reconciliation of this merchant on {day}.")
    day: str


class DifferenceEnded(Conflict):
    """The difference is resolved, or went by itself."""

    text = Text(zh="这条差异已处理：{state}", en="The difference is {state} already.")
    difference_id: UUID
    state: str


class NotSoResolved(Conflict):
    """A difference of this kind cannot be dealt with so."""

    text = Text(
        zh="“{kind}”类差异不能以“{verb}”处理", en="A difference of the kind {kind} cannot be dealt with by {verb}."
    )
    difference_id: UUID
    kind: str
    verb: str


class NotBookedSo(Conflict):
    """The movement was told to the order book, and is still not on it; look at the payment."""

    text = Text(
        zh="入账后差异仍在，请查看该笔支付", en="It was told to the order book and still differs; look at the payment."
    )
    difference_id: UUID


class DifferenceNeedsReason(Invalid):
    """What ends a difference says why."""

    text = Text(zh="请填写原因", en="Say why.")


class StatementNotReady(Unavailable):
    """The provider does not have the statement of this day yet; ask later."""

    text = Text(zh="{provider} 尚未出具 {day} 的对账单", en="{provider} has no statement of {day} yet.")
    provider: str
    day: str


class StatementIncomplete(Unavailable):
    """The statement has fewer lines than the provider says it has: a page is missing. Nothing was taken over."""

    text = Text(
        zh="{provider} 的 {day} 对账单不完整：{got}/{wanted} 行",
        en="{got} of {wanted} lines of {provider}'s {day} came.",
    )
    provider: str
    day: str
    got: int
    wanted: int
