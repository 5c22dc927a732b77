"""The simulated provider keeps what the port promises: the suite that any provider's author can run."""

from adapters.sandbox_pay.program import Mailbox
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.middle.payments import api as payments
from midstage.middle.payments.conformance import Conformance


async def test_the_sandbox_conforms(sandbox: SandboxPay, merchant: payments.Merchant, mailbox: Mailbox) -> None:
    outcomes = await Conformance(sandbox, merchant, mailbox).run()
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert len(outcomes) == 15
