"""What the doctor proves about identity."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.identity import store

_QUESTIONS = (
    ("identity.owner", "an identifier points to no person", store.ORPHANS),
    ("identity.alias", "an alias does not end at a root", store.LONG_ALIASES),
    ("identity.number", "a number was given beyond its slot", store.UNDEALT),
    ("identity.dealt", "a slot dealt more or less than it gave", store.LOST),
    ("identity.links", "an alias is not what the standing links say", store.UNLINKED),
    ("identity.ends", "a link is of nobody", store.ENDS),
    ("identity.steps", "a link was undone before it was made", store.BAD_STEPS),
)


async def checks(tx: Tx) -> list[Finding]:
    """Wrong rows: identifiers of nobody, aliases other than the link log played again, numbers never dealt."""
    return [Finding(check, what, row) for check, what, sql in _QUESTIONS for row in await store.wrong(tx, sql)]
