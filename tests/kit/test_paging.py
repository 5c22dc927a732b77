"""Paging: every row once, whatever the page size; a foreign cursor is refused."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.paging import MAX_LIMIT, BadCursor, Page, PageRequest, cursor

Place = tuple[datetime, UUID, int | None]


def _place(row: int) -> tuple[int]:
    return (row,)


def _page(rows: list[int], request: PageRequest) -> Page[int]:
    """A list as a store reads it: by what was seen last, one row more than asked for."""
    seen = request.place(tuple[int])
    left = [row for row in rows if seen is None or row > seen[0]]
    return request.page(left[: request.fetch], _place)


@settings(deadline=None)
@given(count=st.integers(0, 60), limit=st.integers(1, 20))
def test_pages_give_every_row_once_and_in_order(count: int, limit: int) -> None:
    rows = list(range(count))
    read: list[int] = []
    request = PageRequest(limit=limit)
    pages = 0
    while True:
        page = _page(rows, request)
        pages += 1
        assert len(page.items) <= limit
        read += page.items
        if page.next is None:
            break
        request = PageRequest(after=page.next, limit=limit)
    assert read == rows
    assert pages == max(1, -(-count // limit))


def test_a_full_last_page_has_no_next() -> None:
    assert _page([1, 2, 3], PageRequest(limit=3)) == Page([1, 2, 3], None)


def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others() -> None:
    first = _page([10, 20, 30, 40], PageRequest(limit=2))
    assert first.items == [10, 20]
    assert _page([5, 10, 15, 20, 25, 30, 40], PageRequest(after=first.next, limit=3)).items == [25, 30, 40]


@settings(deadline=None)
@given(
    at=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis asks for naive bounds
    id_=st.uuids(),
    number=st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_a_cursor_brings_back_its_values(at: datetime, id_: UUID, number: int | None) -> None:
    text = cursor((at, id_, number))
    assert text.isascii()
    assert not set(text) & set("+/=&?# ")
    assert PageRequest(after=text).place(Place) == (at, id_, number)


def test_no_cursor_is_the_beginning() -> None:
    assert PageRequest().place(Place) is None


@pytest.mark.parametrize(
    "after", ["", "x", "!!!!", "你好", "AAAA", cursor(("a", "b")), cursor((1, 2, 3, 4)), "A" * 5000]
)
def test_a_cursor_of_another_list_is_refused(after: str) -> None:
    with pytest.raises(BadCursor) as refusal:
        PageRequest(after=after).place(Place)
    assert len(refusal.value.cursor) <= 80


@settings(deadline=None)
@given(after=st.text(max_size=60))
def test_any_text_for_a_cursor_is_a_place_or_a_refusal(after: str) -> None:
    try:
        place = PageRequest(after=after).place(Place)
    except BadCursor:
        return
    assert place is not None


WHOLE = msgspec.msgpack.encode((datetime(2026, 11, 22, tzinfo=UTC), UUID(int=7), 1))


@settings(deadline=None)
@given(rest=st.binary(min_size=1, max_size=40), cut=st.integers(1, len(WHOLE) - 1))
def test_a_cut_or_lengthened_cursor_is_refused(rest: bytes, cut: int) -> None:
    for raw in (WHOLE + rest, WHOLE[:-cut]):
        text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        with pytest.raises(BadCursor):
            PageRequest(after=text).place(Place)


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
def test_a_limit_out_of_range_does_not_pass_the_edge(limit: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"limit": limit}, PageRequest)


@pytest.mark.parametrize(
    ("kind", "made_up"),
    [
        (tuple[datetime, UUID], (datetime(2026, 1, 1), UUID(int=1))),  # noqa: DTZ001  # a moment of no zone is the point
        (tuple[int], (2**63,)),
        (tuple[int], (-(2**63) - 1,)),
        (tuple[str], ("a\0b",)),
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused_before_the_database_sees_it(
    kind: type[tuple[Any, ...]], made_up: tuple[Any, ...]
) -> None:
    text = base64.urlsafe_b64encode(msgspec.json.encode(made_up)).rstrip(b"=").decode()
    with pytest.raises(BadCursor):
        PageRequest(after=text).place(kind)
    with pytest.raises((BadCursor, OverflowError)):
        PageRequest(after=cursor(made_up)).place(kind)
