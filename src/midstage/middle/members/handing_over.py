"""Handing over: a guide leaves or moves, and none of her customers is lost.

What is to become of them is decided once, by the policy of the store that she leaves, and kept as a row; then they go
in batches, each in a transaction of its own, by whichever worker comes. One that dies leaves the rest to the next.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit import jobs
from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.members import care_rules, store
from midstage.middle.members.binding import serves, tell_moved
from midstage.middle.members.care import AssignRule, Cause, Handover, HandoverId, Plan, Waiting
from midstage.middle.members.policies import HANDOVER, HandoverPolicy, Leaving, Moving
from midstage.middle.members.pool import guides_in, rooms_of
from midstage.middle.members.store import Going, Moved
from midstage.middle.organisation import api as organisation

HAND_OVER_BATCH = 2_000
"""Members that one statement moves: a lock of a second or two on each of them."""
JOB = "hand_over_customers"
GUIDES_AT_ONCE = 1_000
LEFT_BEHIND_HOURS = 1
"""Whoever is still bound to a guide who left this long ago was overlooked."""


class GuideCustomers(msgspec.Struct, frozen=True):
    """The payload of the job that goes on where the listener stopped."""

    guide_id: organisation.GuideId


async def hand_over(tx: Tx, from_guide: organisation.GuideId, to_guide: organisation.GuideId, *, reason: str) -> int:
    """Give all members of a guide to another one at once, and say how many they were. Their store stays.

    Nobody is lost or moved twice: a second call finds none left. Raises GuideGone for an heir who has left.
    """
    virtual = await organisation.virtual(tx)
    if not await serves(tx, to_guide, virtual):
        raise organisation.GuideGone(to_guide)
    total = 0
    while True:
        moved = await _to_heir(tx, from_guide, to_guide, reason)
        await tx.flush()
        total += moved
        if moved < HAND_OVER_BATCH:
            break
    if total:
        before, after = {"guide_id": str(from_guide)}, {"guide_id": str(to_guide), "members": total, "reason": reason}
        tx.note("members.hand_over", "guide", from_guide, before=before, after=after)
    return total


async def note_guide_left(tx: Tx, delivered: Delivered[organisation.GuideLeft]) -> None:
    """Listen to GuideLeft: decide whose her members become, move the first of them, and leave the rest to a job."""
    left = delivered.fact
    virtual = await organisation.virtual(tx)
    policy = await _policy(tx, left.store_id)
    heir_id: organisation.GuideId | None = left.heir_id
    named = left.heir_id != virtual.guide_id and await serves(tx, left.heir_id, virtual)
    if not named or policy.left is Leaving.POOL:
        heir_id = None if policy.left is Leaving.SPREAD else virtual.guide_id
    await _begin(
        tx,
        Handover(
            handover_id=HandoverId(new_id()),
            guide_id=left.guide_id,
            cause=Cause.LEFT,
            plan=Plan.SPREAD if heir_id is None else Plan.HEIR,
            from_store_id=left.store_id,
            to_store_id=None,
            heir_id=heir_id,
            moved=0,
            begun_at=tx.now,
            ended_at=None,
        ),
    )


async def note_guide_moved(tx: Tx, delivered: Delivered[organisation.GuideMoved]) -> None:
    """Listen to GuideMoved: the members of the old store go with her, or are spread over the guides who stay."""
    moved = delivered.fact
    goes = (await _policy(tx, moved.from_store_id)).moved is Moving.GO
    await _begin(
        tx,
        Handover(
            handover_id=HandoverId(new_id()),
            guide_id=moved.guide_id,
            cause=Cause.MOVED,
            plan=Plan.GO if goes else Plan.SPREAD,
            from_store_id=moved.from_store_id,
            to_store_id=moved.to_store_id if goes else None,
            heir_id=None,
            moved=0,
            begun_at=tx.now,
            ended_at=None,
        ),
    )


async def hand_over_some(tx: Tx, guide_id: organisation.GuideId) -> bool:
    """Move one batch of the customers of a guide; False once nothing of hers is being handed over any more."""
    handover = await store.next_handover(tx, guide_id)
    if handover is None:
        return False
    moved = await _batch(tx, handover)
    # A batch that found nobody is the last; a short one may have met members whom somebody else was holding.
    await store.note_handover(tx, handover.handover_id, moved, None if moved else tx.now)
    return True


async def handed_over(tx: Tx) -> list[organisation.GuideId]:
    """Guides whose customers are being handed over, who began first first."""
    found = await store.open_handovers(tx, tx.now + timedelta(days=1), GUIDES_AT_ONCE)
    return list(dict.fromkeys(each.guide_id for each in found))


async def mend_handovers(tx: Tx) -> int:
    """Begin handing over whoever is still bound to a guide who left: who joined her at that very moment.

    Returns for how many guides.
    """
    found = await overlooked(tx, tx.now)
    for guide in found:
        stays = await organisation.stays(tx, guide.guide_id)
        heir_id = stays[-1].heir_id if stays else None
        virtual = await organisation.virtual(tx)
        fit = heir_id is not None and await serves(tx, heir_id, virtual)
        await _begin(
            tx,
            Handover(
                handover_id=HandoverId(new_id()),
                guide_id=guide.guide_id,
                cause=Cause.LEFT,
                plan=Plan.HEIR,
                from_store_id=guide.store_id,
                to_store_id=None,
                heir_id=heir_id if fit else virtual.guide_id,
                moved=0,
                begun_at=tx.now,
                ended_at=None,
            ),
        )
    return len(found)


async def overlooked(tx: Tx, left_before: datetime) -> list[organisation.Guide]:
    """Guides who left before a moment, have customers, and are not being followed by a handover."""
    serving = await organisation.guides(tx, await store.serving(tx))
    gone = [one for one in serving.values() if one.left_at is not None and one.left_at < left_before]
    if not gone:
        return []
    followed = {each.guide_id for each in await store.open_handovers(tx, tx.now + timedelta(days=1), 100_000)}
    return [one for one in gone if one.guide_id not in followed]


async def handovers(
    tx: Tx,
    page: PageRequest,
    *,
    store_ids: frozenset[organisation.StoreId] | None = None,
    guide_id: organisation.GuideId | None = None,
) -> Page[Handover]:
    """What was and is being handed over, the latest first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID])
    rows = await store.list_handovers(tx, store_ids, guide_id, page, after)
    return page.page(rows, lambda row: (row.begun_at, row.handover_id))


async def _policy(tx: Tx, store_id: organisation.StoreId) -> HandoverPolicy:
    home = (await organisation.stores(tx, [store_id])).get(store_id)
    return await organisation.settings_of(tx, HANDOVER, home)


async def _begin(tx: Tx, handover: Handover) -> None:
    """Keep what is to be done, and do the first of it; few guides have more customers than a batch.

    What began earlier for the same guide is ended first: who moved on twice is followed step by step.
    """
    earlier = await store.next_handover(tx, handover.guide_id)
    await store.begin(tx, handover)
    if earlier is not None:
        await jobs.enqueue(tx, JOB, GuideCustomers(handover.guide_id), dedupe_key=str(handover.guide_id))
        return
    moved = await _batch(tx, handover)
    ended = tx.now if moved < HAND_OVER_BATCH else None
    await store.note_handover(tx, handover.handover_id, moved, ended)
    if ended is None:
        await jobs.enqueue(tx, JOB, GuideCustomers(handover.guide_id), dedupe_key=str(handover.guide_id))


async def _batch(tx: Tx, handover: Handover) -> int:
    reason = f"guide_{handover.cause.value}"
    if handover.plan is Plan.HEIR and handover.heir_id is not None:
        return await _to_heir(tx, handover.guide_id, handover.heir_id, reason)
    # Only of the store that she left: whom she won in the other one is hers.
    of_store = handover.from_store_id if handover.cause is Cause.MOVED else None
    held = await store.lock_of_guide(tx, handover.guide_id, of_store, HAND_OVER_BATCH)
    if handover.plan is Plan.GO and handover.to_store_id is not None:
        going = [Going(row["member_id"], handover.to_store_id, handover.guide_id) for row in held]
    else:
        going = await _spread(tx, handover, [Waiting(row["member_id"], row["store_id"]) for row in held])
    return len(_told(tx, await store.move(tx, going, reason), reason))


async def _to_heir(tx: Tx, from_guide: organisation.GuideId, to_guide: organisation.GuideId, reason: str) -> int:
    """One batch. An heir who left meanwhile hands on what is left to the pool."""
    virtual = await organisation.virtual(tx)
    heir = to_guide if await serves(tx, to_guide, virtual) else virtual.guide_id
    held = await store.lock_of_guide(tx, from_guide, None, HAND_OVER_BATCH)
    going = [Going(row["member_id"], row["store_id"], heir) for row in held]
    return len(_told(tx, await store.move(tx, going, reason), reason))


async def _spread(tx: Tx, handover: Handover, waiting: list[Waiting]) -> list[Going]:
    """Each to the guide of the store who has the fewest; to the pool where all have as many as they may."""
    if not waiting:
        return []
    virtual = await organisation.virtual(tx)
    guides = await guides_in(tx, frozenset({handover.from_store_id}), virtual)
    rooms = await rooms_of(tx, [one for one in guides if one.guide_id != handover.guide_id])
    found = care_rules.share_out(waiting, rooms, AssignRule.LEAST_CUSTOMERS, {})
    return [
        Going(each.member_id, each.store_id, found[each.member_id].guide_id)
        if each.member_id in found
        else Going(each.member_id, each.store_id, virtual.guide_id)
        for each in waiting
    ]


def _told(tx: Tx, moved: list[Moved], reason: str) -> list[Moved]:
    tell_moved(tx, moved, reason)
    return moved
