"""A statement against our book, in figures: whatever comes, the differences explain the whole of what differs."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from midstage.kit.money import Money
from midstage.middle.payments import api as payments
from midstage.middle.payments import statement_rules as rules
from midstage.middle.payments.statement_types import Line
from midstage.middle.payments.types import Tender, TenderId, TenderKind

AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
MERCHANT = payments.MerchantId(UUID(int=1))
Kind = payments.DifferenceKind


def tender(number: int, minor: int, currency: str = "CNY") -> Tender:
    """Money that we booked under the transaction T<number>: above zero it came."""
    back = minor < 0
    return Tender(
        tender_id=TenderId(UUID(int=1000 + number)),
        payment_id=payments.PaymentId(UUID(int=number)),
        kind=TenderKind.REFUND if back else TenderKind.PAYMENT,
        method="sandbox",
        merchant_id=MERCHANT,
        transaction_no=f"T{number}",
        refund_id=payments.RefundId(UUID(int=2000 + number)) if back else None,
        amount=Money(minor, currency),
        happened_at=AT,
        booked_at=AT,
        in_ledger=True,
    )


def line(number: int, minor: int, *, fee: int = 0, currency: str = "CNY", place: int = 1) -> Line:
    """What the provider says of the transaction T<number>: below zero it went back."""
    return Line(
        line_no=place,
        payment_no=UUID(int=number).hex,
        refund_no=UUID(int=2000 + number).hex if minor < 0 else "",
        transaction_no=f"T{number}",
        amount_minor=abs(minor),
        fee_minor=fee,
        currency=currency,
        happened_at=AT,
    )


def known(*tenders: Tender, fee_millionths: int | None = 0, next_is_read: bool = True) -> rules.Known:
    return rules.Known(
        merchant_id=MERCHANT,
        payee=None,
        fee_millionths=fee_millionths,
        tenders={(one.kind, one.transaction_no or ""): one for one in tenders},
        inside=tenders,
        listed_elsewhere=frozenset(),
        listed_before=frozenset(),
        payments={},
        refunds={},
        elsewhere={},
        next_is_read=next_is_read,
    )


def kinds(compared: rules.Compared) -> list[tuple[str, int]]:
    return sorted((one.kind.value, one.theirs_minor - one.ours_minor) for one in compared.found)


amounts = st.integers(1, 500).flatmap(lambda size: st.sampled_from([size, -size]))


@settings(max_examples=100, deadline=None)
@given(
    ours=st.dictionaries(st.integers(1, 6), amounts, max_size=6),
    theirs=st.lists(
        st.tuples(st.integers(1, 8), amounts, st.integers(-3, 30), st.sampled_from(["CNY", "CNY", "USD"])), max_size=10
    ),
    fee_millionths=st.sampled_from([None, 0, 6_000, 100_000]),
    next_is_read=st.booleans(),
)
def test_the_differences_explain_the_whole_of_what_differs(
    ours: dict[int, int],
    theirs: list[tuple[int, int, int, str]],
    fee_millionths: int | None,
    next_is_read: bool,  # noqa: FBT001  # drawn by name
) -> None:
    tenders = [tender(number, minor) for number, minor in ours.items()]
    lines = [
        line(number, minor, fee=fee, currency=currency, place=place)
        for place, (number, minor, fee, currency) in enumerate(theirs)
    ]
    compared = rules.compare(lines, known(*tenders, fee_millionths=fee_millionths, next_is_read=next_is_read))
    for one in compared.sums:
        explained = sum(
            found.theirs_minor - found.ours_minor for found in compared.found if found.currency == one.currency
        )
        assert one.theirs_minor - one.ours_minor == explained
    said = sum(each.signed_minor - each.fee_minor for each in lines)
    assert sum(one.theirs_minor for one in compared.sums) == said
    marks = [(found.kind, found.mark) for found in compared.found]
    assert len(marks) == len(set(marks)), "a difference is known by its kind and mark"
    assert compared.matched <= len(tenders)


@settings(max_examples=60, deadline=None)
@given(ours=st.dictionaries(st.integers(1, 9), amounts, min_size=1), doubled=st.booleans())
def test_what_agrees_differs_in_nothing(ours: dict[int, int], doubled: bool) -> None:  # noqa: FBT001  # drawn by name
    tenders = [tender(number, minor) for number, minor in ours.items()]
    lines = [line(number, minor) for number, minor in ours.items()]
    assert rules.compare(lines, known(*tenders)).found == []
    if doubled:
        assert {one.kind for one in rules.compare(lines * 2, known(*tenders)).found} == {Kind.DUPLICATE}


def test_each_kind_of_difference_is_told_apart() -> None:
    both = known(tender(1, 100), tender(2, -40), tender(3, 70), tender(4, -20))
    compared = rules.compare([line(1, 90), line(2, -50), line(5, 30), line(6, -10)], both)
    assert kinds(compared) == [
        ("amount_differs", -10),
        ("missing_here", 30),
        ("missing_there", -70),
        ("refund_differs", -10),
        ("refund_missing_here", -10),
        ("refund_missing_there", 20),
    ]


def test_what_its_day_does_not_have_is_in_transit_until_the_next_day_is_read() -> None:
    assert kinds(rules.compare([], known(tender(1, 100), next_is_read=False))) == [("in_transit", -100)]
    assert kinds(rules.compare([], known(tender(1, 100)))) == [("missing_there", -100)]
    elsewhere = known(tender(1, 100))
    listed = frozenset({(TenderKind.PAYMENT, "T1")})
    assert rules.compare([], replace(elsewhere, listed_elsewhere=listed)).found == []
    before = replace(elsewhere, listed_elsewhere=listed, listed_before=listed)
    assert kinds(rules.compare([line(1, 100)], before)) == [("duplicate", 100)]


@pytest.mark.parametrize(
    ("fee", "agreed", "taken"),
    [(60, 6_000, 60), (61, 6_000, 61), (59, 6_000, 59), (70, 6_000, 60), (0, 6_000, 0), (70, None, 70), (1, 0, 1)],
)
def test_a_fee_is_taken_as_agreed_or_less(fee: int, agreed: int | None, taken: int) -> None:
    assert rules.expected_fee(line(1, 10_000, fee=fee), agreed) == taken


@pytest.mark.parametrize(("fee", "taken"), [(-60, -60), (0, 0), (-90, -60), (5, 0)])
def test_the_fee_of_a_refund_may_come_back_and_nothing_is_charged_for_it(fee: int, taken: int) -> None:
    assert rules.expected_fee(line(1, -10_000, fee=fee), 6_000) == taken


def test_when_a_day_is_read_again() -> None:
    state, until = payments.StatementState, AT
    at = AT + timedelta(hours=8)
    assert rules.next_try(state.RECONCILED, until=until, runs=1, at=at) == at + rules.LAST_LOOK
    assert rules.next_try(state.RECONCILED, until=until, runs=2, at=at) is None
    assert rules.next_try(state.DIFFERS, until=until, runs=5, at=at) == at + rules.MAY_CHANGE
    assert rules.next_try(state.DIFFERS, until=until, runs=9, at=until + timedelta(days=8)) is None
    assert rules.next_try(state.WAITS, until=at + timedelta(hours=1), runs=1, at=at) == at + timedelta(hours=2)
