"""One checkout for several payees: one cashier where the provider combines, else one after the other."""

from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from adapters.sandbox_pay.program import Mailbox, Program
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop, open_shop
from shop.franchise import Franchise, collects, open_franchise, open_payments_of

HERE = orders.Delivery(orders.Method.DELIVERY, orders.Address("韩梅梅", "13800000000", "某路 1 号", 31.21, 121.4))


async def a_shop(db: Database, program: Program, sandbox: SandboxPay) -> tuple[Shop, Franchise, orders.PlacedOrder]:
    """An order of which the brand and a franchisee collect a share each, both at the program."""
    shop = await open_shop(db)
    payments.register(sandbox)  # the one whose connections are closed in the end

    async def move(tx: Tx) -> None:
        shop.merchant = await payments.put_merchant(
            tx,
            provider="sandbox",
            payee=None,
            settings={"merchant_no": f"B{new_id().hex}", "base_url": program.url},
            secrets={"secret": "env:SECRET_SANDBOX_TEST"},
        )

    await shop.do(move)
    franchise = await open_franchise(shop, base_url=program.url, secret="env:SECRET_SANDBOX_TEST")
    await collects(shop, collects="operator", whose="shipper")
    return shop, franchise, await shop.place(220, delivery=HERE)


async def start(shop: Shop, placed: orders.PlacedOrder, mailbox: Mailbox) -> list[payments.CashierTo]:
    cashier = payments.Cashier(title=placed.order.number)
    base = mailbox.callback_url
    return await payments.start_payments(shop.database, shop.tenant, placed.order.order_id, cashier, callback_base=base)


async def take_callbacks(shop: Shop, mailbox: Mailbox, count: int, *merchants: payments.Merchant | None) -> None:
    """Let what the provider called back arrive, each at its own merchant."""
    for callback in await mailbox.wait(count):
        for merchant in merchants:
            assert merchant is not None
            merchant_id = merchant.merchant_id

            async def take(
                tx: Tx,
                merchant_id: payments.MerchantId = merchant_id,
                headers: dict[str, str] = callback.headers,
                body: bytes = callback.body,
            ) -> None:
                try:
                    notice = await payments.read_notice(tx, merchant_id, headers, body)
                except payments.SignatureWrong:
                    return  # it is the other merchant's
                await orders.notice_arrived(tx, notice)

            await shop.do(take)


@pytest.mark.usefixtures("merchant")
async def test_one_cashier_takes_the_shares_of_both_payees(
    db: Database, program: Program, mailbox: Mailbox, sandbox: SandboxPay
) -> None:
    shop, franchise, placed = await a_shop(db, program, sandbox)
    assert payments.combining(sandbox.name) is sandbox
    [cashier] = await start(shop, placed, mailbox)
    assert cashier.amount.minor == 220 * PRICE_MINOR
    assert sorted(map(str, cashier.payees)) == sorted(map(str, (None, franchise.payee)))
    assert await start(shop, placed, mailbox) == [cashier]
    async with httpx.AsyncClient() as http:
        page = (await http.get(cashier.cashier_url, params={"lang": "en"})).text
        assert page.count("Waiting for payment") == 3
        paid = (await http.post(f"{cashier.cashier_url}/pay")).json()
    assert [part["state"] for part in paid["parts"]] == ["paid", "paid"]
    await take_callbacks(shop, mailbox, 2, shop.merchant, franchise.merchant)
    order = await shop.order(placed.order.order_id)
    assert (order.state, order.paid_minor) == (orders.State.PAID, order.total_minor)
    with pytest.raises(payments.PaymentNotOpen):
        await start(shop, placed, mailbox)


@pytest.mark.usefixtures("merchant")
async def test_where_nobody_combines_each_payee_has_a_cashier_and_the_last_one_pays(
    db: Database, program: Program, mailbox: Mailbox, sandbox: SandboxPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "combines", False)
    shop, franchise, placed = await a_shop(db, program, sandbox)
    first, second = await start(shop, placed, mailbox)
    async with httpx.AsyncClient() as http:
        await http.post(f"{first.cashier_url}/pay")
        await take_callbacks(shop, mailbox, 1, shop.merchant, franchise.merchant)
        assert (await shop.order(placed.order.order_id)).state is orders.State.PLACED
        assert await start(shop, placed, mailbox) == [second]
        await http.post(f"{second.cashier_url}/pay")
    await take_callbacks(shop, mailbox, 2, shop.merchant, franchise.merchant)
    assert (await shop.order(placed.order.order_id)).state is orders.State.PAID


@pytest.mark.usefixtures("merchant")
async def test_a_lost_callback_of_one_part_is_found_by_asking(
    db: Database, program: Program, mailbox: Mailbox, sandbox: SandboxPay
) -> None:
    shop, _, placed = await a_shop(db, program, sandbox)
    [cashier] = await start(shop, placed, mailbox)
    async with httpx.AsyncClient() as http:
        for payment in await open_payments_of(shop, placed):
            fault = {"kind": "lost", "payment_no": payment.payment_id.hex}
            (await http.post(f"{program.url}/faults", json=fault)).raise_for_status()
        (await http.post(f"{cashier.cashier_url}/pay")).raise_for_status()
    for payment in await open_payments_of(shop, placed):
        [notice] = await payments.repair(shop.database, shop.tenant, payment.payment_id)

        async def take(tx: Tx, notice: payments.Notice = notice) -> None:
            await orders.notice_arrived(tx, notice)

        await shop.do(take)
    assert (await shop.order(placed.order.order_id)).state is orders.State.PAID


async def test_a_combination_keeps_its_parts_and_a_part_that_was_closed_is_not_paid(
    mailbox: Mailbox, sandbox: SandboxPay, merchant: payments.Merchant
) -> None:
    def part(minor: int) -> payments.PaymentOrder:
        return payments.PaymentOrder(
            payment_id=payments.PaymentId(new_id()),
            amount=Money(minor, "CNY"),
            title="t",
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
            callback_url=mailbox.callback_url,
        )

    one, two = part(100), part(200)
    order = payments.CombinedOrder(new_id(), [(merchant, one), (merchant, two)])
    made = await sandbox.create_combined(order)
    with pytest.raises(payments.ProviderRefused):
        await sandbox.create_combined(msgspec.structs.replace(order, parts=[(merchant, one), (merchant, part(5))]))
    with pytest.raises(payments.ProviderRefused):
        await sandbox.create_combined(payments.CombinedOrder(new_id(), [(merchant, one)]))
    await sandbox.close(merchant, one.payment_id)
    await mailbox.pay(payments.Created("", made.cashier_url))
    assert (await sandbox.query(merchant, one.payment_id)).state is payments.StandingState.CLOSED
    assert (await sandbox.query(merchant, two.payment_id)).state is payments.StandingState.PAID
