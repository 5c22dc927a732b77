"""The way out of a store: staff or a gate opens it for a code, once, and some goods are looked at."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Short
from midstage.fronts.counter.desk import SELL, my_store
from midstage.fronts.counter.sales import SoldLine, sold_line
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders

TAGS = ["counter: doors"]
MOVES = (orders.OrderNotMovable, orders.OrderChanged)


class OpenDoor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which store's door which code is shown."""

    store_id: UUID
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class DoorView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether she goes, or somebody looks at these goods first."""

    order_id: UUID
    number: str
    state: orders.PassState
    units_milli: int
    total_minor: int
    currency: str
    lines: list[SoldLine]
    """What was paid, where it is to be looked at; else nothing."""


class EndCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found: all as paid, or what was not."""

    store_id: UUID
    ok: bool
    note: Short = ""


@changing(
    "POST",
    "/doors/open",
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(
        access.OutOfScope,
        orders.LeaveCodeUnknown,
        orders.LeaveCodeExpired,
        orders.LeaveCodeUsed,
        orders.NothingToLeaveWith,
        *MOVES,
    ),
)
async def open_door(data: OpenDoor, tx: Tx, staff: Staff) -> DoorView:
    """Open the door for a code, once. By chance or by its total an order is to be looked at; then its lines come with it."""
    store_id = (await my_store(tx, staff, SELL, data.store_id)).store_id
    opened = await orders.open_door(tx, store_id, data.code)
    order = opened.order
    return DoorView(
        order_id=order.order_id,
        number=order.number,
        state=opened.state,
        units_milli=order.units_milli,
        total_minor=order.total_minor,
        currency=order.currency,
        lines=[sold_line(line) for line in opened.lines],
    )


@changing(
    "POST",
    "/doors/checks/{order_id:uuid}",
    status=204,
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(access.OutOfScope, orders.NotChecking, *MOVES),
)
async def end_check(order_id: UUID, data: EndCheck, tx: Tx, staff: Staff) -> None:
    """Somebody looked: she goes, and what was found is kept."""
    store_id = (await my_store(tx, staff, SELL, data.store_id)).store_id
    await orders.end_check(tx, store_id, orders.OrderId(order_id), ok=data.ok, note=data.note)


HANDLERS: list[HTTPRouteHandler] = [open_door, end_check]
