"""Lots: what an account holds, by when it came and when it goes."""

from collections.abc import Sequence
from datetime import datetime

from midstage.kit.database import Record, Tx
from midstage.middle.ledger.types import AccountId, HoldId, Lot, LotId, Take, TransferId

LOTS = """
select lot_id, account_id, amount, left_amount, held_amount, arrived_at, frozen_until, expires_at
  from ledger_lot
 where brand_id = $1 and account_id = any($2::uuid[]) and left_amount + held_amount > 0
 order by account_id, number
"""

TAKE_LOTS = """
with part as (
  select p.account_id, p.lot_id, p.amount from unnest($3::uuid[], $4::uuid[], $5::bigint[]) as p (account_id, lot_id, amount)
), taken as (
  update ledger_lot l set left_amount = l.left_amount - part.amount
    from part
   where l.brand_id = $1 and l.account_id = part.account_id and l.lot_id = part.lot_id
     and l.left_amount >= part.amount
  returning l.account_id, l.lot_id, part.amount
)
insert into ledger_lot_take (brand_id, transfer_id, account_id, lot_id, amount)
select $1, $2, t.account_id, t.lot_id, t.amount from taken t
"""

BRING_LOTS = """
insert into ledger_lot (brand_id, account_id, lot_id, amount, left_amount, arrived_at, frozen_until, expires_at)
select $1, p.account_id, $2, p.amount, p.amount, $5, $6, $7
  from unnest($3::uuid[], $4::bigint[]) as p (account_id, amount)
"""

LOTS_TAKEN = """
select account_id, lot_id, amount from ledger_lot_take where brand_id = $1 and transfer_id = $2
 order by account_id, lot_id
"""

# Accounts with due lots, locked; those that are busy come with the next run.
DUE_ACCOUNTS = """
select b.account_id
  from ledger_balance b
 where b.brand_id = $1
   and b.account_id in (select l.account_id from ledger_lot l
                         where l.brand_id = $1 and l.left_amount > 0 and l.expires_at <= $2 limit $3)
 order by b.account_id
   for no key update skip locked
"""

DUE_LOTS = """
select account_id, lot_id, left_amount
  from ledger_lot
 where brand_id = $1 and account_id = any($2::uuid[]) and left_amount > 0 and expires_at <= $3
 order by account_id, number
"""

HOLD_LOTS = """
with part as (
  select p.account_id, p.lot_id, p.amount, p.place
    from unnest($3::uuid[], $4::uuid[], $5::bigint[]) with ordinality as p (account_id, lot_id, amount, place)
), taken as (
  update ledger_lot l set left_amount = l.left_amount - part.amount, held_amount = l.held_amount + part.amount
    from part
   where l.brand_id = $1 and l.account_id = part.account_id and l.lot_id = part.lot_id
     and l.left_amount >= part.amount
  returning l.account_id, l.lot_id, part.amount, part.place
)
insert into ledger_hold_lot (brand_id, hold_id, account_id, lot_id, amount, place)
select $1, $2, t.account_id, t.lot_id, t.amount, t.place from taken t
"""

HELD_LOTS = """
select account_id, lot_id, amount from ledger_hold_lot where brand_id = $1 and hold_id = $2 order by place
"""


async def lots(tx: Tx, ids: Sequence[AccountId]) -> list[Lot]:
    """The lots that hold anything, by account and arrival."""
    return [Lot(*row.values()) for row in await tx.rows(LOTS, tx.brand, ids)]


async def take_lots(tx: Tx, transfer: TransferId, takes: Sequence[Take]) -> None:
    _all_taken(takes, await tx.run(TAKE_LOTS, tx.brand, transfer, *_columns(takes)))


async def bring_lots(
    tx: Tx,
    transfer: TransferId,
    births: Sequence[tuple[AccountId, int]],
    *,
    frozen_until: datetime | None,
    expires_at: datetime | None,
) -> None:
    accounts = [account for account, _ in births]
    amounts = [amount for _, amount in births]
    await tx.run(BRING_LOTS, tx.brand, transfer, accounts, amounts, tx.now, frozen_until, expires_at)


async def lots_taken(tx: Tx, transfer: TransferId) -> list[Take]:
    return [_take(row) for row in await tx.rows(LOTS_TAKEN, tx.brand, transfer)]


async def lock_due_accounts(tx: Tx, limit: int) -> list[AccountId]:
    return [row["account_id"] for row in await tx.rows(DUE_ACCOUNTS, tx.brand, tx.now, limit)]


async def due_lots(tx: Tx, ids: Sequence[AccountId]) -> list[Take]:
    return [_take(row) for row in await tx.rows(DUE_LOTS, tx.brand, ids, tx.now)]


async def hold_lots(tx: Tx, hold: HoldId, takes: Sequence[Take]) -> None:
    _all_taken(takes, await tx.run(HOLD_LOTS, tx.brand, hold, *_columns(takes)))


async def held_lots(tx: Tx, hold: HoldId) -> list[Take]:
    return [_take(row) for row in await tx.rows(HELD_LOTS, tx.brand, hold)]


def _take(row: Record) -> Take:
    account, lot, amount = row.values()
    return Take(AccountId(account), LotId(lot), amount)


def _columns(takes: Sequence[Take]) -> tuple[list[AccountId], list[LotId], list[int]]:
    return [one.account_id for one in takes], [one.lot_id for one in takes], [one.amount for one in takes]


def _all_taken(takes: Sequence[Take], written: int) -> None:
    if written != len(takes):
        # Their balance was locked before they were read: only a hand in the database can have changed them.
        raise RuntimeError(f"{len(takes) - written} of {len(takes)} lots changed under the lock of their account")
