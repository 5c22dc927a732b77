"""The schema, as plain SQL that alembic runs in order: one revision a file, forward only.

Every step is made to be taken under load: short locks or none, and it is called off rather than queue others
behind it (lock_timeout). Two that start at once take turns (advisory lock).

Alembic is imported where a step is run: every command asks for the newest revision, and few run one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


def run_sql(name: str) -> None:
    """Run one file of migrations/sql, from within a revision."""
    from alembic import op  # noqa: PLC0415  # see above
    from sqlalchemy.util import await_only  # noqa: PLC0415  # see above

    # Through the driver itself: only asyncpg's simple protocol takes several statements at once.
    fairy = cast("Any", op.get_bind().connection)
    await_only(fairy.driver_connection.execute((HERE / "sql" / name).read_text(encoding="utf-8")))


def upgrade(url: str, *, to: str = "head") -> None:
    """Bring the schema of a database to a revision, the newest if not said."""
    from alembic import command  # noqa: PLC0415  # see above

    command.upgrade(_config(url), to)


def revisions() -> list[str]:
    """Every revision that this release knows, in the order in which they are run: files are named by them."""
    return sorted(path.name.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def head() -> str:
    """The newest revision that this release knows."""
    return revisions()[-1]


def _config(url: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    return config
