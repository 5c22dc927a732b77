"""Decisions of payments: pure, time is an argument."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from midstage.kit.money import Money, split_minor
from midstage.middle.payments.refusals import (
    AmountNotDue,
    MethodUnknown,
    NothingToPay,
    PaymentNotOpen,
    PaymentOverdue,
    RefundExceedsPaid,
)
from midstage.middle.payments.types import (
    Notice,
    Payment,
    PaymentId,
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


def split_refund(
    amount: Money, shares: Mapping[UUID | None, int], payments: Sequence[Payment]
) -> list[tuple[PaymentId, int]]:
    """Which payments of an order give back how much: in proportion to what each holds, and never more.

    `shares` says what goes back for the lines of which payee: that much comes out of the payments of this payee, as
    far as they hold it; what no share explains, or a payee cannot give, comes out of all. Parts of nothing are left
    out. Raises RefundExceedsPaid where all together hold less.
    """
    check_amount(amount)
    holds = [max(payment.refundable.minor, 0) for payment in payments]
    if amount.minor > sum(holds):
        raise RefundExceedsPaid(amount.minor, sum(holds), amount.currency)
    gives = [0] * len(payments)
    missing = amount.minor
    for payee, share in shares.items():
        own = [place for place, payment in enumerate(payments) if payment.payee == payee]
        missing -= _draw(gives, holds, own, min(share, missing))
    _draw(gives, holds, range(len(payments)), missing)
    return [(payment.payment_id, minor) for payment, minor in zip(payments, gives, strict=True) if minor]


def _draw(gives: list[int], holds: Sequence[int], places: Sequence[int], minor: int) -> int:
    """Draw an amount out of what these still hold, in proportion to it; returns how much there was.

    A part of a whole that all weights make up is below its weight wherever it is rounded, so none gives too much.
    """
    left = [holds[place] - gives[place] for place in places]
    drawn = min(minor, sum(left))
    if drawn > 0:
        for place, part in zip(places, split_minor(drawn, left), strict=True):
            gives[place] += part
    return max(drawn, 0)


def deal(dues: Sequence[Money], takings: Sequence[Money]) -> list[tuple[int, int | None, int]]:
    """Which taking pays how much of which due (place, place, minor), the first first; None: what is left to be paid.

    Raises AmountNotDue where more is taken than is due, or in another currency.
    """
    due, taken = sum(one.minor for one in dues), sum(one.minor for one in takings)
    if taken > due or {one.currency for one in takings} - {one.currency for one in dues}:
        raise AmountNotDue(taken, due, dues[0].currency if dues else takings[0].currency)
    dealt: list[tuple[int, int | None, int]] = []
    rest = [one.minor for one in takings]
    by = 0
    for place, one in enumerate(dues):
        open_minor = one.minor
        while open_minor and by < len(rest):
            part = min(open_minor, rest[by])
            dealt.append((place, by, part))
            open_minor -= part
            rest[by] -= part
            by += rest[by] == 0
        if open_minor:
            dealt.append((place, None, open_minor))
    return dealt


def next_query_at(queries: int, *, at: datetime) -> datetime | None:
    """When to ask a provider again that was asked `queries` times; None: no more."""
    if queries >= len(_QUERY_AFTER_MINUTES):
        return None
    return at + timedelta(minutes=_QUERY_AFTER_MINUTES[queries])


def next_push_at(attempts: int, *, at: datetime) -> datetime:
    """When to push a refund again that was pushed `attempts` times (1 or more)."""
    return at + timedelta(minutes=_PUSH_AFTER_MINUTES[min(attempts, len(_PUSH_AFTER_MINUTES)) - 1])
