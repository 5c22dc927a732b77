"""Incoming goods: deliveries that suppliers announce, and what comes of them."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Milli, Minor, Name, Reason, Short, Version
from midstage.fronts.console.stock_words import Positive, my_location
from midstage.kit.database import Tx
from midstage.kit.money import Currency
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

TAGS = ["console: incoming goods"]
READ, WRITE = "inventory.read", "inventory.write"
STEP_FAULTS = (
    access.OutOfScope,
    inventory.NoSuchStockDelivery,
    inventory.DeliveryStateWrong,
    inventory.DeliveryChangedMeanwhile,
)


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of a sku, at the supply price of a unit."""

    sku_id: UUID
    milli: Positive
    supply_minor: Minor


class ExpectDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier sends; the currency is the store's if it is left out."""

    store_id: UUID
    supplier: Name
    lines: Annotated[list[Expected], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]
    document: Short = ""
    due_on: date | None = None
    currency: Currency | None = None
    note: Short = ""


class Came(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of a sku: taken, refused as damaged; with another price than was expected, if so."""

    sku_id: UUID
    milli: Milli
    refused_milli: Milli = 0
    supply_minor: Minor | None = None


class ReceiveDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came; `final` says that nothing else comes."""

    version: Version
    lines: Annotated[list[Came], msgspec.Meta(max_length=inventory.LINES_LIMIT)]
    final: bool = False
    note: Short = ""


class CancelDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Version
    reason: Reason


class DeliveryDetail(msgspec.Struct, frozen=True):
    """A delivery, and what came when."""

    delivery: inventory.Delivery
    steps: list[inventory.Step]


@reading("/deliveries", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def deliveries(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    state: inventory.DeliveryState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Delivery]:
    """Deliveries to the stores that I see, the latest first."""
    wanted = inventory.DeliveryFilter((await reach(tx, staff, READ)).locations(store_id), state)
    return await inventory.deliveries(tx, wanted, PageRequest(after, limit))


@reading(
    "/deliveries/{stock_delivery_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchStockDelivery),
)
async def delivery(stock_delivery_id: UUID, tx: Tx, staff: Staff) -> DeliveryDetail:
    """A delivery, and what came when."""
    found = await _mine(tx, staff, READ, stock_delivery_id)
    return DeliveryDetail(found, await inventory.delivery_steps(tx, found.delivery_id))


@reading(
    "/deliveries/{stock_delivery_id:uuid}/lines",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchStockDelivery),
)
async def delivery_lines(
    stock_delivery_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[inventory.DeliveryLine]:
    """The lines of a delivery, by sku."""
    found = await _mine(tx, staff, READ, stock_delivery_id)
    return await inventory.delivery_lines(tx, found.delivery_id, PageRequest(after, limit))


@changing(
    "POST",
    "/deliveries",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        inventory.NoSuchLocation,
        inventory.QuantityInvalid,
        catalogue.NoSuchSku,
        organisation.NoSuchStore,
    ),
)
async def expect_delivery(data: ExpectDelivery, tx: Tx, staff: Staff) -> inventory.Delivery:
    """Announce what a supplier sends, at its supply prices; it is incoming from now on."""
    location = await my_location(tx, staff, WRITE, data.store_id)
    await catalogue.require_skus(tx, [catalogue.SkuId(line.sku_id) for line in data.lines])
    store = await organisation.one_store(tx, organisation.StoreId(data.store_id))
    return await inventory.expect_delivery(
        tx,
        location,
        [inventory.DeliveryLine(catalogue.SkuId(line.sku_id), line.milli, line.supply_minor) for line in data.lines],
        supplier=data.supplier,
        currency=data.currency or store.currency,
        document=data.document,
        due_on=data.due_on,
        note=data.note,
    )


@changing(
    "POST",
    "/deliveries/{stock_delivery_id:uuid}/receive",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        *STEP_FAULTS,
        inventory.QuantityInvalid,
        inventory.NotExpected,
        inventory.DeliveredTooMuch,
        inventory.SupplyCurrencyWrong,
    ),
)
async def receive_delivery(stock_delivery_id: UUID, data: ReceiveDelivery, tx: Tx, staff: Staff) -> inventory.Delivery:
    """Take in what came and is good; the rest is expected still, or called off if nothing else comes."""
    found = await _mine(tx, staff, WRITE, stock_delivery_id)
    return await inventory.receive_delivery(
        tx,
        found.delivery_id,
        [
            inventory.Arrival(catalogue.SkuId(line.sku_id), line.milli, line.refused_milli, line.supply_minor)
            for line in data.lines
        ],
        version=data.version,
        final=data.final,
        note=data.note,
    )


@changing(
    "POST",
    "/deliveries/{stock_delivery_id:uuid}/cancel",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.ReasonMissing),
)
async def cancel_delivery(stock_delivery_id: UUID, data: CancelDelivery, tx: Tx, staff: Staff) -> inventory.Delivery:
    """Expect nothing more of it."""
    found = await _mine(tx, staff, WRITE, stock_delivery_id)
    return await inventory.cancel_delivery(tx, found.delivery_id, version=data.version, reason=data.reason)


async def _mine(tx: Tx, staff: Staff, permission: str, delivery_id: UUID) -> inventory.Delivery:
    """A delivery to a store of mine. Raises inventory.NoSuchStockDelivery, access.OutOfScope."""
    mine = await reach(tx, staff, permission)
    found = await inventory.delivery(tx, inventory.DeliveryId(delivery_id))
    mine.need(found.location_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    deliveries, delivery, delivery_lines, expect_delivery, receive_delivery, cancel_delivery,
]  # fmt: skip
