"""What the doctor asks; each statement returns the wrong rows alone."""

from typing import Any

from midstage.kit.database import Tx

BALANCES_OFF = """
with entered as (
  select e.account_id, sum(e.amount) as amount from ledger_entry e where e.brand_id = $1 group by e.account_id
), part as (
  select b.account_id, b.amount from ledger_balance b where b.brand_id = $1
   union all
  select r.account_id, r.amount from ledger_roll_up r where r.brand_id = $1
   union all
  select u.account_id, u.amount from ledger_unrolled u where u.brand_id = $1
), kept as (
  select account_id, sum(amount) as amount from part group by account_id
)
select account_id, coalesce(kept.amount, 0)::text as kept, coalesce(entered.amount, 0)::text as entries
  from kept full join entered using (account_id)
 where coalesce(kept.amount, 0) <> coalesce(entered.amount, 0)
 limit 20
"""

TRANSFERS_OFF = """
select e.transfer_id, e.asset, sum(e.amount)::text as total
  from ledger_entry e
 where e.brand_id = $1
 group by e.transfer_id, e.asset
having sum(e.amount) <> 0
 limit 20
"""

HELD_OFF = """
with holds as (
  select h.account_id, sum(h.amount) as amount
    from ledger_hold h where h.brand_id = $1 and h.state = 'open' group by h.account_id
), balances as (
  select b.account_id, b.held from ledger_balance b where b.brand_id = $1
)
select account_id, coalesce(balances.held, 0)::text as held, coalesce(holds.amount, 0)::text as holds
  from balances full join holds using (account_id)
 where coalesce(balances.held, 0) <> coalesce(holds.amount, 0)
 limit 20
"""

LOTS_OFF = """
with lots as (
  select l.account_id, sum(l.left_amount + l.held_amount) as amount, sum(l.held_amount) as held
    from ledger_lot l where l.brand_id = $1 group by l.account_id
), balances as (
  select b.account_id, b.amount, b.held from ledger_balance b where b.brand_id = $1 and b.keeps_lots
)
select account_id, coalesce(balances.amount, 0)::text as amount, coalesce(lots.amount, 0)::text as lots,
       coalesce(balances.held, 0)::text as held, coalesce(lots.held, 0)::text as held_lots
  from balances full join lots using (account_id)
 where coalesce(balances.amount, 0) <> coalesce(lots.amount, 0) or coalesce(balances.held, 0) <> coalesce(lots.held, 0)
 limit 20
"""

BELOW_MINIMUM = """
select b.account_id, b.amount, b.held, b.min_balance
  from ledger_balance b where b.brand_id = $1 and b.amount - b.held < b.min_balance
 limit 20
"""


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of a check."""
    return [dict(row.items()) for row in await tx.rows(sql, tx.brand)]
