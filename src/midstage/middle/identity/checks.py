"""What the doctor proves about identity."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.identity import store


async def checks(tx: Tx) -> list[Finding]:
    """Wrong rows: identifiers of nobody, aliases in two steps, numbers that were never dealt."""
    return [
        *(Finding("identity.owner", "an identifier points to no person", row) for row in await store.orphans(tx)),
        *(Finding("identity.alias", "an alias does not end at a root", row) for row in await store.long_aliases(tx)),
        *(Finding("identity.number", "a number was given beyond its slot", row) for row in await store.undealt(tx)),
        *(Finding("identity.dealt", "a slot dealt more or less than it gave", row) for row in await store.lost(tx)),
    ]
