"""Labels: what insight found out about persons, where checkout can read it."""

from collections.abc import Collection, Mapping

from midstage.kit.database import Tx
from midstage.middle.identity import api as identity
from midstage.middle.members import rules, store


async def write_labels(tx: Tx, labels: Mapping[identity.PersonId, Collection[str]]) -> int:
    """Replace all labels of the persons named, and say how many were new.

    A merged person has them under each of its ids, so that checkout reads those of the member at hand without asking
    who else it is. Persons nobody knows are skipped. Raises BadLabel.
    """
    persons = await identity.persons(tx, list(labels))
    wanted = {
        (each, rules.checked_label(label))
        for person_id, given in labels.items()
        for label in given
        if person_id in persons
        for each in persons[person_id].ids
    }
    ids = sorted({each for person in persons.values() for each in person.ids})
    return await store.write_labels(tx, ids, sorted(wanted)) if ids else 0
