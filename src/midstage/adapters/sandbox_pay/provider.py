"""The client of the simulated provider: the port of payments over httpx, with time-outs and bounded retries."""

import asyncio
import random
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TypeVar

import httpx
import msgspec

from midstage.adapters.sandbox_pay import protocol
from midstage.kit.money import Money
from midstage.middle.payments import api as payments

T = TypeVar("T")

ATTEMPTS = 3
PAUSE_S = 0.1
TIMEOUT = httpx.Timeout(5.0, connect=2.0)
STATES = {
    protocol.PaymentState.WAITING: payments.StandingState.WAITING,
    protocol.PaymentState.AUTHORISED: payments.StandingState.AUTHORISED,
    protocol.PaymentState.PAID: payments.StandingState.PAID,
    protocol.PaymentState.CLOSED: payments.StandingState.CLOSED,
}
REFUND_STATES = {
    protocol.RefundState.PROCESSING: payments.RefundStandingState.PROCESSING,
    protocol.RefundState.REFUNDED: payments.RefundStandingState.REFUNDED,
    protocol.RefundState.FAILED: payments.RefundStandingState.FAILED,
}
KINDS = {
    protocol.EventKind.PAID: payments.NoticeKind.PAID,
    protocol.EventKind.AUTHORISED: payments.NoticeKind.AUTHORISED,
    protocol.EventKind.CLOSED: payments.NoticeKind.CLOSED,
    protocol.EventKind.REFUNDED: payments.NoticeKind.REFUNDED,
    protocol.EventKind.REFUND_FAILED: payments.NoticeKind.REFUND_FAILED,
}
_event = msgspec.json.Decoder(protocol.Event)


class SandboxPay:
    """The provider `sandbox`. Settings: base_url and merchant_no; secrets: secret."""

    name = "sandbox"
    settings = frozenset({"base_url", "merchant_no"})
    secrets = frozenset({"secret"})
    combines = True

    def __init__(self, *, timeout: httpx.Timeout = TIMEOUT, attempts: int = ATTEMPTS) -> None:
        self._timeout = timeout
        self._attempts = attempts
        self._client: httpx.AsyncClient | None = None

    async def create(self, merchant: payments.Merchant, order: payments.PaymentOrder) -> payments.Created:
        made = await self._ask(merchant, "POST", "/v1/payments", _create_wish(order), protocol.Payment)
        return payments.Created(made.provider_no, made.cashier_url)

    async def create_combined(self, order: payments.CombinedOrder) -> payments.Combined:
        wish = protocol.CreateCombined(
            combined_no=payments.payment_no(order.combined_id),
            parts=[
                protocol.CombinedPart(merchant_no=merchant.settings["merchant_no"], payment=_create_wish(part))
                for merchant, part in order.parts
            ],
        )
        made = await self._ask(order.parts[0][0], "POST", "/v1/combined", wish, protocol.Combined)
        return payments.Combined(made.cashier_url, [part.provider_no for part in made.parts])

    async def query(self, merchant: payments.Merchant, payment_id: payments.PaymentId) -> payments.Standing:
        path = f"/v1/payments/{payments.payment_no(payment_id)}"
        found = await self._find(merchant, path, protocol.Payment)
        return payments.Standing(payments.StandingState.UNKNOWN) if found is None else _standing(found)

    async def capture(
        self, merchant: payments.Merchant, payment_id: payments.PaymentId, amount: Money
    ) -> payments.Standing:
        path = f"/v1/payments/{payments.payment_no(payment_id)}/capture"
        wish = protocol.Capture(amount_minor=amount.minor)
        return _standing(await self._ask(merchant, "POST", path, wish, protocol.Payment))

    async def close(self, merchant: payments.Merchant, payment_id: payments.PaymentId) -> payments.Standing:
        path = f"/v1/payments/{payments.payment_no(payment_id)}/close"
        return _standing(await self._ask(merchant, "POST", path, None, protocol.Payment))

    async def refund(self, merchant: payments.Merchant, order: payments.RefundOrder) -> payments.RefundStanding:
        wish = protocol.CreateRefund(
            refund_no=payments.payment_no(order.refund_id),
            payment_no=payments.payment_no(order.payment_id),
            amount_minor=order.amount.minor,
            reason=order.reason,
            callback_url=order.callback_url,
        )
        return _refund_standing(await self._ask(merchant, "POST", "/v1/refunds", wish, protocol.Refund))

    async def query_refund(self, merchant: payments.Merchant, refund_id: payments.RefundId) -> payments.RefundStanding:
        found = await self._find(merchant, f"/v1/refunds/{payments.payment_no(refund_id)}", protocol.Refund)
        if found is None:
            return payments.RefundStanding(payments.RefundStandingState.UNKNOWN)
        return _refund_standing(found)

    async def statement(self, merchant: payments.Merchant, day: date) -> payments.Statement:
        told = await self._page(merchant, day, 1)
        lines = list(told.lines)
        for number in range(2, told.pages + 1):
            lines += (await self._page(merchant, day, number)).lines
        return payments.Statement(
            _at(told.since_ms), _at(told.until_ms), [_statement_line(line) for line in lines], told.count
        )

    def verify(
        self, merchant: payments.Merchant, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> payments.Notice:
        secret = payments.secret(merchant, "secret")
        why = protocol.refusal(secret, headers, body, at_s=now.timestamp())
        if why is not None:
            raise payments.SignatureWrong(why)
        try:
            event = _event.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise payments.NoticeUnreadable("it is not an event") from None
        if event.merchant_no != merchant.settings["merchant_no"]:
            raise payments.SignatureWrong("it is for another merchant")
        return payments.Notice(
            kind=KINDS[event.kind],
            merchant_id=merchant.merchant_id,
            payee=merchant.payee,
            provider=self.name,
            payment_id=payments.PaymentId(payments.id_of(event.payment_no)),
            transaction_no=event.transaction_no,
            amount=Money(event.amount_minor, event.currency),
            at=_at(event.at_ms),
            refund_id=payments.RefundId(payments.id_of(event.refund_no)) if event.refund_no else None,
            reason=event.reason,
        )

    async def close_connections(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _page(self, merchant: payments.Merchant, day: date, number: int) -> protocol.DayStatement:
        path = f"/v1/statements/{day.isoformat()}" + (f"/{number}" if number > 1 else "")
        try:
            return await self._ask(merchant, "GET", path, None, protocol.DayStatement)
        except payments.ProviderRefused as refused:
            if refused.reason.startswith("not_ready"):
                raise payments.StatementNotReady(self.name, day.isoformat()) from None
            raise

    async def _find(self, merchant: payments.Merchant, path: str, kind: type[T]) -> T | None:
        try:
            return await self._ask(merchant, "GET", path, None, kind)
        except payments.ProviderRefused as refused:
            if refused.reason.startswith("no_such_"):
                return None
            raise

    async def _ask(
        self, merchant: payments.Merchant, method: str, path: str, wish: protocol.Wire | None, kind: type[T]
    ) -> T:
        """Ask until there is an answer, ATTEMPTS times at most: everything that can be asked is idempotent."""
        body = b"" if wish is None else msgspec.json.encode(wish)
        reason = ""
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(PAUSE_S * 3 ** (attempt - 1) * (1 + random.random()))  # noqa: S311  # a pause, no secret
            try:
                answer = await self._send(merchant, method, path, body)
            except httpx.HTTPError as error:
                reason = type(error).__name__
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                return self._read(answer, kind)
            reason = f"HTTP {answer.status_code}"
        raise payments.ProviderUnavailable(self.name, reason)

    async def _send(self, merchant: payments.Merchant, method: str, path: str, body: bytes) -> httpx.Response:
        headers = protocol.sign(
            payments.secret(merchant, "secret"), body, at_s=int(time.time()), what=f"{method} {path}"
        )
        headers |= {protocol.MERCHANT: merchant.settings["merchant_no"], "content-type": "application/json"}
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout, trust_env=False)
        url = merchant.settings["base_url"].rstrip("/") + path
        return await self._client.request(method, url, content=body, headers=headers)

    def _read(self, answer: httpx.Response, kind: type[T]) -> T:
        try:
            if answer.is_success:
                return msgspec.json.decode(answer.content, type=kind)
            problem = msgspec.json.decode(answer.content, type=protocol.Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise payments.ProviderUnavailable(self.name, f"HTTP {answer.status_code} that cannot be read") from None
        raise payments.ProviderRefused(self.name, f"{problem.code}: {problem.reason}")


def _create_wish(order: payments.PaymentOrder) -> protocol.CreatePayment:
    return protocol.CreatePayment(
        payment_no=payments.payment_no(order.payment_id),
        amount_minor=order.amount.minor,
        currency=order.amount.currency,
        title=order.title[:200],
        expires_at_ms=_ms(order.expires_at),
        callback_url=order.callback_url,
        return_url=order.return_url,
        language=order.language,
        capture_later=order.capture_later,
    )


def _standing(found: protocol.Payment) -> payments.Standing:
    if found.state is protocol.PaymentState.PAID:
        amount = Money(found.paid_minor, found.currency)
    elif found.state is protocol.PaymentState.AUTHORISED:
        amount = Money(found.amount_minor, found.currency)
    else:
        return payments.Standing(STATES[found.state])
    return payments.Standing(STATES[found.state], found.transaction_no, amount, _at(found.at_ms))


def _refund_standing(found: protocol.Refund) -> payments.RefundStanding:
    return payments.RefundStanding(
        REFUND_STATES[found.state],
        found.transaction_no,
        Money(found.amount_minor, found.currency),
        _at(found.at_ms),
        found.reason,
    )


def _statement_line(line: protocol.Line) -> payments.StatementLine:
    return payments.StatementLine(
        line.payment_no,
        line.refund_no,
        line.transaction_no,
        Money(line.amount_minor, line.currency),
        _at(line.at_ms),
        Money(line.fee_minor, line.currency),
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
