"""What waits in the order book longer than it should."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.orders.store import late as store
from midstage.middle.orders.store import leave
from midstage.middle.orders.till_late import till_late

# An order is expired within seconds of its deadline while a worker runs.
NOT_EXPIRED = timedelta(minutes=5)
# Most stores hand over or send out within the day; a weekend should not raise an alarm.
NOT_HANDED_OVER = timedelta(days=3)
# Nobody stands at a door for longer.
AT_THE_DOOR = timedelta(minutes=30)

_UNPAID = stuck.declare(
    "orders.unpaid",
    name=Text(zh="超时未付且未关闭的订单", en="An unpaid order is past its deadline and still open"),
    mend=Text(zh="检查 worker 是否在运行", en="See whether the worker runs."),
)
_WAITING = stuck.declare(
    "orders.not_handed_over",
    name=Text(zh="已付款但长时间未交付的订单", en="A paid order is not handed over"),
    mend=Text(zh="联系门店备货交付，或取消并退款", en="Ask the store to hand it over, or cancel and refund it."),
)
_DOOR = stuck.declare(
    "orders.at_the_door",
    name=Text(zh="离店核查未结束", en="A check at the door was not ended"),
    mend=Text(zh="核对商品后结束核查", en="Look at the goods and end the check."),
)


async def late(tx: Tx) -> list[stuck.Stuck]:
    """Orders past their deadline that nobody ended, and paid ones of which parts wait for days; the oldest of each."""
    most = stuck.MOST_OF_A_KIND
    unpaid = await store.overdue(tx, tx.now - NOT_EXPIRED, most)
    waiting = await store.not_handed_over(tx, tx.now - NOT_HANDED_OVER, most)
    checking = await leave.checking_since(tx, tx.now - AT_THE_DOOR, most)
    doors = [stuck.Stuck(_DOOR, str(row["order_id"]), row["opened_at"], row["store_id"]) for row in checking]
    return (
        [
            stuck.Stuck(kind, str(order_id), since, store_id, {"number": number})
            for kind, rows in ((_UNPAID, unpaid), (_WAITING, waiting))
            for order_id, number, store_id, since in rows
        ]
        + doors
        + await till_late(tx)
    )
