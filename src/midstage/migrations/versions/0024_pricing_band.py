"""Pricing: a store's own price within its band."""

from midstage.migrations import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql("0024_pricing_band.sql")
