"""The way to PostgreSQL: pools, and transactions bound to a brand and a moment."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg

from midstage.kit import audit, together
from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.facts import log
from midstage.kit.facts.types import Fact
from midstage.kit.ids import BrandId
from midstage.kit.together import Write

T = TypeVar("T")
Record = asyncpg.Record
if TYPE_CHECKING:  # generic in the stubs alone
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

Statement = tuple[str, tuple[Any, ...]]

OLDEST_SERVER = 18
ATTEMPTS = 4  # three losers of a race in a row are rare; a fifth try would only hide a design fault
_PAUSE_S = 0.01
SCHEMA_VERSION_QUERY = "select version_num from alembic_version"

# What the database calls off through no fault of the caller: serialisation failure and deadlock.
CALLED_OFF = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

# What a server that restarts or a torn connection looks like; the same call may go through a moment later.
TRANSIENT = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection torn within a statement
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


class Tx:
    """One transaction, of one brand, at one moment. Only the edge opens and commits it.

    What is told and noted is written as the last thing before the commit; nothing of it if there is none.
    """

    __slots__ = ("_depth", "_left", "_link", "by", "noted", "now", "read_only", "recorder", "tenant", "told")

    def __init__(
        self, link: Connection, tenant: Tenant, *, now: datetime, by: Principal, read_only: bool = False
    ) -> None:
        self._link = link
        self._depth = 0
        self._left: list[Write] = []
        self.tenant = tenant
        self.now = now
        self.by = by
        self.read_only = read_only
        self.told: list[tuple[Fact, datetime]] = []
        self.noted: list[audit.Entry] = []
        self.recorder: list[Statement] | None = None

    @property
    def brand(self) -> BrandId:
        return self.tenant.brand

    async def rows(self, sql: str, *args: Any) -> list[Record]:
        """All rows of a query."""
        if self._left:
            await self._send_left()
        self._record(sql, args)
        return await self._link.fetch(sql, *args)

    async def row(self, sql: str, *args: Any) -> Record | None:
        """The first row, or None."""
        if self._left:
            await self._send_left()
        self._record(sql, args)
        return await self._link.fetchrow(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        """The first value of the first row, or None."""
        if self._left:
            await self._send_left()
        self._record(sql, args)
        return await self._link.fetchval(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        """Run a statement and return how many rows it touched."""
        if self._left:
            await self._send_left()
        self._record(sql, args)
        status = await self._link.execute(sql, *args)
        return int(status.rpartition(" ")[2]) if status[-1].isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
        """Load many rows by COPY. A violated constraint fails the whole of it."""
        await self._send_left()
        self._record(f"copy {table}", ())
        await self._link.copy_records_to_table(table, columns=list(columns), records=records)

    def later(self, sql: str, *args: Any, expect: int | None = None, otherwise: Exception | None = None) -> None:
        """Leave a write until the next statement or the commit, where all that was left goes in one round trip.

        For a plain statement (no WITH). Where it must touch `expect` rows and does not, `otherwise` is raised there,
        and everything is rolled back.
        """
        self._left.append(Write(sql, args, expect, otherwise))

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """A part that can be undone alone: what was told and noted within it goes too."""
        await self._send_left()  # what came before the part stays when the part is undone
        told, noted = len(self.told), len(self.noted)
        self._depth += 1
        name = f"part_{self._depth}"
        await self._link.execute(f"savepoint {name}")
        try:
            yield
            await self._send_left()
        except BaseException:
            self._left.clear()
            if not self._link.is_closed():
                await self._link.execute(f"rollback to savepoint {name}")
            del self.told[told:], self.noted[noted:]
            raise
        else:
            await self._link.execute(f"release savepoint {name}")
        finally:
            self._depth -= 1

    def tell(self, fact: Fact, *, at: datetime | None = None) -> None:
        """Record a fact with the commit. `at` sets its business day where it happened earlier (imports, tills)."""
        self.told.append((fact, at or self.now))

    def note(
        self, action: str, subject_type: str, subject_id: object, *, before: Any = None, after: Any = None
    ) -> None:
        """Put a change into the audit trail with the commit."""
        self.noted.append(audit.Entry(action, subject_type, str(subject_id), before, after))

    async def flush(self) -> None:
        """Write what was left, told and noted so far. The commit does it; a long import may do it in between."""
        if self.told:
            day = self.tenant.business_date
            self._left.append(log.write(self.brand, [(fact, day(at)) for fact, at in self.told]))
            self.told.clear()
        if self.noted:
            self._left.append(audit.write(self.brand, self.by, self.noted))
            self.noted.clear()
        await self._send_left()

    async def _send_left(self) -> None:
        if not self._left:
            return
        left, self._left = self._left, []
        if len(left) == 1 and left[0].expect is None:
            await self.run(left[0].sql, *left[0].args)
            return
        sql, values = together.statement(left)
        row = await self.row(sql, *values)
        together.check(left, tuple(row or ()) if any(write.expect is not None for write in left) else ())

    def mark(self, boundary: str) -> None:
        """Note where a transaction begins or ends, where statements are recorded."""
        self._record(boundary, ())

    def _record(self, sql: str, args: tuple[Any, ...]) -> None:
        if self.recorder is not None:
            self.recorder.append((sql, args))


class Database:
    """Two pools on one database: for writing, and for reading outside of transactions."""

    def __init__(self, writers: Pool, readers: Pool, url: str) -> None:
        self._writers = writers
        self._readers = readers
        self.url = url
        self.recorder: list[Statement] | None = None
        """When set, every statement of every Tx is appended: query budgets and the bare benchmark use it."""

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 16, statement_timeout_ms: int = 15_000) -> "Database":
        """Connect. Raises asyncpg.PostgresError or OSError where there is no such server."""
        writers = await _pool(url, pool_size, statement_timeout_ms, read_only=False)
        readers = await _pool(url, pool_size, statement_timeout_ms, read_only=True)
        return cls(writers, readers, url)

    async def close(self) -> None:
        """Wait for running statements and close both pools."""
        await self._readers.close()
        await self._writers.close()

    @asynccontextmanager
    async def writing(
        self, tenant: Tenant, *, now: datetime | None = None, by: Principal = SYSTEM
    ) -> AsyncGenerator[Tx]:
        """A read-write transaction: commits when the block ends, rolls back when it raises."""
        async with self.connection() as link:
            tx = Tx(link, tenant, now=now or utc_now(), by=by)
            tx.recorder = self.recorder
            tx.mark("begin")
            await link.execute("begin")
            try:
                yield tx
                await tx.flush()
                tx.mark("commit")
                await link.execute("commit")
            except BaseException:
                if not link.is_closed():
                    await link.execute("rollback")
                raise

    @asynccontextmanager
    async def reading(
        self, tenant: Tenant, *, now: datetime | None = None, by: Principal = SYSTEM, snapshot: bool = False
    ) -> AsyncGenerator[Tx]:
        """A Tx that cannot write. With `snapshot` all of its statements see one moment, else each its own."""
        async with self._readers.acquire() as proxy:
            link = cast("Connection", proxy)
            tx = Tx(link, tenant, now=now or utc_now(), by=by, read_only=True)
            tx.recorder = self.recorder
            if not snapshot:
                yield tx
                return
            await link.execute("begin isolation level repeatable read read only")
            try:
                yield tx
            finally:
                if not link.is_closed():
                    await link.execute("rollback")

    async def attempt(
        self,
        tenant: Tenant,
        work: Callable[[Tx], Awaitable[T]],
        *,
        now: datetime | None = None,
        by: Principal = SYSTEM,
    ) -> T:
        """Do the work in a transaction, again if the database called it off, at most ATTEMPTS times."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.writing(tenant, now=now, by=by) as tx:
                    return await work(tx)
            except CALLED_OFF:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE_S * 2**attempt * random.random())  # noqa: S311  # a pause, not a secret
        raise AssertionError("unreachable: the last attempt returns or raises")

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A bare connection, for the kit alone: what runs over all brands, or needs no transaction."""
        async with self._writers.acquire() as proxy:
            yield cast("Connection", proxy)


async def connect(url: str, *, name: str = "midstage", statement_timeout_ms: int = 0) -> Connection:
    """One connection outside of the pools: to listen, to migrate, to measure."""
    settings = {**_SERVER_SETTINGS, "application_name": name, "statement_timeout": str(statement_timeout_ms)}
    return await asyncpg.connect(url, server_settings=settings)


class UnfitServerError(Exception):
    """One line that says why a PostgreSQL cannot be worked on, and how to mend it."""


async def check_server(url: str) -> None:
    """Raises UnfitServerError where a server cannot be reached, does not let us in, or is older than we need."""
    try:
        link = await connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        said = str(error).strip() or type(error).__name__
        raise UnfitServerError(f"MIDSTAGE_DATABASE_URL cannot be used: {said}") from error
    try:
        version = link.get_server_version()
    finally:
        await link.close()
    if version.major < OLDEST_SERVER:
        raise UnfitServerError(
            f"PostgreSQL {OLDEST_SERVER} or newer is needed, MIDSTAGE_DATABASE_URL leads to {version.major}.{version.minor}"
        )


async def schema_revision(url: str) -> str | None:
    """The revision of the schema of a database; None where it has no schema of ours."""
    link = await connect(url)
    try:
        there = await link.fetchval("select to_regclass('alembic_version') is not null")
        return await link.fetchval(SCHEMA_VERSION_QUERY) if there else None
    finally:
        await link.close()


# jit costs more than it brings on short statements.
_SERVER_SETTINGS = {"timezone": "UTC", "jit": "off"}


class _PooledConnection(Connection):
    """A connection that is given back as it is: we set nothing on it that would have to be reset."""

    def get_reset_query(self) -> str:
        return ""


async def _pool(url: str, size: int, statement_timeout_ms: int, *, read_only: bool) -> Pool:
    settings = {
        **_SERVER_SETTINGS,
        "application_name": "midstage",
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(statement_timeout_ms * 2),
        "default_transaction_read_only": "on" if read_only else "off",
    }
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        server_settings=settings,
        connection_class=_PooledConnection,
        statement_cache_size=500,
        max_cached_statement_lifetime=0,
        max_inactive_connection_lifetime=0,
    )
