"""The tree: as deep as it needs to be, without cycles, with right paths whatever happens at once."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.organisation import api as organisation
from midstage.middle.organisation import rules
from midstage.middle.organisation.api import NewUnit, UnitId, UnitKind

R, C, A = UnitKind.REGION, UnitKind.CITY, UnitKind.AREA


def _east() -> list[NewUnit]:
    east = NewUnit(code="east", name="华东", kind=R)
    hangzhou = NewUnit(code="hz", name="杭州", kind=C, parent_id=east.unit_id)
    west_lake = NewUnit(code="xh", name="西湖", kind=A, parent_id=hangzhou.unit_id)
    south = NewUnit(code="south", name="华南", kind=R)
    return [east, hangzhou, west_lake, south]


async def _codes(tx: Tx, unit_id: UnitId) -> list[str]:
    units = await organisation.units(tx)
    return [units[step].code for step in units[unit_id].path][1:]


async def test_a_tree_is_made_at_once_and_a_move_takes_all_below_along(db: Database, brand: Tenant) -> None:
    east, hangzhou, west_lake, south = new = _east()
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, new)
        assert await _codes(tx, west_lake.unit_id) == ["east", "hz", "xh"]
        tx.told.clear()
        await organisation.move_unit(tx, hangzhou.unit_id, to=south.unit_id)
        assert await _codes(tx, west_lake.unit_id) == ["south", "hz", "xh"]
        assert await _codes(tx, east.unit_id) == ["east"]
        assert [fact for fact, _ in tx.told] == [
            organisation.UnitMoved(
                unit_id=hangzhou.unit_id, from_parent_id=east.unit_id, to_parent_id=south.unit_id, units=2
            )
        ]
        await organisation.move_unit(tx, hangzhou.unit_id, to=south.unit_id)
        assert len(tx.told) == 1
        assert await organisation.checks(tx) == []


async def test_a_unit_is_never_put_under_itself(db: Database, brand: Tenant) -> None:
    east, hangzhou, west_lake, _ = new = _east()
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, new)
        before = await organisation.units(tx)
        for below in (east, hangzhou, west_lake):
            with pytest.raises(organisation.UnitCycle):
                await organisation.move_unit(tx, east.unit_id, to=below.unit_id)
        with pytest.raises(organisation.Fixed):
            await organisation.move_unit(tx, (await organisation.brand(tx)).root_unit_id, to=east.unit_id)
        assert await organisation.units(tx) == before


async def test_two_moves_that_would_make_a_cycle_together_do_not_both_happen(db: Database, brand: Tenant) -> None:
    one, two = NewUnit(code="one", name="一"), NewUnit(code="two", name="二")
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [one, two])

    async def move(what: NewUnit, to: NewUnit) -> None:
        async with db.writing(brand) as tx:
            await organisation.move_unit(tx, what.unit_id, to=to.unit_id)

    answers = await asyncio.gather(move(one, two), move(two, one), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "UnitCycle"]
    async with db.reading(brand) as tx:
        assert await organisation.checks(tx) == []


async def test_a_unit_made_while_its_parent_moves_has_the_right_path(db: Database, brand: Tenant) -> None:
    east, hangzhou, _, south = new = _east()
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, new)

    async def move(to: NewUnit) -> None:
        async with db.writing(brand) as tx:
            await organisation.move_unit(tx, hangzhou.unit_id, to=to.unit_id)

    async def make(number: int) -> None:
        async with db.writing(brand) as tx:
            await organisation.create_unit(tx, NewUnit(code=f"n{number}", name="新", parent_id=hangzhou.unit_id))

    await asyncio.gather(*(make(number) for number in range(6)), move(south), move(east), move(south))
    async with db.reading(brand) as tx:
        assert await organisation.checks(tx) == []
        assert len(await organisation.units(tx)) == 1 + 4 + 6


async def test_what_makes_no_sense_is_refused_and_nothing_is_made(db: Database, brand: Tenant) -> None:
    east = NewUnit(code="east", name="华东")
    async with db.writing(brand) as tx:
        await organisation.create_unit(tx, east)
    bad: list[tuple[list[NewUnit], type[Exception]]] = [
        (
            [NewUnit(code="ok", name="好"), NewUnit(code="x", name="错", parent_id=UnitId(new_id()))],
            organisation.NoSuchUnit,
        ),
        ([NewUnit(code="ok", name="好"), NewUnit(code="east", name="又")], organisation.UnitCodeTaken),
        ([NewUnit(code="ok", name="好"), NewUnit(code="ok", name="又")], organisation.UnitCodeTaken),
        ([NewUnit(code="a b", name="错")], organisation.BadCode),
        ([NewUnit(code="ok", name="")], organisation.NameMissing),
        ([NewUnit(code="ok", name="好", kind=UnitKind.BRAND)], organisation.KindReserved),
    ]
    for new, refusal in bad:
        with pytest.raises(refusal):
            async with db.writing(brand) as tx:
                await organisation.create_units(tx, new)
    async with db.reading(brand) as tx:
        assert [unit.code for unit in (await organisation.units(tx)).values()][1:] == ["east"]


async def test_a_tree_has_a_deepest_level(db: Database, brand: Tenant) -> None:
    chain: list[NewUnit] = []
    for level in range(rules.MAX_DEPTH - 1):
        chain.append(NewUnit(code=f"l{level}", name="层", parent_id=chain[-1].unit_id if chain else None))
    other = NewUnit(code="other", name="旁")
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [*chain, other])
        with pytest.raises(organisation.TreeTooDeep):
            await organisation.create_unit(tx, NewUnit(code="more", name="深", parent_id=chain[-1].unit_id))
        with pytest.raises(organisation.TreeTooDeep):
            await organisation.move_unit(tx, chain[0].unit_id, to=other.unit_id)


async def test_a_unit_closes_only_when_nothing_is_open_under_it(db: Database, brand: Tenant) -> None:
    east, hangzhou, west_lake, south = new = _east()
    closed = organisation.UnitChange(state=organisation.State.CLOSED)
    opened = organisation.UnitChange(state=organisation.State.OPEN)
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, new)
        store = await organisation.create_store(
            tx, organisation.NewStore(code="s", name="店", unit_id=west_lake.unit_id)
        )
        with pytest.raises(organisation.UnitNotEmpty) as refused:
            await organisation.change_unit(tx, east.unit_id, closed)
        assert (refused.value.units, refused.value.stores) == (2, 1)
        with pytest.raises(organisation.UnitNotEmpty):
            await organisation.change_unit(tx, west_lake.unit_id, closed)
        await organisation.change_store(
            tx, store.store_id, organisation.StoreChange(state=organisation.StoreState.CLOSED)
        )
        for unit in (west_lake, hangzhou, east):
            await organisation.change_unit(tx, unit.unit_id, closed)
        with pytest.raises(organisation.UnitClosed):
            await organisation.create_unit(tx, NewUnit(code="new", name="新", parent_id=hangzhou.unit_id))
        with pytest.raises(organisation.UnitClosed):
            await organisation.move_unit(tx, south.unit_id, to=east.unit_id)
        with pytest.raises(organisation.UnitClosed):
            await organisation.change_unit(tx, hangzhou.unit_id, opened)
        with pytest.raises(organisation.UnitClosed):
            await organisation.change_store(
                tx, store.store_id, organisation.StoreChange(state=organisation.StoreState.OPEN)
            )
        assert await organisation.checks(tx) == []


async def test_the_list_of_units_is_paged_and_keeps_to_the_scope(db: Database, brand: Tenant) -> None:
    east, hangzhou, _, _ = new = _east()
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, new)
    scope = organisation.Scope(units=frozenset({east.unit_id}))
    async with db.reading(brand) as tx:
        first = await organisation.list_units(tx, organisation.Filter(scope=scope), PageRequest(limit=2))
        rest = await organisation.list_units(tx, organisation.Filter(scope=scope), PageRequest(first.next, 2))
        assert [unit.code for unit in (*first.items, *rest.items)] == ["east", "hz", "xh"]
        assert rest.next is None
        cities = await organisation.list_units(tx, organisation.Filter(kind="city", text="杭"), PageRequest())
        assert [unit.unit_id for unit in cities.items] == [hangzhou.unit_id]
        none = await organisation.list_units(tx, organisation.Filter(scope=organisation.NOTHING), PageRequest())
        assert none.items == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(min_value=-1, max_value=30), max_size=30))
def test_grown_paths_are_those_of_the_parents(parents: list[int]) -> None:
    root = UnitId(new_id())
    units: list[NewUnit] = []
    for number, parent in enumerate(parents):
        known = units[parent].unit_id if 0 <= parent < number else None
        units.append(NewUnit(code=f"u{number}", name="单元", parent_id=known))
    paths = rules.grow({root: [root]}, root, units)
    by_id = {unit.unit_id: path for unit, path in zip(units, paths, strict=True)}
    for unit, path in zip(units, paths, strict=True):
        assert path == [*(by_id[unit.parent_id] if unit.parent_id else [root]), unit.unit_id]
        assert len(set(path)) == len(path)
