"""The pool: given out by hand and by rule, never beyond what a guide may have, and taken back when nobody serves."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.members import care_rules
from midstage.middle.members.api import Assigned, Assigning, AssignRule, PoolFilter, Touch, TouchKind
from midstage.middle.members.care import Room, Waiting
from midstage.middle.organisation import api as organisation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Field:
    """Stores from west to east with guides, and members in the pool."""

    db: Database
    tenant: Tenant
    virtual: organisation.Virtual
    stores: list[organisation.StoreId]
    guides: list[organisation.GuideId]

    async def do(self, work: Any, *, now: datetime = NOON) -> Any:
        return await self.db.attempt(self.tenant, work, now=now)

    async def choose(self, **settings: Any) -> None:
        async def work(tx: Tx) -> None:
            home = await organisation.brand(tx)
            holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
            await organisation.choose(tx, "pool", holder, settings)

        await self.do(work)

    async def join(self, count: int, *, store: int | None = None, guide: int | None = None) -> list[members.MemberId]:
        """Members who joined at once; in the pool where no guide is named."""

        async def work(tx: Tx) -> list[members.MemberId]:
            newcomers = [
                identity.NewPerson(identity.PersonId(new_id()), [Identifier(IdentifierKind.CARD, new_id().hex)])
                for _ in range(count)
            ]
            await identity.bulk_create(tx, newcomers, source="test")
            joiners = [
                members.Joiner(
                    person_id=one.person_id,
                    member_id=members.MemberId(new_id()),
                    front="test",
                    joined_at=NOON,
                    store_id=None if store is None else self.stores[store],
                    guide_id=None if guide is None else self.guides[guide],
                )
                for one in newcomers
            ]
            return [one.member_id for one in await members.bulk_join(tx, joiners)]

        return await self.do(work)

    async def assign(self, rule: AssignRule, wanted: PoolFilter | None = None, **how: Any) -> Assigned:
        named = {name: frozenset(how.pop(name, ())) for name in ("guide_ids", "store_ids")}

        async def work(tx: Tx) -> Assigned:
            return await members.assign(tx, wanted or PoolFilter(), Assigning(rule, **named), **how)

        return await self.do(work)

    async def customers(self) -> Counter[organisation.GuideId]:
        """How many members each guide has, the pool too."""
        async with self.db.reading(self.tenant) as tx:
            assert await members.checks(tx) == []
            rows = await tx.rows("select guide_id, count(*) from member where brand_id = $1 group by 1", tx.brand)
        return Counter({row[0]: row[1] for row in rows})


@pytest_asyncio.fixture(loop_scope="session")
async def field(db: Database) -> Field:
    made = Field()
    made.db = db
    made.tenant = await organisation.create_brand(
        db, code=f"p{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )

    async def furnish(tx: Tx) -> None:
        made.virtual = await organisation.virtual(tx)
        made.stores = await organisation.create_stores(
            tx,
            [
                organisation.NewStore(code=f"S{n}", name=f"S{n}", place=organisation.Place(31.0, 121.0 + n))
                for n in range(3)
            ],
        )
        made.guides = await organisation.place_guides(
            tx, [organisation.NewGuide(code=f"G{n}", name="王", store_id=made.stores[n]) for n in range(3)]
        )

    await made.do(furnish)
    return made


async def test_the_pool_is_listed_page_by_page_by_store_level_and_last_purchase(field: Field) -> None:
    here, there = await field.join(3, store=0), await field.join(2, store=1)
    await field.join(1, store=0, guide=0)

    async def buy(tx: Tx) -> None:
        await members.note_bought(tx, here[0], NOON - 90 * DAY)
        await members.note_bought(tx, here[1], NOON - 10 * DAY)

    await field.do(buy)
    async with field.db.reading(field.tenant) as tx:

        async def walk(wanted: PoolFilter) -> set[members.MemberId]:
            found: set[members.MemberId] = set()
            page = PageRequest(limit=2)
            while True:
                got = await members.pool(tx, wanted, page)
                found |= {one.member_id for one in got.items}
                if got.next is None:
                    return found
                page = PageRequest(got.next, 2)

        assert await walk(PoolFilter()) == {*here, *there}
        assert await walk(PoolFilter(store_ids=frozenset({field.stores[0]}))) == set(here)
        assert await walk(PoolFilter(store_ids=frozenset())) == set()
        assert await walk(PoolFilter(bought_before=NOON - 30 * DAY)) == {here[0], here[2], *there}
        assert await walk(PoolFilter(bought_from=NOON - 30 * DAY)) == {here[1]}
        assert await walk(PoolFilter(level="gold")) == set()
        assert await walk(PoolFilter(joined_before=NOON)) == set()
        tx.recorder = []
        await members.pool(tx, PoolFilter(), PageRequest())
        assert len(tx.recorder) == 2


async def test_by_hand_the_chosen_go_to_one_guide_with_a_fact_and_a_history_each(field: Field) -> None:
    chosen = (await field.join(4))[:3]
    wanted = PoolFilter(member_ids=frozenset(chosen))

    async def work(tx: Tx) -> None:
        how = Assigning(AssignRule.HAND, frozenset({field.guides[1]}))
        done = await members.assign(tx, wanted, how)
        assert (done.assigned, done.left, done.by_guide) == (3, 0, {str(field.guides[1]): 3})
        assert {fact.member_id for fact, _ in tx.told if isinstance(fact, members.MemberBound)} == set(chosen)
        again = await members.assign(tx, wanted, how)
        assert again.assigned == 0

    await field.do(work)
    assert await field.customers() == {field.guides[1]: 3, field.virtual.guide_id: 1}
    async with field.db.reading(field.tenant) as tx:
        found = await members.member(tx, chosen[0])
        assert found.store_id == field.stores[1], "a guide brings her store"
        assert [one.reason for one in await members.bindings(tx, chosen[0])] == ["imported", "assigned"]


async def test_nobody_is_given_more_than_she_may_have(field: Field) -> None:
    await field.choose(cap=5)
    await field.join(2, store=0, guide=0)
    await field.join(20)
    with pytest.raises(members.GuideFull) as full:
        await field.assign(AssignRule.HAND, guide_ids=[field.guides[0]])
    assert (full.value.cap, full.value.free) == (5, 3)
    done = await field.assign(AssignRule.LEAST_CUSTOMERS)
    assert (done.assigned, done.left) == (13, 7)
    assert set((await field.customers()).values()) == {5, 7}


async def test_two_who_assign_at_once_fill_the_same_room_once(field: Field) -> None:
    await field.choose(cap=30)
    await field.join(120)
    rules = [AssignRule.ROUND_ROBIN, AssignRule.LEAST_CUSTOMERS] * 4
    done = await asyncio.gather(*(field.assign(rule, limit=25) for rule in rules))
    assert sum(one.assigned for one in done) == 90
    assert await field.customers() == {**dict.fromkeys(field.guides, 30), field.virtual.guide_id: 30}


async def test_in_turn_everybody_gets_as_many(field: Field) -> None:
    await field.join(5, store=0, guide=0)
    await field.join(9)
    await field.assign(AssignRule.ROUND_ROBIN)
    assert [(await field.customers())[guide] for guide in field.guides] == [8, 3, 3]


async def test_the_nearest_store_with_room_serves(field: Field) -> None:
    await field.choose(cap=3)
    await field.join(5, store=2)
    await field.join(2)
    done = await field.assign(AssignRule.NEAREST_STORE)
    assert (done.assigned, done.left) == (5, 2), "who belongs to no place on the map finds no nearest store"
    found = await field.customers()
    assert [found[guide] for guide in field.guides] == [0, 2, 3]


async def test_she_goes_where_she_bought_last(field: Field) -> None:
    first, second, third = await field.join(3)

    async def buy(tx: Tx) -> None:
        for member, place, day, guide in ((first, 0, 1, None), (first, 2, 2, None), (second, 1, 3, 1)):
            one = Touch(
                touch_id=new_id(),
                kind=TouchKind.PURCHASE,
                store_id=field.stores[place],
                guide_id=None if guide is None else field.guides[guide],
                at=NOON - (10 - day) * DAY,
            )
            await members.touched(tx, member, one)

    await field.do(buy)
    done = await field.assign(AssignRule.LAST_PURCHASE)
    assert (done.assigned, done.left) == (2, 1)
    async with field.db.reading(field.tenant) as tx:
        whose = {one: (await members.member(tx, one)).guide_id for one in (first, second, third)}
    assert whose == {first: field.guides[2], second: field.guides[1], third: field.virtual.guide_id}


async def test_a_manager_gives_out_her_own_and_to_her_own(field: Field) -> None:
    mine, other = frozenset({field.stores[0]}), await field.join(2, store=1)
    await field.join(2, store=0)
    done = await field.assign(AssignRule.ROUND_ROBIN, PoolFilter(store_ids=mine), within=mine)
    assert done.by_guide == {str(field.guides[0]): 2}
    with pytest.raises(members.BadAssigning):
        await field.assign(AssignRule.ROUND_ROBIN, guide_ids=[field.guides[1]], within=mine)
    assert (await field.customers())[field.virtual.guide_id] == len(other)


async def test_what_makes_no_sense_is_refused(field: Field) -> None:
    with pytest.raises(members.BadAssigning):
        await field.assign(AssignRule.HAND)
    with pytest.raises(members.BadAssigning):
        await field.assign(AssignRule.HAND, guide_ids=[field.virtual.guide_id])
    with pytest.raises(members.TooManyToAssign):
        await field.assign(AssignRule.ROUND_ROBIN, limit=members.ASSIGN_LIMIT + 1)

    async def leave(tx: Tx) -> None:
        await organisation.end_guide(tx, field.guides[0])

    await field.do(leave)
    with pytest.raises(organisation.GuideGone):
        await field.assign(AssignRule.HAND, guide_ids=[field.guides[0]])


async def test_who_is_given_back_waits_in_the_pool_of_her_store(field: Field) -> None:
    mine = await field.join(2, store=0, guide=0)
    [other] = await field.join(1, store=1, guide=1)

    async def back(tx: Tx) -> int:
        return await members.return_to_pool(tx, [*mine, other], reason="没有跟进", within=frozenset({field.stores[0]}))

    assert await field.do(back) == 2
    async with field.db.reading(field.tenant) as tx:
        assert (await members.member(tx, mine[0])).store_id == field.stores[0]
    assert await field.customers() == {field.virtual.guide_id: 2, field.guides[1]: 1}


async def test_whom_nobody_serves_goes_back_in_batches(field: Field) -> None:
    await field.choose(back_after_idle_days=30)
    served, *idle = await field.join(7, store=0, guide=0)

    async def serve(tx: Tx) -> None:
        one = Touch(
            touch_id=new_id(),
            kind=TouchKind.SERVICE,
            store_id=field.stores[0],
            guide_id=field.guides[0],
            at=NOON + 20 * DAY,
        )
        await members.touched(tx, served, one)

    await field.do(serve, now=NOON + 20 * DAY)

    async def back(tx: Tx) -> int:
        return await members.return_idle(tx, limit=4)

    assert await field.do(back, now=NOON + 29 * DAY) == 0
    assert sorted(await asyncio.gather(*(field.do(back, now=NOON + 31 * DAY) for _ in range(4)))) >= [0, 0, 2, 4]
    while await field.do(back, now=NOON + 31 * DAY):
        continue
    assert await field.customers() == {field.virtual.guide_id: len(idle), field.guides[0]: 1}
    assert await field.do(back, now=NOON + 51 * DAY) == 1


async def test_thousands_go_in_one_statement(field: Field) -> None:
    await field.choose(cap=0)
    await field.join(2_000)

    async def work(tx: Tx) -> tuple[Assigned, int]:
        tx.recorder = []
        done = await members.assign(tx, PoolFilter(), Assigning(AssignRule.ROUND_ROBIN))
        return done, sum("update member" in sql for sql, _ in tx.recorder)

    done, statements = await field.do(work)
    assert (done.assigned, done.left, statements) == (2_000, 0, 1)
    assert sorted(done.by_guide.values()) == [666, 667, 667]


STORES = [organisation.StoreId(new_id()) for _ in range(3)]
_rooms = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 6)), max_size=6)


@settings(max_examples=100, deadline=None)
@given(rooms=_rooms, waiting=st.lists(st.integers(0, 2), max_size=25), rule=st.sampled_from(AssignRule))
def test_nobody_is_overfilled_and_nobody_waits_while_her_rule_has_room(
    rooms: list[tuple[int, int, int]], waiting: list[int], rule: AssignRule
) -> None:
    made = [Room(organisation.GuideId(new_id()), STORES[store], load, free) for store, load, free in rooms]
    people = [Waiting(members.MemberId(new_id()), STORES[at], STORES[at]) for at in waiting]
    places = {store: organisation.Place(31.0, 121.0 + n) for n, store in enumerate(STORES)}
    found = care_rules.share_out(people, made, rule, places)
    given_out = Counter(room.guide_id for room in found.values())
    assert all(given_out[room.guide_id] <= room.free for room in made)
    if rule is AssignRule.LAST_PURCHASE:
        fits = sum(
            min(
                sum(one.bought_store_id == store for one in people),
                sum(room.free for room in made if room.store_id == store),
            )
            for store in STORES
        )
    else:
        fits = min(len(people), sum(room.free for room in made))
    assert len(found) == fits
