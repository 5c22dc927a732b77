"""What every payment provider must keep, as checks that its author can run: `await Conformance(…).run()`.

It needs the provider, a merchant of it in its test environment, and a driver that plays the shopper and
listens where callbacks arrive. It needs no database and no test framework.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.refusals import Refusal
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


class Conformance:
    """The checks; each makes payments of its own, so that they run in any order and together."""

    def __init__(
        self, provider: PaymentProvider, merchant: Merchant, driver: Driver, *, wait_s: float = WAIT_S
    ) -> None:
        self._provider = provider
        self._merchant = merchant
        self._driver = driver
        self._wait_s = wait_s

    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every check by name; it raises Nonconforming."""
        return {
            "says_what_it_needs": self.says_what_it_needs,
            "creating_twice_is_creating_once": self.creating_twice_is_creating_once,
            "a_number_keeps_its_amount": self.a_number_keeps_its_amount,
            "an_unknown_payment_is_unknown": self.an_unknown_payment_is_unknown,
            "a_payment_is_told_and_found": self.a_payment_is_told_and_found,
            "a_declined_payment_waits": self.a_declined_payment_waits,
            "a_closed_payment_cannot_be_paid": self.a_closed_payment_cannot_be_paid,
            "closing_what_is_paid_says_so": self.closing_what_is_paid_says_so,
            "a_held_amount_is_captured": self.a_held_amount_is_captured,
            "refunding_twice_is_refunding_once": self.refunding_twice_is_refunding_once,
            "refunds_stay_within_what_was_paid": self.refunds_stay_within_what_was_paid,
            "an_unknown_refund_is_unknown": self.an_unknown_refund_is_unknown,
            "the_statement_has_what_moved": self.the_statement_has_what_moved,
            "nothing_is_believed_that_is_not_signed": self.nothing_is_believed_that_is_not_signed,
            "an_old_signature_is_not_believed": self.an_old_signature_is_not_believed,
        }

    async def run(self) -> list[Outcome]:
        """Run every check, one after the other."""
        outcomes: list[Outcome] = []
        for name, check in self.checks().items():
            try:
                await check()
            except (Nonconforming, Refusal) as wrong:
                outcomes.append(Outcome(name, passed=False, why=str(wrong)))
            else:
                outcomes.append(Outcome(name, passed=True))
        return outcomes

    async def says_what_it_needs(self) -> None:
        _must(self._provider.name == self._merchant.provider, "the merchant is of another provider")
        _must(self._provider.settings == self._merchant.settings.keys(), "settings are not those of the merchant")
        _must(self._provider.secrets == self._merchant.secrets.keys(), "secrets are not those of the merchant")

    async def creating_twice_is_creating_once(self) -> None:
        order = self.order(1250)
        once, again = await asyncio.gather(self._create(order), self._create(order))
        third = await self._create(order)
        _must(once.provider_no == again.provider_no == third.provider_no, "the same number made two payments")
        standing = await self._provider.query(self._merchant, order.payment_id)
        _must(standing.state is StandingState.WAITING, f"a new payment is {standing.state}")

    async def a_number_keeps_its_amount(self) -> None:
        order = self.order(1250)
        await self._create(order)
        try:
            await self._create(msgspec.structs.replace(order, amount=Money(1251, order.amount.currency)))
        except ProviderRefused:
            return
        raise Nonconforming("another amount was taken under the same number")

    async def an_unknown_payment_is_unknown(self) -> None:
        standing = await self._provider.query(self._merchant, PaymentId(new_id()))
        _must(standing.state is StandingState.UNKNOWN, f"a payment that was never made is {standing.state}")

    async def a_payment_is_told_and_found(self) -> None:
        order = self.order(8800)
        await self._paid(order)
        standing = await self._provider.query(self._merchant, order.payment_id)
        _must(standing.state is StandingState.PAID, f"a paid payment is {standing.state}")
        _must(standing.amount == order.amount, f"{standing.amount} was found of {order.amount}")
        told = await self._told(order.payment_id, NoticeKind.PAID)
        _must(told.amount == order.amount, f"{told.amount} was told of {order.amount}")
        _must(told.merchant_id == self._merchant.merchant_id, "the notice is of another merchant")
        _must(told.payee == self._merchant.payee, "the notice is of another payee")
        _must(told.provider == self._provider.name, "the notice is of another provider")
        _must(told.transaction_no == standing.transaction_no != "", "told and found have not the same transaction")

    async def a_declined_payment_waits(self) -> None:
        order = self.order(500)
        created = await self._create(order)
        await self._driver.decline(created)
        standing = await self._provider.query(self._merchant, order.payment_id)
        _must(standing.state is StandingState.WAITING, f"a declined payment is {standing.state}")
        await self._driver.pay(created)
        await self._told(order.payment_id, NoticeKind.PAID)

    async def a_closed_payment_cannot_be_paid(self) -> None:
        order = self.order(700)
        created = await self._create(order)
        first = await self._provider.close(self._merchant, order.payment_id)
        again = await self._provider.close(self._merchant, order.payment_id)
        _must(first.state is again.state is StandingState.CLOSED, f"a closed payment is {first.state}")
        await self._driver.pay(created)
        standing = await self._provider.query(self._merchant, order.payment_id)
        _must(standing.state is StandingState.CLOSED, f"a closed payment became {standing.state}")

    async def closing_what_is_paid_says_so(self) -> None:
        order = self.order(900)
        await self._paid(order)
        standing = await self._provider.close(self._merchant, order.payment_id)
        _must(standing.state is StandingState.PAID, f"closing what is paid says {standing.state}")
        _must(standing.amount == order.amount, "closing what is paid does not say how much")

    async def a_held_amount_is_captured(self) -> None:
        order = msgspec.structs.replace(self.order(3000), capture_later=True)
        await self._driver.pay(await self._create(order))
        held = await self._until(order.payment_id, StandingState.AUTHORISED)
        _must(held, "a payment to be captured later is not authorised")
        first = await self._provider.capture(self._merchant, order.payment_id, order.amount)
        again = await self._provider.capture(self._merchant, order.payment_id, order.amount)
        _must(first.state is again.state is StandingState.PAID, f"what was captured is {first.state}")
        _must(first.amount == again.amount == order.amount, f"{first.amount} was captured of {order.amount}")

    async def refunding_twice_is_refunding_once(self) -> None:
        order = self.order(2000)
        transaction = await self._paid(order)
        wish = self._refund(order, transaction, 600)
        await asyncio.gather(*(self._provider.refund(self._merchant, wish) for _ in range(3)))
        done = await self._refunded(wish)
        _must(done.amount == wish.amount, f"{done.amount} went back of {wish.amount}")
        told = await self._told(order.payment_id, NoticeKind.REFUNDED)
        _must(told.refund_id == wish.refund_id, "the notice is of another refund")
        _must(told.amount == wish.amount, f"{told.amount} was told of {wish.amount}")
        rest = self._refund(order, transaction, 1400)
        await self._provider.refund(self._merchant, rest)
        await self._refunded(rest)

    async def refunds_stay_within_what_was_paid(self) -> None:
        order = self.order(1000)
        transaction = await self._paid(order)
        wishes = [self._refund(order, transaction, 300) for _ in range(8)]
        taken = [
            wish for wish, fine in zip(wishes, await asyncio.gather(*map(self._accepted, wishes)), strict=True) if fine
        ]
        _must(len(taken) == 3, f"{len(taken)} refunds of 300 were taken out of 1000")
        _must(not await self._accepted(self._refund(order, transaction, 101)), "more went back than was paid")

    async def an_unknown_refund_is_unknown(self) -> None:
        standing = await self._provider.query_refund(self._merchant, RefundId(new_id()))
        _must(standing.state is RefundStandingState.UNKNOWN, f"a refund that was never made is {standing.state}")

    async def the_statement_has_what_moved(self) -> None:
        order = self.order(4200)
        transaction = await self._paid(order)
        wish = self._refund(order, transaction, 200)
        await self._provider.refund(self._merchant, wish)
        await self._refunded(wish)
        at = (await self._provider.query(self._merchant, order.payment_id)).at or datetime.now(UTC)
        found: list[tuple[str, int]] = []
        for day in {(at + timedelta(days=shift)).date() for shift in (-1, 0, 1)}:
            told = await self._provider.statement(self._merchant, day)
            _must(told.since < told.until, "the statement has no bounds")
            _must(all(told.since <= line.at < told.until for line in told.lines), "a line is not of the day")
            found += [
                (line.refund_no and "refund", line.amount.minor)
                for line in told.lines
                if line.payment_no == order.payment_id.hex
            ]
        _must(sorted(found) == [("", 4200), ("refund", 200)], f"the statement has {found}")

    async def nothing_is_believed_that_is_not_signed(self) -> None:
        told = await self._any_callback()
        forged = {
            name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in told.headers.items() if value
        }
        self._refuses(told.headers, told.body + b" ", "a changed body was believed")
        self._refuses({}, told.body, "an unsigned body was believed")
        self._refuses(forged, told.body, "changed headers were believed")

    async def an_old_signature_is_not_believed(self) -> None:
        told = await self._any_callback()
        for days in (1, -1):
            self._refuses(told.headers, told.body, "an old signature was believed", at=_now() + timedelta(days=days))

    async def _any_callback(self) -> Callback:
        order = self.order(100)
        await self._paid(order)
        await self._told(order.payment_id, NoticeKind.PAID)
        return (await self._driver.callbacks())[-1]

    def _refuses(self, headers: Mapping[str, str], body: bytes, why: str, *, at: datetime | None = None) -> None:
        try:
            self._provider.verify(self._merchant, headers, body, now=at or _now())
        except SignatureWrong:
            return
        raise Nonconforming(why)

    def order(self, minor: int) -> PaymentOrder:
        """A payment to try with, of this amount."""
        return PaymentOrder(
            payment_id=PaymentId(new_id()),
            amount=Money(minor, self._driver.currency),
            title="Conformance 一致性检查",
            expires_at=_now() + timedelta(minutes=30),
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
        _must(await self._until(order.payment_id, StandingState.PAID), "a payment that was paid is not found as paid")
        return (await self._provider.query(self._merchant, order.payment_id)).transaction_no

    async def _until(self, payment_id: PaymentId, state: StandingState) -> bool:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            if (await self._provider.query(self._merchant, payment_id)).state is state:
                return True
            await asyncio.sleep(PAUSE_S)
        return False

    async def _accepted(self, wish: RefundOrder) -> bool:
        try:
            standing = await self._provider.refund(self._merchant, wish)
        except ProviderRefused:
            return False
        return standing.state is not RefundStandingState.FAILED

    async def _refunded(self, wish: RefundOrder) -> RefundStanding:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            standing = await self._provider.query_refund(self._merchant, wish.refund_id)
            if standing.state is RefundStandingState.REFUNDED:
                return standing
            await asyncio.sleep(PAUSE_S)
        raise Nonconforming("a refund did not come to an end")

    async def _told(self, payment_id: PaymentId, kind: NoticeKind) -> Notice:
        until = time.monotonic() + self._wait_s
        while time.monotonic() < until:
            for callback in await self._driver.callbacks():
                notice = self._provider.verify(self._merchant, callback.headers, callback.body, now=_now())
                if notice.payment_id == payment_id and notice.kind is kind:
                    return notice
            await asyncio.sleep(PAUSE_S)
        raise Nonconforming(f"no callback told that it was {kind}")


def _must(held: bool, why: str) -> None:  # noqa: FBT001  # reads as a sentence where it is used
    if not held:
        raise Nonconforming(why)


def _now() -> datetime:
    return datetime.now(UTC)
