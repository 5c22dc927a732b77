"""What the doctor proves of sales at tills: each was taken in its shift, on its business day."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.orders.store import day as store
from midstage.middle.payments import api as payments

_AT_ONCE = 5_000
_MOST = 20


async def till_checks(tx: Tx) -> list[Finding]:
    """The sales of tills that are not what was paid for them, or stand on another day than their order; at most 20."""
    found: list[Finding] = []
    after = None
    while len(found) < _MOST:
        rows = await store.sales_after(tx, after, _AT_ONCE)
        if not rows:
            break
        after = rows[-1]["order_id"]
        by_hand = await payments.taken_by_order(tx, list({row["shift_id"] for row in rows}))
        for row in rows:
            figures = {name: str(row[name]) for name in ("order_id", "shift_id", "paid_minor", "state")}
            if row["kind"] != "till" or not row["same_day"]:
                found.append(Finding("orders.till_day", "a sale of a till is counted on another day", figures))
            if by_hand.get(row["order_id"], 0) > row["paid_minor"]:
                found.append(Finding("orders.till_paid", "a till took more than its order holds", figures))
    return found[:_MOST]
