"""What payments keep of a person: the words that somebody wrote as the reason of a refund."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx

ERASE_REASONS = """
update refund set reason = '' where refund.brand_id = $1 and refund.order_id = any ($2::uuid[]) and refund.reason <> ''
"""


async def erase_reasons(tx: Tx, orders: Sequence[UUID]) -> dict[str, int]:
    return {"refund": await tx.run(ERASE_REASONS, tx.brand, orders)}
