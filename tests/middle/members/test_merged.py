"""Memberships of persons who were merged: which one leads, and what each keeps."""

from datetime import timedelta

import pytest_asyncio

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.members.api import Member, MemberState
from midstage.middle.organisation import api as organisation


@pytest_asyncio.fixture(loop_scope="session")
async def brand(db: Database) -> Tenant:
    return await organisation.create_brand(
        db, code=f"g{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai"
    )


async def two(db: Database, brand: Tenant) -> tuple[Member, Member]:
    """Two members, the second of whom joined a day later."""
    found: list[Member] = []
    for number, now in enumerate((utc_now() - timedelta(days=1), utc_now())):
        async with db.writing(brand, now=now) as tx:
            who = await identity.attach_and_resolve(tx, [Identifier(IdentifierKind.CARD, f"C{number}")], source="test")
            found.append(await members.join(tx, who.person_id, front="mall"))
    return found[0], found[1]


async def merge(tx: Tx, one: Member, other: Member) -> identity.Link:
    return await identity.merge(tx, one.person_id, other.person_id, reason="test")


async def test_of_two_alike_the_one_who_joined_first_leads(db: Database, brand: Tenant) -> None:
    one, other = await two(db, brand)
    async with db.writing(brand) as tx:
        await merge(tx, other, one)
        for each in (one, other):
            found = await members.member_of(tx, each.person_id)
            assert found is not None
            assert found.member_id == one.member_id
            assert (await members.shopper(tx, each.member_id)).member_id == one.member_id
            hers = await members.memberships_with(tx, each.member_id)
            assert (hers.leading, hers.ids) == (one.member_id, {one.member_id, other.member_id})
            again = await members.join(tx, each.person_id, front="mall")
            assert (again.member_id, again.joined) == (one.member_id, False)
        assert [each.member_id for each in await members.memberships(tx, one.person_id)] == [
            one.member_id, other.member_id,
        ]  # fmt: skip


async def test_a_higher_level_leads_and_an_undo_gives_each_her_own_again(db: Database, brand: Tenant) -> None:
    one, other = await two(db, brand)
    async with db.writing(brand) as tx:
        await members.change_level(tx, other.member_id, level="gold", growth=5_000)
        link = await merge(tx, one, other)
        found = await members.member_of(tx, one.person_id)
        assert found is not None
        assert (found.member_id, found.level) == (other.member_id, "gold")
        assert (await members.shopper(tx, one.member_id)).level == "gold"
        assert (await members.member(tx, one.member_id)).level == one.level, "nothing is rewritten"
        await identity.undo(tx, link.link_id, reason="test")
        assert (await members.shopper(tx, one.member_id)).member_id == one.member_id
        assert (await members.member_of(tx, one.person_id)) == await members.member(tx, one.member_id)


async def test_one_who_is_active_leads_before_one_who_is_frozen(db: Database, brand: Tenant) -> None:
    one, other = await two(db, brand)
    async with db.writing(brand) as tx:
        await members.change_state(tx, one.member_id, MemberState.FROZEN, reason="fraud")
        await merge(tx, one, other)
        found = await members.member_of(tx, one.person_id)
        assert found is not None
        assert found.member_id == other.member_id


async def test_a_brand_without_merges_asks_nothing_more(db: Database, brand: Tenant) -> None:
    one, other = await two(db, brand)
    async with db.writing(brand) as tx:
        await members.shopper(tx, one.member_id)
        tx.recorder = []
        assert (await members.shopper(tx, other.member_id)).member_id == other.member_id
        assert len(tx.recorder) == 1
