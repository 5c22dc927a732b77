"""Sell at a till: the goods are in the shopper's hands and the money in the drawer, so it is one booking.

The stock is not promised and then handed over: it leaves at once, below zero if the books were wrong (a discrepancy
then waits for a person). See docs/decisions/0018.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.kept import Kept
from midstage.kit.numbers import numbers
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.members import api as members
from midstage.middle.orders import bundles, goods, rules
from midstage.middle.orders.facts import LineFigures, OrderCompleted, OrderPaid, OrderPlaced
from midstage.middle.orders.store import till as store
from midstage.middle.orders.till_types import CHANNEL, Below, NoSuchTill, Selling, Sold, Till, TillSale
from midstage.middle.orders.types import (
    Delivery,
    Kind,
    Line,
    Method,
    NoSuchOrder,
    Order,
    OrderId,
    State,
    StoreNotSelling,
)
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

FRONT = "counter"

# A till stands where it stands: what the console changes of it or its store is in force here within these seconds.
_tills: Kept[tuple[BrandId, UUID], Till] = Kept(ttl_s=5.0, most=50_000)


async def till_of(tx: Tx, till_id: UUID) -> Till:
    """A till and its store; kept for a few seconds. Raises NoSuchTill."""
    found = _tills.get((tx.brand, till_id))
    if found is None:
        found = await _read_till(tx, till_id)
        _tills.put((tx.brand, till_id), found)
    return found


class Ready(msgspec.Struct, frozen=True):
    """A sale that was read and priced; its shift is held."""

    till: Till
    shift: payments.Shift
    selling: Selling
    shopper: members.Shopper | None
    lines: Sequence[Line]

    @property
    def total_minor(self) -> int:
        return rules.total(self.lines, shipping_minor=0).total_minor


def sale_of(tx: Tx, ready: Ready) -> TillSale:
    """A sale of this moment, as its till counts it."""
    return TillSale(
        store_id=ready.till.at.store_id,
        till_id=ready.till.till_id,
        shift_id=ready.shift.shift_id,
        business_date=ready.shift.business_date,
        cashier_id=tx.by.id,
        sold_at=tx.now,
    )


async def read_sale(tx: Tx, till: Till, selling: Selling) -> Ready:
    """What a sale would be, at the prices of now. Refuses as sell.sell does, but for the tenders."""
    if till.at.state is not organisation.StoreState.OPEN:
        raise StoreNotSelling(till.at.store_id)
    shift = await payments.selling_shift(tx, till.till_id)
    shopper = await members.shopper(tx, selling.member_id) if selling.member_id else None
    read = await goods.read_lines(tx, till.at, selling.lines)
    lines = await goods.price_goods(tx, till.at, read, level=shopper.level if shopper else None)
    ready = Ready(till, shift, selling, shopper, lines)
    rules.check_expected(selling.expected_total_minor, ready.total_minor)
    return ready


async def sell_read(
    tx: Tx, ready: Ready, tenders: Sequence[payments.TillPart], *, order_id: OrderId | None = None
) -> Sold:
    """Book a sale that was read, and the tenders that pay it."""
    sale = sale_of(tx, ready)
    counted = Counted(ready.till, ready.shift, sale, order_id or OrderId(new_id()))
    sold = await book(tx, counted, ready.lines, tenders, ready.selling, ready.shopper)
    store.write_till_sale(tx, counted.order_id, sale)
    return sold


class Counted(msgspec.Struct, frozen=True):
    """Where a sale is counted: at which till, in which shift (which is held), under which id."""

    till: Till
    shift: payments.Shift
    sale: TillSale
    order_id: OrderId


async def book(
    tx: Tx,
    at: Counted,
    lines: Sequence[Line],
    tenders: Sequence[payments.TillPart],
    selling: Selling,
    shopper: members.Shopper | None,
) -> Sold:
    """Write a sale that has happened: stock, order, tenders and ledger. Its till_sale is written by the caller."""
    sale = at.sale
    order = await new_order(tx, at, lines, selling, shopper)
    below = await take_from_stock(tx, at.till.at, lines, reference=order.order_id)
    await payments.take_at_till(tx, at.shift, order.order_id, tenders, to=sales_account(tx, order), at=sale.sold_at)
    # What is only written waits for nobody, and goes out with the commit in one statement.
    reason = "sold at the till" if sale.device_sale_id is None else "sold offline"
    store.write_sold(tx, order, lines, inventory.location_of(order.store_id), reason=reason)
    _tell(tx, order, lines, day_of=at.shift.opened_at)
    return Sold(order=order, lines=lines, sale=sale, tenders=tenders, below=below)


def sales_account(tx: Tx, order: Order) -> ledger.AccountId:
    """Where what is sold is earned. Pure."""
    return ledger.account_id(tx.brand, "sales", order.operator_id, order.currency)


async def take_from_stock(tx: Tx, at: organisation.Store, lines: Sequence[Line], *, reference: UUID) -> list[Below]:
    """The goods have left. Where the books had less, they say so by a discrepancy."""
    milli: dict[inventory.SkuId, int] = {}
    for line in lines:
        for sku_id, _, quantity_milli in bundles.goods_of(line):
            milli[sku_id] = milli.get(sku_id, 0) + quantity_milli
    moved = await inventory.sell_through(tx, inventory.location_of(at.store_id), milli, reference=reference)
    return [Below(row.sku_id, row.on_hand_milli, row.discrepancy_id) for row in moved if row.discrepancy_id is not None]


async def till_sale(tx: Tx, order_id: OrderId) -> TillSale:
    """What an order of a till has besides. Raises NoSuchOrder."""
    found = await store.till_sale(tx, order_id)
    if found is None:
        raise NoSuchOrder
    return found


async def _read_till(tx: Tx, till_id: UUID) -> Till:
    try:
        found = await organisation.touchpoint(tx, organisation.TouchpointId(till_id))
    except organisation.NoSuchTouchpoint:
        raise NoSuchTill(till_id) from None
    if found.kind is not organisation.TouchpointKind.TILL or found.state is not organisation.State.OPEN:
        raise NoSuchTill(till_id)
    at = (await organisation.stores(tx, [found.store_id]))[found.store_id]
    return Till(found.touchpoint_id, found.code, found.name, at)


async def new_order(
    tx: Tx, at: Counted, lines: Sequence[Line], selling: Selling, shopper: members.Shopper | None
) -> Order:
    """The order of a sale that is done. What it is credited to is frozen with it."""
    till, sale = at.till, at.sale
    totals = rules.total(lines, shipping_minor=0)
    bound = shopper or await organisation.virtual(tx)
    return Order(
        order_id=at.order_id,
        number=await numbers.give(tx),
        version=1,
        kind=Kind.TILL,
        state=State.COMPLETED,
        sales_channel=CHANNEL,
        front=FRONT,
        store_id=till.at.store_id,
        operator_id=till.at.operator_id,
        member_id=shopper.member_id if shopper else None,
        person_id=shopper.person_id if shopper else None,
        guide_id=selling.guide_id,
        touchpoint_id=till.till_id,
        credited_store_id=till.at.store_id,
        credited_guide_id=selling.guide_id or bound.guide_id,
        credited_touchpoint_id=till.till_id,
        credited_referrer_id=shopper.referrer_id if shopper else None,
        currency=till.at.currency,
        units_milli=sum(line.quantity_milli for line in lines),
        goods_minor=totals.goods_minor,
        discount_minor=totals.discount_minor,
        shipping_minor=0,
        total_minor=totals.total_minor,
        tax_minor=totals.tax_minor,
        tax_added_minor=totals.tax_added_minor,
        paid_minor=totals.total_minor,
        delivery=Delivery(Method.CARRY_OUT),
        note=selling.note,
        business_date=sale.business_date,
        placed_at=sale.sold_at,
        expires_at=None,
        paid_at=sale.sold_at,
        closed_at=sale.sold_at,
    )


def _tell(tx: Tx, order: Order, lines: Sequence[Line], *, day_of: datetime) -> None:
    """All that an order's life tells, on the business day of its shift."""
    tx.tell(
        OrderPlaced(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=order.store_id,
            member_id=order.member_id,
            currency=order.currency,
            total_minor=order.total_minor,
            lines=[LineFigures(line.line_no, line.sku_id, line.quantity_milli, line.charged_minor) for line in lines],
        ),
        at=day_of,
    )
    tx.tell(
        OrderPaid(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=order.store_id,
            guide_id=order.credited_guide_id or UUID(int=0),
            touchpoint_id=order.credited_touchpoint_id or UUID(int=0),
            referrer_id=order.credited_referrer_id,
            member_id=order.member_id,
            currency=order.currency,
            paid_minor=order.paid_minor,
            units_milli=order.units_milli,
            placed_at=order.placed_at,
        ),
        at=day_of,
    )
    tx.tell(OrderCompleted(order_id=order.order_id), at=day_of)
