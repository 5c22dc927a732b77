"""Orders: found, handed over, called off, refunded, placed for somebody, and paid by hand.

Whoever has the order's store, or a location that a part of it leaves, in their scope sees it. The store's people act
on the whole of it; goods are handed over by those who have them.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Minor, Reason, Short, day_begins
from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.refusals import Invalid, Text
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

TAGS = ["console: orders"]
READ, WRITE, REFUND = "orders.read", "orders.write", "orders.refund"
SEEN = (access.OutOfScope, orders.NoSuchOrder)
MOVED = (*SEEN, orders.OrderNotMovable, orders.OrderChanged)
BACK = (payments.NoSuchPayment, payments.RefundExceedsPaid)
InState = Annotated[orders.State | None, QueryParameter(name="state")]
OfKind = Annotated[orders.Kind | None, QueryParameter(name="kind")]
From = Annotated[date | None, QueryParameter(name="from", description="The first business day of the brand")]
To = Annotated[date | None, QueryParameter(name="to", description="The last business day of the brand")]
PartNo = Annotated[int, msgspec.Meta(ge=1, le=32_767)]
TenderMethod = Annotated[
    str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$", description="One word: cash, card_terminal, …")
]


class NoSuchPart(Invalid):
    """The order has no part of this number."""

    text = Text(zh="订单没有第 {part_no} 个包裹", en="The order has no part {part_no}.")
    part_no: int


class MemberMissing(Invalid):
    """A guide places an order on behalf of a member."""

    text = Text(zh="代客下单须指明会员", en="Say for which member the guide places the order.")


class GuideMissing(Invalid):
    """An order on behalf is a guide's: say whose, unless you are one yourself."""

    text = Text(zh="代客下单须指明导购", en="Say which guide places the order; you are none yourself.")


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a list shows it, without anybody's address."""

    order_id: UUID
    number: str
    kind: orders.Kind
    state: orders.State
    sales_channel: str
    store_id: UUID
    operator_id: UUID
    member_id: UUID | None
    guide_id: UUID | None
    currency: str
    units_milli: int
    total_minor: int
    paid_minor: int
    refunded_minor: int
    business_date: date
    placed_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None
    closed_at: datetime | None


class OrderSheet(msgspec.Struct, frozen=True, kw_only=True):
    """An order, whole: its lines, parts and history, and the money that came and went."""

    order: orders.Order
    lines: list[orders.Line]
    parts: list[orders.Part]
    steps: list[orders.Step]
    tenders: list[payments.Tender]
    refunds: list[payments.Refund]
    payments: list[payments.Payment]


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order at a till, or by a guide for her customer. The guide is you, if you are one and name no other."""

    kind: Literal["guide", "till"]
    store_id: UUID
    lines: Annotated[list[orders.LineWish], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
    delivery: orders.Delivery
    member_id: UUID | None = None
    guide_id: UUID | None = None
    touchpoint_id: UUID | None = None
    expected_total_minor: Minor | None = None
    note: Short = ""


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts are in the shopper's or courier's hands; all that leave a place of mine, if not said."""

    parts: Annotated[list[PartNo], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)] | None = None


class CancelOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an order is called off."""

    reason: Reason


class RefundOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes back, and why; everything that is left, if no lines are named."""

    reason: Reason
    lines: Annotated[list[orders.RefundWish], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)] | None = None


class TakePayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was taken by hand: the very amount that is due, in the order's currency."""

    method: TenderMethod
    amount_minor: Minor
    reference: Short | None = None


class Refunded(msgspec.Struct, frozen=True):
    """What went back, the share of each line, and the order as it stands now."""

    refund_id: UUID
    amount_minor: int
    currency: str
    shares: list[orders.Share]
    sheet: OrderSheet


@reading("/orders", tags=TAGS, needs=READ, refuses=(access.OutOfScope, BadDate))
async def orders_list(  # noqa: PLR0913, PLR0917  # each is a filter of the list
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    member_id: UUID | None = None,
    in_state: InState = None,
    of_kind: OfKind = None,
    first: From = None,
    last: To = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[OrderRow]:
    """The orders of the stores that I see, the newest first."""
    filters = orders.OrderFilters(
        store_ids=(await reach(tx, staff, READ)).narrowed(store_id),
        member_id=members.MemberId(member_id) if member_id else None,
        state=in_state,
        kind=of_kind,
        placed_from=day_begins(tx.tenant, first),
        placed_to=day_begins(tx.tenant, last, after=1),
    )
    found = await orders.find_orders(tx, filters, PageRequest(after, limit))
    return Page([_row(order) for order in found.items], found.next)


@reading("/orders/{order_id:uuid}", tags=TAGS, needs=READ, refuses=SEEN)
async def order(order_id: UUID, tx: Tx, staff: Staff) -> OrderSheet:
    """One order, whole."""
    found = await orders.order_detail(tx, orders.OrderId(order_id))
    return await _sheet(tx, _seen(await reach(tx, staff, READ), found))


@reading("/orders/by-number/{number:str}", tags=TAGS, needs=READ, refuses=SEEN)
async def order_by_number(number: str, tx: Tx, staff: Staff) -> OrderSheet:
    """The order of a number as people read it; small letters and spaces are forgiven."""
    found = await orders.order_by_number(tx, number)
    return await _sheet(tx, _seen(await reach(tx, staff, READ), found))


@changing(
    "POST",
    "/orders",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        MemberMissing,
        GuideMissing,
        members.NoSuchMember,
        organisation.NoSuchGuide,
        organisation.GuideGone,
        organisation.NoSuchTouchpoint,
        orders.StoreNotSelling,
        orders.PayeeWithoutAccount,
        orders.AddressMissing,
        orders.SkuTwice,
        orders.NotSoldHere,
        orders.TotalMoved,
        catalogue.NotForSale,
        catalogue.QuantityUnsellable,
        pricing.PricesChanged,
        inventory.StockShort,
    ),
)
async def place_order(data: PlaceOrder, tx: Tx, staff: Staff) -> OrderSheet:
    """Place an order at a till, or on behalf of a member; a guide's sale is credited to her."""
    (await reach(tx, staff, WRITE)).need(data.store_id)
    kind = orders.Kind(data.kind)
    if kind is orders.Kind.GUIDE and data.member_id is None:
        raise MemberMissing
    placing = orders.Placing(
        kind=kind,
        front="console",
        sales_channel=kind.value,
        lines=data.lines,
        delivery=data.delivery,
        store_id=organisation.StoreId(data.store_id),
        member_id=members.MemberId(data.member_id) if data.member_id else None,
        guide_id=await _guide(tx, staff, data),
        touchpoint_id=await _touchpoint(tx, staff, data.touchpoint_id),
        expected_total_minor=data.expected_total_minor,
        note=data.note,
    )
    placed = (await orders.place_order(tx, placing)).order
    tx.note("orders.place", "order", placed.order_id, after=_figures(placed))
    return await _sheet(tx, await orders.order_detail(tx, placed.order_id))


@changing("POST", "/orders/{order_id:uuid}/hand-over", once=True, tags=TAGS, needs=WRITE, refuses=(*MOVED, NoSuchPart))
async def hand_over_order(order_id: UUID, data: HandOver, tx: Tx, staff: Staff) -> OrderSheet:
    """Parts are in the shopper's or courier's hands; with the last one the order is completed."""
    within = await reach(tx, staff, WRITE)
    found = _seen(within, await orders.order_detail(tx, orders.OrderId(order_id)))
    part_nos = _wanted(within, found.parts, data.parts)
    await orders.hand_over(tx, found.order.order_id, part_nos)
    return await _moved(tx, "orders.hand_over", found.order, parts=part_nos)


@changing("POST", "/orders/{order_id:uuid}/cancel", once=True, tags=TAGS, needs=WRITE, refuses=(*MOVED, *BACK))
async def cancel_order(order_id: UUID, data: CancelOrder, tx: Tx, staff: Staff) -> OrderSheet:
    """Call off an order of which nothing has left; its stock is free again, and what was paid goes back."""
    before = await _of_my_store(tx, staff, WRITE, order_id)
    await orders.cancel_order(tx, before.order_id, reason=data.reason)
    return await _moved(tx, "orders.cancel", before, reason=data.reason)


@changing(
    "POST",
    "/orders/{order_id:uuid}/refund",
    status=201,
    once=True,
    tags=TAGS,
    needs=REFUND,
    refuses=(*SEEN, orders.NothingToRefund, orders.MoreThanSold, orders.OrderChanged, *BACK),
)
async def refund_order(order_id: UUID, data: RefundOrder, tx: Tx, staff: Staff) -> Refunded:
    """Give money back for some lines, to the cent, or for all that is left. Goods do not move by it."""
    before = await _of_my_store(tx, staff, REFUND, order_id)
    given = await orders.refund_order(tx, before.order_id, data.lines, reason=data.reason)
    sheet = await _moved(
        tx, "orders.refund", before, reason=data.reason, refund_id=given.refund_id, amount_minor=given.amount.minor
    )
    return Refunded(given.refund_id, given.amount.minor, given.amount.currency, given.shares, sheet)


@changing(
    "POST",
    "/orders/{order_id:uuid}/payment",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*MOVED, payments.AmountNotDue, payments.NothingToPay, payments.PaymentNotOpen),
)
async def take_payment(order_id: UUID, data: TakePayment, tx: Tx, staff: Staff) -> OrderSheet:
    """Take what is due by hand: the order is paid. Change is given before calling."""
    before = await _of_my_store(tx, staff, WRITE, order_id)
    amount = Money(data.amount_minor, before.currency)
    await orders.take_payment(tx, before.order_id, data.method, amount, reference=data.reference)
    return await _moved(tx, "orders.take_payment", before, method=data.method, amount_minor=data.amount_minor)


def _seen(within: Reach, found: orders.OrderDetail) -> orders.OrderDetail:
    """Raises access.OutOfScope unless the order's store, or a place that a part leaves, lies within."""
    within.need_any(found.order.store_id, *[part.location_id for part in found.parts])
    return found


def _wanted(within: Reach, parts: list[orders.Part], named: list[int] | None) -> list[int]:
    """The parts that are named, or all that leave a place within. Raises NoSuchPart, access.OutOfScope."""
    by_no = {part.part_no: part for part in parts}
    if named is None:
        named = [part.part_no for part in parts if within.covers(part.location_id)]
        if parts and not named:
            raise access.OutOfScope
    for part_no in named:
        if part_no not in by_no:
            raise NoSuchPart(part_no)
    within.need(*[by_no[part_no].location_id for part_no in named])
    return named


async def _of_my_store(tx: Tx, staff: Staff, permission: str, order_id: UUID) -> orders.Order:
    """Raises orders.NoSuchOrder, access.OutOfScope."""
    found = await orders.order(tx, orders.OrderId(order_id))
    (await reach(tx, staff, permission)).need(found.store_id)
    return found


async def _guide(tx: Tx, staff: Staff, data: PlaceOrder) -> organisation.GuideId | None:
    """Whose sale it is to be: hers who is named, else mine if I am a guide."""
    if data.guide_id is None:
        mine = await organisation.guide_of_staff(tx, staff.staff_id) if staff.staff_id else None
        if mine is None and data.kind == "guide":
            raise GuideMissing
        return mine.guide_id if mine else None
    named = await organisation.guide(tx, organisation.GuideId(data.guide_id))
    (await reach(tx, staff, WRITE)).need(named.store_id)
    if named.state is not organisation.PersonState.ACTIVE:
        raise organisation.GuideGone(named.guide_id)
    return named.guide_id


async def _touchpoint(tx: Tx, staff: Staff, touchpoint_id: UUID | None) -> organisation.TouchpointId | None:
    if touchpoint_id is None:
        return None
    found = await organisation.touchpoint(tx, organisation.TouchpointId(touchpoint_id))
    (await reach(tx, staff, WRITE)).need(found.store_id)
    return found.touchpoint_id


async def _moved(tx: Tx, action: str, before: orders.Order, **how: Any) -> OrderSheet:
    """Put a move into the audit trail, and show the order as it stands now."""
    now = await orders.order_detail(tx, before.order_id)
    tx.note(action, "order", before.order_id, before=_figures(before), after={**_figures(now.order), **how})
    return await _sheet(tx, now)


async def _sheet(tx: Tx, detail: orders.OrderDetail) -> OrderSheet:
    order_id = detail.order.order_id
    due = (await payments.payments_of(tx, [order_id])).get(order_id, [])
    return OrderSheet(
        order=detail.order,
        lines=detail.lines,
        parts=detail.parts,
        steps=detail.steps,
        payments=due,
        tenders=await payments.tenders_of(tx, [payment.payment_id for payment in due]),
        refunds=await payments.refunds_of_order(tx, order_id),
    )


def _figures(order: orders.Order) -> dict[str, Any]:
    """An order in the audit trail: where it stands, and no word about whose it is."""
    return {
        "number": order.number,
        "state": order.state,
        "total_minor": order.total_minor,
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
    }


def _row(order: orders.Order) -> OrderRow:
    return OrderRow(**{name: getattr(order, name) for name in OrderRow.__struct_fields__})


HANDLERS: list[HTTPRouteHandler] = [
    orders_list, order, order_by_number, place_order, hand_over_order, cancel_order, refund_order, take_payment,
]  # fmt: skip
