"""SQL of the sums that the doctor compares with the order book and the ledger."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.payments.types import Held

# What is on its way back is not counted: the order has given it up.
TENDERED = """
select p.order_id, sum(coalesce(t.minor, 0) - p.refunding_minor)::bigint as minor
  from payment p
  left join (select payment_id, sum(amount_minor) as minor from tender where brand_id = $1 group by payment_id) t
    on t.payment_id = p.payment_id
 where p.brand_id = $1 group by p.order_id
"""
COLLECTED = """
select merchant_id, currency, sum(amount_minor)::bigint as minor from tender
 where brand_id = $1 and merchant_id is not null and in_ledger group by merchant_id, currency
"""
HELD = """
select p.order_id, p.payee, p.currency, sum(coalesce(t.minor, 0))::bigint as minor,
       sum(case when coalesce(t.in_ledger, true) then p.refunding_minor else 0 end)::bigint as refunding_minor
  from payment p
  left join (select payment_id, sum(amount_minor) filter (where in_ledger) as minor, bool_and(in_ledger) as in_ledger
               from tender where brand_id = $1 group by payment_id) t on t.payment_id = p.payment_id
 where p.brand_id = $1 group by p.order_id, p.payee, p.currency
"""


async def tendered(tx: Tx) -> dict[UUID, int]:
    return {row["order_id"]: row["minor"] for row in await tx.rows(TENDERED, tx.brand)}


async def collected(tx: Tx) -> dict[tuple[UUID, str], int]:
    return {(row["merchant_id"], row["currency"]): row["minor"] for row in await tx.rows(COLLECTED, tx.brand)}


async def held(tx: Tx) -> list[Held]:
    return [
        Held(row["order_id"], row["payee"], row["currency"], row["minor"], row["refunding_minor"])
        for row in await tx.rows(HELD, tx.brand)
    ]
