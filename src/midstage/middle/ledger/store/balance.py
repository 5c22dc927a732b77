"""Balances: kept rows, roll-ups, and what is not rolled up yet."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from midstage.kit.database import Tx
from midstage.middle.ledger.types import AccountId, Balance

LOCK_BALANCES = """
select account_id, amount, held, min_balance, keeps_lots, frozen_until
  from ledger_balance
 where brand_id = $1 and account_id = any($2::uuid[])
 order by account_id
   for no key update
"""

FREEZE = """
update ledger_balance set frozen_until = $3
 where brand_id = $1 and account_id = $2
returning old.frozen_until as before
"""

BALANCES = """
select a.account_id, b.min_balance is null as append_only,
       coalesce(b.amount, coalesce(r.amount, 0) + coalesce(
         (select sum(u.amount) from ledger_unrolled u
           where u.brand_id = $1 and u.account_id = a.account_id), 0))::bigint as amount,
       coalesce(b.held, 0) as held,
       case when b.frozen_until > $3 then 0
            when b.keeps_lots then (select coalesce(sum(l.left_amount), 0) from ledger_lot l
                                     where l.brand_id = $1 and l.account_id = a.account_id and l.left_amount > 0
                                       and (l.expires_at is null or l.expires_at > $3)
                                       and (l.frozen_until is null or l.frozen_until <= $3))
            else greatest(b.amount - b.held - b.min_balance, 0) end::bigint as free
  from ledger_account a
  left join ledger_balance b on b.brand_id = $1 and b.account_id = a.account_id
  left join ledger_roll_up r on r.brand_id = $1 and r.account_id = a.account_id
 where a.brand_id = $1 and a.account_id = any($2::uuid[])
"""

TRIAL_BALANCE = """
with part as (
  select b.account_id, b.amount from ledger_balance b where b.brand_id = $1
   union all
  select r.account_id, r.amount from ledger_roll_up r where r.brand_id = $1
   union all
  select u.account_id, u.amount from ledger_unrolled u where u.brand_id = $1
)
select a.asset, coalesce(sum(part.amount), 0)::bigint as total
  from ledger_account a left join part using (account_id)
 where a.brand_id = $1
 group by a.asset
 order by a.asset
"""

ROLL_UP = """
with due as (
  select u.account_id, u.number from ledger_unrolled u
   where u.brand_id = $1
   order by u.account_id, u.number
   limit $3
     for update skip locked
), gone as (
  delete from ledger_unrolled u using due
   where u.brand_id = $1 and u.account_id = due.account_id and u.number = due.number
  returning u.account_id, u.amount
), total as (
  select account_id, sum(amount)::bigint as amount, count(*) as entries from gone group by account_id
), rolled as (
  insert into ledger_roll_up as r (brand_id, account_id, amount, rolled_up_at)
  select $1, total.account_id, total.amount, $2 from total order by total.account_id
      on conflict (brand_id, account_id)
      do update set amount = r.amount + excluded.amount, rolled_up_at = excluded.rolled_up_at
)
select coalesce(sum(entries), 0)::bigint from total
"""


class Kept(msgspec.Struct, frozen=True):
    """A balance row, locked."""

    account_id: AccountId
    amount: int
    held: int
    min_balance: int
    keeps_lots: bool
    frozen_until: datetime | None


async def lock_balances(tx: Tx, ids: Sequence[AccountId]) -> dict[AccountId, Kept]:
    rows = await tx.rows(LOCK_BALANCES, tx.brand, ids)
    return {AccountId(row["account_id"]): Kept(*row.values()) for row in rows}


async def freeze(tx: Tx, account: AccountId, until: datetime | None) -> tuple[datetime | None] | None:
    """Set the date; returns the former one in a tuple, None if there is no such balance."""
    row = await tx.row(FREEZE, tx.brand, account, until)
    return None if row is None else (row["before"],)


async def balances(tx: Tx, ids: Sequence[AccountId]) -> dict[AccountId, Balance]:
    rows = await tx.rows(BALANCES, tx.brand, ids, tx.now)
    return {
        AccountId(row["account_id"]): Balance(
            row["amount"], row["held"], row["amount"] if row["append_only"] else row["free"]
        )
        for row in rows
    }


async def trial_balance(tx: Tx) -> list[tuple[str, int]]:
    return [(row["asset"], row["total"]) for row in await tx.rows(TRIAL_BALANCE, tx.brand)]


async def roll_up(tx: Tx, limit: int) -> int:
    return await tx.value(ROLL_UP, tx.brand, tx.now, limit)
