"""Decisions of the till: pure, time is an argument."""

from collections.abc import Collection, Sequence
from datetime import datetime

from midstage.kit.money import split_minor
from midstage.middle.payments.refusals import RefundExceedsPaid
from midstage.middle.payments.rules import check_method
from midstage.middle.payments.till_types import (
    CASH,
    EXCHANGE,
    MAX_TENDERS,
    CountDoesNotAddUp,
    Pieces,
    Shift,
    TenderNotTaken,
    TendersDoNotAddUp,
    TenderWish,
    TillPart,
    TooLittleGiven,
)
from midstage.middle.payments.types import Tender


def settle(total_minor: int, wishes: Sequence[TenderWish], *, allowed: Collection[str]) -> list[TillPart]:
    """The parts that pay a total exactly, with the change of cash.

    Raises TendersDoNotAddUp, TooLittleGiven, TenderNotTaken, MethodUnknown.
    """
    told = sum(wish.amount_minor or 0 for wish in wishes)
    open_ended = [wish for wish in wishes if wish.amount_minor is None]
    rest = total_minor - told
    wrong = rest < 0 or len(wishes) > MAX_TENDERS or len(open_ended) > 1
    if wrong or (rest > 0 and not open_ended) or (rest == 0 and open_ended):
        raise TendersDoNotAddUp(total_minor, told)
    return [_taken(wish, wish.amount_minor or rest, allowed) for wish in wishes]


def counted(counted_minor: int | None, pieces: Sequence[Pieces]) -> int:
    """What a count comes to: by its pieces where they are told, and then the amount must say the same.

    Raises CountDoesNotAddUp.
    """
    by_pieces = sum(one.value_minor * one.pieces for one in pieces)
    twice = len({one.value_minor for one in pieces}) != len(pieces)
    if twice or (pieces and counted_minor is not None and counted_minor != by_pieces):
        raise CountDoesNotAddUp(by_pieces if counted_minor is None else counted_minor, by_pieces)
    return by_pieces if counted_minor is None else counted_minor


def in_proportion(amount_minor: int, left: Sequence[tuple[Tender, int]], *, currency: str) -> list[tuple[Tender, int]]:
    """Which tenders an amount goes back to, each by its share of what is left of all; none beyond what is left of it.

    Raises RefundExceedsPaid.
    """
    usable = [(tender, size) for tender, size in left if size > 0]
    whole = sum(size for _, size in usable)
    if amount_minor > whole:
        raise RefundExceedsPaid(amount_minor, whole, currency)
    shares = split_minor(amount_minor, [size for _, size in usable])
    return [(tender, share) for (tender, _), share in zip(usable, shares, strict=True) if share]


def shift_at(shifts: Sequence[Shift], at: datetime) -> Shift | None:
    """The shift in which something was sold: that was open then; the latest, where several were."""
    fits = [one for one in shifts if one.opened_at <= at and (one.closed_at is None or at < one.closed_at)]
    return max(fits, key=lambda one: one.opened_at, default=None)


def _taken(wish: TenderWish, amount_minor: int, allowed: Collection[str]) -> TillPart:
    check_method(wish.method)
    if wish.method not in allowed and wish.method != EXCHANGE:
        raise TenderNotTaken(wish.method)
    given = wish.given_minor
    if given is not None and (given < amount_minor or (wish.method != CASH and given != amount_minor)):
        raise TooLittleGiven(wish.method, amount_minor, given)
    return TillPart(wish.method, amount_minor, given, wish.reference)
