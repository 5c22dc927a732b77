"""What the doctor proves of payments: paid − refunded = tendered, and refunds as they are on record."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.payments.statement_checks import statement_checks
from midstage.middle.payments.till_checks import till_checks

# What the doctor proves; each returns the wrong rows alone.
CHECKS: dict[str, tuple[str, str]] = {
    "payments.tendered": (
        "paid − refunded is not the sum of the tenders",
        """
select p.payment_id::text, p.order_id::text, p.paid_minor, p.refunded_minor, coalesce(t.minor, 0)::bigint as tendered_minor
  from payment p
  left join (select payment_id, sum(amount_minor) as minor from tender where brand_id = $1 group by payment_id) t
    on t.payment_id = p.payment_id
 where p.brand_id = $1 and p.paid_minor - p.refunded_minor <> coalesce(t.minor, 0)
 limit 20
""",
    ),
    "payments.tender_without_payment": (
        "a tender belongs to no payment",
        """
select t.tender_id::text, t.payment_id::text, t.amount_minor from tender t
 where t.brand_id = $1
   and not exists (select from payment p where p.brand_id = $1 and p.payment_id = t.payment_id)
 limit 20
""",
    ),
    "payments.refunds": (
        "what is refunded or being refunded is not the sum of the refunds",
        """
select p.payment_id::text, p.refunding_minor, p.refunded_minor,
       coalesce(r.refunding, 0)::bigint as refunds_under_way, coalesce(r.refunded, 0)::bigint as refunds_done
  from payment p
  left join (select payment_id, sum(amount_minor) filter (where state in ('requested', 'sent')) as refunding,
                    sum(amount_minor) filter (where state = 'refunded') as refunded
               from refund where brand_id = $1 group by payment_id) r on r.payment_id = p.payment_id
 where p.brand_id = $1
   and (p.refunding_minor <> coalesce(r.refunding, 0) or p.refunded_minor <> coalesce(r.refunded, 0))
 limit 20
""",
    ),
    "payments.split": (
        "an order has several payments, and one of them does not say so",
        """
select order_id::text, count(*) as payments from payment
 where brand_id = $1 group by order_id having count(*) > 1 and not bool_and(split)
 limit 20
""",
    ),
    "payments.refund_tender": (
        "a refund that is done has not one tender of its amount",
        """
select r.refund_id::text, r.amount_minor, coalesce(t.minor, 0)::bigint as tendered_minor
  from refund r
  left join (select refund_id, sum(amount_minor) as minor from tender
              where brand_id = $1 and kind = 'refund' group by refund_id) t on t.refund_id = r.refund_id
 where r.brand_id = $1 and coalesce(t.minor, 0) <> case r.state when 'refunded' then -r.amount_minor else 0 end
 limit 20
""",
    ),
}


async def checks(tx: Tx) -> list[Finding]:
    """The wrong rows of this brand, at most 20 a check."""
    found = [
        Finding(check, what, dict(row.items()))
        for check, (what, sql) in CHECKS.items()
        for row in await tx.rows(sql, tx.brand)
    ]
    return found + await statement_checks(tx) + await till_checks(tx)
