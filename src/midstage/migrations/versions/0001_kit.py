"""The kit: facts and their delivery, timers, idempotency, audit."""

from midstage.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql("0001_kit.sql")
