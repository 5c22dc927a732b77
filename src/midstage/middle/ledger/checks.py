"""What the doctor proves of the ledger."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.ledger import store

_CHECKS = (
    ("ledger.balance_is_entries", "The balance of an account is not the sum of its entries", store.BALANCES_OFF),
    ("ledger.transfer_is_zero", "A transfer takes other than it gives", store.TRANSFERS_OFF),
    ("ledger.held_is_holds", "The held amount is not the sum of the open holds", store.HELD_OFF),
    ("ledger.lots_are_balance", "The lots of an account are not its balance", store.LOTS_OFF),
    ("ledger.minimum_kept", "An account is below its minimum", store.BELOW_MINIMUM),
)


async def checks(tx: Tx) -> list[Finding]:
    """Every row of the ledger that is not as it must be, at most 20 of each kind."""
    found = [
        Finding("ledger.trial_balance", "An asset does not sum to zero", {"asset": asset, "total": total})
        for asset, total in await store.trial_balance(tx)
        if total != 0
    ]
    for check, what, sql in _CHECKS:
        found += [Finding(check, what, row) for row in await store.wrong(tx, sql)]
    return found
