"""The words of sales that a till made while it was offline."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, NotFound, Text
from midstage.middle.orders.types import MAX_LINES, OrderId, Quantity
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

MOST_SALES = 200
"""In one upload."""
_Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_Text = Annotated[str, msgspec.Meta(max_length=64)]


class OfflineLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as it was sold: what the shopper was charged for it is the truth, whatever our prices say."""

    barcode: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    sku_id: UUID | None = None
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """What the till showed; for a person, where the code means nothing to us."""
    quantity_milli: Quantity
    total_minor: _Amount
    """Without the tax that prices do not contain."""
    tax_minor: _Amount | None = None
    """Where prices do not contain it: what was charged for tax; reckoned by us if not said."""


class OfflineMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who bought, as far as the till could know. Personal data."""

    member_id: UUID | None = None
    phone: Annotated[str, msgspec.Meta(max_length=30, extra={"personal": True})] | None = None
    card: Annotated[str, msgspec.Meta(max_length=64, extra={"personal": True})] | None = None


class OfflineSale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sale that has happened. `device_sale_id` is its own, made once by the till: it is booked once under it."""

    device_sale_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    sequence: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    device_at: Annotated[datetime, msgspec.Meta(tz=True)]
    receipt: _Text = ""
    lines: Annotated[list[OfflineLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]
    tenders: Annotated[list[payments.TenderWish], msgspec.Meta(max_length=10)] = []
    member: OfflineMember | None = None
    guide_id: UUID | None = None


class Fate(StrEnum):
    """What became of an uploaded sale. In all three the till may forget it: it is booked, or kept for a person."""

    BOOKED = "booked"
    KNOWN = "known"
    REFUSED = "refused"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one sale."""

    device_sale_id: str
    fate: Fate
    order_id: UUID | None = None
    number: str | None = None
    differs_minor: int = 0
    """What was charged beyond our prices."""
    below: int = 0
    """How many skus fell below what the books had."""
    member_unknown: bool = False
    refused_id: UUID | None = None
    code: str | None = None
    """Of the refusal."""
    reason: str | None = None


class RefusedState(StrEnum):
    WAITING = "waiting"
    BOOKED = "booked"
    DISMISSED = "dismissed"


class RefusedSale(msgspec.Struct, frozen=True, kw_only=True):
    """A sale that could not be booked, whole, until a person has dealt with it."""

    refused_id: UUID
    store_id: organisation.StoreId
    till_id: organisation.TouchpointId
    device_sale_id: str
    sale: OfflineSale
    code: str
    reason_zh: str
    reason_en: str
    state: RefusedState
    order_id: OrderId | None
    note: str
    received_at: datetime
    tries: int


class Mend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a line that we could not read really was."""

    line_no: Annotated[int, msgspec.Meta(ge=1, le=MAX_LINES)]
    sku_id: UUID


class Believed(msgspec.Struct, frozen=True):
    """When a sale happened, as we believe, and whether the device's clock was right."""

    sold_at: datetime
    clock: str


class OfflineSaleDiffers(Conflict):
    """Another sale was booked under this number of the device."""

    text = Text(
        zh="设备单号 {device_sale_id} 已入账为另一笔销售", en="Another sale was booked under {device_sale_id} already."
    )
    device_sale_id: str


class NoSuchRefusedSale(NotFound):
    """There is no such sale that waits for a person."""

    text = Text(zh="没有这笔待处理的离线销售", en="There is no such sale that waits for a person.")
    refused_id: UUID


def decode_sale(content: str) -> OfflineSale:
    """A sale as it was kept."""
    return msgspec.json.decode(content, type=OfflineSale)
