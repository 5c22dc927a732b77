"""What of stock work waits longer than it should."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.kit.stuck import MOST_OF_A_KIND, Stuck
from midstage.middle.inventory import store

TRANSFER_DAYS = 3
COUNT_DAYS = 2
ALARM_DAYS = 7
DISCREPANCY_DAYS = 7

_TRANSFER = stuck.declare(
    "inventory.transfer",
    name=Text(zh="调拨未完成", en="A transfer is not done"),
    mend=Text(zh="审批、发出、收货或处理在途差异", en="Approve it, send it, receive it, or settle what is missing."),
)
_COUNT = stuck.declare(
    "inventory.count",
    name=Text(zh="盘点未结束", en="A count is open"),
    mend=Text(zh="完成并审批，或作废", en="Finish and approve it, or abandon it."),
)
_DELIVERY = stuck.declare(
    "inventory.delivery",
    name=Text(zh="到货逾期", en="A delivery is overdue"),
    mend=Text(zh="收货，或向供应商催货，或取消", en="Receive it, ask the supplier, or cancel it."),
)
_DISCREPANCY = stuck.declare(
    "inventory.discrepancy",
    name=Text(zh="库存差异未处理", en="A discrepancy of stock is open"),
    mend=Text(zh="核实后接受、调整或重盘", en="Look into it: accept it, adjust the stock, or count again."),
)
_ALARM = stuck.declare(
    "inventory.alarm",
    name=Text(zh="缺货预警未处理", en="Stock has been low for long"),
    mend=Text(zh="补货、调拨或暂缓", en="Order it, transfer it, or put the alarm off."),
)


async def late(tx: Tx) -> list[Stuck]:
    """Transfers, counts and deliveries that should be done, discrepancies and alarms that nobody sees to."""
    today = tx.tenant.business_date(tx.now)
    transfers = await store.late_transfers(tx, tx.now - timedelta(days=TRANSFER_DAYS), today, MOST_OF_A_KIND)
    counts = await store.open_counts(tx, tx.now - timedelta(days=COUNT_DAYS), MOST_OF_A_KIND)
    deliveries = await store.late_deliveries(tx, today, MOST_OF_A_KIND)
    found = await store.old_discrepancies(tx, tx.now - timedelta(days=DISCREPANCY_DAYS), MOST_OF_A_KIND)
    alarms = await store.old_alarms(tx, tx.now - timedelta(days=ALARM_DAYS), MOST_OF_A_KIND)
    return [
        *(
            Stuck(_TRANSFER, str(row["transfer_id"]), row["changed_at"], row["to_id"], {"state": row["state"]})
            for row in transfers
        ),
        *(
            Stuck(
                _COUNT,
                str(row["count_id"]),
                row["finished_at"] or row["opened_at"],
                row["location_id"],
                {"state": row["state"]},
            )
            for row in counts
        ),
        *(
            Stuck(_DELIVERY, str(row["delivery_id"]), row["expected_at"], row["location_id"], {"due_on": row["due_on"]})
            for row in deliveries
        ),
        *(
            Stuck(_DISCREPANCY, str(row["discrepancy_id"]), row["found_at"], row["location_id"], {"kind": row["kind"]})
            for row in found
        ),
        *(
            Stuck(_ALARM, str(row["alarm_id"]), row["raised_at"], row["location_id"], {"sku_id": row["sku_id"]})
            for row in alarms
        ),
    ]
