"""Tenders, change, counts and what goes back: to the cent, whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.clock import utc_now
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import api as payments
from midstage.middle.payments.till_rules import counted, in_proportion, settle

METHODS = ("cash", "card_terminal", "voucher")
Minor = st.integers(1, 10**9)


def tender(minor: int) -> payments.Tender:
    at = utc_now()
    return payments.Tender(
        tender_id=payments.TenderId(new_id()),
        payment_id=payments.PaymentId(new_id()),
        kind=payments.TenderKind.PAYMENT,
        method="cash",
        merchant_id=None,
        transaction_no=None,
        refund_id=None,
        amount=Money(minor, "CNY"),
        happened_at=at,
        booked_at=at,
        in_ledger=True,
    )


@given(st.lists(st.tuples(st.sampled_from(METHODS), Minor), min_size=1, max_size=9), st.integers(0, 10**6), st.data())
def test_parts_pay_the_total_exactly_and_only_cash_has_change(
    parts: list[tuple[str, int]], beyond: int, data: st.DataObject
) -> None:
    total = sum(minor for _, minor in parts)
    rest = data.draw(st.none() | st.integers(0, len(parts) - 1))
    wishes = [
        payments.TenderWish(
            method,
            None if n == rest else minor,
            given_minor=minor + beyond if method == "cash" else None,
        )
        for n, (method, minor) in enumerate(parts)
    ]
    settled = settle(total, wishes, allowed=METHODS)
    assert [one.amount_minor for one in settled] == [minor for _, minor in parts]
    assert sum(one.change_minor for one in settled) == beyond * sum(method == "cash" for method, _ in parts)


@given(Minor, st.lists(st.integers(1, 10**9), max_size=5))
def test_what_is_not_the_total_is_refused(total: int, amounts: list[int]) -> None:
    wishes = [payments.TenderWish("cash", minor) for minor in amounts]
    if sum(amounts) == total:
        assert sum(one.amount_minor for one in settle(total, wishes, allowed=METHODS)) == total
    else:
        with pytest.raises(payments.TendersDoNotAddUp):
            settle(total, wishes, allowed=METHODS)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.data())
def test_a_refund_takes_of_each_tender_its_share_and_never_more_than_is_left(
    left: list[int], data: st.DataObject
) -> None:
    whole = sum(left)
    amount = data.draw(st.integers(0, whole))
    shares = in_proportion(amount, [(tender(max(1, size)), size) for size in left], currency="CNY") if whole else []
    assert sum(share for _, share in shares) == (amount if whole else 0)
    by_size = iter([size for size in left if size > 0])
    for _, share in shares:
        assert any(0 < share <= size for size in by_size)
    with pytest.raises(payments.RefundExceedsPaid):
        in_proportion(whole + 1, [(tender(max(1, size)), size) for size in left], currency="CNY")


@given(st.dictionaries(st.integers(1, 100_000), st.integers(0, 1000), max_size=12))
def test_a_count_is_its_pieces(pieces: dict[int, int]) -> None:
    told = [payments.Pieces(value, count) for value, count in pieces.items()]
    total = sum(value * count for value, count in pieces.items())
    assert counted(None, told) == total
    assert counted(total, told) == total
    if told:
        with pytest.raises(payments.CountDoesNotAddUp):
            counted(total + 1, told)
        with pytest.raises(payments.CountDoesNotAddUp):
            counted(None, [*told, told[0]])
