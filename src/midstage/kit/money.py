"""Money in integer minor units, and the splitting that loses none of it. No float touches money."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from midstage.kit.refusals import Invalid, Text

Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]

# Digits after the point, where it is not two (ISO 4217).
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}
MILLI = 1000


class MixedCurrencies(Invalid):
    """Two amounts of different currencies were put together; there is no conversion inside an order."""

    text = Text(zh="币种不一致：{left} 与 {right}", en="Amounts in {left} and {right} cannot be put together.")
    left: str
    right: str


class Money(msgspec.Struct, frozen=True):
    """An amount: integer minor units (fen, cents) and an ISO 4217 currency."""

    minor: int
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        digits = exponent(self.currency)
        sign, size = ("-" if self.minor < 0 else ""), abs(self.minor)
        if digits == 0:
            return f"{sign}{size} {self.currency}"
        whole, part = divmod(size, 10**digits)
        return f"{sign}{whole}.{part:0{digits}d} {self.currency}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MixedCurrencies(self.currency, other.currency)
        return other.minor


def exponent(currency: str) -> int:
    """How many digits the minor unit of a currency has."""
    return _EXPONENTS.get(currency, 2)


def split(total: Money, *, weights: Sequence[int]) -> list[Money]:
    """Split an amount by weights; see split_minor."""
    return [Money(minor, total.currency) for minor in split_minor(total.minor, weights)]


def split_minor(total: int, weights: Sequence[int]) -> list[int]:
    """Split an integer by non-negative weights so that the parts add up to it exactly.

    Largest remainder, ties to the earlier place; all weights zero counts as all equal.
    Parts have the sign of the total. Raises ValueError without weights or with a negative one.
    Source: the method of Hamilton (largest remainders).
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights must be one or more, none negative")
    if total < 0:
        return [-part for part in split_minor(-total, weights)]
    whole = sum(weights)
    if whole == 0:
        return split_minor(total, [1] * len(weights))
    parts = [total * weight // whole for weight in weights]
    short = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:short]:
        parts[i] += 1
    return parts


def times(unit_minor: int, quantity_milli: int) -> int:
    """The price of a quantity in thousandths, half-even, rounded once a line."""
    return _half_even(unit_minor * quantity_milli, MILLI)


def tax_inside(gross_minor: int, rate_millionths: int) -> int:
    """The tax contained in a gross amount at a rate in millionths (13 % is 130_000), half-even."""
    return _half_even(gross_minor * rate_millionths, 1_000_000 + rate_millionths)


def tax_on_top(net_minor: int, rate_millionths: int) -> int:
    """The tax to add to a net amount at a rate in millionths, half-even."""
    return _half_even(net_minor * rate_millionths, 1_000_000)


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and whole % 2):
        whole += 1
    return whole
