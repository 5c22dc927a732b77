"""Money that goes back: never more than came, however it is asked for, and booked when it went."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from middle.payments.till import MERCHANT, again, cny, deposits, opened, paid, said_paid, said_refunded, wrong
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.money import Money
from midstage.middle.payments import api as payments
from midstage.middle.payments import rules

AT = datetime(2026, 11, 22, tzinfo=UTC)


async def ask(db: Database, tenant: Tenant, of: UUID, minor: int, key: str) -> payments.Refund | None:
    """One refund, or None where it was refused as too much."""
    try:
        async with db.writing(tenant) as tx:
            (refund,) = await payments.request_refund(tx, of, cny(minor), reason="returned", key=key)
            return refund
    except payments.RefundExceedsPaid:
        return None


async def test_refunds_from_sixteen_connections_never_exceed_what_was_paid(db: Database, tenant: Tenant) -> None:
    payment = await paid(db, tenant, 10_000)
    asked = [ask(db, tenant, payment.payment_id, 900, f"part/{n}") for n in range(16)]
    asked += [ask(db, tenant, payment.order_id, 900, f"part/{n}") for n in range(16)]  # each of them repeated
    refunds = [refund for refund in await asyncio.gather(*asked) if refund]
    assert len({refund.refund_id for refund in refunds}) == 11
    now = await again(db, tenant, payment)
    assert (now.refunding_minor, now.refundable) == (9_900, cny(100))

    async def end(refund: payments.Refund) -> None:
        async with db.writing(tenant) as tx:
            await payments.book_refunded(tx, said_refunded(refund))

    await asyncio.gather(*(end(refund) for refund in refunds))  # each told twice or so
    now = await again(db, tenant, payment)
    assert (now.paid_minor, now.refunding_minor, now.refunded_minor) == (10_000, 0, 9_900)
    assert await ask(db, tenant, payment.payment_id, 101, "too much") is None
    async with db.reading(tenant) as tx:
        assert await deposits(tx) == 100
        assert await wrong(tx) == []


async def test_the_same_key_is_the_same_refund_and_another_amount_is_refused(db: Database, tenant: Tenant) -> None:
    payment = await paid(db, tenant)
    first = await ask(db, tenant, payment.payment_id, 700, "k")
    assert await ask(db, tenant, payment.payment_id, 700, "k") == first
    with pytest.raises(payments.RefundKeyReused):
        await ask(db, tenant, payment.payment_id, 701, "k")
    assert (await again(db, tenant, payment)).refunding_minor == 700


async def test_nothing_unpaid_is_refunded(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    assert await ask(db, tenant, payment.payment_id, 1, "k") is None
    with pytest.raises(payments.NothingToPay):
        await ask(db, tenant, payment.payment_id, 0, "k")
    with pytest.raises(payments.NoSuchPayment):
        await ask(db, tenant, UUID(int=5), 1, "k")


async def test_a_failed_refund_can_be_asked_for_again(db: Database, tenant: Tenant) -> None:
    payment = await paid(db, tenant, 1_000)
    refund = await ask(db, tenant, payment.payment_id, 1_000, "first")
    assert refund
    for _ in range(2):
        async with db.writing(tenant) as tx:
            failed = await payments.book_refunded(tx, said_refunded(refund, kind=payments.NoticeKind.REFUND_FAILED))
            assert (failed.state, failed.error) == (payments.RefundState.FAILED, "account closed")
    assert await ask(db, tenant, payment.payment_id, 1_000, "second") is not None
    assert await ask(db, tenant, payment.payment_id, 1, "third") is None
    async with db.reading(tenant) as tx:
        assert await deposits(tx) == 1_000
        assert await wrong(tx) == []


async def test_a_refund_of_another_amount_or_merchant_is_not_booked(db: Database, tenant: Tenant) -> None:
    payment = await paid(db, tenant)
    refund = await ask(db, tenant, payment.payment_id, 500, "k")
    assert refund
    async with db.writing(tenant) as tx:
        assert (await payments.book_refunded(tx, said_refunded(refund, minor=501))).state == "requested"
    with pytest.raises(payments.NoticeOfAnother):
        async with db.writing(tenant) as tx:
            await payments.book_refunded(tx, said_refunded(refund, merchant_id=payments.MerchantId(UUID(int=9))))
    assert (await again(db, tenant, payment)).refunded_minor == 0


async def test_two_payments_of_an_order_give_back_in_proportion(db: Database, tenant: Tenant) -> None:
    first = await paid(db, tenant, 1_000)
    second = await opened(db, tenant, 500, order_id=first.order_id)
    async with db.writing(tenant) as tx:
        await tx.run("update payment set split = true where brand_id = $1", tenant.brand)
        await payments.book_paid(tx, said_paid(second))
        parts = await payments.request_refund(tx, first.order_id, cny(1_200), reason="r", key="k")
        assert [part.amount.minor for part in parts] == [800, 400]
        assert await payments.request_refund(tx, first.order_id, cny(1_200), reason="r", key="k") == parts
        with pytest.raises(payments.RefundExceedsPaid):
            await payments.request_refund(tx, first.order_id, cny(301), reason="r", key="more")
        assert await wrong(tx) == []


async def test_what_was_paid_in_cash_is_given_back_by_hand(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 800)
    async with db.writing(tenant) as tx:
        await payments.book_taken(tx, payment.payment_id, method="cash", amount=cny(800))
        (refund,) = await payments.request_refund(tx, payment.payment_id, cny(300), reason="r", key="k")
        assert refund.by_hand
        assert await payments.refunds_to_push(tx) == []
    with pytest.raises(payments.RefundNotWaiting):
        await payments.push_refund(db, tenant, refund.refund_id)
    async with db.writing(tenant) as tx:
        assert (await payments.give_back_by_hand(tx, refund.refund_id)).state is payments.RefundState.REFUNDED
    with pytest.raises(payments.RefundNotWaiting):
        async with db.writing(tenant) as tx:
            await payments.give_back_by_hand(tx, refund.refund_id)
    async with db.reading(tenant) as tx:
        assert await deposits(tx) == 500
        assert await wrong(tx) == []


async def test_the_doctor_sees_a_refund_that_was_booked_past_the_verbs(own_db: Database, tenant: Tenant) -> None:
    payment = await paid(own_db, tenant)
    async with own_db.writing(tenant) as tx:
        await tx.run(
            "update payment set refunded_minor = 5 where brand_id = $1 and payment_id = $2",
            tenant.brand,
            payment.payment_id,
        )
        found = await payments.checks(tx)
    assert sorted(one.check for one in found) == ["payments.refunds", "payments.tendered"]


def a_payment(number: int, payee: int | None, minor: int, gone: int) -> payments.Payment:
    return payments.Payment(
        payment_id=payments.PaymentId(UUID(int=number)),
        order_id=UUID(int=7),
        payee=UUID(int=payee) if payee else None,
        currency="CNY",
        due_minor=minor,
        paid_minor=minor,
        refunding_minor=0,
        refunded_minor=min(gone, minor),
        state=payments.PaymentState.PAID,
        opened_at=AT,
        due_at=AT,
        paid_at=AT,
        split=True,
    )


@settings(max_examples=100, deadline=None)
@given(
    came=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 1000), st.integers(0, 1000)), min_size=1, max_size=6),
    shares=st.dictionaries(st.integers(0, 4), st.integers(0, 1500), max_size=4),
    asked=st.integers(1, 5000),
)
def test_a_refund_over_payments_loses_nothing_and_takes_of_none_more_than_it_holds(
    came: list[tuple[int, int, int]], shares: dict[int, int], asked: int
) -> None:
    held = [a_payment(number, *each) for number, each in enumerate(came, start=1)]
    left = {payment.payment_id: payment.refundable.minor for payment in held}
    by_payee = {(UUID(int=payee) if payee else None): minor for payee, minor in shares.items()}
    if asked > sum(left.values()):
        with pytest.raises(payments.RefundExceedsPaid):
            rules.split_refund(cny(asked), by_payee, held)
        return
    parts = dict(rules.split_refund(cny(asked), by_payee, held))
    assert sum(parts.values()) == asked
    assert all(0 < minor <= left[payment_id] for payment_id, minor in parts.items())
    if sum(by_payee.values()) <= asked:  # then every payee gives back the share of its lines, as far as it holds it
        for payee, minor in by_payee.items():
            own = [payment.payment_id for payment in held if payment.payee == payee]
            given_back = sum(parts.get(payment_id, 0) for payment_id in own)
            assert given_back >= min(minor, sum(left[payment_id] for payment_id in own))


@settings(max_examples=100, deadline=None)
@given(
    dues=st.lists(st.integers(1, 500), min_size=1, max_size=5),
    takings=st.lists(st.integers(1, 500), max_size=5),
)
def test_takings_pay_the_dues_one_after_the_other(dues: list[int], takings: list[int]) -> None:
    if sum(takings) > sum(dues):
        with pytest.raises(payments.AmountNotDue):
            rules.deal([cny(one) for one in dues], [cny(one) for one in takings])
        return
    dealt = rules.deal([cny(one) for one in dues], [cny(one) for one in takings])
    for place, due in enumerate(dues):
        assert sum(minor for at, _, minor in dealt if at == place) == due
    for by, taking in enumerate(takings):
        assert sum(minor for _, which, minor in dealt if which == by) == taking
    assert all(minor > 0 for _, _, minor in dealt)
    waits = [place for place, by, _ in dealt if by is None]
    assert len(waits) == len(set(waits))


def tender(number: int, minor: int) -> payments.Tender:
    return payments.Tender(
        tender_id=payments.TenderId(UUID(int=number)),
        payment_id=payments.PaymentId(UUID(int=1)),
        kind=payments.TenderKind.PAYMENT,
        method="sandbox",
        merchant_id=MERCHANT,
        transaction_no=str(number),
        refund_id=None,
        amount=cny(minor),
        happened_at=AT,
        booked_at=AT,
        in_ledger=True,
    )


@settings(max_examples=100, deadline=None)
@given(
    came=st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000)), min_size=1, max_size=6),
    asked=st.integers(1, 5000),
)
def test_a_refund_is_spread_to_the_cent_or_refused(came: list[tuple[int, int]], asked: int) -> None:
    tenders = [tender(number, minor) for number, (minor, _) in enumerate(came, start=1)]
    held = {UUID(int=number): min(taken, minor) for number, (minor, taken) in enumerate(came, start=1)}
    left = rules.refundable_by_tender(tenders, held)
    free = {one.tender_id: size for one, size in left}
    if asked > sum(free.values()):
        with pytest.raises(payments.RefundExceedsPaid):
            rules.spread_refund(Money(asked, "CNY"), left)
        return
    parts = rules.spread_refund(Money(asked, "CNY"), left)
    assert sum(minor for _, minor in parts) == asked
    assert all(0 < minor <= free[one.tender_id] for one, minor in parts)
    assert len({one.tender_id for one, _ in parts}) == len(parts)
    assert len(parts) == 1 or max(free.values()) < asked
