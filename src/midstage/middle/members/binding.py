"""To whom a member belongs: store, guide and touchpoint, with everyone it belonged to before."""

import re
from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.members import store
from midstage.middle.members.facts import MemberBound
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.refusals import AlreadyErased
from midstage.middle.members.store import Moved
from midstage.middle.members.types import Binding, Bound, Member, MemberChanged, MemberId
from midstage.middle.organisation import api as organisation

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


async def place(
    tx: Tx,
    store_id: organisation.StoreId | None,
    guide_id: organisation.GuideId | None,
    touchpoint_id: organisation.TouchpointId | None,
) -> Bound:
    """Where somebody belongs who came this way.

    What is not said follows from what is: the store of the guide, the store and guide that the touchpoint brings to;
    and the virtual ones where nothing says it. Raises what organisation raises for unknown ids or guides who have left.
    """
    virtual = await organisation.virtual(tx)
    if touchpoint_id is not None and touchpoint_id != virtual.touchpoint_id:
        came_by = await organisation.touchpoint(tx, touchpoint_id)
        if store_id in {None, came_by.store_id} and guide_id is None:
            store_id = came_by.store_id
            guide_id = came_by.guide_id if await serves(tx, came_by.guide_id, virtual) else None
    if guide_id is not None and guide_id != virtual.guide_id:
        guide = await organisation.guide(tx, guide_id)
        if guide.state is not organisation.PersonState.ACTIVE:
            raise organisation.GuideGone(guide_id)
        store_id = store_id or guide.store_id
    if store_id is not None and store_id not in await organisation.stores(tx, [store_id]):
        raise organisation.NoSuchStore(str(store_id))
    return Bound(store_id or virtual.store_id, guide_id or virtual.guide_id, touchpoint_id or virtual.touchpoint_id)


async def bind(
    tx: Tx,
    member_id: MemberId,
    *,
    reason: str,
    store_id: organisation.StoreId | None = None,
    guide_id: organisation.GuideId | None = None,
    touchpoint_id: organisation.TouchpointId | None = None,
    seen: int | None = None,
) -> Member:
    """Bind a member to another store, guide or touchpoint; what is not given stays, but a new guide brings her store.

    Raises NoSuchMember, MemberChanged, AlreadyErased, and what organisation raises for unknown ids.
    """
    member = await read_member(tx, member_id)
    if member.erased:
        raise AlreadyErased(member_id)
    if seen is not None and seen != member.version:
        raise MemberChanged(seen, member.version)
    kept_store = member.store_id if guide_id is None else None
    after = await place(
        tx,
        store_id or kept_store,
        guide_id or (member.guide_id if store_id is None else None),
        touchpoint_id or member.touchpoint_id,
    )
    if after == Bound(member.store_id, member.guide_id, member.touchpoint_id):
        return member
    if not await store.bind(tx, member, after, reason):
        raise MemberChanged(member.version, (await read_member(tx, member_id)).version)
    tx.note("members.bind", "member", member_id, before=_bound(member), after={**_bound(after), "reason": reason})
    tell_bound(tx, member, after, reason)
    return await read_member(tx, member_id)


def tell_bound(tx: Tx, member: Member, after: Bound, reason: str) -> None:
    """Tell the world to whom a member belongs."""
    moved = Moved(
        member.member_id,
        member.person_id,
        member.store_id,
        after.store_id,
        member.guide_id,
        after.guide_id,
        after.touchpoint_id,
    )
    tell_moved(tx, [moved], reason)


def tell_moved(tx: Tx, moved: Sequence[Moved], reason: str) -> None:
    """The same of many. What somebody wrote as a reason is their own words, which the history keeps and no fact."""
    code = reason if _CODE.fullmatch(reason) else "by_hand"
    for each in moved:
        tx.tell(
            MemberBound(
                person_id=each.person_id,
                member_id=each.member_id,
                store_id_before=each.store_before,
                store_id=each.store_id,
                guide_id_before=each.guide_before,
                guide_id=each.guide_id,
                touchpoint_id=each.touchpoint_id,
                reason=code,
            )
        )


async def serves(tx: Tx, guide_id: organisation.GuideId, virtual: organisation.Virtual) -> bool:
    """Whether a guide is here; the pool always is."""
    if guide_id == virtual.guide_id:
        return True
    return (await organisation.guide(tx, guide_id)).state is organisation.PersonState.ACTIVE


async def bindings(tx: Tx, member_id: MemberId) -> list[Binding]:
    """To whom a member belonged, from the joining on. Raises NoSuchMember."""
    await read_member(tx, member_id)
    return await store.bindings(tx, member_id)


def _bound(of: Member | Bound) -> dict[str, str]:
    return {"store_id": str(of.store_id), "guide_id": str(of.guide_id), "touchpoint_id": str(of.touchpoint_id)}
