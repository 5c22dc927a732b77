"""Bringing in sales of the past: they are told as facts, and move no stock, payment or ledger."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import readable_number
from midstage.kit.money import Money
from midstage.kit.numbers import numbers
from midstage.kit.refusals import Invalid, Text
from midstage.middle.members import api as members
from midstage.middle.orders import store
from midstage.middle.orders.facts import OrderImported
from midstage.middle.orders.types import Crediting, Line, OrderEmpty, OrderId
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

FLUSH_EVERY = 2_000  # facts in one insert


class PastOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A sale that another system made, with its lines as they were."""

    order_id: OrderId
    store_id: organisation.StoreId
    operator_id: organisation.OperatorId
    member_id: members.MemberId | None
    person_id: UUID | None
    crediting: Crediting
    sales_channel: str
    currency: str
    placed_at: datetime
    lines: Sequence[Line]
    note: str = ""

    @property
    def total_minor(self) -> int:
        return sum(line.charged_minor for line in self.lines)

    @property
    def paid_minor(self) -> int:
        """What was paid. A till may give out more for coupons than the goods cost; that was never a payment."""
        return max(self.total_minor, 0)


class LineDoesNotAddUp(Invalid):
    """The total of a line is its goods amount less its discount, and that is the sum of its parts where they are given."""

    text = Text(
        zh="单据 {note} 第 {line_no} 行金额不平：{goods_minor} − {discount_minor} ≠ {total_minor}",
        en="Line {line_no} of {note} does not add up: {goods_minor} − {discount_minor} is not {total_minor}.",
    )
    note: str
    line_no: int
    goods_minor: int
    discount_minor: int
    total_minor: int


async def import_orders(tx: Tx, orders: Sequence[PastOrder]) -> None:
    """Enter sales of the past, all of them or none.

    Each is completed, paid by the tender `imported`, dated by the business day on which it was made, and told as
    OrderImported. Raises OrderEmpty or LineDoesNotAddUp.
    """
    for order in orders:
        _check(order)
    serials = await numbers.give_many(tx, len(orders))
    await store.copy_orders(tx, _heads(tx, orders, serials))
    await store.copy_lines(tx, ((order.order_id, line) for order in orders for line in order.lines))
    await store.copy_steps(tx, ((order.order_id, order.placed_at) for order in orders))
    await payments.import_paid(
        tx, [(order.order_id, Money(order.paid_minor, order.currency), order.placed_at) for order in orders]
    )
    for n, order in enumerate(orders, start=1):
        tx.tell(_told(order), at=order.placed_at)
        if n % FLUSH_EVERY == 0:
            await tx.flush()


def _check(order: PastOrder) -> None:
    if not order.lines:
        raise OrderEmpty
    for line in order.lines:
        taken = sum(discount.amount_minor for discount in line.discounts) if line.discounts else line.discount_minor
        if line.goods_minor - line.discount_minor != line.total_minor or taken != line.discount_minor:
            raise LineDoesNotAddUp(order.note, line.line_no, line.goods_minor, line.discount_minor, line.total_minor)


def _heads(tx: Tx, orders: Sequence[PastOrder], serials: Sequence[int]) -> Iterator[dict[str, Any]]:
    for order, serial in zip(orders, serials, strict=True):
        day = tx.tenant.business_date(order.placed_at)
        goods = sum(line.goods_minor for line in order.lines)
        discount = sum(line.discount_minor for line in order.lines)
        tax = sum(line.tax_minor for line in order.lines)
        total = order.total_minor
        yield {
            "order_id": order.order_id,
            "number": readable_number(day, serial, salt=tx.brand),
            "kind": "imported",
            "state": "completed",
            "sales_channel": order.sales_channel,
            "front": "import",
            "store_id": order.store_id,
            "operator_id": order.operator_id,
            "member_id": order.member_id,
            "person_id": order.person_id,
            "credited_store_id": order.crediting.store_id,
            "credited_guide_id": order.crediting.guide_id,
            "credited_touchpoint_id": order.crediting.touchpoint_id,
            "credited_referrer_id": order.crediting.referrer_id,
            "currency": order.currency,
            "units_milli": sum(line.quantity_milli for line in order.lines),
            "goods_minor": goods,
            "discount_minor": discount,
            "shipping_minor": 0,
            "total_minor": total,
            "tax_minor": tax,
            "tax_added_minor": total - goods + discount,
            "paid_minor": order.paid_minor,
            "delivery": '{"method":"carry_out","address":null}',
            "note": order.note,
            "business_date": day,
            "placed_at": order.placed_at,
            "paid_at": order.placed_at,
            "closed_at": order.placed_at,
        }


def _told(order: PastOrder) -> OrderImported:
    return OrderImported(
        order_id=order.order_id,
        kind="imported",
        sales_channel=order.sales_channel,
        store_id=order.crediting.store_id,
        guide_id=order.crediting.guide_id,
        touchpoint_id=order.crediting.touchpoint_id,
        referrer_id=order.crediting.referrer_id,
        member_id=order.member_id,
        currency=order.currency,
        paid_minor=order.paid_minor,
        units_milli=sum(line.quantity_milli for line in order.lines),
        placed_at=order.placed_at,
    )
