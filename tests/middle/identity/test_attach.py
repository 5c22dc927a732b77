"""Attach and resolve: who is meant, who is created, what stays where it is."""

import asyncio
from datetime import UTC, datetime

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity import facts, store
from midstage.middle.identity.api import Identifier, IdentifierKind, PersonId

PHONE = Identifier(IdentifierKind.PHONE, "+8613800138000")
OTHER_PHONE = Identifier(IdentifierKind.PHONE, "+8613900139000")
OPENID = Identifier(IdentifierKind.WECHAT_OPENID, "oABC123", "wxapp1")
CARD = Identifier(IdentifierKind.CARD, "A0001")
DEVICE = Identifier(IdentifierKind.DEVICE, "device-1")


async def attach(tx: Tx, *identifiers: Identifier) -> identity.Resolution:
    return await identity.attach_and_resolve(tx, identifiers, source="test")


async def merge(tx: Tx, one: PersonId, other: PersonId) -> None:
    await identity.merge(tx, one, other, reason="test")


async def test_a_stranger_becomes_a_person_with_the_first_number(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        found = await attach(tx, PHONE, OPENID)
        assert found.created
        assert found.person_no == 1
        assert found.attached == [PHONE, OPENID]
        assert found.elsewhere == []
        assert [fact for fact, _ in tx.told] == [
            facts.PersonCreated(person_id=found.person_id, person_no=1, source="test"),
            facts.IdentifiersAttached(person_id=found.person_id, kinds=["phone", "wechat_openid"], source="test"),
        ]


async def test_the_same_identifiers_again_change_and_tell_nothing(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        first = await attach(tx, PHONE, OPENID)
    async with db.writing(tenant) as tx:
        again = await attach(tx, OPENID, Identifier(IdentifierKind.PHONE, "138 0013 8000"))
        assert (again.person_id, again.person_no) == (first.person_id, first.person_no)
        assert (again.created, again.attached, again.elsewhere) == (False, [], [])
        assert tx.told == []


async def test_new_identifiers_go_to_the_person_that_the_known_one_means(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        first = await attach(tx, OPENID)
        later = await attach(tx, PHONE, OPENID, CARD)
        assert later.person_id == first.person_id
        assert later.attached == [PHONE, CARD]
        assert [each.identifier for each in await identity.identifiers_of(tx, first.person_id)] == [CARD, PHONE, OPENID]


async def test_the_most_trusted_known_identifier_decides_and_without_merging_the_others_stay(
    db: Database, tenant: Tenant
) -> None:
    async with db.writing(tenant) as tx:
        by_card = await attach(tx, CARD)
        by_phone = await attach(tx, PHONE)
        found = await identity.attach_and_resolve(tx, [CARD, OPENID, PHONE], source="test", merging=False)
        assert found.person_id == by_phone.person_id
        assert found.attached == [OPENID]
        assert found.merged == []
        assert found.elsewhere == [identity.Elsewhere(CARD, by_card.person_id)]
        assert await identity.resolve(tx, CARD) == by_card.person_id


async def test_an_anonymous_device_becomes_the_one_who_signs_in(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        visitor = await attach(tx, DEVICE)
        signed_in = await attach(tx, DEVICE, PHONE)
        assert signed_in.person_id == visitor.person_id


async def test_a_second_phone_on_the_same_device_is_another_person(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        owner = await attach(tx, DEVICE, PHONE)
        friend = await attach(tx, DEVICE, OTHER_PHONE)
        assert friend.created
        assert friend.person_id != owner.person_id
        assert friend.elsewhere == [identity.Elsewhere(DEVICE, owner.person_id)]
        assert await identity.resolve(tx, DEVICE) == owner.person_id


async def test_a_device_of_a_merged_person_knows_the_phone_of_its_root(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        by_device, by_phone = await attach(tx, DEVICE), await attach(tx, PHONE)
        await merge(tx, by_device.person_id, by_phone.person_id)
        friend = await attach(tx, DEVICE, OTHER_PHONE)
        assert friend.created
        assert friend.elsewhere == [identity.Elsewhere(DEVICE, by_device.person_id)]


async def test_a_merged_person_is_its_root_everywhere(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        root, loser = await attach(tx, CARD), await attach(tx, PHONE)
        await merge(tx, loser.person_id, root.person_id)
        found = await attach(tx, CARD, OPENID)
        assert (found.person_id, found.person_no) == (root.person_id, root.person_no)
        assert found.elsewhere == []
        assert await identity.resolve(tx, PHONE) == root.person_id
        assert await identity.root(tx, loser.person_id) == root.person_id
        assert await identity.root(tx, root.person_id) == root.person_id
        whole = {each.identifier: each.person_id for each in await identity.identifiers_of(tx, loser.person_id)}
        assert whole == {CARD: root.person_id, PHONE: loser.person_id, OPENID: root.person_id}
        assert (await identity.person(tx, loser.person_id)).ids == [root.person_id, loser.person_id]


async def test_brands_do_not_know_each_other(db: Database, tenant: Tenant) -> None:
    other = Tenant(tenant.brand, tenant.code)
    async with db.writing(tenant) as tx:
        here = await attach(tx, PHONE)
    other = Tenant(type(tenant.brand)(tenant.brand + 500_000), "other")
    async with db.writing(other) as tx:
        assert await identity.resolve(tx, PHONE) is None
        with pytest.raises(identity.NoSuchPerson):
            await identity.person(tx, here.person_id)
        there = await attach(tx, PHONE)
        assert there.created
        assert there.person_no == 1


async def test_nothing_to_attach_is_refused(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(identity.NoIdentifiers):
            await attach(tx)
        with pytest.raises(identity.TooManyIdentifiers):
            await attach(tx, *(Identifier(IdentifierKind.CARD, f"C{i}") for i in range(21)))
        with pytest.raises(identity.BadIdentifier):
            await attach(tx, Identifier(IdentifierKind.PHONE, "12345"))


async def test_detaching_frees_the_identifier_and_leaves_a_masked_trace(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        found = await attach(tx, PHONE, CARD)
        await identity.detach(tx, found.person_id, PHONE, reason="gave it up")
        assert await identity.resolve(tx, PHONE) is None
        assert await identity.resolve(tx, CARD) == found.person_id
        assert PHONE.value not in str(tx.noted)
        with pytest.raises(identity.NoSuchIdentifier):
            await identity.detach(tx, found.person_id, PHONE, reason="again")
        other = await attach(tx, OTHER_PHONE)
        with pytest.raises(identity.NoSuchIdentifier):
            await identity.detach(tx, other.person_id, CARD, reason="not hers")


async def test_numbers_count_up_and_a_rolled_back_one_is_given_again(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        numbers = [(await attach(tx, Identifier(IdentifierKind.CARD, f"N{i}"))).person_no for i in range(40)]
    assert numbers == list(range(1, 41))

    async def fail() -> None:
        async with db.writing(tenant) as tx:
            assert (await attach(tx, PHONE)).person_no == 41
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fail()
    async with db.writing(tenant) as tx:
        assert (await attach(tx, OPENID)).person_no == 41
        assert await identity.checks(tx) == []


async def test_one_statement_for_the_known_two_for_the_new_and_three_to_attach(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await attach(tx, CARD)
        tx.recorder = []
        await attach(tx, PHONE, OPENID)
        await attach(tx, PHONE, OPENID)
        await attach(tx, PHONE, DEVICE)
        assert [sql for sql, _ in tx.recorder] == [
            *(store.KNOWN, store.BIRTH),
            store.KNOWN,
            *(store.KNOWN, store.LOOK, store.WRITE),
        ]


async def test_two_with_the_same_new_phone_become_one_person(db: Database, tenant: Tenant) -> None:
    """The second waits for the first and finds it, together with all else that it brought."""
    async with db.writing(tenant) as tx:
        await attach(tx, CARD)  # the brand has its slots
    began = asyncio.Event()

    async def second() -> identity.Resolution:
        async with db.writing(tenant) as tx:
            began.set()
            return await attach(tx, PHONE, OPENID)

    async with db.writing(tenant) as tx:
        first = await attach(tx, PHONE, DEVICE)
        waiting = asyncio.create_task(second())
        await began.wait()
        await asyncio.sleep(0.05)
        assert not waiting.done()
    found = await waiting
    assert found.person_id == first.person_id
    assert not found.created
    assert found.attached == [OPENID]
    async with db.writing(tenant) as tx:
        assert (await attach(tx, OTHER_PHONE)).person_no == 3, "the loser used no number"
        assert await identity.checks(tx) == []


async def test_a_race_on_a_lesser_identifier_ends_as_one_after_the_other(db: Database, tenant: Tenant) -> None:
    """Phone and openid are new to this one, while another has just attached the openid: they are one person."""

    async def second() -> identity.Resolution:
        async with db.writing(tenant) as tx:
            return await attach(tx, PHONE, OPENID, CARD)

    async with db.writing(tenant) as tx:
        first = await attach(tx, OPENID)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    found = await waiting
    assert found.person_id == first.person_id
    assert found.attached == [PHONE, CARD]
    async with db.reading(tenant) as tx:
        assert await identity.checks(tx) == []


async def test_a_race_on_a_better_identifier_moves_the_decision(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        by_device = await attach(tx, DEVICE)

    async def second() -> identity.Resolution:
        async with db.writing(tenant) as tx:
            return await attach(tx, PHONE, CARD, DEVICE)

    async with db.writing(tenant) as tx:
        first = await attach(tx, PHONE)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.05)
    found = await waiting
    assert found.person_id == first.person_id
    assert found.attached == [CARD]
    assert found.elsewhere == [identity.Elsewhere(DEVICE, by_device.person_id)]


async def test_whoever_rolls_back_leaves_the_identifier_to_the_one_who_waits(db: Database, tenant: Tenant) -> None:
    async def second() -> identity.Resolution:
        async with db.writing(tenant) as tx:
            return await attach(tx, PHONE)

    waiting: list[asyncio.Task[identity.Resolution]] = []

    async def fail() -> None:
        async with db.writing(tenant) as tx:
            await attach(tx, PHONE, CARD)
            waiting.append(asyncio.create_task(second()))
            await asyncio.sleep(0.05)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fail()
    assert (await waiting[0]).created
    async with db.reading(tenant) as tx:
        assert await identity.resolve(tx, CARD) is None


async def test_an_import_gets_a_dense_block_and_keeps_its_dates(db: Database, tenant: Tenant) -> None:
    born_at = datetime(2017, 1, 1, tzinfo=UTC)
    newcomers = [
        identity.NewPerson(PersonId(new_id()), [Identifier(IdentifierKind.CARD, f"h{i}")], born_at) for i in range(100)
    ]
    async with db.writing(tenant) as tx:
        await attach(tx, PHONE)
        numbers = await identity.bulk_create(tx, newcomers, source="import")
        assert sorted(numbers.values()) == list(range(2, 102))
        assert {at for _, at in tx.told[2:]} == {born_at}
        assert len(tx.told) == 2 + 200
        card = await attach(tx, Identifier(IdentifierKind.CARD, "H7"))
        assert card.person_id == newcomers[7].person_id
        assert card.person_no == numbers[newcomers[7].person_id]
        assert (await attach(tx, OPENID)).person_no == 102
        assert await identity.checks(tx) == []


async def test_an_import_with_a_taken_identifier_is_refused_with_its_row(db: Database, tenant: Tenant) -> None:
    def newcomer(card: str) -> identity.NewPerson:
        return identity.NewPerson(PersonId(new_id()), [Identifier(IdentifierKind.CARD, card)])

    async with db.writing(tenant) as tx:
        await attach(tx, CARD)
        with pytest.raises(identity.IdentifierTaken) as refused:
            await identity.bulk_create(tx, [newcomer("B1"), newcomer("a0001")], source="import")
        assert refused.value.row == 1
        with pytest.raises(identity.IdentifierTaken) as refused:
            await identity.bulk_create(tx, [newcomer("B1"), newcomer("B2"), newcomer("b1")], source="import")
        assert refused.value.row == 2
        assert await identity.resolve(tx, Identifier(IdentifierKind.CARD, "B1")) is None


async def test_the_doctor_sees_an_identifier_of_nobody(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await attach(tx, PHONE)
        await tx.run("delete from person where brand_id = $1", tx.brand)
        assert {each.check for each in await identity.checks(tx)} == {"identity.owner", "identity.dealt"}
