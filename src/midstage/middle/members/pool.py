"""The pool (公海): members whom no guide has, given out by hand or by rule, and taken back when nobody serves them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.members import care_rules, store
from midstage.middle.members.binding import tell_moved
from midstage.middle.members.care import (
    ASSIGN_LIMIT,
    Assigned,
    Assigning,
    AssignRule,
    Pooled,
    PoolFilter,
    Room,
)
from midstage.middle.members.policies import POOL
from midstage.middle.members.refusals import BadAssigning, GuideFull, TooManyToAssign
from midstage.middle.members.store import Going
from midstage.middle.members.types import MemberId
from midstage.middle.organisation import api as organisation

NO_CAP = 2**31
IDLE_BATCH = 1_000
GUIDES_LIMIT = 20_000
"""Guides among whom a rule chooses; a brand that has more names stores."""


async def pool(tx: Tx, wanted: PoolFilter, page: PageRequest) -> Page[Pooled]:
    """Members in the pool, who has waited longest first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID])
    virtual = await organisation.virtual(tx)
    rows: list[Pooled] = await store.pool(tx, wanted, virtual.guide_id, page, after)
    return page.page(rows, lambda row: (row.joined_at, row.member_id))


async def assign(
    tx: Tx,
    wanted: PoolFilter,
    how: Assigning,
    *,
    within: frozenset[organisation.StoreId] | None = None,
    limit: int = ASSIGN_LIMIT,
) -> Assigned:
    """Give members of the pool to guides: at most `limit`, who has waited longest first.

    One statement moves them all. Nobody gets more than the policy `pool` allows her, whoever else assigns at the same
    moment; by a rule those who find no room stay. Of the members named those who are not in the pool (any more) are
    passed over. `within` bounds the guides that a rule finds by itself. Raises BadAssigning, TooManyToAssign; by hand
    GuideFull, GuideGone and NoSuchGuide.
    """
    if not 1 <= limit <= ASSIGN_LIMIT or len(wanted.member_ids or ()) > ASSIGN_LIMIT:
        raise TooManyToAssign(ASSIGN_LIMIT)
    virtual = await organisation.virtual(tx)
    guides = await _guides(tx, how, within, virtual)
    rooms = await rooms_of(tx, guides)
    by_purchase = how.rule is AssignRule.LAST_PURCHASE
    waiting = await store.pick(tx, wanted, virtual.guide_id, limit, bought=by_purchase)
    if how.rule is AssignRule.HAND and len(waiting) > rooms[0].free:
        raise GuideFull(rooms[0].guide_id, rooms[0].load + rooms[0].free, rooms[0].free, len(waiting))
    places = {one.store_id: one.place for one in (await organisation.stores(tx)).values()} if _far(how.rule) else {}
    found = care_rules.share_out(waiting, rooms, how.rule, places)
    going = [Going(member_id, room.store_id, room.guide_id) for member_id, room in found.items()]
    moved = await store.move(tx, going, "assigned")
    tell_moved(tx, moved, "assigned")
    by_guide: dict[str, int] = {}
    for each in moved:
        by_guide[str(each.guide_id)] = by_guide.get(str(each.guide_id), 0) + 1
    if moved:
        tx.note("members.assign", "brand", tx.brand, after={"rule": how.rule.value, "members": by_guide})
    return Assigned(len(moved), len(waiting) - len(moved), by_guide)


async def return_to_pool(
    tx: Tx, member_ids: Sequence[MemberId], *, reason: str, within: frozenset[organisation.StoreId] | None = None
) -> int:
    """Take members from their guides, into the pool of their stores; returns how many. `within` is the data scope.

    Raises TooManyToAssign.
    """
    if len(member_ids) > ASSIGN_LIMIT:
        raise TooManyToAssign(ASSIGN_LIMIT)
    virtual = await organisation.virtual(tx)
    held = await store.lock_named(tx, list(member_ids), virtual.guide_id, within)
    moved = await store.move(tx, [Going(*each, virtual.guide_id) for each in held], reason)
    tell_moved(tx, moved, reason)
    for each in moved:
        before, after = {"guide_id": str(each.guide_before)}, {"guide_id": str(each.guide_id), "reason": reason}
        tx.note("members.return_to_pool", "member", each.member_id, before=before, after=after)
    return len(moved)


async def return_idle(tx: Tx, *, limit: int = IDLE_BATCH) -> int:
    """Take a batch of members whom their guides have not served for long into the pool; returns how many.

    By the policy `pool` of their stores. Whom somebody else holds is left for the next run; call it until it returns 0.
    """
    if not any(one.settings.get("back_after_idle_days") for one in await organisation.choices(tx, POOL.code)):
        return 0
    virtual = await organisation.virtual(tx)
    stores_by_days: dict[int, list[organisation.StoreId]] = {}
    stores = await organisation.stores(tx)
    for store_id, standing in (await organisation.standings_of(tx, POOL, stores.values())).items():
        if standing.settings.back_after_idle_days:
            stores_by_days.setdefault(standing.settings.back_after_idle_days, []).append(store_id)
    total = 0
    for days, store_ids in sorted(stores_by_days.items()):
        before = tx.now - timedelta(days=days)
        held = await store.lock_idle(tx, before, virtual.guide_id, store_ids, limit - total)
        moved = await store.move(tx, [Going(*each, virtual.guide_id) for each in held], "idle")
        tell_moved(tx, moved, "idle")
        total += len(moved)
        if total >= limit:
            break
    return total


async def rooms_of(tx: Tx, guides: Sequence[organisation.Guide]) -> list[Room]:
    """How many customers these guides have and may be given; nobody else assigns to them until the commit."""
    stores = await organisation.stores(tx, sorted({guide.store_id for guide in guides}))
    ids = [guide.guide_id for guide in guides]
    await store.take_turn(tx)
    loads = await store.loads(tx, ids)
    policies = await organisation.standings_of(tx, POOL, stores.values())
    rooms: list[Room] = []
    for guide in guides:
        cap = policies[guide.store_id].settings.cap or NO_CAP
        load = loads.get(guide.guide_id, 0)
        rooms.append(Room(guide.guide_id, guide.store_id, load, max(0, cap - load)))
    return rooms


async def guides_in(
    tx: Tx, stores: frozenset[organisation.StoreId] | None, virtual: organisation.Virtual
) -> list[organisation.Guide]:
    """The active guides of these stores, or of all; the pool is none."""
    scope = organisation.EVERYTHING if stores is None else organisation.Scope(stores=stores)
    wanted = organisation.Filter(scope=scope, state=organisation.PersonState.ACTIVE)
    found = await organisation.list_guides(tx, wanted, PageRequest(None, GUIDES_LIMIT))
    return [guide for guide in found.items if guide.guide_id != virtual.guide_id]


async def _guides(
    tx: Tx, how: Assigning, within: frozenset[organisation.StoreId] | None, virtual: organisation.Virtual
) -> list[organisation.Guide]:
    if how.rule is AssignRule.HAND:
        if len(how.guide_ids) != 1 or virtual.guide_id in how.guide_ids:
            raise BadAssigning
        guide = await organisation.guide(tx, next(iter(how.guide_ids)))
        if guide.state is not organisation.PersonState.ACTIVE:
            raise organisation.GuideGone(guide.guide_id)
        return [guide]
    stores = how.store_ids or None
    if stores is None:
        stores = within
    elif within is not None:
        stores &= within
    if how.guide_ids:
        named = await organisation.guides(tx, sorted(how.guide_ids - {virtual.guide_id}))
        guides = [one for one in named.values() if one.state is organisation.PersonState.ACTIVE]
        guides = [one for one in guides if stores is None or one.store_id in stores]
    else:
        guides = await guides_in(tx, stores, virtual)
    if not guides:
        raise BadAssigning
    return guides


def _far(rule: AssignRule) -> bool:
    """Whether a rule looks at the map."""
    return rule is AssignRule.NEAREST_STORE
