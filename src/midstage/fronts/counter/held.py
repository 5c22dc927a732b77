"""Sales that are put by, for any till of the store."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.staff import Person
from midstage.fronts.counter.desk import AT_TILL, SELL, my_store, my_till
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders

TAGS = ["counter: held sales"]


class HoldSale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is put by, and under which name it is found again."""

    till_id: UUID
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    cart: orders.HeldCart


class RecallSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which till it is taken up."""

    till_id: UUID


@changing("POST", "/held", status=201, once=True, tags=TAGS, needs=SELL, refuses=(*AT_TILL, orders.TooManyHeld))
async def hold_sale(data: HoldSale, tx: Tx, staff: Person) -> orders.HeldSale:
    """Put a sale by; it waits until the business day ends."""
    till = await my_till(tx, staff, SELL, data.till_id)
    return await orders.hold_sale(tx, till, data.cart, name=data.name)


@reading("/held", tags=TAGS, needs=SELL, refuses=(access.OutOfScope,))
async def held_sales(tx: Tx, staff: Person, store_id: UUID) -> list[orders.HeldSale]:
    """What is held in a store, the oldest first."""
    at = await my_store(tx, staff, SELL, store_id)
    return list(await orders.held_sales(tx, at.store_id))


@changing(
    "POST",
    "/held/{held_id:uuid}/recall",
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*AT_TILL, orders.NoSuchHeldSale, orders.SaleNotHeld),
)
async def recall_sale(held_id: UUID, data: RecallSale, tx: Tx, staff: Person) -> orders.HeldSale:
    """Take a held sale up at this till; of several who ask at once one gets it."""
    till = await my_till(tx, staff, SELL, data.till_id)
    await my_store(tx, staff, SELL, await orders.store_of_held(tx, held_id))
    return await orders.recall_sale(tx, till, held_id)


@changing(
    "DELETE",
    "/held/{held_id:uuid}",
    status=204,
    tags=TAGS,
    needs=SELL,
    refuses=(access.OutOfScope, orders.NoSuchHeldSale, orders.SaleNotHeld),
)
async def drop_sale(held_id: UUID, tx: Tx, staff: Person) -> None:
    """Nobody wants it any more."""
    at = await my_store(tx, staff, SELL, await orders.store_of_held(tx, held_id))
    await orders.drop_sale(tx, held_id, at.store_id)


HANDLERS: list[HTTPRouteHandler] = [hold_sale, held_sales, recall_sale, drop_sale]
