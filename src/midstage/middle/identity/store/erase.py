"""Forget what persons were known by. The persons, their numbers and who was one with whom stay, without a value."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.identity.types import PersonId

ERASE_IDENTIFIERS = """
delete from identifier held where held.brand_id = $1 and held.person_id = any ($2::uuid[])
"""

ERASE_CASES = """
delete from identity_case where brand_id = $1 and (person_id = any ($2::uuid[]) or other_id = any ($2::uuid[]))
"""

ERASE_EVIDENCE = """
update identity_link set one_value = '', other_value = '', reason = '', undone_reason = case when undone_at is null
       then undone_reason else '' end
 where brand_id = $1 and (one_id = any ($2::uuid[]) or other_id = any ($2::uuid[]))
"""

# What stands about persons besides their identifiers: the values that merged them.
EVIDENCE_OF = """
select link.made_at, link.one_kind, link.one_value, link.other_kind, link.other_value from identity_link link
 where link.brand_id = $1 and (link.one_id = any ($2::uuid[]) or link.other_id = any ($2::uuid[]))
 order by link.step
"""


async def erase(tx: Tx, ids: Sequence[PersonId]) -> int:
    """How many identifiers were forgotten."""
    forgotten = await tx.run(ERASE_IDENTIFIERS, tx.brand, ids)
    await tx.run(ERASE_CASES, tx.brand, ids)
    await tx.run(ERASE_EVIDENCE, tx.brand, ids)
    return forgotten


async def evidence_of(tx: Tx, ids: Sequence[PersonId]) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(EVIDENCE_OF, tx.brand, ids)]
