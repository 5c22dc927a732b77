"""Money: integers that add up, whatever is split, multiplied or taxed."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.money import (
    MixedCurrencies,
    Money,
    exponent,
    split,
    split_minor,
    tax_inside,
    tax_on_top,
    times,
)

amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)
rates = st.integers(0, 1_000_000)


def _rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@settings(deadline=None)
@given(total=amounts, weights=weights)
def test_splitting_loses_nothing(total: int, weights: list[int]) -> None:
    parts = split_minor(total, weights)
    assert sum(parts) == total
    assert len(parts) == len(weights)


@settings(deadline=None)
@given(total=amounts, weights=weights)
def test_no_part_is_a_whole_unit_off_its_share(total: int, weights: list[int]) -> None:
    shares = weights if sum(weights) else [1] * len(weights)
    for part, weight in zip(split_minor(total, weights), shares, strict=True):
        assert abs(part * sum(shares) - total * weight) < sum(shares)


@settings(deadline=None)
@given(total=amounts, weights=weights.filter(sum))
def test_what_weighs_nothing_gets_nothing_and_signs_do_not_mix(total: int, weights: list[int]) -> None:
    for part, weight in zip(split_minor(total, weights), weights, strict=True):
        assert part == 0 or (weight > 0 and (part > 0) == (total > 0))


@settings(deadline=None)
@given(total=amounts, weights=weights)
def test_a_refund_is_split_as_the_sale_was(total: int, weights: list[int]) -> None:
    assert split_minor(-total, weights) == [-part for part in split_minor(total, weights)]


@settings(deadline=None)
@given(total=st.integers(0, 10**6), count=st.integers(1, 30))
def test_equal_weights_differ_by_one_at_most_and_the_earlier_gets_more(total: int, count: int) -> None:
    parts = split_minor(total, [1] * count)
    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


def test_the_example_of_the_style_guide() -> None:
    assert split(Money(1000, "CNY"), weights=[1, 1, 1]) == [Money(334, "CNY"), Money(333, "CNY"), Money(333, "CNY")]


@pytest.mark.parametrize("wrong", [[], [1, -1]])
def test_splitting_by_no_or_negative_weights_is_an_error(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_minor(100, wrong)


@settings(deadline=None)
@given(unit=amounts, milli=st.integers(-(10**9), 10**9))
def test_a_weighed_line_is_rounded_half_even(unit: int, milli: int) -> None:
    assert times(unit, milli) == _rounded(Decimal(unit) * milli / 1000)


@pytest.mark.parametrize(
    ("unit", "milli", "total"), [(1, 500, 0), (1, 1500, 2), (3, 500, 2), (-1, 500, 0), (-3, 500, -2)]
)
def test_a_half_goes_to_the_even_neighbour(unit: int, milli: int, total: int) -> None:
    assert times(unit, milli) == total


@settings(deadline=None)
@given(net=amounts, rate=rates)
def test_tax_on_top_is_rounded_half_even(net: int, rate: int) -> None:
    assert tax_on_top(net, rate) == _rounded(Decimal(net) * rate / 1_000_000)


@settings(deadline=None)
@given(gross=amounts, rate=rates)
def test_tax_inside_is_never_more_than_half_a_unit_off(gross: int, rate: int) -> None:
    tax = tax_inside(gross, rate)
    assert abs(2 * (tax * (1_000_000 + rate) - gross * rate)) <= 1_000_000 + rate


@settings(deadline=None)
@given(net=st.integers(-(10**12), 10**12), rate=rates)
def test_the_tax_inside_of_a_gross_price_is_the_one_that_was_put_on_it(net: int, rate: int) -> None:
    tax = tax_on_top(net, rate)
    assert abs(tax_inside(net + tax, rate) - tax) <= 1


@settings(deadline=None)
@given(left=amounts, right=amounts)
def test_adding_and_taking_away_are_exact(left: int, right: int) -> None:
    one, other = Money(left, "CNY"), Money(right, "CNY")
    assert one + other - other == one
    assert one + -one == Money(0, "CNY")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MixedCurrencies) as refusal:
        _ = Money(1, "CNY") + Money(1, "USD")
    assert refusal.value.figures() == {"left": "CNY", "right": "USD"}
    with pytest.raises(MixedCurrencies):
        _ = Money(1, "CNY") - Money(1, "USD")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123456, "CNY"), "1234.56 CNY"),
        (Money(5, "USD"), "0.05 USD"),
        (Money(-5, "USD"), "-0.05 USD"),
        (Money(1234, "JPY"), "1234 JPY"),
        (Money(-1234, "KWD"), "-1.234 KWD"),
        (Money(0, "CNY"), "0.00 CNY"),
    ],
)
def test_an_amount_is_written_with_the_digits_of_its_currency(money: Money, text: str) -> None:
    assert str(money) == text


def test_most_currencies_have_two_digits() -> None:
    assert [exponent(currency) for currency in ("CNY", "USD", "JPY", "BHD")] == [2, 2, 0, 3]
