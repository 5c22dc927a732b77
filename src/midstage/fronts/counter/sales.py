"""Goods over the counter: looked up, priced, sold."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import Minor, Reason, Short
from midstage.fronts.counter.cashiers import CounterCashier, start_at_counter
from midstage.fronts.counter.desk import AT_TILL, SELL, my_store, my_till, serving
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

TAGS = ["counter: sales"]
Lines = Annotated[list[orders.TillLine], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
Tenders = Annotated[list[payments.TenderWish], msgspec.Meta(max_length=10)]
Text = Annotated[str, QueryParameter(description="Part of a name or a code", max_length=100)]
READS = (
    orders.LineUnclear,
    orders.BarcodeUnknown,
    orders.SkuUnknown,
    orders.LabelDamaged,
    orders.NotSoldHere,
    catalogue.QuantityUnsellable,
)
SEEN = (access.OutOfScope, orders.NoSuchOrder, orders.NoSuchTill)
MOVES = (orders.OrderNotMovable, orders.OrderChanged)
SELLS = (
    *AT_TILL,
    *READS,
    orders.TotalMoved,
    orders.StoreNotSelling,
    orders.PayeeWithoutAccount,
    catalogue.NotForSale,
    members.NoSuchMember,
    organisation.NoSuchGuide,
    organisation.GuideGone,
    payments.NoShiftOpen,
    payments.TendersDoNotAddUp,
    payments.TooLittleGiven,
    payments.TenderNotTaken,
)


class Cart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lies on the counter, and for whom."""

    till_id: UUID
    lines: Lines
    member_id: UUID | None = None


class Sell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sale, whole: the goods, who buys them, who served, and how it is paid.

    `expected_total_minor` is the total that the till showed; another is refused and told.
    """

    till_id: UUID
    lines: Lines
    tenders: Tenders = []
    member_id: UUID | None = None
    guide_id: UUID | None = None
    expected_total_minor: Minor | None = None
    note: Short = ""


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as the till shows it."""

    line_no: int
    sku_id: UUID
    sku_code: str
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    list_minor: int
    price_rule: str
    total_minor: int
    live: bool
    """Whether it is on sale; what is not cannot be sold at the till."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a cart costs here and now."""

    lines: list[CartLine]
    goods_minor: int
    tax_minor: int
    total_minor: int
    currency: str


class FoundGoods(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for, its price here, and what the books say is left."""

    line: CartLine
    currency: str
    free_milli: int


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was sold."""

    line_no: int
    sku_id: UUID
    sku_code: str
    title_zh: str
    title_en: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    discount_minor: int
    total_minor: int
    tax_rate_millionths: int
    tax_minor: int


class StartSalePayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which provider is to take its part; without a word, the one the brand prefers."""

    provider: Annotated[str, msgspec.Meta(max_length=60)] | None = None


class CancelSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and at which till."""

    till_id: UUID
    reason: Reason


class SaleView(msgspec.Struct, frozen=True, kw_only=True):
    """A sale as its receipt needs it."""

    order_id: UUID
    number: str
    state: orders.State
    business_date: date
    sold_at: datetime
    store_id: UUID
    till_id: UUID
    shift_id: UUID
    member_id: UUID | None
    guide_id: UUID | None
    currency: str
    goods_minor: int
    discount_minor: int
    total_minor: int
    tax_minor: int
    paid_minor: int
    change_minor: int
    lines: list[SoldLine]
    tenders: list[payments.TillPart]
    below: list[orders.Below]
    """Of what more was sold than there was by the books; somebody should count."""
    waiting: list[UUID]
    """Payments that providers are still to take."""


@reading("/goods", tags=TAGS, needs=SELL, refuses=(*AT_TILL, *READS))
async def scan(
    tx: Tx, staff: Person, till_id: UUID, barcode: Annotated[str, QueryParameter(max_length=64)]
) -> FoundGoods:
    """Scan a code: what it is, what it costs here, and how many are left. A weight or price in it is read, too."""
    till = await my_till(tx, staff, SELL, till_id)
    (found,) = await orders.quote_lines(tx, till.at, [orders.TillLine(barcode=barcode)])
    sku_id = found.line.sku_id
    free = await inventory.available(tx, inventory.location_of(till.at.store_id), [sku_id])
    return FoundGoods(line=_cart_line(found), currency=till.at.currency, free_milli=free[sku_id])


@reading("/goods/search", tags=TAGS, needs=SELL, refuses=(*AT_TILL, catalogue.SearchTooLong))
async def search_goods(
    tx: Tx, staff: Person, till_id: UUID, text: Text, after: str | None = None, limit: Limit = 20
) -> Page[catalogue.Listed]:
    """Find goods that have no code to scan, by any part of a name or a code."""
    await my_till(tx, staff, SELL, till_id)
    filters = catalogue.ProductFilters(state=catalogue.State.LIVE)
    return await catalogue.search(tx, text, filters, PageRequest(after, limit))


@changing("POST", "/quotes", tags=TAGS, needs=SELL, refuses=(*AT_TILL, *READS, members.NoSuchMember))
async def quote(data: Cart, tx: Tx, staff: Person) -> Quote:
    """Price a cart, for a member if one is named. Nothing is kept."""
    till = await my_till(tx, staff, SELL, data.till_id)
    shopper = await members.shopper(tx, members.MemberId(data.member_id)) if data.member_id else None
    found = await orders.quote_lines(tx, till.at, data.lines, level=shopper.level if shopper else None)
    totals = orders.total([one.line for one in found], shipping_minor=0)
    return Quote(
        lines=[_cart_line(one) for one in found],
        goods_minor=totals.goods_minor,
        tax_minor=totals.tax_minor,
        total_minor=totals.total_minor,
        currency=till.at.currency,
    )


@changing("POST", "/sales", status=201, once=True, tags=TAGS, needs=SELL, refuses=SELLS)
async def sell(data: Sell, tx: Tx, staff: Person) -> SaleView:
    """Sell: goods, money and stock in one go; answers the change. Sent again with the same key it is one sale."""
    till = await my_till(tx, staff, SELL, data.till_id)
    selling = orders.Selling(
        lines=data.lines,
        tenders=data.tenders,
        member_id=members.MemberId(data.member_id) if data.member_id else None,
        guide_id=await serving(tx, staff, till, data.guide_id),
        expected_total_minor=data.expected_total_minor,
        note=data.note,
    )
    return sale_view(await orders.sell(tx, till, selling))


@reading("/sales/{sale_id:uuid}", tags=TAGS, needs=SELL, refuses=SEEN)
async def sale(sale_id: UUID, tx: Tx, staff: Person) -> SaleView:
    """A sale of a till as it stands: what was paid, and whether a provider is still to take its part."""
    await _my_sale(tx, staff, sale_id)
    return await _view(tx, orders.OrderId(sale_id))


@changing(
    "POST",
    "/sales/{sale_id:uuid}/payment",
    status=202,
    tags=TAGS,
    needs=SELL,
    refuses=(
        *SEEN,
        payments.NoSuchPayment,
        payments.PaymentNotOpen,
        payments.PaymentOverdue,
        payments.NothingToPay,
        payments.NoSuchMerchant,
        payments.UnknownProvider,
        payments.ProviderUnavailable,
        payments.ProviderRefused,
    ),
)
async def start_sale_payment(
    sale_id: UUID, data: StartSalePayment, request: AnyRequest, staff: Person
) -> list[CounterCashier]:
    """Let a provider take its part: where the shopper pays, to be shown as a code. Started again, it is the same."""
    async with desk_of(request).database.reading(staff.tenant, by=staff.by) as tx:
        await _my_sale(tx, staff, sale_id)
        order = await orders.order(tx, orders.OrderId(sale_id))
    return await start_at_counter(request, staff, order, via=data.provider)


@changing("POST", "/sales/{sale_id:uuid}/finish", once=True, tags=TAGS, needs=SELL, refuses=(*SEEN, *MOVES))
async def finish_sale(sale_id: UUID, tx: Tx, staff: Person) -> SaleView:
    """The provider took its part: hand over. The goods leave the stock now."""
    await _my_sale(tx, staff, sale_id)
    await orders.hand_over(tx, orders.OrderId(sale_id))
    return await _view(tx, orders.OrderId(sale_id))


@changing(
    "POST",
    "/sales/{sale_id:uuid}/cancel",
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(*SEEN, *MOVES, payments.PaymentNotOpen, payments.NoShiftOpen, payments.DrawerShort),
)
async def cancel_sale(sale_id: UUID, data: CancelSale, tx: Tx, staff: Person) -> SaleView:
    """Call off a sale that waits for a provider; what was taken by hand goes back over this counter."""
    await _my_sale(tx, staff, sale_id)
    till = await my_till(tx, staff, SELL, data.till_id)
    await orders.cancel_waiting(tx, till, orders.OrderId(sale_id), reason=data.reason)
    return await _view(tx, orders.OrderId(sale_id))


async def _my_sale(tx: Tx, staff: Person, order_id: UUID) -> None:
    """Raises orders.NoSuchOrder, access.OutOfScope."""
    found = await orders.till_sale(tx, orders.OrderId(order_id))
    await my_store(tx, staff, SELL, found.store_id)


async def _view(tx: Tx, order_id: orders.OrderId) -> SaleView:
    detail = await orders.order_detail(tx, order_id)
    due = (await payments.payments_of(tx, [order_id])).get(order_id, [])
    came = [one for one in await payments.tenders_of(tx, [one.payment_id for one in due]) if one.amount.minor > 0]
    return sale_view(
        orders.Sold(
            order=detail.order,
            lines=detail.lines,
            sale=await orders.till_sale(tx, order_id),
            tenders=[payments.TillPart(one.method, one.amount.minor) for one in came],
            waiting=[one.payment_id for one in due if one.state is payments.PaymentState.OPEN],
        )
    )


def sale_view(sold: orders.Sold) -> SaleView:
    """A sale as the till shows it."""
    order, sale = sold.order, sold.sale
    return SaleView(
        order_id=order.order_id,
        number=order.number,
        state=order.state,
        business_date=order.business_date,
        sold_at=sale.sold_at,
        store_id=order.store_id,
        till_id=sale.till_id,
        shift_id=sale.shift_id,
        member_id=order.member_id,
        guide_id=order.guide_id,
        currency=order.currency,
        goods_minor=order.goods_minor,
        discount_minor=order.discount_minor,
        total_minor=order.total_minor,
        tax_minor=order.tax_minor,
        paid_minor=order.paid_minor,
        change_minor=sold.change_minor,
        lines=[sold_line(line) for line in sold.lines],
        tenders=list(sold.tenders),
        below=list(sold.below),
        waiting=list(sold.waiting),
    )


def _cart_line(found: orders.QuotedLine) -> CartLine:
    line: Any = found.line
    taken = {name: getattr(line, name) for name in CartLine.__struct_fields__ if name != "live"}
    return CartLine(**taken, live=found.live)


def sold_line(line: orders.Line) -> SoldLine:
    """A line as receipts show it."""
    return SoldLine(**{name: getattr(line, name) for name in SoldLine.__struct_fields__})


HANDLERS: list[HTTPRouteHandler] = [
    scan, search_goods, quote, sell, sale, start_sale_payment, finish_sale, cancel_sale,
]  # fmt: skip
