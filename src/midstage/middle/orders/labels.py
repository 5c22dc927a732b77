"""Labels of the store's own scales: a number of the goods, and a weight, a price or a count, in one EAN-13.

Their layout differs from retailer to retailer and is a policy. Source: GS1 General Specifications 2.1.11 and 7.9.2
(restricted circulation numbers with a price or a measure, and the check digit of the price).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from midstage.kit.refusals import Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders.till_types import LabelDamaged
from midstage.middle.organisation import api as organisation

_EAN13 = 13
# Weighted products of the digits 0 to 9, for the check digit of a price.
_TWO_MINUS = (0, 2, 4, 6, 8, 9, 1, 3, 5, 7)
_THREE = (0, 3, 6, 9, 2, 5, 8, 1, 4, 7)
_FIVE_PLUS = (0, 5, 1, 6, 2, 7, 3, 8, 4, 9)
_FIVE_MINUS = (0, 5, 9, 4, 8, 3, 7, 2, 6, 1)
_OF_FOUR = (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS)
_OF_FIVE = (_FIVE_PLUS, _TWO_MINUS, _FIVE_MINUS, _FIVE_PLUS, _TWO_MINUS)


class Says(StrEnum):
    """What the digits of a label's value are."""

    WEIGHT = "weight"
    """Grams, which are thousandths of a kilogram."""
    PRICE = "price"
    """Minor units."""
    COUNT = "count"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a label is built: prefix, number of the goods, value (with or without its own check digit), check digit."""

    prefix: Annotated[str, msgspec.Meta(pattern="^(2[0-9]?|0?2|04)$")]
    says: Says
    item_digits: Annotated[int, msgspec.Meta(ge=2, le=7)] = 5
    value_digits: Annotated[int, msgspec.Meta(ge=3, le=7)] = 5
    value_check: bool = False
    """A digit between item and value that checks the value."""


class WeightBarcodes(msgspec.Struct, frozen=True, kw_only=True):
    """Which labels the scales of a store print. The goods of a label have its number as a barcode of the kind `store`."""

    layouts: tuple[Layout, ...] = (
        Layout(prefix="21", says=Says.WEIGHT),
        Layout(prefix="22", says=Says.PRICE),
        Layout(prefix="23", says=Says.COUNT),
    )


LABELS = organisation.declare(
    organisation.Policy("weight_barcodes", WeightBarcodes, Text(zh="店内称重条码", en="Labels of the store's scales"))
)


class Label(msgspec.Struct, frozen=True):
    """What a label says: which goods, and how much of them or for how much."""

    items: tuple[str, ...]
    """Under which codes the goods may be found."""
    says: Says
    value: int


def read_label(code: str, layouts: Sequence[Layout]) -> Label | None:
    """What a label says, or None for what is none. Raises LabelDamaged."""
    text = code.strip()
    if len(text) != _EAN13 or not text.isascii() or not text.isdecimal():
        return None
    for layout in layouts:
        body = len(layout.prefix) + layout.item_digits + layout.value_check + layout.value_digits
        if not text.startswith(layout.prefix) or body + 1 != len(text):
            continue
        item, rest = (
            text[len(layout.prefix) :][: layout.item_digits],
            text[len(layout.prefix) + layout.item_digits : -1],
        )
        value = rest[layout.value_check :]
        wrong = catalogue.check_digit(text[:-1]) != text[-1]
        if wrong or not int(value) or (layout.value_check and value_digit(value) != rest[0]):
            raise LabelDamaged(text)
        bare = item.lstrip("0") or "0"
        return Label(tuple(dict.fromkeys((layout.prefix + item, item, bare))), layout.says, int(value))
    return None


def value_digit(value: str) -> str:
    """The check digit of a price of four or five digits, of more or less the common one (weights 3 and 1).

    Source: GS1 General Specifications, 7.9.3 (four digits) and 7.9.4 (five digits).
    """
    digits = [int(one) for one in value]
    if len(digits) == len(_OF_FOUR):
        return str(sum(table[digit] for table, digit in zip(_OF_FOUR, digits, strict=True)) * 3 % 10)
    if len(digits) == len(_OF_FIVE):
        total = sum(table[digit] for table, digit in zip(_OF_FIVE, digits, strict=True))
        return str(_FIVE_MINUS.index(-total % 10))
    return catalogue.check_digit(value)
