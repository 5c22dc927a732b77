"""Who wins a member, and how members are shared out among guides. Pure; the moment is an argument."""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt

from midstage.middle.members.care import AssignRule, Held, Room, Touch, TouchKind, Waiting
from midstage.middle.members.policies import BindingPolicy, Winner
from midstage.middle.members.types import Bound, MemberId
from midstage.middle.organisation import api as organisation

Pair = tuple[organisation.StoreId, organisation.GuideId]
EARTH_KM = 6371.0


def is_own(held: Held, touch: Touch, virtual: organisation.Virtual) -> bool:
    """Whether those served who hold the member: her guide, or her store where no guide has her."""
    if held.guide_id != virtual.guide_id:
        return touch.guide_id == held.guide_id
    return touch.store_id == held.store_id and touch.guide_id in {None, virtual.guide_id}


def claim(touch: Touch, virtual: organisation.Virtual) -> Pair:
    """Who would have the member by this touch; `touch.guide_id` is None where she does not serve in that store."""
    return touch.store_id, touch.guide_id or virtual.guide_id


def rebind(
    policy: BindingPolicy, held: Held, touch: Touch, counts: Mapping[Pair, int], virtual: organisation.Virtual
) -> Bound | None:
    """Where a member belongs after a touch; None where she stays.

    What nobody has is filled by whoever comes first. `counts` are the purchases of the days that count, this one too.
    A touch from before the binding began (an offline till, a late fact) ends nothing.
    """
    if touch.at < held.since:
        return None
    filled = _filled(held, touch, virtual)
    if filled is not None:
        return filled
    if touch.kind is not TouchKind.PURCHASE or policy.winner is Winner.FIRST_TOUCH or is_own(held, touch, virtual):
        return None
    if touch.at < held.since + timedelta(days=policy.protection_days):
        return None
    if policy.idle_days and touch.at < held.served_at + timedelta(days=policy.idle_days):
        return None
    present = held.store_id, held.guide_id
    winner = claim(touch, virtual)
    if policy.winner is Winner.MOST_PURCHASES:
        # Of equals the one who has her keeps her, and then the one who sold last.
        order = sorted(counts, key=lambda pair: (-counts[pair], pair != present, pair != winner, pair))
        winner = order[0] if order else present
    return None if winner == present else Bound(*winner, touch.touchpoint_id or held.touchpoint_id)


def _filled(held: Held, touch: Touch, virtual: organisation.Virtual) -> Bound | None:
    store_id, guide_id = claim(touch, virtual)
    home = store_id if held.store_id == virtual.store_id else held.store_id
    pooled = held.guide_id == virtual.guide_id
    serving = guide_id if pooled and home == store_id else held.guide_id
    if (home, serving) == (held.store_id, held.guide_id):
        return None
    unknown = held.touchpoint_id == virtual.touchpoint_id
    return Bound(home, serving, (touch.touchpoint_id if unknown else None) or held.touchpoint_id)


def share_out(
    members: Sequence[Waiting],
    rooms: Sequence[Room],
    rule: AssignRule,
    places: Mapping[organisation.StoreId, organisation.Place | None],
) -> dict[MemberId, Room]:
    """Which guide each member gets; those left out find no room, or no store that fits. Nobody gets more than fits."""
    shares = _Shares(rooms)
    found: dict[MemberId, Room] = {}
    for member in members:
        match rule:
            case AssignRule.HAND | AssignRule.LEAST_CUSTOMERS:
                room = shares.least()
            case AssignRule.ROUND_ROBIN:
                room = shares.in_turn()
            case AssignRule.NEAREST_STORE:
                room = shares.nearest(member.store_id, places)
            case AssignRule.LAST_PURCHASE:
                room = shares.of_guide(member.bought_guide_id) or shares.of_store(member.bought_store_id)
        if room is not None:
            found[member.member_id] = room
    return found


class _Shares:
    """The rooms while they fill: each in the heap of the brand and of her store, stale entries passed over."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self._rooms = {room.guide_id: room for room in rooms}
        self._given = dict.fromkeys(self._rooms, 0)
        self._all = [(room.load, room.guide_id) for room in rooms]
        heapq.heapify(self._all)
        self._stores: dict[organisation.StoreId, list[tuple[int, organisation.GuideId]]] = {}
        for room in rooms:
            heapq.heappush(self._stores.setdefault(room.store_id, []), (room.load, room.guide_id))
        self._turn = deque(sorted(self._rooms))
        self._order: dict[organisation.StoreId, list[organisation.StoreId]] = {}

    def least(self) -> Room | None:
        return self._pop(self._all)

    def in_turn(self) -> Room | None:
        while self._turn:
            guide_id = self._turn.popleft()
            if self._full(guide_id):
                continue
            self._turn.append(guide_id)
            return self._give(guide_id)
        return None

    def of_guide(self, guide_id: organisation.GuideId | None) -> Room | None:
        if guide_id is None or guide_id not in self._rooms or self._full(guide_id):
            return None
        return self._give(guide_id)

    def of_store(self, store_id: organisation.StoreId | None) -> Room | None:
        if store_id is None or store_id not in self._stores:
            return None
        return self._pop(self._stores[store_id])

    def nearest(
        self, home: organisation.StoreId, places: Mapping[organisation.StoreId, organisation.Place | None]
    ) -> Room | None:
        """Her own store first, then by distance; who has no place on the map is served by her own store alone."""
        if home not in self._order:
            here = places.get(home)
            far = {store_id: 0.0 if store_id == home else _km(here, places.get(store_id)) for store_id in self._stores}
            known = [store_id for store_id, km in far.items() if km is not None]
            self._order[home] = sorted(known, key=lambda store_id: (far[store_id] or 0.0, store_id))
        for store_id in self._order[home]:
            room = self.of_store(store_id)
            if room is not None:
                return room
        return None

    def _pop(self, heap: list[tuple[int, organisation.GuideId]]) -> Room | None:
        while heap:
            load, guide_id = heapq.heappop(heap)
            if self._full(guide_id):
                continue
            now = self._rooms[guide_id].load + self._given[guide_id]
            if load != now:  # she was given somebody by another way meanwhile
                heapq.heappush(heap, (now, guide_id))
                continue
            room = self._give(guide_id)
            heapq.heappush(heap, (now + 1, guide_id))
            return room
        return None

    def _full(self, guide_id: organisation.GuideId) -> bool:
        return self._given[guide_id] >= self._rooms[guide_id].free

    def _give(self, guide_id: organisation.GuideId) -> Room:
        self._given[guide_id] += 1
        return self._rooms[guide_id]


def _km(here: organisation.Place | None, there: organisation.Place | None) -> float | None:
    """The way as the crow flies; None where one of the two is not on the map."""
    if here is None or there is None:
        return None
    lat, far_lat = radians(here.lat), radians(there.lat)
    bow = sin((far_lat - lat) / 2) ** 2
    bow += cos(lat) * cos(far_lat) * sin(radians(there.lng - here.lng) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(bow)))
