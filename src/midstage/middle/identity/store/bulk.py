"""Detach one, and load many at once."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from midstage.kit.database import Tx
from midstage.middle.identity.rules import SLOTS
from midstage.middle.identity.store.attach import open_numbers
from midstage.middle.identity.types import Identifier, IdentifierTaken, PersonId

DETACH = """
delete from identifier held
 where held.brand_id = $1 and held.kind = $2 and held.namespace = $3 and held.value = $4
   and held.person_id = any ($5::uuid[])
"""

LOCK_NUMBERS = """
select slot.dealt from person_number slot where slot.brand_id = $1 order by slot.slot for no key update
"""

WRITE_NUMBERS = """
update person_number slot set dealt = after.dealt
  from unnest($2::int[]) with ordinality as after (dealt, place)
 where slot.brand_id = $1 and slot.slot = after.place - 1
"""


async def detach(tx: Tx, identifier: Identifier, ids: Sequence[PersonId]) -> int:
    return await tx.run(DETACH, tx.brand, identifier.kind.value, identifier.namespace, identifier.value, ids)


async def lock_numbers(tx: Tx) -> list[int]:
    """What each slot has dealt, held until the commit: for imports, which want many numbers at once."""
    await open_numbers(tx)
    return [row["dealt"] for row in await tx.rows(LOCK_NUMBERS, tx.brand)]


async def write_numbers(tx: Tx, dealt: Sequence[int]) -> None:
    if await tx.run(WRITE_NUMBERS, tx.brand, dealt) != SLOTS:
        raise AssertionError("the slots were locked and cannot have gone")


async def copy_persons(tx: Tx, rows: Sequence[tuple[PersonId, int, str, datetime]]) -> None:
    columns = ("brand_id", "person_id", "person_no", "source", "born_at")
    await tx.copy("person", columns, [(tx.brand, *row) for row in rows])


async def copy_identifiers(tx: Tx, rows: Sequence[tuple[Identifier, PersonId, str, datetime]]) -> None:
    """Raises IdentifierTaken where another connection attached one since it was looked up."""
    columns = ("brand_id", "kind", "namespace", "value", "person_id", "source", "attached_at")
    records = [(tx.brand, each.kind.value, each.namespace, each.value, *rest) for each, *rest in rows]
    try:
        await tx.copy("identifier", columns, records)
    except asyncpg.UniqueViolationError:
        raise IdentifierTaken(row=-1, kind="identifier") from None
