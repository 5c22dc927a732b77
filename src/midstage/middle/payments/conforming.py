"""What the conformance suite stands on: who plays the shopper, what is found, and how to pay, wait and listen."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments.provider import (
    Created,
    PaymentOrder,
    PaymentProvider,
    RefundOrder,
    RefundStanding,
    RefundStandingState,
    StandingState,
)
from midstage.middle.payments.refusals import (
    ProviderRefused,
    SignatureWrong,
)
from midstage.middle.payments.types import (
    Merchant,
    Notice,
    NoticeKind,
    PaymentId,
    RefundId,
)

WAIT_S = 15.0  # a provider's test environment calls back within this time
PAUSE_S = 0.05


class Callback(msgspec.Struct, frozen=True):
    """A callback as it arrived; header names in small letters."""

    headers: dict[str, str]
    body: bytes


class Driver(Protocol):
    """Plays the shopper, and keeps what the provider calls back."""

    @property
    def callback_url(self) -> str:
        """Where the provider is told to call back."""
        ...

    @property
    def currency(self) -> str:
        """A currency that the merchant takes."""
        ...

    async def pay(self, created: Created) -> None:
        """Pay at the cashier."""
        ...

    async def decline(self, created: Created) -> None:
        """Try to pay, and have the bank say no."""
        ...

    async def callbacks(self) -> list[Callback]:
        """All that arrived so far."""
        ...


class Nonconforming(Exception):  # noqa: N818  # a finding about somebody's provider
    """The provider does not keep what the port promises."""


class Outcome(msgspec.Struct, frozen=True):
    """One check: whether it held, and if not, why."""

    check: str
    passed: bool
    why: str = ""


class Trial:
    """A provider under examination, with a merchant (or two) and a driver."""

    def __init__(
        self,
        provider: PaymentProvider,
        merchant: Merchant,
        driver: Driver,
        *,
        other: Merchant | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._provider = provider
        self._merchant = merchant
        self._other = other or merchant
        self._driver = driver
        self._wait_s = wait_s

    def order(self, minor: int) -> PaymentOrder:
        """A payment to try with, of this amount."""
        return PaymentOrder(
            payment_id=PaymentId(new_id()),
            amount=Money(minor, self._driver.currency),
            title="Conformance 一致性检查",
            expires_at=right_now() + timedelta(minutes=30),
            callback_url=self._driver.callback_url,
        )

    def _refund(self, order: PaymentOrder, transaction: str, minor: int) -> RefundOrder:
        return RefundOrder(
            refund_id=RefundId(new_id()),
            payment_id=order.payment_id,
            transaction_no=transaction,
            amount=Money(minor, order.amount.currency),
            paid=order.amount,
            reason="conformance",
            callback_url=self._driver.callback_url,
        )

    async def _create(self, order: PaymentOrder) -> Created:
        return await self._provider.create(self._merchant, order)

    async def _paid(self, order: PaymentOrder) -> str:
        """Create and pay; the provider's number of the transaction."""
        await self._driver.pay(await self._create(order))
        must(await self._until(order.payment_id, StandingState.PAID), "a payment that was paid is not found as paid")
        return (await self._provider.query(self._merchant, order.payment_id)).transaction_no

    async def _until(self, payment_id: PaymentId, state: StandingState, *, merchant: Merchant | None = None) -> bool:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            if (await self._provider.query(merchant or self._merchant, payment_id)).state is state:
                return True
            await asyncio.sleep(PAUSE_S)
        return False

    async def _accepted(self, wish: RefundOrder) -> bool:
        try:
            standing = await self._provider.refund(self._merchant, wish)
        except ProviderRefused:
            return False
        return standing.state is not RefundStandingState.FAILED

    async def _refunded(self, wish: RefundOrder, *, merchant: Merchant | None = None) -> RefundStanding:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            standing = await self._provider.query_refund(merchant or self._merchant, wish.refund_id)
            if standing.state is RefundStandingState.REFUNDED:
                return standing
            await asyncio.sleep(PAUSE_S)
        raise Nonconforming("a refund did not come to an end")

    async def _told(self, payment_id: PaymentId, kind: NoticeKind, *, merchant: Merchant | None = None) -> Notice:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            for callback in await self._driver.callbacks():
                notice = self._read(merchant or self._merchant, callback)
                if notice is not None and notice.payment_id == payment_id and notice.kind is kind:
                    return notice
            await asyncio.sleep(PAUSE_S)
        raise Nonconforming(f"no callback told that it was {kind}")

    def _read(self, merchant: Merchant, callback: Callback) -> Notice | None:
        """A callback as a merchant reads it; None where it is for the other one."""
        try:
            return self._provider.verify(merchant, callback.headers, callback.body, now=right_now())
        except SignatureWrong:
            if self._other is self._merchant:
                raise
            return None


def must(held: bool, why: str) -> None:  # noqa: FBT001  # reads as a sentence where it is used
    if not held:
        raise Nonconforming(why)


def right_now() -> datetime:
    return datetime.now(UTC)
