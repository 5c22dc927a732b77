"""SQL of what waits too long."""

from datetime import datetime

from midstage.kit.database import Record, Tx

IN_DOUBT = """
select a.payment_id, a.provider, a.started_at from payment_attempt a
 where a.brand_id = $1 and a.state in ('starting', 'started', 'authorised') and a.queries >= $2
   and not exists (select from tender t where t.brand_id = $1 and t.payment_id = a.payment_id
                      and t.merchant_id = a.merchant_id and t.kind = 'payment')
 order by a.started_at limit $3
"""
FLAGGED = """
select payment_id, order_id, opened_at from payment
 where brand_id = $1 and state = 'flagged' and opened_at < $2
   and payment_id in (select payment_id from payment_discrepancy where brand_id = $1 and state = 'open')
 order by opened_at limit $3
"""
REFUNDS_WAITING = """
select refund_id, error, by_hand, requested_at from refund
 where brand_id = $1 and state in ('requested', 'sent') and requested_at < $2 order by requested_at limit $3
"""


async def in_doubt(tx: Tx, questions: int, limit: int) -> list[Record]:
    return await tx.rows(IN_DOUBT, tx.brand, questions, limit)


async def flagged(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(FLAGGED, tx.brand, before, limit)


async def refunds_waiting(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(REFUNDS_WAITING, tx.brand, before, limit)
