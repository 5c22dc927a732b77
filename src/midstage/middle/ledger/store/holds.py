"""Holds: amounts set aside until they are posted or released."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.ledger.types import Hold, HoldId, HoldState

HOLD = """
with locked as materialized (
  select b.account_id from ledger_balance b
   where b.brand_id = $1 and b.account_id = $4 and b.amount - b.held - b.min_balance >= $7
     and (b.frozen_until is null or b.frozen_until <= $10) and (not b.keeps_lots or $12)
     for no key update
), held as (
  insert into ledger_hold
         (brand_id, hold_id, key, account_id, destination, asset, amount, reason, reference, held_at, expires_at)
  select $1, $2, $3, locked.account_id, $5, $6, $7, $8, $9, $10, $11 from locked
      on conflict do nothing
  returning account_id
)
update ledger_balance b set held = b.held + $7 from held where b.brand_id = $1 and b.account_id = held.account_id
"""

FIND_HOLD = """
select hold_id, account_id, destination, asset, amount, posted, state, reason, reference, expires_at
  from ledger_hold where brand_id = $1 and hold_id = $2
"""

LOCK_HOLD = FIND_HOLD + " for no key update"

DUE_HOLDS = """
select hold_id, account_id, destination, asset, amount, posted, state, reason, reference, expires_at
  from ledger_hold
 where brand_id = $1 and state = 'open' and expires_at <= $2
 order by expires_at
 limit $3
   for no key update skip locked
"""

# Ends open holds and frees their amounts; what was held in lots lies in them again.
END_HOLDS = """
with ended as (
  update ledger_hold h set state = $3, posted = $4, ended_at = $5
   where h.brand_id = $1 and h.hold_id = any($2::uuid[]) and h.state = 'open'
  returning h.hold_id, h.account_id, h.amount
), freed as materialized (
  select account_id, sum(amount)::bigint as amount from ended group by account_id
), locked as materialized (
  select b.account_id from ledger_balance b
   where b.brand_id = $1 and b.account_id in (select account_id from freed)
   order by b.account_id
     for no key update
), balanced as (
  update ledger_balance b set held = b.held - freed.amount
    from freed join locked using (account_id)
   where b.brand_id = $1 and b.account_id = freed.account_id
), part as (
  select p.account_id, p.lot_id, sum(p.amount)::bigint as amount
    from ledger_hold_lot p join ended using (hold_id)
   where p.brand_id = $1 and p.account_id in (select account_id from locked)  -- balances are locked before lots
   group by p.account_id, p.lot_id
), returned as (
  update ledger_lot l set left_amount = l.left_amount + part.amount, held_amount = l.held_amount - part.amount
    from part
   where l.brand_id = $1 and l.account_id = part.account_id and l.lot_id = part.lot_id
)
select hold_id from ended
"""


async def hold(tx: Tx, hold: Hold, key: str, *, decided: bool) -> bool:
    """Write a hold; False if nothing was written."""
    written = await tx.run(
        HOLD,
        tx.brand,
        hold.hold_id,
        key,
        hold.account_id,
        hold.destination,
        hold.asset,
        hold.amount,
        hold.reason,
        hold.reference,
        tx.now,
        hold.expires_at,
        decided,
    )
    return written == 1


async def find_hold(tx: Tx, hold: HoldId, *, lock: bool = False) -> Hold | None:
    row = await tx.row(LOCK_HOLD if lock else FIND_HOLD, tx.brand, hold)
    return None if row is None else _hold(row)


async def lock_due_holds(tx: Tx, limit: int) -> list[Hold]:
    return [_hold(row) for row in await tx.rows(DUE_HOLDS, tx.brand, tx.now, limit)]


async def end_holds(tx: Tx, ids: Sequence[HoldId], state: HoldState, *, posted: int = 0) -> int:
    """End those that are open; returns how many were."""
    return len(await tx.rows(END_HOLDS, tx.brand, ids, state, posted, tx.now))


def _hold(row: Record) -> Hold:
    return msgspec.convert(dict(row.items()), Hold)
