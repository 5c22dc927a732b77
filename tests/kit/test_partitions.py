"""Months are made ahead, dropped when they are due, and no row is lost on the way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from midstage.kit import partitions
from midstage.kit.clock import Tenant
from midstage.kit.database import Connection, Database, connect
from midstage.kit.partitions import drop_expired, ensure_partitions

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
MONTHS = ["2026_11", "2026_12", "2027_01", "2027_02"]


async def record(link: Connection, at: datetime, brand: int = 1) -> None:
    """A fact, its number and an audit entry of a moment."""
    fact_id = await link.fetchval(
        "insert into fact (brand_id, type, version, key, payload, business_date, recorded_at)"
        " values ($1, 'Test', 1, gen_random_uuid(), '{}', '2026-11-22', $2) returning id",
        brand,
        at,
    )
    await link.execute(
        "insert into fact_number (brand_id, number, fact_id, recorded_at) values ($1, $2, $2, $3)", brand, fact_id, at
    )
    await link.execute(
        "insert into audit (brand_id, actor_kind, actor_id, action, subject_type, subject_id, before, after,"
        " recorded_at) values ($1, 'system', gen_random_uuid(), 'a', 'b', 'c', 'null', 'null', $2)",
        brand,
        at,
    )


async def counts(link: Connection, suffix: str) -> tuple[int, int, int]:
    fact = await link.fetchval(f"select count(*) from fact{suffix}")
    number = await link.fetchval(f"select count(*) from fact_number{suffix}")
    return fact, number, await link.fetchval(f"select count(*) from audit{suffix}")


async def test_months_are_made_once_and_rows_go_to_theirs(own_db: Database) -> None:
    async with own_db.connection() as link:
        made = await ensure_partitions(link, NOW)
        assert made.created == [f"{table}_{month}" for table in ("fact", "fact_number", "audit") for month in MONTHS]
        assert (await ensure_partitions(link, NOW)).created == []
        assert (await ensure_partitions(link, NOW + timedelta(days=30))).created == [
            "fact_2027_03",
            "fact_number_2027_03",
            "audit_2027_03",
        ]
        await record(link, NOW)
        await record(link, datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC))
        await record(link, datetime(2026, 12, 1, tzinfo=UTC))
        await record(link, datetime(2031, 1, 1, tzinfo=UTC))
        assert await counts(link, "_2026_11") == (2, 2, 2)
        assert await counts(link, "_2026_12") == (1, 1, 1)
        assert await counts(link, "_default") == (1, 1, 1)


async def test_rows_of_the_default_partition_move_to_their_month_unchanged(own_db: Database) -> None:
    async with own_db.connection() as link:
        for days in (-60, 0, 1, 10):
            await record(link, NOW + timedelta(days=days))
        before = await link.fetch("select * from fact order by id")
        made = await ensure_partitions(link, NOW)
        assert made.moved_rows == 9
        assert await link.fetch("select * from fact order by id") == before, "xid and id included"
        assert await counts(link, "_default") == (1, 1, 1)
        assert await counts(link, "_2026_11") == (2, 2, 2)
        await record(link, NOW)
        ids = [row["id"] for row in await link.fetch("select id from fact order by id")]
        assert len(set(ids)) == len(ids) == 5


async def test_two_at_once_and_writers_between_them_are_fine(own_db: Database, tenant: Tenant) -> None:
    stop = asyncio.Event()

    async def writer() -> int:
        written = 0
        async with own_db.connection() as link:
            while not stop.is_set():
                await record(link, NOW, tenant.brand)
                written += 1
        return written

    async def maker() -> list[str]:
        async with own_db.connection() as link:
            return (await ensure_partitions(link, NOW)).created

    writing = [asyncio.create_task(writer()) for _ in range(3)]
    await asyncio.sleep(0.1)
    created = [name for names in await asyncio.gather(*(maker() for _ in range(3))) for name in names]
    await asyncio.sleep(0.05)
    stop.set()
    written = sum(await asyncio.gather(*writing))
    assert sorted(created) == sorted(set(created))
    assert len(created) == 12
    async with own_db.connection() as link:
        assert await counts(link, "") == (written, written, written)
        assert await counts(link, "_default") == (0, 0, 0)


async def test_what_is_older_than_its_retention_goes_by_the_month(own_db: Database) -> None:
    async with own_db.connection() as link:
        await ensure_partitions(link, NOW)
        await record(link, NOW)
        await record(link, datetime(2024, 1, 1, tzinfo=UTC))  # no month was made for it
        month_ended = datetime(2026, 12, 1, tzinfo=UTC)
        early = await drop_expired(link, month_ended + timedelta(days=395))
        assert early.partitions == []
        assert early.rows == 2, "a fact and its number; audit is kept for seven years"
        late = await drop_expired(link, month_ended + timedelta(days=397))
        assert late.partitions == ["fact_2026_11", "fact_number_2026_11"]
        assert await counts(link, "") == (0, 0, 2)
        assert (await drop_expired(link, month_ended + timedelta(days=397))).partitions == []


async def test_a_lock_that_is_held_puts_it_off_instead_of_stalling_writers(
    own_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    reader = await connect(own_db.url)
    async with own_db.connection() as link:
        try:
            await reader.execute("begin; select count(*) from fact")
            made = await ensure_partitions(link, NOW)
            assert made.put_off == [f"fact_{month}" for month in MONTHS]
            assert len(made.created) == 8
        finally:
            await reader.close()
        assert len((await ensure_partitions(link, NOW)).created) == 4
        assert await link.fetchval("show lock_timeout") == "0", "nothing sticks to the connection"


async def test_a_new_column_of_the_next_release_is_in_later_months(own_db: Database) -> None:
    async with own_db.connection() as link:
        await record(link, NOW + timedelta(days=40))
        await ensure_partitions(link, NOW, ahead_months=0)
        await link.execute("alter table fact drop column version, add column origin text not null default 'here'")
        assert (await ensure_partitions(link, NOW)).moved_rows == 3
        assert await link.fetchval("select origin from fact_2027_01") == "here"
