"""Windows over what somebody did: pure helpers for predicates, exact about when the answer changes by itself.

A window of length L at `now` holds what happened after `now - L`, up to and including `now`. What a fast clock
dated ahead of now enters when its moment comes.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from midstage.kit.rules.registry import Answer


def counted(
    times: Iterable[datetime],
    now: datetime,
    length: timedelta,
    *,
    at_least: int = 0,
    at_most: int | None = None,
) -> Answer:
    """Whether so many of these moments lie in the window. `at_most=0` is "not done within"."""
    return summed(((at, 1) for at in times), now, length, at_least=at_least, at_most=at_most)


def summed(
    amounts: Iterable[tuple[datetime, int]],
    now: datetime,
    length: timedelta,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
) -> Answer:
    """Whether the amounts in the window add up to so much, both ends included."""
    low = -math.inf if at_least is None else at_least
    high = math.inf if at_most is None else at_most
    total = 0
    steps: list[tuple[datetime, int]] = []
    for at, amount in amounts:
        leaves = at + length
        if leaves <= now:
            continue
        steps.append((leaves, -amount))
        if at <= now:
            total += amount
        else:
            steps.append((at, amount))
    true = low <= total <= high
    return Answer(true, _first_flip(steps, total, low, high, true=true))


def _first_flip(
    steps: Sequence[tuple[datetime, int]], total: int, low: float, high: float, *, true: bool
) -> datetime | None:
    """When the running total first gives the other answer; steps of one moment count together."""
    ordered = sorted(steps)
    for place, (at, change) in enumerate(ordered):
        total += change
        more = place + 1 < len(ordered) and ordered[place + 1][0] == at
        if not more and (low <= total <= high) != true:
            return at
    return None
