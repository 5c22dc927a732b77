"""Ids that cannot be swapped, and numbers that people can read."""

import os
import threading
import time
from datetime import date
from typing import NewType
from uuid import UUID

BrandId = NewType("BrandId", int)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U, so nothing is misread over the phone
_SERIALS = 1 << 30
_HALF = (1 << 15) - 1

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A UUIDv7: ordered by time, and within one process strictly by the order of the calls."""
    global _last  # noqa: PLW0603  # the monotonic counter is the point
    stamp = time.time_ns() * 4096 // 1_000_000  # 48 bits of milliseconds and 12 of their fraction
    with _lock:
        stamp = _last = max(stamp, _last + 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0x2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)


def readable_number(day: date, serial: int, *, salt: int = 0) -> str:
    """A dated number with a check digit, `261122-7K3M9Q-X`.

    The serial (0 ≤ serial < 2**30) is scrambled so that a competitor cannot read the day's
    volume off two receipts; different serials of one salt never give the same number.
    """
    if not 0 <= serial < _SERIALS:
        raise ValueError(f"serial must be within 0 and {_SERIALS - 1}, not {serial}")
    scrambled = _scramble(serial, salt)
    body = "".join(ALPHABET[scrambled >> shift & 31] for shift in range(25, -1, -5))
    stem = f"{day:%y%m%d}-{body}"
    return f"{stem}-{_check_digit(stem)}"


def is_readable_number(text: str) -> bool:
    """Whether the shape and the check digit hold; says nothing of whether it was ever given out."""
    stem, _, digit = text.rpartition("-")
    day, _, body = stem.partition("-")
    well_formed = (
        len(day) == 6 and day.isascii() and day.isdecimal() and len(body) == 6 and all(c in ALPHABET for c in body)
    )
    return well_formed and _check_digit(stem) == digit


def _scramble(serial: int, salt: int) -> int:
    """Four Feistel rounds over 30 bits: a bijection whatever the round function is."""
    left, right = serial >> 15, serial & _HALF
    for turn in range(4):
        left, right = right, left ^ ((right * 0x9E3B + salt * 0x61C9 + turn * 0x1F35 ^ right >> 7) & _HALF)
    return left << 15 | right


def _check_digit(stem: str) -> str:
    """Luhn mod 32: catches every single slip and nearly every swap of neighbours."""
    total = 0
    for place, char in enumerate(reversed(stem.replace("-", ""))):
        code = ALPHABET.index(char)
        total += code if place % 2 else code * 2 % 32 + code // 16
    return ALPHABET[-total % 32]
