"""What of access a person should look at: somebody who looks at unusually many people."""

from datetime import timedelta

from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.kit.stuck import MOST_OF_A_KIND, Stuck, declare
from midstage.middle.access.policy import SIGN_IN
from midstage.middle.access.store import reads
from midstage.middle.organisation import api as organisation

WITHIN = timedelta(hours=1)

_MANY_READS = declare(
    "access.many_reads",
    name=Text(zh="短时间内查看大量个人信息", en="Somebody looks at the personal data of many people"),
    mend=Text(
        zh="查看此人的查阅记录，必要时结束其会话并停用账号", en="See what they read; end their sessions if need be."
    ),
)


async def late(tx: Tx) -> list[Stuck]:
    """Who has looked at more people within the last hour than the policy of signing in has as usual."""
    policy = await organisation.settings_of(tx, SIGN_IN)
    rows = await reads.lookers(tx, tx.now - WITHIN, policy.usual_reads_an_hour, MOST_OF_A_KIND)
    return [
        Stuck(
            _MANY_READS,
            str(row["by_id"]),
            row["since"],
            figures={"by_kind": row["by_kind"], "persons": row["persons"]},
        )
        for row in rows
    ]
