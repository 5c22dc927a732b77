"""The tails stay short: functions over 60 lines and files over 400 are few, named here, and may only become fewer."""

import ast
from pathlib import Path

from architecture import sources

FUNCTION_LINES = 60
FILE_LINES = 400

# `path:function` or `path` with the length it may have at most. Take out what has become shorter; put nothing in.
LONG_FUNCTIONS: dict[str, int] = {}
LONG_FILES: dict[str, int] = {}


def test_no_function_is_longer_than_a_reader_can_hold() -> None:
    found = {name: lines for path in sources.files() for name, lines in _functions(path) if lines > FUNCTION_LINES}
    assert _beyond(found, LONG_FUNCTIONS) == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    # A door lists names to look up; nobody holds it in the head.
    read = [path for path in sources.files() if path.name != "api.py"]
    lengths = {_short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in read}
    assert _beyond({name: lines for name, lines in lengths.items() if lines > FILE_LINES}, LONG_FILES) == []


def test_the_list_of_exceptions_only_shrinks() -> None:
    assert _beyond({"a": 70, "b": 61}, {"a": 65, "c": 80}) == [
        "a has 70 lines",
        "b has 61 lines",
        "c is short now: take it off the list",
    ]


def test_the_length_of_a_function_leaves_out_its_decorators_and_docstring(tmp_path: Path) -> None:
    source = tmp_path / "sample.py"
    source.write_text('@one\n@two\ndef f():\n    """Say\n\n    much.\n    """\n    return 1\n')
    assert [lines for _, lines in _functions(source)] == [2]


def _beyond(found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    wrong = [f"{name} has {lines} lines" for name, lines in sorted(found.items()) if lines > allowed.get(name, 0)]
    return wrong + [f"{name} is short now: take it off the list" for name in sorted(set(allowed) - set(found))]


def _functions(path: Path) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node) is not None
            told = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
            found.append((f"{_short(path)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1 - told))
    return found


def _short(path: Path) -> str:
    return path.relative_to(sources.PACKAGE).as_posix() if path.is_relative_to(sources.PACKAGE) else path.name
