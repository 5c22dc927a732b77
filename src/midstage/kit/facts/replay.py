"""Going back: a subscriber forgets what it made and reads its facts again from the beginning."""

from midstage.kit.database import Tx
from midstage.kit.facts.subscribers import Subscriber
from midstage.kit.refusals import Conflict, Text

_LOCK = """
insert into fact_cursor (subscriber, brand_id) values ($1, $2)
on conflict (subscriber, brand_id) do update set moved_at = clock_timestamp()
"""
_OLDEST = "select min(number) from fact_number where brand_id = $1"
_BACK = "update fact_cursor set number = 0, moved_at = clock_timestamp() where subscriber = $1 and brand_id = $2"
_CLEAR_ASIDE = "delete from fact_aside where subscriber = $1 and brand_id = $2"


class NotReplayable(Conflict):
    """This subscriber cannot forget what it did, so a replay would do it twice."""

    text = Text(
        zh="订阅者 {subscriber} 不能重放：它的效果无法清空后重建",
        en="{subscriber} cannot be replayed: what it did cannot be forgotten and made again.",
    )
    subscriber: str


class HistoryGone(Conflict):
    """The oldest facts are past their retention; a rebuild from here would lose what they made."""

    text = Text(
        zh="事实 1 至 {gone} 已超过保留期，从这里重建会丢失数据",
        en="Facts 1 to {gone} are past their retention; a rebuild would lose what they made.",
    )
    gone: int


async def replay(tx: Tx, subscriber: Subscriber) -> None:
    """Forget and begin again, in one transaction: until the facts are read anew the result is visibly incomplete.

    Raises NotReplayable or HistoryGone; then nothing has changed.
    """
    if subscriber.forget is None:
        raise NotReplayable(subscriber.name)
    await tx.run(_LOCK, subscriber.name, tx.brand)  # delivery waits, and afterwards reads from the start
    oldest: int | None = await tx.value(_OLDEST, tx.brand)
    if oldest is not None and oldest > 1:
        raise HistoryGone(oldest - 1)
    await subscriber.forget(tx)
    await tx.run(_BACK, subscriber.name, tx.brand)
    await tx.run(_CLEAR_ASIDE, subscriber.name, tx.brand)
    tx.note("facts.replay", "subscriber", subscriber.name)
