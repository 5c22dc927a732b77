"""An upgrade is tried on a copy: what would break the release before is found there, and nowhere else."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from midstage import migrations
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, connect, schema_revision
from midstage.kit.postgres import EmbeddedPostgres
from midstage.operations import forgetting, shape, upgrading
from midstage.operations.shape import Column, Shape

BEFORE = "0013"
CONF = {"shared_buffers": "'32MB'", "max_connections": "40", "fsync": "off"}
TEXT = Column("text", needed=False, filled=False)
KINDS = "CHECK ((kind = ANY (ARRAY['mall'::text, 'till'::text])))"


@pytest.fixture(scope="module")
def old_server() -> Iterator[EmbeddedPostgres]:
    """A server whose schema is that of an earlier revision."""
    home = Path(tempfile.mkdtemp(prefix="midstage-up-"))
    with EmbeddedPostgres(home, conf=CONF) as server:
        migrations.upgrade(server.url, to=BEFORE)
        yield server
    shutil.rmtree(home)


async def _run(url: str, sql: str) -> None:
    link = await connect(url)
    try:
        await link.execute(sql)
    finally:
        await link.close()


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migrations.head()]
    assert migrations.revisions() == [each.revision for each in reversed(list(script.walk_revisions()))]


def test_a_copy_is_migrated_and_the_database_itself_is_not(old_server: EmbeddedPostgres) -> None:
    tried = upgrading.try_on_copy(old_server, old_server.url)
    assert (tried.before, tried.after) == (BEFORE, migrations.head())
    assert [step.revision for step in tried.steps] == [each for each in migrations.revisions() if each > BEFORE]
    assert [fault for fault in tried.faults if fault.startswith("doctor")] == []
    assert asyncio.run(schema_revision(old_server.url)) == BEFORE
    assert not (old_server.home / "upgrade").exists()


def test_what_the_release_before_would_trip_over_is_found() -> None:
    before = Shape({"t": {"a": TEXT, "b": TEXT}, "gone": {"a": TEXT}}, {"t": {"t_kind": KINDS}})
    after = Shape(
        {
            "t": {
                "a": Column("uuid", needed=False, filled=False),
                "c": Column("integer", needed=True, filled=False),
                "d": Column("integer", needed=True, filled=True),
                "e": TEXT,
            },
            "fresh": {"a": Column("text", needed=True, filled=False)},
        },
        {
            "t": {"t_kind": KINDS.replace(", 'till'::text", ""), "t_e": "CHECK ((e <> ''))", "t_a": "UNIQUE (a)"},
            "fresh": {"fresh_a": "UNIQUE (a)"},
        },
    )
    found = shape.breaking(before, after)
    assert set(found) == {"t.a", "t.b", "t.c", "gone", "t t_kind", "t t_a"}


def test_a_longer_list_of_words_breaks_nothing() -> None:
    assert shape.widened(KINDS, KINDS.replace("'till'::text", "'till'::text, 'kiosk'::text"))
    assert not shape.widened(KINDS, KINDS.replace("'till'::text", "'kiosk'::text"))
    assert not shape.widened(KINDS, KINDS.replace("kind", "sort"))


def test_a_fault_on_the_copy_keeps_the_database_as_it_is(
    old_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_run(old_server.url, "create table only_here (brand_id integer primary key, a text)"))
    run = migrations.upgrade

    def run_and_drop(url: str, *, to: str = "head") -> None:
        run(url, to=to)
        if to == migrations.head():
            asyncio.run(_run(url, "alter table only_here drop column a"))

    monkeypatch.setattr(migrations, "upgrade", run_and_drop)
    tried = upgrading.try_on_copy(old_server, old_server.url)
    assert f"{migrations.head()}: only_here.a: the column is gone" in tried.faults
    asyncio.run(_run(old_server.url, "select a from only_here"))

    monkeypatch.setattr(upgrading, "CONTRACTS", {migrations.head(): {"only_here.a": "0.1.0"}})
    monkeypatch.setattr(upgrading, "__version__", "0.2.0")
    assert (
        f"{migrations.head()}: only_here.a: the column is gone"
        in upgrading.try_on_copy(old_server, old_server.url).faults
    )
    monkeypatch.setattr(upgrading, "__version__", "0.3.0")
    allowed = upgrading.try_on_copy(old_server, old_server.url)
    assert not any("only_here" in fault for fault in allowed.faults)
    assert any("only_here" in note for note in allowed.notes)


async def test_what_is_older_than_its_retention_is_told_and_goes(own_db: Database, own_database_url: str) -> None:
    now = utc_now()
    async with own_db.connection() as link:
        await link.execute(
            "insert into idempotency (brand_id, principal, operation, key, body_hash, recorded_at)"
            " select 1, gen_random_uuid(), 'x', n::text, '', $1::timestamptz - make_interval(days => n)"
            "  from generate_series(1, 10) as n",
            now,
        )
        await link.execute(
            "create table fact_2020_01 partition of fact for values from ('2020-01-01') to ('2020-02-01')"
        )

    def told(runs: list[forgetting.retention.Due]) -> dict[str, tuple[list[str], int]]:
        return {one.what: (one.partitions, one.rows) for one in runs}

    older: dict[str, tuple[list[str], int]] = {}
    for _ in range(2):  # a dry run changes nothing
        older = told(await forgetting.run(own_database_url, now + timedelta(seconds=1), dry_run=True))
        assert older["idempotency"] == ([], 4)
        assert older["fact"] == (["fact_2020_01"], 0)
    assert told(await forgetting.run(own_database_url, now + timedelta(seconds=1), dry_run=False)) == older
    async with own_db.connection() as link:
        assert await link.fetchval("select count(*) from idempotency") == 6
        assert await link.fetchval("select to_regclass('fact_2020_01')") is None
    assert told(await forgetting.run(own_database_url, now, dry_run=True))["idempotency"] == ([], 0)
