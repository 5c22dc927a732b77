"""Somebody served a member: it is kept, and the brand's rule says whose customer she is from now on."""

from datetime import datetime, timedelta

from midstage.kit.database import Tx
from midstage.middle.members import care_rules, store
from midstage.middle.members.binding import tell_bound
from midstage.middle.members.care import Held, Touch, TouchKind
from midstage.middle.members.care_rules import Pair
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.policies import BINDING, LONGEST_LOOK_DAYS, BindingPolicy, Winner
from midstage.middle.members.types import Bound, MemberId, MemberState
from midstage.middle.organisation import api as organisation

FORGET_BATCH = 5_000


async def touched(tx: Tx, member_id: MemberId, touch: Touch) -> Bound | None:
    """Keep that somebody served a member, and bind her by the policy `binding`; None where she stays.

    The same touch again changes nothing, nor does one of a member who is not there. A store or guide that is not
    there (any more) wins nobody. Two at once take turns: the second is decided upon what the first left.
    """
    virtual = await organisation.virtual(tx)
    kept = await store.touch(tx, member_id, touch, virtual.guide_id)
    if kept is None or not kept[0]:
        return None
    policy = await organisation.settings_of(tx, BINDING)
    if not _may_win(policy, kept[1], touch, virtual):
        return None
    held = await store.hold(tx, member_id)
    member = await read_member(tx, member_id)
    served = await _served(tx, touch)
    if held is None or served is None or member.state is MemberState.CLOSED:
        return None
    counts = await _counts(tx, policy, member_id, served, virtual)
    bound = care_rules.rebind(policy, held, served, counts, virtual)
    if bound is None or not await store.bind(tx, member, bound, _reason(policy, held, virtual)):
        return None
    tell_bound(tx, member, bound, _reason(policy, held, virtual))
    return bound


async def note_bought(tx: Tx, member_id: MemberId, at: datetime) -> None:
    """Keep that a member bought at some time in the past, which takes her from nobody."""
    await store.bought(tx, member_id, at)


async def forget_touches(tx: Tx) -> int:
    """Drop a batch of touches that no rule may look at any more; returns how many. Call it until it returns 0."""
    return await store.forget_touches(tx, tx.now - timedelta(days=LONGEST_LOOK_DAYS), FORGET_BATCH)


def _may_win(policy: BindingPolicy, held: Held, touch: Touch, virtual: organisation.Virtual) -> bool:
    """Whether the member must be held and looked at again; most touches are by those who have her already."""
    unknown = held.store_id == virtual.store_id or held.guide_id == virtual.guide_id
    contested = policy.winner is not Winner.FIRST_TOUCH and touch.kind is TouchKind.PURCHASE
    return unknown or (contested and not care_rules.is_own(held, touch, virtual))


async def _served(tx: Tx, touch: Touch) -> Touch | None:
    """The touch as it may win: with its guide only if she serves in that store; None where there is no such store."""
    if touch.store_id not in await organisation.stores(tx, [touch.store_id]):
        return None
    guide_id = touch.guide_id
    if guide_id is not None:
        guide = (await organisation.guides(tx, [guide_id])).get(guide_id)
        serving = guide is not None and guide.state is organisation.PersonState.ACTIVE
        if guide is None or not serving or guide.store_id != touch.store_id:
            guide_id = None
    return Touch(
        touch_id=touch.touch_id,
        kind=touch.kind,
        store_id=touch.store_id,
        at=touch.at,
        guide_id=guide_id,
        touchpoint_id=touch.touchpoint_id,
    )


async def _counts(
    tx: Tx, policy: BindingPolicy, member_id: MemberId, touch: Touch, virtual: organisation.Virtual
) -> dict[Pair, int]:
    """Purchases by store and guide; those of guides who do not serve there any more count for the store."""
    if policy.winner is not Winner.MOST_PURCHASES or touch.kind is not TouchKind.PURCHASE:
        return {}
    rows = await store.counts(tx, member_id, touch.at - timedelta(days=policy.count_days), touch.at)
    guides = await organisation.guides(tx, [row.guide_id for row in rows if row.guide_id is not None])
    found: dict[Pair, int] = {}
    for row in rows:
        guide = guides.get(row.guide_id) if row.guide_id is not None else None
        there = guide is not None and guide.store_id == row.store_id
        serves = guide is not None and there and guide.state is organisation.PersonState.ACTIVE
        pair = row.store_id, guide.guide_id if guide is not None and serves else virtual.guide_id
        found[pair] = found.get(pair, 0) + row.purchases
    return found


def _reason(policy: BindingPolicy, held: Held, virtual: organisation.Virtual) -> str:
    """A code for the history: nobody had her, or by which rule she was won."""
    unknown = held.store_id == virtual.store_id or held.guide_id == virtual.guide_id
    return "first_touch" if unknown else policy.winner.value
