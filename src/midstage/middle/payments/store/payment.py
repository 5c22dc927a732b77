"""SQL of payments and tenders."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from midstage.kit.database import Record, Tx
from midstage.kit.money import Money
from midstage.middle.payments.refusals import (
    TransactionTaken,
)
from midstage.middle.payments.types import (
    MerchantId,
    Notice,
    Payment,
    PaymentId,
    PaymentState,
    Tender,
    TenderId,
    TenderKind,
)

ORDER_OF = "select order_id from payment where brand_id = $1 and payment_id = $2"
OPEN_PAYMENT = """
insert into payment (brand_id, payment_id, order_id, payee, currency, due_minor, opened_at, due_at, split)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
# Opened and taken by hand in one moment: a payment that is born paid, with its tender.
OPEN_TAKEN = """
insert into payment (brand_id, payment_id, order_id, payee, currency, due_minor, opened_at, due_at, split,
                     paid_minor, state, paid_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $6, 'paid', $10)
"""
ADD_TAKEN = """
insert into tender (brand_id, payment_id, tender_id, kind, method, transaction_no, amount_minor, currency, happened_at,
                    booked_at)
values ($1, $2, $3, 'payment', $4, $5, $6, $7, $8, $9)
"""
# A part of what is due is cut off and becomes a payment beside it. The caller holds the payment.
CUT_PAYMENT = """
with cut as (
  update payment p set due_minor = due_minor - $4, split = true
   where p.brand_id = $1 and p.payment_id = $2 and p.state = 'open' and p.paid_minor = 0 and p.due_minor > $4
     and not exists (select from payment_attempt a
                      where a.brand_id = $1 and a.payment_id = $2 and a.state in ('starting', 'started', 'authorised'))
  returning order_id, payee, currency, due_at
)
insert into payment (brand_id, payment_id, order_id, payee, currency, due_minor, opened_at, due_at, split)
select $1, $3, order_id, payee, currency, $4, $5, due_at, true from cut
"""
# What of an order is not paid yet, or was paid and is going back.
OTHERS_OWE = """
select coalesce(sum(greatest(due_minor - (paid_minor - refunding_minor - refunded_minor), 0)), 0)::bigint from payment
 where brand_id = $1 and order_id = $2 and payment_id <> $3
"""
# The hot path. The condition is the decision: unpaid, the very amount, and a merchant that collects it.
BOOK_PAID = """
with moved as (
  update payment set state = 'paid', paid_minor = due_minor, paid_at = $8
   where brand_id = $1 and payment_id = $2 and state in ('open', 'closed', 'flagged') and paid_minor = 0
     and due_minor = $3 and currency = $4 and payee is not distinct from $5::uuid
  returning order_id, old.state as was, split
), booked as (
  insert into tender (brand_id, payment_id, tender_id, kind, method, merchant_id, transaction_no,
                      amount_minor, currency, happened_at, booked_at)
  select $1, $2, $6, 'payment', $7, $9, $10, $3, $4, $8, $11 from moved
)
select order_id, was, case when split then (
         select coalesce(sum(greatest(due_minor - (paid_minor - refunding_minor - refunded_minor), 0)), 0)::bigint
           from payment other
          where other.brand_id = $1 and other.order_id = moved.order_id and other.payment_id <> $2)
       else 0 end as others_owe
  from moved
"""
# Money that came beyond the first: a second payment, or one of another amount that a person accepted.
BOOK_EXTRA = """
with moved as (
  update payment set paid_minor = paid_minor + $3, paid_at = coalesce(paid_at, $8), state = $12
   where brand_id = $1 and payment_id = $2 and currency = $4 and payee is not distinct from $5::uuid
  returning order_id
)
insert into tender (brand_id, payment_id, tender_id, kind, method, merchant_id, transaction_no,
                    amount_minor, currency, happened_at, booked_at)
select $1, $2, $6, 'payment', $7, $9, $10, $3, $4, $8, $11 from moved
"""
READ_PAYMENT = """
select payment_id, order_id, payee, currency, due_minor, paid_minor, refunding_minor, refunded_minor,
       state, opened_at, due_at, paid_at, split
  from payment
 where brand_id = $1 and payment_id = $2
"""
PAYMENTS_BY_ID = """
select payment_id, order_id, payee, currency, due_minor, paid_minor, refunding_minor, refunded_minor,
       state, opened_at, due_at, paid_at, split
  from payment
 where brand_id = $1 and payment_id = any($2)
"""
LOCK_PAYMENT = """
select payment_id, order_id, payee, currency, due_minor, paid_minor, refunding_minor, refunded_minor,
       state, opened_at, due_at, paid_at, split
  from payment
 where brand_id = $1 and payment_id = $2 for no key update
"""
PAYMENTS_OF = """
select payment_id, order_id, payee, currency, due_minor, paid_minor, refunding_minor, refunded_minor,
       state, opened_at, due_at, paid_at, split
  from payment
 where brand_id = $1 and order_id = any($2) order by opened_at, payment_id
"""
LOCK_PAYMENTS_OF = """
select payment_id, order_id, payee, currency, due_minor, paid_minor, refunding_minor, refunded_minor,
       state, opened_at, due_at, paid_at, split
  from payment
 where brand_id = $1 and (payment_id = $2 or order_id = $2) order by payment_id for no key update
"""
CLOSE_PAYMENTS = """
update payment set state = 'closed'
 where brand_id = $1 and payment_id = any($2) and state in ('open', 'flagged') and paid_minor = 0
"""
FLAG_PAYMENT = """
update payment set state = 'flagged' where brand_id = $1 and payment_id = $2 and state = 'open'
"""
UNFLAG_PAYMENT = """
update payment set state = 'open' where brand_id = $1 and payment_id = $2 and state = 'flagged' and paid_minor = 0
"""
TENDERS_OF = """
select tender_id, payment_id, kind, method, merchant_id, transaction_no, refund_id, amount_minor, currency,
       happened_at, booked_at, in_ledger
  from tender
 where brand_id = $1 and payment_id = any($2) order by booked_at, tender_id
"""
TENDERS_BY_NUMBER = """
select tender_id, payment_id, kind, method, merchant_id, transaction_no, refund_id, amount_minor, currency,
       happened_at, booked_at, in_ledger from tender where brand_id = $1 and merchant_id = $2 and transaction_no = any($3) and kind = any($4)
"""
TENDERS_BETWEEN = """
select tender_id, payment_id, kind, method, merchant_id, transaction_no, refund_id, amount_minor, currency,
       happened_at, booked_at, in_ledger from tender
 where brand_id = $1 and merchant_id = $2 and happened_at >= $3 and happened_at < $4 order by happened_at, tender_id
"""
PAYMENT_COLUMNS = (
    "brand_id",
    "payment_id",
    "order_id",
    "payee",
    "currency",
    "due_minor",
    "paid_minor",
    "state",
    "opened_at",
    "due_at",
    "paid_at",
)
TENDER_COLUMNS = (
    "brand_id",
    "payment_id",
    "tender_id",
    "kind",
    "method",
    "amount_minor",
    "currency",
    "happened_at",
    "booked_at",
    "in_ledger",
)


def open_payment(tx: Tx, payment: Payment) -> None:
    tx.later(
        OPEN_PAYMENT,
        tx.brand,
        payment.payment_id,
        payment.order_id,
        payment.payee,
        payment.currency,
        payment.due_minor,
        payment.opened_at,
        payment.due_at,
        payment.split,
    )


def open_taken(
    tx: Tx, payment: Payment, *, tender_id: TenderId, method: str, reference: str | None, at: datetime
) -> None:
    """Insert a payment that is paid, and its tender, with the flush."""
    tx.later(
        OPEN_TAKEN, tx.brand, payment.payment_id, payment.order_id, payment.payee, payment.currency, payment.due_minor,
        payment.opened_at, payment.due_at, payment.split, at,
    )  # fmt: skip
    tx.later(
        ADD_TAKEN, tx.brand, payment.payment_id, tender_id, method, reference, payment.due_minor, payment.currency, at,
        tx.now,
    )  # fmt: skip


async def cut_payment(tx: Tx, payment_id: PaymentId, part_id: PaymentId, minor: int) -> bool:
    """False where the payment is not open, has no more than that, or may be paid at a provider this moment."""
    return await tx.run(CUT_PAYMENT, tx.brand, payment_id, part_id, minor, tx.now) == 1


async def others_owe(tx: Tx, payment: Payment) -> int:
    """What the other payments of its order do not hold of what is due."""
    return await tx.value(OTHERS_OWE, tx.brand, payment.order_id, payment.payment_id) if payment.split else 0


async def book_paid(tx: Tx, notice: Notice, tender_id: TenderId) -> tuple[UUID, PaymentState, int] | None:
    """The order, the state before and what its other payments owe, or None where the condition did not hold."""
    try:
        row = await tx.row(BOOK_PAID, *_tender_values(tx, notice, tender_id))
    except asyncpg.UniqueViolationError:
        raise TransactionTaken(notice.transaction_no) from None
    return None if row is None else (row["order_id"], PaymentState(row["was"]), row["others_owe"])


async def book_taken(
    tx: Tx, payment: Payment, *, tender_id: TenderId, method: str, reference: str | None, at: datetime
) -> int | None:
    """What the other payments of the order owe, or None where this one is not open any more."""
    row = await tx.row(
        BOOK_PAID,
        tx.brand,
        payment.payment_id,
        payment.due_minor,
        payment.currency,
        payment.payee,
        tender_id,
        method,
        at,
        None,
        reference,
        tx.now,
    )
    return None if row is None else row["others_owe"]


async def book_extra(tx: Tx, notice: Notice, tender_id: TenderId, state: PaymentState) -> int:
    try:
        return await tx.run(BOOK_EXTRA, *_tender_values(tx, notice, tender_id), state.value)
    except asyncpg.UniqueViolationError:
        raise TransactionTaken(notice.transaction_no) from None


def _tender_values(tx: Tx, notice: Notice, tender_id: TenderId) -> tuple[Any, ...]:
    return (
        tx.brand,
        notice.payment_id,
        notice.amount.minor,
        notice.amount.currency,
        notice.payee,
        tender_id,
        notice.provider,
        notice.at,
        notice.merchant_id,
        notice.transaction_no,
        tx.now,
    )


async def read_payment(tx: Tx, payment_id: PaymentId) -> Payment | None:
    return _payment(await tx.row(READ_PAYMENT, tx.brand, payment_id))


async def lock_payment(tx: Tx, payment_id: PaymentId) -> Payment | None:
    return _payment(await tx.row(LOCK_PAYMENT, tx.brand, payment_id))


async def payments_of(tx: Tx, order_ids: Sequence[UUID]) -> list[Payment]:
    return [to_payment(row) for row in await tx.rows(PAYMENTS_OF, tx.brand, order_ids)]


async def payments_by_id(tx: Tx, payment_ids: Sequence[UUID]) -> list[Payment]:
    if not payment_ids:
        return []
    return [to_payment(row) for row in await tx.rows(PAYMENTS_BY_ID, tx.brand, payment_ids)]


async def lock_payments_of(tx: Tx, of: UUID) -> list[Payment]:
    """One payment by its own id, or all of an order by the order's."""
    return [to_payment(row) for row in await tx.rows(LOCK_PAYMENTS_OF, tx.brand, of)]


async def order_of(tx: Tx, payment_id: PaymentId) -> UUID | None:
    return await tx.value(ORDER_OF, tx.brand, payment_id)


async def close_payments(tx: Tx, payment_ids: Sequence[PaymentId]) -> int:
    return await tx.run(CLOSE_PAYMENTS, tx.brand, payment_ids)


async def flag_payment(tx: Tx, payment_id: PaymentId) -> int:
    return await tx.run(FLAG_PAYMENT, tx.brand, payment_id)


async def unflag_payment(tx: Tx, payment_id: PaymentId) -> int:
    return await tx.run(UNFLAG_PAYMENT, tx.brand, payment_id)


async def tenders_of(tx: Tx, payment_ids: Sequence[PaymentId]) -> list[Tender]:
    return [to_tender(row) for row in await tx.rows(TENDERS_OF, tx.brand, payment_ids)]


async def tenders_by_number(
    tx: Tx, merchant_id: MerchantId, numbers: Sequence[str], kinds: Sequence[TenderKind]
) -> list[Tender]:
    found = await tx.rows(TENDERS_BY_NUMBER, tx.brand, merchant_id, numbers, [kind.value for kind in kinds])
    return [to_tender(row) for row in found]


async def tenders_between(tx: Tx, merchant_id: MerchantId, since: datetime, until: datetime) -> list[Tender]:
    return [to_tender(row) for row in await tx.rows(TENDERS_BETWEEN, tx.brand, merchant_id, since, until)]


async def copy_payments(tx: Tx, records: Iterable[Sequence[Any]]) -> None:
    await tx.copy("payment", PAYMENT_COLUMNS, records)


async def copy_tenders(tx: Tx, records: Iterable[Sequence[Any]]) -> None:
    await tx.copy("tender", TENDER_COLUMNS, records)


def _payment(row: Record | None) -> Payment | None:
    return None if row is None else to_payment(row)


def to_payment(row: Record) -> Payment:
    return Payment(
        payment_id=row["payment_id"],
        order_id=row["order_id"],
        payee=row["payee"],
        currency=row["currency"],
        due_minor=row["due_minor"],
        paid_minor=row["paid_minor"],
        refunding_minor=row["refunding_minor"],
        refunded_minor=row["refunded_minor"],
        state=PaymentState(row["state"]),
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        paid_at=row["paid_at"],
        split=row["split"],
    )


def to_tender(row: Record) -> Tender:
    return Tender(
        tender_id=row["tender_id"],
        payment_id=row["payment_id"],
        kind=TenderKind(row["kind"]),
        method=row["method"],
        merchant_id=row["merchant_id"],
        transaction_no=row["transaction_no"],
        refund_id=row["refund_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        happened_at=row["happened_at"],
        booked_at=row["booked_at"],
        in_ledger=row["in_ledger"],
    )
