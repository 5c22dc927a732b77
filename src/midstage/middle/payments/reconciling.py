"""Fetch what a provider says of a day, keep it, and compare it with our book: daily by itself, or by hand."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import structlog

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.payments import comparing, merchants, store
from midstage.middle.payments import statement_rules as rules
from midstage.middle.payments.provider import Statement, StatementLine, provider
from midstage.middle.payments.refusals import NoSuchMerchant
from midstage.middle.payments.statement_types import (
    DifferenceId,
    Line,
    NoSuchStatement,
    Reconciled,
    StatementDay,
    StatementFilters,
    StatementIncomplete,
    StatementState,
)
from midstage.middle.payments.types import Merchant, MerchantId, TenderKind

ONE_DAY = timedelta(days=1)
DAYS_A_RUN = 200
_log = structlog.get_logger()


async def reconcile(
    database: Database,
    tenant: Tenant,
    merchant_id: MerchantId,
    day: date,
    *,
    by: Principal = SYSTEM,
    now: datetime | None = None,
) -> Reconciled:
    """Fetch a merchant's statement of a day, keep it in place of an earlier one, and compare it with our book.

    Again is once: differences keep what was decided about them, those that were put right are gone. The days around
    are compared again, as what is in transit may have arrived. Where there is no statement yet, or not all of it,
    nothing is taken over and it is tried again by itself.
    Raises NoSuchMerchant, UnknownProvider, StatementNotReady, StatementIncomplete, ProviderUnavailable,
    ProviderRefused, BadMerchant, SecretMissing.
    """
    at = now or utc_now()
    async with database.writing(tenant, now=at, by=by) as tx:
        merchant = await merchants.merchant_of(tx, merchant_id)
        await store.put_day(tx, merchant_id, day)
    try:
        statement = await provider(merchant.provider).statement(merchant, day)
        _check_complete(merchant, statement, day)
    except Refusal as refusal:
        async with database.writing(tenant, now=at, by=by) as tx:
            await store.note_trouble(tx, merchant_id, day, str(refusal), at + rules.NOT_THERE)
        raise
    async with database.writing(tenant, now=at, by=by) as tx:
        return await _take_over(tx, merchant_id, day, statement)


async def reconcile_due(
    database: Database, tenant: Tenant, *, now: datetime | None = None, limit: int = DAYS_A_RUN
) -> int:
    """Reconcile every day of every merchant that is over and was not yet, or may have been corrected.

    One that cannot be read holds up no other. Returns how many were read.
    """
    at = now or utc_now()
    async with database.writing(tenant, now=at) as tx:
        await store.open_days(tx, tenant.business_date(at) - ONE_DAY)
    async with database.reading(tenant, now=at) as tx:
        due = await store.due_days(tx, limit)
    read = 0
    for merchant_id, day in due:
        try:
            await reconcile(database, tenant, merchant_id, day, now=now)
        except Refusal as refusal:
            _log.warning(
                "statement_waits",
                brand=tenant.brand,
                merchant=str(merchant_id),
                day=day.isoformat(),
                code=refusal.code,
            )
        else:
            read += 1
    return read


async def compare_again(tx: Tx, merchant: Merchant, day: date) -> list[DifferenceId]:
    """Compare a day that was read, as our book is now. The caller holds the merchant. Nothing, if it was not read."""
    head = await store.lock_day(tx, merchant.merchant_id, day)
    if head is None or head.state is StatementState.DUE:
        return []
    _, new = await comparing.compare_day(tx, merchant, head)
    return new


async def statement_day(tx: Tx, merchant_id: MerchantId, day: date) -> StatementDay:
    """How a day of a merchant stands. Raises NoSuchStatement."""
    found = await store.read_day(tx, merchant_id, day)
    if found is None:
        raise NoSuchStatement(day.isoformat())
    return found


async def statement_days(tx: Tx, filters: StatementFilters, page: PageRequest) -> Page[StatementDay]:
    """The days of the merchants, the latest first."""
    rows = await store.list_days(tx, filters, page.place(tuple[date, MerchantId]), page.fetch)
    return page.page(rows, lambda row: (row.day, row.merchant_id))


async def statement_lines(tx: Tx, merchant_id: MerchantId, day: date) -> list[Line]:
    """A statement as it came, line by line. Raises NoSuchStatement."""
    await statement_day(tx, merchant_id, day)
    return await store.lines(tx, merchant_id, day)


async def _take_over(tx: Tx, merchant_id: MerchantId, day: date, statement: Statement) -> Reconciled:
    merchant = await store.lock_merchant(tx, merchant_id)
    head = await store.lock_day(tx, merchant_id, day)
    if merchant is None or head is None:
        raise NoSuchMerchant("")
    lines = _kept(statement.lines)
    await store.replace_lines(tx, merchant_id, day, lines)
    read = _read(head, statement, at=tx.now)
    told, new = await comparing.compare_day(tx, merchant, read)
    numbers = [line.transaction_no for line in lines]
    ours = await store.tenders_by_number(tx, merchant_id, numbers, list(TenderKind))
    covering = await store.days_covering(tx, merchant_id, [tender.happened_at for tender in ours])
    around = {day - ONE_DAY, day + ONE_DAY, *covering}
    for other in sorted(around - {day}):
        new += await compare_again(tx, merchant, other)
    return Reconciled(statement.since, statement.until, told.matched, new, told)


def _read(head: StatementDay, statement: Statement, *, at: datetime) -> StatementDay:
    return StatementDay(
        merchant_id=head.merchant_id,
        day=head.day,
        state=head.state,
        since=statement.since,
        until=statement.until,
        runs=head.runs + 1,
        lines=head.lines,
        matched=head.matched,
        differences=head.differences,
        fetched_at=at,
        next_try_at=head.next_try_at,
        error="",
    )


def _kept(lines: Sequence[StatementLine]) -> list[Line]:
    return [
        Line(
            line_no,
            line.payment_no,
            line.refund_no,
            line.transaction_no,
            line.amount.minor,
            line.fee.minor if line.fee else 0,
            line.amount.currency,
            line.at,
        )
        for line_no, line in enumerate(lines, start=1)
    ]


def _check_complete(merchant: Merchant, statement: Statement, day: date) -> None:
    """Refuse to compare with a part of a statement: what is missing would look as if it had never happened."""
    got = len({(line.transaction_no, bool(line.refund_no)) for line in statement.lines})
    if statement.count is not None and got < statement.count:
        raise StatementIncomplete(merchant.provider, day.isoformat(), got, statement.count)
