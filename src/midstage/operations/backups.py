"""Backups: base backups and the write-ahead log in one folder, from which any moment since the oldest comes back.

    FOLDER/base-20261122T061500Z/        pgdata as pg_basebackup takes it, and midstage.json that says what it is
    FOLDER/wal/                          every segment since; the newest is a .partial that still grows

A base backup carries the log that it needs itself. `follow` adds what comes after, byte by byte, under a replication
slot: nothing that was committed before the last second is lost with the machine.
"""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from midstage import __version__
from midstage.kit import sealing
from midstage.kit.clock import utc_now
from midstage.kit.database import connect, schema_revision
from midstage.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError

SLOT = "midstage_backup"
BASE = "base-"
UNFINISHED = "unfinished-"
WAL = "wal"
ABOUT = "midstage.json"
_STAMP = "%Y%m%dT%H%M%SZ"


class BackupError(Exception):
    """One line that says what is in the way of a backup, and what to do about it."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A base backup: when it was taken, of what, and how large it is."""

    name: str
    finished_at: datetime
    """From this moment on every moment can be restored, as far as the log reaches."""
    release: str
    schema_revision: str | None
    system_identifier: int
    first_segment: str
    """The first segment of the log that comes after it; older ones are of older backups."""
    sealing_key: str
    """Which key seals its secrets (not the key): it is kept apart, and restoring needs it."""
    size_bytes: int


async def take(
    server: EmbeddedPostgres, url: str, folder: Path, *, keep: int | None = None, sync: bool = True
) -> Backup:
    """Take a base backup of the running server, check it, and forget all but the newest `keep` with their log.

    It is there whole or not at all: a kill half-way leaves a folder that the next backup clears away. Without `sync` it
    is whole only while the machine has power.
    Raises BackupError, EmbeddedPostgresError.
    """
    with _prepared(server, folder) as unfinished:
        data = unfinished / "pgdata"
        server.tool(
            "pg_basebackup", "--pgdata", data, "--dbname", url, "--checkpoint", "fast", "--wal-method", "stream",
            "--manifest-checksums", "SHA256", "--no-password", "--label", "midstage", *([] if sync else ["--no-sync"]),
        )  # fmt: skip
        server.tool("pg_verifybackup", "--quiet", data)
        name = f"{BASE}{utc_now():{_STAMP}}"
        if (folder / name).exists():
            raise BackupError(f"{folder / name} is there already: one backup a second")
        made = await _about(url, name, data)
        about = unfinished / ABOUT
        about.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2))
        unfinished.rename(folder / name)
    if keep is not None:
        forget(server, folder, keep)
    return made


def backups(folder: Path) -> list[Backup]:
    """The base backups of a folder, the oldest first."""
    found = [
        msgspec.json.decode((each / ABOUT).read_bytes(), type=Backup)
        for each in folder.glob(f"{BASE}*")
        if (each / ABOUT).exists()
    ]
    return sorted(found, key=lambda backup: backup.finished_at)


def forget(server: EmbeddedPostgres, folder: Path, keep: int) -> list[str]:
    """Drop all but the newest backups, and the log that only they needed. Returns the names that went."""
    known = backups(folder)
    going = known[:-keep] if keep > 0 else []
    for backup in going:
        shutil.rmtree(folder / backup.name)
    if going and (folder / WAL).exists():
        server.tool("pg_archivecleanup", folder / WAL, known[-keep].first_segment)
    return [backup.name for backup in going]


def follow(server: EmbeddedPostgres, url: str, folder: Path) -> int:
    """Write the log into the folder as it comes, until SIGTERM or Ctrl-C. Returns the exit code of the program.

    Each second it is on the disk, and the server is told so, so that it may forget its own copy.
    """
    wal = folder / WAL
    _make_own(server, wal)
    common = ("--directory", wal, "--dbname", url, "--slot", SLOT, "--no-password")
    server.tool("pg_receivewal", *common, "--create-slot", "--if-not-exists")
    command = [str(server.binary("pg_receivewal")), *map(str, common), "--synchronous", "--status-interval", "1"]
    with subprocess.Popen(command, **server.as_server()) as receiving:  # noqa: S603  # our own binary

        def pass_on(*_: object) -> None:
            receiving.send_signal(signal.SIGINT)

        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, pass_on)
        return receiving.wait()


async def drop_slot(url: str) -> bool:
    """Give up following: the server need not keep its log for it any longer. False where nothing was kept."""
    link = await connect(url)
    try:
        active = await link.fetchval("select active from pg_replication_slots where slot_name = $1", SLOT)
        if active:
            raise BackupError(f"the log is being followed under {SLOT}; stop that first")
        if active is not None:
            await link.execute("select pg_drop_replication_slot($1)", SLOT)
    finally:
        await link.close()
    return active is not None


def reaches_to(folder: Path) -> datetime | None:
    """When the log in the folder was last written to; None where there is none."""
    times = [path.stat().st_mtime for path in (folder / WAL).glob("*") if path.is_file()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


@contextlib.contextmanager
def _prepared(server: EmbeddedPostgres, folder: Path) -> Generator[Path]:
    """A folder to take a backup into, gone again unless it was given its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left)
        unfinished = folder / f"{UNFINISHED}{utc_now():{_STAMP}}"
        unfinished.mkdir()
        server.hand_over(unfinished)
    except OSError as error:
        raise BackupError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        yield unfinished
    except EmbeddedPostgresError as error:
        raise BackupError(_explained(str(error))) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _make_own(server: EmbeddedPostgres, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        server.hand_over(folder)
    except OSError as error:
        raise BackupError(f"{folder} cannot be written: {error.strerror}") from None


def _explained(said: str) -> str:
    if "replication" in said and ("permission" in said or "role" in said):
        return f"{said}\nThe role of MIDSTAGE_DATABASE_URL needs REPLICATION: alter role … replication"
    return said


async def _about(url: str, name: str, data: Path) -> Backup:
    manifest = msgspec.json.decode((data / "backup_manifest").read_bytes())
    start = manifest["WAL-Ranges"][0]["Start-LSN"]
    link = await connect(url)
    try:
        row = await link.fetchrow(
            "select system_identifier, pg_walfile_name($1::text::pg_lsn) as segment, clock_timestamp() as at"
            "  from pg_control_system()",
            start,
        )
    finally:
        await link.close()
    if row is None:
        raise BackupError("the server does not say who it is")
    return Backup(
        name=name,
        finished_at=row["at"],
        release=__version__,
        schema_revision=await schema_revision(url),
        system_identifier=row["system_identifier"],
        first_segment=row["segment"],
        sealing_key=sealing.ring().key_ids[0].hex(),
        size_bytes=_size(data),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
