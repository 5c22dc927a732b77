"""What the doctor proves about loyalty."""

from collections.abc import Iterable

import msgspec

from midstage.kit.database import Tx
from midstage.kit.facts import Fact
from midstage.kit.findings import Finding
from midstage.middle.loyalty import rules, store
from midstage.middle.loyalty.types import Standing

_LIMIT = 20
_QUESTIONS = (
    ("loyalty.spent", "more was given back than was paid", store.OVER_REFUNDED),
    ("loyalty.standing", "a standing contradicts itself", store.ODD),
)


async def checks(tx: Tx) -> list[Finding]:
    """Wrong rows: standings that cannot be."""
    return [Finding(check, what, row) for check, what, sql in _QUESTIONS for row in await store.wrong(tx, sql)]


async def compare(tx: Tx, facts: Iterable[Fact]) -> list[Finding]:
    """Prove the projection: `facts` are those of the brand up to the cursor of the subscriber, less what is aside.

    Returns at most 20 members whose standing is not what the facts add up to.
    """
    expected = rules.fold(facts)
    stored = await store.standing(tx, None)
    wrong = [each for each in sorted(expected.keys() | stored.keys()) if expected.get(each) != stored.get(each)]
    return [
        Finding(
            "loyalty.projection",
            "a standing is not what the facts say",
            {"member_id": str(each), "facts": _plain(expected.get(each)), "stored": _plain(stored.get(each))},
        )
        for each in wrong[:_LIMIT]
    ]


def _plain(standing: Standing | None) -> object:
    return None if standing is None else msgspec.to_builtins(standing)
