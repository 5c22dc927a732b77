"""Money that goes back over the counter: by hand at once, out of the drawer or by the terminal; or by its provider."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.ledger import api as ledger
from midstage.middle.payments import booking, drawer, rules, store, till_rules
from midstage.middle.payments.facts import RefundCompleted, RefundRequested
from midstage.middle.payments.refusals import NoSuchPayment, RefundExceedsPaid
from midstage.middle.payments.shifts import check_drawer
from midstage.middle.payments.store import takings
from midstage.middle.payments.takings import note_counted
from midstage.middle.payments.till_types import CASH, EXCHANGE, CashKind, Shift
from midstage.middle.payments.types import Payment, PaymentId, Refund, RefundId, RefundState, Tender, TenderId


class GoesBack(StrEnum):
    """How money goes back: by the tenders with which it came, each in its proportion; or all of it in cash."""

    SAME = "same"
    CASH = "cash"


class Part(msgspec.Struct, frozen=True):
    """A part of a refund: of which tender, and by which method (None: its provider gives it back)."""

    tender: Tender
    method: str | None
    minor: int


class GivenBack(msgspec.Struct, frozen=True):
    """What was given back by which method, and what providers are still to give back."""

    by_method: dict[str, int]
    waiting_minor: int


async def return_at_till(
    tx: Tx,
    shift: Shift,
    order_id: UUID,
    amount: Money,
    *,
    key: str,
    reason: str,
    goes: GoesBack,
    out_of: ledger.AccountId,
    exchanged_minor: int = 0,
) -> GivenBack:
    """Give back a part of what was paid for an order, at a till whose shift is held.

    What a person gives is given and booked at once; what came through a provider is asked of it. `exchanged_minor`
    of it stays here, as it pays for something else. `out_of` is where the order's money is kept.
    Raises NoSuchPayment, NothingToPay, RefundExceedsPaid, DrawerShort.
    """
    rules.check_amount(amount)
    payments = await store.lock_payments_of(tx, order_id)
    if not payments:
        raise NoSuchPayment(order_id)
    ids = [payment.payment_id for payment in payments if payment.currency == amount.currency]
    left = rules.refundable_by_tender(await store.tenders_of(tx, ids), await store.held_by_tender(tx, ids))
    shares = till_rules.in_proportion(amount.minor, left, currency=amount.currency)
    parts = _by_method(shares, goes, exchanged_minor)
    cash = sum(part.minor for part in parts if part.method == CASH)
    if cash:
        await check_drawer(tx, shift, cash)
    by_id = {payment.payment_id: payment for payment in payments}
    await _to_ledger(tx, shift, order_id, parts, by_id, key=key, out_of=out_of)
    for place, part in enumerate(parts):
        await _give(tx, shift, order_id, part, Money(part.minor, amount.currency), key=key, place=place, reason=reason)
    by_hand: dict[PaymentId, int] = {}
    by_method: dict[str, int] = {}
    for part in parts:
        if part.method is not None:
            by_hand[part.tender.payment_id] = by_hand.get(part.tender.payment_id, 0) + part.minor
            by_method[part.method] = by_method.get(part.method, 0) + part.minor
    for payment_id, minor in by_hand.items():
        takings.move_returned(tx, payment_id, minor, RefundExceedsPaid(amount.minor, 0, amount.currency))
    note_counted(tx, shift, -cash)
    return GivenBack(by_method, amount.minor - sum(by_method.values()))


async def pay_out(
    tx: Tx, shift: Shift, return_id: UUID, amount_minor: int, *, reason: str, out_of: ledger.AccountId
) -> None:
    """Give cash for goods that came back without a receipt. The shift is held. Raises DrawerShort."""
    await check_drawer(tx, shift, amount_minor)
    posting = ledger.Posting(out_of, drawer.drawer_of(tx.brand, shift), shift.currency, amount_minor)
    await ledger.transfer(tx, f"till-return/{return_id}", [posting], reason="till refund", reference=return_id)
    takings.write_cash(tx, shift.shift_id, new_id(), CashKind.REFUND, -amount_minor, reason=reason, reference=return_id)


def _by_method(shares: Sequence[tuple[Tender, int]], goes: GoesBack, exchanged_minor: int) -> list[Part]:
    """Who gives what: first what stays here for an exchange, then the rest as it goes back. Pure."""
    parts: list[Part] = []
    for tender, minor in shares:
        stays = min(minor, exchanged_minor)
        exchanged_minor -= stays
        if stays:
            parts.append(Part(tender, EXCHANGE, stays))
        if minor > stays:
            parts.append(Part(tender, _method(tender, goes), minor - stays))
    return parts


def _method(tender: Tender, goes: GoesBack) -> str | None:
    if goes is GoesBack.CASH or tender.method in {EXCHANGE, "imported"}:
        return CASH
    return tender.method if tender.merchant_id is None else None


async def _to_ledger(
    tx: Tx,
    shift: Shift,
    order_id: UUID,
    parts: Sequence[Part],
    payments: dict[PaymentId, Payment],
    *,
    key: str,
    out_of: ledger.AccountId,
) -> None:
    postings: list[ledger.Posting] = []
    for part in parts:
        if part.method is None:
            # A provider's refund is booked when it went; until then the money is a deposit again.
            to = booking.deposits_account(tx.brand, shift.currency, payments[part.tender.payment_id].payee)
            if to == out_of:
                continue
        else:
            to = drawer.till_account(tx.brand, part.method, shift.shift_id, shift.currency)
        postings.append(ledger.Posting(out_of, to, shift.currency, part.minor))
    postings += drawer.after_count(tx, shift, -sum(part.minor for part in parts if part.method == CASH))
    if postings:
        await ledger.transfer(tx, f"till-refund/{key}", postings, reason="till refund", reference=order_id)


async def _give(
    tx: Tx, shift: Shift, order_id: UUID, part: Part, amount: Money, *, key: str, place: int, reason: str
) -> None:
    by_hand = part.method is not None
    refund = Refund(
        refund_id=RefundId(new_id()),
        payment_id=part.tender.payment_id,
        order_id=order_id,
        tender_id=part.tender.tender_id,
        key=key,
        part=place,
        amount=amount,
        reason=reason,
        state=RefundState.REFUNDED if by_hand else RefundState.REQUESTED,
        by_hand=by_hand,
        transaction_no=None,
        attempts=0,
        next_try_at=tx.now,
        error="",
        requested_at=tx.now,
        ended_at=tx.now if by_hand else None,
    )
    if part.method is None:
        if await store.ask_refund(tx, refund) is None:
            raise RefundExceedsPaid(amount.minor, 0, amount.currency)
    else:
        takings.write_returned(tx, refund, TenderId(new_id()), part.method, shift.shift_id)
    _tell(tx, refund)


def _tell(tx: Tx, refund: Refund) -> None:
    requested = RefundRequested(
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        refund_id=refund.refund_id,
        amount_minor=refund.amount.minor,
        currency=refund.amount.currency,
        by_hand=refund.by_hand,
    )
    tx.tell(requested)
    if refund.by_hand:
        tx.tell(
            RefundCompleted(
                order_id=refund.order_id,
                payment_id=refund.payment_id,
                refund_id=refund.refund_id,
                amount_minor=refund.amount.minor,
                currency=refund.amount.currency,
            )
        )
