"""SQL of carts and favourites."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.orders.types import (
    OwnerId,
)

# The count is of the other skus, so changing a quantity in a full cart stays possible.
_PUT_CART = """
insert into cart_line (brand_id, owner_id, sku_id, quantity_milli, added_at)
select $1, $2, $3, $4, $5
 where (select count(*) from cart_line where brand_id = $1 and owner_id = $2 and sku_id <> $3) < $6
on conflict (brand_id, owner_id, sku_id) do update set quantity_milli = excluded.quantity_milli
"""
_REMOVE_CART = "delete from cart_line where brand_id = $1 and owner_id = $2 and sku_id = any($3)"
_CART = """
select sku_id, quantity_milli, added_at from cart_line where brand_id = $1 and owner_id = $2 order by added_at, sku_id
"""
_MERGE_CART = """
with gone as (
  delete from cart_line where brand_id = $1 and owner_id = $2 returning sku_id, quantity_milli, added_at
), room as (
  select $4 - count(*) as skus from cart_line where brand_id = $1 and owner_id = $3
), kept as (
  select g.*, row_number() over (order by (c.sku_id is null), g.added_at, g.sku_id) as nth,
         (c.sku_id is not null) as known
    from gone g left join cart_line c on c.brand_id = $1 and c.owner_id = $3 and c.sku_id = g.sku_id
)
insert into cart_line as l (brand_id, owner_id, sku_id, quantity_milli, added_at)
select $1, $3, k.sku_id, k.quantity_milli, k.added_at
  from kept k, room
 where k.known or k.nth - (select count(*) from kept where known) <= room.skus
on conflict (brand_id, owner_id, sku_id)
do update set quantity_milli = greatest(l.quantity_milli, excluded.quantity_milli)
"""
_FAVOUR = """
insert into favourite (brand_id, owner_id, product_id, added_at) values ($1, $2, $3, $4) on conflict do nothing
"""
_DISFAVOUR = "delete from favourite where brand_id = $1 and owner_id = $2 and product_id = $3"
_FAVOURITES = """
select product_id from favourite where brand_id = $1 and owner_id = $2 order by added_at desc, product_id limit 500
"""
_MERGE_FAVOURITES = """
with gone as (
  delete from favourite where brand_id = $1 and owner_id = $2 returning product_id, added_at
)
insert into favourite (brand_id, owner_id, product_id, added_at)
select $1, $3, product_id, added_at from gone on conflict do nothing
"""


async def put_cart(tx: Tx, owner: OwnerId, sku_id: UUID, quantity_milli: int, *, most: int) -> bool:
    """False if the cart is full."""
    return await tx.run(_PUT_CART, tx.brand, owner, sku_id, quantity_milli, tx.now, most) == 1


async def remove_cart(tx: Tx, owner: OwnerId, sku_ids: Sequence[UUID]) -> int:
    return await tx.run(_REMOVE_CART, tx.brand, owner, list(sku_ids))


def forget_cart(tx: Tx, owner: OwnerId, sku_ids: Sequence[UUID]) -> None:
    tx.later(_REMOVE_CART, tx.brand, owner, list(sku_ids))


async def cart(tx: Tx, owner: OwnerId) -> list[Record]:
    return await tx.rows(_CART, tx.brand, owner)


async def merge_carts(tx: Tx, guest: OwnerId, into: OwnerId, *, most: int) -> None:
    await tx.run(_MERGE_CART, tx.brand, guest, into, most)


async def merge_favourites(tx: Tx, guest: OwnerId, into: OwnerId) -> None:
    await tx.run(_MERGE_FAVOURITES, tx.brand, guest, into)


async def favour(tx: Tx, owner: OwnerId, product_id: UUID) -> None:
    await tx.run(_FAVOUR, tx.brand, owner, product_id, tx.now)


async def disfavour(tx: Tx, owner: OwnerId, product_id: UUID) -> None:
    await tx.run(_DISFAVOUR, tx.brand, owner, product_id)


async def favourites(tx: Tx, owner: OwnerId) -> list[UUID]:
    return [row["product_id"] for row in await tx.rows(_FAVOURITES, tx.brand, owner)]
