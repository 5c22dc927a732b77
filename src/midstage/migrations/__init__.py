"""The schema, as plain SQL that alembic runs in order: one revision a file, forward only.

Every step is made to be taken under load: short locks or none, and it is called off rather than queue others
behind it (lock_timeout). Two that start at once take turns (advisory lock).
"""

from pathlib import Path
from typing import Any, cast

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.util import await_only

HERE = Path(__file__).parent


def run_sql(name: str) -> None:
    """Run one file of migrations/sql, from within a revision."""
    # Through the driver itself: only asyncpg's simple protocol takes several statements at once.
    fairy = cast("Any", op.get_bind().connection)
    await_only(fairy.driver_connection.execute((HERE / "sql" / name).read_text(encoding="utf-8")))


def upgrade(url: str) -> None:
    """Bring the schema of a database to the newest revision."""
    command.upgrade(_config(url), "head")


def head() -> str:
    """The newest revision that this release knows."""
    revision = ScriptDirectory.from_config(_config("")).get_current_head()
    if revision is None:
        raise RuntimeError("no revision in migrations/versions")
    return revision


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    return config
