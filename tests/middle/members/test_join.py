"""Joining: one member a person, always with a store, a guide and a touchpoint."""

import asyncio
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec.structs import replace

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered
from midstage.kit.ids import is_readable_number, new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind, PersonId
from midstage.middle.members import api as members
from midstage.middle.members.api import Joiner, Member, MemberId, Profile
from midstage.middle.organisation import api as organisation


@pytest_asyncio.fixture(loop_scope="session")
async def brand(db: Database) -> Tenant:
    return await organisation.create_brand(
        db, code=f"m{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )


async def somebody(tx: Tx, card: str = "C1") -> PersonId:
    found = await identity.attach_and_resolve(tx, [Identifier(IdentifierKind.CARD, card)], source="test")
    return found.person_id


async def merge(tx: Tx, loser: PersonId, root: PersonId) -> None:
    await tx.run(
        "insert into person_alias (brand_id, person_id, root_id) values ($1, $2, $3)",
        tx.brand, loser, root,
    )  # fmt: skip


class Street(NamedTuple):
    """A store with a guide, and a code on its door."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId


async def street(tx: Tx, code: str = "S1") -> Street:
    store = await organisation.create_store(tx, organisation.NewStore(code=code, name="新天地"))
    guide = await organisation.place_guide(
        tx, organisation.NewGuide(code=f"G{code}", name="小美", store_id=store.store_id)
    )
    touchpoint = await organisation.create_touchpoint(
        tx,
        organisation.NewTouchpoint(
            code=f"T{code}", name="门口", kind=organisation.TouchpointKind.STORE_CODE,
            store_id=store.store_id, guide_id=guide.guide_id,
        ),
    )  # fmt: skip
    return Street(store.store_id, guide.guide_id, touchpoint.touchpoint_id)


async def test_who_comes_from_nowhere_belongs_to_the_virtual_store(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await somebody(tx)
        tx.told.clear()
        member = await members.join(tx, person, front="mall")
        virtual = await organisation.virtual(tx)
        assert member.joined
        assert await members.member(tx, member.member_id) == replace(member, joined=False)
        assert (member.store_id, member.guide_id, member.touchpoint_id) == (
            virtual.store_id,
            virtual.guide_id,
            virtual.touchpoint_id,
        )
        assert (member.level, member.growth, member.state) == ("basic", 0, members.MemberState.ACTIVE)
        assert is_readable_number(member.member_no)
        assert [type(fact) for fact, _ in tx.told] == [members.MemberJoined]
        assert [each.code for each in await members.levels(tx)] == ["basic", "silver", "gold", "black"]
        assert [each.reason for each in await members.bindings(tx, member.member_id)] == ["joined"]


async def test_joining_again_changes_and_tells_nothing(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await somebody(tx)
        first = await members.join(tx, person, front="mall", profile=Profile(name="李娜"))
        told = list(tx.told)
        again = await members.join(tx, person, front="counter", profile=Profile(name="somebody else"))
        assert not again.joined
        assert again.member_id == first.member_id
        assert (again.name, again.front) == ("李娜", "mall")
        assert tx.told == told


async def test_a_guide_brings_her_store_and_a_code_brings_both(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        here = await street(tx)
        by_guide = await members.join(tx, await somebody(tx, "C1"), front="guide", guide_id=here.guide_id)
        by_code = await members.join(tx, await somebody(tx, "C2"), front="mall", touchpoint_id=here.touchpoint_id)
        by_store = await members.join(tx, await somebody(tx, "C3"), front="till", store_id=here.store_id)
        virtual = await organisation.virtual(tx)
        assert (by_guide.store_id, by_guide.guide_id) == (here.store_id, here.guide_id)
        assert (by_code.store_id, by_code.guide_id) == (here.store_id, here.guide_id)
        assert by_code.touchpoint_id == here.touchpoint_id
        assert (by_store.store_id, by_store.guide_id) == (here.store_id, virtual.guide_id)


async def test_what_does_not_exist_is_refused_and_nobody_joins(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await somebody(tx)
        nowhere = new_id()
        with pytest.raises(organisation.NoSuchStore):
            await members.join(tx, person, front="mall", store_id=organisation.StoreId(nowhere))
        with pytest.raises(organisation.NoSuchGuide):
            await members.join(tx, person, front="mall", guide_id=organisation.GuideId(nowhere))
        with pytest.raises(organisation.NoSuchTouchpoint):
            await members.join(tx, person, front="mall", touchpoint_id=organisation.TouchpointId(nowhere))
        with pytest.raises(members.NoSuchReferrer):
            await members.join(tx, person, front="mall", referrer_id=MemberId(nowhere))
        with pytest.raises(members.BadFront):
            await members.join(tx, person, front="The Mall")
        with pytest.raises(members.BadProfile):
            await members.join(tx, person, front="mall", profile=Profile(birthday=date(2999, 1, 1)))
        with pytest.raises(identity.NoSuchPerson):
            await members.join(tx, PersonId(nowhere), front="mall")
        assert await members.member_of(tx, person) is None


async def test_a_merged_person_is_the_member_it_was(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        loser, winner = await somebody(tx, "C1"), await somebody(tx, "C2")
        joined = await members.join(tx, loser, front="mall")
        await merge(tx, loser, winner)
        again = await members.join(tx, winner, front="mall")
        assert (again.member_id, again.joined) == (joined.member_id, False)
        assert await members.member_of(tx, winner) == await members.member_of(tx, loser) == again


async def test_twenty_joins_of_one_person_make_one_member(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await somebody(tx)

    async def join() -> Member:
        async with db.writing(brand) as tx:
            return await members.join(tx, person, front="mall")

    made = await asyncio.gather(*(join() for _ in range(20)))
    assert len({each.member_id for each in made}) == 1
    assert sum(each.joined for each in made) == 1
    async with db.reading(brand) as tx:
        assert len(await members.bindings(tx, made[0].member_id)) == 1
        assert await members.checks(tx) == []


async def test_strangers_from_many_connections_get_a_member_number_each(db: Database, brand: Tenant) -> None:
    async def arrive(i: int) -> Member:
        async with db.writing(brand) as tx:
            return await members.join(tx, await somebody(tx, f"C{i}"), front="mall")

    made = await asyncio.gather(*(arrive(i) for i in range(60)))
    assert len({each.member_no for each in made}) == 60
    async with db.reading(brand) as tx:
        assert await identity.checks(tx) == []


async def test_the_shopper_of_checkout_is_one_statement(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        friend = await members.join(tx, await somebody(tx, "C1"), front="mall")
        member = await members.join(tx, await somebody(tx, "C2"), front="mall", referrer_id=friend.member_id)
        await members.write_labels(tx, {member.person_id: ["vip", "coat"]})
        assert await identity.alone(tx)  # asked once in five seconds
        tx.recorder = []
        shopper = await members.shopper(tx, member.member_id)
        assert len(tx.recorder) == 1
        assert (shopper.person_id, shopper.level) == (member.person_id, "basic")
        assert shopper.labels == {"vip", "coat"}
        assert shopper.referrer_id == friend.member_id
        with pytest.raises(members.NoSuchMember):
            await members.shopper(tx, MemberId(new_id()))


async def test_a_leaving_guide_hands_her_members_over_once(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        here, there = await street(tx, "S1"), await street(tx, "S2")
        hers = [
            await members.join(tx, await somebody(tx, f"C{i}"), front="guide", guide_id=here.guide_id) for i in range(3)
        ]
        other = await members.join(tx, await somebody(tx, "C9"), front="guide", guide_id=there.guide_id)
        await organisation.end_guide(tx, here.guide_id, hand_over_to=there.guide_id)
        left = [fact for fact, _ in tx.told if isinstance(fact, organisation.GuideLeft)]
        heard = Delivered(brand.brand, 1, 1, left[0], date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))
        await members.note_guide_left(tx, heard)
        for each in hers:
            now = await members.member(tx, each.member_id)
            assert (now.guide_id, now.store_id) == (there.guide_id, here.store_id)
            assert [one.reason for one in await members.bindings(tx, each.member_id)] == ["joined", "guide_left"]
        assert (await members.member(tx, other.member_id)).version == other.version
        assert await members.hand_over(tx, here.guide_id, there.guide_id, reason="again") == 0
        with pytest.raises(organisation.GuideGone):
            await members.hand_over(tx, there.guide_id, here.guide_id, reason="back")
        with pytest.raises(organisation.GuideGone):
            await members.join(tx, await somebody(tx, "C10"), front="guide", guide_id=here.guide_id)
        by_old_code = await members.join(tx, await somebody(tx, "C11"), front="mall", touchpoint_id=here.touchpoint_id)
        assert by_old_code.guide_id != here.guide_id
        assert await members.checks(tx) == []


async def test_binding_to_another_guide_keeps_the_past(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        here, there = await street(tx, "S1"), await street(tx, "S2")
        member = await members.join(tx, await somebody(tx), front="guide", guide_id=here.guide_id)
        tx.told.clear()
        moved = await members.bind(tx, member.member_id, guide_id=there.guide_id, reason="moved house")
        assert (moved.store_id, moved.guide_id) == (there.store_id, there.guide_id)
        past = await members.bindings(tx, member.member_id)
        assert [(each.store_id, each.reason) for each in past] == [
            (here.store_id, "joined"),
            (there.store_id, "moved house"),
        ]
        assert [type(fact) for fact, _ in tx.told] == [members.MemberBound]
        same = await members.bind(tx, member.member_id, guide_id=there.guide_id, reason="again")
        assert same == moved
        with pytest.raises(members.MemberChanged):
            await members.bind(tx, member.member_id, guide_id=here.guide_id, reason="late", seen=member.version)
        assert len(await members.bindings(tx, member.member_id)) == 2


async def test_an_import_of_members_keeps_dates_level_and_place(db: Database, brand: Tenant) -> None:
    joined_at = datetime(2017, 3, 1, 4, tzinfo=UTC)
    newcomers = [
        identity.NewPerson(PersonId(new_id()), [Identifier(IdentifierKind.CARD, f"H{i}")], joined_at) for i in range(50)
    ]
    joiners = [
        Joiner(
            person_id=each.person_id, member_id=MemberId(new_id()), front="import", joined_at=joined_at,
            level="gold", growth=7_000, profile=Profile(name=f"Household {i}"),
        )
        for i, each in enumerate(newcomers)
    ]  # fmt: skip
    async with db.writing(brand) as tx:
        here = await street(tx)
        await identity.bulk_create(tx, newcomers, source="import")
        joiners[0] = Joiner(
            person_id=joiners[0].person_id, member_id=joiners[0].member_id, front="import", joined_at=joined_at,
            store_id=here.store_id, guide_id=here.guide_id, referrer_id=joiners[1].member_id,
        )  # fmt: skip
        made = await members.bulk_join(tx, joiners)
        assert len(made) == 50
        assert len({each.member_no for each in made}) == 50
        first, second = await members.member(tx, made[0].member_id), await members.member(tx, made[1].member_id)
        assert (first.level, first.store_id, first.referrer_id) == ("basic", here.store_id, second.member_id)
        assert (second.level, second.growth, second.name) == ("gold", 7_000, "Household 1")
        assert second.joined_at == joined_at
        told = [(fact, at) for fact, at in tx.told if isinstance(fact, members.MemberJoined)]
        assert len(told) == 50
        assert all(fact.imported and at == joined_at for fact, at in told)
        assert await members.checks(tx) == []
        assert not (await members.join(tx, joiners[0].person_id, front="mall")).joined
        with pytest.raises(members.AlreadyMember) as refused:
            await members.bulk_join(tx, joiners[3:4])
        assert refused.value.row == 0


async def test_an_import_with_a_wrong_row_lets_nobody_join(db: Database, brand: Tenant) -> None:
    def joiner(person: PersonId, **more: object) -> Joiner:
        given = {"person_id": person, "member_id": new_id(), "front": "import", "joined_at": datetime.now(UTC), **more}
        return Joiner(**given)  # pyright: ignore[reportArgumentType]  # any field may be the wrong one

    async with db.writing(brand) as tx:
        good, other = await somebody(tx, "C1"), await somebody(tx, "C2")
        nowhere: UUID = new_id()
        wrong: list[tuple[type[Exception], Joiner]] = [
            (members.AlreadyMember, joiner(good)),
            (identity.NoSuchPerson, joiner(PersonId(nowhere))),
            (organisation.NoSuchStore, joiner(other, store_id=nowhere)),
            (organisation.NoSuchGuide, joiner(other, guide_id=nowhere)),
            (organisation.NoSuchTouchpoint, joiner(other, touchpoint_id=nowhere)),
            (members.NoSuchReferrer, joiner(other, referrer_id=nowhere)),
            (members.NoSuchLevel, joiner(other, level="platinum")),
            (members.BadGrowth, joiner(other, growth=-1)),
            (members.BadFront, joiner(other, front="")),
            (members.BadProfile, joiner(other, profile=Profile(extra={"shoe": "42"}))),
        ]
        for refusal, row in wrong:
            with pytest.raises(refusal):
                await members.bulk_join(tx, [joiner(good), row])
        assert await members.member_of(tx, good) is None
