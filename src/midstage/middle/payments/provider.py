"""The port of payment providers: public API. Whoever writes one proves it with conformance.py."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

from midstage.kit.money import Money
from midstage.middle.payments.refusals import (
    NoticeUnreadable,
    UnknownProvider,
)
from midstage.middle.payments.types import (
    Merchant,
    Notice,
    PaymentId,
    RefundId,
)


class PaymentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is asked to collect. `payment_id` is the merchant's number: the same again is the same payment."""

    payment_id: PaymentId
    amount: Money
    title: str
    expires_at: datetime
    callback_url: str
    return_url: str = ""
    language: str = "zh-CN"
    capture_later: bool = False


class Created(msgspec.Struct, frozen=True):
    """The provider's number, and where the shopper pays."""

    provider_no: str
    cashier_url: str


class CombinedOrder(msgspec.Struct, frozen=True):
    """Payments to several merchants of one provider, to be paid at one cashier at once (合单支付).

    `combined_id` is the number of the whole: the same again is the same cashier.
    """

    combined_id: UUID
    parts: Sequence[tuple[Merchant, PaymentOrder]]


class Combined(msgspec.Struct, frozen=True):
    """Where the shopper pays all of it, and the provider's number of each part, in their order."""

    cashier_url: str
    provider_nos: Sequence[str]


class StandingState(StrEnum):
    """How a payment stands with its provider. `unknown`: it was never created there."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    AUTHORISED = "authorised"
    PAID = "paid"
    CLOSED = "closed"


class Standing(msgspec.Struct, frozen=True):
    """What the provider knows of a payment; the last three are set where money moved or is held."""

    state: StandingState
    transaction_no: str = ""
    amount: Money | None = None
    at: datetime | None = None


class RefundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is asked to give back. The same `refund_id` again is the same refund."""

    refund_id: RefundId
    payment_id: PaymentId
    transaction_no: str
    amount: Money
    paid: Money
    reason: str
    callback_url: str = ""


class RefundStandingState(StrEnum):
    """How a refund stands with its provider."""

    UNKNOWN = "unknown"
    PROCESSING = "processing"
    REFUNDED = "refunded"
    FAILED = "failed"


class RefundStanding(msgspec.Struct, frozen=True):
    """What the provider knows of a refund."""

    state: RefundStandingState
    transaction_no: str = ""
    amount: Money | None = None
    at: datetime | None = None
    reason: str = ""


class StatementLine(msgspec.Struct, frozen=True):
    """One movement: `amount` is above zero both ways, `refund_no` says which way.

    `fee` is what the provider keeps of it, below zero what it gives back of an earlier one; None where it does not say.
    """

    payment_no: str
    refund_no: str
    transaction_no: str
    amount: Money
    at: datetime
    fee: Money | None = None


class Statement(msgspec.Struct, frozen=True):
    """All movements of one merchant in one day of the provider, whose bounds it says itself.

    `count` is how many movements the provider says there are, where it does: with fewer a page is missing.
    """

    since: datetime
    until: datetime
    lines: list[StatementLine]
    count: int | None = None


class PaymentProvider(Protocol):
    """A way to collect money. One object serves all merchants and all brands of a process.

    Every call may be repeated and has the effect of one. A call raises ProviderUnavailable where the
    outcome is not known or it is worth asking again, ProviderRefused where the provider said no.
    """

    @property
    def name(self) -> str:
        """One word, as merchants name it."""
        ...

    @property
    def settings(self) -> frozenset[str]:
        """The settings that a merchant must have."""
        ...

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that a merchant must refer to."""
        ...

    @property
    def combines(self) -> bool:
        """Whether several payees can be paid at one cashier; then it is a CombiningProvider."""
        ...

    async def create(self, merchant: Merchant, order: PaymentOrder) -> Created:
        """Make a payment ready to be paid."""
        ...

    async def query(self, merchant: Merchant, payment_id: PaymentId) -> Standing:
        """How a payment stands."""
        ...

    async def capture(self, merchant: Merchant, payment_id: PaymentId, amount: Money) -> Standing:
        """Collect what was authorised, all of it or a part."""
        ...

    async def close(self, merchant: Merchant, payment_id: PaymentId) -> Standing:
        """Let nobody pay any more. Where it was paid before, the standing says so and nothing is closed."""
        ...

    async def refund(self, merchant: Merchant, order: RefundOrder) -> RefundStanding:
        """Give money back, never more than was collected."""
        ...

    async def query_refund(self, merchant: Merchant, refund_id: RefundId) -> RefundStanding:
        """How a refund stands."""
        ...

    async def statement(self, merchant: Merchant, day: date) -> Statement:
        """All that moved in a day; raises StatementNotReady where it is not drawn up yet."""
        ...

    def verify(self, merchant: Merchant, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notice:
        """Read a callback (header names in small letters). Raises SignatureWrong, NoticeUnreadable. No input or output."""
        ...

    async def close_connections(self) -> None:
        """The process ends."""
        ...


@runtime_checkable
class CombiningProvider(PaymentProvider, Protocol):
    """A provider that takes payments to several of its merchants at once. Each is told, found and refunded by itself."""

    async def create_combined(self, order: CombinedOrder) -> Combined:
        """Make payments ready to be paid together: all of them or, refused, none."""
        ...


_providers: dict[str, PaymentProvider] = {}


def register(installed: PaymentProvider) -> None:
    """Make a provider known to this process, in place of an earlier one of its name."""
    _providers[installed.name] = installed


def provider(name: str) -> PaymentProvider:
    """The provider of a name. Raises UnknownProvider."""
    found = _providers.get(name)
    if found is None:
        raise UnknownProvider(name)
    return found


def combining(name: str) -> CombiningProvider | None:
    """The provider of a name, if it combines. Raises UnknownProvider."""
    found = provider(name)
    return found if isinstance(found, CombiningProvider) and found.combines else None


def providers() -> list[str]:
    """The names of all that are installed."""
    return sorted(_providers)


async def close_providers() -> None:
    """Close the connections of all of them."""
    for each in _providers.values():
        await each.close_connections()


def payment_no(payment_id: UUID) -> str:
    """An id as providers take it: 32 letters and digits."""
    return payment_id.hex


def id_of(number: str) -> UUID:
    """Back from payment_no. Raises NoticeUnreadable."""
    try:
        return UUID(hex=number)
    except ValueError:
        raise NoticeUnreadable("the number is not one of ours") from None
