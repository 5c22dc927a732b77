"""Questions to identity. Every answer is the root: who somebody is after all merges."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.kit.kept import Kept
from midstage.middle.identity import rules, store
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.types import Attached, Identifier, NoSuchPerson, Person, PersonId

_alone: Kept[BrandId, bool] = Kept(ttl_s=5.0, most=50_000)


async def resolve(tx: Tx, identifier: Identifier, *, country: str = CHINA) -> PersonId | None:
    """Whom an identifier means, or None, also for one that is blocked. Raises BadIdentifier."""
    return await store.resolve(
        tx, rules.identifier(identifier.kind, identifier.value, namespace=identifier.namespace, country=country)
    )


async def resolve_many(
    tx: Tx, identifiers: Sequence[Identifier], *, country: str = CHINA
) -> dict[Identifier, PersonId]:
    """Whom each of many identifiers means, in one statement; the unknown are left out. Raises BadIdentifier."""
    normal = [
        rules.identifier(each.kind, each.value, namespace=each.namespace, country=country) for each in identifiers
    ]
    found = await store.resolve_many(tx, normal)
    return {asked: found[each] for asked, each in zip(identifiers, normal, strict=True) if each in found}


async def person(tx: Tx, person_id: PersonId) -> Person:
    """A person by any id it ever had. Raises NoSuchPerson."""
    found = await store.persons(tx, [person_id])
    if person_id not in found:
        raise NoSuchPerson(person_id)
    return found[person_id]


async def persons(tx: Tx, person_ids: Sequence[PersonId]) -> dict[PersonId, Person]:
    """Many persons by any id they ever had, in one statement; the unknown are left out."""
    return await store.persons(tx, list(person_ids))


async def alone(tx: Tx) -> bool:
    """Whether nobody of this brand is merged with anybody; what another process merged is seen within 5 s."""
    if _alone.get(tx.brand):
        return True
    nobody = not await store.any_alias(tx)
    if nobody:
        _alone.put(tx.brand, True)  # that it stands there says it
    return nobody


def forget_alone(tx: Tx) -> None:
    """Ask anew: somebody is being merged."""
    _alone.forget(tx.brand)


async def root(tx: Tx, person_id: PersonId) -> PersonId:
    """The id that a person has after all merges. Raises NoSuchPerson."""
    return (await person(tx, person_id)).person_id


async def identifiers_of(tx: Tx, person_id: PersonId) -> list[Attached]:
    """All identifiers of a person, those of its merged ids too, oldest first."""
    return await store.identifiers_of(tx, person_id)


async def identifiers_of_many(tx: Tx, person_ids: Sequence[PersonId]) -> dict[PersonId, list[Attached]]:
    """All identifiers of many persons, by the ids that were asked for, oldest first; in two statements."""
    whole = await store.persons(tx, list(person_ids))
    owners = {each: person_id for person_id, person in whole.items() for each in person.ids}
    found: dict[PersonId, list[Attached]] = {person_id: [] for person_id in person_ids}
    for attached in await store.identifiers_of_many(tx, list(owners)):
        found[owners[attached.person_id]].append(attached)
    return found
