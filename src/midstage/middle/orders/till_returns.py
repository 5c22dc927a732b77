"""Goods come back to a till: of a receipt or without one, within what the cashier may do alone, or approved."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit import money
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import bundles, goods, rules, store, till
from midstage.middle.orders.facts import GoodsTakenBack, LineFigures, OrderRefunded
from midstage.middle.orders.store import till_returns as rows
from midstage.middle.orders.till_return_types import (
    TILL_REFUNDS,
    BackLine,
    Condition,
    LooseLine,
    NoReturnsWithoutReceipt,
    NotReturnable,
    OtherCurrency,
    ReturnedLine,
    ReturnTaken,
    TillRefunds,
    TillReturn,
)
from midstage.middle.orders.till_types import Till
from midstage.middle.orders.types import (
    Line,
    NoSuchOrder,
    NothingToRefund,
    Order,
    OrderChanged,
    OrderId,
    RefundWish,
    State,
)
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

ACTION = "till.refund"
_SUBJECT_OF_NONE = "-"


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """What is to come back of an order, and how the money goes."""

    order_id: OrderId
    lines: Sequence[BackLine]
    reason: str
    goes: payments.GoesBack = payments.GoesBack.SAME
    approval: access.ApprovalId | None = None


def approval_subject(till: Till, order_id: UUID | None) -> str:
    """What an approval of a refund is about: at which till, of which order. Pure."""
    return f"{till.till_id}/{order_id or _SUBJECT_OF_NONE}"


async def take_back(
    tx: Tx, counter: Till, back: Back, *, exchange_of: tuple[OrderId, int] | None = None
) -> ReturnTaken:
    """Take goods back that were bought with a receipt, in any store, by any front, and give the money back.

    Each line gives back its exact share. In an exchange (for which sale, of what total) as much of it stays here as
    that sale costs. Raises NoSuchOrder, NotReturnable, NothingToRefund, MoreThanSold, OtherCurrency,
    access.ApprovalNeeded, and what payments.selling_shift and payments.return_at_till raise.
    """
    shift = await payments.selling_shift(tx, counter.till_id)
    order = await _returnable(tx, shift, back.order_id)
    lines = {line.line_no: line for line in await store.lines(tx, order.order_id)}
    wishes = [RefundWish(line.line_no, line.quantity_milli) for line in back.lines]
    shares = rules.refund_shares(list(lines.values()), wishes)
    amount = sum(share.amount_minor for share in shares)
    settings = await organisation.settings_of(tx, TILL_REFUNDS, counter.at)
    if beyond(settings, order, amount, back.goes, at=tx.now):
        subject = approval_subject(counter, order.order_id)
        await access.use_approval(tx, back.approval, action=ACTION, subject=subject, amount_minor=amount)
    refund_id = new_id()
    kept = [(share.line_no, share.quantity_milli, share.amount_minor) for share in shares]
    if not await store.write_refund(tx, order, refund_id, amount, kept, reason=back.reason):
        raise OrderChanged
    given = await payments.return_at_till(
        tx,
        shift,
        order.order_id,
        Money(amount, order.currency),
        key=f"refund:{refund_id}",
        reason=back.reason,
        goes=back.goes,
        out_of=till.sales_account(tx, order),
        exchanged_minor=min(amount, exchange_of[1]) if exchange_of else 0,
    )
    conditions = {line.line_no: line.condition for line in back.lines}
    returned = [
        ReturnedLine(one.line_no, one.sku_id, one.quantity_milli, one.amount_minor, conditions[one.line_no])
        for one in shares
    ]
    taken = TillReturn(
        **_common(tx, counter, shift, back.reason, back.approval),
        order_id=order.order_id,
        refund_id=refund_id,
        amount_minor=amount,
        tax_minor=sum(tax_back(lines[one.line_no], one.amount_minor) for one in returned),
        lines=returned,
        exchange_of=exchange_of[0] if exchange_of else None,
    )
    goods_back = [bundles.goods_back(lines[one.line_no], one.quantity_milli) for one in returned]
    await _restock(tx, counter, taken, goods_back)
    tx.tell(_told(order, taken), at=shift.opened_at)
    return ReturnTaken(taken=taken, by_method=given.by_method, waiting_minor=given.waiting_minor)


async def take_back_loose(
    tx: Tx, counter: Till, lines: Sequence[LooseLine], *, reason: str, approval: access.ApprovalId | None = None
) -> ReturnTaken:
    """Take goods back without a receipt, for cash: at the lowest price at which this store sold them lately.

    Raises NoReturnsWithoutReceipt, access.ApprovalNeeded, and what reading the goods, payments.selling_shift and
    payments.pay_out raise.
    """
    shift = await payments.selling_shift(tx, counter.till_id)
    settings = await organisation.settings_of(tx, TILL_REFUNDS, counter.at)
    if not settings.without_receipt:
        raise NoReturnsWithoutReceipt
    read = await goods.read_lines(tx, counter.at, lines)
    priced = await goods.price_goods(tx, counter.at, read, level=None, strict=False)
    since = tx.now - timedelta(days=settings.lowest_price_days)
    lowest = await rows.lowest_prices(tx, counter.at.store_id, since, [line.sku_id for line in priced])
    returned = [
        ReturnedLine(
            line.line_no, line.sku_id, line.quantity_milli, loose_minor(line, lowest.get(line.sku_id)), said.condition
        )
        for line, said in zip(priced, lines, strict=True)
    ]
    amount = sum(one.amount_minor for one in returned)
    if amount <= 0:
        raise NothingToRefund
    before = await rows.given_without_receipt(tx, tx.by.id, shift.business_date)
    if amount > settings.without_receipt_minor or before + amount > settings.without_receipt_per_day_minor:
        subject = approval_subject(counter, None)
        await access.use_approval(tx, approval, action=ACTION, subject=subject, amount_minor=amount)
    by_no = {line.line_no: line for line in priced}
    taken = TillReturn(
        **_common(tx, counter, shift, reason, approval),
        order_id=None,
        refund_id=None,
        amount_minor=amount,
        tax_minor=sum(tax_in(by_no[one.line_no], one.amount_minor) for one in returned),
        lines=returned,
    )
    sales = ledger.account_id(tx.brand, "sales", counter.at.operator_id, shift.currency)
    await payments.pay_out(tx, shift, taken.return_id, amount, reason=reason, out_of=sales)
    await _restock(tx, counter, taken, [bundles.goods_back(line, line.quantity_milli) for line in priced])
    tx.note("till.take_back_loose", "till_return", taken.return_id, after={"amount_minor": amount, "reason": reason})
    tx.tell(
        GoodsTakenBack(
            return_id=taken.return_id,
            till_id=counter.till_id,
            store_id=counter.at.store_id,
            currency=shift.currency,
            amount_minor=amount,
            lines=[LineFigures(one.line_no, one.sku_id, one.quantity_milli, one.amount_minor) for one in returned],
        ),
        at=shift.opened_at,
    )
    return ReturnTaken(taken=taken, by_method={payments.CASH: amount}, waiting_minor=0)


def beyond(settings: TillRefunds, order: Order, amount_minor: int, goes: payments.GoesBack, *, at: datetime) -> bool:
    """Whether a refund goes beyond what a cashier may do alone. Pure."""
    old = order.placed_at < at - timedelta(days=settings.within_days)
    much = amount_minor > settings.most_minor
    return old or much or (goes is payments.GoesBack.CASH and amount_minor > settings.cash_instead_minor)


def loose_minor(line: Line, lowest_unit_minor: int | None) -> int:
    """What is given for a line without a receipt: by the lowest price of late, and never beyond today's. Pure."""
    if lowest_unit_minor is None:
        return line.charged_minor
    return min(line.charged_minor, money.times(lowest_unit_minor, line.quantity_milli))


def tax_back(line: Line, amount_minor: int) -> int:
    """The tax in what goes back of a line: over all that ever goes back it adds up to the line's. Pure."""
    if not line.charged_minor:
        return 0
    before = line.tax_minor * line.refunded_minor // line.charged_minor
    return line.tax_minor * (line.refunded_minor + amount_minor) // line.charged_minor - before


def tax_in(line: Line, amount_minor: int) -> int:
    """The tax in an amount that is given for such a line. Pure."""
    return line.tax_minor * amount_minor // line.charged_minor if line.charged_minor else 0


async def _returnable(tx: Tx, shift: payments.Shift, order_id: OrderId) -> Order:
    order = await store.lock(tx, order_id)
    if order is None:
        raise NoSuchOrder
    if order.state is not State.COMPLETED:
        raise NotReturnable(order.state.value)
    if order.currency != shift.currency:
        raise OtherCurrency(order.currency)
    rules.check_refundable(order)
    return order


def _common(
    tx: Tx, counter: Till, shift: payments.Shift, reason: str, approval: access.ApprovalId | None
) -> dict[str, Any]:
    return {
        "return_id": new_id(),
        "store_id": counter.at.store_id,
        "till_id": counter.till_id,
        "shift_id": shift.shift_id,
        "business_date": shift.business_date,
        "cashier_id": tx.by.id,
        "currency": shift.currency,
        "reason": reason,
        "returned_at": tx.now,
        "approval_id": approval,
    }


async def _restock(
    tx: Tx, counter: Till, taken: TillReturn, goods_back: Sequence[Mapping[catalogue.SkuId, int]]
) -> None:
    """Keep what came back; what is as new is on sale again at this store."""
    fresh: dict[catalogue.SkuId, int] = {}
    for one, back in zip(taken.lines, goods_back, strict=True):
        for sku_id, milli in back.items() if one.condition is Condition.STOCK else ():
            fresh[sku_id] = fresh.get(sku_id, 0) + milli
    fresh = {sku_id: milli for sku_id, milli in fresh.items() if milli}
    if fresh:
        location = inventory.location_of(counter.at.store_id)
        await inventory.receive(tx, location, fresh, reference=taken.return_id, reason="returned at the till")
    rows.write(tx, taken)


def _told(order: Order, taken: TillReturn) -> OrderRefunded:
    return OrderRefunded(
        order_id=order.order_id,
        refund_id=taken.refund_id or taken.return_id,
        member_id=order.member_id,
        store_id=order.credited_store_id or order.store_id,
        currency=order.currency,
        refunded_minor=taken.amount_minor,
        units_milli=sum(one.quantity_milli for one in taken.lines),
        lines=[LineFigures(one.line_no, one.sku_id, one.quantity_milli, one.amount_minor) for one in taken.lines],
    )


async def _store_of(tx: Tx, subject: str) -> organisation.StoreId | None:
    """The store of an approval: that of the till, not of the order."""
    return (await till.till_of(tx, UUID(subject.partition("/")[0]))).at.store_id


access.declare_approval(
    access.ApprovalAction(
        ACTION, Text(zh="收银退货超限", en="A refund at a till beyond the cashier's limit"), _store_of
    )
)
