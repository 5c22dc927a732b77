"""Giving money back for lines, in whole or in part, to the cent."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import rules, store
from midstage.middle.orders.close import sale_posting
from midstage.middle.orders.facts import LineFigures, OrderRefunded
from midstage.middle.orders.types import NoSuchOrder, NothingToRefund, Order, OrderChanged, OrderId, RefundWish, State
from midstage.middle.payments import api as payments


class OrderRefund(msgspec.Struct, frozen=True):
    """What was given back: the refund and the share of each line."""

    refund_id: UUID
    amount: Money
    shares: list[rules.Share]


async def refund_order(
    tx: Tx, order_id: OrderId, wishes: Sequence[RefundWish] | None = None, *, reason: str = ""
) -> OrderRefund:
    """Give back the exact share of these lines (all that is left, if not said). Goods do not move by it.

    Raises NoSuchOrder, NothingToRefund, MoreThanSold, OrderChanged.
    """
    order = await store.lock(tx, order_id)
    if order is None:
        raise NoSuchOrder
    rules.check_refundable(order)
    lines = await store.lines(tx, order_id)
    shares = rules.refund_shares(lines, rules.everything(lines) if wishes is None else wishes)
    amount = Money(sum(share.amount_minor for share in shares), order.currency)
    if amount.minor <= 0:
        raise NothingToRefund
    refund_id = new_id()
    written = await store.write_refund(
        tx, order, refund_id, [(s.line_no, s.quantity_milli, s.amount_minor) for s in shares], reason=reason
    )
    if not written:
        raise OrderChanged
    if order.state is State.COMPLETED:
        await _take_back_sale(tx, order, amount.minor, refund_id)
    await payments.request_refund(tx, order_id, amount, reason=reason or "refund", key=f"refund:{refund_id}")
    tx.tell(_told(order, refund_id, shares))
    return OrderRefund(refund_id, amount, shares)


async def _take_back_sale(tx: Tx, order: Order, amount_minor: int, refund_id: UUID) -> None:
    """What was booked as sold becomes a deposit again; the refund is paid out of that."""
    sale = sale_posting(tx, order, amount_minor)
    back = ledger.Posting(source=sale.destination, destination=sale.source, asset=sale.asset, amount=sale.amount)
    await ledger.transfer(tx, f"unsale:{refund_id}", [back], reason="sale taken back", reference=order.order_id)


def _told(order: Order, refund_id: UUID, shares: Sequence[rules.Share]) -> OrderRefunded:
    return OrderRefunded(
        order_id=order.order_id,
        refund_id=refund_id,
        member_id=order.member_id,
        store_id=order.credited_store_id or order.store_id,
        currency=order.currency,
        refunded_minor=sum(share.amount_minor for share in shares),
        units_milli=sum(share.quantity_milli for share in shares),
        lines=[LineFigures(s.line_no, s.sku_id, s.quantity_milli, s.amount_minor) for s in shares],
    )
