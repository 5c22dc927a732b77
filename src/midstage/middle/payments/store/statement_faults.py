"""SQL of the doctor: days and differences that are not as they must be. Each returns the wrong rows alone."""

STATEMENT_FAULTS: dict[str, tuple[str, str]] = {
    "payments.statement_sum": (
        "what a statement says more than our book is not the sum of its differences",
        """
select s.merchant_id::text, s.day::text, s.currency, s.ours_minor, s.theirs_minor, coalesce(d.minor, 0)::bigint as differs
  from statement_sum s
  left join (select merchant_id, day, currency, sum(theirs_minor - ours_minor) as minor from statement_difference
              where brand_id = $1 and standing group by merchant_id, day, currency) d
    on d.merchant_id = s.merchant_id and d.day = s.day and d.currency = s.currency
 where s.brand_id = $1 and s.theirs_minor - s.ours_minor <> coalesce(d.minor, 0)
 limit 20
""",
    ),
    "payments.statement_state": (
        "a day counts as reconciled with differences that nobody dealt with, or the other way round",
        """
select s.merchant_id::text, s.day::text, s.state from statement_day s
 where s.brand_id = $1 and s.state <> 'due'
   and s.state <> case
         when exists (select from statement_difference d where d.brand_id = $1 and d.merchant_id = s.merchant_id
                         and d.day = s.day and d.standing and d.state = 'open') then 'differs'
         when exists (select from statement_difference d where d.brand_id = $1 and d.merchant_id = s.merchant_id
                         and d.day = s.day and d.standing and d.state = 'waiting') then 'waits'
         else 'reconciled' end
 limit 20
""",
    ),
    "payments.difference_steps": (
        "the history of a difference ends elsewhere",
        """
select d.difference_id::text, d.version, d.state, s.became from statement_difference d
  left join statement_difference_step s
    on s.brand_id = $1 and s.difference_id = d.difference_id and s.version = d.version
 where d.brand_id = $1 and s.became is distinct from d.state
 limit 20
""",
    ),
}
