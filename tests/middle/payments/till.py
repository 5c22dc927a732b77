"""Small helpers of the tests of payments: open what is due, and say what a provider would say."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.findings import Finding
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.ledger import api as ledger
from midstage.middle.payments import api as payments

MERCHANT = payments.MerchantId(new_id())
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


async def opened(
    db: Database, tenant: Tenant, minor: int = 10_000, *, payee: UUID | None = None, order_id: UUID | None = None
) -> payments.Payment:
    """A payment that is due."""
    async with db.writing(tenant) as tx:
        due_at = tx.now + timedelta(minutes=30)
        payment_id = await payments.open_payment(tx, order_id or new_id(), cny(minor), payee=payee, due_at=due_at)
        return await payments.payment_of(tx, payment_id)


async def paid(db: Database, tenant: Tenant, minor: int = 10_000) -> payments.Payment:
    """A payment that was paid."""
    payment = await opened(db, tenant, minor)
    async with db.writing(tenant) as tx:
        await payments.book_paid(tx, said_paid(payment))
    return await again(db, tenant, payment)


async def again(db: Database, tenant: Tenant, payment: payments.Payment) -> payments.Payment:
    """The payment as it stands now."""
    async with db.reading(tenant) as tx:
        return await payments.payment_of(tx, payment.payment_id)


def said_paid(
    payment: payments.Payment,
    *,
    minor: int | None = None,
    transaction_no: str = "",
    merchant_id: payments.MerchantId = MERCHANT,
    payee: UUID | None = None,
) -> payments.Notice:
    """What a provider says of a payment: paid in full, if not said."""
    return payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=merchant_id,
        payee=payee,
        provider="sandbox",
        payment_id=payment.payment_id,
        transaction_no=transaction_no or f"T{payment.payment_id.hex}",
        amount=cny(payment.due_minor if minor is None else minor),
        at=NOON,
    )


def said_refunded(
    refund: payments.Refund,
    *,
    kind: payments.NoticeKind = payments.NoticeKind.REFUNDED,
    minor: int | None = None,
    merchant_id: payments.MerchantId = MERCHANT,
) -> payments.Notice:
    """What a provider says of a refund."""
    return payments.Notice(
        kind=kind,
        merchant_id=merchant_id,
        payee=None,
        provider="sandbox",
        payment_id=refund.payment_id,
        transaction_no=f"R{refund.refund_id.hex}",
        amount=cny(refund.amount.minor if minor is None else minor),
        at=NOON,
        refund_id=refund.refund_id,
        reason="" if kind is payments.NoticeKind.REFUNDED else "account closed",
    )


async def wrong(tx: Tx) -> list[Finding]:
    """What the doctor finds in payments and in the ledger under them."""
    found = await payments.checks(tx)
    assert all(total == 0 for _, total in await ledger.trial_balance(tx))
    return found


async def deposits(tx: Tx) -> int:
    """What the ledger holds for orders."""
    return (await ledger.balance(tx, payments.deposits_account(tx.brand, "CNY"))).amount
