"""Orders: who collects what is due."""

from midstage.migrations import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql("0025_orders_payees.sql")
