"""What a member has bought so far is what the facts say, each counted once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered, Fact
from midstage.kit.facts.replay import replay
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.facts.subscribers import Deliverer, Subscriber
from midstage.kit.ids import BrandId, new_id
from midstage.middle.loyalty import api as loyalty
from midstage.middle.loyalty import rules
from midstage.middle.loyalty.api import Standing
from midstage.middle.members.api import MemberId
from midstage.middle.orders import api as orders

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def paid(
    member: UUID | None, minor: int, *, milli: int = 1000, at: datetime = NOON, currency: str = "CNY"
) -> orders.OrderPaid:
    return orders.OrderPaid(
        order_id=new_id(), kind="mall", sales_channel="mall", store_id=new_id(), guide_id=new_id(),
        touchpoint_id=new_id(), referrer_id=None, member_id=member, currency=currency, paid_minor=minor,
        units_milli=milli, placed_at=at,
    )  # fmt: skip


def imported(member: UUID, minor: int, *, milli: int = 1000, at: datetime = NOON) -> orders.OrderImported:
    return orders.OrderImported(
        order_id=new_id(), kind="imported", sales_channel="till", store_id=new_id(), guide_id=new_id(),
        touchpoint_id=new_id(), referrer_id=None, member_id=member, currency="CNY", paid_minor=minor,
        units_milli=milli, placed_at=at,
    )  # fmt: skip


def refunded(order: orders.OrderPaid, minor: int, *, milli: int = 0) -> orders.OrderRefunded:
    return orders.OrderRefunded(
        order_id=order.order_id, refund_id=new_id(), member_id=order.member_id, store_id=new_id(),
        currency=order.currency, refunded_minor=minor, units_milli=milli, lines=[],
    )  # fmt: skip


async def hear(tx: Tx, *facts: Fact) -> None:
    for number, fact in enumerate(facts, 1):
        await loyalty.note_purchase(tx, Delivered(tx.brand, number, number, fact, NOON.date(), NOON))


async def test_purchases_add_up_by_currency_and_refunds_take_away(db: Database, tenant: Tenant) -> None:
    member, nobody = MemberId(new_id()), MemberId(new_id())
    first = paid(member, 10_000, milli=2_000, at=NOON)
    async with db.writing(tenant) as tx:
        await hear(
            tx,
            first,
            imported(member, 5_000, milli=1_500, at=NOON - timedelta(days=400)),
            paid(member, 700, at=NOON + timedelta(days=1), currency="USD"),
            refunded(first, 4_000, milli=1_000),
            paid(None, 99_999),
        )
        tx.recorder = []
        found = await loyalty.standing(tx, [member, nobody])
        assert len(tx.recorder) == 1
        assert found == {
            member: Standing(
                orders=3,
                units_milli=3_500,
                spent_minor={"CNY": 11_000, "USD": 700},
                first_bought_at=NOON - timedelta(days=400),
                last_bought_at=NOON + timedelta(days=1),
            ),
            nobody: Standing(),
        }
        assert await loyalty.checks(tx) == []


async def test_facts_of_others_are_passed_over(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await hear(tx, orders.OrderExpired(order_id=new_id()))
        assert await loyalty.compare(tx, []) == []


async def test_one_statement_a_fact(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        tx.recorder = []
        await hear(tx, paid(new_id(), 100))
        assert len(tx.recorder) == 1


async def test_more_back_than_paid_is_found(db: Database, tenant: Tenant) -> None:
    member = new_id()
    first = paid(member, 100)
    async with db.writing(tenant) as tx:
        await hear(tx, first, refunded(first, 150))
        assert [each.check for each in await loyalty.checks(tx)] == ["loyalty.spent"]


_steps = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9_999), st.integers(0, 20), st.booleans()), max_size=15)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
async def test_the_projection_is_the_fold_of_its_facts_in_any_order(
    db: Database, tenant: Tenant, steps: list[tuple[int, int, int, bool]]
) -> None:
    shoppers = [new_id() for _ in range(3)]
    facts: list[Fact] = []
    for who, minor, days, back in steps:
        order = paid(shoppers[who], minor, milli=days * 100, at=NOON + timedelta(days=days))
        facts.append(order)
        if back:
            facts.append(refunded(order, minor // 2, milli=days * 50))
    async with db.writing(tenant) as tx:
        await loyalty.forget_standing(tx)
        await hear(tx, *facts)
        assert await loyalty.compare(tx, facts) == []
        found = await loyalty.standing(tx, [MemberId(each) for each in shoppers])
        assert {who: standing for who, standing in found.items() if standing != Standing()} == rules.fold(facts)
        assert rules.fold(reversed(facts)) == rules.fold(facts)


async def test_the_comparison_names_who_differs(db: Database, tenant: Tenant) -> None:
    one, other = new_id(), new_id()
    facts = [paid(one, 100), paid(other, 200)]
    async with db.writing(tenant) as tx:
        await hear(tx, *facts, facts[0])
        wrong = await loyalty.compare(tx, facts)
        assert [each.row["member_id"] for each in wrong] == [str(one)]


@pytest.fixture
def subscriber() -> Subscriber:
    kinds = frozenset(kind.__name__ for kind in loyalty.LISTENS_TO)
    return Subscriber("loyalty.note_purchase", loyalty.note_purchase, kinds, loyalty.forget_standing)


async def test_delivered_and_replayed_it_counts_once(own_db: Database, tenant: Tenant, subscriber: Subscriber) -> None:
    async def tenant_of(_: BrandId) -> Tenant:
        return tenant

    member = MemberId(new_id())
    facts = [paid(member, 100 + i) for i in range(30)]
    async with own_db.writing(tenant) as tx:
        for fact in facts:
            tx.tell(fact)
        tx.tell(refunded(facts[0], 50))
    sequencer, deliverer = Sequencer(own_db), Deliverer(own_db, [subscriber], tenant_of)

    async def deliver_all() -> Standing:
        for _ in range(4):  # the first passes only take the lease and the snapshot, the first round makes the cursor
            await sequencer.number()
        for _ in range(4):
            await deliverer.round()
        async with own_db.reading(tenant) as tx:
            return (await loyalty.standing(tx, [member]))[member]

    first = await deliver_all()
    assert (first.orders, first.spent_minor) == (30, {"CNY": sum(fact.paid_minor for fact in facts) - 50})
    async with own_db.writing(tenant) as tx:
        await replay(tx, subscriber)
        assert await loyalty.standing(tx, [member]) == {member: Standing()}
    assert await deliver_all() == first
    assert await deliver_all() == first
