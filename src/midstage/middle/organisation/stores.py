"""Stores: the places that sell or ship."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.brands import brand
from midstage.middle.organisation.facts import StoreChanged, StoreOpened
from midstage.middle.organisation.forms import Filter, NewStore, StoreChange
from midstage.middle.organisation.operators import operators
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    Fixed,
    KindReserved,
    NoSuchOperator,
    NoSuchStore,
    NoSuchUnit,
    OperatorClosed,
    StoreCodeTaken,
    StoreStaffed,
    UnitClosed,
)
from midstage.middle.organisation.types import OperatorId, State, Store, StoreId, StoreKind, StoreState, UnitId
from midstage.middle.organisation.units import units


async def create_stores(tx: Tx, new: Sequence[NewStore]) -> list[StoreId]:
    """Open stores, all or none.

    Raises StoreCodeTaken, NoSuchUnit, UnitClosed, NoSuchOperator, OperatorClosed, KindReserved, BadPlace, BadArea,
    BadHours, BadCurrency, BadCode or NameMissing.
    """
    for one in new:
        rules.check_code(one.code)
        if one.currency is not None:
            rules.check_currency(one.currency)
        if one.kind == StoreKind.VIRTUAL:
            raise KindReserved(one.kind)
        _check(one)
    made = await store.insert_stores(tx, new)
    for one in new:
        if one.store_id not in made:
            await _explain(tx, one.unit_id, one.operator_id)
            raise StoreCodeTaken(one.code)
    home = await brand(tx)
    for one in new:
        tx.note("create", "store", one.store_id, after=one)
        tx.tell(
            StoreOpened(
                store_id=one.store_id,
                kind=one.kind,
                unit_id=one.unit_id or home.root_unit_id,
                operator_id=one.operator_id or home.own_operator_id,
                currency=one.currency or home.currency,
            )
        )
    return [one.store_id for one in new]


async def create_store(tx: Tx, new: NewStore) -> Store:
    """Open one store; see create_stores."""
    (store_id,) = await create_stores(tx, [new])
    return await one_store(tx, store_id)


async def stores(tx: Tx, ids: Sequence[StoreId] | None = None) -> dict[StoreId, Store]:
    """These stores (those that there are), or all of the brand, by code. ONE statement."""
    return {found.store_id: found for found in await store.read_stores(tx, ids)}


async def one_store(tx: Tx, store_id: StoreId) -> Store:
    """One store. Raises NoSuchStore."""
    found = await store.read_stores(tx, [store_id])
    if not found:
        raise NoSuchStore(store_id)
    return found[0]


async def store_by_code(tx: Tx, code: str) -> Store:
    """The store of a code. Raises NoSuchStore."""
    found = await store.read_store_by_code(tx, code)
    if found is None:
        raise NoSuchStore(code[:80])
    return found


async def list_stores(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Store]:
    """Stores by code; every field of the filter but `store_id` narrows."""
    place = page.place(tuple[str])
    rows = await store.list_stores(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def change_store(tx: Tx, store_id: StoreId, change: StoreChange, *, seen: int | None = None) -> Store:
    """Change a store, give it to another operator or unit, pause, close or reopen it.

    Raises StoreStaffed (closing one with guides), NoSuchUnit, UnitClosed, NoSuchOperator, OperatorClosed, Fixed,
    KindReserved, ChangedMeanwhile, and BadPlace, BadArea, BadHours or NameMissing.
    """
    before = await store.lock_store(tx, store_id)
    if before is None:
        raise NoSuchStore(store_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    _check(after)
    if before.kind == StoreKind.VIRTUAL and fields != ["name"]:
        raise Fixed("virtual store")
    if before.kind != after.kind == StoreKind.VIRTUAL:
        raise KindReserved(after.kind)
    if before.state != after.state == StoreState.CLOSED:
        guides, accounts = await store.count_under_store(tx, store_id)
        if guides or accounts:
            raise StoreStaffed(store_id, guides, accounts)
    if not await store.write_store(tx, after):
        await _explain(tx, after.unit_id, after.operator_id)
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "store", store_id, before=before, after=after)
    tx.tell(
        StoreChanged(
            store_id=store_id,
            fields=fields,
            kind=after.kind,
            unit_id=after.unit_id,
            operator_id=after.operator_id,
            state=after.state,
        )
    )
    return await one_store(tx, store_id)


def _check(given: NewStore | Store) -> None:
    rules.check_name(given.name)
    rules.check_place(given.place)
    rules.check_area(given.area_m2)
    rules.check_hours(given.hours)


async def _explain(tx: Tx, unit_id: UnitId | None, operator_id: OperatorId | None) -> None:
    """Say why a store was not written, where it was its unit or its operator."""
    if unit_id is not None:
        unit = (await units(tx, [unit_id])).get(unit_id)
        if unit is None:
            raise NoSuchUnit(unit_id)
        if unit.state != State.OPEN:
            raise UnitClosed(unit_id)
    if operator_id is not None:
        operator = (await operators(tx, [operator_id])).get(operator_id)
        if operator is None:
            raise NoSuchOperator(operator_id)
        if operator.state != State.OPEN:
            raise OperatorClosed(operator_id)
