"""What access keeps of shoppers: their sessions, and how often their phones were sent a code."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from midstage.kit.database import Tx

SESSIONS = """
select session.kind, session.opened_at, session.seen_at, session.expires_at, session.device, session.ip from session
 where session.brand_id = $1 and session.subject_id = any ($2::uuid[]) order by session.opened_at
"""

ERASE_SESSIONS = "delete from session where session.brand_id = $1 and session.subject_id = any ($2::uuid[])"

ERASE_QUOTAS = "delete from phone_quota quota where quota.brand_id = $1 and quota.phone_hash = any ($2::bytea[])"


async def sessions_of_persons(tx: Tx, persons: Sequence[UUID]) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(SESSIONS, tx.brand, persons)]


async def erase_persons(tx: Tx, persons: Sequence[UUID], phone_hashes: Sequence[bytes]) -> dict[str, int]:
    return {
        "session": await tx.run(ERASE_SESSIONS, tx.brand, persons),
        "phone_quota": await tx.run(ERASE_QUOTAS, tx.brand, phone_hashes),
    }
