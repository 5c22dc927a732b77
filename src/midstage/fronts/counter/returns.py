"""Goods that come back: of a receipt, without one, and in exchange."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import Minor, Reason, Short
from midstage.fronts.counter.desk import AT_TILL, REFUND, SELL, my_till, serving
from midstage.fronts.counter.sales import READS, SELLS, Lines, SaleView, SoldLine, Tenders, sale_view, sold_line
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

TAGS = ["counter: returns"]
GIVES = (
    *AT_TILL,
    orders.NoSuchOrder,
    orders.NotReturnable,
    orders.NothingToRefund,
    orders.MoreThanSold,
    orders.OrderChanged,
    orders.OtherCurrency,
    access.ApprovalNeeded,
    payments.NoShiftOpen,
    payments.NoSuchPayment,
    payments.RefundExceedsPaid,
    payments.DrawerShort,
)


class Returning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back of an order, why, and how the money goes; beyond the cashier's limit with an approval."""

    order_id: UUID
    lines: Annotated[list[orders.BackLine], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
    reason: Reason
    goes: payments.GoesBack = payments.GoesBack.SAME
    approval_id: UUID | None = None


class TakeBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which till something comes back, and what."""

    till_id: UUID
    back: Returning


class TakeBackLoose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back without a receipt, and why."""

    till_id: UUID
    lines: Annotated[list[orders.LooseLine], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
    reason: Reason
    approval_id: UUID | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back, what goes out for it, and how the difference is paid."""

    till_id: UUID
    back: Returning
    lines: Lines
    tenders: Tenders = []
    member_id: UUID | None = None
    guide_id: UUID | None = None
    expected_total_minor: Minor | None = None
    note: Short = ""


class Exchanged(msgspec.Struct, frozen=True):
    """What came back, and the sale that it was exchanged for."""

    back: orders.ReturnTaken
    sale: SaleView


class ReceiptLine(SoldLine, frozen=True, kw_only=True):
    """A line, and what of it can still come back."""

    line_left_milli: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A sale by its number, as who takes goods back needs it."""

    order_id: UUID
    number: str
    kind: orders.Kind
    state: orders.State
    store_id: UUID
    placed_at: datetime
    currency: str
    total_minor: int
    refunded_minor: int
    paid_by: dict[str, int]
    """By method how much came."""
    lines: list[ReceiptLine]
    approval_subject: str
    """What an approval of a refund here is about."""


@reading("/receipts/{number:str}", tags=TAGS, needs=REFUND, refuses=(*AT_TILL, orders.NoSuchOrder))
async def receipt(number: str, tx: Tx, staff: Person, till_id: UUID) -> Receipt:
    """A sale of any store of the brand by the number on its receipt: what can come back here."""
    till = await my_till(tx, staff, REFUND, till_id)
    found = await orders.order_by_number(tx, number)
    order = found.order
    due = (await payments.payments_of(tx, [order.order_id])).get(order.order_id, [])
    paid_by: dict[str, int] = {}
    for tender in await payments.tenders_of(tx, [one.payment_id for one in due]):
        if tender.amount.minor > 0:
            paid_by[tender.method] = paid_by.get(tender.method, 0) + tender.amount.minor
    return Receipt(
        order_id=order.order_id,
        number=order.number,
        kind=order.kind,
        state=order.state,
        store_id=order.store_id,
        placed_at=order.placed_at,
        currency=order.currency,
        total_minor=order.total_minor,
        refunded_minor=order.refunded_minor,
        paid_by=paid_by,
        lines=[
            ReceiptLine(
                **msgspec.structs.asdict(sold_line(line)), line_left_milli=line.quantity_milli - line.returned_milli
            )
            for line in found.lines
        ],
        approval_subject=orders.approval_subject(till, order.order_id),
    )


@changing("POST", "/returns", status=201, once=True, tags=TAGS, needs=REFUND, refuses=GIVES)
async def take_back(data: TakeBack, tx: Tx, staff: Person) -> orders.ReturnTaken:
    """Take goods back with their receipt, bought in whatever store, and give the money back."""
    till = await my_till(tx, staff, REFUND, data.till_id)
    return await orders.take_back(tx, till, _back(data.back))


@changing(
    "POST",
    "/returns/without-receipt",
    status=201,
    once=True,
    tags=TAGS,
    needs=REFUND,
    refuses=(
        *AT_TILL,
        *READS,
        orders.NoReturnsWithoutReceipt,
        orders.NothingToRefund,
        access.ApprovalNeeded,
        payments.NoShiftOpen,
        payments.DrawerShort,
    ),
)
async def take_back_loose(data: TakeBackLoose, tx: Tx, staff: Person) -> orders.ReturnTaken:
    """Take goods back without a receipt, for cash, at the lowest price of late."""
    till = await my_till(tx, staff, REFUND, data.till_id)
    return await orders.take_back_loose(tx, till, data.lines, reason=data.reason, approval=_approval(data.approval_id))


@changing("POST", "/exchanges", status=201, once=True, tags=TAGS, needs=REFUND, refuses=(*GIVES, *SELLS))
async def exchange(data: Exchange, tx: Tx, staff: Person) -> Exchanged:
    """Take goods back and sell others in one go; only the difference moves."""
    till = await my_till(tx, staff, REFUND, data.till_id)
    access.need_store(staff.session, SELL, till.at)
    selling = orders.Selling(
        lines=data.lines,
        tenders=data.tenders,
        member_id=members.MemberId(data.member_id) if data.member_id else None,
        guide_id=await serving(tx, staff, till, data.guide_id),
        expected_total_minor=data.expected_total_minor,
        note=data.note,
    )
    done = await orders.exchange(tx, till, _back(data.back), selling)
    return Exchanged(done.back, sale_view(done.sold))


def _back(said: Returning) -> orders.Back:
    return orders.Back(
        order_id=orders.OrderId(said.order_id),
        lines=said.lines,
        reason=said.reason,
        goes=said.goes,
        approval=_approval(said.approval_id),
    )


def _approval(approval_id: UUID | None) -> access.ApprovalId | None:
    return access.ApprovalId(approval_id) if approval_id else None


HANDLERS: list[HTTPRouteHandler] = [receipt, take_back, take_back_loose, exchange]
