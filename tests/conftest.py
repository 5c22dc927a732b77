"""One embedded server for the run, one database for each worker, one brand for each test."""

import base64
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from midstage import migrations
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import BrandId
from midstage.kit.postgres import EmbeddedPostgres
from shop import Shop, open_shop

# A shared machine has slow moments that say nothing about the code, so no example has a deadline.
settings.register_profile("midstage", deadline=None, max_examples=100)
settings.load_profile("midstage")

# What a test seals, a process that it starts unseals.
os.environ.setdefault("MIDSTAGE_SEALING_KEY", base64.b64encode(bytes(range(32))).decode())

TEMPLATE = "template_midstage"
_brands = itertools.count(1_000_000)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """The server that all workers of this run share; nothing in it survives the run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
    # Not pytest's own folder: PostgreSQL's service user could not reach it where the tests run as root.
    home = Path(tempfile.gettempdir()) / f"midstage-tests-{run}"
    postgres = EmbeddedPostgres(home, conf={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
    with postgres:
        yield postgres
    if not postgres.is_running():
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: EmbeddedPostgres) -> str:
    """The name of a database with the schema and nothing in it."""
    with (server.home / "template.lock").open("w") as lock:
        import fcntl  # noqa: PLC0415

        fcntl.flock(lock, fcntl.LOCK_EX)
        if _psql(server, f"select 1 from pg_database where datname = '{TEMPLATE}'") != "1":
            _psql(server, f"create database {TEMPLATE}_new")
            migrations.upgrade(server.url_of(f"{TEMPLATE}_new"))
            _psql(server, f"alter database {TEMPLATE}_new rename to {TEMPLATE}")
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url(server: EmbeddedPostgres, template: str, worker_id: str) -> str:
    """The database of this worker. Tests keep apart in it by their brand."""
    name = f"test_{worker_id}"
    _psql(server, f"create database {name} template {template}")
    return server.url_of(name)


@pytest.fixture
def own_database_url(server: EmbeddedPostgres, template: str, worker_id: str) -> Iterator[str]:
    """A database of this test alone, for what works over all brands (sequencer, worker, doctor)."""
    name = f"own_{worker_id}_{next(_brands)}"
    _psql(server, f"create database {name} template {template}")
    yield server.url_of(name)
    _psql(server, f"drop database {name} with (force)")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, pool_size=20)
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def own_db(own_database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(own_database_url, pool_size=20)
    yield database
    await database.close()


@pytest.fixture
def tenant() -> Tenant:
    """A brand that no other test uses. (Kit and module tests need no row in organisation for it.)"""
    number = next(_brands)
    return Tenant(BrandId(number), f"brand{number}", zone="Asia/Shanghai", day_starts_minute=0)


def _psql(server: EmbeddedPostgres, sql: str) -> str:
    command = [str(server.binary("psql")), server.url_of("postgres"), "-Atqc", sql]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(db: Database) -> Shop:
    """A brand with everything that a sale takes."""
    return await open_shop(db)
