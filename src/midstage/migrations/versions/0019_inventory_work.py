"""Inventory: transfers, counts, incoming goods, alarms."""

from midstage.migrations import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql("0019_inventory_work.sql")
