"""Customers of a guide who leaves or moves: in batches, by whichever worker comes, and none of them lost."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.members import handing_over
from midstage.middle.organisation import api as organisation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Owners = Counter[organisation.GuideId]


class House:
    """Two stores with three guides each."""

    db: Database
    tenant: Tenant
    virtual: organisation.Virtual
    stores: list[organisation.StoreId]
    guides: list[list[organisation.GuideId]]

    async def do(self, work: Any, *, now: datetime = NOON) -> Any:
        return await self.db.attempt(self.tenant, work, now=now)

    async def choose(self, code: str, **settings: Any) -> None:
        async def work(tx: Tx) -> None:
            home = await organisation.brand(tx)
            holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
            await organisation.choose(tx, code, holder, settings)

        await self.do(work)

    async def join(self, count: int, guide_id: organisation.GuideId, store: int = 0) -> None:
        async def work(tx: Tx) -> None:
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
                    store_id=self.stores[store],
                    guide_id=guide_id,
                )
                for one in newcomers
            ]
            await members.bulk_join(tx, joiners)

        await self.do(work)

    async def leave(self, guide_id: organisation.GuideId, heir_id: organisation.GuideId | None = None) -> None:
        """A guide leaves, and members hear of it."""

        async def work(tx: Tx) -> organisation.GuideLeft:
            await organisation.end_guide(tx, guide_id, hand_over_to=heir_id)
            return next(fact for fact, _ in tx.told if isinstance(fact, organisation.GuideLeft))

        await self.hear(members.note_guide_left, await self.do(work))

    async def move(self, guide_id: organisation.GuideId, to: organisation.StoreId) -> None:
        """A guide goes to another store, and members hear of it."""

        async def work(tx: Tx) -> organisation.GuideMoved | None:
            await organisation.move_guide(tx, guide_id, to=to)
            return next((fact for fact, _ in tx.told if isinstance(fact, organisation.GuideMoved)), None)

        moved = await self.do(work)
        if moved is not None:
            await self.hear(members.note_guide_moved, moved)

    async def hear(self, listener: Any, fact: Any) -> None:
        async def work(tx: Tx) -> None:
            await listener(tx, Delivered(tx.brand, 1, 1, fact, NOON.date(), NOON))

        await self.do(work)

    async def go_on(self, guide_id: organisation.GuideId) -> None:
        """What the job does."""

        async def batch(tx: Tx) -> bool:
            return await members.hand_over_some(tx, guide_id)

        while await self.do(batch):
            continue

    async def owners(self) -> Owners:
        async with self.db.reading(self.tenant) as tx:
            rows = await tx.rows("select guide_id, count(*) from member where brand_id = $1 group by 1", tx.brand)
        return Counter({row[0]: row[1] for row in rows})

    async def stores_of(self, guide_id: organisation.GuideId) -> Counter[organisation.StoreId]:
        async with self.db.reading(self.tenant) as tx:
            rows = await tx.rows(
                "select store_id, count(*) from member where brand_id = $1 and guide_id = $2 group by 1",
                tx.brand, guide_id,
            )  # fmt: skip
        return Counter({row[0]: row[1] for row in rows})

    async def found(self, *, later: timedelta = timedelta()) -> list[str]:
        async with self.db.reading(self.tenant, now=NOON + later) as tx:
            return [one.check for one in await members.checks(tx)]


@pytest_asyncio.fixture(loop_scope="session")
async def house(db: Database) -> House:
    return await house_of(db)


async def house_of(db: Database) -> House:
    made = House()
    made.db = db
    made.tenant = await organisation.create_brand(
        db, code=f"h{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )

    async def furnish(tx: Tx) -> None:
        made.virtual = await organisation.virtual(tx)
        made.stores = await organisation.create_stores(
            tx, [organisation.NewStore(code=f"S{n}", name=f"S{n}") for n in range(2)]
        )
        made.guides = [
            await organisation.place_guides(
                tx, [organisation.NewGuide(code=f"G{n}-{m}", name="王", store_id=made.stores[n]) for m in range(3)]
            )
            for n in range(2)
        ]

    await made.do(furnish)
    return made


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "HAND_OVER_BATCH", 10)


async def test_the_heir_who_is_named_gets_them_and_their_store_stays(house: House) -> None:
    leaving, heir = house.guides[0][0], house.guides[1][0]
    await house.join(5, leaving)
    await house.leave(leaving, heir)
    assert await house.owners() == {heir: 5}
    assert await house.stores_of(heir) == {house.stores[0]: 5}
    assert await house.found(later=timedelta(hours=2)) == []


async def test_without_an_heir_they_wait_in_the_pool(house: House) -> None:
    await house.join(3, house.guides[0][0])
    await house.leave(house.guides[0][0])
    assert await house.owners() == {house.virtual.guide_id: 3}


async def test_a_brand_may_send_them_all_to_the_pool(house: House) -> None:
    await house.choose("handover", left="pool")
    await house.join(3, house.guides[0][0])
    await house.leave(house.guides[0][0], house.guides[0][1])
    assert await house.owners() == {house.virtual.guide_id: 3}


async def test_they_are_spread_over_the_guides_of_the_store_who_have_room(house: House) -> None:
    await house.choose("handover", left="spread")
    await house.choose("pool", cap=6)
    first, second, third = house.guides[0]
    await house.join(10, first)
    await house.join(4, second)
    await house.leave(first)
    assert await house.owners() == {second: 6, third: 6, house.virtual.guide_id: 2}


@pytest.mark.usefixtures("_small_batches")
async def test_customers_go_along_with_a_guide_who_moves_or_stay_with_the_store(house: House) -> None:
    goes, stays = house.guides[0][0], house.guides[0][1]
    await house.join(25, goes)
    await house.join(1, goes, store=1)
    await house.move(goes, house.stores[1])
    await house.go_on(goes)
    assert await house.stores_of(goes) == {house.stores[1]: 26}
    await house.choose("handover", moved="stay")
    await house.join(15, stays)
    await house.join(2, stays, store=1)
    await house.move(stays, house.stores[1])
    await house.go_on(stays)
    assert await house.stores_of(stays) == {house.stores[1]: 2}
    assert await house.owners() == {goes: 26, stays: 2, house.guides[0][2]: 15}


@pytest.mark.usefixtures("_small_batches")
async def test_who_moves_twice_and_leaves_is_followed_step_by_step(house: House) -> None:
    guide, heir = house.guides[0][0], house.guides[0][1]
    await house.join(35, guide)
    await house.move(guide, house.stores[1])
    await house.move(guide, house.stores[0])
    await house.leave(guide, heir)
    await house.go_on(guide)
    assert await house.owners() == {heir: 35}
    assert await house.stores_of(heir) == {house.stores[0]: 35}
    async with house.db.reading(house.tenant) as tx:
        page = await members.handovers(tx, PageRequest(), guide_id=guide)
        assert [one.moved for one in page.items] == [35, 35, 35]
        assert all(one.ended_at is not None for one in page.items)


@pytest.mark.usefixtures("_small_batches")
async def test_workers_that_die_and_workers_at_once_lose_nobody_and_move_nobody_twice(house: House) -> None:
    guide = house.guides[0][0]
    await house.choose("handover", left="spread")
    await house.join(97, guide)
    await house.leave(guide)
    seen: list[Owners] = []

    async def killed(tx: Tx) -> None:
        await members.hand_over_some(tx, guide)
        raise ConnectionError

    async def dying() -> None:
        for _ in range(4):
            with pytest.raises(ConnectionError):
                await house.do(killed)
            seen.append(await house.owners())

    await asyncio.gather(dying(), *(house.go_on(guide) for _ in range(3)))
    assert all(sum(owners.values()) == 97 for owners in seen)
    owners = await house.owners()
    assert guide not in owners
    assert sorted(owners.values()) == [48, 49]
    async with house.db.reading(house.tenant) as tx:
        page = await members.handovers(tx, PageRequest(), guide_id=guide)
        assert [one.moved for one in page.items] == [97]
        told = await tx.value("select count(*) from fact where brand_id = $1 and type = 'MemberBound'", tx.brand)
    assert told == 97
    assert await house.found(later=timedelta(hours=2)) == []


async def test_who_joins_a_guide_at_the_moment_she_leaves_is_found_and_handed_over(house: House) -> None:
    guide, heir = house.guides[0][0], house.guides[0][1]
    await house.leave(guide, heir)
    await house.join(1, heir)

    async def overlooked(tx: Tx) -> None:
        """As a join does that read the guide before she left, and committed after."""
        await tx.run("update member set guide_id = $2 where brand_id = $1", tx.brand, guide)
        await tx.run("update member_binding set guide_id = $2 where brand_id = $1", tx.brand, guide)

    await house.do(overlooked)
    assert await house.found() == [], "it takes a moment"
    assert await house.found(later=timedelta(hours=2)) == ["members.left_behind"]

    async def mend(tx: Tx) -> int:
        return await members.mend_handovers(tx)

    later = NOON + timedelta(hours=2)
    assert await house.do(mend, now=later) == 1
    assert await house.do(mend, now=later) == 0
    assert await house.owners() == {heir: 1}
    assert await house.found(later=timedelta(hours=3)) == []


@pytest.mark.usefixtures("_small_batches")
async def test_customers_who_wait_too_long_are_shown(house: House) -> None:
    guide = house.guides[0][0]
    await house.join(25, guide)
    await house.leave(guide, house.guides[0][1])
    async with house.db.reading(house.tenant, now=NOON + timedelta(hours=1)) as tx:
        [row] = await members.late(tx)
    assert (row.kind, row.store_id, row.figures["moved"]) == ("members.handover", house.stores[0], 10)
    await house.go_on(guide)
    async with house.db.reading(house.tenant, now=NOON + timedelta(hours=1)) as tx:
        assert await members.late(tx) == []


_steps = st.lists(
    st.tuples(st.sampled_from(["leave", "move", "work", "join"]), st.integers(0, 5), st.integers(0, 5)), max_size=10
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=st.sampled_from(["heir", "pool", "spread"]), moved=st.sampled_from(["go", "stay"]), steps=_steps)
@pytest.mark.usefixtures("_small_batches")
async def test_whatever_guides_do_the_sum_of_their_customers_and_the_pool_is_the_same(
    db: Database, left: str, moved: str, steps: list[tuple[str, int, int]]
) -> None:
    house = await house_of(db)
    await house.choose("handover", left=left, moved=moved)
    guides = [guide for of_store in house.guides for guide in of_store]
    here = set(guides)
    total = 0
    for what, one, other in steps:
        guide, heir = guides[one], guides[other]
        if what == "join" and guide in here:
            await house.join(13, guide, store=one // 3)
            total += 13
        elif what == "leave" and guide in here:
            here.discard(guide)
            await house.leave(guide, heir if heir in here else None)
        elif what == "move" and guide in here:
            await house.move(guide, house.stores[other % 2])
        elif what == "work":
            await house.go_on(guide)
        assert sum((await house.owners()).values()) == total
    for guide in guides:
        await house.go_on(guide)
    owners = await house.owners()
    assert sum(owners.values()) == total
    assert set(owners) <= here | {house.virtual.guide_id}
    assert await house.found(later=timedelta(hours=2)) == []
