"""Attach identifiers to the person they mean, who is created where nobody is known by any of them."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import rules, store
from midstage.middle.identity.facts import IdentifiersAttached, PersonCreated
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.store import Outcome
from midstage.middle.identity.types import (
    Elsewhere,
    Identifier,
    IdentityContended,
    PersonId,
    Resolution,
)

# Each further turn needs another connection that attaches one of the same identifiers at the very moment.
TURNS = 6


async def attach_and_resolve(
    tx: Tx, identifiers: Sequence[Identifier], *, source: str, country: str = CHINA
) -> Resolution:
    """Say whom the identifiers mean; attach those that are new; create the person if none is known.

    The most trusted known identifier decides, the new ones go to that person, and those of other persons are
    reported and stay where they are. A device does not decide against a better identifier that is given and new
    (see the store). One statement, another one or two where somebody else was attaching the same at that moment:
    the outcome is that of one after the other. `country` is the calling code of phone numbers without one.
    Raises NoIdentifiers, TooManyIdentifiers, BadIdentifier, IdentityContended.
    """
    given = rules.ordered(identifiers, country=country)
    for _ in range(TURNS):
        outcomes = await store.attach(tx, given, PersonId(new_id()), source)
        first = outcomes[0]
        unnumbered = bool(first.fresh) and not first.raced and first.person_no is None
        if not first.raced and not unnumbered:
            return _resolution(tx, given, outcomes, source)
        ours = [given[each.place - 1] for each in outcomes if each.ours]
        if first.person_id is not None and ours:
            await store.undo_attach(tx, ours, first.person_id)
        if unnumbered:  # the first person of this brand
            await store.open_numbers(tx)
    raise IdentityContended


def _resolution(tx: Tx, given: Sequence[Identifier], outcomes: Sequence[Outcome], source: str) -> Resolution:
    first = outcomes[0]
    if first.person_id is None or first.person_no is None:
        raise AssertionError("an attempt that did not race has chosen a person, and every person has a number")
    attached = [given[each.place - 1] for each in outcomes if each.ours]
    elsewhere = [
        Elsewhere(given[each.place - 1], each.known_as)
        for each in outcomes
        if each.known_as is not None and each.known_as != first.person_id
    ]
    created = bool(first.fresh)
    if created:
        tx.tell(PersonCreated(person_id=first.person_id, person_no=first.person_no, source=source))
    if attached:
        kinds = [each.kind.value for each in attached]
        tx.tell(IdentifiersAttached(person_id=first.person_id, kinds=kinds, source=source))
    return Resolution(first.person_id, first.person_no, created, attached, elsewhere)
