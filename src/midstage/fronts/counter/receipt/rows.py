"""What stands on a receipt, row by row, whatever prints it. Widths are in columns: a Chinese character takes two."""

import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

ELLIPSIS = "…"
# Zero-width joiners and marks take no column; printers and PDF fonts do not know them either.
_NO_WIDTH = {"Mn", "Me", "Cf"}


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "centre"


class Line(msgspec.Struct, frozen=True, tag="line"):
    """Words, broken where they do not fit."""

    text: str
    align: Align = Align.LEFT
    strong: bool = False


class Pair(msgspec.Struct, frozen=True, tag="pair"):
    """Words on the left and a figure on the right, which is never cut."""

    left: str
    right: str
    strong: bool = False


class Rule(msgspec.Struct, frozen=True, tag="rule"):
    """A line across the paper."""


class Code(msgspec.Struct, frozen=True, tag="code"):
    """A QR code, with what it says below it for those who cannot scan."""

    says: str


Row = Line | Pair | Rule | Code


def width_of(text: str) -> int:
    """How many columns a text takes; × and … take two, as they do in Chinese fonts."""
    return sum(_columns(char) for char in text)


def wrapped(text: str, columns: int) -> list[str]:
    """A text in pieces that fit; broken at a blank where there is one, else wherever it is full."""
    pieces: list[str] = []
    for part in text.split("\n"):
        rest = clean(part)
        while width_of(rest) > columns:
            cut = _fitting(rest, columns)
            blank = rest.rfind(" ", 1, cut + 1)
            end = blank if blank > cut // 2 else cut
            pieces.append(rest[:end].rstrip())
            rest = rest[end:].lstrip()
        pieces.append(rest)
    return pieces


def clipped(text: str, columns: int) -> str:
    """A text that fits, with … where it was cut."""
    text = clean(text)
    if width_of(text) <= columns:
        return text
    return text[: _fitting(text, max(0, columns - width_of(ELLIPSIS)))].rstrip() + ELLIPSIS


def clean(text: str) -> str:
    """A text without what no printer prints: control characters, joiners, marks on their own."""
    return "".join(char for char in unicodedata.normalize("NFC", text) if _printable(char))


def texts(rows: Sequence[Row], columns: int) -> Iterator[tuple[str, Row]]:
    """The rows as lines of text of at most so many columns, each with the row that it is of."""
    for row in rows:
        match row:
            case Line():
                for piece in wrapped(row.text, columns):
                    pad = (columns - width_of(piece)) // 2 if row.align is Align.CENTRE else 0
                    yield " " * pad + piece, row
            case Pair():
                room = columns - width_of(row.right) - 1
                left = clipped(row.left, room) if room > 0 else ""
                yield left + " " * (columns - width_of(left) - width_of(row.right)) + row.right, row
            case Rule():
                yield "-" * columns, row
            case Code():
                pad = max(0, columns - width_of(row.says)) // 2
                yield " " * pad + row.says, row


def _fitting(text: str, columns: int) -> int:
    """How many characters of a text fit; one at least, so that breaking comes to an end."""
    taken = 0
    for place, char in enumerate(text):
        taken += _columns(char)
        if taken > columns:
            return max(1, place)
    return len(text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F", "A"} else 1


def _printable(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", *_NO_WIDTH}
