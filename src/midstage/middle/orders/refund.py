"""Giving money back for lines, in whole or in part, to the cent; and taking that back where a provider will not."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.orders import collecting, rules, store
from midstage.middle.orders.facts import LineFigures, OrderRefunded, OrderRefundUndone
from midstage.middle.orders.sale import book_sale_again, take_back_sale
from midstage.middle.orders.types import NoSuchOrder, NothingToRefund, Order, OrderChanged, OrderId, RefundWish, State
from midstage.middle.payments import api as payments

_KEY = "refund:"


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
    return await give_back(tx, order, wishes, reason=reason or "refund")


async def give_back(tx: Tx, order: Order, wishes: Sequence[RefundWish] | None, *, reason: str) -> OrderRefund:
    """Give back the shares of these lines, or all that the order still holds, of an order that is held.

    The order is one version further afterwards. Raises NothingToRefund, MoreThanSold, OrderChanged.
    """
    lines = await store.lines(tx, order.order_id)
    shares = rules.shares_of_all(order, lines) if wishes is None else rules.refund_shares(lines, wishes)
    owed = order.paid_minor - order.refunded_minor
    amount = Money(owed if wishes is None else sum(share.amount_minor for share in shares), order.currency)
    if amount.minor <= 0:
        raise NothingToRefund
    refund_id = new_id()
    if not await store.write_refund(tx, order, refund_id, amount.minor, _rows(shares), reason=reason):
        raise OrderChanged
    of_payees = collecting.by_payee(order.collecting, lines, {one.line_no: one.amount_minor for one in shares})
    refunds = await payments.request_refund(
        tx, order.order_id, amount, reason=reason, key=f"{_KEY}{refund_id}", shares=of_payees
    )
    if order.state is State.COMPLETED:
        await take_back_sale(tx, order, refunds, refund_id)
    if order.paid_at is not None:  # money that came too late was never told as paid
        tx.tell(_told(order, refund_id, amount.minor, shares))
    return OrderRefund(refund_id, amount, shares)


async def refund_arrived(tx: Tx, notice: payments.Notice) -> payments.Refund:
    """Take a provider's word on a refund; where it will not give the money back, the order holds it again.

    The same notice again changes nothing. Raises what payments.book_refunded raises.
    """
    if notice.refund_id is None:
        return await payments.book_refunded(tx, notice)
    asked = await payments.refund_of(tx, notice.refund_id)
    order = await store.lock(tx, OrderId(asked.order_id))
    before = await payments.refund_of(tx, notice.refund_id)  # as it stands now that nobody else can end it
    after = await payments.book_refunded(tx, notice)
    failed = payments.RefundState.FAILED
    if order is not None and after.state is failed and before.state is not failed:
        await _undo(tx, order, after)
    return after


async def _undo(tx: Tx, order: Order, failed: payments.Refund) -> None:
    """Put back what a refund had taken off the order and its lines."""
    amount = failed.amount.minor
    if not failed.key.startswith(_KEY):
        # Money that came beyond the order's and should have gone straight back: now the order holds it.
        await store.note_paid(tx, order.order_id, order.paid_minor + amount)
        if order.state is State.COMPLETED:
            await book_sale_again(tx, order, failed)
        return
    refund_id = UUID(failed.key.removeprefix(_KEY))
    shares, failed_before = await store.refund_shares(tx, order.order_id, refund_id)
    back = rules.undone_shares(shares, failed_before, amount)
    if not await store.undo_refund(tx, order, refund_id, amount, back, reason="refund failed"):
        raise OrderChanged
    if order.state is State.COMPLETED:
        await book_sale_again(tx, order, failed)
    if order.paid_at is not None:
        tx.tell(
            OrderRefundUndone(
                order_id=order.order_id,
                refund_id=refund_id,
                member_id=order.member_id,
                store_id=order.credited_store_id or order.store_id,
                currency=order.currency,
                amount_minor=amount,
                units_milli=sum(milli for _, milli, _ in back),
            )
        )


def _rows(shares: Sequence[rules.Share]) -> list[tuple[int, int, int]]:
    return [(share.line_no, share.quantity_milli, share.amount_minor) for share in shares]


def _told(order: Order, refund_id: UUID, amount_minor: int, shares: Sequence[rules.Share]) -> OrderRefunded:
    return OrderRefunded(
        order_id=order.order_id,
        refund_id=refund_id,
        member_id=order.member_id,
        store_id=order.credited_store_id or order.store_id,
        currency=order.currency,
        refunded_minor=amount_minor,
        units_milli=sum(share.quantity_milli for share in shares),
        lines=[LineFigures(s.line_no, s.sku_id, s.quantity_milli, s.amount_minor) for s in shares],
    )
