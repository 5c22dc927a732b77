"""What the doctor proves of statements: the sums are explained, and the ledger knows what providers keep for us."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.ledger import api as ledger
from midstage.middle.payments import booking, store


async def statement_checks(tx: Tx) -> list[Finding]:
    """The wrong rows of this brand, at most 20 a check."""
    found = [
        Finding(check, what, dict(row.items()))
        for check, (what, sql) in store.STATEMENT_FAULTS.items()
        for row in await tx.rows(sql, tx.brand)
    ]
    return found + await _against_ledger(tx)


async def _against_ledger(tx: Tx) -> list[Finding]:
    """What a provider keeps for a merchant: what it collected, less what went back, its fees and what was given up."""
    collected = await store.collected(tx)
    fees, adjusted = await store.fees_booked(tx), await store.adjusted(tx)
    keys = sorted({*collected, *fees, *adjusted})
    accounts = {key: ledger.account_id(tx.brand, booking.CLEARING, key[0], key[1]) for key in keys}
    balances = await ledger.balances(tx, list(accounts.values()))
    found: list[Finding] = []
    for key in keys:
        owed = collected.get(key, 0) - fees.get(key, 0) - adjusted.get(key, 0)
        if balances[accounts[key]].amount != -owed:
            row = {
                "merchant": str(key[0]), "currency": key[1], "owed": owed, "ledger": -balances[accounts[key]].amount,
            }  # fmt: skip
            found.append(Finding("payments.clearing", "what a provider keeps for a merchant is not on the ledger", row))
    return found[:20]
