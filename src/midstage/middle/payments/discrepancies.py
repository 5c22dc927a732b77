"""Where our book and a provider differ: noted once, and put right by the provider or by a person."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.paging import Page, PageRequest
from midstage.middle.payments import booking, merchants, store
from midstage.middle.payments.refusals import (
    NoSuchPayment,
    NoSuchPaymentDiscrepancy,
)
from midstage.middle.payments.types import (
    Discrepancy,
    DiscrepancyFilters,
    DiscrepancyId,
    DiscrepancyKind,
    DiscrepancyState,
    Notice,
    NoticeKind,
    PaymentId,
    PaymentState,
    TenderId,
)

Keep = Callable[[Tx, Discrepancy], Awaitable[None]]
"""Whoever keeps the order's book notes that the order holds an amount that was accepted."""


async def note(
    tx: Tx, kind: DiscrepancyKind, notice: Notice, *, payment_id: PaymentId | None, expected: Money
) -> DiscrepancyId | None:
    """Note what a notice says differently; None where the same was noted before."""
    found = Discrepancy(
        discrepancy_id=DiscrepancyId(new_id()),
        kind=kind,
        payment_id=payment_id,
        refund_id=notice.refund_id,
        merchant_id=notice.merchant_id,
        transaction_no=notice.transaction_no,
        expected=expected,
        got=notice.amount,
        happened_at=notice.at,
        state=DiscrepancyState.OPEN,
        note="",
        found_at=tx.now,
        ended_at=None,
    )
    return found.discrepancy_id if await store.note_discrepancy(tx, found) else None


async def accept_amount(
    tx: Tx, payment_id: PaymentId, discrepancy_id: DiscrepancyId, *, note: str, keep: Keep
) -> Discrepancy:
    """A person has seen that the other amount did arrive: book it, so that it can be given back.

    The payment is not paid by it. `keep` notes in the same moment, on the order that the caller holds, that it has
    this money: without it there would be money that no order knows of.
    Raises NoSuchPaymentDiscrepancy (also where it is none of this payment's), TransactionTaken.
    """
    seen = await store.read_discrepancy(tx, discrepancy_id)
    if seen is None or seen.payment_id != payment_id or seen.merchant_id is None:
        raise NoSuchPaymentDiscrepancy(discrepancy_id)
    payment = await store.lock_payment(tx, payment_id)
    if payment is None:
        raise NoSuchPayment(payment_id)
    merchant = await merchants.merchant_of(tx, seen.merchant_id)
    found = await _end(tx, discrepancy_id, DiscrepancyState.ACCEPTED, note, DiscrepancyKind.AMOUNT_DIFFERS)
    notice = Notice(
        kind=NoticeKind.PAID,
        merchant_id=merchant.merchant_id,
        payee=merchant.payee,
        provider=merchant.provider,
        payment_id=payment.payment_id,
        transaction_no=found.transaction_no,
        amount=found.got,
        at=found.happened_at,
    )
    tender_id = TenderId(new_id())
    state = PaymentState.PAID if payment.state is PaymentState.PAID else PaymentState.FLAGGED
    if not await store.book_extra(tx, notice, tender_id, state):
        # Another currency than the payment's cannot stand on its account.
        raise NoSuchPaymentDiscrepancy(discrepancy_id)
    await booking.paid(
        tx,
        tender_id,
        payment.order_id,
        amount_minor=found.got.minor,
        currency=found.got.currency,
        method=merchant.provider,
        merchant_id=merchant.merchant_id,
        payee=merchant.payee,
    )
    await keep(tx, found)
    return found


async def flagged_by(tx: Tx, notice: Notice) -> Discrepancy | None:
    """The open discrepancy of a notice whose amount was not what is due, or None."""
    return await store.open_discrepancy(
        tx, notice.payment_id, notice.merchant_id, notice.transaction_no, got_minor=notice.amount.minor
    )


async def dismiss(tx: Tx, discrepancy_id: DiscrepancyId, *, note: str) -> Discrepancy:
    """A person has seen that nothing is to be done; a payment that was flagged for it alone is open again."""
    seen = await store.read_discrepancy(tx, discrepancy_id)
    if seen is not None and seen.payment_id is not None:
        await store.lock_payment(tx, seen.payment_id)
    found = await _end(tx, discrepancy_id, DiscrepancyState.DISMISSED, note, *DiscrepancyKind)
    if found.kind is not DiscrepancyKind.AMOUNT_DIFFERS or found.payment_id is None:
        return found
    if not await store.open_discrepancies_of(tx, found.payment_id):
        await store.unflag_payment(tx, found.payment_id)
    return found


async def discrepancies(tx: Tx, filters: DiscrepancyFilters, page: PageRequest) -> Page[Discrepancy]:
    """The discrepancies, latest first."""
    rows = await store.list_discrepancies(tx, filters, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, _place)


def _place(row: Discrepancy) -> tuple[datetime, UUID]:
    return row.found_at, row.discrepancy_id


async def _end(
    tx: Tx, discrepancy_id: DiscrepancyId, state: DiscrepancyState, note: str, *kinds: DiscrepancyKind
) -> Discrepancy:
    found = await store.end_discrepancy(tx, discrepancy_id, state, note, kinds)
    if found is None:
        raise NoSuchPaymentDiscrepancy(discrepancy_id)
    tx.note(
        f"payments.discrepancy_{state.value}",
        "discrepancy",
        discrepancy_id,
        before={"state": DiscrepancyState.OPEN.value},
        after={"state": state.value, "note": note},
    )
    return found
