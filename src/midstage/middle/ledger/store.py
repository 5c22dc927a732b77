"""All SQL of the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.ledger.rules import Party
from midstage.middle.ledger.types import (
    AccountId,
    AccountName,
    Balance,
    Entry,
    Hold,
    HoldId,
    HoldState,
    Lot,
    LotId,
    Posting,
    Take,
    TransferId,
)

# One transfer. Balance rows are locked in the order of their ids; then either everything is written or nothing:
# nothing where the key is known, a balance is short, frozen or kept in lots, or an account or its asset is unknown.
# What is written is reckoned from the locked row: PostgreSQL checks the minimum first on what the statement's snapshot
# would give, and would refuse to spend what came in since.
# With $16 the caller has locked the balances and decided about lots and freezes himself.
TRANSFER = """
with known as materialized (
  select a.account_id, a.asset from ledger_account a where a.brand_id = $1 and a.account_id = any($8::uuid[])
), party as materialized (
  select p.account_id, p.asset, p.delta, p.kind, p.owner, known.account_id is null as fresh,
         (known.account_id is null and p.kind is null) or known.asset <> p.asset as wrong
    from unnest($8::uuid[], $9::text[], $10::bigint[], $11::text[], $12::uuid[])
      as p (account_id, asset, delta, kind, owner)
    left join known using (account_id)
), locked as materialized (
  select b.account_id, b.amount, b.held, b.amount - b.held - b.min_balance as free, b.keeps_lots, b.frozen_until
    from ledger_balance b
   where b.brand_id = $1 and b.account_id = any($8::uuid[])
   order by b.account_id
     for no key update
), refused as materialized (
  select 1 from party where wrong
   union all
  select 1 from locked join party using (account_id)
   where (delta < 0 and free + delta < 0)
      or (not $16 and (keeps_lots or (delta < 0 and frozen_until > $7)))
), booked as (
  insert into ledger_transfer (brand_id, transfer_id, key, content, reason, reference, booked_at)
  select $1, $2, $3, $4, $5, $6, $7 where not exists (select 1 from refused)
      on conflict do nothing
  returning transfer_id
), opened as (
  insert into ledger_account (brand_id, account_id, kind, owner, asset, opened_at)
  select $1, p.account_id, p.kind, p.owner, p.asset, $7 from booked cross join party p where p.fresh
      on conflict do nothing
  returning account_id
), moved as (
  update ledger_balance b set amount = locked.amount + p.delta, held = locked.held
    from booked cross join locked join party p using (account_id)
   where b.brand_id = $1 and b.account_id = locked.account_id
), written as (
  insert into ledger_entry (brand_id, account_id, transfer_id, asset, amount)
  select $1, line.account_id, $2, line.asset, line.amount
    from booked cross join unnest($13::uuid[], $14::text[], $15::bigint[]) with ordinality
      as line (account_id, asset, amount, place)
   order by line.place
  returning account_id, number, amount
), later as (
  insert into ledger_unrolled (brand_id, account_id, number, amount)
  select $1, w.account_id, w.number, w.amount
    from written w where w.account_id not in (select account_id from locked)
)
select (select count(*) from party where fresh) - (select count(*) from opened) as raced from booked
"""

FIND_TRANSFER = "select content from ledger_transfer where brand_id = $1 and transfer_id = $2"

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

LOCK_BALANCES = """
select account_id, amount, held, min_balance, keeps_lots, frozen_until
  from ledger_balance
 where brand_id = $1 and account_id = any($2::uuid[])
 order by account_id
   for no key update
"""

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

FREEZE = """
update ledger_balance set frozen_until = $3
 where brand_id = $1 and account_id = $2
returning old.frozen_until as before
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

HELD_LOTS = """
select account_id, lot_id, amount from ledger_hold_lot where brand_id = $1 and hold_id = $2 order by place
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

ENTRIES = """
select e.number, e.transfer_id, e.asset, e.amount, t.reason, t.reference, t.booked_at
  from ledger_entry e join ledger_transfer t on t.brand_id = e.brand_id and t.transfer_id = e.transfer_id
 where e.brand_id = $1 and e.account_id = $2 and e.number < $3
 order by e.number desc
 limit $4
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

# What the doctor asks. Each returns the wrong rows alone.

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


class Draft(msgspec.Struct, frozen=True):
    """A transfer as it is to be written."""

    transfer_id: TransferId
    key: str
    content: bytes
    postings: Sequence[Posting]
    parties: Sequence[Party]
    names: Sequence[AccountName | None]
    reason: str
    reference: UUID


class Kept(msgspec.Struct, frozen=True):
    """A balance row, locked."""

    account_id: AccountId
    amount: int
    held: int
    min_balance: int
    keeps_lots: bool
    frozen_until: datetime | None


class Opened(msgspec.Struct, frozen=True):
    """An account's row."""

    account_id: AccountId
    kind: str
    owner: UUID
    asset: str
    min_balance: int | None
    keeps_lots: bool


async def book(tx: Tx, draft: Draft, *, decided: bool) -> int | None:
    """Write a transfer; None if nothing was written, else how many accounts somebody else opened meanwhile."""
    accounts: list[AccountId] = []
    assets: list[str] = []
    amounts: list[int] = []
    for posting in draft.postings:
        accounts += (posting.source, posting.destination)
        assets += (posting.asset, posting.asset)
        amounts += (-posting.amount, posting.amount)
    return await tx.value(
        TRANSFER,
        tx.brand,
        draft.transfer_id,
        draft.key,
        draft.content,
        draft.reason,
        draft.reference,
        tx.now,
        [party.account_id for party in draft.parties],
        [party.asset for party in draft.parties],
        [party.delta for party in draft.parties],
        [name and name.kind for name in draft.names],
        [name and name.owner for name in draft.names],
        accounts,
        assets,
        amounts,
        decided,
    )


async def content_of(tx: Tx, transfer: TransferId) -> bytes | None:
    return await tx.value(FIND_TRANSFER, tx.brand, transfer)


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


async def lock_balances(tx: Tx, ids: Sequence[AccountId]) -> dict[AccountId, Kept]:
    rows = await tx.rows(LOCK_BALANCES, tx.brand, ids)
    return {AccountId(row["account_id"]): Kept(*row.values()) for row in rows}


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


async def freeze(tx: Tx, account: AccountId, until: datetime | None) -> tuple[datetime | None] | None:
    """Set the date; returns the former one in a tuple, None if there is no such balance."""
    row = await tx.row(FREEZE, tx.brand, account, until)
    return None if row is None else (row["before"],)


async def lock_due_accounts(tx: Tx, limit: int) -> list[AccountId]:
    return [row["account_id"] for row in await tx.rows(DUE_ACCOUNTS, tx.brand, tx.now, limit)]


async def due_lots(tx: Tx, ids: Sequence[AccountId]) -> list[Take]:
    return [_take(row) for row in await tx.rows(DUE_LOTS, tx.brand, ids, tx.now)]


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


async def hold_lots(tx: Tx, hold: HoldId, takes: Sequence[Take]) -> None:
    _all_taken(takes, await tx.run(HOLD_LOTS, tx.brand, hold, *_columns(takes)))


async def find_hold(tx: Tx, hold: HoldId, *, lock: bool = False) -> Hold | None:
    row = await tx.row(LOCK_HOLD if lock else FIND_HOLD, tx.brand, hold)
    return None if row is None else _hold(row)


async def lock_due_holds(tx: Tx, limit: int) -> list[Hold]:
    return [_hold(row) for row in await tx.rows(DUE_HOLDS, tx.brand, tx.now, limit)]


async def end_holds(tx: Tx, ids: Sequence[HoldId], state: HoldState, *, posted: int = 0) -> int:
    """End those that are open; returns how many were."""
    return len(await tx.rows(END_HOLDS, tx.brand, ids, state, posted, tx.now))


async def held_lots(tx: Tx, hold: HoldId) -> list[Take]:
    return [_take(row) for row in await tx.rows(HELD_LOTS, tx.brand, hold)]


async def balances(tx: Tx, ids: Sequence[AccountId]) -> dict[AccountId, Balance]:
    rows = await tx.rows(BALANCES, tx.brand, ids, tx.now)
    return {
        AccountId(row["account_id"]): Balance(
            row["amount"], row["held"], row["amount"] if row["append_only"] else row["free"]
        )
        for row in rows
    }


async def entries(tx: Tx, account: AccountId, *, below: int, limit: int) -> list[Entry]:
    return [Entry(*row.values()) for row in await tx.rows(ENTRIES, tx.brand, account, below, limit)]


async def trial_balance(tx: Tx) -> list[tuple[str, int]]:
    return [(row["asset"], row["total"]) for row in await tx.rows(TRIAL_BALANCE, tx.brand)]


async def roll_up(tx: Tx, limit: int) -> int:
    return await tx.value(ROLL_UP, tx.brand, tx.now, limit)


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of a check."""
    return [dict(row.items()) for row in await tx.rows(sql, tx.brand)]


def _take(row: Record) -> Take:
    account, lot, amount = row.values()
    return Take(AccountId(account), LotId(lot), amount)


def _hold(row: Record) -> Hold:
    return msgspec.convert(dict(row.items()), Hold)


def _columns(takes: Sequence[Take]) -> tuple[list[AccountId], list[LotId], list[int]]:
    return [one.account_id for one in takes], [one.lot_id for one in takes], [one.amount for one in takes]


def _all_taken(takes: Sequence[Take], written: int) -> None:
    if written != len(takes):
        # Their balance was locked before they were read: only a hand in the database can have changed them.
        raise RuntimeError(f"{len(takes) - written} of {len(takes)} lots changed under the lock of their account")
