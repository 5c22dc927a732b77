"""What is late in identity: cases that nobody decides."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.kit.stuck import Stuck
from midstage.middle.identity import store
from midstage.middle.identity.types import CaseState

# Nobody decides every day; after this long somebody forgot.
LATE_AFTER = timedelta(days=7)

_CASE = stuck.declare(
    "identity.case",
    name=Text(zh="身份合并待定", en="A merge of persons waits for a decision"),
    mend=Text(zh="核对双方身份后接受或驳回", en="See whether they are one person; accept or dismiss the case."),
)


async def late(tx: Tx) -> list[Stuck]:
    """Cases in quarantine for more than a week, the oldest first."""
    waiting = await store.cases(tx, CaseState.OPEN, store.FIRST, stuck.MOST_OF_A_KIND)
    return [
        Stuck(_CASE, str(each.case_id), each.opened_at, None, {"why": each.why.value, "times": each.times})
        for each in waiting
        if each.opened_at <= tx.now - LATE_AFTER
    ]
