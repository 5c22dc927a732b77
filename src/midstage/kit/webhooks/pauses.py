"""When to try again. Pure; chance is an argument."""

from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=6)
FIRST_REST = timedelta(seconds=2)
LONGEST_REST = timedelta(minutes=10)
# So many failures in a row are no bad luck; the endpoint rests.
TRIP = 5
_JITTER = 0.2


def until_next_try(attempts: int, chance: float) -> timedelta:
    """After so many attempts at one fact: 5 s, 15 s, 45 s, … up to 6 h, a fifth more or less. 0 ≤ chance < 1."""
    return _jittered(min(LONGEST, FIRST * 3 ** min(attempts - 1, 20)), chance)


def rest(failures: int, chance: float) -> timedelta:
    """After so many failures in a row of whatever facts: none, then 2 s, 4 s, … up to 10 min. 0 ≤ chance < 1."""
    if failures < TRIP:
        return timedelta(0)
    return _jittered(min(LONGEST_REST, FIRST_REST * 2 ** min(failures - TRIP, 20)), chance)


def _jittered(pause: timedelta, chance: float) -> timedelta:
    return pause * (1 + _JITTER * (2 * chance - 1))
