"""What every payment provider must keep, as checks that its author can run: `await Conformance(…).run()`.

It needs the provider, a merchant of it in its test environment (two, to try payments that are combined), and a driver
that plays the shopper and listens where callbacks arrive. It needs no database and no test framework.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.refusals import Refusal
from midstage.middle.payments.conforming import WAIT_S, Callback, Driver, Nonconforming, Outcome, Trial, must, right_now
from midstage.middle.payments.provider import (
    Combined,
    CombinedOrder,
    CombiningProvider,
    Created,
    RefundStandingState,
    StandingState,
)
from midstage.middle.payments.refusals import (
    ProviderRefused,
    SignatureWrong,
)
from midstage.middle.payments.types import (
    NoticeKind,
    PaymentId,
    RefundId,
)

__all__ = ["WAIT_S", "Callback", "Conformance", "Driver", "Nonconforming", "Outcome"]


class Conformance(Trial):
    """The checks; each makes payments of its own, so that they run in any order and together."""

    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every check by name; it raises Nonconforming. What a provider does not offer is not checked."""
        combined = {
            "combining_twice_is_combining_once": self.combining_twice_is_combining_once,
            "a_combined_payment_pays_every_part": self.a_combined_payment_pays_every_part,
        }
        return {
            **(combined if self._provider.combines else {}),
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
        must(self._provider.name == self._merchant.provider, "the merchant is of another provider")
        must(self._provider.settings == self._merchant.settings.keys(), "settings are not those of the merchant")
        offered = isinstance(self._provider, CombiningProvider)
        must(offered or not self._provider.combines, "it says that it combines, and has no create_combined")
        must(self._provider.secrets == self._merchant.secrets.keys(), "secrets are not those of the merchant")

    async def creating_twice_is_creating_once(self) -> None:
        order = self.order(1250)
        once, again = await asyncio.gather(self._create(order), self._create(order))
        third = await self._create(order)
        must(once.provider_no == again.provider_no == third.provider_no, "the same number made two payments")
        standing = await self._provider.query(self._merchant, order.payment_id)
        must(standing.state is StandingState.WAITING, f"a new payment is {standing.state}")

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
        must(standing.state is StandingState.UNKNOWN, f"a payment that was never made is {standing.state}")

    async def a_payment_is_told_and_found(self) -> None:
        order = self.order(8800)
        await self._paid(order)
        standing = await self._provider.query(self._merchant, order.payment_id)
        must(standing.state is StandingState.PAID, f"a paid payment is {standing.state}")
        must(standing.amount == order.amount, f"{standing.amount} was found of {order.amount}")
        told = await self._told(order.payment_id, NoticeKind.PAID)
        must(told.amount == order.amount, f"{told.amount} was told of {order.amount}")
        must(told.merchant_id == self._merchant.merchant_id, "the notice is of another merchant")
        must(told.payee == self._merchant.payee, "the notice is of another payee")
        must(told.provider == self._provider.name, "the notice is of another provider")
        must(told.transaction_no == standing.transaction_no != "", "told and found have not the same transaction")

    async def a_declined_payment_waits(self) -> None:
        order = self.order(500)
        created = await self._create(order)
        await self._driver.decline(created)
        standing = await self._provider.query(self._merchant, order.payment_id)
        must(standing.state is StandingState.WAITING, f"a declined payment is {standing.state}")
        await self._driver.pay(created)
        await self._told(order.payment_id, NoticeKind.PAID)

    async def a_closed_payment_cannot_be_paid(self) -> None:
        order = self.order(700)
        created = await self._create(order)
        first = await self._provider.close(self._merchant, order.payment_id)
        again = await self._provider.close(self._merchant, order.payment_id)
        must(first.state is again.state is StandingState.CLOSED, f"a closed payment is {first.state}")
        await self._driver.pay(created)
        standing = await self._provider.query(self._merchant, order.payment_id)
        must(standing.state is StandingState.CLOSED, f"a closed payment became {standing.state}")

    async def closing_what_is_paid_says_so(self) -> None:
        order = self.order(900)
        await self._paid(order)
        standing = await self._provider.close(self._merchant, order.payment_id)
        must(standing.state is StandingState.PAID, f"closing what is paid says {standing.state}")
        must(standing.amount == order.amount, "closing what is paid does not say how much")

    async def a_held_amount_is_captured(self) -> None:
        order = msgspec.structs.replace(self.order(3000), capture_later=True)
        await self._driver.pay(await self._create(order))
        held = await self._until(order.payment_id, StandingState.AUTHORISED)
        must(held, "a payment to be captured later is not authorised")
        first = await self._provider.capture(self._merchant, order.payment_id, order.amount)
        again = await self._provider.capture(self._merchant, order.payment_id, order.amount)
        must(first.state is again.state is StandingState.PAID, f"what was captured is {first.state}")
        must(first.amount == again.amount == order.amount, f"{first.amount} was captured of {order.amount}")

    async def refunding_twice_is_refunding_once(self) -> None:
        order = self.order(2000)
        transaction = await self._paid(order)
        wish = self._refund(order, transaction, 600)
        await asyncio.gather(*(self._provider.refund(self._merchant, wish) for _ in range(3)))
        done = await self._refunded(wish)
        must(done.amount == wish.amount, f"{done.amount} went back of {wish.amount}")
        told = await self._told(order.payment_id, NoticeKind.REFUNDED)
        must(told.refund_id == wish.refund_id, "the notice is of another refund")
        must(told.amount == wish.amount, f"{told.amount} was told of {wish.amount}")
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
        must(len(taken) == 3, f"{len(taken)} refunds of 300 were taken out of 1000")
        must(not await self._accepted(self._refund(order, transaction, 101)), "more went back than was paid")

    async def an_unknown_refund_is_unknown(self) -> None:
        standing = await self._provider.query_refund(self._merchant, RefundId(new_id()))
        must(standing.state is RefundStandingState.UNKNOWN, f"a refund that was never made is {standing.state}")

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
            must(told.since < told.until, "the statement has no bounds")
            must(all(told.since <= line.at < told.until for line in told.lines), "a line is not of the day")
            found += [
                (line.refund_no and "refund", line.amount.minor)
                for line in told.lines
                if line.payment_no == order.payment_id.hex
            ]
        must(sorted(found) == [("", 4200), ("refund", 200)], f"the statement has {found}")

    async def combining_twice_is_combining_once(self) -> None:
        order = self._combined(300, 400)
        once, again = [await self._combine(order) for _ in range(2)]
        must(list(once.provider_nos) == list(again.provider_nos), "the same combination made other payments")
        must(len(once.provider_nos) == len(order.parts), "a part of a combination has no number")
        for merchant, part in order.parts:
            standing = await self._provider.query(merchant, part.payment_id)
            must(standing.state is StandingState.WAITING, f"a part of a combination is {standing.state}")

    async def a_combined_payment_pays_every_part(self) -> None:
        order = self._combined(1500, 2500)
        made = await self._combine(order)
        await self._driver.pay(Created(made.provider_nos[0], made.cashier_url))
        numbers: set[str] = set()
        for merchant, part in order.parts:
            paid = await self._until(part.payment_id, StandingState.PAID, merchant=merchant)
            must(paid, "a part of a combination that was paid is not found as paid")
            standing = await self._provider.query(merchant, part.payment_id)
            must(standing.amount == part.amount, f"{standing.amount} was found of a part of {part.amount}")
            told = await self._told(part.payment_id, NoticeKind.PAID, merchant=merchant)
            must(told.amount == part.amount, "a part was told with another amount")
            must(told.merchant_id == merchant.merchant_id, "a part was told of another merchant")
            numbers.add(told.transaction_no)
            wish = self._refund(part, told.transaction_no, 100)
            await self._provider.refund(merchant, wish)
            await self._refunded(wish, merchant=merchant)
        must(len(numbers) == len(order.parts), "the parts have not a transaction each")

    def _combined(self, *amounts: int) -> CombinedOrder:
        merchants = (self._merchant, self._other)
        return CombinedOrder(
            new_id(), [(merchant, self.order(minor)) for merchant, minor in zip(merchants, amounts, strict=True)]
        )

    async def _combine(self, order: CombinedOrder) -> Combined:
        if not isinstance(self._provider, CombiningProvider):
            raise Nonconforming("it says that it combines, and has no create_combined")
        return await self._provider.create_combined(order)

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
            self._refuses(
                told.headers, told.body, "an old signature was believed", at=right_now() + timedelta(days=days)
            )

    async def _any_callback(self) -> Callback:
        order = self.order(100)
        await self._paid(order)
        await self._told(order.payment_id, NoticeKind.PAID)
        return (await self._driver.callbacks())[-1]

    def _refuses(self, headers: Mapping[str, str], body: bytes, why: str, *, at: datetime | None = None) -> None:
        try:
            self._provider.verify(self._merchant, headers, body, now=at or right_now())
        except SignatureWrong:
            return
        raise Nonconforming(why)
