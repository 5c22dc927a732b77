"""Guides (导购): they belong to stores, move, and leave; their customers are handed over, never lost."""

from collections.abc import Sequence

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.brands import virtual
from midstage.middle.organisation.facts import GuideChanged, GuideJoined, GuideLeft, GuideMoved
from midstage.middle.organisation.forms import Filter, GuideChange, NewGuide
from midstage.middle.organisation.refusals import (
    AlreadyGuide,
    ChangedMeanwhile,
    Fixed,
    GuideCodeTaken,
    GuideGone,
    HeirNotFit,
    NoSuchGuide,
    NoSuchStore,
    StaffGone,
    StoreClosed,
)
from midstage.middle.organisation.staff import staff
from midstage.middle.organisation.stores import one_store, stores
from midstage.middle.organisation.types import Guide, GuideId, PersonState, StaffId, Stay, StoreId, StoreState


async def place_guides(tx: Tx, new: Sequence[NewGuide]) -> list[GuideId]:
    """Place guides in stores, all or none.

    Raises GuideCodeTaken, NoSuchStore, StoreClosed, NoSuchStaff, StaffGone, AlreadyGuide, BadCode or NameMissing.
    """
    for one in new:
        rules.check_code(one.code)
        rules.check_name(one.name)
    made = await store.insert_guides(tx, new)
    for one in new:
        if one.guide_id not in made:
            await _explain(tx, one)
            raise GuideCodeTaken(one.code)
        tx.note(
            "create",
            "guide",
            one.guide_id,
            after={"code": one.code, "name": masked(one.name), "store_id": one.store_id, "staff_id": one.staff_id},
        )
        tx.tell(GuideJoined(guide_id=one.guide_id, store_id=one.store_id, staff_id=one.staff_id))
    return [one.guide_id for one in new]


async def place_guide(tx: Tx, new: NewGuide) -> Guide:
    """Place one guide in a store; see place_guides."""
    (guide_id,) = await place_guides(tx, [new])
    return await guide(tx, guide_id)


async def guide(tx: Tx, guide_id: GuideId) -> Guide:
    """One guide. Raises NoSuchGuide."""
    found = await store.read_guides(tx, [guide_id])
    if not found:
        raise NoSuchGuide(guide_id)
    return found[0]


async def guides(tx: Tx, ids: Sequence[GuideId]) -> dict[GuideId, Guide]:
    """These guides, those that there are."""
    return {found.guide_id: found for found in await store.read_guides(tx, ids)}


async def guide_of_staff(tx: Tx, staff_id: StaffId) -> Guide | None:
    """The active guide that a staff person is, if any."""
    return await store.read_guide_of_staff(tx, staff_id)


async def stays(tx: Tx, guide_id: GuideId) -> list[Stay]:
    """Where a guide was when, from her first store on."""
    return await store.read_stays(tx, guide_id)


async def list_guides(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Guide]:
    """Guides by code; all of the filter but `kind` narrows, by the store they belong to (or left)."""
    place = page.place(tuple[str])
    rows = await store.list_guides(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def change_guide(tx: Tx, guide_id: GuideId, change: GuideChange, *, seen: int | None = None) -> Guide:
    """Rename a guide, or say which staff person she is. Raises GuideGone, StaffGone, AlreadyGuide, Fixed…"""
    before = await _active(tx, guide_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    if guide_id == (await virtual(tx)).guide_id and fields != ["name"]:
        raise Fixed("virtual guide")
    if not await store.write_guide(tx, after):
        await _explain_staff(tx, after.staff_id, besides=guide_id)
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "guide", guide_id, before=_shown(before), after=_shown(after))
    tx.tell(GuideChanged(guide_id=guide_id, fields=fields))
    return after


async def move_guide(tx: Tx, guide_id: GuideId, *, to: StoreId, seen: int | None = None) -> Guide:
    """Put a guide into another store; her customers stay hers. Raises StoreClosed, NoSuchStore, GuideGone, Fixed."""
    before = await _active(tx, guide_id)
    if seen is not None and seen != before.version:
        raise ChangedMeanwhile(seen, before.version)
    if before.store_id == to:
        return before
    if guide_id == (await virtual(tx)).guide_id:
        raise Fixed("virtual guide")
    if not await store.move_guide(tx, before, to):
        await one_store(tx, to)
        raise StoreClosed(to)
    after = await guide(tx, guide_id)
    tx.note("move", "guide", guide_id, before=_shown(before), after=_shown(after))
    tx.tell(GuideMoved(guide_id=guide_id, from_store_id=before.store_id, to_store_id=to))
    return after


async def end_guide(tx: Tx, guide_id: GuideId, *, hand_over_to: GuideId | None = None) -> Guide:
    """A guide leaves: customers and touchpoints go to the heir, or to the pool where nobody is named.

    Members learn it from the fact GuideLeft. Raises GuideGone (of either), NoSuchGuide, HeirNotFit, Fixed.
    """
    pool = (await virtual(tx)).guide_id
    heir_id = hand_over_to or pool
    if guide_id == pool:
        raise Fixed("virtual guide")
    if heir_id == guide_id:
        raise HeirNotFit(heir_id)
    # Both are locked in the order of their ids: two who hand over to each other take turns.
    found = await store.lock_guides(tx, [guide_id, heir_id])
    for one in (guide_id, heir_id):
        if one not in found:
            raise NoSuchGuide(one)
        if found[one].state != PersonState.ACTIVE:
            raise GuideGone(one)
    before = found[guide_id]
    if not await store.end_guide(tx, before, heir_id):
        raise GuideGone(guide_id)
    after = await guide(tx, guide_id)
    tx.note("end", "guide", guide_id, before=_shown(before), after={**_shown(after), "heir_id": heir_id})
    tx.tell(GuideLeft(guide_id=guide_id, store_id=before.store_id, heir_id=heir_id))
    return after


async def _active(tx: Tx, guide_id: GuideId) -> Guide:
    found = (await store.lock_guides(tx, [guide_id])).get(guide_id)
    if found is None:
        raise NoSuchGuide(guide_id)
    if found.state != PersonState.ACTIVE:
        raise GuideGone(guide_id)
    return found


async def _explain(tx: Tx, new: NewGuide) -> None:
    """Say why a guide was not placed, where it was her store or who she is."""
    home = (await stores(tx, [new.store_id])).get(new.store_id)
    if home is None:
        raise NoSuchStore(new.store_id)
    if home.state == StoreState.CLOSED:
        raise StoreClosed(new.store_id)
    await _explain_staff(tx, new.staff_id, besides=new.guide_id)


async def _explain_staff(tx: Tx, staff_id: StaffId | None, *, besides: GuideId) -> None:
    if staff_id is None:
        return
    if (await staff(tx, staff_id)).state != PersonState.ACTIVE:
        raise StaffGone(staff_id)
    already = await guide_of_staff(tx, staff_id)
    if already is not None and already.guide_id != besides:
        raise AlreadyGuide(staff_id)


def _shown(one: Guide) -> dict[str, object]:
    """As the audit trail shows it: the name as a masked reference."""
    return {
        "code": one.code,
        "name": masked(one.name),
        "store_id": one.store_id,
        "staff_id": one.staff_id,
        "state": one.state,
    }
