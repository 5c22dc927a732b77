"""Money that comes: booked once, in time or late; twice it goes back; another amount waits for a person."""

import asyncio
from uuid import uuid4

import pytest

from middle.payments.till import again, cny, deposits, opened, said_paid, wrong
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Fact
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.payments import api as payments


async def book(db: Database, tenant: Tenant, notice: payments.Notice) -> tuple[payments.Booked, list[Fact]]:
    async with db.writing(tenant) as tx:
        booked = await payments.book_paid(tx, notice)
        return booked, [fact for fact, _ in tx.told]


async def a_merchant(db: Database, tenant: Tenant) -> payments.MerchantId:
    payments.register(SandboxPay())
    async with db.writing(tenant) as tx:
        put = await payments.put_merchant(
            tx,
            provider="sandbox",
            payee=None,
            settings={"base_url": "http://127.0.0.1:9", "merchant_no": "M"},
            secrets={"secret": "env:SECRET_X"},
        )
    return put.merchant_id


async def open_discrepancies(db: Database, tenant: Tenant) -> list[payments.Discrepancy]:
    async with db.reading(tenant) as tx:
        filters = payments.DiscrepancyFilters(state=payments.DiscrepancyState.OPEN)
        return (await payments.discrepancies(tx, filters, PageRequest())).items


async def test_a_notice_of_the_amount_due_makes_it_paid_and_moves_the_ledger(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 12_900)
    booked, told = await book(db, tenant, said_paid(payment))
    assert (booked.first, booked.settled, booked.late, booked.paid_minor) == (True, True, False, 12_900)
    assert booked.order_id == payment.order_id
    assert told == []
    async with db.reading(tenant) as tx:
        (tender,) = await payments.tenders_of(tx, [payment.payment_id])
        assert (tender.amount, tender.method, tender.in_ledger) == (cny(12_900), "sandbox", True)
        assert await deposits(tx) == 12_900
        assert await payments.tendered(tx) == {payment.order_id: 12_900}
        assert await wrong(tx) == []


async def test_booking_takes_two_statements_one_of_them_the_ledgers(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    async with db.writing(tenant) as tx:
        tx.recorder = []
        await payments.book_paid(tx, said_paid(payment))
        assert len(tx.recorder) == 2


async def test_two_callbacks_at_once_book_once(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    results = await asyncio.gather(*(book(db, tenant, said_paid(payment)) for _ in range(8)))
    assert sorted(booked.first for booked, _ in results) == [False] * 7 + [True]
    assert all(booked.settled and told == [] for booked, told in results)
    async with db.reading(tenant) as tx:
        assert len(await payments.tenders_of(tx, [payment.payment_id])) == 1
        assert await deposits(tx) == payment.due_minor
        assert await wrong(tx) == []


async def test_a_callback_that_races_the_closing_is_booked_whoever_wins(db: Database, tenant: Tenant) -> None:
    async def close(payment: payments.Payment) -> bool:
        async with db.writing(tenant) as tx:
            try:
                await payments.close_payment(tx, payment.order_id)
            except payments.PaymentNotOpen:
                return False
            return True

    for _ in range(12):
        payment = await opened(db, tenant)
        (booked, told), closed = await asyncio.gather(book(db, tenant, said_paid(payment)), close(payment))
        assert booked.first
        # Paid last means late, and told so; paid first means that closing was refused.
        assert booked.late is closed is (told != [])
        assert (await again(db, tenant, payment)).state is payments.PaymentState.PAID
    async with db.reading(tenant) as tx:
        assert await wrong(tx) == []


async def test_closing_twice_is_closing_once_and_what_is_paid_is_not_closed(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    for _ in range(2):
        async with db.writing(tenant) as tx:
            await payments.close_payment(tx, payment.payment_id)
    assert (await again(db, tenant, payment)).state is payments.PaymentState.CLOSED
    await book(db, tenant, said_paid(payment))
    with pytest.raises(payments.PaymentNotOpen):
        async with db.writing(tenant) as tx:
            await payments.close_payment(tx, payment.payment_id)


async def test_another_amount_is_never_booked_and_waits_as_one_discrepancy(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 10_000)
    told = [(await book(db, tenant, said_paid(payment, minor=minor))) for minor in (9_999, 9_999, 10_001)]
    assert [(booked.first, booked.settled, len(facts)) for booked, facts in told] == [
        (False, False, 1),
        (False, False, 0),
        (False, False, 1),
    ]
    now = await again(db, tenant, payment)
    assert (now.state, now.paid_minor) == (payments.PaymentState.FLAGGED, 0)
    assert sorted(one.got.minor for one in await open_discrepancies(db, tenant)) == [9_999, 10_001]
    async with db.reading(tenant) as tx:
        assert await payments.tenders_of(tx, [payment.payment_id]) == []
        assert await deposits(tx) == 0
        assert await wrong(tx) == []


async def test_a_provider_that_sets_itself_right_pays_the_flagged_payment(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    await book(db, tenant, said_paid(payment, minor=1))
    booked, _ = await book(db, tenant, said_paid(payment))
    assert booked.first
    assert booked.settled
    assert await open_discrepancies(db, tenant) == []


async def test_an_accepted_amount_is_on_the_book_and_can_go_back_but_pays_nothing(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 10_000)
    merchant_id = await a_merchant(db, tenant)
    kept: list[int] = []

    async def keep(_: Tx, accepted: payments.Discrepancy) -> None:
        kept.append(accepted.got.minor)

    await book(db, tenant, said_paid(payment, minor=4_000, merchant_id=merchant_id))
    (found,) = await open_discrepancies(db, tenant)
    async with db.writing(tenant) as tx:
        await payments.accept_amount(tx, payment.payment_id, found.discrepancy_id, note="seen in the bank", keep=keep)
    with pytest.raises(payments.NoSuchPaymentDiscrepancy):
        async with db.writing(tenant) as tx:
            await payments.accept_amount(tx, payment.payment_id, found.discrepancy_id, note="again", keep=keep)
    assert kept == [4_000]
    now = await again(db, tenant, payment)
    assert (now.state, now.paid_minor) == (payments.PaymentState.FLAGGED, 4_000)
    async with db.writing(tenant) as tx:
        await payments.request_refund(tx, payment.payment_id, cny(4_000), reason="wrong amount", key="back")
        assert await wrong(tx) == []


async def test_a_dismissed_discrepancy_opens_the_payment_again(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    await book(db, tenant, said_paid(payment, minor=1))
    (found,) = await open_discrepancies(db, tenant)
    async with db.writing(tenant) as tx:
        await payments.dismiss(tx, found.discrepancy_id, note="a test of the provider")
    assert (await again(db, tenant, payment)).state is payments.PaymentState.OPEN


async def test_paying_twice_gives_the_second_back_by_itself(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 10_000)
    await book(db, tenant, said_paid(payment))
    second = said_paid(payment, transaction_no="T-second")
    results = await asyncio.gather(*(book(db, tenant, second) for _ in range(4)))
    assert not any(booked.first for booked, _ in results)
    assert [type(fact).__name__ for _, told in results for fact in told] == ["RefundRequested", "PaymentCameTwice"]
    now = await again(db, tenant, payment)
    assert (now.state, now.paid_minor, now.refunding_minor) == (payments.PaymentState.PAID, 20_000, 10_000)
    assert [one.kind for one in await open_discrepancies(db, tenant)] == [payments.DiscrepancyKind.PAID_TWICE]
    async with db.reading(tenant) as tx:
        assert await payments.tendered(tx) == {payment.order_id: 10_000}
        assert await wrong(tx) == []


async def test_a_merchant_cannot_pay_what_another_payee_collects(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, payee=uuid4())
    with pytest.raises(payments.NoticeOfAnother):
        await book(db, tenant, said_paid(payment, payee=uuid4()))
    assert (await again(db, tenant, payment)).state is payments.PaymentState.OPEN
    booked, _ = await book(db, tenant, said_paid(payment, payee=payment.payee))
    assert booked.first


async def test_one_transaction_cannot_pay_two_payments(db: Database, tenant: Tenant) -> None:
    one, other = await opened(db, tenant), await opened(db, tenant)
    await book(db, tenant, said_paid(one, transaction_no="T1"))
    with pytest.raises(payments.TransactionTaken):
        await book(db, tenant, said_paid(other, transaction_no="T1"))
    assert (await again(db, tenant, other)).paid_minor == 0


async def test_a_payment_of_another_brand_is_not_there(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant)
    stranger = Tenant(type(tenant.brand)(tenant.brand + 500_000_000), "stranger")
    with pytest.raises(payments.NoSuchPayment):
        await book(db, stranger, said_paid(payment))
    assert (await again(db, tenant, payment)).paid_minor == 0


async def test_cash_is_booked_for_the_very_amount_once(db: Database, tenant: Tenant) -> None:
    payment = await opened(db, tenant, 5_000)
    with pytest.raises(payments.AmountNotDue):
        async with db.writing(tenant) as tx:
            await payments.book_taken(tx, payment.payment_id, method="cash", amount=cny(4_900))
    async with db.writing(tenant) as tx:
        booked = await payments.book_taken(tx, payment.payment_id, method="cash", amount=cny(5_000))
        assert booked.first
    with pytest.raises(payments.PaymentNotOpen):
        async with db.writing(tenant) as tx:
            await payments.book_taken(tx, payment.payment_id, method="cash", amount=cny(5_000))
    async with db.reading(tenant) as tx:
        assert await deposits(tx) == 5_000
        assert await wrong(tx) == []


async def test_a_payment_needs_an_amount_and_time(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(payments.NothingToPay):
            await payments.open_payment(tx, new_id(), cny(0), payee=None, due_at=tx.now)
        with pytest.raises(payments.DueAlready):
            await payments.open_payment(tx, new_id(), cny(1), payee=None, due_at=tx.now)


async def test_history_is_on_record_and_not_in_the_ledger(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        past = [(new_id(), cny(minor), tx.now) for minor in (100, 0, 250)]
        assert await payments.import_paid(tx, past) == 2
        found = await payments.payments_of(tx, [order_id for order_id, _, _ in past])
        assert [found[order_id][0].paid_minor for order_id, amount, _ in past if amount.minor] == [100, 250]
        assert past[1][0] not in found
        assert await deposits(tx) == 0
        assert await wrong(tx) == []
