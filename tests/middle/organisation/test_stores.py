"""Stores and the operators that they belong to."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import msgspec
import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.organisation import api as organisation
from midstage.middle.organisation.api import (
    Contract,
    Hours,
    InvoiceTitle,
    NewOperator,
    NewStore,
    NewUnit,
    OperatorChange,
    OperatorKind,
    Payee,
    Place,
    Scope,
    Span,
    StoreChange,
    StoreKind,
    StoreState,
)

DAY = (Span(600, 1320),)
HOURS = Hours((DAY, DAY, DAY, DAY, (Span(600, 1560),), DAY, ()), {date(2026, 2, 17): ()})


def _agent(code: str = "agent") -> NewOperator:
    return NewOperator(
        code=code,
        name="华东代理",
        kind=OperatorKind.AGENT,
        contract=Contract("HT-1", date(2026, 1, 1), date(2028, 12, 31)),
        invoice=InvoiceTitle("华东商贸有限公司", "91330100MA0000000X"),
        payee=Payee("华东商贸有限公司", "sandbox", "6222000011112222"),
    )


async def test_a_store_is_opened_with_all_that_is_known_of_it(db: Database, brand: Tenant) -> None:
    unit, agent = NewUnit(code="hz", name="杭州"), _agent()
    new = NewStore(
        code="HZ-001",
        name="西湖店",
        kind=StoreKind.FRANCHISE,
        unit_id=unit.unit_id,
        operator_id=agent.operator_id,
        area_m2=180,
        place=Place(30.2590, 120.1300),
        address="杭州市西湖区",
        hours=HOURS,
    )
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [unit])
        await organisation.create_operator(tx, agent)
        made = await organisation.create_store(tx, new)
        opened = [fact for fact, _ in tx.told if isinstance(fact, organisation.StoreOpened)]
    root = made.unit_path[0]
    assert made == organisation.Store(
        store_id=new.store_id,
        code="HZ-001",
        name="西湖店",
        kind=StoreKind.FRANCHISE,
        unit_id=unit.unit_id,
        unit_path=[root, unit.unit_id],
        operator_id=agent.operator_id,
        currency="CNY",
        area_m2=180,
        place=Place(30.2590, 120.1300),
        address="杭州市西湖区",
        hours=HOURS,
        state=StoreState.OPEN,
        version=1,
    )
    assert [fact.operator_id for fact in opened] == [agent.operator_id]
    async with db.reading(brand) as tx:
        assert await organisation.store_by_code(tx, "HZ-001") == made
        assert msgspec.json.decode(msgspec.json.encode(made), type=organisation.Store) == made
        with pytest.raises(organisation.NoSuchStore):
            await organisation.store_by_code(tx, "nowhere")


async def test_stores_are_read_in_one_statement(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        ids = await organisation.create_stores(tx, [NewStore(code=f"s{n}", name="店") for n in range(20)])
        tx.recorder = []
        found = await organisation.stores(tx, ids)
        everything = await organisation.stores(tx)
        assert (len(found), len(everything), len(tx.recorder)) == (20, 21, 2)
        assert await organisation.stores(tx, [organisation.StoreId(new_id())]) == {}


async def test_of_two_stores_that_want_one_code_at_once_one_is_opened(db: Database, brand: Tenant) -> None:
    async def create() -> organisation.Store:
        async with db.writing(brand) as tx:
            return await organisation.create_store(tx, NewStore(code="same", name="店"))

    answers = await asyncio.gather(*(create() for _ in range(5)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, organisation.Store)]
    assert len(made) == 1
    assert sum(isinstance(answer, organisation.StoreCodeTaken) for answer in answers) == 4


async def test_a_store_that_makes_no_sense_is_refused_and_none_of_the_batch_is_opened(
    db: Database, brand: Tenant
) -> None:
    good = NewStore(code="good", name="好店")
    bad: list[tuple[NewStore, type[Exception]]] = [
        (NewStore(code="x", name="店", unit_id=organisation.UnitId(new_id())), organisation.NoSuchUnit),
        (NewStore(code="x", name="店", operator_id=organisation.OperatorId(new_id())), organisation.NoSuchOperator),
        (NewStore(code="x", name="店", kind=StoreKind.VIRTUAL), organisation.KindReserved),
        (NewStore(code="x", name="店", place=Place(91, 0)), organisation.BadPlace),
        (NewStore(code="x", name="店", place=Place(float("nan"), 0)), organisation.BadPlace),
        (NewStore(code="x", name="店", area_m2=0), organisation.BadArea),
        (NewStore(code="x", name="店", currency="RMB?"), organisation.BadCurrency),
        (NewStore(code="x", name="店", hours=Hours((DAY,) * 6)), organisation.BadHours),
        (NewStore(code="x", name="店", hours=Hours(((Span(600, 500),),) * 7)), organisation.BadHours),
        (NewStore(code="x", name="店", hours=Hours(((Span(600, 800), Span(700, 900)),) * 7)), organisation.BadHours),
        (NewStore(code="good", name="同码"), organisation.StoreCodeTaken),
    ]
    for store, refusal in bad:
        with pytest.raises(refusal):
            async with db.writing(brand) as tx:
                await organisation.create_stores(tx, [good, store])
    async with db.reading(brand) as tx:
        assert len(await organisation.stores(tx)) == 1


async def test_a_store_changes_hands_and_the_fact_says_so(db: Database, brand: Tenant) -> None:
    agent = _agent()
    async with db.writing(brand) as tx:
        await organisation.create_operator(tx, agent)
        store = await organisation.create_store(tx, NewStore(code="s", name="店", area_m2=50))
        tx.told.clear()
        change = StoreChange(operator_id=agent.operator_id, kind=StoreKind.FRANCHISE, area_m2=None)
        changed = await organisation.change_store(tx, store.store_id, change, seen=1)
        assert (changed.operator_id, changed.kind, changed.area_m2, changed.version) == (
            agent.operator_id,
            StoreKind.FRANCHISE,
            None,
            2,
        )
        assert [fact.fields for fact, _ in tx.told if isinstance(fact, organisation.StoreChanged)] == [
            ["area_m2", "kind", "operator_id"]
        ]
        with pytest.raises(organisation.ChangedMeanwhile):
            await organisation.change_store(tx, store.store_id, StoreChange(name="别名"), seen=1)
        with pytest.raises(organisation.NoSuchOperator):
            await organisation.change_store(
                tx, store.store_id, StoreChange(operator_id=organisation.OperatorId(uuid4()))
            )
        assert (await organisation.stores(tx))[store.store_id] == changed


async def test_the_virtual_store_can_be_renamed_and_nothing_else(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        virtual = (await organisation.virtual(tx)).store_id
        assert (await organisation.change_store(tx, virtual, StoreChange(name="公域"))).name == "公域"
        for change in (
            StoreChange(state=StoreState.CLOSED),
            StoreChange(kind=StoreKind.DIRECT),
            StoreChange(name="又", area_m2=5),
        ):
            with pytest.raises(organisation.Fixed):
                await organisation.change_store(tx, virtual, change)


async def test_a_scope_holds_what_its_units_operators_and_stores_hold(db: Database, brand: Tenant) -> None:
    east, agent = NewUnit(code="east", name="华东"), _agent()
    hangzhou = NewUnit(code="hz", name="杭州", parent_id=east.unit_id)
    inside = NewStore(code="a-inside", name="店", unit_id=hangzhou.unit_id)
    owned = NewStore(code="b-owned", name="店", operator_id=agent.operator_id)
    single, other = NewStore(code="c-single", name="店"), NewStore(code="d-other", name="店")
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [east, hangzhou])
        await organisation.create_operators(tx, [agent])
        await organisation.create_stores(tx, [inside, owned, single, other])
    units, operators = frozenset({east.unit_id}), frozenset({agent.operator_id})
    scope = Scope(units=units, operators=operators, stores=frozenset({single.store_id}))
    async with db.reading(brand) as tx:
        found = await organisation.stores_in(tx, scope)
        assert found == {inside.store_id, owned.store_id, single.store_id}
        assert {
            one for one, store in (await organisation.stores(tx)).items() if organisation.covers(scope, store)
        } == found
        listed = await organisation.list_stores(tx, organisation.Filter(scope=scope), PageRequest())
        assert [store.code for store in listed.items] == ["a-inside", "b-owned", "c-single"]
        assert await organisation.stores_in(tx, organisation.EVERYTHING) is None
        assert await organisation.stores_in(tx, organisation.NOTHING) == frozenset()
        for inner, within in (
            (Scope(units=frozenset({hangzhou.unit_id})), True),
            (Scope(stores=frozenset({inside.store_id, owned.store_id})), True),
            (Scope(operators=operators), True),
            (organisation.NOTHING, True),
            (Scope(stores=frozenset({other.store_id})), False),
            (organisation.EVERYTHING, False),
        ):
            assert await organisation.lies_within(tx, inner, scope) is within
        assert not await organisation.lies_within(tx, Scope(units=units), Scope(units=frozenset({hangzhou.unit_id})))
        with pytest.raises(organisation.NoSuchUnit):
            await organisation.check_scope(tx, Scope(units=frozenset({organisation.UnitId(new_id())})))
        with pytest.raises(organisation.NoSuchOperator):
            await organisation.check_scope(tx, Scope(operators=frozenset({organisation.OperatorId(new_id())})))
        with pytest.raises(organisation.NoSuchStore):
            await organisation.check_scope(tx, Scope(stores=frozenset({organisation.StoreId(new_id())})))


async def test_the_list_of_stores_narrows_by_each_of_its_fields(db: Database, brand: Tenant) -> None:
    east, agent = NewUnit(code="east", name="华东"), _agent()
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [east])
        await organisation.create_operators(tx, [agent])
        await organisation.create_stores(
            tx,
            [
                NewStore(code="1", name="西湖店", unit_id=east.unit_id),
                NewStore(code="2", name="南山店", operator_id=agent.operator_id, kind=StoreKind.FRANCHISE),
                NewStore(code="3", name="东湖店", kind=StoreKind.KIOSK),
            ],
        )
    async with db.reading(brand) as tx:
        tx.recorder = []
        for wanted, codes in (
            (organisation.Filter(text="湖"), ["1", "3"]),
            (organisation.Filter(unit_id=east.unit_id), ["1"]),
            (organisation.Filter(operator_id=agent.operator_id), ["2"]),
            (organisation.Filter(kind="kiosk"), ["3"]),
            (organisation.Filter(state="closed"), []),
        ):
            page = await organisation.list_stores(tx, wanted, PageRequest())
            assert [store.code for store in page.items] == codes
        assert len(tx.recorder) == 5
        first = await organisation.list_stores(tx, organisation.Filter(), PageRequest(limit=3))
        assert [store.code for store in first.items] == ["1", "2", "3"]
        rest = await organisation.list_stores(tx, organisation.Filter(), PageRequest(first.next))
        assert [store.code for store in rest.items] == ["virtual"]


async def test_a_new_payee_replaces_the_old_one_and_both_are_remembered(db: Database, brand: Tenant) -> None:
    agent = _agent()
    newer = Payee("李华", "sandbox", "6222999988887777")
    async with db.writing(brand) as tx:
        made = await organisation.create_operator(tx, agent)
        assert (made.contract, made.invoice, made.payee) == (agent.contract, agent.invoice, agent.payee)
        changed = await organisation.change_operator(tx, agent.operator_id, OperatorChange(payee=newer))
        assert changed.payee == newer
        assert await organisation.payees(tx, agent.operator_id) == [agent.payee, newer]
        assert (await organisation.operator(tx, agent.operator_id)) == changed
        assert "6222999988887777" not in str(tx.noted)


async def test_an_operator_with_stores_or_staff_does_not_close(db: Database, brand: Tenant) -> None:
    agent = _agent()
    closed = OperatorChange(state=organisation.State.CLOSED)
    async with db.writing(brand) as tx:
        await organisation.create_operator(tx, agent)
        store = await organisation.create_store(tx, NewStore(code="s", name="店", operator_id=agent.operator_id))
        with pytest.raises(organisation.OperatorBusy):
            await organisation.change_operator(tx, agent.operator_id, closed)
        await organisation.change_store(tx, store.store_id, StoreChange(state=StoreState.CLOSED))
        await organisation.change_operator(tx, agent.operator_id, closed)
        with pytest.raises(organisation.OperatorClosed):
            await organisation.create_store(tx, NewStore(code="t", name="店", operator_id=agent.operator_id))
        with pytest.raises(organisation.OperatorClosed):
            await organisation.hire(tx, organisation.NewStaff(code="p", name="李华", operator_id=agent.operator_id))
        own = (await organisation.brand(tx)).own_operator_id
        with pytest.raises(organisation.Fixed):
            await organisation.change_operator(tx, own, closed)
        assert await organisation.checks(tx) == []


async def test_a_store_opened_while_its_operator_closes_belongs_to_an_open_one(db: Database, brand: Tenant) -> None:
    agents = [_agent(f"agent{number}") for number in range(6)]
    async with db.writing(brand) as tx:
        await organisation.create_operators(tx, agents)

    async def close(agent: NewOperator) -> None:
        async with db.writing(brand) as tx:
            change = OperatorChange(state=organisation.State.CLOSED)
            await organisation.change_operator(tx, agent.operator_id, change)

    async def create(agent: NewOperator) -> None:
        async with db.writing(brand) as tx:
            await organisation.create_store(tx, NewStore(code=agent.code, name="店", operator_id=agent.operator_id))

    answers = await asyncio.gather(
        *(verb(agent) for agent in agents for verb in (create, close)), return_exceptions=True
    )
    refused = (organisation.OperatorClosed, organisation.OperatorBusy)
    assert sum(isinstance(answer, refused) for answer in answers) == 6
    async with db.reading(brand) as tx:
        assert await organisation.checks(tx) == []


async def test_an_operator_that_makes_no_sense_is_refused(db: Database, brand: Tenant) -> None:
    replace = msgspec.structs.replace
    backwards = Contract("HT", date(2026, 2, 1), date(2026, 1, 1))
    async with db.writing(brand) as tx:
        for new, refusal in (
            (replace(_agent(), contract=backwards), organisation.BadContract),
            (replace(_agent(), invoice=InvoiceTitle("甲", " ")), organisation.BadInvoiceTitle),
            (replace(_agent(), payee=Payee("", "sandbox", "1")), organisation.BadPayee),
            (replace(_agent(), kind=OperatorKind.BRAND), organisation.KindReserved),
        ):
            with pytest.raises(refusal):
                await organisation.create_operator(tx, new)
        assert len(await organisation.operators(tx)) == 1
        await organisation.create_operator(tx, _agent())
        with pytest.raises(organisation.OperatorCodeTaken):
            await organisation.create_operator(tx, _agent())


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-05T01:59:00+00:00", False),  # Monday 09:59 in Shanghai
        ("2026-01-05T02:00:00+00:00", True),
        ("2026-01-05T14:00:00+00:00", False),  # Monday 22:00
        ("2026-01-09T17:30:00+00:00", True),  # Saturday 01:30: Friday's evening runs to 02:00
        ("2026-01-09T18:00:00+00:00", False),
        ("2026-01-11T04:00:00+00:00", False),  # Sunday is closed
        ("2026-02-17T04:00:00+00:00", False),  # Chinese New Year, a Tuesday
    ],
)
def test_opening_hours_are_those_of_the_clock_on_the_wall(at: str, *, expected: bool) -> None:
    moment = datetime.fromisoformat(at)
    assert organisation.is_open(HOURS, moment, zone="Asia/Shanghai") is expected
    assert organisation.is_open(None, datetime.now(UTC), zone="Asia/Shanghai")
