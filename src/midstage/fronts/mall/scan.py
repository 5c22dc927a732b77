"""Scan-and-go: enter a store by its code, scan goods, pay, and show a code at the door."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.mall.callers import GuestUnknown, Shopper, Visitor
from midstage.fronts.mall.checkout import my_order_of
from midstage.fronts.mall.views import PlacedView, placed_view
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

TAGS = ["mall: scan and go"]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Barcode = Annotated[str, QueryParameter(max_length=64, description="What was scanned: an EAN, or a label of the store")]
READS = (orders.BarcodeUnknown, orders.LabelDamaged, orders.NotSoldHere, catalogue.QuantityUnsellable)
STORE = (organisation.NoSuchStore, orders.SelfServiceOff)


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code at the door, on a poster or a shelf."""

    code: Code


class Entered(msgspec.Struct, frozen=True):
    """The store that somebody stands in, and where they came from."""

    store_id: UUID
    name: str
    address: str
    currency: str
    touchpoint_id: UUID


class ScannedView(msgspec.Struct, frozen=True):
    """What a code stands for, and what it costs in this store."""

    sku_id: UUID
    sku_code: str
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    total_minor: int
    currency: str
    sold: bool
    """Whether it can be bought here and now."""


class ScanAndGo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was scanned, and the total that the shopper saw."""

    lines: Annotated[list[orders.TillLine], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
    touchpoint_id: UUID | None = None
    expected_total_minor: int | None = None


class LeaveCodeView(msgspec.Struct, frozen=True):
    """What to show at the door, and until when it opens."""

    code: str
    expires_at: datetime


@changing("POST", "/enter", tags=TAGS, refuses=(organisation.NoSuchTouchpoint, orders.SelfServiceOff))
async def enter(data: Enter, tx: Tx, _visitor: Visitor) -> Entered:
    """Enter a store by a code of it. Nothing is kept: the store goes with each call that follows."""
    touchpoint = await organisation.touchpoint_by_code(tx, data.code)
    at = (await organisation.stores(tx, [touchpoint.store_id]))[touchpoint.store_id]
    await orders.check_self_service(tx, at)
    return Entered(at.store_id, at.name, at.address, at.currency, touchpoint.touchpoint_id)


@reading("/stores/{store_id:uuid}/goods", tags=TAGS, refuses=(*STORE, *READS, GuestUnknown))
async def scan(store_id: UUID, barcode: Barcode, tx: Tx, visitor: Visitor) -> ScannedView:
    """Scan goods in a store: what they are, and what they cost there, for a member at her level."""
    at = await _store(tx, store_id)
    shopper = await members.shopper(tx, visitor.member_id) if visitor.member_id else None
    level = shopper.level if shopper else None
    (found,) = await orders.quote_lines(tx, at, [orders.TillLine(barcode=barcode)], level=level)
    line = found.line
    return ScannedView(
        line.sku_id,
        line.sku_code,
        line.title_zh,
        line.title_en,
        line.options,
        line.unit,
        line.quantity_milli,
        line.unit_minor,
        line.total_minor,
        at.currency,
        found.live,
    )


@changing(
    "POST",
    "/stores/{store_id:uuid}/scan-and-go",
    status=201,
    once=True,
    tags=TAGS,
    refuses=(
        *STORE,
        *READS,
        orders.LineUnclear,
        orders.SkuUnknown,
        orders.TakeToTill,
        orders.TotalMoved,
        catalogue.NotForSale,
        inventory.StockShort,
        pricing.PricesChanged,
    ),
)
async def scan_and_go(store_id: UUID, data: ScanAndGo, tx: Tx, shopper: Shopper) -> PlacedView:
    """Order what was scanned; it is paid like any order, and leaves with a code."""
    serving = orders.Serving(
        kind=orders.Kind.SCAN_AND_GO,
        at=await _store(tx, store_id),
        lines=data.lines,
        member_id=shopper.member_id,
        touchpoint_id=organisation.TouchpointId(data.touchpoint_id) if data.touchpoint_id else None,
        expected_total_minor=data.expected_total_minor,
    )
    return placed_view(await orders.place_served(tx, serving))


@changing(
    "POST",
    "/orders/{order_id:uuid}/leave-code",
    tags=TAGS,
    refuses=(orders.NoSuchOrder, orders.NothingToLeaveWith, orders.LeaveCodeUsed),
)
async def leave_code(order_id: UUID, tx: Tx, shopper: Shopper) -> LeaveCodeView:
    """A code to show at the door, in place of the one before."""
    order = await my_order_of(tx, order_id, shopper)
    shown = await orders.leave_code(tx, order.order_id)
    return LeaveCodeView(shown.code, shown.expires_at)


async def _store(tx: Tx, store_id: UUID) -> organisation.Store:
    """Raises organisation.NoSuchStore, orders.SelfServiceOff."""
    at = await organisation.one_store(tx, organisation.StoreId(store_id))
    await orders.check_self_service(tx, at)
    return at


HANDLERS: list[HTTPRouteHandler] = [enter, scan, scan_and_go, leave_code]
