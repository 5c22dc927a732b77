"""The words of loyalty."""

from datetime import datetime

import msgspec


class Standing(msgspec.Struct, frozen=True):
    """What a member has bought so far, less what came back. Nothing bought yet is all zero."""

    orders: int = 0
    """Orders that were paid, whether or not something of them came back later."""
    units_milli: int = 0
    spent_minor: dict[str, int] = {}
    """By currency; money of two currencies is never added."""
    first_bought_at: datetime | None = None
    last_bought_at: datetime | None = None
