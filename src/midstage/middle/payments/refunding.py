"""Give money back: asked for once, pushed to its provider until it answers, booked when it went."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.paging import Page, PageRequest
from midstage.middle.payments import booking, discrepancies, merchants, rules, store
from midstage.middle.payments.callbacks import callback_url
from midstage.middle.payments.facts import RefundCompleted, RefundFailed, RefundRequested
from midstage.middle.payments.provider import RefundOrder, RefundStanding, RefundStandingState, provider
from midstage.middle.payments.refusals import (
    NoSuchPayment,
    NoSuchRefund,
    NoticeOfAnother,
    ProviderRefused,
    ProviderUnavailable,
    RefundExceedsPaid,
    RefundKeyReused,
    RefundNotWaiting,
    WrongNotice,
)
from midstage.middle.payments.types import (
    DiscrepancyKind,
    Merchant,
    Notice,
    NoticeKind,
    Payment,
    PaymentId,
    Refund,
    RefundFilters,
    RefundId,
    RefundState,
    Tender,
    TenderId,
    TenderKind,
)

Book = Callable[[Tx, Notice], Awaitable[Refund]]


async def request_refund(
    tx: Tx,
    of: PaymentId | UUID,
    amount: Money,
    *,
    reason: str,
    key: str,
    only: TenderId | None = None,
    shares: Mapping[UUID | None, int] | None = None,
) -> list[Refund]:
    """Ask back a part of a payment, or of all that was paid for an order; the same key again is the same refund.

    Of an order with several payments each gives back in proportion to what it holds: of what goes back for the lines
    of a payee (`shares`, minor units by payee), the payments of that payee; of the rest, all. None gives more than it
    holds. Of one payment it is one refund, but for money that came in several tenders none of which holds the amount:
    then the latest go back first. Raises NoSuchPayment, NothingToPay, RefundExceedsPaid, RefundKeyReused.
    """
    payments = await store.lock_payments_of(tx, of)
    if not payments:
        raise NoSuchPayment(of)
    return await _ask(tx, payments, amount, reason=reason, key=key, only=only, shares=shares or {})


async def push_refund(
    database: Database,
    tenant: Tenant,
    refund_id: RefundId,
    *,
    callback_base: str = "",
    by: Principal = SYSTEM,
    now: datetime | None = None,
    book: Book | None = None,
) -> Refund:
    """Take a refund to its provider and book what it answers. Safe to repeat, and to be killed in.

    `book` books the answer in place of book_refunded, for an order book that has to know of it in the same moment.

    Raises ProviderUnavailable where the provider did not answer: it stays due (refunds_to_push).
    Raises RefundNotWaiting where a person gives it back.
    """
    at = now or utc_now()
    async with database.writing(tenant, now=at, by=by) as tx:
        refund = await refund_of(tx, refund_id)
        if refund.state in (RefundState.REFUNDED, RefundState.FAILED):
            return refund
        if refund.by_hand:
            raise RefundNotWaiting(refund_id, state="by_hand")
        tender, payment = await _tender_of(tx, refund)
        merchant = await merchants.merchant_of_tender(tx, tender)
        await store.send_refund(tx, refund_id, next_try_at=rules.next_push_at(refund.attempts + 1, at=at))
    order = RefundOrder(
        refund_id=refund_id,
        payment_id=refund.payment_id,
        transaction_no=tender.transaction_no or "",
        amount=refund.amount,
        paid=tender.amount,
        reason=refund.reason,
        callback_url=callback_url(callback_base, tenant, merchant.merchant_id),
    )
    try:
        standing = await provider(merchant.provider).refund(merchant, order)
    except ProviderRefused as refused:
        standing = RefundStanding(RefundStandingState.FAILED, reason=refused.reason)
    except ProviderUnavailable as gone:
        async with database.writing(tenant, now=at, by=by) as tx:
            await store.note_refund_error(tx, refund_id, gone.reason)
        raise
    return await _settle(
        database, tenant, refund, payment, merchant, standing, at=at, by=by, book=book or book_refunded
    )


async def book_refunded(tx: Tx, notice: Notice) -> Refund:
    """Book what a provider told of a refund, once: that the money went, or will not.

    Another amount than was asked back, or a word after the last: a discrepancy, and nothing is booked.
    Raises NoSuchRefund, NoticeOfAnother, WrongNotice.
    """
    if notice.refund_id is None or notice.kind not in (NoticeKind.REFUNDED, NoticeKind.REFUND_FAILED):
        raise WrongNotice(notice.kind.value)
    refund = await refund_of(tx, notice.refund_id)
    tender, payment = await _tender_of(tx, refund)
    if tender.merchant_id != notice.merchant_id:
        raise NoticeOfAnother(refund.payment_id)
    if notice.kind is NoticeKind.REFUND_FAILED:
        await _fail(tx, refund, notice.reason)
    elif not await _book(tx, refund, payment, tender, notice.transaction_no, notice.amount, at=notice.at):
        refund = await refund_of(tx, notice.refund_id)
        if refund.state is not RefundState.REFUNDED or refund.amount != notice.amount:
            await discrepancies.note(
                tx,
                DiscrepancyKind.REFUND_DIFFERS,
                notice,
                payment_id=refund.payment_id,
                expected=refund.amount if refund.state is not RefundState.FAILED else Money(0, refund.amount.currency),
            )
    return await refund_of(tx, notice.refund_id)


async def give_back_by_hand(tx: Tx, refund_id: RefundId) -> Refund:
    """A person gave the money back: cash out of the drawer, a transfer by the bank. Raises RefundNotWaiting."""
    refund = await refund_of(tx, refund_id)
    if not refund.by_hand:
        raise RefundNotWaiting(refund_id, state="by_provider")
    tender, payment = await _tender_of(tx, refund)
    if not await _book(tx, refund, payment, tender, None, refund.amount, at=tx.now):
        raise RefundNotWaiting(refund_id, state=(await refund_of(tx, refund_id)).state.value)
    tx.note("payments.given_back_by_hand", "refund", refund_id, after={"amount_minor": refund.amount.minor})
    return await refund_of(tx, refund_id)


async def refund_of(tx: Tx, refund_id: RefundId) -> Refund:
    """One refund. Raises NoSuchRefund."""
    found = await store.read_refund(tx, refund_id)
    if found is None:
        raise NoSuchRefund(refund_id)
    return found


async def refunds_of_order(tx: Tx, order_id: UUID) -> list[Refund]:
    """The refunds of an order, oldest first."""
    return await store.refunds_of_order(tx, order_id)


async def refunds(tx: Tx, filters: RefundFilters, page: PageRequest) -> Page[Refund]:
    """The refunds, latest first."""
    rows = await store.list_refunds(tx, filters, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, _place)


async def refunds_to_push(tx: Tx, *, limit: int = 100) -> list[RefundId]:
    """The refunds that are due to be pushed to their providers, the longest due first."""
    return await store.refunds_to_push(tx, limit)


def _place(row: Refund) -> tuple[datetime, UUID]:
    return row.requested_at, row.refund_id


async def _ask(
    tx: Tx,
    payments: Sequence[Payment],
    amount: Money,
    *,
    reason: str,
    key: str,
    only: TenderId | None,
    shares: Mapping[UUID | None, int],
) -> list[Refund]:
    """The payments are locked, so what is read here stays true until it is written."""
    earlier = await store.refunds_by_key(tx, key)
    if earlier:
        total = sum(part.amount.minor for part in earlier)
        if total != amount.minor or not {part.payment_id for part in earlier} <= {one.payment_id for one in payments}:
            raise RefundKeyReused(key)
        return earlier
    same_currency = [payment for payment in payments if payment.currency == amount.currency]
    ids = [payment.payment_id for payment in same_currency]
    left = rules.refundable_by_tender(await store.tenders_of(tx, ids), await store.held_by_tender(tx, ids))
    if only is not None or len(same_currency) == 1:
        parts = rules.spread_refund(amount, left, only=only)
    else:
        parts = [
            part
            for payment_id, minor in rules.split_refund(amount, shares, same_currency)
            for part in rules.spread_refund(
                Money(minor, amount.currency), [each for each in left if each[0].payment_id == payment_id]
            )
        ]
    for place, (tender, minor) in enumerate(parts):
        await _ask_one(tx, tender, Money(minor, amount.currency), reason=reason, key=key, part=place)
    return await store.refunds_by_key(tx, key)


async def _ask_one(tx: Tx, tender: Tender, amount: Money, *, reason: str, key: str, part: int) -> None:
    refund = Refund(
        refund_id=RefundId(new_id()),
        payment_id=tender.payment_id,
        order_id=UUID(int=0),
        tender_id=tender.tender_id,
        key=key,
        part=part,
        amount=amount,
        reason=reason,
        state=RefundState.REQUESTED,
        by_hand=tender.merchant_id is None,
        transaction_no=None,
        attempts=0,
        next_try_at=tx.now,
        error="",
        requested_at=tx.now,
        ended_at=None,
    )
    order_id = await store.ask_refund(tx, refund)
    if order_id is None:
        raise RefundExceedsPaid(amount.minor, 0, amount.currency)
    tx.tell(
        RefundRequested(
            order_id=order_id,
            payment_id=tender.payment_id,
            refund_id=refund.refund_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            by_hand=refund.by_hand,
        )
    )


async def _settle(
    database: Database,
    tenant: Tenant,
    refund: Refund,
    payment: Payment,
    merchant: Merchant,
    standing: RefundStanding,
    *,
    at: datetime,
    by: Principal,
    book: Book,
) -> Refund:
    """Book what the provider answered; a refund in the making is left to its callback and the next push."""
    kinds = {
        RefundStandingState.REFUNDED: NoticeKind.REFUNDED,
        RefundStandingState.FAILED: NoticeKind.REFUND_FAILED,
    }
    kind = kinds.get(standing.state)
    async with database.writing(tenant, now=at, by=by) as tx:
        if kind is None:
            return await refund_of(tx, refund.refund_id)
        notice = Notice(
            kind=kind,
            merchant_id=merchant.merchant_id,
            payee=payment.payee,
            provider=merchant.provider,
            payment_id=refund.payment_id,
            transaction_no=standing.transaction_no,
            amount=standing.amount or refund.amount,
            at=standing.at or at,
            refund_id=refund.refund_id,
            reason=standing.reason,
        )
        return await book(tx, notice)


async def _tender_of(tx: Tx, refund: Refund) -> tuple[Tender, Payment]:
    payment = await store.read_payment(tx, refund.payment_id)
    tenders = await store.tenders_of(tx, [refund.payment_id])
    tender = next((one for one in tenders if one.tender_id == refund.tender_id), None)
    if payment is None or tender is None or tender.kind is not TenderKind.PAYMENT:
        raise NoSuchPayment(refund.payment_id)
    return tender, payment


async def _book(
    tx: Tx, refund: Refund, payment: Payment, tender: Tender, transaction_no: str | None, amount: Money, *, at: datetime
) -> bool:
    if amount != refund.amount:
        return False
    tender_id = TenderId(new_id())
    if not await store.book_refunded(tx, refund, tender, transaction_no=transaction_no, tender_id=tender_id, at=at):
        return False
    if tender.in_ledger:
        await booking.refunded(
            tx, tender_id, payment.order_id, amount_minor=amount.minor, of=tender, payee=payment.payee
        )
    tx.tell(
        RefundCompleted(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            refund_id=refund.refund_id,
            amount_minor=amount.minor,
            currency=amount.currency,
        )
    )
    return True


async def _fail(tx: Tx, refund: Refund, reason: str) -> None:
    if not await store.fail_refund(tx, refund.refund_id, reason):
        return
    tx.tell(
        RefundFailed(
            order_id=refund.order_id,
            payment_id=refund.payment_id,
            refund_id=refund.refund_id,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
        )
    )
