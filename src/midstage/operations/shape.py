"""The shape of a schema, and what of a change would break the release that still runs on it. Pure but for one read."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import msgspec

from midstage.kit.database import Connection

COLUMNS = """
select c.relname::text as of, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
       a.attnotnull as needed, a.atthasdef or a.attidentity <> '' as filled
  from pg_class c join pg_attribute a on a.attrelid = c.oid
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
   and a.attnum > 0 and not a.attisdropped
"""
CONSTRAINTS = """
select r.relname::text as of, c.conname::text as name, c.contype::text as kind, pg_get_constraintdef(c.oid) as says
  from pg_constraint c join pg_class r on r.oid = c.conrelid
 where r.relnamespace = 'public'::regnamespace and not r.relispartition and c.contype in ('c', 'u', 'p', 'f', 'x')
union all
select t.relname::text, i.relname::text, 'u', pg_get_indexdef(i.oid)
  from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
 where t.relnamespace = 'public'::regnamespace and not t.relispartition and x.indisunique
   and not exists (select from pg_constraint c where c.conindid = i.oid)
"""
_WORD = re.compile(r"'((?:[^']|'')*)'(?:::\w+(?: varying)?)?")


class Column(msgspec.Struct, frozen=True):
    """A column: its type, whether it must have a value, and whether one is filled in where none is given."""

    type: str
    needed: bool
    filled: bool


class Shape(msgspec.Struct, frozen=True):
    """The columns of each table, and its constraints and unique indexes by name."""

    columns: Mapping[str, Mapping[str, Column]]
    constraints: Mapping[str, Mapping[str, str]]


async def read(link: Connection) -> Shape:
    """The shape of the tables that are ours."""
    columns: dict[str, dict[str, Column]] = {}
    for row in await link.fetch(COLUMNS):
        columns.setdefault(row["of"], {})[row["name"]] = Column(row["type"], row["needed"], row["filled"])
    constraints: dict[str, dict[str, str]] = {}
    for row in await link.fetch(CONSTRAINTS):
        constraints.setdefault(row["of"], {})[row["name"]] = row["says"]
    return Shape(columns, constraints)


def breaking(before: Shape, after: Shape) -> dict[str, str]:
    """What a release that knows `before` could trip over in `after`: the thing → why.

    New tables, new columns that may be empty or fill themselves, and wider lists of words break nothing.
    """
    found: dict[str, str] = {}
    for table, columns in before.columns.items():
        if table not in after.columns:
            found[table] = "the table is gone"
            continue
        now = after.columns[table]
        for name, column in columns.items():
            why = _column(column, now.get(name))
            if why:
                found[f"{table}.{name}"] = why
        for name in now.keys() - columns.keys():
            if now[name].needed and not now[name].filled:
                found[f"{table}.{name}"] = "it is new and must be given, which the release before does not do"
        fresh = now.keys() - columns.keys()
        found |= _constraints(table, before.constraints.get(table, {}), after.constraints.get(table, {}), fresh)
    return found


def _column(was: Column, now: Column | None) -> str | None:
    if now is None:
        return "the column is gone"
    if was.type != now.type:
        return f"its type was {was.type} and is {now.type}"
    if now.needed and not was.needed:
        return "it must have a value now"
    if was.filled and not now.filled and now.needed:
        return "nothing fills it in any more"
    return None


def _constraints(table: str, was: Mapping[str, str], now: Mapping[str, str], fresh: AbstractSet[str]) -> dict[str, str]:
    """What of the constraints could refuse rows that the release before writes."""
    known = {_plain(says) for says in was.values()}
    found: dict[str, str] = {}
    for name, says in now.items():
        # What a constraint says of a new column is true of rows that leave it empty, or it could not have been added.
        if says.startswith("NOT NULL") or _plain(says) in known or not fresh.isdisjoint(re.findall(r"\w+", says)):
            continue
        if name not in was:
            found[f"{table} {name}"] = f"a new constraint on what the release before writes: {says}"
        elif not widened(was[name], says):
            found[f"{table} {name}"] = f"it was {was[name]} and is {says}"
    return found


def _plain(says: str) -> str:
    """A constraint without its name."""
    return re.sub(r"INDEX \S+ ON", "INDEX ON", says)


def widened(was: str, now: str) -> bool:
    """Whether two constraints differ in their lists of words alone, and the new lists hold all of the old."""
    if _WORD.sub("", was).replace(", ", "") != _WORD.sub("", now).replace(", ", ""):
        return False
    return set(_WORD.findall(was)) <= set(_WORD.findall(now))
