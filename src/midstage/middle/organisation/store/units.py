"""The SQL of the tree."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewUnit
from midstage.middle.organisation.store.shared import columns_of, json_of, pair
from midstage.middle.organisation.types import State, Unit, UnitId, UnitKind

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


def _unit(row: Record) -> Unit:
    return Unit(row[0], row[1], row[2], row[3], UnitKind(row[4]), row[5], State(row[6]), row[7])


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
    return {row[0] for row in await tx.rows(INSERT_UNITS, tx.brand, json_of(new))}


async def read_deepest(tx: Tx, unit_id: UnitId) -> int:
    return cast("int", await tx.value(DEEPEST, tx.brand, unit_id))


async def move_unit(tx: Tx, unit: Unit, to_path: Sequence[UnitId]) -> int:
    return await tx.run(MOVE_UNIT, tx.brand, unit.unit_id, list(to_path), len(unit.path))


async def write_unit(tx: Tx, unit: Unit) -> int:
    return await tx.run(UPDATE_UNIT, tx.brand, unit.unit_id, unit.version - 1, unit.name, unit.kind, unit.state)


async def count_under_unit(tx: Tx, unit_id: UnitId) -> tuple[int, int]:
    return pair(await tx.rows(UNDER_UNIT, tx.brand, unit_id))


async def list_units(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Unit]:
    everything, units, _, _ = columns_of(wanted.scope)
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
