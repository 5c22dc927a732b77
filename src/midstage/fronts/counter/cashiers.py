"""Where a shopper at a counter pays what a provider takes."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.fronts._http.desk import AnyRequest, desk_of, language
from midstage.fronts._http.staff import Staff
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments


class CounterCashier(msgspec.Struct, frozen=True):
    """Where the shopper pays a provider's part: shown to her as a code."""

    payment_id: UUID
    provider: str
    cashier_url: str
    due_at: datetime


async def start_at_counter(
    request: AnyRequest, staff: Staff, order: orders.Order, *, via: str | None
) -> list[CounterCashier]:
    """Start every payment of an order that is open. Raises payments.NothingToPay, and what start_payment raises."""
    desk = desk_of(request)
    async with desk.database.reading(staff.tenant, by=staff.by) as tx:
        due = (await payments.payments_of(tx, [order.order_id])).get(order.order_id, [])
    started = [
        await payments.start_payment(
            desk.database,
            staff.tenant,
            payment.payment_id,
            payments.Cashier(title=order.number, language=language(request)),
            callback_base=f"{desk.settings.public_url}/v1/callbacks",
            via=via,
            by=staff.by,
        )
        for payment in due
        if payment.state is payments.PaymentState.OPEN
    ]
    if not started:
        raise payments.NothingToPay(order.total_minor)
    return [CounterCashier(one.payment_id, one.provider, one.cashier_url, one.due_at) for one in started]
