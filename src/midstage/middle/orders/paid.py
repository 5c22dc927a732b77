"""The moment in which an order is paid: whose sale it is becomes fixed, and it is told."""

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.middle.members import api as members
from midstage.middle.orders import rules, store
from midstage.middle.orders.facts import OrderPaid
from midstage.middle.orders.types import Order, State
from midstage.middle.organisation import api as organisation


async def become_paid(tx: Tx, order: Order, paid_minor: int) -> Order:
    """Move an order that is held by this transaction to paid. Raises OrderNotMovable; the flush OrderChanged."""
    rules.check_move(order.state, State.PAID)
    shopper = await members.shopper(tx, order.member_id) if order.member_id else None
    bound = shopper or await organisation.virtual(tx)
    crediting = rules.credit(order, bound, referrer=shopper.referrer_id if shopper else None)
    store.move_paid(tx, order, crediting, paid_minor)
    tx.tell(
        OrderPaid(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=crediting.store_id,
            guide_id=crediting.guide_id,
            touchpoint_id=crediting.touchpoint_id,
            referrer_id=crediting.referrer_id,
            member_id=order.member_id,
            currency=order.currency,
            paid_minor=paid_minor,
            units_milli=order.units_milli,
            placed_at=order.placed_at,
        )
    )
    return replace(
        order,
        state=State.PAID,
        version=order.version + 1,
        paid_minor=paid_minor,
        paid_at=tx.now,
        closed_at=None,
        expires_at=None,
        credited_store_id=crediting.store_id,
        credited_guide_id=crediting.guide_id,
        credited_touchpoint_id=crediting.touchpoint_id,
        credited_referrer_id=crediting.referrer_id,
    )
