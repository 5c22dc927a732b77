"""Access: second factors, approvals, reads of personal data."""

from midstage.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql("0015_access_approval.sql")
