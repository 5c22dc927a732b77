"""Forgetting deliveries in time. Over all brands, which the kit alone may do."""

from datetime import datetime, timedelta
from typing import cast

from midstage.kit.database import Database
from midstage.kit.webhooks import store

BATCH = 2_000


async def sweep(database: Database, now: datetime) -> int:
    """Forget what arrived, or was given up, before its retention, a short statement at a time. Returns how many."""
    gone = 0
    async with database.connection() as link:
        days = cast("int | None", await link.fetchval(store.RETENTION))
        if days is None:
            return 0
        while True:
            status = await link.execute(store.FORGET, now - timedelta(days=days), BATCH)
            count = int(status.rpartition(" ")[2])
            gone += count
            if count < BATCH:
                return gone
