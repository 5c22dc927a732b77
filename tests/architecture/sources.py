"""Where the source keeps its SQL: the constants of a file after imports are done, and what stands in functions."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, cast

from architecture.sql_rules import looks_like_sql, parses

SRC = Path(__file__).parents[2] / "src"
PACKAGE = SRC / "midstage"
MIGRATIONS = PACKAGE / "migrations" / "sql"
MODULES = sorted(path.parent.name for path in (PACKAGE / "middle").glob("*/__init__.py"))

# Who may speak SQL besides the stores: the kit, the migrations, what copies and upgrades whole databases, and the
# benchmark that compares with the bare statements.
SPEAKS_SQL = ("kit", "migrations", "operations", "bench")
STORES = ("store.py", "checks.py")


class Copy(NamedTuple):
    """A call that loads a table by COPY."""

    table: str
    columns: tuple[str, ...]
    line: int


def files(folder: Path = PACKAGE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def stores(module: str) -> list[Path]:
    """The files of a module that hold its SQL."""
    folder = PACKAGE / "middle" / module
    return [path for path in files(folder) if is_store(path)]


def is_store(path: Path) -> bool:
    return path.name in STORES or path.parent.name == "store"


def load(path: Path) -> ModuleType:
    parts = path.relative_to(SRC).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def statements(path: Path) -> dict[str, str]:
    """Every SQL statement of a file by its name or line; a constant that is only a piece of another is left out."""
    module = load(path)
    named = dict(_strings(vars(module), ""))
    found = {name: text for name, text in named.items() if looks_like_sql(text)}
    pieces = [name for name, text in found.items() if not parses(text) and _within_another(name, text, named)]
    for name in pieces:
        del found[name]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, functions):
            found |= {f"line {line}": text for line, text in literals(node, vars(module))}
    return found


def _within_another(name: str, text: str, named: dict[str, str]) -> bool:
    return any(text.strip() in other for key, other in named.items() if key != name and other != text)


def _strings(values: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(values, str):
        yield name, values
    elif isinstance(values, dict):
        for key, value in cast("dict[object, object]", values).items():
            if isinstance(key, str) and key.startswith("__"):
                continue
            yield from _strings(value, f"{name}[{key}]" if name else str(key))
    elif isinstance(values, list | tuple):
        for place, value in enumerate(cast("list[object]", values)):
            yield from _strings(value, f"{name}[{place}]")


def literals(tree: ast.AST, constants: Mapping[str, object]) -> list[tuple[int, str]]:
    """String literals that are meant to be SQL, docstrings left out; `{…}` stands where a value goes."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in docstrings | parts:
            text = _text(node, constants)
            if text is not None and looks_like_sql(text):
                found.append((node.lineno, text))
    return found


def copies(path: Path) -> list[Copy]:
    """Every `tx.copy(table, columns, rows)` of a file; what cannot be read from the source is "?"."""
    constants = vars(load(path))
    found: list[Copy] = []
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            known = {**constants, **_assigned(function, constants)}
            for call in _calls(function):
                if isinstance(call.func, ast.Attribute) and call.func.attr == "copy" and len(call.args) >= 2:
                    table, *_ = (*_words(call.args[0], known), "?")
                    found.append(Copy(table, _words(call.args[1], known), call.lineno))
    return found


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _assigned(function: ast.AST, constants: dict[str, object]) -> dict[str, object]:
    """The words that a function gives names to."""
    return {
        target.id: _words(node.value, constants)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _words(node: ast.expr, known: dict[str, object]) -> tuple[str, ...]:
    """The strings of a literal, or of the constant that a name stands for."""
    if isinstance(node, ast.Constant):
        return (str(node.value),)
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(word for item in node.elts for word in _words(item, known))
    if isinstance(node, ast.Starred):
        return _words(node.value, known)
    value = known.get(node.id) if isinstance(node, ast.Name) else None
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in cast("list[object]", value)) if isinstance(value, list | tuple) else ()


def _text(node: ast.expr, constants: Mapping[str, object]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) or "{…}" for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        value = constants.get(node.value.id)
        return value if isinstance(value, str) else None
    return None
