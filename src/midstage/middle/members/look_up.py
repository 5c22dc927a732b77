"""Questions about members."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.members import store
from midstage.middle.members.merged import memberships, memberships_with
from midstage.middle.members.types import Level, Member, MemberFilter, MemberId, NoSuchMember, ProfileField, Shopper


async def member(tx: Tx, member_id: MemberId) -> Member:
    """One member. Raises NoSuchMember."""
    found = await store.members(tx, [member_id])
    if member_id not in found:
        raise NoSuchMember(member_id)
    return found[member_id]


async def members(tx: Tx, member_ids: Sequence[MemberId]) -> dict[MemberId, Member]:
    """Many members in one statement; the unknown are left out."""
    return await store.members(tx, list(member_ids))


async def member_of(tx: Tx, person_id: identity.PersonId) -> Member | None:
    """The member that a person is, whatever id it had when it joined; of several the leading one."""
    return next(iter(await memberships(tx, person_id)), None)


async def shopper(tx: Tx, member_id: MemberId) -> Shopper:
    """What checkout needs, in one statement as long as nobody was merged; of several memberships the leading one's.

    Raises NoSuchMember.
    """
    found = await store.shopper(tx, member_id)
    if found is None:
        raise NoSuchMember(member_id)
    leading = (await memberships_with(tx, member_id)).leading
    return found if leading == member_id else await store.shopper(tx, leading) or found


async def find(tx: Tx, wanted: MemberFilter, page: PageRequest) -> Page[Member]:
    """Members by the date they joined, the newest first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID])
    rows = await store.find(tx, wanted, page, after)
    return page.page(rows, _joined)


async def levels(tx: Tx) -> list[Level]:
    """The levels of the brand, the lowest first; empty before anybody joined or `default_levels` was called."""
    return await store.levels(tx)


async def fields(tx: Tx) -> dict[str, ProfileField]:
    """The profile fields that the brand has added, by their code."""
    return await store.fields(tx)


async def labels(tx: Tx, person_id: identity.PersonId) -> frozenset[str]:
    """The labels of a person, all of its ids together."""
    whole = (await identity.persons(tx, [person_id])).get(person_id)
    return frozenset[str]() if whole is None else await store.labels(tx, whole.ids)


def _joined(row: Member) -> tuple[datetime, UUID]:
    return row.joined_at, row.member_id
