"""What a member agrees to, and every answer she ever gave."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.members import rules, store
from midstage.middle.members.facts import ConsentGiven, ConsentWithdrawn
from midstage.middle.members.types import Channel, Consent, ConsentChange, MemberId, NoSuchMember, Purpose


async def give_consent(
    tx: Tx, member_id: MemberId, purpose: Purpose, channel: Channel, *, source: str, document: str = ""
) -> bool:
    """Note that a member agrees, and to which version of the text. False where she did already.

    Agreeing for any channel does not take back a "no" to a single one. Raises NoSuchMember.
    """
    return await _answer(tx, member_id, purpose, channel, given=True, source=source, document=document)


async def withdraw_consent(
    tx: Tx, member_id: MemberId, purpose: Purpose, channel: Channel, *, source: str, document: str = ""
) -> bool:
    """Note that a member no longer agrees; for any channel means for every channel. False where nothing changed.

    Raises NoSuchMember.
    """
    return await _answer(tx, member_id, purpose, channel, given=False, source=source, document=document)


async def consents(tx: Tx, member_id: MemberId) -> list[Consent]:
    """The present answers of a member."""
    return await store.consents(tx, member_id)


async def consent_history(tx: Tx, member_id: MemberId, page: PageRequest) -> Page[ConsentChange]:
    """Every answer a member ever gave, the latest first. Raises BadCursor."""
    after = page.place(tuple[UUID])
    rows = await store.consent_history(tx, member_id, after[0] if after else None, page.fetch)
    keyed = page.page(rows, _key)
    return Page([change for _, change in keyed.items], keyed.next)


async def who_agrees(tx: Tx, member_ids: Sequence[MemberId], purpose: Purpose, channel: Channel) -> frozenset[MemberId]:
    """Those of the members who agree to a purpose over a channel, in one statement."""
    answers: dict[MemberId, dict[tuple[Purpose, Channel], Consent]] = {}
    for member_id, consent in await store.consents_of(tx, list(member_ids), purpose, channel):
        answers.setdefault(member_id, {})[consent.purpose, consent.channel] = consent
    return frozenset(each for each, given in answers.items() if rules.allows(given, purpose, channel))


def _key(row: tuple[UUID, ConsentChange]) -> tuple[UUID]:
    return (row[0],)


async def _answer(
    tx: Tx, member_id: MemberId, purpose: Purpose, channel: Channel, *, given: bool, source: str, document: str
) -> bool:
    answered = await store.answer(tx, member_id, purpose, channel, given=given, source=source, document=document)
    if answered is None:
        raise NoSuchMember(member_id)
    person_id, channels = answered
    fact = ConsentGiven if given else ConsentWithdrawn
    for each in sorted(channels):
        tx.tell(fact(person_id=person_id, member_id=member_id, purpose=purpose.value, channel=each))
    return bool(channels)
