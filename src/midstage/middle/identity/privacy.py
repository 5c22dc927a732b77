"""A person's own data: given out, and forgotten."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.identity import store
from midstage.middle.identity.facts import IdentifierDetached
from midstage.middle.identity.types import PersonId


async def export_person(tx: Tx, persons: Sequence[PersonId]) -> dict[str, Any]:
    """All that identity knows of persons, with every id that each ever had: their identifiers, and why they are one."""
    ids = await _whole(tx, persons)
    found = await store.identifiers_of_many(tx, ids)
    return {
        "identifiers": [
            {
                "kind": each.identifier.kind.value,
                "namespace": each.identifier.namespace,
                "value": each.identifier.value,
                "source": each.source,
                "attached_at": each.attached_at.isoformat(),
            }
            for each in found
        ],
        "merges": [{**row, "made_at": row["made_at"].isoformat()} for row in await store.evidence_of(tx, ids)],
    }


async def erase_person(tx: Tx, persons: Sequence[PersonId]) -> None:
    """Forget what persons were known by, in their merges and cases too.

    The persons and their numbers stay for the books, known by nobody; a number is never given again, and whoever
    comes with the same phone later is somebody new.
    """
    ids = await _whole(tx, persons)
    if not ids:
        return
    known = await store.identifiers_of_many(tx, ids)
    forgotten = await store.erase(tx, ids)
    for each in known:
        tx.tell(IdentifierDetached(person_id=each.person_id, kind=each.identifier.kind.value))
    for person_id in persons:
        tx.note("identity.erase", "person", person_id, after={"identifiers": forgotten})


async def _whole(tx: Tx, persons: Sequence[PersonId]) -> list[PersonId]:
    found = await store.persons(tx, list(persons))
    return sorted({each for person in found.values() for each in person.ids})
