"""How alembic reaches the database: through asyncpg, alone, with time-outs."""

import asyncio
from typing import cast

from alembic import context
from sqlalchemy.engine import Connection as SqlalchemyConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from midstage.kit import database
from midstage.kit.database import Connection

# Any number will do, as long as it is ours alone.
_ADVISORY_LOCK = 20_261_122


def _run(connection: SqlalchemyConnection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate(url: str) -> None:
    async def connect() -> Connection:
        link = await database.connect(url, name="midstage migrate", statement_timeout_ms=15 * 60_000)
        await link.execute("set lock_timeout = '5s'")
        return link

    guard = await connect()
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        await guard.execute("set lock_timeout = 0")
        await guard.fetchval("select pg_advisory_lock($1)", _ADVISORY_LOCK)
        async with engine.connect() as connection:
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()
        await guard.close()


asyncio.run(_migrate(cast("str", context.config.attributes["url"])))
