"""Monthly partitions of the logs: room is made ahead, what is older than its retention is dropped by the month.

Made to be run at every start and once a day, by any number of processes at once and of two releases: the shape of a
new partition is taken from its table as it is at that moment. Each step is a short transaction of its own that gives
up rather than hold others up (lock_timeout) and is done by the next run.
"""

from datetime import UTC, datetime, timedelta
from typing import cast

import asyncpg
import msgspec

from midstage.kit.database import Connection

AHEAD_MONTHS = 3
_LOCK_TIMEOUT = "2s"
_SWEEP_BATCH = 5_000

# Which table is kept how long: the name in the retention table.
RETENTION = {"fact": "fact", "fact_number": "fact", "audit": "audit"}

# One at a time, whoever runs it; any number will do, as long as it is ours alone.
_TURN = "select pg_advisory_xact_lock(20261123)"

PARTITIONS = """
select child.relname::text from pg_inherits
  join pg_class child on child.oid = inhrelid
 where inhparent = $1::text::regclass
"""

COLUMNS = """
select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
 where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''
"""

DAYS = "select what, days from retention"


class Made(msgspec.Struct, frozen=True):
    """What a run made: partitions, rows moved out of the default ones, and what was put off (somebody held a lock)."""

    created: list[str]
    moved_rows: int
    put_off: list[str]


class Dropped(msgspec.Struct, frozen=True):
    """What a run dropped: partitions, old rows of the default ones, and what was put off (somebody held a lock)."""

    partitions: list[str]
    rows: int
    put_off: list[str]


async def ensure_partitions(link: Connection, now: datetime, ahead_months: int = AHEAD_MONTHS) -> Made:
    """Make the partitions of this month and the next ones, where they are missing. `link` is in no transaction.

    Rows of those months that went to the default partition meanwhile move to their own. Writers of the log wait
    while rows move; there are none to move as long as this runs at all.
    """
    created: list[str] = []
    put_off: list[str] = []
    moved = 0
    for table in RETENTION:
        known = set(await _partitions(link, table))
        for ahead in range(ahead_months + 1):
            first = _month(now, ahead)
            name = _name(table, first)
            if name in known:
                continue
            try:
                made = await _make(link, table, first, in_use=first <= now)
            except asyncpg.LockNotAvailableError:
                put_off.append(name)
                continue
            if made is not None:
                created.append(name)
                moved += made
    return Made(created, moved, put_off)


async def expired(link: Connection, now: datetime) -> dict[str, list[str]]:
    """The months of each table that ended before their retention."""
    days = {cast("str", row["what"]): cast("int", row["days"]) for row in await link.fetch(DAYS)}
    found: dict[str, list[str]] = {}
    for table, what in RETENTION.items():
        if what in days:
            before = now - timedelta(days=days[what])
            months = [(name, _first_of(table, name)) for name in await _partitions(link, table)]
            found[table] = [name for name, first in months if first is not None and _month(first, 1) <= before]
    return found


async def drop_expired(link: Connection, now: datetime) -> Dropped:
    """Drop the months that ended before their retention, and such rows of the default partitions."""
    days = {cast("str", row["what"]): cast("int", row["days"]) for row in await link.fetch(DAYS)}
    dropped: list[str] = []
    put_off: list[str] = []
    rows = 0
    for table, names in (await expired(link, now)).items():
        before = now - timedelta(days=days[RETENTION[table]])
        for name in names:
            try:
                if await _drop(link, table, name):
                    dropped.append(name)
            except asyncpg.LockNotAvailableError:
                put_off.append(name)
        rows += await _sweep_default(link, table, before)
    return Dropped(dropped, rows, put_off)


async def _make(link: Connection, table: str, first: datetime, *, in_use: bool) -> int | None:
    """Make one month, and say how many rows moved into it; None if somebody made it meanwhile."""
    name, default, after = _name(table, first), f"{table}_default", _month(first, 1)
    async with link.transaction():
        await link.execute(_TURN)
        if name in await _partitions(link, table):
            return None
        await link.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        if in_use:
            # A writer that has chosen the default partition already would be refused there afterwards, so writers
            # wait at the table itself. Months ahead of time have none.
            await link.execute(f"lock table {table} in share row exclusive mode")
        # Identity belongs to the parent; indexes are matched to the parent's when it is attached.
        await link.execute(
            f"create table {name} (like {table} including defaults including constraints including indexes"
            f" including storage including compression including generated)"
        )
        within = "recorded_at >= $1 and recorded_at < $2"
        moved = 0
        if await link.fetchval(f"select exists (select from {default} where {within})", first, after):  # noqa: S608  # our names
            await link.execute(f"lock table {default} in access exclusive mode")
            columns = cast("str", await link.fetchval(COLUMNS, table))
            status = await link.execute(
                f"with gone as (delete from {default} where {within} returning {columns})"  # noqa: S608  # our names
                f" insert into {name} ({columns}) select {columns} from gone",
                first,
                after,
            )
            moved = int(status.rpartition(" ")[2])
        await link.execute(
            f"alter table {table} attach partition {name} for values from ('{first:%Y-%m-%d} 00:00:00+00')"
            f" to ('{after:%Y-%m-%d} 00:00:00+00')"
        )
    return moved


async def _drop(link: Connection, table: str, name: str) -> bool:
    async with link.transaction():
        await link.execute(_TURN)
        if name not in await _partitions(link, table):
            return False
        await link.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        await link.execute(f"drop table {name}")
    return True


async def _sweep_default(link: Connection, table: str, before: datetime) -> int:
    """Delete old rows of the default partition in bounded batches."""
    gone = 0
    while True:
        status = await link.execute(
            f"delete from {table}_default where ctid = any (array("  # noqa: S608  # our names
            f"select ctid from {table}_default where recorded_at < $1 limit $2 for update skip locked))",
            before,
            _SWEEP_BATCH,
        )
        count = int(status.rpartition(" ")[2])
        gone += count
        if count < _SWEEP_BATCH:
            return gone


async def _partitions(link: Connection, table: str) -> list[str]:
    return sorted(cast("str", row["relname"]) for row in await link.fetch(PARTITIONS, table))


def _month(at: datetime, ahead: int) -> datetime:
    """The first moment, in UTC, of the month that is `ahead` months after that of `at`."""
    utc = at.astimezone(UTC)
    years, month = divmod(utc.year * 12 + utc.month - 1 + ahead, 12)
    return datetime(years, month + 1, 1, tzinfo=UTC)


def _name(table: str, first: datetime) -> str:
    return f"{table}_{first:%Y_%m}"


def _first_of(table: str, name: str) -> datetime | None:
    """The month of a partition that we made; None for the default one and for those that others made."""
    year, _, month = name.removeprefix(f"{table}_").partition("_")
    if len(year) != 4 or len(month) != 2 or not (year + month).isdecimal():
        return None
    return datetime(int(year), int(month), 1, tzinfo=UTC)
