"""The Complete Journey data is read as it is: to the cent, to the basket, to the minute."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.demo import chinese, data
from midstage.demo.data import Journey
from midstage.demo.grocer import discounts, opening_milli, product_name

# They have no types that a strict checker could follow.
pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")
pq: Any = import_module("pyarrow.parquet")


@pytest.fixture(scope="session")
def journey() -> Journey:
    return Journey()


def raw(*names: str) -> Any:
    """Columns of the transactions, read by nothing of ours."""
    return pq.read_table(str(data.folder() / "transactions.parquet"), columns=list(names))


def test_everything_of_the_data_is_there(journey: Journey) -> None:
    assert len(journey.lines.basket) == 1_469_307
    assert len(journey.baskets) - 1 == 155_848
    assert len(journey.households) == 2_469
    assert len(journey.visits) == 457
    assert len(journey.shelves.store) == 631_479
    assert len(journey.products.number) == 92_331 + 17
    assert journey.products.department.count(data.NOT_LISTED) == 17


def test_the_total_of_the_lines_is_the_total_of_the_data_to_the_cent(journey: Journey) -> None:
    table = raw("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    # Decimals of two places: exact sums by another way than ours.
    exact = {name: int(pc.sum(table[name].cast(pa.decimal128(12, 2))).as_py() * 100) for name in table.column_names}
    lines = journey.lines
    assert int(lines.total.sum(dtype=np.int64)) == exact["sales_value"] - exact["coupon_disc"] == 456_967_968
    assert int(lines.goods.sum(dtype=np.int64)) == (
        exact["sales_value"] + exact["retail_disc"] + exact["coupon_match_disc"]
    )


def test_a_line_is_what_the_data_says_of_it(journey: Journey) -> None:
    table = raw("basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    lines = journey.lines
    begins = {int(lines.basket[begin]): int(begin) for begin in journey.baskets[:-1]}
    for row in table.take(np.arange(0, len(table), 7_919)).to_pylist():
        n = begins[row["basket_id"]]
        while int(lines.product[n]) != row["product_id"]:
            n += 1
        received, retail, coupon, match = (
            Decimal(f"{row[name]:.2f}") for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
        )
        assert int(lines.basket[n]) == row["basket_id"]
        assert int(lines.goods[n]) == (received + retail + match) * 100
        assert int(lines.total[n]) == (received - coupon) * 100
        assert int(lines.milli[n]) == row["quantity"] * (1 if row["product_id"] in journey.by_volume else 1_000)


def test_nothing_is_negative_but_what_the_data_makes_so(journey: Journey) -> None:
    lines = journey.lines
    for column in (lines.goods, lines.retail, lines.coupon, lines.match, lines.milli, lines.unit):
        assert int(column.min()) >= 0
    assert int((lines.total < 0).sum()) == 3_507
    assert int(lines.coupon[lines.total < 0].min()) > 0
    totals = np.add.reduceat(lines.total.astype(np.int64), journey.baskets[:-1])
    assert int((totals < 0).sum()) == 19


def test_a_basket_is_of_one_moment_one_store_and_one_household(journey: Journey) -> None:
    lines = journey.lines
    baskets = [int(lines.basket[begin]) for begin in journey.baskets[:-1]]
    assert len(set(baskets)) == len(baskets)
    for begin, end in list(pairwise(journey.baskets.tolist()))[::500]:
        for column in (lines.basket, lines.at_ms, lines.store, lines.household):
            assert len(set(column[begin:end].tolist())) == 1
    assert bool((np.diff(lines.at_ms) >= 0).all())


def test_gasoline_is_sold_by_the_gallon_and_costs_what_it_did(journey: Journey) -> None:
    lines = journey.lines
    fuel = np.isin(lines.product, sorted(journey.by_volume))
    much = fuel & (lines.milli > 1_000)
    assert int(much.sum()) == 13_494
    cheap, dear = np.percentile(lines.unit[much], [0.5, 99.5])
    assert 190 <= cheap < dear <= 330
    assert int(lines.milli.max()) == 144_000


def test_lines_without_a_quantity_are_kept_with_their_amount(journey: Journey) -> None:
    lines = journey.lines
    none = lines.milli == 0
    assert int(none.sum()) == 8_869
    assert bool((lines.unit[none] == lines.goods[none]).all())


def test_the_data_is_exactly_the_year_2017_in_new_york(journey: Journey) -> None:
    zone = ZoneInfo(data.ZONE)
    first, last = (datetime.fromtimestamp(int(journey.lines.at_ms[n]) / 1000, tz=UTC).astimezone(zone) for n in (0, -1))
    assert (first.year, first.month, first.day) == (2017, 1, 1)
    assert (last.year, last.month, last.day) == (2017, 12, 31)


@given(goods=st.integers(0, 10**7), milli=st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_a_unit_price_is_rounded_half_even(goods: int, milli: int) -> None:
    (unit,) = data.unit_prices(np.array([goods]), np.array([milli])).tolist()
    assert unit == (round(Fraction(goods * 1_000, milli)) if milli else goods)


def test_what_was_taken_off_says_who_bears_it() -> None:
    taken = discounts(30, 0, 100)
    assert [(one.kind, one.amount_minor, one.borne_by) for one in taken] == [
        ("retail", 30, "brand"),
        ("coupon", 100, "manufacturer"),
    ]


def test_every_department_and_category_has_a_chinese_name(journey: Journey) -> None:
    products = journey.products
    assert set(products.department) - {data.NOT_LISTED} == set(chinese.DEPARTMENTS)
    assert {category for category in products.category if category} == set(chinese.CATEGORIES)
    for name in (*chinese.DEPARTMENTS.values(), *chinese.CATEGORIES.values()):
        assert any("\u4e00" <= char <= "\u9fff" for char in name)


def test_a_product_is_called_by_its_kind_and_package() -> None:
    assert product_name("GROCERY", "FRZN ICE", "ICE - CRUSHED/CUBED", "22 LB") == (
        "冰块 22 LB",
        "Ice - Crushed/Cubed, 22 LB",
    )
    assert product_name("MISCELLANEOUS", None, None, None) == ("其他", "Miscellaneous")


def test_opening_stock_is_a_months_sale_and_a_little_more() -> None:
    assert 102_000 <= opening_milli(330, 1095275, 1_200_000) <= 107_000
    assert opening_milli(330, 1095275, 1_200_000) == opening_milli(330, 1095275, 1_200_000)
