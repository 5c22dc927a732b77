"""What the doctor proves about the organisation."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.organisation import store


async def checks(tx: Tx) -> list[Finding]:
    """Every wrong row, at most twenty a check."""
    return [
        Finding(f"organisation.{name}", what, row)
        for name, (what, sql) in store.CHECKS.items()
        for row in await store.read_wrong(tx, sql)
    ]
