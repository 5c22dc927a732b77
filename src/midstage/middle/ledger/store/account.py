"""Accounts: their names, and whether they keep a balance row."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.ledger.types import AccountId, AccountName

ACCOUNTS = """
select account_id, kind, owner, asset, min_balance, keeps_lots
  from ledger_account where brand_id = $1 and account_id = any($2::uuid[])
"""

MISSED = """
select a.account_id, a.kind, a.owner, a.asset, a.min_balance, a.keeps_lots
  from ledger_account a join ledger_unrolled u on u.brand_id = a.brand_id and u.account_id = a.account_id
 where a.brand_id = $1 and a.account_id = any($2::uuid[]) and a.min_balance is not null
 limit 1
"""

OPEN_ACCOUNT = """
with opened as (
  insert into ledger_account (brand_id, account_id, kind, owner, asset, min_balance, keeps_lots, opened_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
      on conflict do nothing
  returning min_balance
)
insert into ledger_balance (brand_id, account_id, min_balance, keeps_lots)
select $1, $2, o.min_balance, $7 from opened o where o.min_balance is not null
"""


class Opened(msgspec.Struct, frozen=True):
    """An account's row."""

    account_id: AccountId
    kind: str
    owner: UUID
    asset: str
    min_balance: int | None
    keeps_lots: bool


async def accounts(tx: Tx, ids: Sequence[AccountId]) -> dict[AccountId, Opened]:
    rows = await tx.rows(ACCOUNTS, tx.brand, ids)
    return {AccountId(row["account_id"]): Opened(*row.values()) for row in rows}


async def missed(tx: Tx, ids: Sequence[AccountId]) -> Opened | None:
    """An account with a minimum that has entries beside its balance, as no account may."""
    row = await tx.row(MISSED, tx.brand, ids)
    return None if row is None else Opened(*row.values())


async def open_account(
    tx: Tx, account: AccountId, name: AccountName, *, min_balance: int | None, keeps_lots: bool
) -> None:
    """Insert the account and its balance row, unless there is one."""
    await tx.run(OPEN_ACCOUNT, tx.brand, account, name.kind, name.owner, name.asset, min_balance, keeps_lots, tx.now)
