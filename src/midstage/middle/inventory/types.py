"""The words of inventory. Quantities are thousandths of the sku's unit."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation

LocationId = NewType("LocationId", UUID)
ShareId = NewType("ShareId", UUID)
DiscrepancyId = NewType("DiscrepancyId", UUID)
SkuId = catalogue.SkuId

WANTS_LIMIT = 1_000
MILLI_LIMIT = 10**15  # a bigint holds nine thousand of these, so no sum that we form can overflow


class Outcome(StrEnum):
    """How a reservation ends."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"


class ReservationState(StrEnum):
    OPEN = "open"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"


class MovementKind(StrEnum):
    """Why stock changed."""

    OPENING = "opening"
    RECEIVED = "received"
    EXPECTED = "expected"
    ADJUSTED = "adjusted"
    COUNTED = "counted"
    SOLD = "sold"
    RESERVED = "reserved"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    SENT = "sent"
    ARRIVED = "arrived"
    SENT_BACK = "sent_back"
    LOST = "lost"


class Location(msgspec.Struct, frozen=True):
    """A place that keeps stock: a store as inventory knows it."""

    location_id: LocationId
    kind: organisation.StoreKind
    operator_id: organisation.OperatorId
    place: organisation.Place | None = None
    sells_online: bool = True
    active: bool = True


class Want(msgspec.Struct, frozen=True):
    """So much of a sku, from a location."""

    location_id: LocationId
    sku_id: SkuId
    milli: int


class Seller(msgspec.Struct, frozen=True):
    """Who sells, and through which channel: what is not the seller's own is subject to the share policy."""

    sales_channel: str
    operator_id: organisation.OperatorId | None


class Stock(msgspec.Struct, frozen=True):
    """One sku at one location. `free` is what may be promised now."""

    location_id: LocationId
    sku_id: SkuId
    on_hand_milli: int
    reserved_milli: int
    shared_milli: int
    safety_milli: int
    incoming_milli: int
    short_milli: int

    @property
    def free_milli(self) -> int:
        return max(self.on_hand_milli - self.reserved_milli - self.safety_milli, 0)


class Opening(msgspec.Struct, frozen=True):
    """What lies somewhere when the books begin."""

    location_id: LocationId
    sku_id: SkuId
    on_hand_milli: int
    safety_milli: int = 0


class Reservation(msgspec.Struct, frozen=True):
    order_id: UUID
    location_id: LocationId
    sku_id: SkuId
    milli: int
    state: ReservationState
    shared: bool
    reserved_at: datetime
    ended_at: datetime | None


class Movement(msgspec.Struct, frozen=True):
    """One change of the goods; its reference says of what (an order, a delivery, a count)."""

    movement_id: int
    location_id: LocationId
    sku_id: SkuId
    kind: MovementKind
    on_hand_delta_milli: int
    incoming_delta_milli: int
    reference: UUID
    reason: str
    moved_at: datetime


class Moved(msgspec.Struct, frozen=True):
    """How a stock row stands after a change, and what the change was; with a discrepancy if it should not be so."""

    location_id: LocationId
    sku_id: SkuId
    on_hand_milli: int
    reserved_milli: int
    on_hand_delta_milli: int
    incoming_delta_milli: int
    discrepancy_id: DiscrepancyId | None


class Near(msgspec.Struct, frozen=True):
    """A location that has something of what was asked for, and how far it is."""

    location_id: LocationId
    distance_m: int
    free_milli: Mapping[SkuId, int]


class Option(msgspec.Struct, frozen=True):
    """What a location could send; options come in the order of preference."""

    location_id: LocationId
    free_milli: Mapping[SkuId, int]


class Share(msgspec.Struct, frozen=True):
    """Of the stock of a location, or of all locations of an operator, or of all: what percentage others may sell.

    For one sales channel, or for all. The most exact share holds: location before operator before all, and then
    the channel before all channels. Without any, others may sell everything.
    """

    share_id: ShareId
    percent: int
    location_id: LocationId | None = None
    operator_id: organisation.OperatorId | None = None
    sales_channel: str | None = None


class Discrepancy(msgspec.Struct, frozen=True):
    """Goods that were promised, or never booked in, are gone: somebody has to look."""

    discrepancy_id: DiscrepancyId
    location_id: LocationId
    sku_id: SkuId
    kind: MovementKind
    on_hand_milli: int
    reserved_milli: int
    reference: UUID
    found_at: datetime
    settled_at: datetime | None
    note: str
    difference_milli: int | None = None
    """By how much, where it is known: less arrived than was sent, or more."""
    resolution: str | None = None
    count_id: UUID | None = None
    """The count that is to settle it."""


class StockFilter(msgspec.Struct, frozen=True):
    """Which stock rows to list. `locations` is what the asker may see; None is everything."""

    locations: frozenset[LocationId] | None = None
    sku_id: SkuId | None = None
    only_low: bool = False
    """Only where nothing is free."""


class StockShort(Conflict):
    """Less is free than was asked for."""

    text = Text(
        zh="库存不足：需要 {wanted_milli}‰，可售 {free_milli}‰",
        en="Stock is short: {wanted_milli} thousandths wanted, {free_milli} free.",
    )
    sku: SkuId
    location: LocationId | None
    wanted_milli: int
    free_milli: int


class AlreadyReserved(Conflict):
    """The order holds this sku at this location already."""

    text = Text(zh="该订单已在此地点预占此商品", en="The order already holds this sku at this location.")
    order: UUID


class QuantityInvalid(Invalid):
    """A quantity must be within its limits, and a call must name between one and 1,000 skus."""

    text = Text(zh="数量无效：{what}", en="The quantity is invalid: {what}.")
    what: str


class ReasonMissing(Invalid):
    """A change of stock by hand needs a reason."""

    text = Text(zh="请填写调整原因", en="Say why the stock is changed.")


class NoSuchLocation(NotFound):
    """No location has this id."""

    text = Text(zh="库存地点不存在", en="There is no such stock location.")
    location: LocationId


class OpenedBefore(Conflict):
    """Stock that is opened must not have been kept before."""

    text = Text(zh="该库存已开账", en="This stock was opened before.")
    location: LocationId
    sku: SkuId


class ShareInvalid(Invalid):
    """A share is a whole percentage, of one location or one operator or of all."""

    text = Text(zh="共享比例无效", en="This share makes no sense.")


class NoSuchStockDiscrepancy(NotFound):
    """No open discrepancy has this id."""

    text = Text(zh="差异不存在或已处理", en="There is no such open discrepancy.")
    discrepancy: DiscrepancyId
