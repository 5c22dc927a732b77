"""Providers' days against our book: which are reconciled, what differs, and how it is dealt with. Of the brand as a whole."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.files import csv_answer, write_csv
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Reason, day_begins
from midstage.kit.database import Tx
from midstage.kit.paging import MAX_LIMIT, Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

TAGS = ["console: reconciliation"]
READ, WRITE = "payments.read", "payments.write"
DayInState = Annotated[payments.StatementState | None, QueryParameter(name="state")]
InState = Annotated[payments.DifferenceState | None, QueryParameter(name="state")]
OfKind = Annotated[payments.DifferenceKind | None, QueryParameter(name="kind")]
Unresolved = Annotated[bool, QueryParameter(name="unresolved", description="Only those that wait for somebody")]
SETTLED = (
    NeedsWholeBrand,
    payments.NoSuchDifference,
    payments.DifferenceEnded,
    payments.NotSoResolved,
    payments.DifferenceNeedsReason,
)
BOOKED = (
    *SETTLED,
    payments.NotBookedSo,
    payments.NoSuchPayment,
    payments.TransactionTaken,
    payments.NoticeOfAnother,
    orders.OrderNotMovable,
    orders.OrderChanged,
    inventory.StockShort,
)
DAY_COLUMNS = (
    "merchant_id", "provider", "payee", "day", "state", "currency", "ours_minor", "theirs_minor", "fee_minor", "matched", "differences", "error",
)  # fmt: skip
DIFFERENCE_COLUMNS = (
    "difference_id", "merchant_id", "day", "kind", "state", "resolution", "transaction_no", "payment_id", "refund_id",
    "currency", "ours_minor", "theirs_minor", "note", "happened_at", "found_at", "ended_at",
)  # fmt: skip


class DifferenceSheet(msgspec.Struct, frozen=True):
    """A difference, whole: with its history, and the order that it is of, where it is of one of ours."""

    difference: payments.Difference
    steps: list[payments.DifferenceStep]
    order_id: UUID | None


class SettleDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    note: Reason


class AwaitDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when it is expected to go by itself, and why."""

    until: date
    note: Reason


class WriteOffDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; beyond the limit of the policy with the approval of somebody else."""

    note: Reason
    approval_id: UUID | None = None


@reading("/payments/days", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate))
async def statement_days(
    tx: Tx,
    staff: Staff,
    merchant_id: UUID | None = None,
    in_state: DayInState = None,
    since: date | None = None,
    until: date | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[payments.StatementDay]:
    """The days of the merchants, the latest first: ours, theirs, what differs, and whether it is dealt with."""
    whole_brand(staff, READ)
    filters = _days(staff, merchant_id, in_state, since, until)
    return await payments.statement_days(tx, filters, PageRequest(after, limit))


@reading(
    "/payments/merchants/{merchant_id:uuid}/statement",
    tags=TAGS,
    needs=READ,
    refuses=(NeedsWholeBrand, BadDate, payments.NoSuchStatement),
)
async def statement(merchant_id: UUID, day: date, tx: Tx, staff: Staff) -> payments.StatementDay:
    """How one day of a merchant stands. Raises NoSuchStatement where it was never read."""
    whole_brand(staff, READ)
    day_begins(staff.tenant, day)
    return await payments.statement_day(tx, payments.MerchantId(merchant_id), day)


@reading("/payments/differences", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate))
async def payment_differences(
    tx: Tx,
    staff: Staff,
    merchant_id: UUID | None = None,
    day: date | None = None,
    in_state: InState = None,
    of_kind: OfKind = None,
    *,
    unresolved: Unresolved = False,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[payments.Difference]:
    """What statements say differently, the latest found first."""
    whole_brand(staff, READ)
    filters = _differences(staff, merchant_id, day, in_state, of_kind, unresolved=unresolved)
    return await payments.differences(tx, filters, PageRequest(after, limit))


@reading(
    "/payments/differences/{difference_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(NeedsWholeBrand, payments.NoSuchDifference),
)
async def payment_difference(difference_id: UUID, tx: Tx, staff: Staff) -> DifferenceSheet:
    """One difference with its history."""
    whole_brand(staff, READ)
    return await _sheet(tx, payments.DifferenceId(difference_id))


@changing("POST", "/payments/differences/{difference_id:uuid}/book", once=True, tags=TAGS, needs=WRITE, refuses=BOOKED)
async def book_difference(difference_id: UUID, data: SettleDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """Take over what we never heard of, as if the provider had told us in time: the order is paid, or it goes back."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    await orders.book_difference(tx, found, note=data.note)
    return await _sheet(tx, found)


@changing(
    "POST", "/payments/differences/{difference_id:uuid}/give-back", once=True, tags=TAGS, needs=WRITE, refuses=BOOKED
)
async def give_back_difference(difference_id: UUID, data: SettleDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """Book a payment that we never heard of, and give it back; its order is called off."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    await orders.give_back_difference(tx, found, note=data.note)
    return await _sheet(tx, found)


@changing("POST", "/payments/differences/{difference_id:uuid}/fee", once=True, tags=TAGS, needs=WRITE, refuses=SETTLED)
async def take_as_fee(difference_id: UUID, data: SettleDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """The provider charged it: booked as its fee."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    await payments.accept_as_fee(tx, found, note=data.note)
    return await _sheet(tx, found)


@changing(
    "POST",
    "/payments/differences/{difference_id:uuid}/write-off",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*SETTLED, access.ApprovalNeeded),
)
async def write_off_difference(difference_id: UUID, data: WriteOffDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """Give it up, or keep what came too much; beyond a limit somebody else has to approve."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    approval = None if data.approval_id is None else access.ApprovalId(data.approval_id)
    await payments.write_off(tx, found, note=data.note, approval=approval)
    return await _sheet(tx, found)


@changing(
    "POST",
    "/payments/differences/{difference_id:uuid}/wait",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*SETTLED, BadDate),
)
async def wait_for_difference(difference_id: UUID, data: AwaitDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """It is expected to go by itself; it is open again when it did not by then."""
    whole_brand(staff, WRITE)
    day_begins(staff.tenant, data.until)
    found = payments.DifferenceId(difference_id)
    await payments.wait_for_difference(tx, found, until=data.until, note=data.note)
    return await _sheet(tx, found)


@changing(
    "POST", "/payments/differences/{difference_id:uuid}/dismiss", once=True, tags=TAGS, needs=WRITE, refuses=SETTLED
)
async def dismiss_difference(difference_id: UUID, data: SettleDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """Nothing is to be done about it."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    await payments.dismiss_difference(tx, found, note=data.note)
    return await _sheet(tx, found)


@changing(
    "POST", "/payments/differences/{difference_id:uuid}/reopen", once=True, tags=TAGS, needs=WRITE, refuses=SETTLED
)
async def reopen_difference(difference_id: UUID, data: SettleDifference, tx: Tx, staff: Staff) -> DifferenceSheet:
    """What was decided does not hold: it is open again, and the ledger as it was before."""
    whole_brand(staff, WRITE)
    found = payments.DifferenceId(difference_id)
    await payments.reopen_difference(tx, found, note=data.note)
    return await _sheet(tx, found)


@reading("/exports/reconciliation", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate))
async def export_reconciliation(
    request: AnyRequest,
    staff: Staff,
    merchant_id: UUID | None = None,
    in_state: DayInState = None,
    since: date | None = None,
    until: date | None = None,
) -> Stream:
    """The days of the merchants as a file, a row for each currency."""
    whole_brand(staff, READ)
    filters = _days(staff, merchant_id, in_state, since, until)
    database = desk_of(request).database

    async def parts() -> AsyncIterator[bytes]:
        async with database.reading(staff.tenant, by=staff.by) as tx:
            known = {one.merchant_id: one for one in await payments.merchants(tx)}
        after: str | None = None
        first = True
        while first or after is not None:
            async with database.reading(staff.tenant, by=staff.by) as tx:
                page = await payments.statement_days(tx, filters, PageRequest(after, MAX_LIMIT))
            rows = [row for day in page.items for row in _day_rows(day, known[day.merchant_id])]
            yield write_csv(DAY_COLUMNS, rows, header=first)
            first, after = False, page.next

    return csv_answer("reconciliation", parts())


@reading("/exports/differences", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate))
async def export_differences(
    request: AnyRequest,
    staff: Staff,
    merchant_id: UUID | None = None,
    day: date | None = None,
    in_state: InState = None,
    of_kind: OfKind = None,
    *,
    unresolved: Unresolved = False,
) -> Stream:
    """The differences as a file, the latest found first."""
    whole_brand(staff, READ)
    filters = _differences(staff, merchant_id, day, in_state, of_kind, unresolved=unresolved)
    database = desk_of(request).database

    async def parts() -> AsyncIterator[bytes]:
        after: str | None = None
        first = True
        while first or after is not None:
            async with database.reading(staff.tenant, by=staff.by) as tx:
                page = await payments.differences(tx, filters, PageRequest(after, MAX_LIMIT))
            rows = [[getattr(one, name) for name in DIFFERENCE_COLUMNS] for one in page.items]
            yield write_csv(DIFFERENCE_COLUMNS, rows, header=first)
            first, after = False, page.next

    return csv_answer("differences", parts())


def _day_rows(day: payments.StatementDay, merchant: payments.Merchant) -> list[list[object]]:
    head = [day.merchant_id, merchant.provider, merchant.payee, day.day, day.state.value]
    tail = [day.matched, day.differences, day.error]
    if not day.sums:
        return [[*head, None, None, None, None, *tail]]
    return [[*head, one.currency, one.ours_minor, one.theirs_minor, one.fee_minor, *tail] for one in day.sums]


def _days(
    staff: Staff,
    merchant_id: UUID | None,
    state: payments.StatementState | None,
    since: date | None,
    until: date | None,
) -> payments.StatementFilters:
    """Raises BadDate."""
    for day in (since, until):
        day_begins(staff.tenant, day)
    return payments.StatementFilters(merchant_id=_merchant(merchant_id), state=state, since=since, until=until)


def _differences(
    staff: Staff,
    merchant_id: UUID | None,
    day: date | None,
    state: payments.DifferenceState | None,
    kind: payments.DifferenceKind | None,
    *,
    unresolved: bool,
) -> payments.DifferenceFilters:
    """Raises BadDate."""
    day_begins(staff.tenant, day)
    return payments.DifferenceFilters(
        merchant_id=_merchant(merchant_id), day=day, state=state, kind=kind, unresolved=unresolved
    )


def _merchant(merchant_id: UUID | None) -> payments.MerchantId | None:
    return None if merchant_id is None else payments.MerchantId(merchant_id)


async def _sheet(tx: Tx, difference_id: payments.DifferenceId) -> DifferenceSheet:
    found = await payments.difference(tx, difference_id)
    order_id = None if found.payment_id is None else await payments.order_of(tx, found.payment_id)
    return DifferenceSheet(found, await payments.steps_of_difference(tx, difference_id), order_id)


HANDLERS: list[HTTPRouteHandler] = [
    statement_days, statement, payment_differences, payment_difference, book_difference, give_back_difference,
    take_as_fee, write_off_difference, wait_for_difference, dismiss_difference, reopen_difference,
    export_reconciliation, export_differences,
]  # fmt: skip
