"""A provider's day against our book, with every kind of difference, made by the real simulated provider."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from adapters.sandbox_pay.program import Mailbox, Program
from midstage.adapters.sandbox_pay import protocol, statement
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.adapters.sandbox_pay.store import Book, Refused
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.paging import PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop, open_shop
from shop.franchise import collects, open_franchise

T = TypeVar("T")
Kind, State = payments.DifferenceKind, payments.DifferenceState
OURS = {"secret": "env:SECRET_SANDBOX_TEST"}


class Books:
    """A shop whose merchant is at the program: pay, break, reconcile, look."""

    def __init__(self, shop: Shop, program: Program, mailbox: Mailbox, sandbox: SandboxPay) -> None:
        self.shop, self._program, self._mailbox, self.sandbox = shop, program, mailbox, sandbox
        self.today = datetime.now(ZoneInfo("Asia/Shanghai")).date()

    @property
    def merchant(self) -> payments.Merchant:
        return self.shop.merchant

    async def ordered(self, quantity: int = 1, *, pay: bool = True) -> tuple[orders.PlacedOrder, payments.PaymentId]:
        """An order that was paid at the cashier; we do not know of it yet."""
        placed = await self.shop.place(quantity)
        assert placed.payment_id is not None
        [cashier] = await payments.start_payments(
            self.shop.database,
            self.shop.tenant,
            placed.order.order_id,
            payments.Cashier(title="x"),
            callback_base=self._mailbox.callback_url,
        )
        if pay:
            await self.post(f"{cashier.cashier_url}/pay")
        return placed, placed.payment_id

    async def paid(self, quantity: int = 1) -> tuple[orders.PlacedOrder, payments.PaymentId]:
        """An order that was paid, and we know it."""
        placed, payment_id = await self.ordered(quantity)
        [notice] = await payments.repair(self.shop.database, self.shop.tenant, payment_id)

        async def take(tx: Tx) -> None:
            await orders.notice_arrived(tx, notice)

        await self.shop.do(take)
        return placed, payment_id

    async def refunded(self, placed: orders.PlacedOrder, *, push: bool = True) -> payments.RefundId:
        """All of an order goes back."""

        async def ask(tx: Tx) -> payments.RefundId:
            await orders.refund_order(tx, placed.order.order_id)
            return (await payments.refunds_of_order(tx, placed.order.order_id))[-1].refund_id

        refund_id = await self.shop.do(ask)
        if push:
            await payments.push_refund(self.shop.database, self.shop.tenant, refund_id, book=orders.refund_arrived)
        return refund_id

    async def fault(self, kind: str, number: str = "*", *, times: int = 0, **more: object) -> None:
        await self.post("/faults", {"kind": kind, "payment_no": number, "times": times, **more})

    async def nothing_is_wrong(self) -> None:
        async with httpx.AsyncClient() as http:
            (await http.delete(f"{self._program.url}/faults")).raise_for_status()

    async def post(self, path: str, body: object = None) -> None:
        url = path if path.startswith("http") else f"{self._program.url}{path}"
        async with httpx.AsyncClient() as http:
            (await http.post(url, json=body or {})).raise_for_status()

    async def reconcile(
        self, day: date | None = None, *, merchant: payments.Merchant | None = None, later: timedelta | None = None
    ) -> payments.Reconciled:
        """Read a day (today); `later` is how much later it is done."""
        return await payments.reconcile(
            self.shop.database,
            self.shop.tenant,
            (merchant or self.merchant).merchant_id,
            day or self.today,
            now=utc_now() + later if later else None,
        )

    async def differences(self, *, unresolved: bool = False) -> list[payments.Difference]:
        async with self.shop.database.reading(self.shop.tenant) as tx:
            wanted = payments.DifferenceFilters(unresolved=unresolved)
            found = (await payments.differences(tx, wanted, PageRequest(limit=100))).items
        return sorted(found, key=lambda one: (one.day, one.kind, one.mark))

    async def the_only(self, kind: payments.DifferenceKind) -> payments.Difference:
        [found] = await self.differences(unresolved=True)
        assert found.kind is kind
        return found

    async def do(self, verb: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.shop.do(verb)

    async def agree(self) -> None:
        """What the doctor proves holds, whatever was said and done."""
        async with self.shop.database.reading(self.shop.tenant, snapshot=True) as tx:
            for checks in (orders.checks, payments.checks, inventory.checks, ledger.checks):
                assert await checks(tx) == []

    async def account(self, kind: str) -> int:
        """What stands on an account of the brand itself."""
        async with self.shop.database.reading(self.shop.tenant) as tx:
            account = ledger.account_id(tx.brand, kind, UUID(int=0), "CNY")
            return (await ledger.balance(tx, account)).amount


@pytest_asyncio.fixture(loop_scope="session")
async def books(
    db: Database, program: Program, mailbox: Mailbox, sandbox: SandboxPay, merchant: payments.Merchant
) -> Books:
    shop = await open_shop(db)
    payments.register(sandbox)

    async def put(tx: Tx) -> None:
        shop.merchant = await payments.put_merchant(
            tx, provider="sandbox", payee=None, settings=merchant.settings, secrets=merchant.secrets, fee_millionths=0
        )

    await shop.do(put)
    return Books(shop, program, mailbox, sandbox)


async def test_a_day_on_which_all_agrees_is_reconciled_and_again_is_once(books: Books) -> None:
    first, _ = await books.paid()
    await books.paid(2)
    await books.refunded(first)
    read = await books.reconcile()
    assert (read.matched, read.found, read.day.state) == (3, [], payments.StatementState.RECONCILED)
    [sums] = read.day.sums
    assert (sums.ours_minor, sums.theirs_minor, sums.currency) == (2 * PRICE_MINOR, 2 * PRICE_MINOR, "CNY")
    again = await books.reconcile()
    assert (again.matched, again.found, again.day.runs) == (3, [], 2)
    assert await books.differences() == []
    await books.agree()


async def test_what_we_never_heard_of_is_booked_and_pays_its_order(books: Books) -> None:
    placed, _ = await books.ordered()
    await books.reconcile()
    found = await books.the_only(Kind.MISSING_HERE)
    assert (found.ours_minor, found.theirs_minor) == (0, PRICE_MINOR)
    await books.agree()

    async def book(tx: Tx) -> payments.Difference:
        return await orders.book_difference(tx, found.difference_id, note="seen")

    ended = await books.do(book)
    assert (ended.state, ended.resolution, ended.standing) == (State.RESOLVED, payments.Resolution.BOOKED, False)
    assert (await books.shop.order(placed.order.order_id)).state is orders.State.PAID
    read = await books.reconcile()
    assert (read.matched, read.day.state) == (1, payments.StatementState.RECONCILED)
    with pytest.raises(payments.DifferenceEnded):
        await books.do(book)
    async with books.shop.database.reading(books.shop.tenant) as tx:
        steps = await payments.steps_of_difference(tx, found.difference_id)
    assert [(step.verb, step.became) for step in steps] == [
        ("found", "open"),
        ("booked", "resolved"),
        ("stands_no_more", "resolved"),
    ]
    await books.agree()


async def test_what_we_never_heard_of_can_go_straight_back(books: Books) -> None:
    placed, _ = await books.ordered()
    await books.reconcile()
    found = await books.the_only(Kind.MISSING_HERE)

    async def give_back(tx: Tx) -> payments.Difference:
        return await orders.give_back_difference(tx, found.difference_id, note="nobody wants it")

    assert (await books.do(give_back)).resolution is payments.Resolution.GIVEN_BACK
    order = await books.shop.order(placed.order.order_id)
    assert (order.state, order.refunded_minor) == (orders.State.CANCELLED, PRICE_MINOR)
    await books.agree()


async def test_money_of_nobody_is_dismissed_with_a_reason_and_can_be_opened_again(books: Books) -> None:
    stray = payments.PaymentOrder(
        payment_id=payments.PaymentId(new_id()),
        amount=Money(700, "CNY"),
        title="of another system",
        expires_at=datetime.now(UTC) + timedelta(minutes=5),
        callback_url="",
    )
    created = await books.sandbox.create(books.merchant, stray)
    await books.post(f"{created.cashier_url}/pay")
    await books.reconcile()
    found = await books.the_only(Kind.MISSING_HERE)
    assert found.payment_id is None

    async def book(tx: Tx) -> payments.Difference:
        return await orders.book_difference(tx, found.difference_id, note="x")

    with pytest.raises(payments.NotSoResolved):
        await books.do(book)

    async def dismiss(tx: Tx, note: str = "") -> payments.Difference:
        return await payments.dismiss_difference(tx, found.difference_id, note=note)

    with pytest.raises(payments.DifferenceNeedsReason):
        await books.do(dismiss)

    async def with_reason(tx: Tx) -> payments.Difference:
        return await dismiss(tx, "the old shop")

    await books.do(with_reason)
    assert (await books.reconcile()).day.state is payments.StatementState.RECONCILED
    await books.agree()

    async def reopen(tx: Tx) -> payments.Difference:
        return await payments.reopen_difference(tx, found.difference_id, note="it is ours after all")

    assert (await books.do(reopen)).state is State.OPEN
    assert (await books.reconcile()).day.state is payments.StatementState.DIFFERS
    await books.agree()


async def test_an_amount_that_was_not_due_is_held_by_the_order_when_it_is_booked(books: Books) -> None:
    placed, payment_id = await books.ordered()
    await books.fault("statement_amount", payment_id.hex, delta_minor=-300)
    await books.reconcile()
    found = await books.the_only(Kind.MISSING_HERE)

    async def book(tx: Tx) -> payments.Difference:
        return await orders.book_difference(tx, found.difference_id, note="it came like that")

    await books.do(book)
    order = await books.shop.order(placed.order.order_id)
    assert (order.state, order.paid_minor) == (orders.State.PLACED, PRICE_MINOR - 300)
    await books.agree()


async def test_in_transit_waits_for_the_next_statement_and_is_gone_with_it(books: Books) -> None:
    _, payment_id = await books.paid()
    await books.fault("statement_next_day", payment_id.hex)
    read = await books.reconcile()
    assert read.day.state is payments.StatementState.WAITS
    found = await books.the_only(Kind.IN_TRANSIT)
    assert found.state is State.WAITING
    await books.agree()
    tomorrow = await books.reconcile(books.today + timedelta(days=1), later=timedelta(days=3))
    assert (tomorrow.matched, tomorrow.day.state) == (1, payments.StatementState.RECONCILED)
    assert [one.state for one in await books.differences()] == [State.GONE]
    async with books.shop.database.reading(books.shop.tenant) as tx:
        day = await payments.statement_day(tx, books.merchant.merchant_id, books.today)
    assert day.state is payments.StatementState.RECONCILED
    await books.agree()


async def test_what_no_statement_has_is_missing_there_and_is_written_off_with_approval(books: Books) -> None:
    _, payment_id = await books.paid()
    placed, _ = await books.paid()
    refund_id = await books.refunded(placed)
    await books.fault("statement_missing", payment_id.hex)
    await books.fault("statement_missing", refund_id.hex)
    await books.reconcile()
    assert {one.kind for one in await books.differences(unresolved=True)} == {Kind.IN_TRANSIT}
    await books.reconcile(books.today + timedelta(days=1), later=timedelta(days=3))
    there, back = await books.differences(unresolved=True)
    assert (there.kind, there.minor) == (Kind.MISSING_THERE, -PRICE_MINOR)
    assert (back.kind, back.minor) == (Kind.REFUND_MISSING_THERE, PRICE_MINOR)
    await books.agree()

    async def write_off(tx: Tx) -> payments.Difference:
        return await payments.write_off(tx, there.difference_id, note="lost")

    with pytest.raises(access.ApprovalNeeded):
        await books.do(write_off)
    assert (await books.differences(unresolved=True))[0].state is State.OPEN

    async def allow(tx: Tx) -> None:
        holder = organisation.Holder(organisation.Level.BRAND, books.shop.store.unit_path[0])
        await organisation.choose(tx, "reconciling", holder, {"write_off_limit_minor": 10**6})

    await books.do(allow)
    await books.do(write_off)
    assert await books.account("reconciliation_write_offs") == -PRICE_MINOR
    await books.agree()
    # The provider corrects itself: what was written off is taken back by itself.
    await books.nothing_is_wrong()
    await books.reconcile(later=timedelta(days=3))
    assert [one.state for one in await books.differences() if one.kind is not Kind.IN_TRANSIT] == [State.GONE] * 2
    assert await books.account("reconciliation_write_offs") == 0
    await books.agree()


async def test_another_amount_or_fee_is_taken_as_the_providers_fee(books: Books) -> None:
    _, payment_id = await books.paid()
    _, other = await books.paid()
    await books.fault("statement_amount", payment_id.hex, delta_minor=-40)
    await books.fault("statement_fee", other.hex, delta_minor=25)
    await books.reconcile()
    amount, fee = await books.differences(unresolved=True)
    assert (amount.kind, amount.minor) == (Kind.AMOUNT_DIFFERS, -40)
    assert (fee.kind, fee.minor) == (Kind.FEE_UNEXPECTED, -25)
    for one in (amount, fee):

        async def accept(tx: Tx, one: payments.Difference = one) -> payments.Difference:
            return await payments.accept_as_fee(tx, one.difference_id, note="they say so")

        await books.do(accept)
    assert await books.account("provider_fees") == -65
    assert (await books.reconcile()).day.state is payments.StatementState.RECONCILED
    await books.agree()

    async def reopen(tx: Tx) -> payments.Difference:
        return await payments.reopen_difference(tx, fee.difference_id, note="they do not")

    await books.do(reopen)
    assert await books.account("provider_fees") == -40
    await books.agree()


async def test_fees_are_booked_as_agreed_and_follow_a_correction(books: Books) -> None:
    async def agree_on(tx: Tx) -> None:
        books.shop.merchant = await payments.put_merchant(
            tx, provider="sandbox", payee=None, settings=books.merchant.settings, secrets=OURS, fee_millionths=6_000
        )

    await books.do(agree_on)
    _, payment_id = await books.paid()
    await books.fault("statement_fee", payment_id.hex, delta_minor=77)
    read = await books.reconcile()
    assert (read.day.state, read.found) == (payments.StatementState.RECONCILED, [])
    assert await books.account("provider_fees") == -77  # 0.6 % of 128.00
    assert read.day.sums[0].theirs_minor == read.day.sums[0].ours_minor == PRICE_MINOR - 77
    await books.nothing_is_wrong()
    await books.reconcile()
    assert await books.account("provider_fees") == 0
    await books.agree()


async def test_refunds_that_differ_or_that_we_never_heard_of(books: Books) -> None:
    one, _ = await books.paid()
    refund_id = await books.refunded(one)
    await books.fault("statement_amount", refund_id.hex, delta_minor=500)
    other, _ = await books.paid()
    unheard = await books.refunded(other, push=False)
    async with books.shop.database.reading(books.shop.tenant) as tx:
        refund = await payments.refund_of(tx, unheard)
        [tender] = await payments.tenders_of(tx, [refund.payment_id])
    await books.sandbox.refund(
        books.merchant,
        payments.RefundOrder(
            refund_id=unheard,
            payment_id=refund.payment_id,
            transaction_no=tender.transaction_no or "",
            amount=refund.amount,
            paid=tender.amount,
            reason="x",
        ),
    )
    await books.reconcile()
    differs, missing = await books.differences(unresolved=True)
    assert (differs.kind, differs.minor) == (Kind.REFUND_DIFFERS, -500)
    assert (missing.kind, missing.refund_id) == (Kind.REFUND_MISSING_HERE, unheard)

    async def book(tx: Tx) -> payments.Difference:
        return await orders.book_difference(tx, missing.difference_id, note="they did")

    await books.do(book)
    async with books.shop.database.reading(books.shop.tenant) as tx:
        assert (await payments.refund_of(tx, unheard)).state is payments.RefundState.REFUNDED
    assert [one.kind for one in await books.differences(unresolved=True)] == [Kind.REFUND_DIFFERS]
    await books.agree()


async def test_a_line_that_stands_twice_counts_once_and_is_told(books: Books) -> None:
    _, payment_id = await books.paid()
    await books.fault("statement_doubled", payment_id.hex)
    read = await books.reconcile()
    assert read.matched == 1
    found = await books.the_only(Kind.DUPLICATE)
    assert found.minor == PRICE_MINOR
    assert read.day.sums[0].theirs_minor == 2 * PRICE_MINOR
    await books.agree()


async def test_a_line_of_another_account_is_told_as_such(books: Books) -> None:
    franchise = await open_franchise(books.shop, base_url=books.merchant.settings["base_url"], secret=OURS["secret"])
    await collects(books.shop, collects="operator")
    placed = await books.shop.place(1, store_id=franchise.store.store_id)
    assert placed.payment_id is not None
    await books.fault("statement_stray", placed.payment_id.hex, merchant_no=books.merchant.settings["merchant_no"])
    [cashier] = await payments.start_payments(
        books.shop.database, books.shop.tenant, placed.order.order_id, payments.Cashier("x"), callback_base=""
    )
    await books.post(f"{cashier.cashier_url}/pay")
    [notice] = await payments.repair(books.shop.database, books.shop.tenant, placed.payment_id)

    async def take(tx: Tx) -> None:
        await orders.notice_arrived(tx, notice)

    await books.do(take)
    await books.reconcile()
    found = await books.the_only(Kind.WRONG_MERCHANT)
    assert found.payment_id == placed.payment_id

    async def book(tx: Tx) -> payments.Difference:
        return await orders.book_difference(tx, found.difference_id, note="x")

    with pytest.raises(payments.NotSoResolved):
        await books.do(book)
    theirs = await books.reconcile(merchant=franchise.merchant)
    assert theirs.day.state is payments.StatementState.RECONCILED
    await books.agree()


async def test_a_statement_that_is_late_or_short_is_taken_over_whole_or_not_at_all(books: Books) -> None:
    await books.paid()
    await books.paid()
    await books.fault("statement_late", books.merchant.settings["merchant_no"], times=1)
    with pytest.raises(payments.StatementNotReady):
        await books.reconcile()
    await books.fault("statement_short", books.merchant.settings["merchant_no"], times=1)
    with pytest.raises(payments.StatementIncomplete):
        await books.reconcile()
    async with books.shop.database.reading(books.shop.tenant) as tx:
        day = await payments.statement_day(tx, books.merchant.merchant_id, books.today)
        assert (day.state, day.matched, day.runs) == (payments.StatementState.DUE, 0, 0)
        assert "1 of 2" in day.error
        assert day.next_try_at is not None
    assert (await books.reconcile()).matched == 2
    await books.agree()


async def test_the_days_that_are_over_are_read_by_themselves_and_once(books: Books) -> None:
    placed, _ = await books.paid()
    assert placed.payment_id is not None
    late = timedelta(days=2)
    moment = utc_now() + late
    read = await payments.reconcile_due(books.shop.database, books.shop.tenant, now=moment)
    assert read == 3 - 1  # today and tomorrow are over by then
    assert await payments.reconcile_due(books.shop.database, books.shop.tenant, now=moment) == 0
    async with books.shop.database.reading(books.shop.tenant) as tx:
        days = (await payments.statement_days(tx, payments.StatementFilters(), PageRequest())).items
    assert [(day.day, day.state) for day in days] == [
        (books.today + timedelta(days=1), payments.StatementState.RECONCILED),
        (books.today, payments.StatementState.RECONCILED),
    ]
    await books.agree()


async def test_readings_callbacks_and_decisions_at_once_leave_one_truth(books: Books) -> None:
    payment_ids = [(await books.ordered())[1] for _ in range(3)]
    for payment_id in payment_ids[1:]:
        await books.fault("statement_doubled", payment_id.hex)
    await books.reconcile()
    tell = [
        notice
        for payment_id in payment_ids
        for notice in await payments.repair(books.shop.database, books.shop.tenant, payment_id)
    ]

    async def take(notice: payments.Notice) -> None:
        async def work(tx: Tx) -> None:
            await orders.notice_arrived(tx, notice)

        await books.do(work)

    async def settle(one: payments.Difference, verb: str) -> None:
        async def work(tx: Tx) -> None:
            if verb == "book":
                await orders.book_difference(tx, one.difference_id, note="seen")
            else:
                await payments.dismiss_difference(tx, one.difference_id, note="no")

        # Somebody, or the callback, may have been quicker.
        with contextlib.suppress(payments.DifferenceEnded, payments.NotSoResolved):
            await books.do(work)

    found = await books.differences(unresolved=True)
    assert len(found) == 5
    await asyncio.gather(
        *(take(notice) for notice in tell),
        *(settle(one, verb) for one in found for verb in ("book", "dismiss")),
        *(books.reconcile() for _ in range(3)),
    )
    read = await books.reconcile()
    assert read.found == []
    assert (read.matched, read.day.state) == (3, payments.StatementState.RECONCILED)
    assert len(await books.differences()) == 5
    for payment_id in payment_ids:
        async with books.shop.database.reading(books.shop.tenant) as tx:
            assert len(await payments.tenders_of(tx, [payment_id])) == 1
    await books.agree()


def test_a_long_statement_comes_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement, "PAGE", 2)
    book = Book(tmp_path / "book.sqlite")
    wishes = [
        protocol.CreatePayment(
            payment_no=f"P{number}", amount_minor=100, currency="CNY", title="t", expires_at_ms=2**52, callback_url=""
        )
        for number in range(5)
    ]
    for wish in wishes:
        book.pay(book.create("M", wish)["token"], now_ms=1_000)
    day = date(1970, 1, 1)
    pages = [statement.page_of(book, "M", day, number, zone="UTC", fee_millionths=10_000) for number in (1, 2, 3)]
    assert [len(page.lines) for page in pages] == [2, 2, 1]
    assert {(page.count, page.pages) for page in pages} == {(5, 3)}
    assert {line.payment_no for page in pages for line in page.lines} == {f"P{number}" for number in range(5)}
    assert {line.fee_minor for page in pages for line in page.lines} == {1}
    with pytest.raises(Refused):
        statement.page_of(book, "M", day, 4, zone="UTC", fee_millionths=0)
    book.close()


async def test_a_difference_that_waits_is_open_again_when_its_time_is_over_and_shows_as_late(books: Books) -> None:
    _, payment_id = await books.paid()
    await books.fault("statement_amount", payment_id.hex, delta_minor=-1)
    await books.reconcile()
    found = await books.the_only(Kind.AMOUNT_DIFFERS)

    async def wait(tx: Tx) -> payments.Difference:
        return await payments.wait_for_difference(tx, found.difference_id, until=books.today, note="asked them")

    await books.do(wait)
    assert (await books.the_only(Kind.AMOUNT_DIFFERS)).state is State.WAITING
    await books.agree()
    await books.reconcile(later=timedelta(days=2))
    assert (await books.the_only(Kind.AMOUNT_DIFFERS)).state is State.OPEN
    async with books.shop.database.reading(books.shop.tenant, now=utc_now() + timedelta(days=5)) as tx:
        late = await payments.late(tx)
    assert [one.subject_id for one in late if one.kind == "payments.difference"] == [str(found.difference_id)]
    assert [one.kind for one in late if one.kind == "payments.not_reconciled"] == ["payments.not_reconciled"]
