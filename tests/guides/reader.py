"""Runs a guide as its reader would: block after block, and looks whether it says what the guide says it says.

What a fenced block means is its first line:
- ```sh               typed into a shell (one for the whole guide, so variables stay); it must end well
- ```sh background    left running in a terminal of its own until the guide is over, once it answers;
                       with `quiet` behind it, what answers nobody: once it has run for a moment
- ```python           typed into one Python, which also stays
- ```LANGUAGE NAME    saved as a file of that name
- ```sql              typed into psql as the administrator of the reader's own server
- ```text             what the block before it prints; … stands for anything
Anything else is only to be read.

Two things differ from a reader's machine: the ports 8200 and 8201 are others, as those may be taken, and
`pip install .` registers the package's entry points without asking for a build tool from an index.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from midstage import processes

BLOCK_TIMEOUT_S = 120
QUIET_S = 2.0
_FENCE = re.compile(r"^```(?P<head>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PORTS = ("8200", "8201")

# Reads a block a line as JSON, and says after each what came of it. What it prints goes to the same pipe before that.
_PYTHON = """
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    printed, failed = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(json.loads(line), "<guide>", "exec"), names)
    except BaseException:
        failed = traceback.format_exc()
    sys.__stdout__.write(json.dumps([printed.getvalue(), failed]) + "\\n")
    sys.__stdout__.flush()
"""


class Block(msgspec.Struct, frozen=True):
    """A fenced block: the words after its fence, its text, and where it begins."""

    words: list[str]
    text: str
    line: int


class GuideWrongError(AssertionError):
    """A block did not do what the guide says."""


def blocks(guide: Path) -> list[Block]:
    """The fenced blocks of a guide in their order."""
    text = guide.read_text(encoding="utf-8")
    return [
        Block(found["head"].split(), found["text"], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


class Reader:
    """Somebody at a machine of their own, with an empty folder."""

    def __init__(
        self,
        folder: Path,
        *,
        psql: Sequence[str] = ("psql",),
        path: Sequence[str] = (),
        replace: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._psql = psql
        self._replace = {**{port: str(processes.free_port()) for port in _PORTS}, **(replace or {})}
        self._site = folder / "site"
        self._site.mkdir(parents=True)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MIDSTAGE_")},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), *path, os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(self._site), str(folder)]),
            "MIDSTAGE_HOME": str(folder / "home"),
            "MIDSTAGE_PORT": self._replace["8200"],
            "MIDSTAGE_SANDBOX_PORT": self._replace["8201"],
            "COLUMNS": "200",
        }
        self._background: list[subprocess.Popen[bytes]] = []
        self._python: subprocess.Popen[str] | None = None
        self._printed = ""

    def read(self, guide: Path) -> None:
        """Do all that a guide says. Raises GuideWrongError with the block that did not hold."""
        try:
            for block in blocks(guide):
                try:
                    self._do(block)
                except (GuideWrongError, subprocess.TimeoutExpired) as error:
                    raise GuideWrongError(f"{guide.name}, line {block.line}: {error}\n{self._logs()}") from error
        finally:
            self._end()

    def _do(self, block: Block) -> None:
        text = self._here(block.text)
        match block.words:
            case ["sh"]:
                self._printed = self._shell(text)
            case ["sh", "background", *more]:
                self._leave_running(text, quiet="quiet" in more)
            case ["python"]:
                self._printed = self._type_python(text)
            case ["sql"]:
                self._printed = self._run([*self._psql, "-q", "-v", "ON_ERROR_STOP=1"], text)
            case ["text"]:
                _compare(self._printed, text)
            case [_, name]:
                (self.folder / name).write_text(text, encoding="utf-8")
            case _:
                pass

    def _here(self, text: str) -> str:
        for usual, ours in self._replace.items():
            text = text.replace(usual, ours)
        return text

    def _shell(self, text: str) -> str:
        """Type into the shell: what it exports is kept for what comes after."""
        if re.search(r"^pip install \.$", text, re.MULTILINE):
            self._install()
            text = re.sub(r"^pip install \.$", "", text, flags=re.MULTILINE)
        kept = self.folder / ".environment"
        printed = self._run(
            ["bash", "-euo", "pipefail", "-c", f"{text}\n{shlex.join([sys.executable, '-c', _KEEP, str(kept)])}"], ""
        )
        self._environment = json.loads(kept.read_text(encoding="utf-8"))
        return printed

    def _run(self, command: list[str], typed: str) -> str:
        done = subprocess.run(
            command, input=typed, cwd=self.folder, env=self._environment, capture_output=True, text=True,
            timeout=BLOCK_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise GuideWrongError(f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _leave_running(self, text: str, *, quiet: bool) -> None:
        """Start it, and wait as a reader would: until what was started answers."""
        with (self.folder / f"background-{len(self._background)}.log").open("wb") as log:
            started = subprocess.Popen(
                ["bash", "-euc", _exec_last(text)], cwd=self.folder, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._background.append(started)
        if quiet:
            time.sleep(QUIET_S)
            if started.poll() is not None:
                raise GuideWrongError("what should run in the background does not")
            return
        port = self._replace["8200" if "midstage serve" in text else "8201"]
        until = time.monotonic() + BLOCK_TIMEOUT_S
        while not _answers(f"http://127.0.0.1:{port}/healthz"):
            if started.poll() is not None or time.monotonic() > until:
                raise GuideWrongError("what should run in the background does not")
            time.sleep(0.1)

    def _type_python(self, text: str) -> str:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _PYTHON], cwd=self.folder, env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        if self._python.stdin is None or self._python.stdout is None:
            raise RuntimeError("the pipes are asked for at the start")
        self._python.stdin.write(json.dumps(text) + "\n")
        self._python.stdin.flush()
        guard = threading.Timer(BLOCK_TIMEOUT_S, self._python.kill)
        guard.start()
        answer = self._python.stdout.readline()
        guard.cancel()
        printed, failed = json.loads(answer) if answer else ("", "it took too long")
        if failed:
            raise GuideWrongError(f"{printed}{failed}")
        return printed

    def _install(self) -> None:
        """What an installer does with a project of one file: its metadata, with the entry points."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = self._site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
        )
        groups = [
            "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())])
            for group, entries in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(groups) + "\n", encoding="utf-8")

    def _logs(self) -> str:
        logs = [*self.folder.glob("background-*.log"), *(self.folder / "home" / "logs").glob("*.log")]
        return "\n".join(f"--- {log.name}\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}" for log in logs)

    def _end(self) -> None:
        if self._python is not None:
            self._python.kill()
            self._python.communicate()
        for started in reversed(self._background):
            started.terminate()
        for started in reversed(self._background):
            started.wait(30)


_KEEP = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


def _exec_last(text: str) -> str:
    """The last line in place of the shell, so that ending it ends what runs."""
    *before, last = text.strip().splitlines()
    return "\n".join([*before, f"exec {last}"])


def _compare(printed: str, expected: str) -> None:
    """Line by line, blanks at the ends aside."""
    pattern = "\n".join(
        ".*".join(re.escape(part) for part in line.rstrip().split("…")) for line in expected.strip().splitlines()
    )
    said = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    if not re.fullmatch(pattern, said, re.DOTALL):
        raise GuideWrongError(f"it printed\n{said}\nwhere the guide says\n{expected}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.HTTPError:
        return False
