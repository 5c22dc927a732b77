"""A sale at a till of which a provider takes a part: it waits, and its goods are handed over when the money came.

What hands took is booked at once, as a deposit. The goods lie on the counter: nothing is promised, and they leave the
stock with the handing over. A sale that nobody pays in time ends by itself, and what hands took goes back.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import collecting, rules, store, till
from midstage.middle.orders.facts import LineFigures, OrderCancelled, OrderPlaced
from midstage.middle.orders.store import till as rows
from midstage.middle.orders.till_types import Sold, Till, TillSale
from midstage.middle.orders.types import (
    Kind,
    NoSuchOrder,
    Order,
    OrderChanged,
    OrderId,
    OrderNotMovable,
    PartState,
    State,
)
from midstage.middle.payments import api as payments

# The shopper stands at the counter with her phone in her hand.
WAITS = timedelta(minutes=15)


async def place_waiting(
    tx: Tx, ready: till.Ready, sale: TillSale, tenders: Sequence[payments.TillPart], providers: Sequence[str]
) -> Sold:
    """Write a sale of which the parts of these methods are a provider's, on the account of whoever collects here.

    Raises PayeeWithoutAccount.
    """
    counted = till.Counted(ready.till, ready.shift, sale, OrderId(new_id()))
    whole = await till.new_order(tx, counted, ready.lines, ready.selling, ready.shopper)
    here = inventory.location_of(ready.till.at.store_id)
    collected = await collecting.decide(tx, ready.till.at, ready.lines, [here], shipping_minor=0)
    payee = next(iter(collected.payees), None) if collected else None
    order = replace(
        whole, collecting=collected, state=State.PLACED, paid_minor=0, paid_at=None, closed_at=None, expires_at=tx.now + WAITS,
        credited_store_id=None, credited_guide_id=None, credited_touchpoint_id=None, credited_referrer_id=None,
    )  # fmt: skip
    by_hand = [one for one in tenders if one.method not in providers]
    theirs = [one for one in tenders if one.method in providers]
    split = len(theirs) + bool(by_hand) > 1
    deposits = payments.deposits_account(tx.brand, order.currency)
    await payments.take_at_till(tx, ready.shift, order.order_id, by_hand, to=deposits, at=tx.now, split=split)
    store.write_placed(tx, order, ready.lines, [inventory.location_of(order.store_id)])
    rows.write_till_sale(tx, order.order_id, sale)
    due_at = tx.now + WAITS
    waiting = [
        payments.await_provider(
            tx, order.order_id, Money(one.amount_minor, order.currency), payee=payee, due_at=due_at, split=split
        )
        for one in theirs
    ]
    paid = sum(one.amount_minor for one in by_hand)
    if paid:
        await store.note_paid(tx, order.order_id, paid)
    tx.tell(
        OrderPlaced(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=order.store_id,
            member_id=order.member_id,
            currency=order.currency,
            total_minor=order.total_minor,
            lines=[LineFigures(one.line_no, one.sku_id, one.quantity_milli, one.charged_minor) for one in ready.lines],
        ),
        at=ready.shift.opened_at,
    )
    return Sold(order=replace(order, paid_minor=paid), lines=ready.lines, sale=sale, tenders=tenders, waiting=waiting)


async def cancel_waiting(tx: Tx, counter: Till, order_id: OrderId, *, reason: str) -> Order:
    """Call off a sale of a till that waits for a provider; what hands took goes back over this counter.

    Raises NoSuchOrder, OrderNotMovable, OrderChanged, and what payments.selling_shift and return_at_till raise.
    """
    shift = await payments.selling_shift(tx, counter.till_id)
    order = await store.lock(tx, order_id)
    if order is None or order.kind is not Kind.TILL:
        raise NoSuchOrder
    if order.state is not State.PLACED:
        raise OrderNotMovable(order.state.value, State.CANCELLED.value)
    await payments.close_payment(tx, order_id)
    owed = order.paid_minor - order.refunded_minor
    if owed:
        refund_id = new_id()
        if not await store.write_refund(tx, order, refund_id, owed, [], reason=reason):
            raise OrderChanged
        await payments.return_at_till(
            tx,
            shift,
            order_id,
            Money(owed, order.currency),
            key=f"refund:{refund_id}",
            reason=reason,
            goes=payments.GoesBack.SAME,
            out_of=payments.deposits_account(tx.brand, order.currency),
        )
        order = replace(order, refunded_minor=order.paid_minor, version=order.version + 1)
    rules.check_move(order.state, State.CANCELLED)
    store.move(tx, order, State.CANCELLED, reason=reason)
    parts = await store.parts(tx, order_id)
    await store.move_parts(tx, order_id, [part.part_no for part in parts], PartState.CANCELLED)
    tx.tell(OrderCancelled(order_id=order_id, by=tx.by.kind, refunded_minor=owed), at=shift.opened_at)
    return replace(order, state=State.CANCELLED, version=order.version + 1, closed_at=tx.now)
