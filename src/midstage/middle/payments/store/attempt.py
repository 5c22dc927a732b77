"""SQL of attempts at providers."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.payments.types import (
    Attempt,
    AttemptState,
    Merchant,
    MerchantId,
    PaymentId,
)

BEGIN_ATTEMPT = """
insert into payment_attempt (brand_id, payment_id, merchant_id, provider, state, capture_later, next_query_at, started_at,
                             combined_id)
values ($1, $2, $3, $4, 'starting', $5, $6, $7, $8)
on conflict (brand_id, payment_id, merchant_id)
  do update set started_at = excluded.started_at, combined_id = excluded.combined_id
 where payment_attempt.brand_id = $1
returning payment_id, merchant_id, provider, state, capture_later, provider_no, cashier_url, queries,
       next_query_at, started_at, combined_id
"""
END_ATTEMPT_START = """
update payment_attempt set state = 'started', provider_no = $4, cashier_url = $5
 where brand_id = $1 and payment_id = $2 and merchant_id = $3 and state in ('starting', 'refused', 'started')
"""
MOVE_ATTEMPT = """
update payment_attempt set state = $4
 where brand_id = $1 and payment_id = $2 and merchant_id = $3 and state <> 'ended'
"""
QUERIED_ATTEMPT = """
update payment_attempt set queries = queries + 1, next_query_at = $4, state = $5
 where brand_id = $1 and payment_id = $2 and merchant_id = $3
"""
ATTEMPTS_OF = """
select payment_id, merchant_id, provider, state, capture_later, provider_no, cashier_url, queries,
       next_query_at, started_at, combined_id
  from payment_attempt
 where brand_id = $1 and payment_id = $2 order by started_at, merchant_id
"""
# Of that merchant's own: paid at another, the shopper may have paid here too.
END_ANSWERED = """
update payment_attempt a set state = 'ended'
  from tender t
 where a.brand_id = $1 and a.next_query_at <= $2 and a.state in ('starting', 'started', 'authorised')
   and t.brand_id = $1 and t.payment_id = a.payment_id and t.merchant_id = a.merchant_id and t.kind = 'payment'
"""
ATTEMPTS_TO_QUERY = """
select payment_id from payment_attempt
 where brand_id = $1 and next_query_at <= $2 and state in ('starting', 'started', 'authorised')
 order by next_query_at limit $3
"""


async def begin_attempt(
    tx: Tx,
    payment_id: PaymentId,
    merchant: Merchant,
    *,
    capture_later: bool,
    next_query_at: datetime,
    combined_id: UUID | None = None,
) -> Attempt:
    row = await tx.row(
        BEGIN_ATTEMPT,
        tx.brand,
        payment_id,
        merchant.merchant_id,
        merchant.provider,
        capture_later,
        next_query_at,
        tx.now,
        combined_id,
    )
    return to_attempt(row)


async def end_attempt_start(
    tx: Tx, payment_id: PaymentId, merchant_id: MerchantId, *, provider_no: str, cashier_url: str
) -> None:
    await tx.run(END_ATTEMPT_START, tx.brand, payment_id, merchant_id, provider_no, cashier_url)


async def move_attempt(tx: Tx, payment_id: PaymentId, merchant_id: MerchantId, state: AttemptState) -> int:
    return await tx.run(MOVE_ATTEMPT, tx.brand, payment_id, merchant_id, state.value)


async def queried_attempt(tx: Tx, attempt: Attempt, *, next_query_at: datetime, state: AttemptState) -> None:
    await tx.run(QUERIED_ATTEMPT, tx.brand, attempt.payment_id, attempt.merchant_id, next_query_at, state.value)


async def end_answered(tx: Tx) -> int:
    return await tx.run(END_ANSWERED, tx.brand, tx.now)


async def attempts_of(tx: Tx, payment_id: PaymentId) -> list[Attempt]:
    return [to_attempt(row) for row in await tx.rows(ATTEMPTS_OF, tx.brand, payment_id)]


async def payments_to_query(tx: Tx, limit: int) -> list[PaymentId]:
    rows = await tx.rows(ATTEMPTS_TO_QUERY, tx.brand, tx.now, limit)
    return [PaymentId(found) for found in dict.fromkeys(row["payment_id"] for row in rows)]


def to_attempt(row: Record | None) -> Attempt:
    if row is None:
        raise AssertionError("unreachable: an upsert returns its row")
    return Attempt(
        payment_id=row["payment_id"],
        merchant_id=row["merchant_id"],
        provider=row["provider"],
        state=AttemptState(row["state"]),
        capture_later=row["capture_later"],
        provider_no=row["provider_no"],
        cashier_url=row["cashier_url"],
        queries=row["queries"],
        next_query_at=row["next_query_at"],
        started_at=row["started_at"],
        combined_id=row["combined_id"],
    )
