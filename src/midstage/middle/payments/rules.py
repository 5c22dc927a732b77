"""Decisions of payments: pure, time is an argument."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from midstage.kit.money import Money
from midstage.middle.payments.provider import StatementLine
from midstage.middle.payments.refusals import (
    MethodUnknown,
    NothingToPay,
    PaymentNotOpen,
    PaymentOverdue,
    RefundExceedsPaid,
)
from midstage.middle.payments.types import (
    Notice,
    Payment,
    PaymentState,
    Tender,
    TenderId,
    TenderKind,
)

# A callback that did not come is asked for after these minutes, then daily for a week: a shopper at the
# cashier should not wait for the first of them, and a provider settles every dispute within days.
_QUERY_AFTER_MINUTES = (1, 3, 10, 30, 120, 720, *(1440,) * 7)
# A refund that could not be pushed is tried again after these minutes, the last of them without end:
# the money is owed until it is given back or the provider refuses.
_PUSH_AFTER_MINUTES = (1, 2, 5, 15, 60, 360)
_METHOD = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Verdict(StrEnum):
    """What a verified notice of payment means where the one statement did not book it."""

    AGAIN = "again"
    DIFFERS = "differs"
    TWICE = "twice"


def check_amount(amount: Money) -> None:
    """Refuse a payment of nothing."""
    if amount.minor <= 0:
        raise NothingToPay(amount.minor)


def check_method(method: str) -> None:
    """Refuse what is no name of a way to pay."""
    if not _METHOD.fullmatch(method):
        raise MethodUnknown(method[:60])


def check_startable(payment: Payment, *, at: datetime) -> None:
    """Refuse to take a payment to a provider that is paid, closed, or out of time."""
    if payment.state is not PaymentState.OPEN:
        raise PaymentNotOpen(payment.payment_id, state=payment.state.value)
    if at >= payment.due_at:
        raise PaymentOverdue(payment.payment_id, due_at=payment.due_at)


def judge(payment: Payment, notice: Notice, tenders: Sequence[Tender]) -> Verdict:
    """Why a notice did not make the payment paid: told before, another amount, or paid already."""
    for tender in tenders:
        if (
            tender.kind is TenderKind.PAYMENT
            and tender.merchant_id == notice.merchant_id
            and tender.transaction_no == notice.transaction_no
        ):
            return Verdict.AGAIN if tender.amount == notice.amount else Verdict.DIFFERS
    return Verdict.TWICE if notice.amount == payment.due else Verdict.DIFFERS


def refundable_by_tender(tenders: Sequence[Tender], held: Mapping[UUID, int]) -> list[tuple[Tender, int]]:
    """What is left of each payment tender, the latest first; `held` is asked or given back of each, by its id."""
    came = [tender for tender in tenders if tender.kind is TenderKind.PAYMENT]
    came.sort(key=lambda tender: (tender.booked_at, tender.tender_id.int), reverse=True)
    return [(tender, tender.amount.minor - held.get(tender.tender_id, 0)) for tender in came]


def spread_refund(
    amount: Money, left: Sequence[tuple[Tender, int]], *, only: TenderId | None = None
) -> list[tuple[Tender, int]]:
    """Which tenders an amount goes back to: one that holds all of it if there is, else the latest first.

    Raises RefundExceedsPaid where they do not hold as much together.
    """
    check_amount(amount)
    usable = [(tender, size) for tender, size in left if size > 0 and only in (None, tender.tender_id)]
    whole = next(((tender, amount.minor) for tender, size in usable if size >= amount.minor), None)
    if whole is not None:
        return [whole]
    parts: list[tuple[Tender, int]] = []
    missing = amount.minor
    for tender, size in usable:
        taken = min(size, missing)
        if taken:
            parts.append((tender, taken))
            missing -= taken
    if missing:
        raise RefundExceedsPaid(amount.minor, sum(size for _, size in usable), amount.currency)
    return parts


def next_query_at(queries: int, *, at: datetime) -> datetime | None:
    """When to ask a provider again that was asked `queries` times; None: no more."""
    if queries >= len(_QUERY_AFTER_MINUTES):
        return None
    return at + timedelta(minutes=_QUERY_AFTER_MINUTES[queries])


def next_push_at(attempts: int, *, at: datetime) -> datetime:
    """When to push a refund again that was pushed `attempts` times (1 or more)."""
    return at + timedelta(minutes=_PUSH_AFTER_MINUTES[min(attempts, len(_PUSH_AFTER_MINUTES)) - 1])


def compare(
    lines: Sequence[StatementLine], ours: Sequence[Tender]
) -> tuple[int, list[tuple[StatementLine, Tender | None]]]:
    """How many lines of a statement agree with our tenders, and those that do not, with what we have instead."""
    known = {(tender.transaction_no, tender.kind): tender for tender in ours}
    matched = 0
    differences: list[tuple[StatementLine, Tender | None]] = []
    for line in lines:
        kind = TenderKind.REFUND if line.refund_no else TenderKind.PAYMENT
        tender = known.get((line.transaction_no, kind))
        if (
            tender is not None
            and abs(tender.amount.minor) == line.amount.minor
            and (tender.amount.currency == line.amount.currency)
        ):
            matched += 1
        else:
            differences.append((line, tender))
    return matched, differences
