"""Compare a provider's statement of a day with our book, line by line."""

from datetime import date, datetime, timedelta

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import merchants, rules, store
from midstage.middle.payments.provider import Statement, StatementLine, provider
from midstage.middle.payments.types import (
    Discrepancy,
    DiscrepancyId,
    DiscrepancyKind,
    DiscrepancyState,
    MerchantId,
    PaymentId,
    Reconciled,
    RefundId,
    Tender,
    TenderKind,
)


async def reconcile(
    database: Database,
    tenant: Tenant,
    merchant_id: MerchantId,
    day: date,
    *,
    by: Principal = SYSTEM,
    now: datetime | None = None,
) -> Reconciled:
    """Fetch a merchant's statement and note every difference as a discrepancy; a difference is noted once.

    A day is compared when it is over at the provider; one that is not yet over shows what is under way as missing.
    """
    async with database.reading(tenant, now=now, by=by) as tx:
        merchant = await merchants.merchant_of(tx, merchant_id)
    statement = await provider(merchant.provider).statement(merchant, day)
    async with database.writing(tenant, now=now or utc_now(), by=by) as tx:
        return await _compare(tx, merchant_id, statement)


async def _compare(tx: Tx, merchant_id: MerchantId, statement: Statement) -> Reconciled:
    numbers = [line.transaction_no for line in statement.lines]
    ours = await store.tenders_by_number(tx, merchant_id, numbers, list(TenderKind))
    matched, differences = rules.compare(statement.lines, ours)
    listed = {tender.tender_id for tender in ours}
    # Our clock and the provider's differ: what happened within a minute of midnight may stand on the other day.
    edge = timedelta(minutes=1)
    inside = await store.tenders_between(tx, merchant_id, statement.since + edge, statement.until - edge)
    found = [_of_line(merchant_id, line, tender, at=tx.now) for line, tender in differences]
    found += [_of_tender(merchant_id, tender, at=tx.now) for tender in inside if tender.tender_id not in listed]
    noted = [one.discrepancy_id for one in found if await store.note_discrepancy(tx, one)]
    return Reconciled(statement.since, statement.until, matched, noted)


def _of_line(merchant_id: MerchantId, line: StatementLine, tender: Tender | None, *, at: datetime) -> Discrepancy:
    expected = Money(0, line.amount.currency) if tender is None else tender.amount
    kind = DiscrepancyKind.MISSING_HERE if tender is None else DiscrepancyKind.AMOUNT_DIFFERS
    if tender is not None and tender.kind is TenderKind.REFUND:
        kind, expected = DiscrepancyKind.REFUND_DIFFERS, -expected
    return Discrepancy(
        discrepancy_id=DiscrepancyId(new_id()),
        kind=kind,
        payment_id=None if tender is None else PaymentId(tender.payment_id),
        refund_id=None if tender is None or tender.refund_id is None else RefundId(tender.refund_id),
        merchant_id=merchant_id,
        transaction_no=line.transaction_no,
        expected=expected,
        got=line.amount,
        happened_at=line.at,
        state=DiscrepancyState.OPEN,
        note=f"{line.payment_no} {line.refund_no}".strip(),
        found_at=at,
        ended_at=None,
    )


def _of_tender(merchant_id: MerchantId, tender: Tender, *, at: datetime) -> Discrepancy:
    size = Money(abs(tender.amount.minor), tender.amount.currency)
    return Discrepancy(
        discrepancy_id=DiscrepancyId(new_id()),
        kind=DiscrepancyKind.MISSING_THERE,
        payment_id=tender.payment_id,
        refund_id=tender.refund_id,
        merchant_id=merchant_id,
        transaction_no=tender.transaction_no or str(tender.tender_id),
        expected=size,
        got=Money(0, tender.amount.currency),
        happened_at=tender.happened_at,
        state=DiscrepancyState.OPEN,
        note="",
        found_at=at,
        ended_at=None,
    )
