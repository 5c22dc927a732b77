"""Whose customer somebody is: by rule, with a history that has no gap and no overlap."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.members import care_rules
from midstage.middle.members.api import BindingPolicy, Touch, TouchKind, Winner
from midstage.middle.members.care import Held
from midstage.middle.organisation import api as organisation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Town:
    """Two stores, each with a guide."""

    tenant: Tenant
    virtual: organisation.Virtual
    stores: list[organisation.StoreId]
    guides: list[organisation.GuideId]


@pytest_asyncio.fixture(loop_scope="session")
async def town(db: Database) -> Town:
    made = Town()
    made.tenant = await organisation.create_brand(
        db, code=f"b{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )

    async def furnish(tx: Tx) -> None:
        made.virtual = await organisation.virtual(tx)
        made.stores = await organisation.create_stores(
            tx, [organisation.NewStore(code=f"S{n}", name=f"S{n}") for n in range(2)]
        )
        made.guides = await organisation.place_guides(
            tx, [organisation.NewGuide(code=f"G{n}", name="王", store_id=made.stores[n]) for n in range(2)]
        )

    await db.attempt(made.tenant, furnish, now=NOON - 400 * DAY)
    return made


async def choose(db: Database, town: Town, policy: BindingPolicy) -> None:
    async def work(tx: Tx) -> None:
        home = await organisation.brand(tx)
        holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
        chosen = {
            "winner": policy.winner.value,
            "count_days": policy.count_days,
            "protection_days": policy.protection_days,
            "idle_days": policy.idle_days,
        }
        await organisation.choose(tx, "binding", holder, chosen)

    await db.attempt(town.tenant, work)


async def joined(
    db: Database, town: Town, *, guide: int | None = None, store: int | None = None, at: datetime = NOON
) -> members.Member:
    async def work(tx: Tx) -> members.Member:
        found = await identity.attach_and_resolve(tx, [Identifier(IdentifierKind.CARD, new_id().hex)], source="test")
        return await members.join(
            tx,
            found.person_id,
            front="mall",
            guide_id=None if guide is None else town.guides[guide],
            store_id=None if store is None else town.stores[store],
        )

    return await db.attempt(town.tenant, work, now=at)


def sale(town: Town, place: int, at: datetime, *, guide: organisation.GuideId | None = None) -> Touch:
    return Touch(
        touch_id=new_id(),
        kind=TouchKind.PURCHASE,
        store_id=town.stores[place],
        guide_id=town.guides[place] if guide is None else guide,
        at=at,
    )


async def touch(db: Database, town: Town, member: members.Member, one: Touch) -> tuple[object, object]:
    """Let somebody serve a member; where she belongs afterwards."""

    async def work(tx: Tx) -> members.Member:
        await members.touched(tx, member.member_id, one)
        return await members.member(tx, member.member_id)

    found = await db.attempt(town.tenant, work, now=one.at)
    return found.store_id, found.guide_id


async def history(db: Database, town: Town, member: members.Member) -> list[members.Binding]:
    async with db.reading(town.tenant) as tx:
        assert await members.checks(tx) == []
        found = await members.bindings(tx, member.member_id)
    assert all(one.until == other.since for one, other in pairwise(found)), "a gap or an overlap"
    assert [one.until is None for one in found] == [False] * (len(found) - 1) + [True]
    return found


async def test_who_comes_first_has_her_and_stays(db: Database, town: Town) -> None:
    member = await joined(db, town)
    ours = (town.stores[0], town.guides[0])
    assert await touch(db, town, member, sale(town, 0, NOON + DAY)) == ours
    assert await touch(db, town, member, sale(town, 1, NOON + 2 * DAY)) == ours
    assert [one.reason for one in await history(db, town, member)] == ["joined", "first_touch"]


async def test_a_member_of_a_store_gets_the_first_guide_of_that_store_alone(db: Database, town: Town) -> None:
    member = await joined(db, town, store=0)
    assert await touch(db, town, member, sale(town, 1, NOON + DAY)) == (town.stores[0], town.virtual.guide_id)
    assert await touch(db, town, member, sale(town, 0, NOON + 2 * DAY)) == (town.stores[0], town.guides[0])


async def test_the_last_purchase_wins_where_the_brand_says_so(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE))
    member = await joined(db, town, guide=0)
    scan = Touch(touch_id=new_id(), kind=TouchKind.SCAN, store_id=town.stores[1], at=NOON + DAY)
    assert await touch(db, town, member, scan) == (town.stores[0], town.guides[0])
    assert await touch(db, town, member, sale(town, 1, NOON + 2 * DAY)) == (town.stores[1], town.guides[1])
    late = sale(town, 0, NOON + DAY)  # an offline till that comes back
    assert await touch(db, town, member, late) == (town.stores[1], town.guides[1])
    assert [one.reason for one in await history(db, town, member)] == ["joined", "last_purchase"]


async def test_a_sale_of_her_own_guide_elsewhere_takes_her_from_nobody(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE))
    member = await joined(db, town, guide=0)
    elsewhere = sale(town, 1, NOON + DAY, guide=town.guides[0])
    assert await touch(db, town, member, elsewhere) == (town.stores[0], town.guides[0])


async def test_a_guide_who_left_wins_nobody_but_her_store_does(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE))
    member = await joined(db, town, guide=0)

    async def leave(tx: Tx) -> None:
        await organisation.end_guide(tx, town.guides[1])

    await db.attempt(town.tenant, leave, now=NOON)
    assert await touch(db, town, member, sale(town, 1, NOON + DAY)) == (town.stores[1], town.virtual.guide_id)


async def test_protection_and_idleness_keep_her(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE, protection_days=30, idle_days=60))
    member = await joined(db, town, guide=0)
    ours, theirs = (town.stores[0], town.guides[0]), (town.stores[1], town.guides[1])
    assert await touch(db, town, member, sale(town, 1, NOON + 29 * DAY)) == ours, "she is protected"
    assert await touch(db, town, member, sale(town, 0, NOON + 40 * DAY)) == ours
    assert await touch(db, town, member, sale(town, 1, NOON + 99 * DAY)) == ours, "she was served 59 days ago"
    assert await touch(db, town, member, sale(town, 1, NOON + 100 * DAY)) == theirs


async def test_most_purchases_of_the_days_that_count_win(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.MOST_PURCHASES, count_days=10))
    member = await joined(db, town, guide=0)
    ours, theirs = (town.stores[0], town.guides[0]), (town.stores[1], town.guides[1])
    assert await touch(db, town, member, sale(town, 0, NOON + DAY)) == ours
    assert await touch(db, town, member, sale(town, 1, NOON + 2 * DAY)) == ours, "one each: who has her keeps her"
    assert await touch(db, town, member, sale(town, 1, NOON + 3 * DAY)) == theirs
    assert await touch(db, town, member, sale(town, 0, NOON + 13 * DAY)) == ours, "the others are too long ago"


async def test_a_touch_counts_once(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.MOST_PURCHASES))
    member = await joined(db, town, guide=0)
    await touch(db, town, member, sale(town, 0, NOON + DAY))
    again = sale(town, 1, NOON + 2 * DAY)
    for _ in range(3):
        assert await touch(db, town, member, again) == (town.stores[0], town.guides[0])


async def test_a_closed_or_unknown_member_is_left_alone(db: Database, town: Town) -> None:
    member = await joined(db, town)

    async def work(tx: Tx) -> None:
        await members.change_state(tx, member.member_id, members.MemberState.CLOSED, reason="left")
        assert await members.touched(tx, member.member_id, sale(town, 0, NOON + DAY)) is None
        assert await members.touched(tx, members.MemberId(new_id()), sale(town, 0, NOON + DAY)) is None

    await db.attempt(town.tenant, work, now=NOON)


async def test_touches_at_once_are_decided_one_after_the_other(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE))
    member = await joined(db, town, guide=0)
    touches = [sale(town, n % 2, NOON + DAY + timedelta(seconds=n)) for n in range(12)]
    await asyncio.gather(*(touch(db, town, member, one) for one in touches))
    found = await history(db, town, member)
    assert all((one.store_id, one.guide_id) != (other.store_id, other.guide_id) for one, other in pairwise(found))


async def test_binding_by_hand_and_by_rule_at_once_leaves_one_chain(db: Database, town: Town) -> None:
    await choose(db, town, BindingPolicy(winner=Winner.LAST_PURCHASE))
    member = await joined(db, town, guide=0)

    async def by_hand(n: int) -> None:
        async def work(tx: Tx) -> None:
            await members.bind(tx, member.member_id, guide_id=town.guides[n % 2], reason="moved house")

        try:
            await db.attempt(town.tenant, work)
        except members.MemberChanged:
            return

    sales = [touch(db, town, member, sale(town, n % 2, NOON + DAY + timedelta(seconds=n))) for n in range(12)]
    await asyncio.gather(*sales, *(by_hand(n) for n in range(12)))
    await history(db, town, member)


@pytest.mark.parametrize(
    "wrong",
    [
        (
            "insert into member_binding select brand_id, new_id, member_id, store_id, guide_id, touchpoint_id, reason,"
            " by_kind, by_id, since + interval '1 hour' from member_binding, uuidv7() new_id where brand_id = $1"
        ),
        "update member_binding set until_at = since + interval '1 hour' where brand_id = $1",
        "update member_binding set until_at = since where brand_id = $1",
    ],
    ids=["a second open one", "an end where nothing begins", "an end before it began"],
)
async def test_the_database_refuses_a_history_with_a_gap_or_an_overlap(db: Database, town: Town, wrong: str) -> None:
    await joined(db, town, guide=0)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with db.writing(town.tenant) as tx:
            await tx.run(wrong, tx.brand)


async def test_words_of_staff_go_into_the_history_and_into_no_fact(db: Database, town: Town) -> None:
    member = await joined(db, town, guide=0)
    async with db.writing(town.tenant) as tx:
        await members.bind(tx, member.member_id, guide_id=town.guides[1], reason="李雷搬家了")
        [fact] = [fact for fact, _ in tx.told if isinstance(fact, members.MemberBound)]
        assert fact.reason == "by_hand"
    assert [one.reason for one in await history(db, town, member)] == ["joined", "李雷搬家了"]


async def test_old_touches_are_forgotten(db: Database, town: Town) -> None:
    member = await joined(db, town, guide=0)
    await touch(db, town, member, sale(town, 0, NOON))
    async with db.writing(town.tenant, now=NOON + 300 * DAY) as tx:
        assert await members.forget_touches(tx) == 0
    async with db.writing(town.tenant, now=NOON + 400 * DAY) as tx:
        assert await members.forget_touches(tx) == 1


STORES = [organisation.StoreId(new_id()) for _ in range(3)]
GUIDES = [organisation.GuideId(new_id()) for _ in range(3)]
NOBODY = organisation.Virtual(STORES[0], GUIDES[0], organisation.TouchpointId(new_id()))
_policies = st.builds(
    BindingPolicy,
    winner=st.sampled_from(Winner),
    protection_days=st.integers(0, 40),
    idle_days=st.integers(0, 40),
    count_days=st.integers(1, 60),
)
_touches = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 2), st.sampled_from(TouchKind), st.integers(0, 30)), max_size=12
)


@settings(max_examples=100, deadline=None)
@given(policy=_policies, steps=_touches)
def test_a_rule_never_takes_a_member_into_the_open_nor_from_those_who_are_protected(
    policy: BindingPolicy, steps: list[tuple[int, int, TouchKind, int]]
) -> None:
    held = Held(STORES[0], GUIDES[0], NOBODY.touchpoint_id, NOON, NOON)
    at = NOON
    for store, guide, kind, days in steps:
        at += timedelta(days=days)
        one = Touch(
            touch_id=new_id(), kind=kind, store_id=STORES[store], guide_id=GUIDES[guide] if guide else None, at=at
        )
        counts = {care_rules.claim(one, NOBODY): 1}
        bound = care_rules.rebind(policy, held, one, counts, NOBODY)
        if bound is None:
            if care_rules.is_own(held, one, NOBODY):
                held = Held(held.store_id, held.guide_id, held.touchpoint_id, held.since, at)
            continue
        known = held.store_id != NOBODY.store_id and held.guide_id != NOBODY.guide_id
        assert bound.store_id != NOBODY.store_id, "nobody is sent into the open"
        assert (bound.store_id, bound.guide_id) != (held.store_id, held.guide_id)
        if known:
            assert policy.winner is not Winner.FIRST_TOUCH
            assert kind is TouchKind.PURCHASE
            assert at >= held.since + timedelta(days=policy.protection_days)
            assert at >= held.served_at + timedelta(days=policy.idle_days)
        held = Held(bound.store_id, bound.guide_id, bound.touchpoint_id, at, at)
