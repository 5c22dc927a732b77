"""What the rules leave to somebody: limits, quarantine, the block list."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import CaseState, Identifier, IdentifierKind, PersonId, Why
from midstage.middle.organisation import api as organisation

OTHER_PHONE = Identifier(IdentifierKind.PHONE, "+8613900139001")
PHONE = Identifier(IdentifierKind.PHONE, "+8613800138000")
OPENID = Identifier(IdentifierKind.WECHAT_OPENID, "oABC123", "wxapp1")
OTHER_APP = Identifier(IdentifierKind.WECHAT_OPENID, "oABC999", "wxapp2")
CARD = Identifier(IdentifierKind.CARD, "A0001")
DEVICE = Identifier(IdentifierKind.DEVICE, "device-1")


def union(name: str) -> Identifier:
    return Identifier(IdentifierKind.WECHAT_UNIONID, name)


async def attach(tx: Tx, *given: Identifier) -> identity.Resolution:
    return await identity.attach_and_resolve(tx, given, source="test")


@pytest_asyncio.fixture(loop_scope="session")
async def brand(db: Database) -> Tenant:
    return await organisation.create_brand(
        db, code=f"i{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai"
    )


async def choose(tx: Tx, **settings: Any) -> None:
    root = next(each for each in (await organisation.units(tx)).values() if each.parent_id is None)
    holder = organisation.Holder(organisation.Level.BRAND, root.unit_id)
    known = [each for each in await organisation.choices(tx, "identity") if each.holder == holder]
    await organisation.choose(tx, "identity", holder, settings, version=known[0].version if known else None)


async def test_two_with_different_union_ids_are_not_merged_and_wait(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        one, other = await attach(tx, union("U1"), PHONE), await attach(tx, union("U2"))
        tx.told.clear()
        found = await attach(tx, union("U2"), PHONE)
        assert found.person_id == one.person_id, "the phone decides"
        assert found.merged == []
        assert found.elsewhere == [identity.Elsewhere(union("U2"), other.person_id)]
        [case_id] = found.quarantined
        case = await identity.case(tx, case_id)
        assert (case.person_id, case.other_id, case.why) == (one.person_id, other.person_id, Why.IDENTIFIERS)
        assert (case.identifier, case.with_identifier, case.state) == (union("U2"), PHONE, CaseState.OPEN)
        assert [type(fact) for fact, _ in tx.told] == [identity.MergeQuarantined]
        again = await attach(tx, union("U2"), PHONE)
        assert again.quarantined == [case_id]
        assert len(tx.told) == 1, "it is told once"
        assert [each.case_id for each in (await identity.cases(tx, PageRequest())).items] == [case_id]
        assert [each.case_id for each in await identity.cases_of(tx, other.person_id)] == [case_id]
        assert await identity.link_log(tx) == []


async def test_accepting_merges_over_the_limit(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        one, other = await attach(tx, union("U1"), PHONE), await attach(tx, union("U2"))
        [case_id] = (await attach(tx, union("U2"), PHONE)).quarantined
        case, link_id = await identity.accept(tx, case_id, reason="two accounts of hers")
        assert case.state is CaseState.ACCEPTED
        assert link_id is not None
        link = await identity.link(tx, link_id)
        assert (link.cause, link.case_id, link.reason) == (identity.Cause.CASE, case_id, "two accounts of hers")
        assert await identity.root(tx, other.person_id) == one.person_id
        with pytest.raises(identity.CaseClosed):
            await identity.accept(tx, case_id, reason="again")
        with pytest.raises(identity.CaseClosed):
            await identity.dismiss(tx, case_id, reason="no")
        assert await identity.checks(tx) == []


async def test_what_is_dismissed_is_not_asked_again(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await attach(tx, union("U1"), PHONE)
        await attach(tx, union("U2"))
        [case_id] = (await attach(tx, union("U2"), PHONE)).quarantined
        dismissed = await identity.dismiss(tx, case_id, reason="sisters")
        assert (dismissed.state, dismissed.closed_reason) == (CaseState.DISMISSED, "sisters")
        tx.told.clear()
        found = await attach(tx, union("U2"), PHONE)
        assert found.merged == []
        assert tx.told == []
        assert (await identity.cases(tx, PageRequest())).items == []
        assert await identity.link_log(tx) == []


async def test_a_merge_by_hand_settles_the_case_between_the_two(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        one, other = await attach(tx, union("U1"), PHONE), await attach(tx, union("U2"))
        [case_id] = (await attach(tx, union("U2"), PHONE)).quarantined
        await identity.merge(tx, other.person_id, one.person_id, reason="seen her card")
        assert (await identity.case(tx, case_id)).state is CaseState.ACCEPTED


async def test_a_fourth_phone_is_not_attached_but_asked(db: Database, tenant: Tenant) -> None:
    phones = [Identifier(IdentifierKind.PHONE, f"+861380013800{n}") for n in range(4)]
    async with db.writing(tenant) as tx:
        for phone in phones[:3]:
            found = await attach(tx, CARD, phone)
            assert found.attached[0] in {phone, CARD} or phone in found.attached
        found = await attach(tx, CARD, phones[3])
        assert found.attached == []
        [case_id] = found.quarantined
        case = await identity.case(tx, case_id)
        assert (case.other_id, case.why, case.identifier) == (None, Why.IDENTIFIERS, phones[3])
        assert await identity.resolve(tx, phones[3]) is None
        accepted, link_id = await identity.accept(tx, case_id, reason="she has four")
        assert link_id is None
        assert accepted.state is CaseState.ACCEPTED
        assert await identity.resolve(tx, phones[3]) == found.person_id


async def test_accepting_an_attachment_that_became_anothers_merges_the_two(db: Database, tenant: Tenant) -> None:
    phones = [Identifier(IdentifierKind.PHONE, f"+861380013800{n}") for n in range(4)]
    async with db.writing(tenant) as tx:
        for phone in phones[:3]:
            await attach(tx, CARD, phone)
        found = await attach(tx, CARD, phones[3])
        other = await attach(tx, phones[3])
        assert other.created
        _, link_id = await identity.accept(tx, found.quarantined[0], reason="hers")
        assert link_id is not None
        assert await identity.root(tx, other.person_id) == found.person_id


async def test_a_stranger_with_two_union_ids_gets_one_and_the_other_waits(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        found = await attach(tx, union("U1"), union("U2"), PHONE)
        assert found.created
        assert found.attached == [PHONE, union("U1")]
        assert (await identity.case(tx, found.quarantined[0])).identifier == union("U2")


async def test_an_openid_is_one_of_each_app(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        found = await attach(tx, PHONE, OPENID)
        assert (await attach(tx, PHONE, OTHER_APP)).attached == [OTHER_APP]
        second = Identifier(IdentifierKind.WECHAT_OPENID, "oSECOND", "wxapp1")
        assert (await attach(tx, PHONE, second)).attached == []
        assert (await attach(tx, PHONE, OPENID)).person_id == found.person_id


async def test_one_identifier_merges_only_so_many_in_a_time(db: Database, tenant: Tenant) -> None:
    """A phone that everybody of a shop gives: after three merges a person looks at it; a month later it may again."""
    cards = [Identifier(IdentifierKind.CARD, f"C{n}") for n in range(4)]
    async with db.writing(tenant) as tx:
        await attach(tx, PHONE)
        for card in cards:
            await attach(tx, card)
        for card in cards[:3]:
            assert len((await attach(tx, PHONE, card)).merged) == 1
        found = await attach(tx, PHONE, cards[3])
        assert found.merged == []
        assert (await identity.case(tx, found.quarantined[0])).why is Why.LINKS
        later = tx.now + timedelta(days=31)
    async with db.writing(tenant, now=later) as tx:
        assert len((await attach(tx, PHONE, cards[3])).merged) == 1


async def test_a_person_does_not_become_everybody(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        await choose(tx, most_persons=2)
        for given in (PHONE, CARD, OPENID):
            await attach(tx, given)
        assert len((await attach(tx, PHONE, CARD)).merged) == 1
        found = await attach(tx, PHONE, OPENID)
        assert found.merged == []
        assert (await identity.case(tx, found.quarantined[0])).why is Why.PERSONS


async def test_a_brand_chooses_what_merges_how_many_and_what_decides(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        rule = {"most": 1, "links": 3, "days": 30}
        await choose(
            tx, priority=["card"], kinds={"email": {**rule, "merges": False}, "phone": {**rule, "merges": True}}
        )
        email = Identifier(IdentifierKind.EMAIL, "a@example.com")
        by_email, by_phone, by_card = await attach(tx, email), await attach(tx, PHONE), await attach(tx, CARD)
        assert (await attach(tx, PHONE, email)).elsewhere == [identity.Elsewhere(email, by_email.person_id)]
        assert (await attach(tx, email, CARD)).person_id == by_card.person_id
        found = await identity.attach_and_resolve(tx, [PHONE, CARD], source="test", merging=False)
        assert found.person_id == by_card.person_id, "the card decides here"
        assert (await attach(tx, PHONE, OTHER_PHONE)).attached == []
        assert by_phone.person_id != by_card.person_id


async def test_a_policy_that_makes_no_sense_is_refused(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        for settings in ({"most_persons": 0}, {"kinds": {"phone": {"most": 0}}}, {"priority": ["shoe_size"]}):
            with pytest.raises(organisation.PolicyInvalid):
                await choose(tx, **settings)


async def test_a_blocked_value_neither_attaches_nor_leads_nor_merges(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await identity.block(tx, Identifier(IdentifierKind.PHONE, "138 0013 8000"), reason="the shop's own phone")
        with pytest.raises(identity.IdentifiersBlocked):
            await attach(tx, PHONE)
        found = await attach(tx, PHONE, CARD)
        assert found.created
        assert (found.attached, found.blocked) == ([CARD], [PHONE])
        other = await attach(tx, PHONE, OPENID)
        assert other.person_id != found.person_id
        assert await identity.resolve(tx, PHONE) is None
        assert (await attach(tx, PHONE, CARD, DEVICE)).attached == [DEVICE]
        assert PHONE.value not in str(tx.noted)


async def test_what_is_blocked_later_decides_no_more_until_it_is_lifted(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        one = await attach(tx, PHONE)
        await attach(tx, CARD)
        [link_id] = (await attach(tx, PHONE, CARD)).merged
        done = await identity.block(tx, PHONE, reason="the shop's own phone")
        assert done.person_id == one.person_id
        assert done.links == [link_id], "for somebody to undo"
        assert await identity.resolve(tx, PHONE) is None
        assert await identity.resolve_many(tx, [PHONE, CARD]) == {CARD: one.person_id}
        assert {each.identifier: each.blocked for each in await identity.identifiers_of(tx, one.person_id)} == {
            PHONE: True, CARD: False,
        }  # fmt: skip
        again = await identity.block(tx, PHONE, reason="twice")
        assert again.block == done.block
        [listed] = (await identity.blocks(tx, PageRequest())).items
        assert (listed.identifier, listed.reason) == (PHONE, "the shop's own phone")
        await identity.unblock(tx, listed.block_id, reason="a number of hers again")
        assert await identity.resolve(tx, PHONE) == one.person_id
        with pytest.raises(identity.NoSuchBlock):
            await identity.unblock(tx, listed.block_id, reason="again")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (IdentifierKind.PHONE, "13800000000"),
        (IdentifierKind.DEVICE, "00000000-0000-0000-0000-000000000000"),
        (IdentifierKind.CARD, "UNKNOWN"),
        (IdentifierKind.CARD, "99999999"),
        (IdentifierKind.DOUYIN, "null"),
    ],
)
async def test_placeholders_mean_nobody(db: Database, tenant: Tenant, kind: IdentifierKind, value: str) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(identity.IdentifiersBlocked):
            await attach(tx, Identifier(kind, value))
        found = await attach(tx, Identifier(kind, value), CARD)
        assert found.attached == [CARD]
        assert len(found.blocked) == 1


async def test_an_import_leaves_out_what_is_blocked(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await identity.block(tx, PHONE, reason="the shop's own phone")
        newcomers = [
            identity.NewPerson(PersonId(new_id()), [PHONE, Identifier(IdentifierKind.CARD, f"I{n}")]) for n in range(2)
        ]
        await identity.bulk_create(tx, newcomers, source="import")
        known = await identity.identifiers_of_many(tx, [each.person_id for each in newcomers])
        assert [[one.identifier.value for one in each] for each in known.values()] == [["I0"], ["I1"]]


async def test_a_case_that_nobody_decides_is_late_after_a_week(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await attach(tx, union("U1"), PHONE)
        await attach(tx, union("U2"))
        [case_id] = (await attach(tx, union("U2"), PHONE)).quarantined
        assert await identity.late(tx) == []
        later = tx.now + timedelta(days=8)
    async with db.reading(tenant, now=later) as tx:
        [late] = await identity.late(tx)
        assert (late.kind, late.subject_id) == ("identity.case", str(case_id))
