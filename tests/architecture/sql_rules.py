"""The rules that all SQL keeps, as functions over its parse tree: brand, ownership, keys, no stars.

A *level* is one select, insert, update, delete or merge with the tables that it names itself; a sub-select or
a common table expression is a level of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, cast

import postgast
from google.protobuf import json_format

BRAND = "brand_id"
Node = dict[str, Any]

_LEVELS = ("select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")
_EQUAL = ("AEXPR_OP", "AEXPR_NOT_DISTINCT", "AEXPR_IN", "AEXPR_OP_ANY")
_STATEMENT = re.compile(
    r"\s*(--[^\n]*\n\s*)*"
    r"(select\s|insert\s+into\s|update\s+\S+.*\sset\s|delete\s+from\s|with\s+(recursive\s+)?\w+.*\sas\s"
    r"|merge\s+into\s|values\s*\(|truncate\s|lock\s+table\s)",
    re.DOTALL,
)


@dataclass
class Level:
    """The tables of one level by the name they have in it, and which of their brands are tied to what."""

    tables: dict[str, str] = field(default_factory=dict[str, str])
    others: set[str] = field(default_factory=set[str])
    merged: set[str] = field(default_factory=set[str])  # joined using (brand_id): the bare name means all of them
    ties: list[set[str]] = field(default_factory=list[set[str]])
    stars: bool = False


_GIVEN = "$"  # stands for any value that is not a column of this level: an argument, an outer row


def looks_like_sql(text: str) -> bool:
    """Whether a string is meant to be a statement, right or wrong; a sentence begins with a capital alone."""
    return any(_STATEMENT.match(form) for form in (text, text.swapcase()))


def parse(sql: str) -> list[Node]:
    """The statements as plain dictionaries. Raises postgast.PgQueryError."""
    to_dict = cast("Any", json_format).MessageToDict
    tree = cast("Node", to_dict(postgast.parse(sql), preserving_proto_field_name=True))
    return [statement["stmt"] for statement in tree.get("stmts", [])]


def parses(sql: str) -> bool:
    try:
        parse(sql)
    except postgast.PgQueryError:
        return False
    return True


def tables_of(sql: str) -> set[str]:
    """Every table that the statements touch."""
    found: set[str] = set()
    for statement in parse(sql):
        if set(statement) & set(_LEVELS):
            found |= {table for level in levels(statement) for table in level.tables.values()}
        else:
            found |= {_full_name(node) for node in _every(statement, "relation")}
            found |= {_full_name(node) for node in _every(statement, "range_var")}
    return found


def wrong_with(sql: str, *, owned: set[str], module: str) -> list[str]:
    """What a statement of a module does that it must not, a sentence each."""
    try:
        statements = parse(sql)
    except postgast.PgQueryError as error:
        return [f"does not parse: {error}"]
    said = [f"{table} does not belong to {module}" for table in sorted(tables_of(sql) - owned)]
    for statement in statements:
        for level in levels(statement):
            said += [f"{BRAND} of {name} is not given" for name in _untied(level)]
            if level.stars and level.tables:
                said.append(f"columns of {', '.join(sorted(level.tables))} are not named (*)")
    return said


def levels(statement: Node) -> list[Level]:
    """All levels of one statement."""
    found: list[Level] = []
    for kind in _LEVELS:
        if kind in statement:
            _read(kind, statement[kind], frozenset(), found)
    return found


def _read(kind: str, node: Node, ctes: frozenset[str], found: list[Level]) -> None:
    with_clause = node.get("with_clause", {})
    names = [cte["common_table_expr"] for cte in with_clause.get("ctes", [])]
    if with_clause.get("recursive"):
        ctes |= {cte["ctename"] for cte in names}
    for cte in names:
        for inner in _LEVELS:
            if inner in cte["ctequery"]:
                _read(inner, cte["ctequery"][inner], ctes, found)
        ctes |= {cte["ctename"]}
    if "larg" in node:
        _read(kind, node["larg"], ctes, found)
        _read(kind, node["rarg"], ctes, found)
        return
    found.append(_level(kind, node, ctes))
    rest = {name: child for name, child in node.items() if name != "with_clause"}
    for inner, below in _next_levels(list(rest.values())):
        _read(inner, below, ctes, found)


def _next_levels(value: object) -> Iterator[tuple[str, Node]]:
    """The nearest levels below a part of the tree."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _next_levels(item)
    elif isinstance(value, dict):
        node = cast("Node", value)
        for key, child in node.items():
            if key in _LEVELS:
                yield key, child
            else:
                yield from _next_levels(child)


def _level(kind: str, node: Node, ctes: frozenset[str]) -> Level:
    level = Level()
    conditions: list[Node] = [node[key] for key in ("where_clause", "join_condition") if key in node]
    sources: list[Node] = [*node.get("from_clause", []), *node.get("using_clause", [])]
    if "source_relation" in node:
        sources.append(node["source_relation"])
    for source in sources:
        _source(source, ctes, level, conditions)
    if kind != "select_stmt":
        target = node["relation"]
        name = _alias(target)
        level.tables[name] = _full_name(target)
        if kind == "insert_stmt":
            columns = {column["res_target"]["name"] for column in node.get("cols", [])}
            level.ties.append({name, _GIVEN} if BRAND in columns else {name})
    outputs = (
        node.get("returning_clause", {}).get("exprs", []) if kind != "select_stmt" else node.get("target_list", [])
    )
    level.stars = any(_is_star(output, level) for output in outputs)
    for condition in conditions:
        for one in _conjuncts(condition):
            level.ties += _ties(one, level)
    return level


def _source(source: Node, ctes: frozenset[str], level: Level, conditions: list[Node]) -> None:
    if "join_expr" in source:
        join = source["join_expr"]
        before = set(level.tables) | level.others
        _source(join["larg"], ctes, level, conditions)
        _source(join["rarg"], ctes, level, conditions)
        if "quals" in join:
            conditions.append(join["quals"])
        if {"string": {"sval": BRAND}} in join.get("using_clause", []):
            joined = (set(level.tables) | level.others) - before
            tie = {name if name in level.tables else _GIVEN for name in joined}
            level.ties.append(tie)
            level.merged |= tie - {_GIVEN}
    elif "range_var" in source:
        table = source["range_var"]
        if table["relname"] in ctes and "schemaname" not in table:
            level.others.add(_alias(table))
        else:
            level.tables[_alias(table)] = _full_name(table)
    else:
        for part in source.values():
            level.others.add(_alias(part))


def _conjuncts(condition: Node) -> Iterator[Node]:
    both = condition.get("bool_expr")
    if both is not None and both["boolop"] == "AND_EXPR":
        for part in both["args"]:
            yield from _conjuncts(part)
    else:
        yield condition


def _ties(condition: Node, level: Level) -> Iterator[set[str]]:
    """Which brands a condition makes equal to each other or to a given value."""
    if condition.get("sub_link", {}).get("sub_link_type") == "ANY_SUBLINK":
        yield from _pairs(condition["sub_link"].get("testexpr", {}), {}, level)
    equal = condition.get("a_expr", {})
    if equal.get("kind") in _EQUAL and equal.get("name", [{}])[-1] == {"string": {"sval": "="}}:
        yield from _pairs(equal.get("lexpr", {}), equal.get("rexpr", {}), level)


def _pairs(left: Node, right: Node, level: Level) -> Iterator[set[str]]:
    lefts: list[Node] = left.get("row_expr", {}).get("args", [left])
    rights: list[Node] = right.get("row_expr", {}).get("args", [right])
    for one, other in zip_longest(lefts, rights[: len(lefts)], fillvalue=cast("Node", {})):
        names = {_brand_of(one, level), _brand_of(other, level)}
        if names != {_GIVEN}:
            yield names


def _brand_of(expression: Node, level: Level) -> str:
    """The table of this level whose brand an expression is, else that it is given from outside."""
    parts = [part.get("string", {}).get("sval") for part in expression.get("column_ref", {}).get("fields", [])]
    if not parts or parts[-1] != BRAND:
        return _GIVEN
    if len(parts) == 1:
        candidates = sorted(level.merged or level.tables)
        return candidates[0] if level.merged or len(candidates) == 1 else _GIVEN
    return parts[-2] if parts[-2] in level.tables else _GIVEN


def _untied(level: Level) -> list[str]:
    """The tables whose brand is not tied to a given value, directly or through others."""
    given = {_GIVEN}
    while any(tie & given and not tie <= given for tie in level.ties):
        given |= {name for tie in level.ties if tie & given for name in tie}
    return [level.tables[name] for name in sorted(set(level.tables) - given)]


def _is_star(output: Node, level: Level) -> bool:
    parts = output.get("res_target", {}).get("val", {}).get("column_ref", {}).get("fields", [])
    if not parts or "a_star" not in parts[-1]:
        return False
    return len(parts) == 1 or parts[-2]["string"]["sval"] in level.tables


def _alias(part: Mapping[str, Any]) -> str:
    return str(part.get("alias", {}).get("aliasname") or part.get("relname") or "")


def _full_name(table: Mapping[str, Any]) -> str:
    schema = table.get("schemaname")
    return f"{schema}.{table['relname']}" if schema else str(table["relname"])


def _every(value: object, key: str) -> Iterator[Node]:
    """Every node of one kind, at any depth."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _every(item, key)
    elif isinstance(value, dict):
        for name, child in cast("Node", value).items():
            if name == key and "relname" in child:
                yield child
            yield from _every(child, key)


@dataclass(frozen=True)
class Table:
    """A table as a migration makes it."""

    name: str
    key: tuple[str, ...]
    columns: frozenset[str]
    refers_to: frozenset[str]
    partition_of: str | None


def tables_made(sql: str) -> list[Table]:
    """The tables that a migration creates, with their primary keys and foreign keys."""
    statements = parse(sql)
    added: dict[str, tuple[str, ...]] = {}
    for statement in statements:
        if "alter_table_stmt" in statement:
            name = _full_name(statement["alter_table_stmt"]["relation"])
            for constraint in _constraints(statement["alter_table_stmt"].get("cmds", [])):
                if constraint["contype"] == "CONSTR_PRIMARY":
                    added[name] = _keys(constraint)
    made = (_table(statement["create_stmt"]) for statement in statements if "create_stmt" in statement)
    return [table if table.key else replace(table, key=added.get(table.name, ())) for table in made]


def _table(node: Node) -> Table:
    key: tuple[str, ...] = ()
    columns: set[str] = set()
    for element in node.get("table_elts", []):
        column: str = element.get("column_def", {}).get("colname", "")
        columns.add(column)
        for constraint in _constraints(element):
            if constraint["contype"] == "CONSTR_PRIMARY":
                key = _keys(constraint) or (column,)
    refers = {_full_name(constraint["pktable"]) for constraint in _constraints(node) if "pktable" in constraint}
    parents = [_full_name(parent["range_var"]) for parent in node.get("inh_relations", [])]
    name = _full_name(node["relation"])
    return Table(name, key, frozenset(columns), frozenset(refers), parents[0] if parents else None)


def _constraints(value: object) -> Iterator[Node]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _constraints(item)
    elif isinstance(value, dict):
        for name, child in cast("Node", value).items():
            if name == "constraint":
                yield child
            yield from _constraints(child)


def _keys(constraint: Node) -> tuple[str, ...]:
    return tuple(key["string"]["sval"] for key in constraint.get("keys", []))
