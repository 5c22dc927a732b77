"""The SQL of touchpoints."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewTouchpoint
from midstage.middle.organisation.store.shared import columns_of, json_of
from midstage.middle.organisation.types import State, Touchpoint, TouchpointId, TouchpointKind

TOUCHPOINT = """
select t.touchpoint_id, t.code, t.name, t.kind, t.store_id, t.guide_id, t.state, t.version
  from touchpoint t where t.brand_id = $1
"""
ONE_TOUCHPOINT = TOUCHPOINT + " and t.touchpoint_id = $2"
LOCKED_TOUCHPOINT = ONE_TOUCHPOINT + " for no key update"
TOUCHPOINT_BY_CODE = TOUCHPOINT + " and t.code = $2"

INSERT_TOUCHPOINTS = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (touchpoint_id uuid, code text, name text, kind text,
    store_id uuid, guide_id uuid)
), filled as materialized (
  select new.touchpoint_id, new.code, new.name, new.kind, coalesce(new.store_id, home.virtual_store_id) as store_id,
         coalesce(new.guide_id, home.virtual_guide_id) as guide_id
    from new cross join (select virtual_store_id, virtual_guide_id from brand where brand_id = $1) as home
), held_store as materialized (
  select store_id from store
   where brand_id = $1 and state <> 'closed' and store_id in (select store_id from filled) order by store_id for share
), held_guide as materialized (
  select guide_id from guide
   where brand_id = $1 and state = 'active' and guide_id in (select guide_id from filled) order by guide_id for share
)
insert into touchpoint (brand_id, touchpoint_id, code, name, kind, store_id, guide_id)
select $1, touchpoint_id, code, name, kind, store_id, guide_id
  from filled join held_store using (store_id) join held_guide using (guide_id)
on conflict do nothing
returning touchpoint_id
"""

UPDATE_TOUCHPOINT = """
with held_store as materialized (
  select store_id from store where brand_id = $1 and store_id = $5 and state <> 'closed' for share
), held_guide as materialized (
  select guide_id from guide where brand_id = $1 and guide_id = $6 and state = 'active' for share
)
update touchpoint
   set name = $4, store_id = held_store.store_id, guide_id = held_guide.guide_id, state = $7, version = version + 1
  from held_store, held_guide
 where touchpoint.brand_id = $1 and touchpoint.touchpoint_id = $2 and touchpoint.version = $3
"""

LIST_TOUCHPOINTS = """
select t.touchpoint_id, t.code, t.name, t.kind, t.store_id, t.guide_id, t.state, t.version
  from touchpoint t join store s on s.brand_id = t.brand_id and s.store_id = t.store_id
                    join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
 where t.brand_id = $1
   and ($2::text is null or position(lower($2) in lower(t.code || ' ' || t.name)) > 0)
   and ($3::uuid is null or t.store_id = $3)
   and ($4::text is null or t.kind = $4)
   and ($5::text is null or t.state = $5)
   and ($6 or u.path && $7::uuid[] or s.operator_id = any($8::uuid[]) or s.store_id = any($9::uuid[]))
   and ($10::text is null or t.code > $10)
 order by t.code limit $11
"""


def _touchpoint(row: Record) -> Touchpoint:
    return Touchpoint(row[0], row[1], row[2], TouchpointKind(row[3]), row[4], row[5], State(row[6]), row[7])


async def read_touchpoint(tx: Tx, touchpoint_id: TouchpointId, *, lock: bool = False) -> Touchpoint | None:
    row = await tx.row(LOCKED_TOUCHPOINT if lock else ONE_TOUCHPOINT, tx.brand, touchpoint_id)
    return None if row is None else _touchpoint(row)


async def read_touchpoint_by_code(tx: Tx, code: str) -> Touchpoint | None:
    row = await tx.row(TOUCHPOINT_BY_CODE, tx.brand, code)
    return None if row is None else _touchpoint(row)


async def insert_touchpoints(tx: Tx, touchpoints: Sequence[NewTouchpoint]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_TOUCHPOINTS, tx.brand, json_of(touchpoints))}


async def write_touchpoint(tx: Tx, touchpoint: Touchpoint) -> int:
    return await tx.run(
        UPDATE_TOUCHPOINT,
        tx.brand,
        touchpoint.touchpoint_id,
        touchpoint.version - 1,
        touchpoint.name,
        touchpoint.store_id,
        touchpoint.guide_id,
        touchpoint.state,
    )


async def list_touchpoints(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Touchpoint]:
    rows = await tx.rows(
        LIST_TOUCHPOINTS,
        tx.brand,
        wanted.text,
        wanted.store_id,
        wanted.kind,
        wanted.state,
        *columns_of(wanted.scope),
        after,
        limit,
    )
    return [_touchpoint(row) for row in rows]
