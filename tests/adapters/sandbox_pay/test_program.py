"""The simulated provider as a program: honest page, nothing lost by kill -9, nobody served without a signature."""

import subprocess
import sys
from pathlib import Path

import httpx

from adapters.sandbox_pay.program import Mailbox, Program
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.ids import new_id
from midstage.middle.payments import api as payments
from midstage.middle.payments.conformance import Conformance


async def test_a_killed_program_has_lost_nothing_and_delivers_when_it_is_back(
    sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox, tmp_path: Path
) -> None:
    own = Program(tmp_path)
    own.start()
    here = payments.Merchant(
        merchant.merchant_id, None, "sandbox", {**merchant.settings, "base_url": own.url}, merchant.secrets
    )
    order = Conformance(sandbox, here, mailbox).order(1234)
    mailbox.refuse = 10_000
    created = await sandbox.create(here, order)
    await mailbox.pay(created)
    own.stop(kill=True)
    mailbox.refuse = 0
    own.start()
    try:
        standing = await sandbox.query(here, order.payment_id)
        assert (standing.state, standing.amount) == (payments.StandingState.PAID, order.amount)
        (callback,) = await mailbox.wait(1)
        assert order.payment_id.hex.encode() in callback.body
        assert await sandbox.create(here, order) == created
    finally:
        assert own.stop() == 0


async def test_the_cashier_says_in_both_languages_that_it_is_simulated(
    sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox
) -> None:
    suite = Conformance(sandbox, merchant, mailbox)
    order = suite.order(990)
    created = await sandbox.create(merchant, order)
    async with httpx.AsyncClient(headers={"accept": "text/html"}) as browser:
        zh = await browser.get(f"{created.cashier_url}?lang=zh-CN")
        en = await browser.get(f"{created.cashier_url}?lang=en")
        assert "模拟支付，不会产生任何真实扣款" in zh.text
        assert "This is a simulation. No money moves." in en.text
        assert "9.90 CNY" in en.text
        assert "http://" not in zh.text.replace(created.cashier_url, "")
        declined = await browser.post(f"{created.cashier_url}/decline?lang=en", follow_redirects=True)
        assert "declined" in declined.text
        paid = await browser.post(f"{created.cashier_url}/pay?lang=en", follow_redirects=True)
        assert paid.status_code == 200
        assert "<form" not in paid.text


async def test_nobody_is_served_without_a_signature(program: Program) -> None:
    async with httpx.AsyncClient(base_url=program.url) as client:
        for method, path in (
            ("POST", "/v1/payments"),
            ("GET", f"/v1/payments/{new_id().hex}"),
            ("POST", f"/v1/payments/{new_id().hex}/close"),
            ("POST", f"/v1/payments/{new_id().hex}/capture"),
            ("POST", "/v1/refunds"),
            ("GET", f"/v1/refunds/{new_id().hex}"),
            ("GET", "/v1/statements/2026-11-22"),
        ):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "signature")


async def test_what_goes_into_the_page_stays_text(
    sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox
) -> None:
    order = Conformance(sandbox, merchant, mailbox).order(1)
    evil = payments.PaymentOrder(
        payment_id=order.payment_id,
        amount=order.amount,
        title="<script>alert(1)</script>",
        expires_at=order.expires_at,
        callback_url=order.callback_url,
    )
    created = await sandbox.create(merchant, evil)
    async with httpx.AsyncClient() as browser:
        assert "<script" not in (await browser.get(created.cashier_url)).text


def test_a_missing_secret_is_one_clear_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "midstage.adapters.sandbox_pay", "--port", "1", "--data", str(tmp_path / "x")]
    ended = subprocess.run(
        [*command, "--secret-env", "SECRET_THAT_IS_NOT_SET"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "secret" in ended.stderr
