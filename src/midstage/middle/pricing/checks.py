"""What the doctor proves of pricing."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.pricing import store


async def checks(tx: Tx) -> list[Finding]:
    """Every price in a live list has a list price to stand on, and prices have a version."""
    return await store.find_faults(tx)
