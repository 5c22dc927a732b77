"""What a receipt needs of what was booked before: a sale with how it was paid, a return with what it was of."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.refusals import NotFound, Text
from midstage.middle.orders.store import till_papers as store
from midstage.middle.orders.till_return_types import TillReturn


class NoSuchReturn(NotFound):
    """No goods came back under this id."""

    text = Text(zh="没有这张退货单", en="There is no such return.")
    return_id: UUID


async def till_return(tx: Tx, return_id: UUID) -> TillReturn:
    """Goods that came back to a till. Raises NoSuchReturn."""
    found = await store.till_return(tx, return_id)
    if found is None:
        raise NoSuchReturn(return_id)
    return found
