"""Take over what a provider's statement has and nobody told us: through the same door as its callbacks."""

from midstage.kit.database import Tx
from midstage.middle.orders import store
from midstage.middle.orders.close import cancel_order
from midstage.middle.orders.pay import notice_arrived
from midstage.middle.orders.take import accept_amount
from midstage.middle.orders.types import OrderId, State
from midstage.middle.payments import api as payments


async def book_difference(tx: Tx, difference_id: payments.DifferenceId, *, note: str) -> payments.Difference:
    """Book a payment or refund that the statement has and we never heard of, as if the provider had told us.

    What becomes of the money is what would have become of it then: the order is paid, or it goes back. An amount that
    was not due is held by the order, so that it can go back.
    Raises payments.NoSuchDifference, DifferenceEnded, NotSoResolved, NotBookedSo, DifferenceNeedsReason, and what
    notice_arrived raises.
    """
    await _take(tx, difference_id, payments.Resolution.BOOKED, note=note)
    return await payments.end_booked(tx, difference_id, payments.Resolution.BOOKED, note=note)


async def give_back_difference(tx: Tx, difference_id: payments.DifferenceId, *, note: str) -> payments.Difference:
    """Book a payment that the statement has and we never heard of, and give it back: its order is called off.

    Where the order was called off or paid before, booking gives it back by itself. Raises as book_difference does,
    and OrderNotMovable where goods of the order have left.
    """
    order_id, flagged = await _take(tx, difference_id, payments.Resolution.GIVEN_BACK, note=note)
    order = await store.lock(tx, order_id)
    if order is not None and order.paid_minor > order.refunded_minor:
        if order.state in (State.PLACED, State.PAID) and order.paid_at in (None, tx.now):
            await cancel_order(tx, order_id, reason=note)
        elif flagged:  # the order was paid before, and holds this beside: which part of it goes back is for a person
            found = await payments.difference(tx, difference_id)
            raise payments.NotSoResolved(difference_id, found.kind.value, payments.Resolution.GIVEN_BACK.value)
    return await payments.end_booked(tx, difference_id, payments.Resolution.GIVEN_BACK, note=note)


async def _take(
    tx: Tx, difference_id: payments.DifferenceId, how: payments.Resolution, *, note: str
) -> tuple[OrderId, bool]:
    notice = await payments.notice_of_difference(tx, difference_id, how)
    order_id = OrderId(await payments.order_of(tx, notice.payment_id))
    await notice_arrived(tx, notice)
    flagged = await payments.flagged_by(tx, notice)
    if flagged is not None:
        await accept_amount(tx, notice.payment_id, flagged.discrepancy_id, note=note)
    return order_id, flagged is not None
