"""Merges: what causes them, what they leave alone, and what an undo gives back."""

import asyncio

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Cause, Identifier, IdentifierKind, PersonId

PHONE = Identifier(IdentifierKind.PHONE, "+8613800138000")
CARD = Identifier(IdentifierKind.CARD, "A0001")
OPENID = Identifier(IdentifierKind.WECHAT_OPENID, "oABC123", "wxapp1")
EMAIL = Identifier(IdentifierKind.EMAIL, "a@example.com")
TAOBAO = Identifier(IdentifierKind.TAOBAO, "tb1")
DEVICE = Identifier(IdentifierKind.DEVICE, "device-1")


async def attach(tx: Tx, *given: Identifier) -> identity.Resolution:
    return await identity.attach_and_resolve(tx, given, source="test")


async def persons(tx: Tx, count: int) -> list[PersonId]:
    return [(await attach(tx, Identifier(IdentifierKind.CARD, f"P{n}"))).person_id for n in range(count)]


async def merge(tx: Tx, one: PersonId, other: PersonId) -> identity.Link:
    return await identity.merge(tx, one, other, reason="the same name and birthday")


async def roots(tx: Tx, ids: list[PersonId]) -> list[PersonId]:
    found = await identity.persons(tx, ids)
    return [found[each].person_id for each in ids]


async def test_two_who_come_together_become_one_with_provenance(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        by_card, by_phone = await attach(tx, CARD), await attach(tx, PHONE)
        tx.told.clear()
        found = await attach(tx, PHONE, CARD)
        assert found.person_id == by_card.person_id, "the lowest number is the root"
        assert (found.created, found.attached, found.elsewhere, found.quarantined) == (False, [], [], [])
        [link_id] = found.merged
        link = await identity.link(tx, link_id)
        assert (link.one_id, link.other_id) == (by_phone.person_id, by_card.person_id)
        assert (link.one_identifier, link.other_identifier) == (PHONE, CARD)
        assert (link.cause, link.source, link.made_at, link.by) == (Cause.RULE, "test", tx.now, tx.by)
        assert link.undone is None
        assert [fact for fact, _ in tx.told] == [
            identity.PersonsMerged(
                person_id=by_card.person_id, person_no=1, loser_id=by_phone.person_id, loser_no=2, link_id=link_id,
                cause="rule",
            )
        ]  # fmt: skip
        assert await identity.resolve(tx, PHONE) == by_card.person_id
        assert await identity.checks(tx) == []


async def test_three_at_once_become_one_and_the_new_one_hangs_on_whom_the_best_hangs_on(
    db: Database, tenant: Tenant
) -> None:
    async with db.writing(tenant) as tx:
        by_card, by_email, by_phone = await attach(tx, CARD), await attach(tx, EMAIL), await attach(tx, PHONE)
        found = await attach(tx, EMAIL, OPENID, CARD, PHONE)
        assert found.person_id == by_card.person_id
        assert len(found.merged) == 2
        assert await roots(tx, [by_card.person_id, by_email.person_id, by_phone.person_id]) == [by_card.person_id] * 3
        hangs = {each.identifier: each.person_id for each in await identity.identifiers_of(tx, found.person_id)}
        assert hangs[OPENID] == by_phone.person_id
        assert await identity.checks(tx) == []


async def test_a_device_merges_nobody(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        visitor, owner = await attach(tx, DEVICE), await attach(tx, PHONE)
        found = await attach(tx, DEVICE, PHONE)
        assert found.person_id == owner.person_id
        assert found.merged == []
        assert found.elsewhere == [identity.Elsewhere(DEVICE, visitor.person_id)]


async def test_an_undo_takes_back_the_merge_and_nothing_else(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        by_card, by_phone = await attach(tx, CARD), await attach(tx, PHONE)
        [link_id] = (await attach(tx, PHONE, CARD)).merged
        later = await attach(tx, PHONE, OPENID)
        tx.told.clear()
        undone = await identity.undo(tx, link_id, reason="mother and daughter")
        assert undone.undone is not None
        assert (undone.undone.reason, undone.undone.at) == ("mother and daughter", tx.now)
        assert later.person_id == by_card.person_id
        assert await identity.resolve(tx, CARD) == by_card.person_id
        assert await identity.resolve(tx, PHONE) == by_phone.person_id
        assert await identity.resolve(tx, OPENID) == by_phone.person_id, "it came with the phone, and stays with it"
        assert [fact for fact, _ in tx.told] == [
            identity.MergeUndone(
                person_id=by_card.person_id, person_no=1, parted_id=by_phone.person_id, parted_no=2, link_id=link_id
            )
        ]
        with pytest.raises(identity.MergeUndoneAlready):
            await identity.undo(tx, link_id, reason="again")
        assert await identity.checks(tx) == []


async def test_what_was_undone_is_not_merged_again_but_asked(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        by_card, by_phone = await attach(tx, CARD), await attach(tx, PHONE)
        [link_id] = (await attach(tx, PHONE, CARD)).merged
        await identity.undo(tx, link_id, reason="mother and daughter")
        found = await attach(tx, PHONE, CARD)
        assert found.person_id == by_phone.person_id
        assert found.merged == []
        assert found.elsewhere == [identity.Elsewhere(CARD, by_card.person_id)]
        [case_id] = found.quarantined
        assert (await identity.case(tx, case_id)).why is identity.Why.PARTED
        assert (await attach(tx, PHONE, CARD)).quarantined == [case_id]
        assert (await identity.case(tx, case_id)).times == 2


async def test_merges_are_undone_out_of_order(db: Database, tenant: Tenant) -> None:
    """a–b, b–c, c–d: without a–b the other three stay one; then without c–d two of them."""
    async with db.writing(tenant) as tx:
        a, b, c, d = ids = await persons(tx, 4)
        first, second, third = await merge(tx, a, b), await merge(tx, b, c), await merge(tx, c, d)
        assert await roots(tx, ids) == [a, a, a, a]
        await identity.undo(tx, first.link_id, reason="test")
        assert await roots(tx, ids) == [a, b, b, b]
        await identity.undo(tx, third.link_id, reason="test")
        assert await roots(tx, ids) == [a, b, b, d]
        await identity.undo(tx, second.link_id, reason="test")
        assert await roots(tx, ids) == ids
        assert await identity.checks(tx) == []


async def test_merging_what_is_one_or_not_there_is_refused(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        a, b, c = await persons(tx, 3)
        await merge(tx, a, b)
        await merge(tx, b, c)
        tx.told.clear()
        with pytest.raises(identity.AlreadyOnePerson):
            await merge(tx, a, c)
        with pytest.raises(identity.AlreadyOnePerson):
            await merge(tx, a, a)
        with pytest.raises(identity.NoSuchPerson):
            await merge(tx, a, PersonId(new_id()))
        with pytest.raises(identity.NoSuchLink):
            await identity.undo(tx, identity.LinkId(new_id()), reason="test")
        assert tx.told == []


async def test_even_by_hand_there_is_an_end(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        ids = await persons(tx, 101)
        for each in ids[1:100]:
            await merge(tx, ids[0], each)
        with pytest.raises(identity.TooManyPersons):
            await merge(tx, ids[0], ids[100])


async def test_the_log_lists_the_latest_first_and_by_person(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        a, b, c, d = await persons(tx, 4)
        made = [(await merge(tx, a, b)).link_id, (await merge(tx, c, d)).link_id]
        first = await identity.links(tx, PageRequest(limit=1))
        rest = await identity.links(tx, PageRequest(after=first.next, limit=1))
        assert [each.link_id for each in (*first.items, *rest.items)] == made[::-1]
        assert rest.next is None
        assert [each.link_id for each in (await identity.links(tx, PageRequest(), person_id=d)).items] == made[1:]
        assert tx.noted[-1].action == "identity.merge"


async def test_brands_do_not_merge_each_others_persons(db: Database, tenant: Tenant) -> None:
    other = Tenant(type(tenant.brand)(tenant.brand + 600_000), "other")
    async with db.writing(tenant) as tx:
        a, b = await persons(tx, 2)
        link = await merge(tx, a, b)
    async with db.writing(other) as tx:
        with pytest.raises(identity.NoSuchPerson):
            await merge(tx, a, b)
        with pytest.raises(identity.NoSuchLink):
            await identity.undo(tx, link.link_id, reason="test")


async def test_two_who_attach_crosswise_at_once_make_one_merge(db: Database, tenant: Tenant) -> None:
    """Each brings what both know, in the other order: no deadlock, one link, and the same answer for both."""
    async with db.writing(tenant) as tx:
        await attach(tx, CARD)
        await attach(tx, PHONE)

    async def come(*given: Identifier) -> identity.Resolution:
        async def work(tx: Tx) -> identity.Resolution:
            return await attach(tx, *given)

        return await db.attempt(tenant, work)

    found = await asyncio.gather(*(come(PHONE, CARD) for _ in range(6)), *(come(CARD, PHONE, EMAIL) for _ in range(6)))
    assert len({each.person_id for each in found}) == 1
    assert len([link for each in found for link in each.merged]) == 1
    assert len([one for each in found for one in each.attached]) == 1
    async with db.reading(tenant) as tx:
        assert len(await identity.link_log(tx)) == 1
        assert await identity.checks(tx) == []


async def test_two_who_merge_crosswise_by_hand_make_one_merge(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        a, b = await persons(tx, 2)

    async def work(one: PersonId, other: PersonId) -> int:
        async def once(tx: Tx) -> int:
            await merge(tx, one, other)
            return 1

        try:
            return await db.attempt(tenant, once)
        except identity.AlreadyOnePerson:
            return 0

    assert sum(await asyncio.gather(*(work(a, b) for _ in range(4)), *(work(b, a) for _ in range(4)))) == 1
    async with db.reading(tenant) as tx:
        assert await identity.checks(tx) == []


async def test_a_merge_is_undone_once_by_however_many(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        a, b = await persons(tx, 2)
        link_id = (await merge(tx, a, b)).link_id

    async def work() -> int:
        async def once(tx: Tx) -> int:
            await identity.undo(tx, link_id, reason="test")
            return 1

        try:
            return await db.attempt(tenant, once)
        except identity.MergeUndoneAlready:
            return 0

    assert sum(await asyncio.gather(*(work() for _ in range(6)))) == 1
    async with db.reading(tenant) as tx:
        assert await roots(tx, [a, b]) == [a, b]


async def test_the_doctor_sees_an_alias_that_no_link_says(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        a, b, c = await persons(tx, 3)
        await merge(tx, a, b)
        await tx.run("insert into person_alias (brand_id, person_id, root_id) values ($1, $2, $3)", tx.brand, a, c)
        found = {each.check for each in await identity.checks(tx)}
        assert found == {"identity.alias", "identity.links"}


async def test_erasing_forgets_every_value_and_keeps_the_person(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await attach(tx, CARD)
        by_phone = await attach(tx, PHONE)
        found = await attach(tx, PHONE, CARD, TAOBAO)
        given = await identity.export_person(tx, [by_phone.person_id])
        assert {each["value"] for each in given["identifiers"]} == {CARD.value, PHONE.value, TAOBAO.value}
        assert [each["one_value"] for each in given["merges"]] == [PHONE.value]
        await identity.erase_person(tx, [by_phone.person_id])
        assert await identity.identifiers_of(tx, found.person_id) == []
        link = await identity.link(tx, found.merged[0])
        assert PHONE.value not in repr(link.one_identifier)
        assert link.one_identifier == Identifier(IdentifierKind.PHONE, "")
        assert (await identity.person(tx, by_phone.person_id)).person_id == found.person_id
        again = await attach(tx, PHONE)
        assert again.created
        assert again.person_no == 3, "a number is never given again"
        assert await identity.checks(tx) == []
