"""The whole way: our book, the port, the wire and the simulated provider, with everything that goes wrong on it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from adapters.sandbox_pay.program import SECRET, Mailbox, Program
from midstage.adapters.sandbox_pay import protocol
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import api as payments
from midstage.middle.payments.conformance import Callback


class Shop:
    """A brand with a merchant at the simulated provider; callbacks land in the mailbox and are booked by hand."""

    def __init__(self, db: Database, tenant: Tenant, mailbox: Mailbox, url: str, merchant: payments.Merchant) -> None:
        self.db, self.tenant, self.mailbox, self.merchant = db, tenant, mailbox, merchant
        self._url = url

    async def started(self, minor: int = 10_000, *, capture_later: bool = False) -> payments.Started:
        async with self.db.writing(self.tenant) as tx:
            payment_id = await payments.open_payment(
                tx, new_id(), Money(minor, "CNY"), payee=None, due_at=tx.now + timedelta(minutes=30)
            )
        cashier = payments.Cashier("大衣 coat", capture_later=capture_later)
        return await payments.start_payment(
            self.db, self.tenant, payment_id, cashier, callback_base=self.mailbox.callback_url
        )

    async def pay(self, started: payments.Started) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{started.cashier_url}/pay", json={})).raise_for_status()

    async def paid(self, minor: int = 10_000) -> payments.PaymentId:
        started = await self.started(minor)
        await self.pay(started)
        assert (await self.book(*await payments.repair(self.db, self.tenant, started.payment_id)))[0].first
        return started.payment_id

    async def fault(self, kind: protocol.FaultKind, started: payments.Started, **more: float) -> None:
        fault = {"kind": kind, "payment_no": started.payment_id.hex, **more}
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self._url}/faults", json=fault)).raise_for_status()

    async def notice(self, callback: Callback) -> payments.Notice:
        async with self.db.reading(self.tenant) as tx:
            return await payments.read_notice(tx, self.merchant.merchant_id, callback.headers, callback.body)

    async def book(self, *notices: payments.Notice) -> list[payments.Booked]:
        booked: list[payments.Booked] = []
        for notice in notices:
            async with self.db.writing(self.tenant) as tx:
                booked.append(await payments.book_paid(tx, notice))
        return booked

    async def payment(self, payment_id: payments.PaymentId) -> payments.Payment:
        async with self.db.reading(self.tenant) as tx:
            assert await payments.checks(tx) == []
            return await payments.payment_of(tx, payment_id)

    async def refund(self, of: UUID, minor: int) -> payments.RefundId:
        async with self.db.writing(self.tenant) as tx:
            (refund,) = await payments.request_refund(tx, of, Money(minor, "CNY"), reason="r", key=str(new_id()))
            return refund.refund_id

    async def push(self, refund_id: payments.RefundId) -> payments.Refund:
        return await payments.push_refund(self.db, self.tenant, refund_id, callback_base=self.mailbox.callback_url)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(
    db: Database,
    tenant: Tenant,
    sandbox: SandboxPay,
    program: Program,
    mailbox: Mailbox,
    merchant: payments.Merchant,
) -> Shop:
    async with db.writing(tenant) as tx:
        put = await payments.put_merchant(
            tx, provider="sandbox", payee=None, settings=merchant.settings, secrets=merchant.secrets
        )
    return Shop(db, tenant, mailbox, program.url, put)


async def test_a_paid_payment_is_called_back_where_we_said_and_booked_once(shop: Shop) -> None:
    started = await shop.started()
    assert (await shop.started()).payment_id != started.payment_id
    await shop.fault(protocol.FaultKind.DOUBLED, started)
    await shop.pay(started)
    callbacks = await shop.mailbox.wait(2)
    booked = await shop.book(*[await shop.notice(callback) for callback in callbacks])
    assert [one.first for one in booked] == [True, False]
    assert (await shop.payment(started.payment_id)).state is payments.PaymentState.PAID


async def test_starting_again_is_the_same_payment_and_a_paid_one_is_not_started(shop: Shop) -> None:
    payment_id = await shop.paid()
    with pytest.raises(payments.PaymentNotOpen):
        await payments.start_payment(shop.db, shop.tenant, payment_id, payments.Cashier("x"), callback_base="")
    started = await shop.started()
    again = await payments.start_payment(
        shop.db, shop.tenant, started.payment_id, payments.Cashier("x"), callback_base=""
    )
    assert again == started


async def test_a_lost_callback_is_repaired_by_a_query(shop: Shop) -> None:
    started = await shop.started()
    await shop.fault(protocol.FaultKind.LOST, started)
    assert await payments.repair(shop.db, shop.tenant, started.payment_id) == []
    await shop.pay(started)
    soon = datetime.now(UTC) + timedelta(minutes=10)
    async with shop.db.reading(shop.tenant, now=soon) as tx:
        assert await payments.payments_to_repair(tx) == [started.payment_id]
    (booked,) = await shop.book(*await payments.repair(shop.db, shop.tenant, started.payment_id))
    assert booked.first
    assert [callback for callback in shop.mailbox.received if started.payment_id.hex.encode() in callback.body] == []


async def test_a_wrong_amount_is_a_discrepancy_until_the_query_puts_it_right(shop: Shop) -> None:
    started = await shop.started()
    await shop.fault(protocol.FaultKind.WRONG_AMOUNT, started, delta_minor=-1)
    await shop.pay(started)
    (callback,) = await shop.mailbox.wait(1)
    (booked,) = await shop.book(await shop.notice(callback))
    assert not booked.first
    assert (await shop.payment(started.payment_id)).state is payments.PaymentState.FLAGGED
    (booked,) = await shop.book(*await payments.repair(shop.db, shop.tenant, started.payment_id))
    assert booked.first
    assert (await shop.payment(started.payment_id)).state is payments.PaymentState.PAID


async def test_forged_and_old_notices_are_refused(shop: Shop) -> None:
    body = b'{"kind":"payment.paid"}'
    now = int(datetime.now(UTC).timestamp())
    good = protocol.sign(SECRET.encode(), body, at_s=now)
    for headers in (
        {},
        protocol.sign(b"another secret of 16", body, at_s=now),
        protocol.sign(SECRET.encode(), body + b" ", at_s=now),
        protocol.sign(SECRET.encode(), body, at_s=now - protocol.WINDOW_S - 2),
        protocol.sign(SECRET.encode(), body, at_s=now + protocol.WINDOW_S + 60),
        {**good, protocol.NONCE: "other"},
        {**good, protocol.TIMESTAMP: str(now + 1)},
    ):
        with pytest.raises(payments.SignatureWrong):
            await shop.notice(Callback(headers, body))
    with pytest.raises(payments.NoticeUnreadable):
        await shop.notice(Callback(good, body))


async def test_a_late_payment_of_a_closed_one_is_booked_as_late_and_closing_there_stops_it(shop: Shop) -> None:
    late, stopped = await shop.started(), await shop.started()
    await shop.pay(late)
    async with shop.db.writing(shop.tenant) as tx:
        await payments.close_payment(tx, late.payment_id)
        await payments.close_payment(tx, stopped.payment_id)
    (booked,) = await shop.book(*await payments.call_off(shop.db, shop.tenant, late.payment_id))
    assert (booked.first, booked.late) == (True, True)
    assert await payments.call_off(shop.db, shop.tenant, stopped.payment_id) == []
    with pytest.raises(httpx.HTTPStatusError):
        await shop.pay(stopped)


async def test_what_is_held_is_captured_and_booked(shop: Shop) -> None:
    started = await shop.started(capture_later=True)
    await shop.pay(started)
    (callback,) = await shop.mailbox.wait(1)
    async with shop.db.writing(shop.tenant) as tx:
        await payments.book_authorised(tx, await shop.notice(callback))
    (booked,) = await shop.book(await payments.capture(shop.db, shop.tenant, started.payment_id))
    assert booked.first


async def test_partial_refunds_go_back_and_their_callbacks_change_nothing(shop: Shop) -> None:
    payment_id = await shop.paid(1_000)
    refund_ids = [await shop.refund(payment_id, minor) for minor in (300, 700)]
    done = await asyncio.gather(*(shop.push(refund_id) for refund_id in refund_ids for _ in range(2)))
    assert {refund.state for refund in done} == {payments.RefundState.REFUNDED}
    for callback in await shop.mailbox.wait(3):
        notice = await shop.notice(callback)
        if notice.refund_id is not None:
            async with shop.db.writing(shop.tenant) as tx:
                await payments.book_refunded(tx, notice)
    now = await shop.payment(payment_id)
    assert (now.refunding_minor, now.refunded_minor) == (0, 1_000)


async def test_a_refund_that_takes_time_is_booked_by_its_callback_which_may_come_first(shop: Shop) -> None:
    started = await shop.started(1_000)
    await shop.fault(protocol.FaultKind.OUT_OF_ORDER, started, seconds=60)
    await shop.pay(started)
    await shop.book(*await payments.repair(shop.db, shop.tenant, started.payment_id))
    await shop.fault(protocol.FaultKind.REFUND_LATER, started, seconds=0.3)
    refund = await shop.push(await shop.refund(started.payment_id, 400))
    assert refund.state is payments.RefundState.SENT
    notices = [await shop.notice(callback) for callback in await shop.mailbox.wait(2)]
    assert [notice.kind for notice in notices] == [payments.NoticeKind.REFUNDED, payments.NoticeKind.PAID]
    async with shop.db.writing(shop.tenant) as tx:
        assert (await payments.book_refunded(tx, notices[0])).state is payments.RefundState.REFUNDED


async def test_a_refund_that_fails_there_is_free_to_be_asked_for_again(shop: Shop) -> None:
    started = await shop.started(1_000)
    await shop.pay(started)
    await shop.book(*await payments.repair(shop.db, shop.tenant, started.payment_id))
    await shop.fault(protocol.FaultKind.REFUND_FAILS, started)
    failed = await shop.push(await shop.refund(started.payment_id, 1_000))
    assert failed.state is payments.RefundState.FAILED
    assert (await shop.push(await shop.refund(started.payment_id, 1_000))).state is payments.RefundState.REFUNDED


async def test_answers_that_fail_are_asked_again_and_work_done_twice_is_done_once(shop: Shop) -> None:
    payment_id = await shop.paid(1_000)
    started = await shop.started()
    broken = payments.Started(payment_id, "sandbox", "", "", started.due_at)
    await shop.fault(protocol.FaultKind.ERROR_AFTER, broken)
    await shop.fault(protocol.FaultKind.ERROR, broken)
    refund = await shop.push(await shop.refund(payment_id, 600))
    assert refund.state is payments.RefundState.REFUNDED
    assert (await shop.payment(payment_id)).refunded_minor == 600


async def test_a_provider_that_is_gone_leaves_the_refund_due(shop: Shop) -> None:
    payment_id = await shop.paid(1_000)
    started = await shop.started()
    gone = payments.Started(payment_id, "sandbox", "", "", started.due_at)
    await shop.fault(protocol.FaultKind.ERROR, gone, times=3)
    refund_id = await shop.refund(payment_id, 600)
    with pytest.raises(payments.ProviderUnavailable):
        await shop.push(refund_id)
    async with shop.db.reading(shop.tenant, now=datetime.now(UTC) + timedelta(minutes=2)) as tx:
        assert await payments.refunds_to_push(tx) == [refund_id]
        assert (await payments.refund_of(tx, refund_id)).error == "HTTP 500"
    assert (await shop.push(refund_id)).state is payments.RefundState.REFUNDED


async def test_the_statement_of_the_day_agrees_and_shows_what_we_do_not_have(shop: Shop) -> None:
    payment_id = await shop.paid(1_000)
    await shop.push(await shop.refund(payment_id, 250))
    unknown = await shop.started(700)
    await shop.pay(unknown)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    first = await payments.reconcile(shop.db, shop.tenant, shop.merchant.merchant_id, today)
    again = await payments.reconcile(shop.db, shop.tenant, shop.merchant.merchant_id, today)
    assert (first.matched, len(first.found), again.found) == (2, 1, [])


async def test_a_process_killed_after_the_call_leaves_an_attempt_that_repair_asks_for(shop: Shop) -> None:
    async with shop.db.writing(shop.tenant) as tx:
        payment_id = await payments.open_payment(
            tx, new_id(), Money(500, "CNY"), payee=None, due_at=tx.now + timedelta(minutes=30)
        )
    started = await payments.start_payment(
        shop.db, shop.tenant, payment_id, payments.Cashier("x"), callback_base=shop.mailbox.callback_url
    )
    async with shop.db.writing(shop.tenant) as tx:  # as if we had been killed before the answer was noted
        await tx.run(
            "update payment_attempt set state = 'starting', cashier_url = null, provider_no = null where brand_id = $1",
            tx.brand,
        )
    await shop.pay(started)
    (booked,) = await shop.book(*await payments.repair(shop.db, shop.tenant, payment_id))
    assert booked.first
