"""One-tap activation: members of an old system sleep until they come; level and points are theirs once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.ledger import api as ledger
from midstage.middle.members import api as members
from midstage.middle.members.api import Activation, ActivationPreview, DormantFilter, DormantState, NewDormant
from midstage.middle.organisation import api as organisation

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
PHONE = Identifier(IdentifierKind.PHONE, "+8613912345678")


class Old:
    """A brand with a store, that had another system before."""

    db: Database
    tenant: Tenant
    store: organisation.StoreId

    async def do(self, work: Any, *, now: datetime = NOON) -> Any:
        return await self.db.attempt(self.tenant, work, now=now)

    async def bring(self, *given: NewDormant) -> int:
        async def work(tx: Tx) -> int:
            return await members.import_dormant(tx, given)

        return await self.do(work)

    async def join(self, phone: Identifier = PHONE) -> members.Member:
        async def work(tx: Tx) -> members.Member:
            found = await identity.attach_and_resolve(tx, [phone], source="test")
            return await members.join(tx, found.person_id, front="mall")

        return await self.do(work)

    async def activate(self, member: members.Member, *, now: datetime = NOON) -> Activation:
        async def work(tx: Tx) -> Activation:
            return await members.activate(tx, member.member_id)

        return await self.do(work, now=now)

    async def points(self, member: members.Member, *, now: datetime = NOON) -> int:
        async with self.db.reading(self.tenant, now=now) as tx:
            assert await members.checks(tx) == []
            assert await ledger.checks(tx) == []
            account = ledger.account_id(tx.brand, "points", member.member_id, "points")
            return (await ledger.balance(tx, account)).free


@pytest_asyncio.fixture(loop_scope="session")
async def old(db: Database) -> Old:
    made = Old()
    made.db = db
    made.tenant = await organisation.create_brand(
        db, code=f"o{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )

    async def furnish(tx: Tx) -> None:
        await members.default_levels(tx)
        [made.store] = await organisation.create_stores(tx, [organisation.NewStore(code="S1", name="S1")])

    await made.do(furnish)
    return made


async def test_level_and_points_are_given_once_and_the_store_is_hers(old: Old) -> None:
    assert await old.bring(NewDormant("K-1", PHONE, "gold", 1_280, "李雷", old.store)) == 1
    member = await old.join()
    async with old.db.reading(old.tenant) as tx:
        assert await members.preview_activation(tx, member.member_id) == ActivationPreview(1, "gold", 1_280)
    assert await old.activate(member) == Activation(1, 1_280, "basic", "gold")
    assert await old.activate(member) == Activation(0, 0, "gold", "gold")
    assert await old.points(member) == 1_280
    async with old.db.reading(old.tenant) as tx:
        now = await members.member(tx, member.member_id)
        assert (now.name, now.level, now.growth, now.store_id) == ("李雷", "gold", 5_000, old.store)
        assert [one.reason for one in await members.bindings(tx, member.member_id)] == ["joined", "activation"]
        assert await identity.resolve(tx, Identifier(IdentifierKind.CARD, "K-1")) == member.person_id
        assert await members.preview_activation(tx, member.member_id) == ActivationPreview(0, "gold", 0)


async def test_devices_at_once_give_them_once(old: Old) -> None:
    await old.bring(NewDormant("K-1", PHONE, "silver", 500))
    member = await old.join()
    done = await asyncio.gather(*(old.activate(member) for _ in range(8)))
    assert sorted(one.cards for one in done) == [0] * 7 + [1]
    assert await old.points(member) == 500


async def test_two_cards_of_one_phone_are_both_hers(old: Old) -> None:
    await old.bring(NewDormant("K-1", PHONE, "silver", 300), NewDormant("K-2", PHONE, "black", 200))
    member = await old.join()
    assert await old.activate(member) == Activation(2, 500, "basic", "black")
    assert await old.points(member) == 500


async def test_who_is_a_member_already_keeps_the_higher_level(old: Old) -> None:
    member = await old.join()

    async def promote(tx: Tx) -> None:
        await members.change_level(tx, member.member_id, level="black", growth=30_000)

    await old.do(promote)
    await old.bring(NewDormant("K-1", PHONE, "silver", 300))
    assert await old.activate(member) == Activation(1, 300, "black", "black")
    async with old.db.reading(old.tenant) as tx:
        assert (await members.member(tx, member.member_id)).growth == 30_000


async def test_the_same_file_again_changes_nobody_who_was_activated(old: Old) -> None:
    first = NewDormant("K-1", PHONE, "silver", 300)
    await old.bring(first, NewDormant("K-9", Identifier(IdentifierKind.PHONE, "+8613912345679"), "basic", 1))
    member = await old.join()
    await old.activate(member)
    await old.bring(NewDormant("K-1", PHONE, "black", 999), NewDormant("K-9", PHONE, "gold", 2))
    async with old.db.reading(old.tenant) as tx:
        found = {one.old_no: one for one in (await members.dormants(tx, DormantFilter(), PageRequest())).items}
    assert (found["K-1"].state, found["K-1"].level, found["K-1"].phone) == (DormantState.ACTIVATED, "silver", None)
    assert (found["K-9"].state, found["K-9"].level, found["K-9"].points) == (DormantState.DORMANT, "gold", 2)
    assert await old.activate(member) == Activation(1, 2, "silver", "gold")
    assert await old.points(member) == 302


async def test_points_of_the_old_system_may_end_one_day(old: Old) -> None:
    async def choose(tx: Tx) -> None:
        home = await organisation.brand(tx)
        holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
        await organisation.choose(tx, "activation", holder, {"points_last_days": 30})

    await old.do(choose)
    await old.bring(NewDormant("K-1", PHONE, "silver", 300))
    member = await old.join()
    await old.activate(member)
    assert await old.points(member, now=NOON + timedelta(days=29)) == 300
    assert await old.points(member, now=NOON + timedelta(days=31)) == 0


async def test_it_is_counted_by_store_and_day(old: Old) -> None:
    phones = [Identifier(IdentifierKind.PHONE, f"+861391234568{n}") for n in range(4)]
    await old.bring(*(NewDormant(f"K-{n}", phones[n], "basic", 100, None, old.store) for n in range(4)))
    for n, day in ((0, 0), (1, 0), (2, 3)):
        await old.activate(await old.join(phones[n]), now=NOON + timedelta(days=day))
    async with old.db.reading(old.tenant) as tx:
        [counted] = await members.activation_counts(tx)
        assert (counted.store_id, counted.dormant, counted.dormant_points) == (old.store, 1, 100)
        assert [(one.day, one.activated, one.points) for one in counted.days] == [
            (date(2026, 3, 1), 2, 200),
            (date(2026, 3, 4), 1, 100),
        ]
        [until] = await members.activation_counts(tx, until=date(2026, 3, 2))
        assert (until.activated, until.dormant) == (2, 1)
        assert await members.activation_counts(tx, store_ids=frozenset()) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (NewDormant("", PHONE, "basic"), "old_no"),
        (NewDormant("K\n1", PHONE, "basic"), "old_no"),
        (NewDormant("K-1", Identifier(IdentifierKind.CARD, "K-1"), "basic"), "phone"),
        (NewDormant("K-1", PHONE, "platinum"), "level"),
        (NewDormant("K-1", PHONE, "basic", -1), "points"),
        (NewDormant("K-1", PHONE, "basic", 1, " \0"), "name"),
    ],
)
async def test_what_cannot_be_a_member_of_an_old_system_is_refused(old: Old, given: NewDormant, field: str) -> None:
    with pytest.raises(members.BadDormant) as bad:
        await old.bring(NewDormant("K-0", PHONE, "basic"), given)
    assert bad.value.field == field
    async with old.db.reading(old.tenant) as tx:
        assert (await members.dormants(tx, DormantFilter(), PageRequest())).items == []


async def test_what_is_told_holds_no_number_and_no_phone(old: Old) -> None:
    await old.bring(NewDormant("K-1", PHONE, "gold", 1_280, "李雷", old.store))
    member = await old.join()

    async def work(tx: Tx) -> str:
        await members.activate(tx, member.member_id)
        return str([fact for fact, _ in tx.told])

    told = await old.do(work)
    assert "MemberActivated" in told
    for word in ("K-1", "13912345678", "李雷"):
        assert word not in told
