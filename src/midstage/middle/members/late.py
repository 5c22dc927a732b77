"""What is late or stuck in the care of members."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.kit.stuck import Stuck
from midstage.middle.members import store
from midstage.middle.members.privacy import LATE_AFTER

SLOW_AFTER = timedelta(minutes=30)

_HANDOVER = stuck.declare(
    "members.handover",
    name=Text(zh="客户交接未完成", en="Customers wait for their new guide"),
    mend=Text(zh="检查 worker 是否在运行；任务会继续交接", en="See whether the worker runs; it goes on by itself."),
)
_PRIVACY = stuck.declare(
    "members.privacy",
    name=Text(zh="个人信息申请未处理", en="A request about personal data is not done"),
    mend=Text(
        zh="查看失败的任务；删除申请可能在等待订单完成，须在 30 天内处理",
        en="Look at failed jobs; an erasure may wait for an order to end. It must be done within 30 days.",
    ),
)


async def late(tx: Tx) -> list[Stuck]:
    """Customers who wait for a guide for half an hour, and requests about personal data that wait for a day."""
    handovers = await store.open_handovers(tx, tx.now - SLOW_AFTER, stuck.MOST_OF_A_KIND)
    requests = await store.late_requests(tx, tx.now - LATE_AFTER, stuck.MOST_OF_A_KIND)
    return [
        *(
            Stuck(
                _HANDOVER,
                str(one.handover_id),
                one.begun_at,
                one.from_store_id,
                {"guide_id": str(one.guide_id), "moved": one.moved},
            )
            for one in handovers
        ),
        *(
            Stuck(
                _PRIVACY,
                str(one.request_id),
                one.begins_at,
                one.store_id,
                {"kind": one.kind.value, "due_at": one.due_at.isoformat()},
            )
            for one in requests
        ),
    ]
