"""The moving average loses no cent, never goes below zero, and prices what it does not know by what it learns."""

from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.money import MILLI
from midstage.middle.inventory import costing
from midstage.middle.inventory.costing import Pool

amounts = st.integers(1, 5_000_000)
steps = st.lists(
    st.one_of(
        st.tuples(amounts, st.none() | st.integers(0, 10_000_000)),
        st.tuples(amounts.map(lambda n: -n), st.none()),
    ),
    max_size=40,
)


@given(steps)
def test_value_in_less_value_out_is_the_value_left(script: list[tuple[int, int | None]]) -> None:
    pool, came, went = Pool(), 0, 0
    for milli, given_minor in script:
        pool, booked = costing.book(pool, milli, given_minor)
        came, went = came + booked.in_minor, went + booked.out_minor
        assert booked.in_minor >= 0
        assert booked.out_minor >= 0
        assert pool.value_minor >= 0
        assert pool.value_minor == 0 or pool.quantity_milli > 0
    assert pool.value_minor == came - went
    assert pool.quantity_milli == sum(milli for milli, _ in script)


@given(steps, amounts)
def test_what_goes_out_in_parts_is_worth_what_it_is_worth_together(
    script: list[tuple[int, int | None]], size: int
) -> None:
    pool = Pool()
    for milli, given_minor in script:
        pool, _ = costing.book(pool, milli, given_minor)
    value, went = pool.value_minor, 0
    while pool.quantity_milli > 0:
        pool, booked = costing.book(pool, -min(max(size, pool.quantity_milli // 7 + 1), pool.quantity_milli))
        went += booked.out_minor
    assert (went, pool.value_minor) == (value, 0)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_average_of_two_receipts_lies_between_their_prices(first: int, price: int, second: int, other: int) -> None:
    pool, _ = costing.book(Pool(), first * MILLI, first * price)
    pool, _ = costing.book(pool, second * MILLI, second * other)
    unit = costing.unit_minor(pool)
    assert unit is not None
    assert min(price, other) <= unit <= max(price, other)


def test_an_example_by_hand() -> None:
    pool, _ = costing.book(Pool(), 10_000, 1_000)  # 10 at 1.00
    pool, _ = costing.book(pool, 5_000, 1_000)  # 5 at 2.00: 15 worth 20.00
    assert costing.unit_minor(pool) == 133
    pool, booked = costing.book(pool, -4_000)
    assert booked.out_minor == 533
    assert (pool.quantity_milli, pool.value_minor) == (11_000, 1_467)
    assert costing.worth(pool, 3_000) == 400


def test_goods_sold_before_they_came_are_charged_when_they_come() -> None:
    pool, _ = costing.book(Pool(), 2_000, 400)
    pool, booked = costing.book(pool, -5_000)
    assert (booked.out_minor, pool.value_minor, pool.quantity_milli) == (400, 0, -3_000)
    pool, booked = costing.book(pool, 10_000, 3_000)
    assert (booked.in_minor, booked.out_minor) == (3_000, 900)
    assert (pool.quantity_milli, pool.value_minor) == (7_000, 2_100)


def test_the_first_price_values_what_was_there_without_one() -> None:
    pool, booked = costing.book(Pool(), 10_000)
    assert (booked.in_minor, costing.unit_minor(pool), costing.worth(pool, 1_000)) == (0, None, 0)
    pool, booked = costing.book(pool, 5_000, 1_000)
    assert (booked.in_minor, pool.value_minor, costing.unit_minor(pool)) == (3_000, 3_000, 200)


def test_what_comes_back_to_an_empty_place_comes_at_the_last_price() -> None:
    pool, _ = costing.book(Pool(), 3_000, 999)
    pool, _ = costing.book(pool, -3_000)
    pool, booked = costing.book(pool, 1_000)
    assert (booked.in_minor, pool.value_minor) == (333, 333)


def test_a_price_learned_late_values_what_is_there_once() -> None:
    pool, _ = costing.book(Pool(), 2_500)
    pool, booked = costing.price(pool, 300)
    assert (booked.in_minor, pool.value_minor, costing.unit_minor(pool)) == (750, 750, 300)
    assert costing.price(pool, 900) == (pool, costing.Booked())
