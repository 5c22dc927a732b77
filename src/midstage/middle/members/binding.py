"""To whom a member belongs: store, guide and touchpoint, with everyone it belonged to before."""

from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.middle.identity import api as identity
from midstage.middle.members import store
from midstage.middle.members.facts import MemberBound
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.store import Bound
from midstage.middle.members.types import Binding, Member, MemberChanged, MemberId
from midstage.middle.organisation import api as organisation

# Members of one guide that one statement hands over: a lock of seconds on none of them.
HAND_OVER_BATCH = 2_000


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
            guide_id = came_by.guide_id if await _serves(tx, came_by.guide_id, virtual) else None
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

    Raises NoSuchMember, MemberChanged, and what organisation raises for unknown ids.
    """
    member = await read_member(tx, member_id)
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
    tx.tell(
        MemberBound(
            person_id=member.person_id,
            member_id=member_id,
            store_id_before=member.store_id,
            store_id=after.store_id,
            guide_id_before=member.guide_id,
            guide_id=after.guide_id,
            touchpoint_id=after.touchpoint_id,
            reason=reason,
        )
    )
    return await read_member(tx, member_id)


async def hand_over(tx: Tx, from_guide: organisation.GuideId, to_guide: organisation.GuideId, *, reason: str) -> int:
    """Give all members of a guide to another one, and say how many they were. Their store stays.

    Nobody is lost or moved twice: a second call finds none left. Raises GuideGone for an heir who has left.
    """
    virtual = await organisation.virtual(tx)
    if not await _serves(tx, to_guide, virtual):
        raise organisation.GuideGone(to_guide)
    total = 0
    while True:
        moved = await store.hand_over(tx, from_guide, to_guide, reason, HAND_OVER_BATCH)
        for row in moved:
            tx.tell(
                MemberBound(
                    person_id=identity.PersonId(row["person_id"]),
                    member_id=row["member_id"],
                    store_id_before=row["store_id"],
                    store_id=row["store_id"],
                    guide_id_before=from_guide,
                    guide_id=to_guide,
                    touchpoint_id=row["touchpoint_id"],
                    reason=reason,
                )
            )
        await tx.flush()
        total += len(moved)
        if len(moved) < HAND_OVER_BATCH:
            break
    if total:
        before, after = {"guide_id": str(from_guide)}, {"guide_id": str(to_guide), "members": total, "reason": reason}
        tx.note("members.hand_over", "guide", from_guide, before=before, after=after)
    return total


async def note_guide_left(tx: Tx, delivered: Delivered[organisation.GuideLeft]) -> None:
    """Listen to GuideLeft: her members go to the heir, and to the pool where the heir has left as well by now."""
    left = delivered.fact
    virtual = await organisation.virtual(tx)
    heir = left.heir_id if await _serves(tx, left.heir_id, virtual) else virtual.guide_id
    await hand_over(tx, left.guide_id, heir, reason="guide_left")


async def bindings(tx: Tx, member_id: MemberId) -> list[Binding]:
    """To whom a member belonged, from the joining on. Raises NoSuchMember."""
    await read_member(tx, member_id)
    return await store.bindings(tx, member_id)


async def _serves(tx: Tx, guide_id: organisation.GuideId, virtual: organisation.Virtual) -> bool:
    if guide_id == virtual.guide_id:
        return True
    return (await organisation.guide(tx, guide_id)).state is organisation.PersonState.ACTIVE


def _bound(of: Member | Bound) -> dict[str, str]:
    return {"store_id": str(of.store_id), "guide_id": str(of.guide_id), "touchpoint_id": str(of.touchpoint_id)}
