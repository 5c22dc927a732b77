"""Read stock, its history, and what does not fit."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.inventory import store
from midstage.middle.inventory.types import (
    LocationId,
    Movement,
    SkuId,
    Stock,
    StockFilter,
)

_LAST = 2**63 - 1


async def stock(tx: Tx, location: LocationId, sku_ids: Sequence[SkuId]) -> dict[SkuId, Stock]:
    """The stock rows of some skus at a location; a sku that was never there is missing."""
    return {row.sku_id: row for row in await store.stock_at(tx, [location], sku_ids)}


async def stock_list(tx: Tx, filters: StockFilter, page: PageRequest) -> Page[Stock]:
    """Stock rows by location and sku."""
    rows = await store.list_stock(tx, filters, page.place(tuple[UUID, UUID]), page.fetch)

    def place(row: Stock) -> tuple[UUID, UUID]:
        return row.location_id, row.sku_id

    return page.page(rows, place)


async def movements(tx: Tx, location: LocationId, sku: SkuId, page: PageRequest) -> Page[Movement]:
    """How the goods of a stock row came and went, newest first. (Promises are read by order: `reservations`.)"""
    place = page.place(tuple[int])
    below = _LAST if place is None else place[0]
    rows = await store.movements(tx, location, sku, below=below, limit=page.fetch)

    def number(row: Movement) -> tuple[int]:
        return (row.movement_id,)

    return page.page(rows, number)
