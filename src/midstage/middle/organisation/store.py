"""All SQL of the organisation.

Whatever hangs on another row (a store on its unit, a guide on her store) holds that row FOR SHARE while it is
written; whatever closes a row takes it FOR NO KEY UPDATE first. So a close and a new dependant take turns, and
the second of them sees the first.
"""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import msgspec

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Record, Tx
from midstage.kit.ids import BrandId
from midstage.middle.organisation.types import (
    Brand,
    Contract,
    Filter,
    Guide,
    GuideId,
    Hours,
    InvoiceTitle,
    NewGuide,
    NewOperator,
    NewPlatformAccount,
    NewStaff,
    NewStore,
    NewTouchpoint,
    NewUnit,
    Operator,
    OperatorId,
    OperatorKind,
    Payee,
    PayeeId,
    PersonState,
    Place,
    Platform,
    PlatformAccount,
    PlatformAccountId,
    Scope,
    Staff,
    StaffId,
    State,
    Stay,
    Store,
    StoreId,
    StoreKind,
    StoreState,
    Touchpoint,
    TouchpointId,
    TouchpointKind,
    Unit,
    UnitId,
    UnitKind,
    Virtual,
)

# Brands

NEXT_BRAND = "select nextval('brand_number')::integer as brand_id"

TENANTS = """
select brand_id, code, zone, day_starts_minute from brand
 where $1::text is null or code = $1
 order by brand_id
"""

INSERT_BRAND = """
insert into brand (brand_id, code, name, currency, zone, day_starts_minute, phone_prefix, root_unit_id,
                   own_operator_id, virtual_store_id, virtual_guide_id, virtual_touchpoint_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (code) do nothing
"""

FURNISH_BRAND = """
with made_unit as (
  insert into unit (brand_id, unit_id, parent_id, code, name, kind, path)
  select brand_id, root_unit_id, null, code, name, 'brand', array[root_unit_id] from brand where brand_id = $1
), made_operator as (
  insert into operator (brand_id, operator_id, code, name, kind)
  select brand_id, own_operator_id, code, name, 'brand' from brand where brand_id = $1
), made_store as (
  insert into store (brand_id, store_id, code, name, kind, unit_id, operator_id, currency)
  select brand_id, virtual_store_id, 'virtual', '虚拟门店 Virtual store', 'virtual', root_unit_id, own_operator_id, currency
    from brand where brand_id = $1
), made_guide as (
  insert into guide (brand_id, guide_id, code, name, store_id, joined_at)
  select brand_id, virtual_guide_id, 'virtual', '公海 Pool', virtual_store_id, created_at from brand where brand_id = $1
), made_stay as (
  insert into guide_stay (brand_id, guide_id, from_at, store_id)
  select brand_id, virtual_guide_id, created_at, virtual_store_id from brand where brand_id = $1
)
insert into touchpoint (brand_id, touchpoint_id, code, name, kind, store_id, guide_id)
select brand_id, virtual_touchpoint_id, 'virtual', '未知触点 Unknown', 'virtual', virtual_store_id, virtual_guide_id
  from brand where brand_id = $1
"""

BRAND = """
select brand_id, code, name, currency, zone, day_starts_minute, phone_prefix, root_unit_id, own_operator_id, version
  from brand where brand_id = $1
"""

# Everything that changes the shape of the tree takes turns here: shape changes are rare, and a path that is
# computed from a tree that somebody else is changing would be wrong.
LOCK_TREE = "select brand_id from brand where brand_id = $1 for no key update"

VIRTUAL = "select virtual_store_id, virtual_guide_id, virtual_touchpoint_id from brand where brand_id = $1"

UPDATE_BRAND = """
update brand set name = $3, zone = $4, day_starts_minute = $5, phone_prefix = $6, version = version + 1
 where brand_id = $1 and version = $2
"""

# Units

UNIT = "select unit_id, parent_id, code, name, kind, path, state, version from unit where brand_id = $1"
UNITS = UNIT + " and ($2::uuid[] is null or unit_id = any($2)) order by path"
ONE_UNIT = UNIT + " and unit_id = $2 for no key update"
UNIT_BY_CODE = UNIT + " and code = $2"
DEEPEST = "select max(cardinality(path)) from unit where brand_id = $1 and $2 = any(path)"

INSERT_UNITS = """
insert into unit (brand_id, unit_id, parent_id, code, name, kind, path)
select $1, new.unit_id, new.path[cardinality(new.path) - 1], new.code, new.name, new.kind, new.path
  from jsonb_to_recordset($2::jsonb) as new (unit_id uuid, code text, name text, kind text, path uuid[])
on conflict do nothing
returning unit_id
"""

# The part of each path above the moved unit is replaced; $3 is the new parent's path, $4 its old length.
MOVE_UNIT = """
update unit
   set path = $3::uuid[] || path[$4:],
       parent_id = case when unit_id = $2 then ($3::uuid[])[cardinality($3::uuid[])] else parent_id end,
       version = version + 1
 where brand_id = $1 and $2 = any(path)
   and exists (select 1 from unit up where up.brand_id = $1 and up.state = 'open' and up.path = $3::uuid[])
"""

UPDATE_UNIT = """
update unit set name = $4, kind = $5, state = $6, version = version + 1
 where brand_id = $1 and unit_id = $2 and version = $3
"""

UNDER_UNIT = """
select (select count(*) from unit u
         where u.brand_id = $1 and $2 = any(u.path) and u.unit_id <> $2 and u.state = 'open') as units,
       (select count(*) from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
         where s.brand_id = $1 and $2 = any(u.path) and s.state <> 'closed') as stores
"""

LIST_UNITS = (
    UNIT
    + """
   and ($2::text is null or position(lower($2) in lower(code || ' ' || name)) > 0)
   and ($3::uuid is null or $3 = any(path))
   and ($4::text is null or kind = $4)
   and ($5::text is null or state = $5)
   and ($6 or path && $7::uuid[])
   and ($8::text is null or code > $8)
 order by code limit $9
"""
)

# Operators

OPERATOR = """
select o.operator_id, o.code, o.name, o.kind, o.contract_number, o.contract_starts_on, o.contract_ends_on,
       o.invoice_title, o.tax_number, o.invoice_address, o.state, o.version,
       p.payee_id, p.holder, p.provider, p.account_number
  from operator o left join payee p on p.brand_id = o.brand_id and p.payee_id = o.payee_id
 where o.brand_id = $1
"""
OPERATORS = OPERATOR + " and ($2::uuid[] is null or o.operator_id = any($2)) order by o.code"
ONE_OPERATOR = OPERATOR + " and o.operator_id = $2 for no key update of o"

INSERT_OPERATORS = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (operator_id uuid, code text, name text, kind text,
    contract_number text, contract_starts_on date, contract_ends_on date, invoice_title text, tax_number text,
    invoice_address text, payee_id uuid, holder text, provider text, account_number text)
), made as (
  insert into operator (brand_id, operator_id, code, name, kind, contract_number, contract_starts_on,
                        contract_ends_on, invoice_title, tax_number, invoice_address, payee_id)
  select $1, operator_id, code, name, kind, contract_number, contract_starts_on, contract_ends_on, invoice_title,
         tax_number, invoice_address, payee_id
    from new
  on conflict do nothing
  returning brand_id, operator_id
), paid as (
  insert into payee (brand_id, payee_id, operator_id, holder, provider, account_number, since_at)
  select $1, payee_id, operator_id, holder, provider, account_number, $3
    from new join made using (operator_id) where payee_id is not null
)
select operator_id from made where brand_id = $1
"""

INSERT_PAYEE = """
insert into payee (brand_id, payee_id, operator_id, holder, provider, account_number, since_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
"""

PAYEES = """
select payee_id, holder, provider, account_number from payee
 where brand_id = $1 and operator_id = $2 order by since_at, payee_id
"""

UPDATE_OPERATOR = """
update operator
   set name = $4, kind = $5, contract_number = $6, contract_starts_on = $7, contract_ends_on = $8,
       invoice_title = $9, tax_number = $10, invoice_address = $11, payee_id = $12, state = $13,
       version = version + 1
 where brand_id = $1 and operator_id = $2 and version = $3
"""

UNDER_OPERATOR = """
select (select count(*) from store where brand_id = $1 and operator_id = $2 and state <> 'closed') as stores,
       (select count(*) from staff where brand_id = $1 and operator_id = $2 and state = 'active') as staff
"""

LIST_OPERATORS = (
    OPERATOR
    + """
   and ($2::text is null or position(lower($2) in lower(o.code || ' ' || o.name)) > 0)
   and ($3::text is null or o.kind = $3)
   and ($4::text is null or o.state = $4)
   and ($5 or o.operator_id = any($6::uuid[]))
   and ($7::text is null or o.code > $7)
 order by o.code limit $8
"""
)

# Stores

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

# Staff

STAFF = """
select staff_id, code, name, phone, operator_id, state, joined_at, left_at, version from staff where brand_id = $1
"""
MANY_STAFF = STAFF + " and staff_id = any($2)"
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

# Guides

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

# Touchpoints

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

# Platform accounts

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


def _json(values: Any) -> str:
    return msgspec.json.encode(values).decode()


def _scope(scope: Scope) -> tuple[bool, list[UnitId], list[OperatorId], list[StoreId]]:
    return scope.everything, list(scope.units), list(scope.operators), list(scope.stores)


# Rows as structs


def _tenant(row: Record) -> Tenant:
    return Tenant(BrandId(row["brand_id"]), row["code"], row["zone"], row["day_starts_minute"])


def _unit(row: Record) -> Unit:
    return Unit(row[0], row[1], row[2], row[3], UnitKind(row[4]), row[5], State(row[6]), row[7])


def _operator(row: Record) -> Operator:
    contract, invoice, payee = row["contract_number"], row["invoice_title"], row["payee_id"]
    return Operator(
        operator_id=row["operator_id"],
        code=row["code"],
        name=row["name"],
        kind=OperatorKind(row["kind"]),
        contract=Contract(contract, row["contract_starts_on"], row["contract_ends_on"]) if contract else None,
        invoice=InvoiceTitle(invoice, row["tax_number"], row["invoice_address"]) if invoice else None,
        payee=_payee(row) if payee else None,
        state=State(row["state"]),
        version=row["version"],
    )


def _payee(row: Record) -> Payee:
    return Payee(row["holder"], row["provider"], row["account_number"], PayeeId(row["payee_id"]))


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


def _staff(row: Record) -> Staff:
    return Staff(row[0], row[1], row[2], row[3], row[4], PersonState(row[5]), row[6], row[7], row[8])


def _guide(row: Record) -> Guide:
    return Guide(row[0], row[1], row[2], row[3], row[4], PersonState(row[5]), row[6], row[7], row[8])


def _touchpoint(row: Record) -> Touchpoint:
    return Touchpoint(row[0], row[1], row[2], TouchpointKind(row[3]), row[4], row[5], State(row[6]), row[7])


def _account(row: Record) -> PlatformAccount:
    return PlatformAccount(row[0], Platform(row[1]), row[2], row[3], row[4], row[5], State(row[6]), row[7])


# Brands


async def read_tenants(database: Database, code: str | None = None) -> list[Tenant]:
    async with database.connection() as link:
        return [_tenant(row) for row in await link.fetch(TENANTS, code)]


async def next_brand(database: Database) -> BrandId:
    async with database.connection() as link:
        return BrandId(await link.fetchval(NEXT_BRAND))


async def insert_brand(tx: Tx, brand: Brand, virtual: Virtual) -> bool:
    """The brand with all that stands in; False where the code is taken."""
    made = await tx.run(
        INSERT_BRAND,
        tx.brand,
        brand.code,
        brand.name,
        brand.currency,
        brand.zone,
        brand.day_starts_minute,
        brand.phone_prefix,
        brand.root_unit_id,
        brand.own_operator_id,
        virtual.store_id,
        virtual.guide_id,
        virtual.touchpoint_id,
        tx.now,
    )
    if made:
        await tx.run(FURNISH_BRAND, tx.brand)
    return made == 1


async def read_brand(tx: Tx, *, lock: bool = False) -> Brand | None:
    row = await tx.row(BRAND + " for no key update" if lock else BRAND, tx.brand)
    return None if row is None else Brand(*row)


async def lock_tree(tx: Tx) -> None:
    await tx.row(LOCK_TREE, tx.brand)


async def read_virtual(tx: Tx) -> Virtual | None:
    row = await tx.row(VIRTUAL, tx.brand)
    return None if row is None else Virtual(*row)


async def write_brand(tx: Tx, brand: Brand) -> int:
    return await tx.run(
        UPDATE_BRAND,
        tx.brand,
        brand.version - 1,
        brand.name,
        brand.zone,
        brand.day_starts_minute,
        brand.phone_prefix,
    )


# Units


async def read_units(tx: Tx, ids: Sequence[UnitId] | None = None) -> list[Unit]:
    return [_unit(row) for row in await tx.rows(UNITS, tx.brand, ids)]


async def lock_unit(tx: Tx, unit_id: UnitId) -> Unit | None:
    row = await tx.row(ONE_UNIT, tx.brand, unit_id)
    return None if row is None else _unit(row)


async def read_unit_by_code(tx: Tx, code: str) -> Unit | None:
    row = await tx.row(UNIT_BY_CODE, tx.brand, code)
    return None if row is None else _unit(row)


async def insert_units(tx: Tx, units: Sequence[NewUnit], paths: Sequence[Sequence[UnitId]]) -> set[UUID]:
    new = [
        {"unit_id": unit.unit_id, "code": unit.code, "name": unit.name, "kind": unit.kind, "path": path}
        for unit, path in zip(units, paths, strict=True)
    ]
    return {row[0] for row in await tx.rows(INSERT_UNITS, tx.brand, _json(new))}


async def read_deepest(tx: Tx, unit_id: UnitId) -> int:
    return cast("int", await tx.value(DEEPEST, tx.brand, unit_id))


async def move_unit(tx: Tx, unit: Unit, to_path: Sequence[UnitId]) -> int:
    return await tx.run(MOVE_UNIT, tx.brand, unit.unit_id, list(to_path), len(unit.path))


async def write_unit(tx: Tx, unit: Unit) -> int:
    return await tx.run(UPDATE_UNIT, tx.brand, unit.unit_id, unit.version - 1, unit.name, unit.kind, unit.state)


async def count_under_unit(tx: Tx, unit_id: UnitId) -> tuple[int, int]:
    return _pair(await tx.rows(UNDER_UNIT, tx.brand, unit_id))


def _pair(rows: list[Record]) -> tuple[int, int]:
    return rows[0][0], rows[0][1]


async def list_units(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Unit]:
    everything, units, _, _ = _scope(wanted.scope)
    rows = await tx.rows(
        LIST_UNITS,
        tx.brand,
        wanted.text,
        wanted.unit_id,
        wanted.kind,
        wanted.state,
        everything,
        units,
        after,
        limit,
    )
    return [_unit(row) for row in rows]


# Operators


async def read_operators(tx: Tx, ids: Sequence[OperatorId] | None = None) -> list[Operator]:
    return [_operator(row) for row in await tx.rows(OPERATORS, tx.brand, ids)]


async def lock_operator(tx: Tx, operator_id: OperatorId) -> Operator | None:
    row = await tx.row(ONE_OPERATOR, tx.brand, operator_id)
    return None if row is None else _operator(row)


async def insert_operators(tx: Tx, operators: Sequence[NewOperator]) -> set[UUID]:
    new = [_flat(operator) for operator in operators]
    return {row[0] for row in await tx.rows(INSERT_OPERATORS, tx.brand, _json(new), tx.now)}


def _flat(operator: NewOperator) -> dict[str, Any]:
    contract, invoice, payee = operator.contract, operator.invoice, operator.payee
    flat: dict[str, Any] = {
        "operator_id": operator.operator_id,
        "code": operator.code,
        "name": operator.name,
        "kind": operator.kind,
    }
    if contract:
        flat |= {
            "contract_number": contract.number,
            "contract_starts_on": contract.starts_on,
            "contract_ends_on": contract.ends_on,
        }
    if invoice:
        flat |= {
            "invoice_title": invoice.title,
            "tax_number": invoice.tax_number,
            "invoice_address": invoice.address,
        }
    if payee:
        flat |= {name: getattr(payee, name) for name in payee.__struct_fields__}
    return flat


async def insert_payee(tx: Tx, operator_id: OperatorId, payee: Payee) -> int:
    return await tx.run(
        INSERT_PAYEE,
        tx.brand,
        payee.payee_id,
        operator_id,
        payee.holder,
        payee.provider,
        payee.account_number,
        tx.now,
    )


async def read_payees(tx: Tx, operator_id: OperatorId) -> list[Payee]:
    return [_payee(row) for row in await tx.rows(PAYEES, tx.brand, operator_id)]


async def write_operator(tx: Tx, operator: Operator) -> int:
    contract, invoice, payee = operator.contract, operator.invoice, operator.payee
    return await tx.run(
        UPDATE_OPERATOR,
        tx.brand,
        operator.operator_id,
        operator.version - 1,
        operator.name,
        operator.kind,
        contract and contract.number,
        contract and contract.starts_on,
        contract and contract.ends_on,
        invoice and invoice.title,
        invoice and invoice.tax_number,
        invoice and invoice.address,
        payee and payee.payee_id,
        operator.state,
    )


async def count_under_operator(tx: Tx, operator_id: OperatorId) -> tuple[int, int]:
    return _pair(await tx.rows(UNDER_OPERATOR, tx.brand, operator_id))


async def list_operators(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Operator]:
    everything, _, operators, _ = _scope(wanted.scope)
    rows = await tx.rows(
        LIST_OPERATORS, tx.brand, wanted.text, wanted.kind, wanted.state, everything, operators, after, limit
    )
    return [_operator(row) for row in rows]


# Stores


async def read_stores(tx: Tx, ids: Sequence[StoreId] | None = None) -> list[Store]:
    return [_store(row) for row in await tx.rows(STORES, tx.brand, ids)]


async def read_store_by_code(tx: Tx, code: str) -> Store | None:
    row = await tx.row(STORE_BY_CODE, tx.brand, code)
    return None if row is None else _store(row)


async def lock_store(tx: Tx, store_id: StoreId) -> Store | None:
    row = await tx.row(ONE_STORE, tx.brand, store_id)
    return None if row is None else _store(row)


async def read_stores_in(tx: Tx, scope: Scope) -> frozenset[StoreId]:
    _, units, operators, stores = _scope(scope)
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
    return {row[0] for row in await tx.rows(INSERT_STORES, tx.brand, _json(new))}


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
        None if store.hours is None else _json(store.hours),
        store.state,
        store.state,
    )


async def count_under_store(tx: Tx, store_id: StoreId) -> tuple[int, int]:
    return _pair(await tx.rows(UNDER_STORE, tx.brand, store_id))


async def list_stores(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Store]:
    rows = await tx.rows(
        LIST_STORES,
        tx.brand,
        wanted.text,
        wanted.unit_id,
        wanted.operator_id,
        wanted.kind,
        wanted.state,
        *_scope(wanted.scope),
        after,
        limit,
    )
    return [_store(row) for row in rows]


async def read_unknown(tx: Tx, scope: Scope) -> tuple[str, UUID] | None:
    _, units, operators, stores = _scope(scope)
    row = await tx.row(UNKNOWN_IN_SCOPE, tx.brand, units, operators, stores)
    return None if row is None else (row["what"], row["id"])


async def is_outside(tx: Tx, inner: Scope, outer: Scope) -> bool:
    _, *within = _scope(inner)
    _, *limits = _scope(outer)
    return cast("bool", await tx.value(OUTSIDE_SCOPE, tx.brand, *within, *limits))


# Staff


async def read_staff(tx: Tx, ids: Sequence[StaffId]) -> list[Staff]:
    return [_staff(row) for row in await tx.rows(MANY_STAFF, tx.brand, ids)]


async def lock_staff(tx: Tx, staff_id: StaffId) -> Staff | None:
    row = await tx.row(ONE_STAFF, tx.brand, staff_id)
    return None if row is None else _staff(row)


async def insert_staff(tx: Tx, staff: Sequence[NewStaff]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_STAFF, tx.brand, _json(staff), tx.now)}


async def write_staff(tx: Tx, staff: Staff) -> int:
    return await tx.run(
        UPDATE_STAFF, tx.brand, staff.staff_id, staff.version - 1, staff.name, staff.phone, staff.operator_id
    )


async def end_staff(tx: Tx, staff_id: StaffId) -> int:
    return await tx.run(END_STAFF, tx.brand, staff_id, tx.now)


async def count_under_staff(tx: Tx, staff_id: StaffId) -> tuple[int, int]:
    return _pair(await tx.rows(UNDER_STAFF, tx.brand, staff_id))


async def list_staff(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Staff]:
    rows = await tx.rows(
        LIST_STAFF,
        tx.brand,
        wanted.text,
        wanted.operator_id,
        wanted.state,
        *_scope(wanted.scope),
        after,
        limit,
    )
    return [_staff(row) for row in rows]


# Guides


async def read_guides(tx: Tx, ids: Sequence[GuideId]) -> list[Guide]:
    return [_guide(row) for row in await tx.rows(GUIDES, tx.brand, ids)]


async def read_guide_of_staff(tx: Tx, staff_id: StaffId) -> Guide | None:
    row = await tx.row(GUIDE_OF_STAFF, tx.brand, staff_id)
    return None if row is None else _guide(row)


async def lock_guides(tx: Tx, ids: Sequence[GuideId]) -> dict[GuideId, Guide]:
    rows = await tx.rows(LOCKED_GUIDES, tx.brand, ids)
    return {guide.guide_id: guide for guide in map(_guide, rows)}


async def insert_guides(tx: Tx, guides: Sequence[NewGuide]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_GUIDES, tx.brand, _json(guides), tx.now)}


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
        *_scope(wanted.scope),
        after,
        limit,
    )
    return [_guide(row) for row in rows]


# Touchpoints


async def read_touchpoint(tx: Tx, touchpoint_id: TouchpointId, *, lock: bool = False) -> Touchpoint | None:
    row = await tx.row(LOCKED_TOUCHPOINT if lock else ONE_TOUCHPOINT, tx.brand, touchpoint_id)
    return None if row is None else _touchpoint(row)


async def read_touchpoint_by_code(tx: Tx, code: str) -> Touchpoint | None:
    row = await tx.row(TOUCHPOINT_BY_CODE, tx.brand, code)
    return None if row is None else _touchpoint(row)


async def insert_touchpoints(tx: Tx, touchpoints: Sequence[NewTouchpoint]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_TOUCHPOINTS, tx.brand, _json(touchpoints))}


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
        *_scope(wanted.scope),
        after,
        limit,
    )
    return [_touchpoint(row) for row in rows]


# Platform accounts


async def read_account(tx: Tx, account_id: PlatformAccountId, *, lock: bool = False) -> PlatformAccount | None:
    row = await tx.row(LOCKED_ACCOUNT if lock else ONE_ACCOUNT, tx.brand, account_id)
    return None if row is None else _account(row)


async def insert_accounts(tx: Tx, accounts: Sequence[NewPlatformAccount]) -> set[UUID]:
    return {row[0] for row in await tx.rows(INSERT_ACCOUNTS, tx.brand, _json(accounts))}


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
        *_scope(wanted.scope),
        platform,
        external_id,
        limit,
    )
    return [_account(row) for row in rows]


# What the doctor asks: each statement returns the wrong rows alone.

CHECKS = {
    "brand_is_furnished": (
        "A brand lacks its root, own operator, virtual store, virtual guide or virtual touchpoint.",
        """
select b.brand_id, b.code from brand b
 where b.brand_id = $1 and not (
       exists (select 1 from unit where brand_id = $1 and unit_id = b.root_unit_id and parent_id is null)
   and exists (select 1 from operator where brand_id = $1 and operator_id = b.own_operator_id and kind = 'brand')
   and exists (select 1 from store where brand_id = $1 and store_id = b.virtual_store_id and kind = 'virtual')
   and exists (select 1 from guide where brand_id = $1 and guide_id = b.virtual_guide_id and state = 'active'
                                    and store_id = b.virtual_store_id)
   and exists (select 1 from touchpoint where brand_id = $1 and touchpoint_id = b.virtual_touchpoint_id
                                         and kind = 'virtual'))
""",
    ),
    "unit_path_is_right": (
        "The path of a unit is not that of its parent and itself.",
        """
select u.unit_id, u.parent_id, u.path from unit u
  left join unit up on up.brand_id = u.brand_id and up.unit_id = u.parent_id
 where u.brand_id = $1 and u.path is distinct from coalesce(up.path, '{}') || u.unit_id
 limit 20
""",
    ),
    "open_unit_lies_in_open_unit": (
        "An open unit lies under a closed one.",
        """
select u.unit_id, u.parent_id from unit u join unit up on up.brand_id = u.brand_id and up.unit_id = u.parent_id
 where u.brand_id = $1 and u.state = 'open' and up.state = 'closed'
 limit 20
""",
    ),
    "store_stands_on_open_ground": (
        "A store that is not closed lies in a closed unit or belongs to a closed operator.",
        """
select s.store_id, u.state as unit_state, o.state as operator_state
  from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
               join operator o on o.brand_id = s.brand_id and o.operator_id = s.operator_id
 where s.brand_id = $1 and s.state <> 'closed' and (u.state = 'closed' or o.state = 'closed')
 limit 20
""",
    ),
    "guide_is_where_her_stay_is": (
        "An active guide has no open stay in her store, or one who left has an open one, or no heir.",
        """
select g.guide_id, g.state, g.store_id, y.store_id as stay_store_id
  from guide g left join guide_stay y on y.brand_id = g.brand_id and y.guide_id = g.guide_id and y.until_at is null
 where g.brand_id = $1
   and (case g.state when 'active' then y.store_id is distinct from g.store_id
        else y.store_id is not null or not exists (select 1 from guide_stay z
               where z.brand_id = g.brand_id and z.guide_id = g.guide_id and z.heir_id is not null) end)
 limit 20
""",
    ),
    "guide_is_in_living_store": (
        "An active guide belongs to a closed store, or is staff that has left.",
        """
select g.guide_id, s.store_id, s.state as store_state, p.state as staff_state
  from guide g join store s on s.brand_id = g.brand_id and s.store_id = g.store_id
               left join staff p on p.brand_id = g.brand_id and p.staff_id = g.staff_id
 where g.brand_id = $1 and g.state = 'active' and (s.state = 'closed' or p.state = 'left')
 limit 20
""",
    ),
    "touchpoint_leads_to_living_guide": (
        "A touchpoint leads to a guide who has left.",
        """
select t.touchpoint_id, t.guide_id from touchpoint t
  join guide g on g.brand_id = t.brand_id and g.guide_id = t.guide_id
 where t.brand_id = $1 and g.state = 'left'
 limit 20
""",
    ),
    "platform_account_has_keeper": (
        "Who answers for an open platform account has left, or its store is closed.",
        """
select a.platform_account_id, a.staff_id, p.state as staff_state, s.state as store_state
  from platform_account a join staff p on p.brand_id = a.brand_id and p.staff_id = a.staff_id
                          join store s on s.brand_id = a.brand_id and s.store_id = a.store_id
 where a.brand_id = $1 and a.state = 'open' and (p.state = 'left' or s.state = 'closed')
 limit 20
""",
    ),
}


async def read_wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(sql, tx.brand)]
