"""Several writes in one statement: what is only written, and not read again, goes to the server in one round trip.

Each part becomes a CTE of its own with its parameters renumbered. Parts do not see each other, so their order does
not matter; a part that must touch a certain number of rows is counted, and the caller compares.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

_PARAMETER = re.compile(r"\$(\d+)")


class Write(msgspec.Struct, frozen=True):
    """A plain insert, update, delete or select. With `expect` it touches so many rows, or `otherwise` is raised."""

    sql: str
    args: tuple[Any, ...]
    expect: int | None = None
    otherwise: Exception | None = None


def statement(writes: Sequence[Write]) -> tuple[str, list[Any]]:
    """The one statement and its values; it returns a row with a count for each write that expects one."""
    shape = tuple((write.sql, len(write.args), write.expect is not None) for write in writes)
    return _composed(shape), [value for write in writes for value in write.args]


def check(writes: Sequence[Write], counts: Sequence[int]) -> None:
    """Raise the refusal of the first write that touched another number of rows than it expects."""
    counted = [write for write in writes if write.expect is not None]
    for write, count in zip(counted, counts, strict=True):
        if count != write.expect:
            raise write.otherwise or AssertionError(f"{count} rows instead of {write.expect}: {write.sql.strip()}")


@lru_cache(maxsize=1024)
def _composed(shape: tuple[tuple[str, int, bool], ...]) -> str:
    parts: list[str] = []
    offset = 0
    for place, (sql, taken, counted) in enumerate(shape):
        text = _PARAMETER.sub(lambda found, by=offset: f"${int(found.group(1)) + by}", sql.strip())
        writes = not text.lower().startswith("select")
        parts.append(f"w{place} as (\n{text}{' returning 1' if counted and writes else ''}\n)")
        offset += taken
    counts = [f"(select count(*) from w{place})" for place, (_, _, counted) in enumerate(shape) if counted]  # noqa: S608  # our own names
    return "with " + ", ".join(parts) + "\nselect " + (", ".join(counts) or "1")
