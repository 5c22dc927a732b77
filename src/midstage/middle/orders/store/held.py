"""SQL of held sales."""

from datetime import date, datetime
from typing import cast
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.orders.store.rows import as_json
from midstage.middle.orders.till_types import HeldCart, HeldSale
from midstage.middle.organisation import api as organisation

INSERT_HELD = """
insert into held_sale (brand_id, held_id, store_id, till_id, business_date, name, cart, held_by, held_at)
select $1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9
 where (select count(*) from held_sale where brand_id = $1 and store_id = $3 and state = 'held' and business_date = $5) < $10
"""
HELD_OF_STORE = """
select held_id, store_id, till_id, business_date, name, cart::text as cart, held_by, held_at
  from held_sale where brand_id = $1 and store_id = $2 and business_date = $3 and state = 'held'
 order by held_at, held_id limit $4
"""
STORE_OF_HELD = "select store_id from held_sale where brand_id = $1 and held_id = $2"
END_HELD = """
update held_sale set state = $5, ended_till_id = $6, ended_by = $7, ended_at = $8
 where brand_id = $1 and held_id = $2 and store_id = $3 and business_date = $4 and state = 'held'
returning held_id, store_id, till_id, business_date, name, cart::text as cart, held_by, held_at
"""
EXPIRE_HELD = """
update held_sale set state = 'expired', ended_at = $3
 where brand_id = $1 and state = 'held' and business_date < $2
"""
OLD_HELD = """
select held_id, store_id, name, held_at from held_sale
 where brand_id = $1 and state = 'held' and held_at < $2 order by held_at limit $3
"""


async def insert(tx: Tx, held: HeldSale, *, most: int) -> int:
    return await tx.run(
        INSERT_HELD, tx.brand, held.held_id, held.store_id, held.till_id, held.business_date, held.name,
        as_json(held.cart), held.held_by, held.held_at, most,
    )  # fmt: skip


async def of_store(tx: Tx, store_id: organisation.StoreId, day: date, limit: int) -> list[HeldSale]:
    return [to_held(row) for row in await tx.rows(HELD_OF_STORE, tx.brand, store_id, day, limit)]


async def store_of(tx: Tx, held_id: UUID) -> organisation.StoreId | None:
    return cast("organisation.StoreId | None", await tx.value(STORE_OF_HELD, tx.brand, held_id))


async def end(
    tx: Tx,
    held_id: UUID,
    store_id: organisation.StoreId,
    day: date,
    *,
    became: str,
    till_id: organisation.TouchpointId | None,
) -> HeldSale | None:
    """The sale, for the first who ends it."""
    row = await tx.row(END_HELD, tx.brand, held_id, store_id, day, became, till_id, tx.by.id, tx.now)
    return None if row is None else to_held(row)


async def expire(tx: Tx, today: date) -> int:
    return await tx.run(EXPIRE_HELD, tx.brand, today, tx.now)


async def old(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(OLD_HELD, tx.brand, before, limit)


def to_held(row: Record) -> HeldSale:
    return HeldSale(
        held_id=row["held_id"],
        store_id=row["store_id"],
        till_id=row["till_id"],
        business_date=row["business_date"],
        name=row["name"],
        cart=msgspec.json.decode(row["cart"], type=HeldCart),
        held_by=row["held_by"],
        held_at=row["held_at"],
    )
