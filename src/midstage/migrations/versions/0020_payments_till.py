"""Payments: shifts and cash."""

from midstage.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql("0020_payments_till.sql")
