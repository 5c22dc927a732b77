"""The SQL of stores, and of scopes over them."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewStore
from midstage.middle.organisation.store.shared import columns_of, json_of, pair
from midstage.middle.organisation.types import Hours, Place, Scope, Store, StoreId, StoreKind, StoreState

STORE = """
select s.store_id, s.code, s.name, s.kind, s.unit_id, u.path, s.operator_id, s.currency, s.area_m2, s.lat, s.lng,
       s.address, s.hours, s.state, s.version
  from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
 where s.brand_id = $1
"""
STORES = STORE + " and ($2::uuid[] is null or s.store_id = any($2)) order by s.code"
STORE_BY_CODE = STORE + " and s.code = $2"
ONE_STORE = STORE + " and s.store_id = $2 for no key update of s"

STORES_IN = """
select s.store_id from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
 where s.brand_id = $1 and (u.path && $2::uuid[] or s.operator_id = any($3::uuid[]) or s.store_id = any($4::uuid[]))
"""

INSERT_STORES = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (store_id uuid, code text, name text, kind text, unit_id uuid,
    operator_id uuid, currency text, area_m2 integer, lat double precision, lng double precision, address text,
    hours jsonb)
), home as (
  select root_unit_id, own_operator_id, currency from brand where brand_id = $1
), filled as materialized (
  select new.store_id, new.code, new.name, new.kind, coalesce(new.unit_id, home.root_unit_id) as unit_id,
         coalesce(new.operator_id, home.own_operator_id) as operator_id,
         coalesce(new.currency, home.currency) as currency, new.area_m2, new.lat, new.lng, new.address, new.hours
    from new cross join home
), held_unit as materialized (
  select unit_id from unit
   where brand_id = $1 and state = 'open' and unit_id in (select unit_id from filled) order by unit_id for share
), held_operator as materialized (
  select operator_id from operator
   where brand_id = $1 and state = 'open' and operator_id in (select operator_id from filled)
   order by operator_id for share
)
insert into store (brand_id, store_id, code, name, kind, unit_id, operator_id, currency, area_m2, lat, lng, address,
                   hours)
select $1, store_id, code, name, kind, unit_id, operator_id, currency, area_m2, lat, lng, address, hours
  from filled join held_unit using (unit_id) join held_operator using (operator_id)
on conflict do nothing
returning store_id
"""

UPDATE_STORE = """
with held_unit as materialized (
  select unit_id from unit where brand_id = $1 and unit_id = $6 and (state = 'open' or $14 = 'closed') for share
), held_operator as materialized (
  select operator_id from operator
   where brand_id = $1 and operator_id = $7 and (state = 'open' or $14 = 'closed') for share
)
update store
   set name = $4, kind = $5, unit_id = held_unit.unit_id, operator_id = held_operator.operator_id, area_m2 = $8,
       lat = $9, lng = $10, address = $11, hours = $12::text::jsonb, state = $13, version = version + 1
  from held_unit, held_operator
 where store.brand_id = $1 and store.store_id = $2 and store.version = $3
"""

UNDER_STORE = """
select (select count(*) from guide where brand_id = $1 and store_id = $2 and state = 'active') as guides,
       (select count(*) from platform_account where brand_id = $1 and store_id = $2 and state = 'open') as accounts
"""

LIST_STORES = (
    STORE
    + """
   and ($2::text is null or position(lower($2) in lower(s.code || ' ' || s.name)) > 0)
   and ($3::uuid is null or $3 = any(u.path))
   and ($4::uuid is null or s.operator_id = $4)
   and ($5::text is null or s.kind = $5)
   and ($6::text is null or s.state = $6)
   and ($7 or u.path && $8::uuid[] or s.operator_id = any($9::uuid[]) or s.store_id = any($10::uuid[]))
   and ($11::text is null or s.code > $11)
 order by s.code limit $12
"""
)

# Whether a scope names nothing that is not there, and whether one scope lies within another.
UNKNOWN_IN_SCOPE = """
select what, id from (
  select 'unit' as what, id from unnest($2::uuid[]) as id
   where not exists (select 1 from unit where brand_id = $1 and unit_id = id)
  union all
  select 'operator', id from unnest($3::uuid[]) as id
   where not exists (select 1 from operator where brand_id = $1 and operator_id = id)
  union all
  select 'store', id from unnest($4::uuid[]) as id
   where not exists (select 1 from store where brand_id = $1 and store_id = id)
) as unknown
limit 1
"""

OUTSIDE_SCOPE = """
select exists (
  select 1 from unit u where u.brand_id = $1 and u.unit_id = any($2::uuid[]) and not u.path && $5::uuid[]
  union all
  select 1 from unnest($3::uuid[]) as id where id <> all($6::uuid[])
  union all
  select 1 from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
   where s.brand_id = $1 and s.store_id = any($4::uuid[])
     and not (u.path && $5::uuid[] or s.operator_id = any($6::uuid[]) or s.store_id = any($7::uuid[]))
)
"""


def _store(row: Record) -> Store:
    hours: str | None = row[12]
    return Store(
        store_id=row[0],
        code=row[1],
        name=row[2],
        kind=StoreKind(row[3]),
        unit_id=row[4],
        unit_path=row[5],
        operator_id=row[6],
        currency=row[7],
        area_m2=row[8],
        place=None if row[9] is None else Place(row[9], row[10]),
        address=row[11],
        hours=None if hours is None else msgspec.json.decode(hours, type=Hours),
        state=StoreState(row[13]),
        version=row[14],
    )


async def read_stores(tx: Tx, ids: Sequence[StoreId] | None = None) -> list[Store]:
    return [_store(row) for row in await tx.rows(STORES, tx.brand, ids)]


async def read_store_by_code(tx: Tx, code: str) -> Store | None:
    row = await tx.row(STORE_BY_CODE, tx.brand, code)
    return None if row is None else _store(row)


async def lock_store(tx: Tx, store_id: StoreId) -> Store | None:
    row = await tx.row(ONE_STORE, tx.brand, store_id)
    return None if row is None else _store(row)


async def read_stores_in(tx: Tx, scope: Scope) -> frozenset[StoreId]:
    _, units, operators, stores = columns_of(scope)
    return frozenset(row[0] for row in await tx.rows(STORES_IN, tx.brand, units, operators, stores))


async def insert_stores(tx: Tx, stores: Sequence[NewStore]) -> set[UUID]:
    new = [
        {
            **{name: getattr(store, name) for name in store.__struct_fields__ if name != "place"},
            "lat": store.place.lat if store.place else None,
            "lng": store.place.lng if store.place else None,
        }
        for store in stores
    ]
    return {row[0] for row in await tx.rows(INSERT_STORES, tx.brand, json_of(new))}


async def write_store(tx: Tx, store: Store) -> int:
    return await tx.run(
        UPDATE_STORE,
        tx.brand,
        store.store_id,
        store.version - 1,
        store.name,
        store.kind,
        store.unit_id,
        store.operator_id,
        store.area_m2,
        store.place and store.place.lat,
        store.place and store.place.lng,
        store.address,
        None if store.hours is None else json_of(store.hours),
        store.state,
        store.state,
    )


async def count_under_store(tx: Tx, store_id: StoreId) -> tuple[int, int]:
    return pair(await tx.rows(UNDER_STORE, tx.brand, store_id))


async def list_stores(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Store]:
    rows = await tx.rows(
        LIST_STORES,
        tx.brand,
        wanted.text,
        wanted.unit_id,
        wanted.operator_id,
        wanted.kind,
        wanted.state,
        *columns_of(wanted.scope),
        after,
        limit,
    )
    return [_store(row) for row in rows]


async def read_unknown(tx: Tx, scope: Scope) -> tuple[str, UUID] | None:
    _, units, operators, stores = columns_of(scope)
    row = await tx.row(UNKNOWN_IN_SCOPE, tx.brand, units, operators, stores)
    return None if row is None else (row["what"], row["id"])


async def is_outside(tx: Tx, inner: Scope, outer: Scope) -> bool:
    _, *within = columns_of(inner)
    _, *limits = columns_of(outer)
    return cast("bool", await tx.value(OUTSIDE_SCOPE, tx.brand, *within, *limits))
