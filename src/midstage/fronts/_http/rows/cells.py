"""The cells of one row, read as what they are to be. Pure: what is wrong is noted, never raised."""

import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from midstage.fronts._http.files import MAX_CELL, BadRow, Row
from midstage.kit.refusals import Refusal

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_HIDDEN = {"Cc", "Cs"}


class Cells:
    """One row while it is read."""

    def __init__(self, row: Row) -> None:
        self._cells = row.cells
        self.line = row.line
        self.bad: list[BadRow] = []

    def wrong(self, column: str, code: str, zh: str, en: str) -> None:
        """Note what is wrong. A reason never repeats a value: it may be somebody's phone number."""
        self.bad.append(BadRow(self.line, column, code, zh, en))

    def refused(self, column: str, refusal: Refusal) -> None:
        """Note what a door said of a value."""
        self.wrong(column, refusal.code, refusal.say("zh"), refusal.say("en"))

    def peek(self, column: str) -> str:
        """What a cell says, unchecked; empty where it says nothing."""
        value: Any = self._cells.get(column)
        return "" if value is None else str(value).strip()

    def text(self, column: str, *, limit: int = 200, needed: bool = False) -> str:
        """The text of a cell without space around it, empty where there is none."""
        value: Any = self._cells.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            value = ""
        if not isinstance(value, str):
            self.wrong(column, "not_text", "应为文本或数字", "it is to be text or a number")
            return ""
        text = value.strip()
        if needed and not text:
            self.wrong(column, "missing", "必填", "it is missing")
        elif len(text) > min(limit, MAX_CELL):
            self.wrong(column, "too_long", f"最多 {limit} 个字符", f"it has at most {limit} characters")
        elif any(unicodedata.category(sign) in _HIDDEN for sign in text):
            self.wrong(column, "hidden_sign", "含有控制字符", "it has a control character")
        else:
            return text
        return ""

    def number(
        self, column: str, *, places: int, most: int, least: int = 0, scale: int | None = None, needed: bool = False
    ) -> int | None:
        """A decimal number with at most so many places, as an integer of its smallest part; None where there is none.

        `least` and `most` bound that integer. `scale` is how many places the integer has, if not `places`.
        """
        text = self.text(column, limit=40, needed=needed)
        if not text:
            return None
        try:
            value = Decimal(text).scaleb(places if scale is None else scale)
            whole = value.is_finite() and value == value.to_integral_value()
        except InvalidOperation:
            value, whole = Decimal(0), False
        if not whole:
            self.wrong(
                column,
                "not_a_number",
                f"应为最多 {places} 位小数的数字",
                f"it is to be a number with at most {places} decimal places",
            )
            return None
        if not least <= value <= most:
            self.wrong(column, "out_of_bounds", "数值超出范围", "the number is too small or too large")
            return None
        return int(value)

    def degrees(self, column: str, most: int) -> float | None:
        """A latitude or longitude."""
        text = self.text(column, limit=40)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not -most <= value <= most:
            self.wrong(column, "out_of_bounds", f"应在 -{most} 与 {most} 之间", f"it lies between -{most} and {most}")
            return None
        return value

    def choice(self, column: str, kind: type[E], default: E) -> E:
        """One of the words of an enum."""
        text = self.text(column, limit=40).lower()
        words = [word.value for word in kind]
        if not text:
            return default
        if text not in words:
            listed = ", ".join(words)
            self.wrong(column, "not_one_of", f"应为其中之一：{listed}", f"it is one of {listed}")
            return default
        return kind(text)

    def known(self, column: str, found: Mapping[str, T], *, needed: bool = False) -> T | None:
        """What a code stands for; None where there is none."""
        code = self.text(column, needed=needed)
        if not code:
            return None
        if code not in found:
            self.wrong(column, "unknown", "没有此编码", "nothing has this code")
            return None
        return found[code]
