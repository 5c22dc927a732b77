"""Checkout, payment, and the shopper's orders."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of, language
from midstage.fronts.mall.callers import CHANNEL, Shopper
from midstage.fronts.mall.views import OrderDetailView, OrderView, PlacedView, detail_view, order_view, placed_view
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

TAGS = ["mall: orders"]
InState = Annotated[orders.State | None, QueryParameter(name="state", description="Only orders that stand there")]
Note = Annotated[str, msgspec.Meta(max_length=500)]


class Checkout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to buy and how to get it. `expected_total_minor` is the total that the shopper saw."""

    lines: Annotated[list[orders.LineWish], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]
    delivery: orders.Delivery
    store_id: UUID | None = None
    touchpoint_id: UUID | None = None
    expected_total_minor: int | None = None
    note: Note = ""
    from_cart: bool = True


class StartPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which provider is to collect; without a word, the one the brand prefers."""

    provider: str | None = None
    return_url: Annotated[str, msgspec.Meta(max_length=500)] = ""


class CashierToView(msgspec.Struct, frozen=True):
    """One cashier to go to; where several payees are paid there at once, it is for several payments."""

    provider: str
    cashier_url: str
    amount_minor: int
    currency: str
    payment_ids: list[UUID]


class CashierView(msgspec.Struct, frozen=True):
    """Where the shopper pays: first here, then at the other cashiers, if there are several."""

    payment_id: UUID
    provider: str
    cashier_url: str
    cashiers: list[CashierToView]


class Cancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an order is called off, in the shopper's words."""

    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


@changing(
    "POST",
    "/orders",
    status=201,
    once=True,
    tags=TAGS,
    refuses=(
        inventory.StockShort,
        orders.TotalMoved,
        orders.NotSoldHere,
        catalogue.NotForSale,
        catalogue.QuantityUnsellable,
        pricing.PricesChanged,
        orders.SkuTwice,
        orders.AddressMissing,
        orders.StoreNotSelling,
        orders.PayeeWithoutAccount,
    ),
)
async def place(data: Checkout, tx: Tx, shopper: Shopper) -> PlacedView:
    """Place an order.

    The stock is promised until `expires_at`; the payment is started by a call of its own. Sent again with the same
    Idempotency-Key it answers the same order.
    """
    placing = orders.Placing(
        kind=orders.Kind.MALL,
        front="mall",
        sales_channel=CHANNEL,
        lines=data.lines,
        delivery=data.delivery,
        store_id=organisation.StoreId(data.store_id) if data.store_id else None,
        member_id=shopper.member_id,
        touchpoint_id=organisation.TouchpointId(data.touchpoint_id) if data.touchpoint_id else None,
        expected_total_minor=data.expected_total_minor,
        note=data.note,
        clear_cart_of=shopper.owner if data.from_cart else None,
    )
    return placed_view(await orders.place_order(tx, placing))


@changing(
    "POST",
    "/orders/{order_id:uuid}/payment",
    status=202,
    tags=TAGS,
    refuses=(
        orders.NoSuchOrder,
        payments.PaymentNotOpen,
        payments.NothingToPay,
        payments.NoSuchMerchant,
        payments.PaymentOverdue,
        payments.ProviderUnavailable,
    ),
)
async def start_payment(order_id: UUID, data: StartPayment, request: AnyRequest, shopper: Shopper) -> CashierView:
    """Start to pay an order: answers where the shopper pays. Started again, it is the same payment.

    Where operators collect on accounts of their own there may be several cashiers, one after the other, unless their
    provider takes all at once. The order is paid with the last.
    """
    desk = desk_of(request)
    async with desk.database.reading(shopper.tenant) as tx:
        order = await my_order_of(tx, order_id, shopper)
        due = (await payments.payments_of(tx, [order.order_id])).get(order.order_id)
    if not due:
        raise payments.NothingToPay(order.total_minor)
    cashiers = await payments.start_payments(
        desk.database,
        shopper.tenant,
        order.order_id,
        payments.Cashier(title=order.number, return_url=data.return_url, language=language(request)),
        callback_base=f"{desk.settings.public_url}/v1/callbacks",
        via=data.provider,
        by=shopper.by,
    )
    return CashierView(
        cashiers[0].payment_ids[0],
        cashiers[0].provider,
        cashiers[0].cashier_url,
        [
            CashierToView(one.provider, one.cashier_url, one.amount.minor, one.amount.currency, [*one.payment_ids])
            for one in cashiers
        ],
    )


@changing(
    "POST", "/orders/{order_id:uuid}/cancel", once=True, tags=TAGS, refuses=(orders.NoSuchOrder, orders.OrderNotMovable)
)
async def cancel(order_id: UUID, data: Cancel, tx: Tx, shopper: Shopper) -> OrderDetailView:
    """Call off an order of which nothing has left; what was paid goes back by itself."""
    order = await my_order_of(tx, order_id, shopper)
    await orders.cancel_order(tx, order.order_id, reason=data.reason)
    return detail_view(await orders.order_detail(tx, order.order_id))


@reading("/orders", tags=TAGS)
async def my_orders(
    tx: Tx, shopper: Shopper, in_state: InState = None, after: str | None = None, limit: Limit = 20
) -> Page[OrderView]:
    """My orders, of every channel, the newest first."""
    filters = orders.OrderFilters(member_ids=shopper.member_ids, state=in_state)
    found = await orders.find_orders(tx, filters, PageRequest(after, limit))
    return Page([order_view(order) for order in found.items], found.next)


@reading("/orders/{order_id:uuid}", tags=TAGS, refuses=(orders.NoSuchOrder,))
async def my_order(order_id: UUID, tx: Tx, shopper: Shopper) -> OrderDetailView:
    """One of my orders, with its lines and history."""
    order = await my_order_of(tx, order_id, shopper)
    return detail_view(await orders.order_detail(tx, order.order_id))


async def my_order_of(tx: Tx, order_id: UUID, shopper: Shopper) -> orders.Order:
    """Somebody else's order is not there. Raises orders.NoSuchOrder."""
    order = await orders.order(tx, orders.OrderId(order_id))
    if order.member_id not in shopper.member_ids:
        raise orders.NoSuchOrder
    return order


HANDLERS: list[HTTPRouteHandler] = [place, start_payment, cancel, my_orders, my_order]
