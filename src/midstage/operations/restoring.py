"""Restoring: a base backup and the log after it, into a home that has no data yet, up to a moment."""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from midstage import migrations
from midstage.kit import sealing
from midstage.kit.clock import utc_now
from midstage.kit.database import TRANSIENT, connect, schema_revision
from midstage.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError
from midstage.operations.backups import WAL, Backup, BackupError, backups

RECOVERED_WITHIN_S = 24 * 3600
_PAUSE_S = 0.2


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: from which backup, up to when, at which schema, and what to see to."""

    backup: str
    reached: datetime | None
    """When the last transaction that came back was committed; None where the log held none after the backup."""
    schema_revision: str | None
    notes: list[str]


def restore(
    folder: Path,
    home: Path,
    *,
    at: datetime | None = None,
    replace: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Bring the newest backup before a moment (or the newest) into a home, with the log up to that moment.

    Data that the home has is refused, or with `replace` kept aside as pgdata.before-… . The folder is only read.
    Raises BackupError where nothing reaches to that moment; then the home is as it was.
    """
    chosen = choose(backups(folder), at, folder)
    server = EmbeddedPostgres(home)
    _make_way(server, replace=replace)
    unfinished = home / "pgdata.restoring"
    shutil.rmtree(unfinished, ignore_errors=True)
    progress(f"copying {chosen.name}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder / chosen.name / "pgdata", unfinished, symlinks=True)
        (unfinished / "recovery.signal").touch()
        server.hand_over(unfinished)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BackupError(f"{home} cannot be written: {error.strerror or error}") from None
    unfinished.rename(server.data)
    progress("following the log")
    try:
        reached = asyncio.run(_recover(home, folder, at))
    except BackupError:
        shutil.rmtree(server.data, ignore_errors=True)
        raise
    with EmbeddedPostgres(home) as again:
        revision = asyncio.run(schema_revision(again.url))
    return Restored(backup=chosen.name, reached=reached, schema_revision=revision, notes=_notes(chosen, revision))


def choose(known: list[Backup], at: datetime | None, folder: Path) -> Backup:
    """The newest backup that was finished before a moment. Raises BackupError."""
    fitting = [backup for backup in known if at is None or backup.finished_at <= at]
    if fitting:
        return fitting[-1]
    if not known:
        raise BackupError(f"there is no backup in {folder}")
    raise BackupError(f"the oldest backup in {folder} was finished at {known[0].finished_at:%Y-%m-%d %H:%M:%S%z}")


def _make_way(server: EmbeddedPostgres, *, replace: bool) -> None:
    if not server.data.exists():
        return
    if server.is_running():
        raise BackupError(f"a server runs in {server.home}; stop Midstage first")
    if not replace:
        raise BackupError(f"{server.home} has data; restore into another MIDSTAGE_HOME, or with --replace")
    server.data.rename(server.home / f"pgdata.before-{utc_now():%Y%m%dT%H%M%SZ}")


async def _recover(home: Path, folder: Path, at: datetime | None) -> datetime | None:
    """Start the server on the copy, wait until it has followed the log, and stop it."""
    wal = folder / WAL
    conf = {"restore_command": _quoted(_restore_command(wal)), "recovery_target_action": "'promote'"}
    if at is not None:
        conf["recovery_target_time"] = f"'{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
    server = EmbeddedPostgres(home, conf=conf)
    begins = server.log.stat().st_size if server.log.exists() else 0
    try:
        with server:
            return await _promoted(server)
    except EmbeddedPostgresError as error:
        said = server.log.read_text(encoding="utf-8", errors="replace")[begins:] if server.log.exists() else ""
        if "before configured recovery target was reached" in said:
            raise BackupError(f"the log in {wal} does not reach to {at:%Y-%m-%d %H:%M:%S%z}") from None
        raise BackupError(f"the backup did not come back: {error}") from None


async def _promoted(server: EmbeddedPostgres) -> datetime | None:
    """Wait until the server writes again; says when the last transaction that came back was committed."""
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    reached: datetime | None = None
    while time.monotonic() < deadline:
        try:
            link = await connect(server.url)
        except (OSError, *TRANSIENT):
            if not server.is_running():
                raise EmbeddedPostgresError(f"it stopped while it recovered (see {server.log})") from None
            time.sleep(_PAUSE_S)  # noqa: ASYNC251  # nothing else goes on in this process
            continue
        try:
            reached = await link.fetchval("select pg_last_xact_replay_timestamp()") or reached
            if not await link.fetchval("select pg_is_in_recovery()"):
                return reached
        finally:
            await link.close()
        time.sleep(_PAUSE_S)  # noqa: ASYNC251  # nothing else goes on in this process
    raise EmbeddedPostgresError(f"it did not recover within a day (see {server.log})")


def _restore_command(wal: Path) -> str:
    """The segment, or the newest one that is not full yet; %f and %p are PostgreSQL's."""
    return f'cp "{wal}/%f" "%p" 2>/dev/null || cp "{wal}/%f.partial" "%p" 2>/dev/null'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _notes(chosen: Backup, revision: str | None) -> list[str]:
    notes: list[str] = []
    if revision != migrations.head():
        notes.append(f"its schema is at {revision}, this release needs {migrations.head()}: run midstage migrate")
    if bytes.fromhex(chosen.sealing_key) not in sealing.ring().key_ids:
        notes.append(
            "its secrets are sealed under another key: put that into secrets/sealing_key or MIDSTAGE_SEALING_KEY,"
            " or second factors and webhooks cannot be read"
        )
    return notes
