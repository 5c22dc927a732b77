"""Many persons at once, for imports: the same checks, by COPY."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.identity import rules, store
from midstage.middle.identity.facts import IdentifiersAttached, PersonCreated
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.types import Identifier, IdentifierTaken, NewPerson, PersonId


async def bulk_create(
    tx: Tx, newcomers: Sequence[NewPerson], *, source: str, country: str = CHINA
) -> dict[PersonId, int]:
    """Create persons that nobody knows yet, each with its identifiers, and say which numbers they got.

    What is blocked is left out; limits are not asked, as an import is somebody's word. All or nothing: raises IdentifierTaken with the row of the first identifier that is somebody's already, be it
    another newcomer's; BadIdentifier, NoIdentifiers, TooManyIdentifiers. Facts carry the business day of `born_at`.
    """
    given = await _without_blocked(tx, [rules.ordered(each.identifiers, country=country) for each in newcomers])
    await _refuse_taken(tx, given)
    numbers, dealt = rules.deal(await store.lock_numbers(tx), len(newcomers))
    await store.write_numbers(tx, dealt)
    births = [(each, number, each.born_at or tx.now) for each, number in zip(newcomers, numbers, strict=True)]
    await store.copy_persons(tx, [(each.person_id, number, source, at) for each, number, at in births])
    await store.copy_identifiers(
        tx,
        [(one, each.person_id, source, at) for (each, _, at), ids in zip(births, given, strict=True) for one in ids],
    )
    for (each, number, at), ids in zip(births, given, strict=True):
        tx.tell(PersonCreated(person_id=each.person_id, person_no=number, source=source), at=at)
        if ids:
            kinds = [one.kind.value for one in ids]
            tx.tell(IdentifiersAttached(person_id=each.person_id, kinds=kinds, source=source), at=at)
    return {each.person_id: number for each, number, _ in births}


async def _without_blocked(tx: Tx, given: Sequence[Sequence[Identifier]]) -> list[list[Identifier]]:
    blocked = await store.which_blocked(tx, sorted({one for ids in given for one in ids}))
    return [[one for one in ids if one not in blocked and not rules.is_placeholder(one)] for ids in given]


async def _refuse_taken(tx: Tx, given: Sequence[Sequence[Identifier]]) -> None:
    seen: set[Identifier] = set()
    for row, ids in enumerate(given):
        for one in ids:
            if one in seen:
                raise IdentifierTaken(row=row, kind=one.kind.value)
            seen.add(one)
    known = await store.resolve_many(tx, list(seen))
    for row, ids in enumerate(given):
        for one in ids:
            if one in known:
                raise IdentifierTaken(row=row, kind=one.kind.value)
