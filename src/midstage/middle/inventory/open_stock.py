"""Begin the books of stock, in bulk."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory import store
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.types import MILLI_LIMIT, OpenedBefore, Opening, QuantityInvalid


async def open_stock(tx: Tx, rows: Sequence[Opening], *, reason: str = "opening") -> UUID:
    """Write opening stock with its movements, by COPY; returns the reference of the movements.

    All or none. Raises QuantityInvalid for a negative or doubled row, NoSuchLocation, OpenedBefore.
    """
    reference = new_id()
    for row in rows:
        if not (0 <= row.on_hand_milli <= MILLI_LIMIT and 0 <= row.safety_milli <= MILLI_LIMIT):
            raise QuantityInvalid(f"{row.on_hand_milli}, safety {row.safety_milli}")
    if len({(row.location_id, row.sku_id) for row in rows}) != len(rows):
        raise QuantityInvalid("a sku twice at one location")
    locations = {row.location_id for row in rows}
    await check_known(tx, locations)
    before = await store.opened_before(tx, rows, locations)
    if before is not None:
        raise OpenedBefore(*before)
    # In key order the index pages are filled one after the other.
    ordered = sorted(rows, key=lambda row: (row.location_id.bytes, row.sku_id.bytes))
    await store.copy_openings(tx, ordered, reference=reference, reason=reason)
    return reference
