"""The end of the day: what the tills of a store sold, took back and took in, and that it equals the ledger."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import BadDate, day_begins
from midstage.fronts.counter.desk import MANAGE, READ, my_store
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

TAGS = ["counter: days"]
Day = Annotated[date | None, QueryParameter(description="The business day; today's, if not said")]


class EndDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which business day ends."""

    business_date: date


@reading(
    "/stores/{store_id:uuid}/day",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, BadDate, payments.NoSuchBusinessDay),
)
async def day(store_id: UUID, tx: Tx, staff: Person, business_date: Day = None) -> orders.DayReport:
    """A store's business day by till: as it stands, or as it was when it was closed."""
    at = await my_store(tx, staff, READ, store_id)
    day_begins(tx.tenant, business_date)
    return await orders.day_report(tx, at, business_date or tx.tenant.business_date(tx.now))


@changing(
    "POST",
    "/stores/{store_id:uuid}/day/close",
    once=True,
    tags=TAGS,
    needs=MANAGE,
    refuses=(
        access.OutOfScope,
        BadDate,
        payments.NoSuchBusinessDay,
        payments.BusinessDayClosed,
        payments.ShiftsStillOpen,
    ),
)
async def end_day(store_id: UUID, data: EndDay, tx: Tx, staff: Person) -> orders.DayReport:
    """Close a business day once all its drawers are counted; its report is kept as it is then."""
    at = await my_store(tx, staff, MANAGE, store_id)
    day_begins(tx.tenant, data.business_date)
    return await orders.end_day(tx, at, data.business_date)


HANDLERS: list[HTTPRouteHandler] = [day, end_day]
