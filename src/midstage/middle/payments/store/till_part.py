"""SQL of how an order of a till was paid, as its receipt says it."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.payments.till_types import TillPart

TILL_PARTS = """
select t.method, t.amount_minor, t.given_minor, t.reference
  from payment p join tender t on t.brand_id = p.brand_id and t.payment_id = p.payment_id
 where p.brand_id = $1 and p.order_id = $2 and t.kind = 'payment'
 order by t.booked_at, t.tender_id
"""


async def till_parts(tx: Tx, order_id: UUID) -> list[TillPart]:
    """What came, with what was given in cash, in the order in which it was booked."""
    return [TillPart(*row.values()) for row in await tx.rows(TILL_PARTS, tx.brand, order_id)]
