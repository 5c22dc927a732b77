"""SQL of refunds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.kit.money import Money
from midstage.middle.payments.types import (
    PaymentId,
    Refund,
    RefundFilters,
    RefundId,
    RefundState,
    Tender,
    TenderId,
)

ASK_REFUND = """
with held as (
  update payment set refunding_minor = refunding_minor + $3
   where brand_id = $1 and payment_id = $2 and paid_minor - refunding_minor - refunded_minor >= $3 and currency = $4
  returning order_id
)
insert into refund (brand_id, refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason,
                    state, by_hand, next_try_at, requested_at)
select $1, $5, $2, order_id, $6, $7, $8, $3, $4, $9, 'requested', $10, $11, $11 from held
returning order_id
"""
REFUNDS_BY_KEY = """
select refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason, state,
       by_hand, transaction_no, attempts, next_try_at, error, requested_at, ended_at
  from refund
 where brand_id = $1 and key = $2 order by part
"""
READ_REFUND = """
select refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason, state,
       by_hand, transaction_no, attempts, next_try_at, error, requested_at, ended_at
  from refund
 where brand_id = $1 and refund_id = $2
"""
REFUNDS_BY_ID = """
select refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason, state,
       by_hand, transaction_no, attempts, next_try_at, error, requested_at, ended_at
  from refund
 where brand_id = $1 and refund_id = any($2)
"""
REFUNDS_OF_ORDER = """
select refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason, state,
       by_hand, transaction_no, attempts, next_try_at, error, requested_at, ended_at
  from refund
 where brand_id = $1 and order_id = $2 order by requested_at, refund_id
"""
HELD_BY_TENDER = """
select tender_id, sum(amount_minor)::bigint as minor from refund
 where brand_id = $1 and payment_id = any($2) and state <> 'failed' group by tender_id
"""
SEND_REFUND = """
update refund set state = 'sent', attempts = attempts + 1, next_try_at = $3
 where brand_id = $1 and refund_id = $2 and state in ('requested', 'sent') and not by_hand
"""
NOTE_REFUND_ERROR = """
update refund set error = $3 where brand_id = $1 and refund_id = $2 and state in ('requested', 'sent')
"""
BOOK_REFUNDED = """
with ended as (
  update refund set state = 'refunded', transaction_no = $3, error = '', ended_at = $4
   where brand_id = $1 and refund_id = $2 and state in ('requested', 'sent') and amount_minor = $5 and currency = $6
  returning payment_id, order_id
), moved as (
  update payment p set refunding_minor = p.refunding_minor - $5, refunded_minor = p.refunded_minor + $5
    from ended where p.brand_id = $1 and p.payment_id = ended.payment_id
  returning p.payment_id
), booked as (
  insert into tender (brand_id, payment_id, tender_id, kind, method, merchant_id, transaction_no, refund_id,
                      amount_minor, currency, happened_at, booked_at, in_ledger)
  select $1, payment_id, $7, 'refund', $8, $9, $3, $2, -$5::bigint, $6, $4, $10, $11 from moved
)
select payment_id, order_id from ended
"""
FAIL_REFUND = """
with ended as (
  update refund set state = 'failed', error = $3, ended_at = $4
   where brand_id = $1 and refund_id = $2 and state in ('requested', 'sent')
  returning payment_id, amount_minor
)
update payment p set refunding_minor = p.refunding_minor - ended.amount_minor
  from ended where p.brand_id = $1 and p.payment_id = ended.payment_id
"""
REFUNDS_TO_PUSH = """
select refund_id from refund
 where brand_id = $1 and next_try_at <= $2 and state in ('requested', 'sent') and not by_hand
 order by next_try_at limit $3
"""
LIST_REFUNDS = """
select refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason, state,
       by_hand, transaction_no, attempts, next_try_at, error, requested_at, ended_at from refund
 where brand_id = $1 and ($2::text is null or state = $2) and ($3::uuid is null or order_id = $3)
   and ($4::timestamptz is null or (requested_at, refund_id) < ($4, $5::uuid))
 order by requested_at desc, refund_id desc limit $6
"""


async def ask_refund(tx: Tx, refund: Refund) -> UUID | None:
    """The order, or None where less is left than is asked for."""
    return await tx.value(
        ASK_REFUND,
        tx.brand,
        refund.payment_id,
        refund.amount.minor,
        refund.amount.currency,
        refund.refund_id,
        refund.tender_id,
        refund.key,
        refund.part,
        refund.reason,
        refund.by_hand,
        tx.now,
    )


async def refunds_by_key(tx: Tx, key: str) -> list[Refund]:
    return [to_refund(row) for row in await tx.rows(REFUNDS_BY_KEY, tx.brand, key)]


async def read_refund(tx: Tx, refund_id: RefundId) -> Refund | None:
    row = await tx.row(READ_REFUND, tx.brand, refund_id)
    return None if row is None else to_refund(row)


async def refunds_by_id(tx: Tx, refund_ids: Sequence[UUID]) -> list[Refund]:
    if not refund_ids:
        return []
    return [to_refund(row) for row in await tx.rows(REFUNDS_BY_ID, tx.brand, refund_ids)]


async def refunds_of_order(tx: Tx, order_id: UUID) -> list[Refund]:
    return [to_refund(row) for row in await tx.rows(REFUNDS_OF_ORDER, tx.brand, order_id)]


async def held_by_tender(tx: Tx, payment_ids: Sequence[PaymentId]) -> dict[UUID, int]:
    rows = await tx.rows(HELD_BY_TENDER, tx.brand, payment_ids)
    return {row["tender_id"]: row["minor"] for row in rows}


async def send_refund(tx: Tx, refund_id: RefundId, *, next_try_at: datetime) -> int:
    return await tx.run(SEND_REFUND, tx.brand, refund_id, next_try_at)


async def note_refund_error(tx: Tx, refund_id: RefundId, error: str) -> None:
    await tx.run(NOTE_REFUND_ERROR, tx.brand, refund_id, error[:500])


async def book_refunded(
    tx: Tx, refund: Refund, tender: Tender, *, transaction_no: str | None, tender_id: TenderId, at: datetime
) -> int:
    rows = await tx.rows(
        BOOK_REFUNDED,
        tx.brand,
        refund.refund_id,
        transaction_no,
        at,
        refund.amount.minor,
        refund.amount.currency,
        tender_id,
        tender.method,
        tender.merchant_id,
        tx.now,
        tender.in_ledger,
    )
    return len(rows)


async def fail_refund(tx: Tx, refund_id: RefundId, error: str) -> int:
    return await tx.run(FAIL_REFUND, tx.brand, refund_id, error[:500], tx.now)


async def refunds_to_push(tx: Tx, limit: int) -> list[RefundId]:
    return [RefundId(row["refund_id"]) for row in await tx.rows(REFUNDS_TO_PUSH, tx.brand, tx.now, limit)]


async def list_refunds(tx: Tx, filters: RefundFilters, place: tuple[datetime, UUID] | None, limit: int) -> list[Refund]:
    at, last = place or (None, None)
    rows = await tx.rows(LIST_REFUNDS, tx.brand, filters.state, filters.order_id, at, last, limit)
    return [to_refund(row) for row in rows]


def to_refund(row: Record) -> Refund:
    return Refund(
        refund_id=row["refund_id"],
        payment_id=row["payment_id"],
        order_id=row["order_id"],
        tender_id=row["tender_id"],
        key=row["key"],
        part=row["part"],
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        state=RefundState(row["state"]),
        by_hand=row["by_hand"],
        transaction_no=row["transaction_no"],
        attempts=row["attempts"],
        next_try_at=row["next_try_at"],
        error=row["error"],
        requested_at=row["requested_at"],
        ended_at=row["ended_at"],
    )
