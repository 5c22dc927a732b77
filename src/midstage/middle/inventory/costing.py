"""What stock is worth: a moving average for each operator and sku (移动加权平均). Pure.

The method. A pool holds a quantity and a value. What comes in with a price adds its value; what comes in without one
comes at the average. What goes out takes its part of the value, rounded half-even once, and the last unit takes all
that is left, so no cent stays behind and none is made: value in − value out = value left, always.
A pool that is oversold is worth nothing, not less: goods that were sold before they were booked in are charged when
they come, at the price at which they come. Until a first price is known, goods are worth nothing; it then values all
that is there.
"""

from collections.abc import Iterable

import msgspec

from midstage.kit.money import MILLI


class Pool(msgspec.Struct, frozen=True):
    """What an operator has of a sku. The rate is the last average, as a fraction; over zero while no price is known."""

    quantity_milli: int = 0
    value_minor: int = 0
    rate_minor: int = 0
    rate_milli: int = 0

    @property
    def priced(self) -> bool:
        return self.rate_milli > 0


class Booked(msgspec.Struct, frozen=True):
    """What a change brought in and took out."""

    in_minor: int = 0
    out_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.in_minor - self.out_minor


def book(pool: Pool, milli: int, given_minor: int | None = None) -> tuple[Pool, Booked]:
    """Book a change of quantity; what comes in may say what all of it is worth."""
    return _come(pool, milli, given_minor) if milli > 0 else _go(pool, -milli)


def price(pool: Pool, unit_minor: int) -> tuple[Pool, Booked]:
    """Value goods of which no price was known; of a pool that has a price nothing changes."""
    if pool.priced or pool.quantity_milli <= 0:
        return pool, Booked()
    value = part(unit_minor, pool.quantity_milli, MILLI)
    return Pool(pool.quantity_milli, value, value, pool.quantity_milli), Booked(value, 0)


def worth(pool: Pool, milli: int) -> int:
    """What a quantity is worth at the average; nothing, while no price is known."""
    whole, of = (
        (pool.value_minor, pool.quantity_milli) if pool.quantity_milli > 0 else (pool.rate_minor, pool.rate_milli)
    )
    return part(whole, abs(milli), of) if pool.priced and of else 0


def unit_minor(pool: Pool) -> int | None:
    """What a unit is worth at the average; None while no price is known."""
    return worth(pool, MILLI) if pool.priced else None


def part(whole: int, share: int, of: int) -> int:
    """Whole × share ÷ of, half-even."""
    found, rest = divmod(whole * share, of)
    return found + (rest * 2 > of or (rest * 2 == of and found % 2 == 1))


def total(booked: Iterable[Booked]) -> Booked:
    """All of it together."""
    each = list(booked)
    return Booked(sum(one.in_minor for one in each), sum(one.out_minor for one in each))


def _come(pool: Pool, milli: int, given_minor: int | None) -> tuple[Pool, Booked]:
    if given_minor is None and not pool.priced:
        return msgspec.structs.replace(pool, quantity_milli=pool.quantity_milli + milli), Booked()
    value = worth(pool, milli) if given_minor is None else given_minor
    # A first price values what came before any was known.
    before = part(value, pool.quantity_milli, milli) if not pool.priced and pool.quantity_milli > 0 else 0
    hole = min(milli, max(0, -pool.quantity_milli))
    late = value if hole == milli else value * hole // milli
    quantity, left = pool.quantity_milli + milli, pool.value_minor + before + value - late
    rate = (left, quantity) if quantity > 0 else (value, milli)
    return Pool(quantity, left, *rate), Booked(before + value, late)


def _go(pool: Pool, milli: int) -> tuple[Pool, Booked]:
    have, value = pool.quantity_milli, pool.value_minor
    out = value if milli >= have else part(value, milli, have)
    left = Pool(have - milli, value - out, pool.rate_minor, pool.rate_milli)
    if left.quantity_milli > 0 and pool.priced:
        left = msgspec.structs.replace(left, rate_minor=left.value_minor, rate_milli=left.quantity_milli)
    return left, Booked(0, out)
