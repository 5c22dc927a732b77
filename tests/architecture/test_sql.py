"""All SQL of the source keeps the rules: brand first, own tables only, columns by name, no SQL outside of stores."""

import ast
import re
from collections import defaultdict
from types import ModuleType

import pytest

from architecture import sources
from architecture.sql_rules import BRAND, looks_like_sql, parses, tables_made, tables_of, wrong_with

OWNED_BY_KIT = ("kit", "jobs")

SYSTEM = re.compile(r"^(pg_\w+|pg_catalog\.\w+|information_schema\.\w+|alembic_version|midstage_\w+)$")


def _owner(name: str) -> str:
    """`0012_orders.sql` and a later `0031_orders_returns.sql` are of the module orders."""
    rest = re.sub(r"^\d{4}_", "", name.removesuffix(".sql"))
    fits = [module for module in sources.MODULES if rest == module or rest.startswith(f"{module}_")]
    return max(fits, key=len) if fits else rest.split("_")[0]


def _owned() -> dict[str, set[str]]:
    owned: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(sources.MIGRATIONS.glob("*.sql")):
        tables = {table.name for table in tables_made(path.read_text(encoding="utf-8"))}
        owned["kit" if _owner(path.name) in OWNED_BY_KIT else _owner(path.name)] |= tables
    return owned


OWNED = _owned()


@pytest.mark.parametrize("module", sources.MODULES)
def test_a_module_names_the_brand_of_each_of_its_own_tables_and_touches_no_other(module: str) -> None:
    wrong = [
        f"{path.parent.name}/{path.name} {name}: {what}"
        for path in sources.stores(module)
        for name, sql in sources.statements(path).items()
        for what in wrong_with(sql, owned=OWNED[module], module=module)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", sources.MODULES)
def test_a_module_copies_into_its_own_tables_with_their_brand(module: str) -> None:
    wrong = [
        f"{path.name}:{copy.line}: {copy}"
        for path in sources.files(sources.PACKAGE / "middle" / module)
        for copy in sources.copies(path)
        if copy.table not in OWNED[module] or BRAND not in copy.columns
    ]
    assert wrong == []


def test_nobody_but_stores_and_kit_speaks_sql() -> None:
    """A process (a file at the top) may ask the server about itself and the kit, and no module's table."""
    wrong: list[str] = []
    for path in sources.files():
        parts = path.relative_to(sources.PACKAGE).parts
        if parts[0] in sources.SPEAKS_SQL or sources.is_store(path):
            continue
        for line, sql in sources.literals(ast.parse(path.read_text(encoding="utf-8")), {}):
            if len(parts) > 1 or not parses(sql) or _not_the_kits(sql):
                wrong.append(f"{'/'.join(parts)}:{line}: {sql.strip()[:60]}")
    assert wrong == []


def test_the_kit_parses_and_touches_only_its_own_tables() -> None:
    wrong: list[str] = []
    for path in sources.files(sources.PACKAGE / "kit"):
        for name, sql in sources.statements(path).items():
            named = sql.replace("{…}", "midstage_x")  # partitions have names that no constant can hold
            if not parses(named):
                wrong.append(f"{path.name} {name} does not parse")
            else:
                wrong += [f"{path.name} {name} touches {table}" for table in _not_the_kits(named)]
    assert wrong == []


def _not_the_kits(sql: str) -> list[str]:
    return sorted(table for table in tables_of(sql) - OWNED["kit"] if not SYSTEM.match(table))


@pytest.mark.parametrize("path", sorted(sources.MIGRATIONS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_migration_keys_its_tables_by_brand_and_stays_at_home(path: sources.Path) -> None:
    sql = path.read_text(encoding="utf-8")
    owner = _owner(path.name)
    assert parses(sql)
    if owner in OWNED_BY_KIT:
        return
    assert _wrong_with_migration(sql, OWNED[owner]) == []


def _wrong_with_migration(sql: str, owned: set[str]) -> list[str]:
    wrong = [f"{table} belongs to another module" for table in sorted(tables_of(sql) - owned)]
    for table in tables_made(sql):
        if table.partition_of is None and table.key[:1] != (BRAND,):
            wrong.append(f"the key of {table.name} does not begin with {BRAND}")
        wrong += [f"{table.name} refers to {other}" for other in sorted(table.refers_to - owned)]
    return wrong


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select x from stock where sku_id = $1", "brand_id of stock is not given"),
        ("select x from stock where brand_id = $1 or sku_id = $2", "brand_id of stock is not given"),
        ("select s.x from stock s join movement m using (sku_id) where s.brand_id = $1", "brand_id of movement"),
        ("select s.x from stock s join movement m on m.brand_id = s.brand_id", "brand_id of movement"),
        ("select s.x from stock s join movement m using (brand_id)", "brand_id of movement"),
        ("select x from stock where brand_id = $1 and exists (select 1 from movement m where m.id = 1)", "of movement"),
        ("with a as (select x from stock) select x from a", "brand_id of stock"),
        ("with stock as (select x from stock where x = 1) select x from stock", "brand_id of stock"),
        ("select x from stock where brand_id = $1 union all select x from movement", "brand_id of movement"),
        ("update stock set x = 1 where sku_id = $1", "brand_id of stock"),
        ("update stock s set x = 1 from movement m where s.brand_id = $1 and m.sku_id = s.sku_id", "of movement"),
        ("delete from stock where sku_id = $1", "brand_id of stock"),
        ("delete from stock s using movement m where m.brand_id = $1 and m.id = s.id", "brand_id of stock"),
        ("insert into stock (sku_id) values ($1)", "brand_id of stock"),
        ("insert into stock values ($1)", "brand_id of stock"),
        ("insert into stock (brand_id, x) select $1, x from movement", "brand_id of movement"),
        ("merge into stock s using (select 1 as x) n on s.x = n.x when matched then delete", "brand_id of stock"),
        ("select x from person where brand_id = $1", "person does not belong to inventory"),
        ("select x from other.stock where brand_id = $1", "other.stock does not belong"),
        ("insert into fact (brand_id) values ($1)", "fact does not belong"),
        ("select * from stock where brand_id = $1", "not named"),
        ("select s.* from stock s where s.brand_id = $1", "not named"),
        ("delete from stock where brand_id = $1 returning *", "not named"),
        ("select x frm stock", "does not parse"),
    ],
)
def test_a_bad_statement_is_seen(sql: str, said: str) -> None:
    assert said in " | ".join(wrong_with(sql, owned={"stock", "movement"}, module="inventory"))


@pytest.mark.parametrize(
    "sql",
    [
        "select x from stock where brand_id = $1",
        "select s.x from stock s join movement m on m.brand_id = s.brand_id and m.x = s.x where s.brand_id = $1",
        "select s.x from stock s join movement m using (brand_id, sku_id) where brand_id = $1",
        "select s.x from stock s left join movement m on (m.brand_id, m.x) = (s.brand_id, s.x) where s.brand_id = $1",
        "select x from stock where (brand_id, x) in (select $1::int, y from unnest($2::int[]) as n (y))",
        (
            "with want as (select y from unnest($2::int[]) as n (y)) "
            "select s.* from (select x from stock where brand_id = $1) s, want w"
        ),
        (
            "with a as (select brand_id, x from stock where brand_id = $1 for update) "
            "update stock s set x = 1 from a where s.brand_id = a.brand_id and s.x = a.x returning s.x"
        ),
        "insert into stock (brand_id, x) values ($1, 2) on conflict do nothing",
        "select x, (select sum(y) from movement m where m.brand_id = s.brand_id) from stock s where s.brand_id = $1",
        "merge into stock s using (select 1 as x) n on s.brand_id = $1 and s.x = n.x when matched then delete",
        "select count(*) from stock where brand_id = $1",
    ],
)
def test_a_good_statement_passes(sql: str) -> None:
    assert wrong_with(sql, owned={"stock", "movement"}, module="inventory") == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("create table a (brand_id integer, id uuid primary key)", "key of a"),
        ("create table a (brand_id integer, id uuid)", "key of a"),
        ("create table a (brand_id integer, id uuid, primary key (id, brand_id))", "key of a"),
        ("create table a (brand_id integer, id uuid); alter table a add primary key (id)", "key of a"),
        ("create table a (brand_id integer, id uuid references b (id), primary key (brand_id, id))", "a refers to b"),
        (
            "create table a (brand_id integer, primary key (brand_id), foreign key (brand_id) references b (brand_id))",
            "a refers to b",
        ),
        ("alter table b add column x integer", "b belongs to another module"),
        ("create index b_x on b (x)", "b belongs to another module"),
        ("insert into b (brand_id) values (1)", "b belongs to another module"),
    ],
)
def test_a_bad_migration_is_seen(sql: str, said: str) -> None:
    assert said in " | ".join(_wrong_with_migration(sql, {"a"}))


def test_a_good_migration_passes() -> None:
    sql = (
        "create table a (brand_id integer, id uuid, primary key (brand_id, id)) partition by range (id);"
        "create table a_default partition of a default; create index a_x on a (brand_id);"
        "create table c (brand_id integer, id uuid, foreign key (brand_id, id) references a (brand_id, id));"
        "alter table c add primary key (brand_id, id)"
    )
    assert _wrong_with_migration(sql, {"a", "a_default", "c"}) == []


def test_words_about_sql_are_not_taken_for_it() -> None:
    assert not looks_like_sql("Select the rows that are due.")
    assert not looks_like_sql("Update the page and set the title")
    assert looks_like_sql("-- why\nselect 1")
    assert looks_like_sql("SELECT 1")


SAMPLE = '''
"""select 1 is a word of this docstring."""
COLUMNS = ("brand_id", "sku_id")
WHAT = "x, y"
GOOD = "select x from stock where brand_id = $1"
PIECE = "with a as (select x from stock where brand_id = $1)"
WHOLE = PIECE + " select x from a"

async def load(tx, rows, name):
    """update this set that"""
    columns = [*COLUMNS, "x"]
    await tx.copy("stock", columns, rows)
    await tx.copy(name, ["x"], rows)
    await tx.rows("select x from stock")
    await tx.rows(f"select x from {name}")
    await tx.rows(f"select {WHAT} from stock")
'''


def test_constants_literals_and_copies_are_found_in_a_source(
    tmp_path: sources.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.py"
    path.write_text(SAMPLE)
    module = ModuleType("store")
    exec(compile(SAMPLE, "store.py", "exec"), vars(module))  # our own sample

    def load(_: sources.Path) -> ModuleType:
        return module

    monkeypatch.setattr(sources, "load", load)
    found = sources.statements(path)
    assert {name for name in found if not name.startswith("line")} == {"GOOD", "WHOLE"}
    assert [text for name, text in found.items() if name.startswith("line")] == [
        "select x from stock",
        "select x from {…}",
        "select x, y from stock",
    ]
    assert [copy[:2] for copy in sources.copies(path)] == [("stock", ("brand_id", "sku_id", "x")), ("?", ("x",))]
