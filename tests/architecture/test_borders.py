"""Each border of the house is crossed on purpose in a copy of the package, and import-linter sees it."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from architecture import sources

ROOT = sources.SRC.parent
MIDDLE = "midstage.middle"

# One line put at the end of one file, the contract that must break, and what its report must name.
CROSSINGS: dict[str, tuple[str, str, str, str]] = {
    "kit imports a module": (
        "kit/money.py",
        "from midstage.middle.ledger import api",
        "layers",
        "midstage.kit is not allowed to import midstage.middle",
    ),
    "a module imports a front": (
        "middle/orders/rules.py",
        "import midstage.fronts",
        "layers",
        "midstage.middle is not allowed to import midstage.fronts",
    ),
    "a folder that no layer names": ("stray/__init__.py", "", "layers", "- midstage.stray"),
    "a module imports upward": (
        "middle/ledger/types.py",
        "from midstage.middle.orders import api",
        "middle",
        f"{MIDDLE}.ledger is not allowed to import {MIDDLE}.orders",
    ),
    "a module imports its neighbour": (
        "middle/pricing/types.py",
        "from midstage.middle.inventory import api",
        "middle",
        f"{MIDDLE}.pricing is not allowed to import {MIDDLE}.inventory",
    ),
    "a module that no layer names": ("middle/stray/__init__.py", "", "middle", f"- {MIDDLE}.stray"),
    "a front imports another": (
        "fronts/mall/__init__.py",
        "import midstage.fronts.console",
        "fronts",
        "midstage.fronts.mall is not allowed to import midstage.fronts.console",
    ),
    "what fronts share imports one": (
        "fronts/_http/__init__.py",
        "import midstage.fronts.mall",
        "fronts",
        "midstage.fronts._http is not allowed to import midstage.fronts.mall",
    ),
    "files import in a circle": (
        "kit/ids.py",
        "from midstage.kit import clock",
        "acyclic",
        "No cycles are allowed in midstage.kit",
    ),
    "a command imports an adapter": (
        "cli/__init__.py",
        "import midstage.adapters",
        "adapters",
        "midstage.cli -> midstage.adapters",
    ),
    "a use case speaks to the driver": (
        "middle/orders/api.py",
        "import asyncpg",
        "asyncpg",
        f"{MIDDLE}.orders.api -> asyncpg",
    ),
    "a front speaks to the driver": (
        "fronts/mall/__init__.py",
        "from asyncpg.exceptions import PostgresError",
        "asyncpg",
        "midstage.fronts.mall -> asyncpg",
    ),
    "a module speaks HTTP": (
        "middle/orders/api.py",
        "from litestar import get",
        "http",
        f"{MIDDLE}.orders.api -> litestar",
    ),
    "rules read the store": (
        "middle/orders/rules.py",
        "from midstage.middle.orders import store",
        "pure-rules",
        f"{MIDDLE}.orders.rules is not allowed to import {MIDDLE}.orders.store",
    ),
    "rules open the database": (
        "middle/orders/rules.py",
        "from midstage.kit.database import Tx",
        "pure-rules",
        f"{MIDDLE}.orders.rules is not allowed to import midstage.kit.database",
    ),
    "rules throw dice": (
        "middle/orders/rules.py",
        "import random",
        "pure-rules",
        f"{MIDDLE}.orders.rules is not allowed to import random",
    ),
    "rules speak to the driver": (
        "middle/orders/rules.py",
        "import asyncpg",
        "pure-rules",
        f"{MIDDLE}.orders.rules is not allowed to import asyncpg",
    ),
    **{
        f"somebody comes in through the wall of {module}": (
            "doctor.py",
            f"from midstage.middle.{module} import types",
            f"door-of-{module}",
            f"midstage.doctor -> {MIDDLE}.{module}.types",
        )
        for module in sources.MODULES
    },
    "somebody takes a module as a whole": (
        "worker.py",
        "from midstage.middle import orders",
        "door-of-orders",
        f"midstage.worker -> {MIDDLE}.orders",
    ),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of a copy in which every border is crossed once, by the id of the contract."""
    home = tmp_path_factory.mktemp("crossed")
    ignore = shutil.ignore_patterns("__pycache__", "*.sql")
    shutil.copytree(sources.PACKAGE, home / "src" / "midstage", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", home)
    for file, line, _, _ in CROSSINGS.values():
        path = home / "src" / "midstage" / file
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as text:
            text.write(f"\n{line}\n")
    said = _lint(home)
    assert "Broken contracts" in said, said  # else it could not even begin: a layer that is not there
    names = {contract["name"]: contract["id"] for contract in _contracts()}
    parts = said.split("Broken contracts", 1)[-1]
    starts = sorted((parts.find(f"\n{name}\n---"), key) for name, key in names.items() if f"\n{name}\n---" in parts)
    ends = [*(place for place, _ in starts[1:]), len(parts)]
    return {key: parts[start:end] for (start, key), end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_a_crossed_border_is_seen(reports: dict[str, str], crossing: str) -> None:
    _, _, contract, said = CROSSINGS[crossing]
    assert said in reports.get(contract, "")


def test_every_module_has_a_door_and_a_contract_for_it() -> None:
    doors = {contract["id"] for contract in _contracts()}
    for module in sources.MODULES:
        assert f"door-of-{module}" in doors
        assert (sources.PACKAGE / "middle" / module / "api.py").exists()


def test_what_is_built_stands_no_longer_in_parentheses() -> None:
    layered = (contract for contract in _contracts() if contract["type"] == "layers")
    for contract in layered:
        container = sources.SRC.joinpath(*contract["containers"][0].split("."))
        names = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
        unbuilt = [name.strip("()") for name in names if name.startswith("(")]
        assert [name for name in unbuilt if (container / name / "__init__.py").exists()] == []


def test_a_module_is_imported_in_one_form() -> None:
    """`from midstage.middle.orders import api as orders`, so that a reader sees whose verb it is."""
    wrong: list[str] = []
    for path in sources.files():
        parts = path.relative_to(sources.PACKAGE).parts
        home = f"{MIDDLE}.{parts[1]}" if parts[0] == "middle" and len(parts) > 2 else ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            wrong += [f"{path.relative_to(sources.PACKAGE)}:{line} {said}" for line, said in _other_forms(node, home)]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "import midstage.middle.orders.api",
        "from midstage.middle.orders import api",
        "from midstage.middle.orders import api as book",
        "from midstage.middle.orders.api import place_order",
        "from midstage.middle import orders",
        "from .orders import api",
    ],
)
def test_another_form_of_import_is_seen(line: str) -> None:
    assert _other_forms(ast.parse(line).body[0], f"{MIDDLE}.loyalty") != []


def test_the_one_form_and_the_files_of_the_same_module_pass() -> None:
    assert _other_forms(ast.parse("from midstage.middle.orders import api as orders").body[0], "") == []
    assert _other_forms(ast.parse("from midstage.middle.orders.types import Order").body[0], f"{MIDDLE}.orders") == []


def _other_forms(node: ast.AST, home: str) -> list[tuple[int, str]]:
    """Imports of another module of the middle in any other form; `home` is the module that the file is of."""
    if isinstance(node, ast.Import):
        return [(node.lineno, name.name) for name in node.names if name.name.startswith(f"{MIDDLE}.")]
    if not isinstance(node, ast.ImportFrom):
        return []
    source = node.module or ""
    if node.level:
        return [(node.lineno, "a relative import")]
    if source == MIDDLE:
        return [(node.lineno, f"from {source} import …")]
    if not source.startswith(f"{MIDDLE}.") or source == home or source.startswith(f"{home}." if home else "?"):
        return []
    module = source.rpartition(".")[2]
    door = [(name.name, name.asname) for name in node.names] == [("api", module)]
    return [] if door and source == f"{MIDDLE}.{module}" else [(node.lineno, f"from {source} import …")]


def _contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def _lint(home: Path) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(home / "src"), "COLUMNS": "400"}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout
