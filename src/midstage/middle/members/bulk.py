"""Many members at once, for imports: the same checks, by COPY."""

from collections.abc import Sequence
from typing import TypeVar

from midstage.kit.database import Tx
from midstage.kit.ids import readable_number
from midstage.middle.identity import api as identity
from midstage.middle.members import rules, store
from midstage.middle.members.join import joined
from midstage.middle.members.levels import default_levels
from midstage.middle.members.types import (
    AlreadyMember,
    BadGrowth,
    Joiner,
    Member,
    MemberId,
    MemberState,
    NoSuchLevel,
    NoSuchReferrer,
    Profile,
)
from midstage.middle.organisation import api as organisation

T = TypeVar("T")


async def bulk_join(tx: Tx, joiners: Sequence[Joiner], *, reason: str = "imported") -> list[Member]:
    """Let many persons join who are no members yet; their facts carry the business day they joined.

    All or nothing. Guides who have left are refused, as nobody would serve their members. Raises AlreadyMember
    with the row, NoSuchPerson, NoSuchLevel, NoSuchReferrer, BadFront, BadGrowth, BadProfile and what
    organisation raises for unknown ids.
    """
    levels = {each.code for each in await default_levels(tx)}
    lowest = (await store.levels(tx))[0].code
    persons = await _persons(tx, joiners)
    await _check_places(tx, joiners)
    await _check_referrers(tx, joiners)
    virtual = await organisation.virtual(tx)
    fields = await store.fields(tx)
    made: list[tuple[Member, Profile]] = []
    for each, person in zip(joiners, persons, strict=True):
        day = tx.tenant.business_date(each.joined_at)
        profile = rules.checked_profile(each.profile, fields, today=tx.tenant.business_date(tx.now))
        level = each.level or lowest
        if level not in levels:
            raise NoSuchLevel(level)
        if each.growth < 0:
            raise BadGrowth(each.growth)
        member = Member(
            member_id=each.member_id,
            person_id=person.person_id,
            member_no=readable_number(day, person.person_no, salt=tx.brand),
            level=level,
            growth=each.growth,
            state=MemberState.ACTIVE,
            store_id=each.store_id or virtual.store_id,
            guide_id=each.guide_id or virtual.guide_id,
            touchpoint_id=each.touchpoint_id or virtual.touchpoint_id,
            front=rules.checked_front(each.front),
            referrer_id=each.referrer_id,
            joined_at=each.joined_at,
            name=profile.name,
            birthday=profile.birthday,
            gender=profile.gender,
            extra=profile.extra,
            version=1,
            joined=True,
        )
        made.append((member, profile))
    await store.copy_members(tx, made)
    await store.copy_bindings(tx, [member for member, _ in made], reason)
    for member, _ in made:
        tx.tell(joined(member, imported=True), at=member.joined_at)
    return [member for member, _ in made]


async def _persons(tx: Tx, joiners: Sequence[Joiner]) -> list[identity.Person]:
    """The person of each row, none of them a member yet, none of them twice."""
    found = await identity.persons(tx, [each.person_id for each in joiners])
    rows: list[identity.Person] = []
    seen: set[identity.PersonId] = set()
    for row, each in enumerate(joiners):
        if each.person_id not in found:
            raise identity.NoSuchPerson(each.person_id)
        person = found[each.person_id]
        if person.person_id in seen:
            raise AlreadyMember(row)
        seen.add(person.person_id)
        rows.append(person)
    known = await store.members_of(tx, [each for person in rows for each in person.ids])
    for row, person in enumerate(rows):
        if not known.keys().isdisjoint(person.ids):
            raise AlreadyMember(row)
    return rows


async def _check_places(tx: Tx, joiners: Sequence[Joiner]) -> None:
    stores = _distinct([each.store_id for each in joiners])
    for missing in stores - (await organisation.stores(tx, sorted(stores))).keys():
        raise organisation.NoSuchStore(str(missing))
    virtual = await organisation.virtual(tx)
    guide_ids = _distinct([each.guide_id for each in joiners]) - {virtual.guide_id}
    guides = await organisation.guides(tx, sorted(guide_ids))
    for guide_id in guide_ids:
        if guide_id not in guides:
            raise organisation.NoSuchGuide(guide_id)
        if guides[guide_id].state is not organisation.PersonState.ACTIVE:
            raise organisation.GuideGone(guide_id)
    for touchpoint_id in sorted(_distinct([each.touchpoint_id for each in joiners]) - {virtual.touchpoint_id}):
        await organisation.touchpoint(tx, touchpoint_id)


async def _check_referrers(tx: Tx, joiners: Sequence[Joiner]) -> None:
    """A referrer is a member, or another row of the same import."""
    own = {each.member_id for each in joiners}
    others: set[MemberId] = _distinct([each.referrer_id for each in joiners]) - own
    for missing in others - (await store.members(tx, sorted(others))).keys():
        raise NoSuchReferrer(missing)
    for each in joiners:
        if each.referrer_id == each.member_id:
            raise NoSuchReferrer(each.member_id)


def _distinct(ids: Sequence[T | None]) -> set[T]:
    return {each for each in ids if each is not None}
