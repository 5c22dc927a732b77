"""A provider without a network: its statement is what a test says."""

from datetime import date, timedelta

from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.clock import utc_now
from midstage.middle.payments import api as payments


class BookProvider(SandboxPay):
    """A provider that needs no settings, and whose statement is what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[payments.StatementLine] = []
        self.away = False

    name = "book"
    settings = frozenset[str]()
    secrets = frozenset[str]()

    async def statement(self, merchant: payments.Merchant, day: date) -> payments.Statement:
        if self.away:
            raise payments.ProviderUnavailable(self.name, f"away on {day}")
        assert merchant.provider == self.name
        now = utc_now()
        return payments.Statement(now - timedelta(days=1), now, self.lines)
