"""Sell at a till, however it is paid."""

from midstage.kit.database import Tx
from midstage.middle.orders import till, till_waiting
from midstage.middle.orders.till_types import Selling, Sold, Till
from midstage.middle.payments import api as payments


async def sell(tx: Tx, counter: Till, selling: Selling) -> Sold:
    """Sell what lies on the counter, take the money, and hand over: all of it or nothing.

    Where a provider takes a part the sale waits for it (`waiting`), and is handed over when the money came.
    Refuses what reading the goods, pricing and the tenders refuse, and TotalMoved, StoreNotSelling,
    payments.NoShiftOpen and members.NoSuchMember.
    """
    ready = await till.read_sale(tx, counter, selling)
    tenders = await payments.settle(tx, counter.at, ready.total_minor, selling.tenders)
    providers = payments.providers()
    if any(one.method in providers for one in tenders):
        return await till_waiting.place_waiting(tx, ready, till.sale_of(tx, ready), tenders, providers)
    return await till.sell_read(tx, ready, tenders)
