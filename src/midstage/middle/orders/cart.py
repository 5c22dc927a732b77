"""Carts and favourites: one for each owner, whatever the front; a guest's is merged when they sign in."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import rules, store
from midstage.middle.orders.types import MAX_LINES, CartFull, LineWish, OwnerId


class CartLine(msgspec.Struct, frozen=True):
    """One sku of a cart."""

    sku_id: catalogue.SkuId
    quantity_milli: int
    added_at: datetime


async def put(tx: Tx, owner: OwnerId, wish: LineWish) -> list[CartLine]:
    """Set how much of a sku is in the cart. Refuses what the catalogue refuses, and CartFull."""
    rules.check_offers([wish], await catalogue.offers(tx, [wish.sku_id]))
    if not await store.put_cart(tx, owner, wish.sku_id, wish.quantity_milli, most=MAX_LINES):
        raise CartFull
    return await lines(tx, owner)


async def remove(tx: Tx, owner: OwnerId, sku_ids: Sequence[catalogue.SkuId]) -> int:
    """Take skus out; returns how many were in it."""
    return await store.remove_cart(tx, owner, sku_ids)


def forget(tx: Tx, owner: OwnerId, sku_ids: Sequence[catalogue.SkuId]) -> None:
    """Take skus out with the flush, where nobody asks how many."""
    store.forget_cart(tx, owner, sku_ids)


async def lines(tx: Tx, owner: OwnerId) -> list[CartLine]:
    """What is in the cart, in the order in which it was put there."""
    return [CartLine(**row) for row in await store.cart(tx, owner)]


async def merge(tx: Tx, guest: OwnerId, into: OwnerId) -> None:
    """Move a guest's cart and favourites to a member: the larger quantity of a sku stays, nothing is lost or doubled.

    A second merge of the same guest finds nothing to move.
    """
    if guest != into:
        await store.merge_carts(tx, guest, into, most=MAX_LINES)
        await store.merge_favourites(tx, guest, into)


async def favour(tx: Tx, owner: OwnerId, product_id: catalogue.ProductId) -> None:
    """Keep a product as a favourite; once is enough."""
    await store.favour(tx, owner, product_id)


async def disfavour(tx: Tx, owner: OwnerId, product_id: catalogue.ProductId) -> None:
    """Let a favourite go."""
    await store.disfavour(tx, owner, product_id)


async def favourites(tx: Tx, owner: OwnerId) -> list[UUID]:
    """The favourite products, the newest first, at most 500."""
    return await store.favourites(tx, owner)
