"""What the doctor proves about membership."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.members import store

_QUESTIONS = (
    ("members.binding", "a member belongs to others than its last binding says", store.UNBOUND),
    ("members.level", "a member has a level that the brand does not have", store.UNLEVELLED),
    ("members.consent", "a consent is not what its history says", store.UNTOLD_CONSENTS),
)


async def checks(tx: Tx) -> list[Finding]:
    """Wrong rows: bindings and consents that differ from their history, unknown levels."""
    return [Finding(check, what, row) for check, what, sql in _QUESTIONS for row in await store.wrong(tx, sql)]
