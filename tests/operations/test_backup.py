"""Backups come back, up to a moment, into another home; facts go on, and a backup that is cut short is none."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from midstage import doctor, migrations
from midstage.kit import sealing
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, connect
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.ids import BrandId
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import read_settings
from midstage.operations import backups, restoring
from shop import Shop, open_shop

CONF = {"shared_buffers": "'32MB'", "max_connections": "40", "fsync": "off", "max_wal_size": "'64MB'"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the server's user can reach, and nothing left of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="midstage-bk-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def source() -> Iterator[EmbeddedPostgres]:
    """A server with the schema, for all tests here."""
    home = Path(tempfile.mkdtemp(prefix="midstage-bk-"))
    with EmbeddedPostgres(home, conf=CONF) as server:
        migrations.upgrade(server.url)
        yield server
    shutil.rmtree(home)


def _take(server: EmbeddedPostgres, folder: Path, *, keep: int | None = None) -> backups.Backup:
    return asyncio.run(backups.take(server, server.url, folder, keep=keep, sync=False))


async def _sell(server: EmbeddedPostgres, orders: int) -> Shop:
    """A shop that has sold something, every fact of it numbered."""
    database = await Database.open(server.url, pool_size=4)
    try:
        shop = await open_shop(database)
        await _sell_more(database, shop, orders)
    finally:
        await database.close()
    return shop


async def _sell_more(database: Database, shop: Shop, orders: int) -> None:
    shop.database = database
    for _ in range(orders):
        await shop.pay(await shop.place(0, 1))
    await _number(database)


async def _number(database: Database) -> None:
    sequencer = Sequencer(database)
    for _ in range(5):
        await sequencer.number()
    await sequencer.release()


async def _orders(url: str, brand: BrandId) -> int:
    link = await connect(url)
    try:
        return await link.fetchval("select count(*) from sales_order where brand_id = $1", brand)
    finally:
        await link.close()


async def _committed(url: str) -> datetime:
    """A moment after everything that was committed so far, by the server's clock."""
    link = await connect(url)
    try:
        at: datetime = await link.fetchval("select clock_timestamp()")
    finally:
        await link.close()
    await asyncio.sleep(0.05)
    return at


async def _go_on(url: str, shop: Shop) -> tuple[list[str], int, int]:
    """What the doctor says, and how many facts there are and have numbers, after one more sale."""
    database = await Database.open(url, pool_size=4)
    try:
        await _sell_more(database, shop, 1)
        findings = [f"{finding.check}: {finding.row}" for finding in (await doctor.examine(database)).findings]
        async with database.connection() as link:
            facts = await link.fetchval("select count(*) from fact where brand_id = $1", shop.tenant.brand)
            numbered = await link.fetchval("select count(*) from fact_number where brand_id = $1", shop.tenant.brand)
    finally:
        await database.close()
    return findings, facts, numbered


def _follower(server: EmbeddedPostgres, folder: Path) -> subprocess.Popen[bytes]:
    """Another process that follows the log, as `midstage backup --follow` does."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom midstage.kit.postgres import EmbeddedPostgres\n"
        "from midstage.operations import backups\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]))\n"
        "sys.exit(backups.follow(server, server.url, Path(sys.argv[2])))\n"
    )
    return subprocess.Popen([sys.executable, "-c", program, str(server.home), str(folder)])


def _until(true: object, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    assert callable(true)
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def test_a_backup_comes_back_as_it_was_and_facts_go_on(source: EmbeddedPostgres, place: Path) -> None:
    sealing.open_keys(read_settings())
    shop = asyncio.run(_sell(source, 3))
    made = _take(source, place / "bk")
    assert backups.backups(place / "bk") == [made]
    asyncio.run(_sell(source, 2))  # of another brand, after the backup

    done = restoring.restore(place / "bk", place / "b")

    assert (done.backup, done.schema_revision, done.notes) == (made.name, migrations.head(), [])
    with EmbeddedPostgres(place / "b", conf=CONF) as restored:
        assert asyncio.run(_orders(restored.url, shop.tenant.brand)) == 3
        findings, facts, numbered = asyncio.run(_go_on(restored.url, shop))
    assert findings == []
    assert facts == numbered > 0


def test_the_log_brings_back_any_moment_and_not_the_next(source: EmbeddedPostgres, place: Path) -> None:
    shop = asyncio.run(_sell(source, 1))
    _take(source, place / "bk")
    following = _follower(source, place / "bk")
    try:
        _until(lambda: list((place / "bk" / "wal").glob("*.partial")))

        async def later() -> datetime:
            database = await Database.open(source.url, pool_size=4)
            try:
                await _sell_more(database, shop, 2)
                at = await _committed(source.url)
                await _sell_more(database, shop, 4)
            finally:
                await database.close()
            return at

        at = asyncio.run(later())
        _until(lambda: asyncio.run(_received(source.url)))
    finally:
        following.send_signal(signal.SIGTERM)
        assert following.wait(20) == 0

    restoring.restore(place / "bk", place / "b", at=at)
    with EmbeddedPostgres(place / "b", conf=CONF) as restored:
        assert asyncio.run(_orders(restored.url, shop.tenant.brand)) == 3
        findings, facts, numbered = asyncio.run(_go_on(restored.url, shop))
    assert (findings, facts) == ([], numbered)

    restoring.restore(place / "bk", place / "c")  # all there is, the segment that is not full included
    with EmbeddedPostgres(place / "c", conf=CONF) as restored:
        assert asyncio.run(_orders(restored.url, shop.tenant.brand)) == 7

    with pytest.raises(backups.BackupError, match="does not reach"):
        restoring.restore(place / "bk", place / "d", at=utc_now() + timedelta(hours=1))
    assert not (place / "d" / "pgdata").exists()
    assert asyncio.run(backups.drop_slot(source.url))
    assert not asyncio.run(backups.drop_slot(source.url))


async def _received(url: str) -> bool:
    """Whether whoever follows the log has all of it."""
    link = await connect(url)
    try:
        return bool(
            await link.fetchval(
                "select flush_lsn >= pg_current_wal_lsn() from pg_stat_replication where application_name = 'pg_receivewal'"
            )
        )
    finally:
        await link.close()


def test_data_is_never_overwritten(source: EmbeddedPostgres, place: Path) -> None:
    _take(source, place / "bk")
    with pytest.raises(backups.BackupError, match="a server runs"):
        restoring.restore(place / "bk", source.home)
    with EmbeddedPostgres(place / "b", conf=CONF):
        pass
    before = sorted(path.name for path in (place / "b" / "pgdata").iterdir())
    with pytest.raises(backups.BackupError, match="has data"):
        restoring.restore(place / "bk", place / "b")
    assert sorted(path.name for path in (place / "b" / "pgdata").iterdir()) == before
    restoring.restore(place / "bk", place / "b", replace=True)
    assert len(list((place / "b").glob("pgdata.before-*"))) == 1


def test_of_several_backups_the_newest_before_the_moment_is_taken_and_old_ones_go(
    source: EmbeddedPostgres, place: Path
) -> None:
    made: list[backups.Backup] = []
    for _ in range(3):
        made.append(_take(source, place / "bk", keep=2))
        time.sleep(1.05)  # a backup is named by its second
    known = backups.backups(place / "bk")
    assert known == made[1:]
    assert restoring.choose(known, made[2].finished_at, place) == made[2]
    assert restoring.choose(known, made[2].finished_at - timedelta(milliseconds=1), place) == made[1]
    with pytest.raises(backups.BackupError, match="the oldest backup"):
        restoring.choose(known, made[0].finished_at, place)
    with pytest.raises(backups.BackupError, match="no backup"):
        restoring.choose([], None, place)


def test_a_backup_that_was_cut_short_is_none_and_is_cleared_away(source: EmbeddedPostgres, place: Path) -> None:
    left = place / "bk" / f"{backups.UNFINISHED}20260101T000000Z"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"\0" * 1000)
    assert backups.backups(place / "bk") == []
    _take(source, place / "bk")
    assert not left.exists()
    (place / "bk" / backups.backups(place / "bk")[0].name / "pgdata" / "PG_VERSION").write_text("9")
    with pytest.raises(backups.BackupError):
        restoring.restore(place / "bk", place / "b")
    assert not (place / "b" / "pgdata").exists()


def test_secrets_under_another_key_are_told(source: EmbeddedPostgres, place: Path) -> None:
    made = _take(source, place / "bk")
    about = place / "bk" / made.name / backups.ABOUT
    about.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, sealing_key="00000000")))
    assert any("another key" in note for note in restoring.restore(place / "bk", place / "b").notes)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(source: EmbeddedPostgres) -> None:
    with pytest.raises(backups.BackupError, match="cannot be written"):
        _take(source, Path("/proc/none"))
