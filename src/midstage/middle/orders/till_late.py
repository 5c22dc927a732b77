"""What waits at the tills longer than it should: shifts nobody counted, days nobody closed, sales nobody dealt with."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.orders.store import offline as store
from midstage.middle.payments import api as payments

# Whoever closes a store looks at what came in during the day; a sale of this morning should not wait for tomorrow.
REFUSED = timedelta(hours=1)

_SHIFT = stuck.declare(
    "till.shift_open",
    name=Text(zh="未按时交班的班次", en="A shift is open for too long"),
    mend=Text(zh="清点钱箱并交班", en="Count the drawer and close the shift."),
)
_DAY = stuck.declare(
    "till.day_open",
    name=Text(zh="未日结的营业日", en="A business day was not closed"),
    mend=Text(zh="清点所有班次后日结", en="Count every shift, then close the day."),
)
_SALE = stuck.declare(
    "till.refused_sale",
    name=Text(zh="待处理的离线销售", en="An offline sale could not be booked"),
    mend=Text(
        zh="补全商品后重试，或注明原因后忽略", en="Say what its lines are and retry, or dismiss it with a reason."
    ),
)


async def till_late(tx: Tx) -> list[stuck.Stuck]:
    """The oldest of each kind."""
    most = stuck.MOST_OF_A_KIND
    shifts = await payments.shifts_open_too_long(tx)
    days = await payments.days_left_open(tx)
    sales = await store.refused_before(tx, tx.now - REFUSED, most)
    return [
        *(
            stuck.Stuck(_SHIFT, str(one.shift_id), one.opened_at, one.store_id, {"till_id": str(one.till_id)})
            for one in shifts[:most]
        ),
        *(
            stuck.Stuck(_DAY, f"{store_id}/{day}", since, store_id, {"business_date": str(day)})
            for store_id, day, since in days[:most]
        ),
        *(
            stuck.Stuck(_SALE, str(row["refused_id"]), row["received_at"], row["store_id"], {"code": row["code"]})
            for row in sales
        ),
    ]
