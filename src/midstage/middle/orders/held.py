"""Sales that are put by at a till: any till of the store takes one up again, once; the business day ends them."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.orders.store import held as store
from midstage.middle.orders.till_types import (
    MOST_HELD,
    HeldCart,
    HeldSale,
    NoSuchHeldSale,
    SaleNotHeld,
    Till,
    TooManyHeld,
)
from midstage.middle.organisation import api as organisation


async def hold_sale(tx: Tx, till: Till, cart: HeldCart, *, name: str = "") -> HeldSale:
    """Put a sale by. Raises TooManyHeld."""
    held = HeldSale(
        held_id=new_id(),
        store_id=till.at.store_id,
        till_id=till.till_id,
        business_date=tx.tenant.business_date(tx.now),
        name=name,
        cart=cart,
        held_by=tx.by.id,
        held_at=tx.now,
    )
    if not await store.insert(tx, held, most=MOST_HELD):
        raise TooManyHeld
    return held


async def held_sales(tx: Tx, store_id: organisation.StoreId) -> Sequence[HeldSale]:
    """What is held in a store today, the oldest first."""
    return await store.of_store(tx, store_id, tx.tenant.business_date(tx.now), MOST_HELD)


async def store_of_held(tx: Tx, held_id: UUID) -> organisation.StoreId:
    """In which store a sale was put by, whatever became of it. Raises NoSuchHeldSale."""
    found = await store.store_of(tx, held_id)
    if found is None:
        raise NoSuchHeldSale(held_id)
    return found


async def recall_sale(tx: Tx, till: Till, held_id: UUID) -> HeldSale:
    """Take a sale up at a till of the same store; only the first who asks gets it. Raises SaleNotHeld."""
    found = await store.end(
        tx, held_id, till.at.store_id, tx.tenant.business_date(tx.now), became="recalled", till_id=till.till_id
    )
    if found is None:
        raise SaleNotHeld(held_id)
    return found


async def drop_sale(tx: Tx, held_id: UUID, store_id: organisation.StoreId) -> None:
    """Nobody wants it. Raises SaleNotHeld."""
    day = tx.tenant.business_date(tx.now)
    if await store.end(tx, held_id, store_id, day, became="dropped", till_id=None) is None:
        raise SaleNotHeld(held_id)


async def expire_held(tx: Tx) -> int:
    """End what was held on business days that are over. Returns how many."""
    return await store.expire(tx, tx.tenant.business_date(tx.now))
