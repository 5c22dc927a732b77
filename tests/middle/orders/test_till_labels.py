"""Labels of the store's own scales, by the layouts that a brand chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import api as orders
from midstage.middle.orders.goods import weighed
from midstage.middle.orders.labels import Layout, Says, WeightBarcodes, read_label, value_digit
from shop.till import ean13

DEFAULT = WeightBarcodes().layouts
CHECKED = (Layout(prefix="2", says=Says.PRICE, item_digits=5, value_digits=5, value_check=True),)


@given(st.integers(0, 99_999), st.integers(1, 99_999), st.sampled_from(["21", "22", "23"]))
def test_a_label_says_what_was_printed(item: int, value: int, prefix: str) -> None:
    label = read_label(ean13(f"{prefix}{item:05}{value:05}"), DEFAULT)
    assert label is not None
    assert label.value == value
    assert f"{item:05}" in label.items


@given(st.integers(0, 99_999), st.integers(1, 99_999), st.integers(0, 9))
def test_a_price_with_a_check_digit_of_its_own_is_checked(item: int, price: int, digit: int) -> None:
    code = ean13(f"2{item:05}{digit}{price:05}")
    if value_digit(f"{price:05}") == str(digit):
        label = read_label(code, CHECKED)
        assert label is not None
        assert label.value == price
    else:
        with pytest.raises(orders.LabelDamaged):
            read_label(code, CHECKED)


@pytest.mark.parametrize(("price", "digit"), [("2875", "9"), ("14685", "6")])
def test_the_check_digit_of_a_price_is_that_of_gs1(price: str, digit: str) -> None:
    assert value_digit(price) == digit


@pytest.mark.parametrize("code", ["6901234567892", "", "2100042", "21000420125", "ABC", "²100042012500"])
def test_what_is_no_label_is_none(code: str) -> None:
    assert read_label(code, DEFAULT) is None


@pytest.mark.parametrize(
    ("unit", "milli"),
    [
        (catalogue.Unit.KILOGRAM, 1250),
        (catalogue.Unit.GRAM, 1_250_000),
        (catalogue.Unit.JIN, 2500),
        (catalogue.Unit.POUND, 2756),
    ],
)
def test_grams_become_thousandths_of_the_unit(unit: catalogue.Unit, milli: int) -> None:
    assert weighed(1250, unit) == milli
