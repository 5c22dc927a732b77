"""Identity: limits, blocks, quarantine, merges."""

from midstage.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql("0016_identity_merge.sql")
