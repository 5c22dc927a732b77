"""The pure decisions of the order book: prices of lines, where an order may go, whose sale it is, what goes back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from midstage.kit import money
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import bundles
from midstage.middle.orders.types import (
    MAX_LINES,
    TRANSITIONS,
    AddressMissing,
    Crediting,
    Delivery,
    Line,
    LineWish,
    Method,
    MoreThanSold,
    NothingToRefund,
    NotSoldHere,
    Order,
    OrderEmpty,
    OrderNotMovable,
    RefundWish,
    SkuTwice,
    State,
    TotalMoved,
)
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing


class Totals(msgspec.Struct, frozen=True):
    """The sums of an order's lines."""

    goods_minor: int
    discount_minor: int
    tax_minor: int
    tax_added_minor: int
    total_minor: int


class Share(msgspec.Struct, frozen=True):
    """What goes back of one line."""

    line_no: int
    sku_id: UUID
    quantity_milli: int
    amount_minor: int


def check_wishes(wishes: Sequence[LineWish], delivery: Delivery) -> None:
    """Refuse what no stock or price could make right."""
    if not 1 <= len(wishes) <= MAX_LINES:
        raise OrderEmpty
    seen: set[UUID] = set()
    for wish in wishes:
        if wish.sku_id in seen:
            raise SkuTwice(wish.sku_id)
        seen.add(wish.sku_id)
    if delivery.method is Method.DELIVERY and delivery.address is None:
        raise AddressMissing


def check_offers(wishes: Sequence[LineWish], offers: Mapping[catalogue.SkuId, catalogue.Offer]) -> None:
    """Every sku must be live and be sold in the quantity that is wished. Raises what the catalogue raises."""
    for wish in wishes:
        offer = offers.get(wish.sku_id)
        if offer is None or not offer.live:
            raise catalogue.NotForSale(str(wish.sku_id))
        check_listed(offer)
        catalogue.check_quantity(offer, wish.quantity_milli)


def check_listed(offer: catalogue.Offer) -> None:
    """Raises NotSoldHere, with the reason."""
    if offer.refused is not None:
        raise NotSoldHere(offer.sku_id, offer.refused.rule.value, offer.refused.zh, offer.refused.en)


def price_lines(
    wishes: Sequence[LineWish],
    offers: Mapping[catalogue.SkuId, catalogue.Offer],
    quotes: Mapping[catalogue.SkuId, pricing.Quote],
    plan: Sequence[inventory.Want],
) -> tuple[list[Line], list[inventory.LocationId]]:
    """The lines, in the order of the wishes, and the location of each part (part_no counts from 1).

    A wish that the plan takes from several locations becomes a line each; its goods amount is computed once and
    split by quantity, so the number of parcels never changes the price. A bundle is one line, wherever its parts are.
    """
    locations = list(dict.fromkeys(want.location_id for want in plan))
    pool = bundles.Pool(plan, locations)
    lines: list[Line] = []
    for wish in wishes:
        offer, quote = offers[wish.sku_id], quotes[wish.sku_id]
        goods = money.times(quote.unit_minor, wish.quantity_milli)
        if offer.parts:
            line = line_of(len(lines) + 1, bundles.FIRST_PART, offer, quote, wish.quantity_milli, goods)
            lines.append(bundles.with_parts(line, offer, quotes, pool))
            continue
        taken = pool.take(wish.sku_id, wish.quantity_milli)
        shares = money.split_minor(goods, [milli for _, milli in taken])
        for (part_no, milli), share in zip(taken, shares, strict=True):
            lines.append(line_of(len(lines) + 1, part_no, offer, quote, milli, share))
    return lines, locations


def total(lines: Sequence[Line], *, shipping_minor: int) -> Totals:
    """Add up; nothing is rounded here."""
    goods = sum(line.goods_minor for line in lines)
    discount = sum(line.discount_minor for line in lines)
    added = sum(line.tax_minor for line in lines if not line.tax_inclusive)
    return Totals(
        goods_minor=goods,
        discount_minor=discount,
        tax_minor=sum(line.tax_minor for line in lines),
        tax_added_minor=added,
        total_minor=goods - discount + shipping_minor + added,
    )


def check_expected(expected_minor: int | None, total_minor: int) -> None:
    """What the shopper saw is what is charged, or nothing is."""
    if expected_minor is not None and expected_minor != total_minor:
        raise TotalMoved(expected_minor, total_minor)


def check_move(state: State, wish: State) -> None:
    """Refuse a step that is not in TRANSITIONS."""
    if wish not in TRANSITIONS[state]:
        raise OrderNotMovable(state.value, wish.value)


def credit(order: Order, bound: members.Shopper | organisation.Virtual, *, referrer: UUID | None) -> Crediting:
    """Whose sale it is: who served it stands above who the shopper is bound to (for a stranger, the virtual ones)."""
    return Crediting(
        store_id=order.store_id,
        guide_id=order.guide_id or bound.guide_id,
        touchpoint_id=order.touchpoint_id or bound.touchpoint_id,
        referrer_id=referrer,
    )


def refund_shares(lines: Sequence[Line], wishes: Sequence[RefundWish]) -> list[Share]:
    """The exact share of each line that goes back.

    The share is what the line charged for all that has gone back by then, less what went back before: any sequence
    of partial refunds adds up to the whole, and none is off by more than a minor unit.
    """
    by_no = {line.line_no: line for line in lines}
    shares: list[Share] = []
    for wish in wishes:
        line = by_no.pop(wish.line_no, None)
        left = line.quantity_milli - line.returned_milli if line else 0
        if line is None or wish.quantity_milli > left:
            raise MoreThanSold(wish.line_no, wish.quantity_milli, left)
        returned = line.returned_milli + wish.quantity_milli
        due = line.charged_minor * returned // line.quantity_milli
        shares.append(Share(line.line_no, line.sku_id, wish.quantity_milli, due - line.refunded_minor))
    return shares


def everything(lines: Sequence[Line]) -> list[RefundWish]:
    """The wish to give back all that is left of an order, the money of lines whose goods count as returned included."""
    return [
        RefundWish(line.line_no, line.quantity_milli - line.returned_milli)
        for line in lines
        if line.quantity_milli > line.returned_milli or line.charged_minor > line.refunded_minor
    ]


def check_refundable(order: Order) -> None:
    """Money can go back only where some came and is left."""
    if order.refunded_minor >= order.paid_minor:
        raise NothingToRefund


def shares_of_all(order: Order, lines: Sequence[Line]) -> list[Share]:
    """The shares of the lines where all that an order holds goes back; what lines do not explain goes back beside them.

    None, where the order holds less than its lines would have back (a part of it was paid, by a person's word).
    """
    shares = refund_shares(lines, everything(lines))
    return shares if sum(share.amount_minor for share in shares) <= order.paid_minor - order.refunded_minor else []


def choose_payment(due: Sequence[payments.Payment], amount: money.Money, payment_id: UUID | None) -> payments.Payment:
    """Which payment of an order a taking is meant for: the named, else the first open of the amount, else of more.

    Raises payments.NoSuchPayment where the named is none of the order's.
    """
    if payment_id is not None:
        named = next((payment for payment in due if payment.payment_id == payment_id), None)
        if named is None:
            raise payments.NoSuchPayment(payment_id)
        return named
    waiting = [payment for payment in due if payment.paid_minor == 0]
    fits = next((payment for payment in waiting if payment.due == amount), None)
    larger = next((payment for payment in waiting if payment.due_minor > amount.minor), None)
    return fits or larger or (waiting or due)[-1]


def undone_shares(
    shares: Sequence[tuple[int, int, int]], undone_minor: int, amount_minor: int
) -> list[tuple[int, int, int]]:
    """What of each line (line_no, milli, minor) comes back when so much of a refund fails, after so much of it did.

    Failures fill the lines one after the other, so that any sequence of them adds up to the shares. The quantity of
    a line comes back with the last of its money.
    """
    back: list[tuple[int, int, int]] = []
    begins = 0
    for line_no, milli, minor in shares:
        ends = begins + minor
        low, high = max(begins, undone_minor), min(ends, undone_minor + amount_minor)
        if high > low:
            back.append((line_no, milli if high == ends else 0, high - low))
        begins = ends
    return back


def line_of(
    line_no: int, part_no: int, offer: catalogue.Offer, quote: pricing.Quote, milli: int, goods_minor: int
) -> Line:
    """A line of an order, its tax included."""
    rate = offer.tax_rate_millionths
    return Line(
        line_no=line_no,
        part_no=part_no,
        sku_id=offer.sku_id,
        product_id=offer.product_id,
        sku_code=offer.sku_code,
        title_zh=offer.title_zh,
        title_en=offer.title_en,
        options=offer.options_text,
        unit=offer.unit,
        quantity_milli=milli,
        unit_minor=quote.unit_minor,
        list_minor=quote.list_minor,
        price_rule=quote.rule,
        goods_minor=goods_minor,
        discount_minor=0,
        total_minor=goods_minor,
        tax_class=offer.tax_class,
        tax_rate_millionths=rate,
        tax_inclusive=offer.tax_inclusive,
        tax_minor=money.tax_inside(goods_minor, rate) if offer.tax_inclusive else money.tax_on_top(goods_minor, rate),
    )
