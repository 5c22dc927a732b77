"""Which membership leads where a person has several: persons are merged, memberships stay as they are."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.identity import api as identity
from midstage.middle.members import store
from midstage.middle.members.types import Member, MemberId, MemberState, NoSuchMember

_ORDER = (MemberState.ACTIVE, MemberState.FROZEN, MemberState.CLOSED)


class Memberships(msgspec.Struct, frozen=True):
    """All memberships of the person that one membership belongs to. What is done from now on is done as the leading."""

    leading: MemberId
    ids: frozenset[MemberId]


def by_lead(found: Iterable[Member], ranks: Mapping[str, int]) -> list[Member]:
    """The leading one first: one that is active, of the higher level, of the higher growth, who joined earlier."""
    return sorted(
        found,
        key=lambda one: (
            _ORDER.index(one.state),
            -ranks.get(one.level, -1),
            -one.growth,
            one.joined_at,
            one.member_id,
        ),
    )


async def of_ids(tx: Tx, ids: Sequence[identity.PersonId]) -> list[Member]:
    """The memberships of these ids, the leading one first."""
    found = await store.members_of(tx, ids)
    if len(found) < 2:  # the levels are asked for where they decide
        return list(found.values())
    return by_lead(found.values(), {level.code: level.rank for level in await store.levels(tx)})


async def memberships(tx: Tx, person_id: identity.PersonId) -> list[Member]:
    """All memberships of a person, whatever id it had when it joined; the leading one first."""
    whole = (await identity.persons(tx, [person_id])).get(person_id)
    return [] if whole is None else await of_ids(tx, whole.ids)


async def memberships_with(tx: Tx, member_id: MemberId) -> Memberships:
    """All memberships of the person of this one. Raises NoSuchMember, but never where the brand has no merges."""
    if await identity.alone(tx):
        return Memberships(member_id, frozenset({member_id}))
    found = (await store.members(tx, [member_id])).get(member_id)
    if found is None:
        raise NoSuchMember(member_id)
    whole = (await identity.persons(tx, [found.person_id]))[found.person_id]
    if not whole.merged:
        return Memberships(member_id, frozenset({member_id}))
    all_of_them = await of_ids(tx, whole.ids)
    return Memberships(all_of_them[0].member_id, frozenset(one.member_id for one in all_of_them))
