"""The SQL of staff."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewStaff
from midstage.middle.organisation.store.shared import columns_of, json_of, pair
from midstage.middle.organisation.types import PersonState, Staff, StaffId

STAFF = """
select staff_id, code, name, phone, operator_id, state, joined_at, left_at, version from staff where brand_id = $1
"""
MANY_STAFF = STAFF + " and staff_id = any($2)"
HELD_STAFF = STAFF + " and staff_id = $2 for share"
ONE_STAFF = STAFF + " and staff_id = $2 for no key update"

INSERT_STAFF = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (staff_id uuid, code text, name text, phone text,
    operator_id uuid)
), filled as materialized (
  select new.staff_id, new.code, new.name, new.phone, coalesce(new.operator_id, home.own_operator_id) as operator_id
    from new cross join (select own_operator_id from brand where brand_id = $1) as home
), held as materialized (
  select operator_id from operator
   where brand_id = $1 and state = 'open' and operator_id in (select operator_id from filled)
   order by operator_id for share
)
insert into staff (brand_id, staff_id, code, name, phone, operator_id, joined_at)
select $1, staff_id, code, name, phone, operator_id, $3 from filled join held using (operator_id)
on conflict do nothing
returning staff_id
"""

UPDATE_STAFF = """
with held as materialized (
  select operator_id from operator where brand_id = $1 and operator_id = $6 and state = 'open' for share
)
update staff set name = $4, phone = $5, operator_id = held.operator_id, version = version + 1
  from held
 where brand_id = $1 and staff_id = $2 and version = $3 and state = 'active'
"""

END_STAFF = """
update staff set state = 'left', left_at = $3, version = version + 1
 where brand_id = $1 and staff_id = $2 and state = 'active'
"""

UNDER_STAFF = """
select (select count(*) from guide where brand_id = $1 and staff_id = $2 and state = 'active') as guides,
       (select count(*) from platform_account where brand_id = $1 and staff_id = $2 and state = 'open') as accounts
"""

LIST_STAFF = """
select s.staff_id, s.code, s.name, s.phone, s.operator_id, s.state, s.joined_at, s.left_at, s.version from staff s
 where s.brand_id = $1
   and ($2::text is null or position(lower($2) in lower(s.code || ' ' || s.name)) > 0)
   and ($3::uuid is null or s.operator_id = $3)
   and ($4::text is null or s.state = $4)
   and ($5 or s.operator_id = any($7::uuid[]) or exists (
     select 1 from guide g join store t on t.brand_id = g.brand_id and t.store_id = g.store_id
                           join unit u on u.brand_id = t.brand_id and u.unit_id = t.unit_id
      where g.brand_id = $1 and g.staff_id = s.staff_id
        and (u.path && $6::uuid[] or t.operator_id = any($7::uuid[]) or t.store_id = any($8::uuid[]))))
   and ($9::text is null or s.code > $9)
 order by s.code limit $10
"""


def _staff(row: Record) -> Staff:
    return Staff(row[0], row[1], row[2], row[3], row[4], PersonState(row[5]), row[6], row[7], row[8])


async def read_staff(tx: Tx, ids: Sequence[StaffId]) -> list[Staff]:
    return [_staff(row) for row in await tx.rows(MANY_STAFF, tx.brand, ids)]


async def lock_staff(tx: Tx, staff_id: StaffId) -> Staff | None:
    row = await tx.row(ONE_STAFF, tx.brand, staff_id)
    return None if row is None else _staff(row)


async def hold_staff(tx: Tx, staff_id: StaffId) -> Staff | None:
    row = await tx.row(HELD_STAFF, tx.brand, staff_id)
    return None if row is None else _staff(row)


async def insert_staff(tx: Tx, staff: Sequence[NewStaff]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_STAFF, tx.brand, json_of(staff), tx.now)}


async def write_staff(tx: Tx, staff: Staff) -> int:
    return await tx.run(
        UPDATE_STAFF, tx.brand, staff.staff_id, staff.version - 1, staff.name, staff.phone, staff.operator_id
    )


async def end_staff(tx: Tx, staff_id: StaffId) -> int:
    return await tx.run(END_STAFF, tx.brand, staff_id, tx.now)


async def count_under_staff(tx: Tx, staff_id: StaffId) -> tuple[int, int]:
    return pair(await tx.rows(UNDER_STAFF, tx.brand, staff_id))


async def list_staff(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Staff]:
    rows = await tx.rows(
        LIST_STAFF,
        tx.brand,
        wanted.text,
        wanted.operator_id,
        wanted.state,
        *columns_of(wanted.scope),
        after,
        limit,
    )
    return [_staff(row) for row in rows]
