"""The processes of one machine: started together, watched, stopped together, and never in the way of the next start."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import msgspec
import psutil

from midstage.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError
from midstage.kit.settings import Settings

STOP_WITHIN_S = 10
READY_WITHIN_S = 30
_PR_SET_PDEATHSIG = 1


class CannotStartError(Exception):
    """One line that says which process did not come up, and where it said why."""


class Child(msgspec.Struct):
    """A process to keep running, and how to know that it is ready."""

    name: str
    command: list[str]
    environment: dict[str, str]
    ready_url: str | None = None
    process: subprocess.Popen[bytes] | None = None


class _Known(msgspec.Struct):
    """A process as the file of a run remembers it: numbers are given out again, start times are not."""

    pid: int
    created: float


class Processes:
    """A set of children under one parent. `with` starts nothing; it stops whatever was started.

    An embedded server that is named here is no child (it outlives who started it), and is watched all the same.
    """

    def __init__(self, home: Path, *, server: EmbeddedPostgres | None = None) -> None:
        self._server = server
        self._file = home / "run" / "processes.json"
        self._logs = home / "logs"
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._end_leftovers()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, child: Child) -> None:
        """Start a child; its output goes to a file of its own under logs."""
        if child not in self._children:
            self._children.append(child)
        with (self._logs / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603  # our own program
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child.environment,
                start_new_session=True,  # Ctrl-C goes to us alone, and we stop them in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # we have no threads yet that could hold a lock
            )
        self._remember()

    def wait_ready(self, child: Child) -> None:
        """Wait until a child answers. Raises CannotStartError."""
        until = time.monotonic() + READY_WITHIN_S
        while child.ready_url is not None and not _answers(child.ready_url):
            if child.process is None or child.process.poll() is not None or time.monotonic() > until:
                raise CannotStartError(f"{child.name} did not start:\n{self._last_words(child)}")
            time.sleep(0.05)
        self._remember()

    def _last_words(self, child: Child) -> str:
        log = self._logs / f"{child.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return "\n".join([*lines[-12:], f"(from {log})"])

    def watch(self, *, every_s: float = 1.0, then: Callable[[], object] = lambda: None) -> None:
        """Start again whatever ends, the embedded server included, until interrupted."""
        while True:
            self._keep_server()
            for child in self._children:
                if child.process is not None and child.process.poll() is not None:
                    self._end_leftovers(keep=[c.process.pid for c in self._children if c is not child and c.process])
                    self.start(child)
            self._remember()
            then()
            time.sleep(every_s)

    def _keep_server(self) -> None:
        """Start the embedded server if nobody answers at its socket; it recovers what was committed."""
        if self._server is None or _listens(self._server.run / ".s.PGSQL.5432"):
            return
        # Where its last processes have not ended yet, or it recovers for long, the next look tries again.
        with contextlib.suppress(EmbeddedPostgresError):
            self._server.start()

    def stop(self) -> None:
        """Stop all in the reverse order of their start; what does not stop in time is killed."""
        for child in reversed(self._children):
            if child.process is None or child.process.poll() is not None:
                continue
            family = _family(child.process.pid)
            child.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(STOP_WITHIN_S)
            _end(family)
        self._children.clear()
        self._file.unlink(missing_ok=True)

    def _remember(self) -> None:
        """Keep who runs, with their own children, so that the next start can end what a kill -9 left behind."""
        family = [p for child in self._children if child.process for p in _family(child.process.pid)]
        known: list[_Known] = []
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                known.append(_Known(process.pid, process.create_time()))
        unfinished = self._file.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(known))
        unfinished.replace(self._file)

    def _end_leftovers(self, keep: Sequence[int] = ()) -> None:
        try:
            known = msgspec.json.decode(self._file.read_bytes(), type=list[_Known])
        except (OSError, msgspec.DecodeError):
            return
        kept = {process.pid for pid in keep for process in _family(pid)}
        left: list[psutil.Process] = []
        for one in known:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(one.pid)
                if one.pid not in kept and abs(process.create_time() - one.created) < 1:
                    left.append(process)
        _end(left)


def embedded(settings: Settings) -> EmbeddedPostgres | None:
    """The embedded server of these settings, or None where they name a server of your own."""
    return EmbeddedPostgres(settings.home) if settings.database_url is None else None


def environment(settings: Settings, url: str, **more: str) -> dict[str, str]:
    """What a child process needs to know: the settings of its parent, with the database spelled out."""
    return {
        **os.environ,
        "MIDSTAGE_DATABASE_URL": url,
        "MIDSTAGE_HOME": str(settings.home),
        **{f"MIDSTAGE_{name.upper()}": value for name, value in more.items()},
    }


def api(settings: Settings, url: str, *, processes: int | None = None, port: int | None = None) -> Child:
    """The API: granian with a number of processes, each a Litestar application on its own event loop."""
    listening = port or settings.port
    metrics = _metrics(settings)
    metrics.mkdir(parents=True, exist_ok=True)
    for old in metrics.glob("*.db"):
        old.unlink()
    return Child(
        "api",
        [
            sys.executable, "-m", "granian", "midstage.app:create", "--factory", "--interface", "asgi",
            "--host", settings.host, "--port", str(listening), "--workers", str(processes or settings.api_processes),
            "--loop", "uvloop", "--http", "1", "--no-ws", "--backlog", "1024", "--log-level", "warning",
            "--respawn-failed-workers", "--workers-kill-timeout", "5",
        ],
        environment(settings, url, port=str(listening)) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        f"http://{settings.host}:{listening}/readyz",
    )  # fmt: skip


def worker(settings: Settings, url: str) -> Child:
    """The background process: sequencer, delivery, timers, jobs, expiry. Its figures are read from the API beside it."""
    metrics = _metrics(settings)
    metrics.mkdir(parents=True, exist_ok=True)
    known = environment(settings, url) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return Child("worker", [sys.executable, "-m", "midstage.cli", "worker"], known)


def _metrics(settings: Settings) -> Path:
    """Where the processes of one machine put their figures together."""
    return settings.home / "run" / "metrics"


def free_port() -> int:
    """A port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(host: str, port: int) -> bool:
    """Whether somebody already listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _die_with_parent() -> None:
    """A kill -9 of the parent reaches nobody else, so Linux is asked to pass it on as a SIGTERM."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _listens(path: Path) -> bool:
    """Whether somebody accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=3)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def until_interrupted(running: Processes, *, then: Callable[[], object] = lambda: None) -> None:
    """Watch the children until Ctrl-C or SIGTERM; both end the block that holds them."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        running.watch(then=then)
