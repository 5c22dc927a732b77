"""Ids in the order of the calls, and numbers that survive being read over the phone."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit import ids
from midstage.kit.ids import is_readable_number, new_id, readable_number

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
serials = st.integers(0, 2**30 - 1)
salts = st.integers(0, 2**31 - 1)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
DAY = date(2026, 11, 22)


def test_ids_are_uuid_version_7_in_the_order_of_the_calls() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {"specified in RFC 4122"}


def test_an_id_carries_the_millisecond_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    stamp = new_id().int >> 80
    # Earlier tests may have drawn ids faster than the clock ticks, which puts the next one a little ahead.
    assert before <= stamp <= time.time_ns() // 1_000_000 + 1000


def test_threads_never_share_an_id() -> None:
    def make(_: int) -> list[UUID]:
        return [new_id() for _ in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        made = [each for part in pool.map(make, range(8)) for each in part]
    assert len(set(made)) == 16_000


def test_ids_keep_their_order_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    second, third = new_id(), new_id()
    assert first < second < third


@settings(max_examples=100, deadline=None)
@given(salt=salts, start=st.integers(0, 2**30 - 4096))
def test_different_serials_never_give_the_same_number(salt: int, start: int) -> None:
    numbers = {readable_number(DAY, serial, salt=salt) for serial in range(start, start + 500)}
    assert len(numbers) == 500


@settings(deadline=None)
@given(one=serials, other=serials, salt=salts)
def test_any_two_serials_differ(one: int, other: int, salt: int) -> None:
    same = readable_number(DAY, one, salt=salt) == readable_number(DAY, other, salt=salt)
    assert same == (one == other)


@settings(deadline=None)
@given(day=days, serial=serials, salt=salts)
def test_a_number_is_dated_short_and_valid(day: date, serial: int, salt: int) -> None:
    number = readable_number(day, serial, salt=salt)
    assert len(number) == 15
    assert number.startswith(f"{day:%y%m%d}-")
    assert is_readable_number(number)


@settings(max_examples=30, deadline=None)
@given(day=days, serial=serials)
def test_every_single_slip_is_caught(day: date, serial: int) -> None:
    number = readable_number(day, serial)
    for place, right in enumerate(number):
        for wrong in set(ALPHABET) - {right}:
            assert not is_readable_number(number[:place] + wrong + number[place + 1 :])


@settings(max_examples=100, deadline=None)
@given(day=days, serial=serials)
def test_nearly_every_swap_of_neighbours_is_caught(day: date, serial: int) -> None:
    number = readable_number(day, serial)
    for place in range(len(number) - 1):
        left, right = number[place : place + 2]
        swapped = number[:place] + right + left + number[place + 2 :]
        # Luhn cannot tell the first from the last sign of its alphabet.
        if left != right and {left, right} != {"0", "Z"}:
            assert not is_readable_number(swapped)


def test_neighbouring_serials_do_not_look_alike() -> None:
    bodies = [readable_number(DAY, serial, salt=7)[7:13] for serial in range(100)]
    assert len({body[:3] for body in bodies}) > 50


@pytest.mark.parametrize("serial", [-1, 2**30])
def test_a_serial_out_of_range_is_an_error(serial: int) -> None:
    with pytest.raises(ValueError, match="serial"):
        readable_number(DAY, serial)


@pytest.mark.parametrize(
    "text",
    ["", "-", "--", "261122", "261122-7K3M9Q", "2611227K3M9QX", "26112-7K3M9Q-X", "261122-7K3M9U-X", "261122-7k3m9q-x"],
)
def test_what_has_not_the_shape_is_no_number(text: str) -> None:
    assert not is_readable_number(text)


@settings(deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_readable_number(text) in (True, False)


def test_digits_of_other_scripts_are_no_number() -> None:
    assert not is_readable_number("٢٦١١٢٢-7K3M9Q-X")
