"""Lists page by cursor: where the last row stood, not how many came before, so depth costs nothing."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec

from midstage.kit.refusals import Invalid, Text

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_BEYOND = 2**63
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="How many rows at most")]


class BadCursor(Invalid):
    """The cursor was not given out by this list."""

    text = Text(
        zh="翻页位置无效，请从第一页重新开始", en="This cursor does not belong to this list; begin at its first page."
    )
    cursor: str


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some rows of a list, and the cursor of the next ones; `next` is null on the last page."""

    items: list[T]
    next: str | None = None


class PageRequest(msgspec.Struct, frozen=True):
    """Which part of a list is asked for."""

    after: str | None = None
    limit: Limit = DEFAULT_LIMIT

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return self.limit + 1

    def place(self, kind: type[T]) -> T | None:
        """The sort values of the last row seen, as `kind` (a tuple type), or None at the start."""
        if self.after is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(self.after + "=" * (-len(self.after) % 4))
            place = msgspec.msgpack.decode(raw, type=kind)
        except (binascii.Error, ValueError, msgspec.DecodeError):
            raise BadCursor(self.after[:80]) from None
        if not all(_can_be_compared(value) for value in cast("tuple[Any, ...]", place)):
            raise BadCursor(self.after[:80])
        return place

    def page(self, rows: list[T], place: Callable[[T], tuple[Any, ...]]) -> Page[T]:
        """Cut the rows that were fetched to a page; `place(row)` gives the sort values of a row."""
        if len(rows) <= self.limit:
            return Page(rows)
        shown = rows[: self.limit]
        return Page(shown, cursor(place(shown[-1])))


def _can_be_compared(value: Any) -> bool:
    """Whether a column can be compared with it, as with all that we gave out ourselves."""
    match value:
        case datetime():
            return value.tzinfo is not None
        case int():
            return -_BEYOND <= value < _BEYOND
        case str():
            return "\0" not in value
        case _:
            return True


def cursor(values: tuple[Any, ...]) -> str:
    """The opaque text of a place in a list."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).rstrip(b"=").decode()
