"""The README names every command and every setting, and what the papers link to is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from midstage.cli import cli
from midstage.kit.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def _table(title: str) -> Iterator[list[str]]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    for row in re.findall(r"^\| `(.*) \|$", section, re.MULTILINE):
        yield [cell.strip(" `") for cell in row.split(" | ")]


def test_the_readme_names_every_setting_with_its_default() -> None:
    told = {row[0]: row[1] for row in _table("Settings")}
    fields = {PREFIX + field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    assert told.keys() == fields.keys()
    for name, field in fields.items():
        plain = isinstance(field.default, int | str) and field.default != ""
        if plain:
            assert told[name] == str(field.default).lower(), name


def test_the_readme_names_every_command() -> None:
    told = {row[0].removeprefix("midstage ") for row in _table("The command line")}
    assert told == set(cli.commands)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_what_is_linked_is_there(paper: Path) -> None:
    missing = [link for link in _LINK.findall(paper.read_text(encoding="utf-8")) if not (paper.parent / link).exists()]
    assert missing == []
