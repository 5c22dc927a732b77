"""Members: the pool, activation, handing over, personal data requests."""

from midstage.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql("0017_members_care.sql")
