"""Sales that tills made while they were offline: told, booked once, and what could not be booked kept for a person."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import Moment, Reason, moment
from midstage.fronts.counter.desk import AT_TILL, MANAGE, SELL, my_store, my_till
from midstage.fronts.counter.sales import READS
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

TAGS = ["counter: offline sales"]
Mends = Annotated[list[orders.Mend], msgspec.Meta(max_length=orders.MAX_LINES)]


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a till sold while it was offline. `sent_at` is its clock now: where it is wrong, so were the sales' times."""

    till_id: UUID
    sent_at: Moment | None = None
    sales: Annotated[list[orders.OfflineSale], msgspec.Meta(min_length=1, max_length=orders.MOST_SALES)]


class Answer(msgspec.Struct, frozen=True):
    """What became of each sale, in the order in which they were told. The till may forget all of these."""

    sales: list[orders.Told]


class RetryRefused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What unreadable lines really were; and whether it is another sale that has the number of one that is booked."""

    mends: Mends = []
    another: bool = False


class DismissRefused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing is to be booked."""

    note: Reason


@changing("POST", "/offline", tags=TAGS, needs=SELL, refuses=AT_TILL)
async def upload_sales(data: Upload, request: AnyRequest, staff: Person) -> Answer:
    """Tell of sales that have happened. Told again, in part, in any order: each is booked once, and none is lost."""
    database = desk_of(request).database
    async with database.reading(staff.tenant, by=staff.by) as tx:
        till = await my_till(tx, staff, SELL, data.till_id)
    told = await orders.upload(
        database,
        staff.tenant,
        till.till_id,
        data.sales,
        sent_at=_sane(data.sent_at),
        by=staff.by,
    )
    return Answer(told)


@reading("/offline/refused", tags=TAGS, needs=MANAGE, refuses=(access.OutOfScope,))
async def refused_sales(
    tx: Tx, staff: Person, store_id: UUID | None = None, after: str | None = None, limit: Limit = 50
) -> Page[orders.RefusedSale]:
    """Sales that could not be booked and wait for somebody, the longest first."""
    within = await reach(tx, staff, MANAGE)
    return await orders.refused_sales(tx, within.narrowed(store_id), PageRequest(after, limit))


@changing(
    "POST",
    "/offline/refused/{refused_id:uuid}/retry",
    once=True,
    tags=TAGS,
    needs=MANAGE,
    refuses=(
        *AT_TILL,
        *READS,
        orders.NoSuchRefusedSale,
        orders.OfflineSaleDiffers,
        payments.TendersDoNotAddUp,
        payments.TooLittleGiven,
    ),
)
async def retry_refused(refused_id: UUID, data: RetryRefused, tx: Tx, staff: Person) -> orders.Told:
    """Book a sale that was refused, now that its lines are mended or the cause is gone."""
    refused = await _mine(tx, staff, refused_id)
    till = await my_till(tx, staff, MANAGE, refused.till_id)
    return await orders.retry_refused(tx, till, refused, data.mends, another=data.another)


@changing(
    "POST",
    "/offline/refused/{refused_id:uuid}/dismiss",
    status=204,
    once=True,
    tags=TAGS,
    needs=MANAGE,
    refuses=(access.OutOfScope, orders.NoSuchRefusedSale),
)
async def dismiss_refused(refused_id: UUID, data: DismissRefused, tx: Tx, staff: Person) -> None:
    """Book nothing; the sale stays on record with the reason."""
    refused = await _mine(tx, staff, refused_id)
    await orders.dismiss_refused(tx, refused, note=data.note)


async def _mine(tx: Tx, staff: Person, refused_id: UUID) -> orders.RefusedSale:
    """Raises orders.NoSuchRefusedSale, access.OutOfScope."""
    found = await orders.lock_refused(tx, refused_id)
    await my_store(tx, staff, MANAGE, found.store_id)
    return found


def _sane(at: datetime | None) -> datetime | None:
    return None if at is None else moment(at)


HANDLERS: list[HTTPRouteHandler] = [upload_sales, refused_sales, retry_refused, dismiss_refused]
