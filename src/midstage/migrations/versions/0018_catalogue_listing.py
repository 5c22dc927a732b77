"""Catalogue: bundles and listing."""

from midstage.migrations import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql("0018_catalogue_listing.sql")
