"""What the order book keeps of a person: handed out, and lost. Orders, their figures and ids stay: they are books."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders.store import personal
from midstage.middle.orders.types import OrderId


async def export_person(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[str, Any]:
    """Orders with their lines, addresses and notes; carts and favourites."""
    ids = [each.member_id for each in await members.members_of(tx, persons)]
    cart, favourites = await personal.carts_of(tx, ids)
    return {"orders": await personal.orders_of(tx, ids), "cart": cart, "favourites": favourites}


async def erase_person(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[str, int]:
    """Lose addresses, notes and what staff wrote as reasons; carts and favourites. The same again changes nothing.

    Before identity forgets by what the persons are known: sales that tills could not book name them by that.
    """
    ids = [each.member_id for each in await members.members_of(tx, persons)]
    known = await members.known_by(tx, persons)
    return await personal.erase_members(tx, ids, known)


async def orders_of(tx: Tx, persons: Sequence[identity.PersonId]) -> list[OrderId]:
    """All orders of these persons."""
    ids = [each.member_id for each in await members.members_of(tx, persons)]
    return [OrderId(each) for each in await personal.order_ids_of(tx, ids)]


async def open_orders(tx: Tx, persons: Sequence[identity.PersonId]) -> int:
    """How many orders of these persons are not over: their addresses are still needed."""
    return await personal.open_orders_of(tx, [each.member_id for each in await members.members_of(tx, persons)])
