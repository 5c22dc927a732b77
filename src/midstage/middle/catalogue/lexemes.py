"""Text for search: one way to cut it, for what is searched and for what is asked.

Chinese (and every script without spaces) is cut to overlapping pairs of characters at counted places, and the last
character of a run alone; so a run of text is found by exactly its substrings: one character as the prefix of a
pair, two as a pair, more as pairs in neighbouring places. Other words are lower-cased, without accents, and found by
their beginnings; "A-100" is found by a, 100 and a100. Filters are lexemes of the same vector that begin with "=",
which no word does, so that one index answers text, category, trademark, tag, attribute and brand at once.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import msgspec

from midstage.kit.ids import BrandId
from midstage.middle.catalogue import barcodes
from midstage.middle.catalogue.refusals import SearchTooLong
from midstage.middle.catalogue.types import Value

MAX_TEXT = 100
_MAX_PLACE = 16_000  # PostgreSQL counts places to 16,383
_RUN = "々〆〇\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
_PAIRED = re.compile(f"[{_RUN}]")
_LETTER = f"(?:(?![{_RUN}])[^\\W_])"
_PIECES = re.compile(f"(?P<run>[{_RUN}]+)|{_LETTER}+(?:[-_./'’&+]{_LETTER}+)*")
_ASCII_PIECES = re.compile("(?P<run>(?!))|[a-z0-9]+(?:[-_./'&+][a-z0-9]+)*")  # the same for most English, quicker
_JOINTS = re.compile(r"[-_./'’&+]")


class Document(msgspec.Struct, frozen=True):
    """What a product is found by: its names first, then what surrounds it, then its codes."""

    names: Sequence[str]
    around: Sequence[str]
    codes: Sequence[str]
    gtins: Sequence[str]
    marks: Sequence[str]


class Query(msgspec.Struct, frozen=True):
    """A search as PostgreSQL takes it: `find` over everything, `named` in names alone, and the text itself."""

    find: str
    named: str
    key: str


def normal(text: str) -> str:
    """Text as search compares it: one width, one case, no accents, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not folded.isascii():
        folded = "".join(char if char.isascii() or _PAIRED.match(char) else _bare(char) for char in folded)
    return " ".join(folded.split())


def _bare(char: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))


def vector(document: Document) -> str:
    """The tsvector of a product, as text."""
    found: dict[str, list[str]] = {}
    at = 1
    for weight, texts in (("A", document.names), ("B", document.around), ("C", document.codes)):
        for text in dict.fromkeys(texts):
            length, cut = _cut(text)
            for offset, lexeme in cut:
                found.setdefault(lexeme, []).append(f"{min(at + offset, _MAX_PLACE)}{weight}")
            at += length + 2  # pieces of two texts are never neighbours
    placed = [f"'{lexeme}':{','.join(places)}" for lexeme, places in found.items()]
    bare = [_quoted(f"=g{gtin}") for gtin in document.gtins] + [_quoted(mark) for mark in document.marks]
    return " ".join(placed + bare)


@lru_cache(maxsize=4096)  # thousands of products share trademark, categories and options
def _cut(text: str) -> tuple[int, list[tuple[int, str]]]:
    """How long a text is as search compares it, and its lexemes with their offsets; no lexeme holds a quote."""
    key = normal(text)
    lexemes: list[tuple[int, str]] = []
    for piece in _pieces(key):
        start, body = piece.start(), piece.group()
        if piece["run"]:
            lexemes += [(start + i, body[i : i + 2]) for i in range(len(body))]  # the last is one character
            continue
        parts = _JOINTS.split(body)
        lexemes += [(start, part) for part in parts]
        if len(parts) > 1:
            lexemes.append((start, "".join(parts)))
    return len(key), lexemes


def _pieces(key: str) -> Iterator[re.Match[str]]:
    return (_ASCII_PIECES if key.isascii() else _PIECES).finditer(key)


def query(text: str, marks: Sequence[str]) -> Query | None:
    """The search for a text among what bears all the marks; None where the text has nothing to look for."""
    if len(text) > MAX_TEXT:
        raise SearchTooLong(MAX_TEXT)
    key = normal(text)
    pieces = list(_pieces(key))
    if not pieces:
        return None
    find = [_asked(piece.group(), run=bool(piece["run"]), names_only=False) for piece in pieces]
    named = [_asked(piece.group(), run=bool(piece["run"]), names_only=True) for piece in pieces]
    return Query(" & ".join([*find, marked(marks)]), " & ".join(named), key)


def _asked(piece: str, *, run: bool, names_only: bool) -> str:
    label = "A" if names_only else ""
    if not run:
        words = " & ".join(f"{_quoted(part)}:*{label}" for part in _JOINTS.split(piece))
        return f"({words} | {_quoted('=g' + piece.zfill(14))})" if barcodes.is_gtin(piece) else f"({words})"
    if len(piece) == 1:
        return f"{_quoted(piece)}:*{label}"
    pairs = (_quoted(piece[i : i + 2]) + (f":{label}" if label else "") for i in range(len(piece) - 1))
    return f"({' <-> '.join(pairs)})"


def marked(marks: Sequence[str]) -> str:
    """The tsquery for everything that bears all of the marks."""
    return " & ".join(_quoted(mark) for mark in marks)


def brand_mark(brand: BrandId) -> str:
    """Keeps the brands apart within the index itself."""
    return f"=b{brand}"


def category_mark(category: UUID) -> str:
    return f"=k{category.hex}"


@lru_cache(maxsize=4096)
def trademark_mark(trademark: str) -> str:
    return f"=m{normal(trademark)}"


def tag_mark(tag: str) -> str:
    return f"=t{normal(tag)}"


def attribute_mark(code: str, value: Value) -> str:
    return f"=a{code}={_value(value)}"


def attribute_marks(attributes: Mapping[str, Value]) -> list[str]:
    return [attribute_mark(code, value) for code, value in attributes.items()]


def uses_attribute(brand: BrandId, category: UUID, code: str) -> str:
    """The tsquery for the products in or beneath a category that have any value of an attribute."""
    return f"{marked([brand_mark(brand), category_mark(category)])} & {_quoted(f'=a{code}=')}:*"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return normal(value)
    return repr(int(value) if value == int(value) else value)  # 2 and 2.0 are the same number


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
