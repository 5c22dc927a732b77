"""Wiping the data of one brand, whatever tables there are: for brands that are there for trying out.

The numbers of the facts go on where they were, so that no cursor ever points at other facts than it did.
"""

import graphlib
from collections.abc import Collection, Sequence
from typing import cast

from midstage.kit.database import Tx

TABLES = """
select c.relname::text as name from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'brand_id' and not a.attisdropped
 where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
 order by 1
"""
REFERENCES = """
select f.conrelid::regclass::text as of_table, f.confrelid::regclass::text as to_table
  from pg_constraint f where f.contype = 'f' and f.conrelid <> f.confrelid and f.conparentid = 0
"""
# Who reads the facts of the brand has read them all: there are none before the next.
CATCH_UP = """
update fact_cursor c set number = h.number, moved_at = clock_timestamp() from fact_head h
 where c.brand_id = $1 and h.brand_id = $1
"""
CATCH_UP_WEBHOOKS = """
update webhook_endpoint e set cursor = h.number, epoch = e.epoch + 1, leased_until = '-infinity' from fact_head h
 where e.brand_id = $1 and h.brand_id = $1
"""
# What the kit needs to go on.
KEPT = frozenset({"fact_head", "fact_cursor", "webhook_endpoint", "audit", "rate_bucket"})


async def wipe(tx: Tx, *, keep: Collection[str]) -> int:
    """Delete every row of the brand from all tables but those that are kept. Returns how many.

    For nothing but a brand without anything real in it; the caller has made sure of that.
    """
    names = {cast("str", row["name"]) for row in await tx.rows(TABLES)} - KEPT - set(keep)
    gone = 0
    for name in _children_first(names, [(row["of_table"], row["to_table"]) for row in await tx.rows(REFERENCES)]):
        gone += await tx.run(f"delete from {name} where brand_id = $1", tx.brand)  # noqa: S608  # names of our own tables
    await tx.run(CATCH_UP, tx.brand)
    await tx.run(CATCH_UP_WEBHOOKS, tx.brand)
    return gone


def _children_first(names: Collection[str], references: Sequence[tuple[str, str]]) -> list[str]:
    """The tables in an order in which each comes before those that it refers to."""
    order: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter({name: set[str]() for name in sorted(names)})
    for child, parent in references:
        if child in names and parent in names:
            order.add(parent, child)
    return list(order.static_order())
