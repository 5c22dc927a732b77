"""Payments: statements of providers, several payees."""

from midstage.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql("0021_payments_statement.sql")
