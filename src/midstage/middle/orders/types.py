"""The words of the order book."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders.collecting_types import Collecting
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

OrderId = NewType("OrderId", UUID)
OwnerId = NewType("OwnerId", UUID)
"""Whose cart it is: a member's id, or that of a guest."""

MAX_LINES = 200
MAX_QUANTITY_MILLI = 1_000_000_000  # a million pieces, or a thousand tonnes: beyond it somebody slipped
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY_MILLI, description="In thousandths of the unit")]


class Kind(StrEnum):
    """Which front an order was placed at, or that it came from a book of the past."""

    MALL = "mall"
    TILL = "till"
    SCAN_AND_GO = "scan_and_go"
    KIOSK = "kiosk"
    GUIDE = "guide"
    IMPORTED = "imported"


class State(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    PAID = "paid"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PLACED: frozenset({State.PAID, State.CANCELLED, State.EXPIRED}),
    State.PAID: frozenset({State.COMPLETED, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset({State.PAID}),  # the money came late and the goods were still there
}


class Method(StrEnum):
    """How the goods of a part reach the shopper."""

    DELIVERY = "delivery"
    PICK_UP = "pick_up"
    CARRY_OUT = "carry_out"


class PartState(StrEnum):
    """Where the goods of one location stand."""

    WAITING = "waiting"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a delivery goes. Personal data."""

    recipient: Annotated[str, msgspec.Meta(min_length=1, max_length=100, extra={"personal": True})]
    phone: Annotated[str, msgspec.Meta(min_length=3, max_length=30, extra={"personal": True})]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500, extra={"personal": True})]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lng: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an order is to be handed over; a delivery has an address."""

    method: Method
    address: Address | None = None


class LineWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted: a sku, and how much of it in thousandths of its unit."""

    sku_id: catalogue.SkuId
    quantity_milli: Quantity


class Placing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that placing an order takes."""

    kind: Kind
    front: str
    sales_channel: str
    lines: list[LineWish]
    delivery: Delivery
    store_id: organisation.StoreId | None = None
    """Where it is sold and, unless it is delivered, handed over; the member's own store if not said."""
    member_id: members.MemberId | None = None
    guide_id: organisation.GuideId | None = None
    touchpoint_id: organisation.TouchpointId | None = None
    expected_total_minor: int | None = None
    """What the shopper saw. Another total is refused and told, never charged silently."""
    note: str = ""
    clear_cart_of: OwnerId | None = None
    takings: Sequence[payments.Taking] = ()
    """What a person takes by hand in the same moment (a till's split tender); what it leaves stays due."""


class Crediting(msgspec.Struct, frozen=True):
    """Whose sale it is."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId
    referrer_id: UUID | None


class Discount(msgspec.Struct, frozen=True):
    """A part of what was taken off a line: by what, how much, and who bears it."""

    kind: str
    amount_minor: int
    borne_by: str


class LinePart(msgspec.Struct, frozen=True):
    """Some of a bundle: of which sku, from which part of the order, how much, and its share of the line's total."""

    sku_id: catalogue.SkuId
    part_no: int
    quantity_milli: int
    total_minor: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order; money in minor units, quantities in thousandths. With `parts` it is a bundle.

    `discounts` say what `discount_minor` is made of, where that is known; an import may give them.
    """

    line_no: int
    part_no: int
    sku_id: catalogue.SkuId
    product_id: catalogue.ProductId
    sku_code: str
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    list_minor: int
    price_rule: str
    goods_minor: int
    discount_minor: int
    total_minor: int
    tax_class: str
    tax_rate_millionths: int
    tax_inclusive: bool
    tax_minor: int
    refunded_minor: int = 0
    returned_milli: int = 0
    discounts: Sequence[Discount] = ()
    parts: Sequence[LinePart] = ()

    @property
    def charged_minor(self) -> int:
        """What the shopper pays for the line: its total, and the tax where prices do not contain it."""
        return self.total_minor + (0 if self.tax_inclusive else self.tax_minor)


class Part(msgspec.Struct, frozen=True):
    """The lines that leave one location."""

    part_no: int
    location_id: inventory.LocationId
    method: Method
    state: PartState


class Step(msgspec.Struct, frozen=True):
    """One move of an order, as its history keeps it."""

    version: int
    was: State | None
    became: State
    by_kind: str
    by_id: UUID
    reason: str
    at: datetime


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order without its lines. `collecting` None: the brand collects all of it."""

    order_id: OrderId
    number: str
    version: int
    kind: Kind
    state: State
    sales_channel: str
    front: str
    store_id: organisation.StoreId
    operator_id: organisation.OperatorId
    member_id: members.MemberId | None
    person_id: UUID | None
    guide_id: organisation.GuideId | None
    touchpoint_id: organisation.TouchpointId | None
    credited_store_id: organisation.StoreId | None = None
    credited_guide_id: organisation.GuideId | None = None
    credited_touchpoint_id: organisation.TouchpointId | None = None
    credited_referrer_id: UUID | None = None
    currency: str
    units_milli: int
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    total_minor: int
    tax_minor: int
    tax_added_minor: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0
    delivery: Delivery
    note: str = ""
    business_date: date
    placed_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    collecting: Collecting | None = None


class PlacedOrder(msgspec.Struct, frozen=True):
    """What placing gives back: the order with its lines, and the payments that are due; none where nothing is."""

    order: Order
    lines: list[Line]
    payment_id: payments.PaymentId | None
    """The first that waits."""
    waiting: Sequence[payments.PaymentId] = ()
    """All that wait: more than one where several payees collect."""
    taken: Sequence[payments.Taken] = ()


class OrderDetail(msgspec.Struct, frozen=True):
    """One order, whole."""

    order: Order
    lines: list[Line]
    parts: list[Part]
    steps: list[Step]


class RefundWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a line goes back: a quantity, for its exact share of the line's total."""

    line_no: int
    quantity_milli: Quantity


class OrderFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of orders can be narrowed to. Dates are business days, both included."""

    store_ids: frozenset[organisation.StoreId] | None = None
    member_id: members.MemberId | None = None
    member_ids: frozenset[members.MemberId] | None = None
    """All memberships of a person; then `member_id` is not asked."""
    state: State | None = None
    kind: Kind | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


class NoSuchOrder(NotFound):
    """There is no such order, or not for the asker."""

    text = Text(zh="没有这个订单", en="There is no such order.")


class OrderEmpty(Invalid):
    """An order has at least one line and no more than MAX_LINES."""

    text = Text(zh="订单需有 1 至 {most} 行商品", en="An order has 1 to {most} lines.")
    most: int = MAX_LINES


class SkuTwice(Invalid):
    """The same sku stands in two lines; put its quantities together."""

    text = Text(zh="同一规格出现了两次，请合并数量", en="The same sku stands in two lines; put them together.")
    sku_id: UUID


class NotSoldHere(Conflict):
    """A sku is not sold in this store and channel at the moment; `rule` says by what."""

    text = Text(
        zh="商品 {sku_id} 在此门店暂不可购买：{reason_zh}",
        en="{sku_id} cannot be bought in this store: {reason_en}.",
    )
    sku_id: UUID
    rule: str = catalogue.Rule.PRICE.value
    reason_zh: str = "没有价格"
    reason_en: str = "It has no price here"


class TotalMoved(Conflict):
    """The prices changed since the shopper saw them; look at the new total and ask anew."""

    text = Text(
        zh="价格已变动：应付由 {expected_minor} 变为 {total_minor}（分）",
        en="Prices have changed: the total is now {total_minor}, not {expected_minor} (minor units).",
    )
    expected_minor: int
    total_minor: int


class AddressMissing(Invalid):
    """A delivery needs an address."""

    text = Text(zh="请填写收货地址", en="A delivery needs an address.")


class StoreNotSelling(Conflict):
    """The store does not sell at the moment."""

    text = Text(zh="门店目前不营业", en="This store does not sell at the moment.")
    store_id: UUID


class GuestHasNoStore(Invalid):
    """Who is no member has no store of their own: say where it is bought."""

    text = Text(zh="请选择门店", en="Say at which store it is bought.")


class OrderNotMovable(Conflict):
    """An order that stands there cannot go where it was asked to."""

    text = Text(zh="订单处于“{state}”，不能{wish}", en="The order is {state}; it cannot become {wish}.")
    state: str
    wish: str


class OrderChanged(Conflict):
    """Somebody else moved the order in the meantime; look again."""

    text = Text(zh="订单刚刚被他人更新，请刷新后重试", en="The order was changed by somebody else; look again.")


class NothingToRefund(Conflict):
    """The order has not been paid, or all of it went back already."""

    text = Text(zh="该订单没有可退金额", en="There is nothing left to refund on this order.")


class MoreThanSold(Conflict):
    """More of a line was to go back than is left of it."""

    text = Text(
        zh="第 {line_no} 行最多可退 {left_milli}/1000，申请了 {wanted_milli}/1000",
        en="Line {line_no} has {left_milli}/1000 left to give back, not {wanted_milli}/1000.",
    )
    line_no: int
    wanted_milli: int
    left_milli: int


class CartFull(Conflict):
    """A cart holds at most MAX_LINES skus."""

    text = Text(zh="购物车最多放 {most} 种商品", en="A cart holds at most {most} skus.")
    most: int = MAX_LINES
