"""What members keep of a person: handed out, and lost."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.ledger import api as ledger
from midstage.middle.members import store
from midstage.middle.members.activation import POINTS
from midstage.middle.members.facts import MemberErased
from midstage.middle.members.types import Member, MemberId
from midstage.middle.organisation import api as organisation

_ALL = PageRequest(None, 100_000)


async def members_of(tx: Tx, persons: Sequence[identity.PersonId]) -> list[Member]:
    """The members that these persons are; one that was merged may have several."""
    return list((await store.members_of(tx, list(persons))).values())


async def export_person(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[str, Any]:
    """Memberships with their bindings, consents, labels, touches, old cards and points."""
    found = await members_of(tx, persons)
    ids = [each.member_id for each in found]
    consents = {
        str(each): [change for _, change in await store.consent_history(tx, each, None, _ALL.limit)] for each in ids
    }
    return {
        "memberships": found,
        "bindings": [one for each in ids for one in await store.bindings(tx, each)],
        "consents": [one for each in ids for one in await store.consents(tx, each)],
        "consent_history": [one for changes in consents.values() for one in changes],
        "labels": sorted(await store.labels(tx, list(persons))),
        "touches": await store.touches(tx, ids),
        "old_cards": await store.cards(tx, ids, await phones_of(tx, persons)),
        "points": [one for each in ids for one in await _points(tx, each)],
    }


async def erase_person(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[str, int]:
    """Lose name, birthday, fields, consents, labels, touches and old cards; the row, its ids and figures stay.

    Before identity forgets the persons' phones, by which sleeping cards are found. The same again changes nothing.
    """
    found = await members_of(tx, persons)
    lost = await store.erase(tx, [each.member_id for each in found], list(persons), await phones_of(tx, persons))
    for each in found:
        if not each.erased:
            tx.tell(MemberErased(person_id=each.person_id, member_id=each.member_id))
    return lost


async def phones_of(tx: Tx, persons: Sequence[identity.PersonId]) -> list[str]:
    """The phones by which these persons are known."""
    known = await identity.identifiers_of_many(tx, list(persons))
    kind = identity.IdentifierKind.PHONE
    return sorted({one.identifier.value for own in known.values() for one in own if one.identifier.kind is kind})


async def known_by(tx: Tx, persons: Sequence[identity.PersonId]) -> list[str]:
    """Every word by which these persons are known: identifiers, phones without the country as well."""
    known = await identity.identifiers_of_many(tx, list(persons))
    prefix = (await organisation.brand(tx)).phone_prefix
    words: set[str] = set()
    for one in (each.identifier for own in known.values() for each in own):
        words.add(one.value)
        if one.kind is identity.IdentifierKind.PHONE:
            words |= {one.value.removeprefix(prefix), one.value.removeprefix("+")}
    return sorted(words)


async def _points(tx: Tx, member_id: MemberId) -> list[ledger.Entry]:
    account = ledger.account_id(tx.brand, POINTS, member_id, POINTS)
    return (await ledger.entries(tx, account, _ALL)).items
