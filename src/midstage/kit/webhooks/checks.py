"""What must be true of a brand's webhooks, for the doctor."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding

AHEAD = """
select e.endpoint_id, e.cursor, h.number as head from webhook_endpoint e
  left join fact_head h on h.brand_id = e.brand_id
 where e.brand_id = $1 and e.cursor > coalesce(h.number, 0) limit 20
"""

# Of the facts of a subject that wait at an endpoint, the first is the one that is tried, and no other.
ORDER = """
select d.endpoint_id, d.key, min(d.number) as first, min(d.number) filter (where d.state = 'retrying') as tried,
       count(*) filter (where d.state = 'retrying') as retrying
  from webhook_delivery d where d.brand_id = $1 and d.state in ('retrying', 'behind')
 group by d.endpoint_id, d.key
having min(d.number) is distinct from min(d.number) filter (where d.state = 'retrying')
    or count(*) filter (where d.state = 'retrying') <> 1
 limit 20
"""

# A fact that arrived before an earlier one of its subject which still waits: it overtook it.
OVERTOOK = """
select w.endpoint_id, w.key, w.number as waiting, d.number as arrived from webhook_delivery w
  join webhook_delivery d on d.brand_id = w.brand_id and d.endpoint_id = w.endpoint_id and d.key = w.key
   and d.number > w.number and d.state = 'delivered' and d.tried_at > w.since
 where w.brand_id = $1 and w.state in ('retrying', 'behind') limit 20
"""


async def checks(tx: Tx) -> list[Finding]:
    """No cursor is ahead of the facts; of each subject the first that waits is tried; none has overtaken another."""
    asked = (
        ("webhooks.cursor", "A webhook stands beyond the newest fact.", AHEAD),
        ("webhooks.leads", "Of what waits at a webhook, another than the first of its subject is tried.", ORDER),
        ("webhooks.order", "A fact overtook an earlier one of its subject.", OVERTOOK),
    )
    return [Finding(check, what, dict(row)) for check, what, sql in asked for row in await tx.rows(sql, tx.brand)]
