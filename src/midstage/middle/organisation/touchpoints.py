"""Touchpoints (触点): codes, links and screens that carry the store and the guide they bring shoppers to."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.brands import virtual
from midstage.middle.organisation.facts import TouchpointChanged, TouchpointCreated
from midstage.middle.organisation.forms import Filter, NewTouchpoint, TouchpointChange
from midstage.middle.organisation.guides import guide
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    Fixed,
    GuideGone,
    KindReserved,
    NoSuchTouchpoint,
    StoreClosed,
    TouchpointCodeTaken,
)
from midstage.middle.organisation.stores import one_store
from midstage.middle.organisation.types import (
    GuideId,
    PersonState,
    StoreId,
    StoreState,
    Touchpoint,
    TouchpointId,
    TouchpointKind,
)


async def create_touchpoints(tx: Tx, new: Sequence[NewTouchpoint]) -> list[TouchpointId]:
    """Make touchpoints, all or none.

    Raises TouchpointCodeTaken, NoSuchStore, StoreClosed, NoSuchGuide, GuideGone, KindReserved, BadCode, NameMissing.
    """
    for one in new:
        rules.check_code(one.code)
        rules.check_name(one.name)
        if one.kind == TouchpointKind.VIRTUAL:
            raise KindReserved(one.kind)
    made = await store.insert_touchpoints(tx, new)
    home = await virtual(tx)
    for one in new:
        store_id, guide_id = one.store_id or home.store_id, one.guide_id or home.guide_id
        if one.touchpoint_id not in made:
            await _explain(tx, store_id, guide_id)
            raise TouchpointCodeTaken(one.code)
        tx.note("create", "touchpoint", one.touchpoint_id, after=one)
        tx.tell(TouchpointCreated(touchpoint_id=one.touchpoint_id, kind=one.kind, store_id=store_id, guide_id=guide_id))
    return [one.touchpoint_id for one in new]


async def create_touchpoint(tx: Tx, new: NewTouchpoint) -> Touchpoint:
    """Make one touchpoint; see create_touchpoints."""
    (touchpoint_id,) = await create_touchpoints(tx, [new])
    return await touchpoint(tx, touchpoint_id)


async def touchpoint(tx: Tx, touchpoint_id: TouchpointId) -> Touchpoint:
    """One touchpoint. Raises NoSuchTouchpoint."""
    found = await store.read_touchpoint(tx, touchpoint_id)
    if found is None:
        raise NoSuchTouchpoint(touchpoint_id)
    return found


async def touchpoint_by_code(tx: Tx, code: str) -> Touchpoint:
    """What a scanned code stands for. Raises NoSuchTouchpoint."""
    found = await store.read_touchpoint_by_code(tx, code)
    if found is None:
        raise NoSuchTouchpoint(code[:80])
    return found


async def list_touchpoints(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Touchpoint]:
    """Touchpoints by code; the scope by their store, and `store_id`, `kind`, `state` and `text` narrow."""
    place = page.place(tuple[str])
    rows = await store.list_touchpoints(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def change_touchpoint(
    tx: Tx, touchpoint_id: TouchpointId, change: TouchpointChange, *, seen: int | None = None
) -> Touchpoint:
    """Point a touchpoint elsewhere, rename it, close or reopen it. Raises StoreClosed, GuideGone, Fixed, NoSuch…"""
    before = await store.read_touchpoint(tx, touchpoint_id, lock=True)
    if before is None:
        raise NoSuchTouchpoint(touchpoint_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    if before.kind == TouchpointKind.VIRTUAL and fields != ["name"]:
        raise Fixed("virtual touchpoint")
    if not await store.write_touchpoint(tx, after):
        await _explain(tx, after.store_id, after.guide_id)
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "touchpoint", touchpoint_id, before=before, after=after)
    tx.tell(
        TouchpointChanged(
            touchpoint_id=touchpoint_id,
            fields=fields,
            store_id=after.store_id,
            guide_id=after.guide_id,
            state=after.state,
        )
    )
    return after


async def _explain(tx: Tx, store_id: StoreId, guide_id: GuideId) -> None:
    """Say why a touchpoint was not written, where it was its store or its guide."""
    if (await one_store(tx, store_id)).state == StoreState.CLOSED:
        raise StoreClosed(store_id)
    if (await guide(tx, guide_id)).state != PersonState.ACTIVE:
        raise GuideGone(guide_id)
