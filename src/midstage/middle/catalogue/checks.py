"""What the doctor proves of the catalogue."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.catalogue import store


async def checks(tx: Tx) -> list[Finding]:
    """The copies that products hold equal their originals, the tree is one, and what is live can be sold."""
    return await store.find_faults(tx)
