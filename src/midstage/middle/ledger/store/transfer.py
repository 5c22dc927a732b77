"""Transfers and the entries they write."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.ledger.rules import Party
from midstage.middle.ledger.types import AccountId, AccountName, Entry, Posting, TransferId

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

ENTRIES = """
select e.number, e.transfer_id, e.asset, e.amount, t.reason, t.reference, t.booked_at
  from ledger_entry e join ledger_transfer t on t.brand_id = e.brand_id and t.transfer_id = e.transfer_id
 where e.brand_id = $1 and e.account_id = $2 and e.number < $3
 order by e.number desc
 limit $4
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


async def entries(tx: Tx, account: AccountId, *, below: int, limit: int) -> list[Entry]:
    return [Entry(*row.values()) for row in await tx.rows(ENTRIES, tx.brand, account, below, limit)]
