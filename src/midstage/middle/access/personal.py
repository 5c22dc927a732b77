"""What access keeps of shoppers: handed out, and lost. (Codes that were sent are forgotten within minutes anyway.)"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.access import rules
from midstage.middle.access.store import personal


async def export_person(tx: Tx, persons: Sequence[UUID]) -> dict[str, Any]:
    """When these persons signed in, and until when it is good."""
    return {"sessions": await personal.sessions_of_persons(tx, list(persons))}


async def erase_person(tx: Tx, persons: Sequence[UUID], *, phones: Sequence[str] = ()) -> dict[str, int]:
    """End the sessions of these persons, and forget how often their phones were sent a code."""
    return await personal.erase_persons(tx, list(persons), [rules.phone_hash(tx.brand, phone) for phone in phones])
