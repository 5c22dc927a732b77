"""The words of sales at a till."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.orders.types import MAX_LINES, Line, Order, Quantity
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

CHANNEL = "till"
MOST_HELD = 200


class Till(msgspec.Struct, frozen=True):
    """A till, and the store it stands in."""

    till_id: organisation.TouchpointId
    code: str
    name: str
    at: organisation.Store


class TillLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes over the counter: a barcode, a sku by its code or id; and how much of it.

    A label of the store (a barcode with a weight or a price in it) says itself how much; others are one, if not said.
    """

    barcode: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    sku_id: UUID | None = None
    quantity_milli: Quantity | None = None


class Selling(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a sale at a till takes."""

    lines: Sequence[TillLine]
    tenders: Sequence[payments.TenderWish] = ()
    member_id: members.MemberId | None = None
    guide_id: organisation.GuideId | None = None
    expected_total_minor: int | None = None
    note: str = ""


class Goods(msgspec.Struct, frozen=True):
    """A line as it was read: what it is, how much of it, and what it costs if its label says so."""

    offer: catalogue.Offer
    quantity_milli: int
    label_minor: int | None = None


class Clock(StrEnum):
    """Whether a device's clock was right; `corrected` by what it differed from ours, `unknown` where that made no sense."""

    RIGHT = "right"
    CORRECTED = "corrected"
    UNKNOWN = "unknown"


class TillSale(msgspec.Struct, frozen=True, kw_only=True):
    """What an order of a till has besides."""

    store_id: organisation.StoreId
    till_id: organisation.TouchpointId
    shift_id: payments.ShiftId
    business_date: date
    cashier_id: UUID
    sold_at: datetime
    device_sale_id: str | None = None
    device_sequence: int | None = None
    device_at: datetime | None = None
    device_receipt: str | None = None
    clock: Clock = Clock.RIGHT
    differs_minor: int = 0
    content_hash: bytes | None = None


class Below(msgspec.Struct, frozen=True):
    """A sku of which more was sold than there was, by the books: a discrepancy waits for a person."""

    sku_id: catalogue.SkuId
    on_hand_milli: int
    discrepancy_id: UUID


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A sale at a till: the order with its lines, how it was paid, and where the stock was wrong."""

    order: Order
    lines: Sequence[Line]
    sale: TillSale
    tenders: Sequence[payments.TillPart]
    below: Sequence[Below] = ()
    waiting: Sequence[payments.PaymentId] = ()
    """What providers are still to take; the goods are handed over then."""

    @property
    def change_minor(self) -> int:
        return sum(one.change_minor for one in self.tenders)


class QuotedLine(msgspec.Struct, frozen=True):
    """A line with its price, before it is sold."""

    line: Line
    live: bool


class NoSuchTill(NotFound):
    """There is no such till, or its touchpoint is closed or is none."""

    text = Text(zh="没有这个收银台", en="There is no such till.")
    till_id: UUID


class LineUnclear(Invalid):
    """A line names what is sold in one way: a barcode, a sku code or a sku id."""

    text = Text(
        zh="第 {line_no} 行须且只须给出条码、规格编码或规格 id 之一",
        en="Line {line_no} names its goods by a barcode, a sku code or a sku id, and by one of them only.",
    )
    line_no: int


class BarcodeUnknown(Conflict):
    """A scanned code stands for nothing here."""

    text = Text(
        zh="第 {line_no} 行条码 {barcode} 无法识别", en="Line {line_no}: nothing here has the barcode {barcode}."
    )
    line_no: int
    barcode: str


class LabelDamaged(Invalid):
    """A label of the store was misread: its check digit, or the one of its price, does not fit, or it says nothing."""

    text = Text(
        zh="电子秤条码 {barcode} 读取有误，请重新扫描", en="The scale's label {barcode} was misread; scan again."
    )
    barcode: str


class SkuUnknown(Conflict):
    """The brand has no sku of this code or id."""

    text = Text(zh="第 {line_no} 行没有规格 {sku}", en="Line {line_no}: there is no sku {sku}.")
    line_no: int
    sku: str


class HeldCart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was put by: the goods, and for whom."""

    lines: Annotated[list[TillLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]
    member_id: UUID | None = None
    guide_id: UUID | None = None


class HeldSale(msgspec.Struct, frozen=True, kw_only=True):
    """A sale that waits to be taken up."""

    held_id: UUID
    store_id: organisation.StoreId
    till_id: organisation.TouchpointId
    business_date: date
    name: str
    cart: HeldCart
    held_by: UUID
    held_at: datetime


class NoSuchHeldSale(NotFound):
    """There is no such sale that was put by."""

    text = Text(zh="没有这笔挂单", en="There is no such held sale.")
    held_id: UUID


class SaleNotHeld(Conflict):
    """The sale was taken up elsewhere, dropped, or the business day is over."""

    text = Text(
        zh="该挂单已被取走、删除或已过期", en="This sale is not held any more: it was taken up, dropped, or is over."
    )
    held_id: UUID


class TooManyHeld(Conflict):
    """A store puts by so many sales at a time."""

    text = Text(zh="本店挂单已达 {most} 笔，请先处理", en="{most} sales are held in this store; deal with some first.")
    most: int = MOST_HELD
