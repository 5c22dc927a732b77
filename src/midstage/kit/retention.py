"""What is kept how long (the table retention), what is older, and its end. Over all brands, which the kit alone may do."""

from datetime import datetime, timedelta
from typing import cast

import msgspec

from midstage.kit import idempotency, jobs, limits, partitions
from midstage.kit.database import Database
from midstage.kit.webhooks.sweeping import sweep as sweep_deliveries

DAYS = "select what, days from retention order by what"
# What goes by the row. What goes by the month is in partitions.
OLDER = {
    "idempotency": "select count(*) from idempotency where recorded_at < $1",
    "webhook_delivery": (
        "select count(*) from webhook_delivery where state in ('delivered', 'given_up') and tried_at < $1"
    ),
    "job_log": "select count(*) from pgqueuer_log where created < $1",
}


class Due(msgspec.Struct, frozen=True):
    """What of one sort of data is older than its retention: whole months, or rows."""

    what: str
    days: int
    partitions: list[str]
    rows: int


async def due(database: Database, now: datetime) -> list[Due]:
    """What a run would end now."""
    found: list[Due] = []
    async with database.connection() as link:
        months = await partitions.expired(link, now)
        for row in await link.fetch(DAYS):
            what, days = cast("str", row["what"]), cast("int", row["days"])
            names = [name for table, of in months.items() if partitions.RETENTION[table] == what for name in of]
            older = OLDER.get(what)
            rows = 0 if older is None else cast("int", await link.fetchval(older, now - timedelta(days=days)))
            found.append(Due(what, days, names, rows))
    return found


async def forget(database: Database, now: datetime) -> None:
    """End what is older than its retention, in short steps that hold nobody up, and make room for the months to come."""
    async with database.connection() as link:
        await partitions.ensure_partitions(link, now)
        await partitions.drop_expired(link, now)
    await idempotency.sweep(database, now)
    await jobs.sweep_log(database, now)
    await sweep_deliveries(database, now)
    await limits.forget(database, now)
