"""A run of the retention by hand; workers make one every hour."""

from datetime import datetime

from midstage.kit import retention
from midstage.kit.database import Database


async def run(url: str, now: datetime, *, dry_run: bool) -> list[retention.Due]:
    """What was older than its retention; unless it is a dry run, it is gone."""
    database = await Database.open(url, pool_size=2, statement_timeout_ms=15 * 60_000)
    try:
        older = await retention.due(database, now)
        if not dry_run:
            await retention.forget(database, now)
    finally:
        await database.close()
    return older
