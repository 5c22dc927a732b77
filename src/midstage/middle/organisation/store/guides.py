"""The SQL of guides and their stays."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewGuide
from midstage.middle.organisation.store.shared import columns_of, json_of
from midstage.middle.organisation.types import Guide, GuideId, PersonState, StaffId, Stay, StoreId

GUIDE = """
select g.guide_id, g.code, g.name, g.staff_id, g.store_id, g.state, g.joined_at, g.left_at, g.version
  from guide g where g.brand_id = $1
"""
GUIDES = GUIDE + " and g.guide_id = any($2)"
GUIDE_OF_STAFF = GUIDE + " and g.staff_id = $2 and g.state = 'active'"
LOCKED_GUIDES = GUIDE + " and g.guide_id = any($2) order by g.guide_id for no key update"

INSERT_GUIDES = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (guide_id uuid, code text, name text, staff_id uuid,
    store_id uuid)
), held_store as materialized (
  select store_id from store
   where brand_id = $1 and state <> 'closed' and store_id in (select store_id from new) order by store_id for share
), held_staff as materialized (
  select staff_id from staff
   where brand_id = $1 and state = 'active' and staff_id in (select staff_id from new) order by staff_id for share
), made as (
  insert into guide (brand_id, guide_id, code, name, staff_id, store_id, joined_at)
  select $1, new.guide_id, new.code, new.name, new.staff_id, new.store_id, $3
    from new join held_store using (store_id) left join held_staff on held_staff.staff_id = new.staff_id
   where new.staff_id is null or held_staff.staff_id is not null
  on conflict do nothing
  returning brand_id, guide_id, store_id
)
insert into guide_stay (brand_id, guide_id, from_at, store_id)
select brand_id, guide_id, $3, store_id from made
returning guide_id
"""

UPDATE_GUIDE = """
with held as materialized (
  select staff_id from staff where brand_id = $1 and staff_id = $5 and state = 'active' for share
)
update guide set name = $4, staff_id = $5, version = version + 1
 where brand_id = $1 and guide_id = $2 and version = $3 and state = 'active'
   and ($5::uuid is null or exists (select 1 from held))
   and not exists (select 1 from guide o
                    where o.brand_id = $1 and o.staff_id = $5 and o.state = 'active' and o.guide_id <> $2)
"""

MOVE_GUIDE = """
with held as materialized (
  select store_id from store where brand_id = $1 and store_id = $3 and state <> 'closed' for share
), moved as (
  update guide set store_id = held.store_id, version = version + 1
    from held
   where guide.brand_id = $1 and guide.guide_id = $2 and guide.state = 'active' and guide.version = $5
  returning guide.guide_id
), ended as (
  update guide_stay set until_at = greatest($4, from_at)
    from moved
   where guide_stay.brand_id = $1 and guide_stay.guide_id = moved.guide_id and until_at is null
  returning guide_stay.guide_id, until_at
)
insert into guide_stay (brand_id, guide_id, from_at, store_id)
select $1, ended.guide_id, ended.until_at + interval '1 microsecond', $3 from ended
"""

END_GUIDE = """
with gone as (
  update guide set state = 'left', left_at = $3, version = version + 1
   where brand_id = $1 and guide_id = $2 and state = 'active' and version = $5
  returning guide_id
), handed as (
  update touchpoint set guide_id = $4, version = version + 1
    from gone where touchpoint.brand_id = $1 and touchpoint.guide_id = gone.guide_id
)
update guide_stay set until_at = greatest($3, from_at), heir_id = $4
  from gone where guide_stay.brand_id = $1 and guide_stay.guide_id = gone.guide_id and until_at is null
"""

STAYS = """
select store_id, from_at, until_at, heir_id from guide_stay where brand_id = $1 and guide_id = $2 order by from_at
"""

LIST_GUIDES = """
select g.guide_id, g.code, g.name, g.staff_id, g.store_id, g.state, g.joined_at, g.left_at, g.version
  from guide g join store s on s.brand_id = g.brand_id and s.store_id = g.store_id
               join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
 where g.brand_id = $1
   and ($2::text is null or position(lower($2) in lower(g.code || ' ' || g.name)) > 0)
   and ($3::uuid is null or $3 = any(u.path))
   and ($4::uuid is null or s.operator_id = $4)
   and ($5::uuid is null or g.store_id = $5)
   and ($6::text is null or g.state = $6)
   and ($7 or u.path && $8::uuid[] or s.operator_id = any($9::uuid[]) or s.store_id = any($10::uuid[]))
   and ($11::text is null or g.code > $11)
 order by g.code limit $12
"""


def _guide(row: Record) -> Guide:
    return Guide(row[0], row[1], row[2], row[3], row[4], PersonState(row[5]), row[6], row[7], row[8])


async def read_guides(tx: Tx, ids: Sequence[GuideId]) -> list[Guide]:
    return [_guide(row) for row in await tx.rows(GUIDES, tx.brand, ids)]


async def read_guide_of_staff(tx: Tx, staff_id: StaffId) -> Guide | None:
    row = await tx.row(GUIDE_OF_STAFF, tx.brand, staff_id)
    return None if row is None else _guide(row)


async def lock_guides(tx: Tx, ids: Sequence[GuideId]) -> dict[GuideId, Guide]:
    rows = await tx.rows(LOCKED_GUIDES, tx.brand, ids)
    return {guide.guide_id: guide for guide in map(_guide, rows)}


async def insert_guides(tx: Tx, guides: Sequence[NewGuide]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_GUIDES, tx.brand, json_of(guides), tx.now)}


async def write_guide(tx: Tx, guide: Guide) -> int:
    return await tx.run(UPDATE_GUIDE, tx.brand, guide.guide_id, guide.version - 1, guide.name, guide.staff_id)


async def move_guide(tx: Tx, guide: Guide, to: StoreId) -> int:
    return await tx.run(MOVE_GUIDE, tx.brand, guide.guide_id, to, tx.now, guide.version)


async def end_guide(tx: Tx, guide: Guide, heir_id: GuideId) -> int:
    return await tx.run(END_GUIDE, tx.brand, guide.guide_id, tx.now, heir_id, guide.version)


async def read_stays(tx: Tx, guide_id: GuideId) -> list[Stay]:
    return [Stay(*row) for row in await tx.rows(STAYS, tx.brand, guide_id)]


async def list_guides(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Guide]:
    rows = await tx.rows(
        LIST_GUIDES,
        tx.brand,
        wanted.text,
        wanted.unit_id,
        wanted.operator_id,
        wanted.store_id,
        wanted.state,
        *columns_of(wanted.scope),
        after,
        limit,
    )
    return [_guide(row) for row in rows]
