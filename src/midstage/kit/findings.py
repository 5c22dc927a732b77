"""What a check of the doctor finds: a row that should not be as it is."""

from typing import Any

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One wrong row: which check found it, what is wrong in a sentence, and the figures."""

    check: str
    what: str
    row: dict[str, Any]
