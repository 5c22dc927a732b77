"""The simulated provider keeps what the port promises: the suite that any provider's author can run."""

import json
from collections.abc import Mapping
from datetime import datetime

import msgspec
import pytest

from adapters.sandbox_pay.program import Mailbox
from midstage.adapters.sandbox_pay import protocol
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.ids import new_id
from midstage.middle.payments import api as payments
from midstage.middle.payments.conformance import Conformance, Nonconforming


async def test_the_sandbox_conforms(sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox) -> None:
    other = msgspec.structs.replace(
        merchant,
        merchant_id=payments.MerchantId(new_id()),
        payee=new_id(),
        settings={**merchant.settings, "merchant_no": f"M{new_id().hex}"},
    )
    outcomes = await Conformance(sandbox, merchant, mailbox, other=other).run()
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert len(outcomes) == 17


class Alone(SandboxPay):
    """Combines nothing, as most providers."""

    combines = False


async def test_a_provider_that_combines_nothing_conforms_too(merchant: payments.Merchant, mailbox: Mailbox) -> None:
    alone = Alone()
    outcomes = await Conformance(alone, merchant, mailbox).run()
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert len(outcomes) == 15
    await alone.close_connections()


class Credulous(SandboxPay):
    """Believes what it is told, and asks back whatever it likes."""

    def verify(
        self, merchant: payments.Merchant, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> payments.Notice:
        event = json.loads(body)
        signed = protocol.sign(payments.secret(merchant, "secret"), body, at_s=int(now.timestamp()))
        assert event["kind"]
        return super().verify(merchant, {**headers, **signed}, body, now=now)

    async def refund(self, merchant: payments.Merchant, order: payments.RefundOrder) -> payments.RefundStanding:
        fresh = msgspec.structs.replace(order, refund_id=payments.RefundId(new_id()))
        return await super().refund(merchant, fresh)


async def test_the_suite_sees_a_provider_that_does_not_conform(
    sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox
) -> None:
    credulous = Credulous()
    suite = Conformance(credulous, merchant, mailbox, wait_s=1)
    for check in ("nothing_is_believed_that_is_not_signed", "an_old_signature_is_not_believed"):
        with pytest.raises(Nonconforming):
            await suite.checks()[check]()
    with pytest.raises((Nonconforming, payments.ProviderRefused)):
        await suite.refunding_twice_is_refunding_once()
    await credulous.close_connections()
