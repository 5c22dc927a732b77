"""Kit: webhooks and limits."""

from midstage.migrations import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql("0023_kit_webhooks.sql")
