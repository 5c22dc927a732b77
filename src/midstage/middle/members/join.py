"""Become a member: the person is bound to a store, a guide and a touchpoint from the first moment."""

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id, readable_number
from midstage.middle.identity import api as identity
from midstage.middle.members import rules, store
from midstage.middle.members.binding import place
from midstage.middle.members.facts import MemberJoined
from midstage.middle.members.levels import default_levels
from midstage.middle.members.merged import of_ids
from midstage.middle.members.types import Bound, Member, MemberId, MemberState, NoSuchReferrer, Profile
from midstage.middle.organisation import api as organisation


async def join(
    tx: Tx,
    person_id: identity.PersonId,
    *,
    front: str,
    store_id: organisation.StoreId | None = None,
    guide_id: organisation.GuideId | None = None,
    touchpoint_id: organisation.TouchpointId | None = None,
    referrer_id: MemberId | None = None,
    profile: Profile | None = None,
) -> Member:
    """Let a person join, at the lowest level; one who is a member is returned as it is, with `joined` false.

    Store, guide and touchpoint follow from each other and are the virtual ones where nothing says them.
    Raises NoSuchPerson, NoSuchReferrer, BadFront, BadProfile and what organisation raises.
    """
    rules.checked_front(front)
    person = await identity.person(tx, person_id)
    known = await of_ids(tx, person.ids)
    if known:
        return known[0]
    profile = await _checked(tx, profile or Profile())
    if referrer_id is not None:
        await _check_referrer(tx, referrer_id, person)
    bound = await place(tx, store_id, guide_id, touchpoint_id)
    member = _newcomer(tx, person, bound, front=front, referrer_id=referrer_id, profile=profile)
    made = await store.join(tx, member)
    if made is None:  # another connection was quicker
        known = await of_ids(tx, person.ids)
        if not known:
            raise AssertionError("the key refused the person, so there is a member of it")
        return known[0]
    level, has_levels = made
    if not has_levels:
        await default_levels(tx)
    member = msgspec.structs.replace(member, level=level)
    tx.tell(joined(member))
    return member


def joined(member: Member, *, imported: bool = False) -> MemberJoined:
    """What the world is told of a new member."""
    return MemberJoined(
        person_id=member.person_id,
        member_id=member.member_id,
        level=member.level,
        front=member.front,
        store_id=member.store_id,
        guide_id=member.guide_id,
        touchpoint_id=member.touchpoint_id,
        referrer_id=member.referrer_id,
        imported=imported,
    )


def _newcomer(
    tx: Tx, person: identity.Person, bound: Bound, *, front: str, referrer_id: MemberId | None, profile: Profile
) -> Member:
    return Member(
        member_id=MemberId(new_id()),
        person_id=person.person_id,
        # A person number is given once, so the number on the card needs no counter of its own.
        member_no=readable_number(tx.tenant.business_date(tx.now), person.person_no, salt=tx.brand),
        level=rules.DEFAULT_LEVELS[0].code,
        growth=0,
        state=MemberState.ACTIVE,
        store_id=bound.store_id,
        guide_id=bound.guide_id,
        touchpoint_id=bound.touchpoint_id,
        front=front,
        referrer_id=referrer_id,
        joined_at=tx.now,
        name=profile.name,
        birthday=profile.birthday,
        gender=profile.gender,
        extra=profile.extra,
        version=1,
        joined=True,
    )


async def _checked(tx: Tx, profile: Profile) -> Profile:
    fields = await store.fields(tx) if profile.extra else {}
    return rules.checked_profile(profile, fields, today=tx.tenant.business_date(tx.now))


async def _check_referrer(tx: Tx, referrer_id: MemberId, person: identity.Person) -> None:
    referrer = (await store.members(tx, [referrer_id])).get(referrer_id)
    if referrer is None or referrer.person_id in person.ids:
        raise NoSuchReferrer(referrer_id)
