"""The tree: regions, cities, areas, as deep as the brand needs it."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.brands import brand
from midstage.middle.organisation.facts import UnitChanged, UnitCreated, UnitMoved
from midstage.middle.organisation.forms import Filter, NewUnit, UnitChange
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    Fixed,
    KindReserved,
    NoSuchUnit,
    UnitClosed,
    UnitCodeTaken,
    UnitNotEmpty,
)
from midstage.middle.organisation.types import State, Unit, UnitId, UnitKind


async def create_units(tx: Tx, new: Sequence[NewUnit]) -> list[UnitId]:
    """Add parts to the tree, all or none; a parent may stand before its children in the same list.

    Raises NoSuchUnit, UnitClosed, UnitCodeTaken, KindReserved, TreeTooDeep, BadCode or NameMissing.
    """
    for unit in new:
        rules.check_code(unit.code)
        rules.check_name(unit.name)
        if unit.kind == UnitKind.BRAND:
            raise KindReserved(unit.kind)
    await store.lock_tree(tx)
    home = await brand(tx)
    known = {unit.unit_id: unit for unit in await store.read_units(tx)}
    paths = rules.grow({unit_id: unit.path for unit_id, unit in known.items()}, home.root_unit_id, new)
    for unit in new:
        parent = known.get(unit.parent_id or home.root_unit_id)
        if parent is not None and parent.state != State.OPEN:
            raise UnitClosed(parent.unit_id)
    made = await store.insert_units(tx, new, paths)
    for unit, path in zip(new, paths, strict=True):
        if unit.unit_id not in made:
            raise UnitCodeTaken(unit.code)
        tx.note("create", "unit", unit.unit_id, after=unit)
        tx.tell(UnitCreated(unit_id=unit.unit_id, parent_id=path[-2], kind=unit.kind))
    return [unit.unit_id for unit in new]


async def create_unit(tx: Tx, new: NewUnit) -> Unit:
    """Add one part to the tree; see create_units."""
    (unit_id,) = await create_units(tx, [new])
    return await unit(tx, unit_id)


async def unit(tx: Tx, unit_id: UnitId) -> Unit:
    """One part of the tree. Raises NoSuchUnit."""
    found = await store.read_units(tx, [unit_id])
    if not found:
        raise NoSuchUnit(unit_id)
    return found[0]


async def units(tx: Tx, ids: Sequence[UnitId] | None = None) -> dict[UnitId, Unit]:
    """These parts of the tree, or the whole of it, parents before children."""
    return {found.unit_id: found for found in await store.read_units(tx, ids)}


async def unit_by_code(tx: Tx, code: str) -> Unit | None:
    return await store.read_unit_by_code(tx, code)


async def list_units(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Unit]:
    """Units by code. Of the scope, its units count; `unit_id`, `kind`, `state` and `text` narrow."""
    place = page.place(tuple[str])
    rows = await store.list_units(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def move_unit(tx: Tx, unit_id: UnitId, *, to: UnitId, seen: int | None = None) -> Unit:
    """Put a unit, with all below it, under another. Raises UnitCycle, UnitClosed, TreeTooDeep, Fixed, NoSuchUnit."""
    await store.lock_tree(tx)
    before, target = await unit(tx, unit_id), await unit(tx, to)
    if seen is not None and seen != before.version:
        raise ChangedMeanwhile(seen, before.version)
    if before.parent_id is None:
        raise Fixed("root")
    if before.parent_id == to:
        return before
    rules.check_move(unit_id, before.path, target.path, deepest=await store.read_deepest(tx, unit_id))
    moved = await store.move_unit(tx, before, target.path)
    if not moved:
        raise UnitClosed(to)
    after = await unit(tx, unit_id)
    tx.note("move", "unit", unit_id, before=before, after=after)
    tx.tell(UnitMoved(unit_id=unit_id, from_parent_id=before.parent_id, to_parent_id=to, units=moved))
    return after


async def change_unit(tx: Tx, unit_id: UnitId, change: UnitChange, *, seen: int | None = None) -> Unit:
    """Rename a unit, close it, or open it again. Raises UnitNotEmpty, UnitClosed, Fixed, KindReserved, NoSuchUnit."""
    await store.lock_tree(tx)
    before = await store.lock_unit(tx, unit_id)
    if before is None:
        raise NoSuchUnit(unit_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    await _check_standing(tx, before, after)
    if not await store.write_unit(tx, after):
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "unit", unit_id, before=before, after=after)
    tx.tell(UnitChanged(unit_id=unit_id, fields=fields, state=after.state))
    return after


async def _check_standing(tx: Tx, before: Unit, after: Unit) -> None:
    if before.parent_id is None and (after.kind, after.state) != (before.kind, before.state):
        raise Fixed("root")
    if before.parent_id is None or (after.state == before.state and after.kind == before.kind):
        return
    if after.kind == UnitKind.BRAND:
        raise KindReserved(after.kind)
    if after.state == State.CLOSED:
        open_units, open_stores = await store.count_under_unit(tx, before.unit_id)
        if open_units or open_stores:
            raise UnitNotEmpty(before.unit_id, open_units, open_stores)
    elif (await unit(tx, before.parent_id)).state != State.OPEN:
        raise UnitClosed(before.parent_id)
