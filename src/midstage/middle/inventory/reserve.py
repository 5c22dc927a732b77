"""Promise stock to an order, and end the promise."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.inventory import rules, store
from midstage.middle.inventory.types import (
    AlreadyReserved,
    LocationId,
    Outcome,
    Reservation,
    Seller,
    SkuId,
    StockShort,
    Want,
)


async def reserve(tx: Tx, order_id: UUID, wants: Sequence[Want], *, seller: Seller | None = None) -> None:
    """Promise all of it to an order, or nothing.

    With a seller, what lies at others' locations is promised only within the share policy. An order whose reservation
    ended may reserve again. Raises StockShort (the first want that is short), AlreadyReserved, QuantityInvalid.
    """
    merged = rules.merge(wants)
    fit, promised = await store.reserve(tx, order_id, merged, seller)
    if not fit:
        raise await _short(tx, wants, merged, seller)
    if promised != len(merged):
        raise AlreadyReserved(order_id)


async def end_reservation(
    tx: Tx, order_id: UUID, outcome: Outcome, *, only: Sequence[tuple[LocationId, SkuId]] | None = None
) -> list[Want]:
    """End what an order still holds, or a part of it; handed over, the goods leave the stock. Returns what was ended.

    A second call ends nothing. To be called in the transaction that moves the order.
    """
    return await store.end_reservation(tx, order_id, outcome, only)


async def reservations(tx: Tx, order_id: UUID) -> list[Reservation]:
    """What an order holds or held."""
    return await store.reservations(tx, order_id)


async def orders_holding(tx: Tx) -> set[UUID]:
    """The orders to which anything is promised at this moment. For the doctor."""
    return await store.orders_holding(tx)


async def _short(tx: Tx, wants: Sequence[Want], merged: Sequence[Want], seller: Seller | None) -> StockShort:
    """Name the first want, as the caller ordered them, for which too little is free."""
    locations = list({want.location_id for want in merged})
    free = await store.free_at(tx, locations, list({want.sku_id for want in merged}), seller)
    total = {(want.location_id, want.sku_id): want.milli for want in merged}
    keys = [(want.location_id, want.sku_id) for want in wants]
    # Between the two statements somebody may have given back what was short: then the first is named.
    location, sku = next((key for key in keys if free.get(key, 0) < total[key]), keys[0])
    return StockShort(sku, location, total[location, sku], free.get((location, sku), 0))
