"""The files that others start Midstage with: linted, and naming only what there is."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midstage import cli
from midstage.kit import observability
from midstage.kit.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
BIN = Path(sys.executable).parent


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)


def test_the_dockerfile_passes_its_linter() -> None:
    done = _run(BIN / "hadolint", DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_what_the_dockerfile_copies_is_there_and_is_sent() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert name not in ignored


def test_the_compose_file_is_one() -> None:
    done = _run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_a_compose_file_with_a_slip_is_found(tmp_path: Path) -> None:
    slip = tmp_path / "compose.yaml"
    slip.write_text("services:\n  api:\n    prots: ['8200:8200']\n", encoding="utf-8")
    assert _run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", slip).returncode != 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_accepted_by_systemd(unit: Path, tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("this machine has no systemd-analyze")  # a new one need not: no prerequisite of ours
    for one in UNITS:  # units name each other; what they start is not installed here
        text = re.sub(r"^(Exec\w+)=/opt/midstage/bin/midstage", r"\1=/bin/true", one.read_text(), flags=re.MULTILINE)
        (tmp_path / one.name).write_text(re.sub(r"^(User|Group)=.*$", "", text, flags=re.MULTILINE))
    name = unit.name.replace("@.", "@1.")
    done = _run(verify, "verify", "--man=no", tmp_path / name)
    said = [line for line in (done.stdout + done.stderr).splitlines() if str(tmp_path) in line or name in line]
    assert said == []


def test_files_name_commands_and_settings_that_there_are() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (*UNITS, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile")]
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    assert {found for text in texts for found in re.findall(r"\bMIDSTAGE_\w+", text)} <= settings
    starts = {found for text in texts for found in re.findall(r"bin/midstage (\w+)", text)}
    starts |= {found for text in texts for found in re.findall(r"^\s*command: \[(\w+)[,\]]", text, re.MULTILINE)}
    starts -= {"postgres"}
    assert len(starts) >= 4
    assert starts <= set(cli.cli.commands)


def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    for module in ("midstage.kit.facts.metrics", "midstage.app", "midstage.worker"):
        importlib.import_module(module)
    known = {metric.name for metric in observability.REGISTRY.collect()}
    dashboard = json.loads((DEPLOY / "grafana" / "midstage.json").read_text(encoding="utf-8"))
    panels: list[dict[str, Any]] = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10
    for panel in panels:
        for target in panel["targets"]:
            asked = re.findall(r"\bmidstage_\w+", target["expr"])
            assert asked, panel["title"]
            for name in asked:
                assert re.sub(r"_(bucket|count|sum|total)$", "", name) in known, f"{panel['title']}: {name}"
    places = [panel["gridPos"] for panel in panels]
    for one in places:
        assert one["x"] + one["w"] <= 24
        assert [other for other in places if (other["x"], other["y"]) == (one["x"], one["y"])] == [one]
