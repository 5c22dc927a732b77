"""The door of loyalty."""

from midstage.middle.loyalty.checks import checks, compare
from midstage.middle.loyalty.personal import export_person
from midstage.middle.loyalty.rules import LISTENS_TO
from midstage.middle.loyalty.standing import forget_standing, note_purchase, standing
from midstage.middle.loyalty.touching import note_touch
from midstage.middle.loyalty.types import Standing

__all__ = [
    "LISTENS_TO",
    "Standing",
    "checks",
    "compare",
    "export_person",
    "forget_standing",
    "note_purchase",
    "note_touch",
    "standing",
]
