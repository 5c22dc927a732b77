"""What loyalty knows of a person: handed out. It is figures by member, which mean nobody once she is erased."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.identity import api as identity
from midstage.middle.loyalty.standing import standing
from midstage.middle.members import api as members


async def export_person(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[str, Any]:
    """What these persons have bought so far."""
    found = await standing(tx, [each.member_id for each in await members.members_of(tx, persons)])
    return {"standing": [{"member_id": member_id, "bought": each} for member_id, each in found.items()]}
