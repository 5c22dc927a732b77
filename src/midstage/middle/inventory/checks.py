"""What the doctor proves of inventory."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.inventory import store

_CHECKS = (
    ("inventory.stock_is_movements", "Stock is not the sum of its movements", store.STOCK_OFF),
    ("inventory.reserved_is_reservations", "What is reserved is not the open reservations", store.RESERVED_OFF),
    ("inventory.oversold", "More is promised than there is, and no discrepancy says why", store.OVERSOLD),
    *store.WORK_FAULTS,
)


async def checks(tx: Tx) -> list[Finding]:
    """Every stock row that is not as it must be, at most 20 of each kind."""
    return [Finding(check, what, row) for check, what, sql in _CHECKS for row in await store.wrong(tx, sql)]
