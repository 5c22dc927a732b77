"""Exchange at a till: goods come back and others go out, in one go; only the difference moves."""

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.orders import till, till_returns
from midstage.middle.orders.till_return_types import ReturnTaken
from midstage.middle.orders.till_returns import Back
from midstage.middle.orders.till_types import Selling, Sold, Till
from midstage.middle.orders.types import OrderId
from midstage.middle.payments import api as payments


class ExchangeDone(msgspec.Struct, frozen=True):
    """What came back, and what went out for it."""

    back: ReturnTaken
    sold: Sold


async def exchange(tx: Tx, counter: Till, back: Back, selling: Selling) -> ExchangeDone:
    """Take goods back and sell others: what comes back pays for what goes out, the tenders pay what it leaves.

    What is left of what came back goes to the shopper as `back` says. Raises as take_back and sell.
    """
    ready = await till.read_sale(tx, counter, selling)
    order_id = OrderId(new_id())
    taken = await till_returns.take_back(tx, counter, back, exchange_of=(order_id, ready.total_minor))
    stays = taken.by_method.get(payments.EXCHANGE, 0)
    paid = [payments.TillPart(payments.EXCHANGE, stays)] if stays else []
    rest = await payments.settle(tx, counter.at, ready.total_minor - stays, selling.tenders)
    sold = await till.sell_read(tx, ready, [*paid, *rest], order_id=order_id)
    return ExchangeDone(taken, sold)
