"""What a brand, operator or store may choose of its tills."""

import msgspec

from midstage.kit.refusals import Text
from midstage.middle.organisation import api as organisation


class TillSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the tills of a store take money and count it."""

    tenders: tuple[str, ...] = ("cash", "card_terminal", "voucher")
    """What is taken by hand."""
    blind_count: bool = True
    """Who counts a drawer is not told before what should be in it."""
    late_after_hours: int = 16
    """A shift that is open for longer is late."""


TILL = organisation.declare(
    organisation.Policy("till", TillSettings, Text(zh="收银规则", en="Tills: tenders and counts"))
)
