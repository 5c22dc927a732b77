"""The SQL of platform accounts."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewPlatformAccount
from midstage.middle.organisation.store.shared import columns_of, json_of
from midstage.middle.organisation.types import Platform, PlatformAccount, PlatformAccountId, State

ACCOUNT = """
select a.platform_account_id, a.platform, a.external_id, a.name, a.store_id, a.staff_id, a.state, a.version
  from platform_account a where a.brand_id = $1
"""
ONE_ACCOUNT = ACCOUNT + " and a.platform_account_id = $2"
LOCKED_ACCOUNT = ONE_ACCOUNT + " for no key update"

INSERT_ACCOUNTS = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (platform_account_id uuid, platform text, external_id text,
    name text, store_id uuid, staff_id uuid)
), filled as materialized (
  select new.platform_account_id, new.platform, new.external_id, new.name, new.staff_id,
         coalesce(new.store_id, home.virtual_store_id) as store_id
    from new cross join (select virtual_store_id from brand where brand_id = $1) as home
), held_store as materialized (
  select store_id from store
   where brand_id = $1 and state <> 'closed' and store_id in (select store_id from filled) order by store_id for share
), held_staff as materialized (
  select staff_id from staff
   where brand_id = $1 and state = 'active' and staff_id in (select staff_id from filled) order by staff_id for share
)
insert into platform_account (brand_id, platform_account_id, platform, external_id, name, store_id, staff_id)
select $1, platform_account_id, platform, external_id, name, store_id, staff_id
  from filled join held_store using (store_id) join held_staff using (staff_id)
on conflict do nothing
returning platform_account_id
"""

UPDATE_ACCOUNT = """
with held_store as materialized (
  select store_id from store where brand_id = $1 and store_id = $5 and (state <> 'closed' or $8 = 'closed') for share
), held_staff as materialized (
  select staff_id from staff where brand_id = $1 and staff_id = $6 and (state = 'active' or $8 = 'closed') for share
)
update platform_account
   set name = $4, store_id = held_store.store_id, staff_id = held_staff.staff_id, state = $7, version = version + 1
  from held_store, held_staff
 where platform_account.brand_id = $1 and platform_account.platform_account_id = $2 and platform_account.version = $3
"""

LIST_ACCOUNTS = """
select a.platform_account_id, a.platform, a.external_id, a.name, a.store_id, a.staff_id, a.state, a.version
  from platform_account a join store s on s.brand_id = a.brand_id and s.store_id = a.store_id
                          join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
 where a.brand_id = $1
   and ($2::text is null or position(lower($2) in lower(a.external_id || ' ' || a.name)) > 0)
   and ($3::uuid is null or a.store_id = $3)
   and ($4::text is null or a.platform = $4)
   and ($5::text is null or a.state = $5)
   and ($6 or u.path && $7::uuid[] or s.operator_id = any($8::uuid[]) or s.store_id = any($9::uuid[]))
   and ($10::text is null or (a.platform, a.external_id) > ($10, $11))
 order by a.platform, a.external_id limit $12
"""


def _account(row: Record) -> PlatformAccount:
    return PlatformAccount(row[0], Platform(row[1]), row[2], row[3], row[4], row[5], State(row[6]), row[7])


async def read_account(tx: Tx, account_id: PlatformAccountId, *, lock: bool = False) -> PlatformAccount | None:
    row = await tx.row(LOCKED_ACCOUNT if lock else ONE_ACCOUNT, tx.brand, account_id)
    return None if row is None else _account(row)


async def insert_accounts(tx: Tx, accounts: Sequence[NewPlatformAccount]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_ACCOUNTS, tx.brand, json_of(accounts))}


async def write_account(tx: Tx, account: PlatformAccount) -> int:
    return await tx.run(
        UPDATE_ACCOUNT,
        tx.brand,
        account.platform_account_id,
        account.version - 1,
        account.name,
        account.store_id,
        account.staff_id,
        account.state,
        account.state,
    )


async def list_accounts(tx: Tx, wanted: Filter, after: tuple[str, str] | None, limit: int) -> list[PlatformAccount]:
    platform, external_id = after or (None, None)
    rows = await tx.rows(
        LIST_ACCOUNTS,
        tx.brand,
        wanted.text,
        wanted.store_id,
        wanted.kind,
        wanted.state,
        *columns_of(wanted.scope),
        platform,
        external_id,
        limit,
    )
    return [_account(row) for row in rows]
