"""Upgrading: the new schema is tried on a copy of this very database before the database itself is touched."""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from midstage import __version__, doctor, migrations
from midstage.kit.database import Database, connect, schema_revision
from midstage.kit.postgres import EmbeddedPostgres
from midstage.migrations.contracts import CONTRACTS
from midstage.operations import shape

# A step that takes longer than this would be noticed; it is told, and may still be right for a night.
LONG_STEP_S = 5.0
_CHECK_MS = int(timedelta(hours=1).total_seconds() * 1000)
_COPY_CONF = {"fsync": "off", "synchronous_commit": "off", "shared_buffers": "'128MB'", "max_connections": "20"}


class Step(msgspec.Struct, frozen=True):
    """One revision as it went on the copy."""

    revision: str
    seconds: float


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What the copy showed. It may be carried out where there are no faults."""

    before: str | None
    after: str
    steps: list[Step]
    faults: list[str]
    notes: list[str]


def try_on_copy(server: EmbeddedPostgres, url: str, *, progress: Callable[[str], None] = lambda _: None) -> Tried:
    """Copy the database beside its home, migrate the copy, and look at it. The database itself is only read.

    Raises EmbeddedPostgresError where there is no room or no right to copy.
    """
    home = server.home / "upgrade"
    shutil.rmtree(home, ignore_errors=True)
    copy = EmbeddedPostgres(home, conf=_COPY_CONF)
    try:
        progress("copying")
        _copy(server, url, home)
        with copy:
            return asyncio.run(_try(copy.url, progress))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def carry_out(url: str) -> None:
    """Bring the database itself to this release's schema."""
    migrations.upgrade(url)


def _copy(server: EmbeddedPostgres, url: str, home: Path) -> None:
    home.mkdir(parents=True)
    server.hand_over(home)
    server.tool(
        "pg_basebackup", "--pgdata", home / "pgdata", "--dbname", url, "--checkpoint", "fast", "--wal-method", "stream",
        "--no-password",
    )  # fmt: skip


async def _try(url: str, progress: Callable[[str], None]) -> Tried:
    before = await schema_revision(url)
    pending = [revision for revision in migrations.revisions() if before is None or revision > before]
    steps: list[Step] = []
    faults: list[str] = []
    notes: list[str] = []
    was = await _shape(url)
    for revision in pending:
        progress(revision)
        begun = time.monotonic()
        await asyncio.to_thread(migrations.upgrade, url, to=revision)
        steps.append(Step(revision, round(time.monotonic() - begun, 3)))
        now = await _shape(url)
        for what, why in shape.breaking(was, now).items():
            last_used = CONTRACTS.get(revision, {}).get(what)
            if last_used is None or not _older(last_used, __version__):
                faults.append(f"{revision}: {what}: {why}")
            else:
                notes.append(f"{revision}: {what} goes; release {last_used} was the last to use it")
        was = now
    notes += [f"{step.revision} took {step.seconds} s on the copy" for step in steps if step.seconds > LONG_STEP_S]
    progress("the doctor looks at the copy")
    faults += await _examined(url)
    return Tried(before=before, after=migrations.head(), steps=steps, faults=faults, notes=notes)


async def _shape(url: str) -> shape.Shape:
    link = await connect(url)
    try:
        return await shape.read(link)
    finally:
        await link.close()


async def _examined(url: str) -> list[str]:
    database = await Database.open(url, pool_size=4, statement_timeout_ms=_CHECK_MS)
    try:
        diagnosis = await doctor.examine(database)
    finally:
        await database.close()
    return [f"doctor: {finding.check}: {finding.what}: {finding.row}" for finding in diagnosis.findings]


def _older(last_used: str, release: str) -> bool:
    """Whether a release was followed by another before this one: 0.1.x is older than 0.3.0 by more than one."""
    major, minor = (int(part) for part in last_used.split(".")[:2])
    now_major, now_minor = (int(part) for part in release.split(".")[:2])
    return (major, minor + 1) < (now_major, now_minor)
