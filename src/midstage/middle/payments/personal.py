"""What payments keep of a person, and lose: the reasons of refunds. Money, its ways and its figures are books."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.payments.store import personal


async def erase_orders(tx: Tx, orders: Sequence[UUID]) -> dict[str, int]:
    """Lose what was written as the reason of the refunds of these orders."""
    return await personal.erase_reasons(tx, list(orders))
