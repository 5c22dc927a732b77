"""What the doctor proves about membership."""

from datetime import timedelta

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.members import store
from midstage.middle.members.handing_over import LEFT_BEHIND_HOURS, overlooked

_QUESTIONS = (
    ("members.binding", "a member belongs to others than its open binding says", store.UNBOUND),
    ("members.history", "the history of a member's bindings begins more than once", store.BROKEN_HISTORY),
    ("members.level", "a member has a level that the brand does not have", store.UNLEVELLED),
    ("members.consent", "a consent is not what its history says", store.UNTOLD_CONSENTS),
    ("members.activation", "a card was activated by a member who is not there", store.ASLEEP_OF_NOBODY),
    ("members.erased", "an erased member still has personal data", store.REMAINS),
)


async def checks(tx: Tx) -> list[Finding]:
    """Wrong rows: bindings and consents that differ from their history, customers of guides who left, remains."""
    wrong = [Finding(check, what, row) for check, what, sql in _QUESTIONS for row in await store.wrong(tx, sql)]
    # Handing over takes a moment; an hour later nobody may be left.
    for guide in await overlooked(tx, tx.now - timedelta(hours=LEFT_BEHIND_HOURS)):
        row = {"guide_id": str(guide.guide_id), "left_at": str(guide.left_at)}
        wrong.append(Finding("members.left_behind", "members are bound to a guide who left", row))
    return wrong
