"""What the simulated provider and its merchants say to each other, and how they sign it.

Every message is signed with HMAC-SHA256 under the merchant's secret. A callback signs its timestamp, nonce and body,
a request also its method and path, joined by line feeds. A message counts for WINDOW_S around its timestamp; a
replay within it changes nothing, because everything that can be asked or told is idempotent.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import msgspec

MERCHANT = "sandbox-merchant"
TIMESTAMP = "sandbox-timestamp"
NONCE = "sandbox-nonce"
SIGNATURE = "sandbox-signature"
WINDOW_S = 300


def sign(secret: bytes, body: bytes, *, at_s: int, what: str = "", nonce: str = "") -> dict[str, str]:
    """The headers of a message; `what` is the method and path of a request, and empty for a callback."""
    nonce = nonce or secrets.token_hex(8)
    timestamp = str(at_s)
    return {TIMESTAMP: timestamp, NONCE: nonce, SIGNATURE: _signature(secret, what, timestamp, nonce, body)}


def refusal(secret: bytes, headers: Mapping[str, str], body: bytes, *, at_s: float, what: str = "") -> str | None:
    """Why a message is not to be believed, or None if it is. Header names in small letters."""
    given, timestamp, nonce = headers.get(SIGNATURE), headers.get(TIMESTAMP), headers.get(NONCE)
    if not given or not timestamp or not nonce:
        return "it is not signed"
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return "its timestamp is none"
    wanted = _signature(secret, what, timestamp, nonce, body)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        return "its signature is wrong"
    # The age is looked at last: only who knows the secret learns that it was the age.
    if abs(at_s - int(timestamp)) > WINDOW_S:
        return "it was signed too long ago"
    return None


def _signature(secret: bytes, what: str, timestamp: str, nonce: str, body: bytes) -> str:
    head = f"{what}\n{timestamp}\n{nonce}\n" if what else f"{timestamp}\n{nonce}\n"
    return hmac.digest(secret, head.encode() + body, "sha256").hex()


class PaymentState(StrEnum):
    WAITING = "waiting"
    AUTHORISED = "authorised"
    PAID = "paid"
    CLOSED = "closed"


class RefundState(StrEnum):
    PROCESSING = "processing"
    REFUNDED = "refunded"
    FAILED = "failed"


class EventKind(StrEnum):
    PAID = "payment.paid"
    AUTHORISED = "payment.authorised"
    CLOSED = "payment.closed"
    REFUNDED = "refund.refunded"
    REFUND_FAILED = "refund.failed"


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    LATE = "late"  # a callback comes `seconds` later
    DOUBLED = "doubled"  # it comes twice, at once
    OUT_OF_ORDER = "out_of_order"  # it comes after the next one of its payment, or after `seconds`
    LOST = "lost"  # it never comes
    WRONG_AMOUNT = "wrong_amount"  # it names an amount that differs by `delta_minor`
    SLOW = "slow"  # an answer takes `seconds`
    ERROR = "error"  # 500 instead of the work
    ERROR_AFTER = "error_after"  # the work is done, and the answer is 500
    REFUND_LATER = "refund_later"  # a refund is `processing` for `seconds`
    REFUND_FAILS = "refund_fails"  # a refund fails
    # Of statements; a line is named by its payment, or by its refund. With `times` 0 they last until they are cleared.
    STATEMENT_LATE = "statement_late"  # the statement is not there yet
    STATEMENT_SHORT = "statement_short"  # its last page is missing
    STATEMENT_MISSING = "statement_missing"  # a line is left out
    STATEMENT_DOUBLED = "statement_doubled"  # a line stands twice
    STATEMENT_AMOUNT = "statement_amount"  # a line has an amount that differs by `delta_minor`
    STATEMENT_FEE = "statement_fee"  # a fee differs by `delta_minor`
    STATEMENT_NEXT_DAY = "statement_next_day"  # a line stands on the statement of the next day
    STATEMENT_STRAY = "statement_stray"  # a line stands on the statement of `merchant_no` besides


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Anything on the wire. Times are milliseconds since 1970."""


class CreatePayment(Wire, frozen=True, forbid_unknown_fields=True):
    payment_no: str
    amount_minor: int
    currency: str
    title: str
    expires_at_ms: int
    callback_url: str
    return_url: str = ""
    language: str = "zh-CN"
    capture_later: bool = False


class Payment(Wire, frozen=True):
    payment_no: str
    provider_no: str
    state: PaymentState
    amount_minor: int
    currency: str
    cashier_url: str
    transaction_no: str = ""
    paid_minor: int = 0
    refunded_minor: int = 0
    at_ms: int = 0


class CombinedPart(Wire, frozen=True, forbid_unknown_fields=True):
    """A payment of a combined one, and to which merchant."""

    merchant_no: str
    payment: CreatePayment


class CreateCombined(Wire, frozen=True, forbid_unknown_fields=True):
    """Payments to several merchants at one cashier; the merchant that signs speaks for all."""

    combined_no: str
    parts: list[CombinedPart]


class Combined(Wire, frozen=True):
    combined_no: str
    cashier_url: str
    parts: list[Payment]


class Capture(Wire, frozen=True, forbid_unknown_fields=True):
    amount_minor: int


class CreateRefund(Wire, frozen=True, forbid_unknown_fields=True):
    refund_no: str
    payment_no: str
    amount_minor: int
    reason: str = ""
    callback_url: str = ""


class Refund(Wire, frozen=True):
    refund_no: str
    payment_no: str
    state: RefundState
    amount_minor: int
    currency: str
    transaction_no: str
    at_ms: int
    reason: str = ""


class Event(Wire, frozen=True):
    """The body of a callback."""

    event_no: str
    kind: EventKind
    merchant_no: str
    payment_no: str
    transaction_no: str
    amount_minor: int
    currency: str
    at_ms: int
    refund_no: str = ""
    reason: str = ""


class Line(Wire, frozen=True):
    payment_no: str
    refund_no: str
    transaction_no: str
    amount_minor: int
    currency: str
    at_ms: int
    fee_minor: int = 0


class DayStatement(Wire, frozen=True):
    """A page of the statement of a day; `count` is how many lines all pages have together."""

    day: date
    since_ms: int
    until_ms: int
    lines: list[Line]
    count: int = 0
    pages: int = 1


class Fault(Wire, frozen=True, forbid_unknown_fields=True):
    """A fault on demand: for one payment, or for all (`*`); `times` 0 is without end."""

    kind: FaultKind
    payment_no: str = "*"
    times: int = 1
    seconds: float = 5.0
    delta_minor: int = -1
    merchant_no: str = ""


class Problem(Wire, frozen=True):
    """Why something was refused."""

    code: str
    reason: str
