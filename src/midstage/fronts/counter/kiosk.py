"""A kiosk in a store: a program with a key sells to whoever stands before it. Nobody takes cash there."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Minor
from midstage.fronts.counter.cashiers import CounterCashier, start_at_counter
from midstage.fronts.counter.desk import SELL, my_store
from midstage.fronts.counter.sales import READS
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

TAGS = ["counter: kiosk"]
SEEN = (access.OutOfScope, orders.NoSuchOrder)
Lines = Annotated[list[orders.TillLine], msgspec.Meta(min_length=1, max_length=orders.MAX_LINES)]


class KioskOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was scanned at a kiosk, and by which member if she said so."""

    store_id: UUID
    lines: Lines
    member_id: UUID | None = None
    touchpoint_id: UUID | None = None
    expected_total_minor: Minor | None = None


class StartKioskPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which provider is to collect; without a word, the one the brand prefers."""

    provider: Annotated[str, msgspec.Meta(max_length=60)] | None = None


class KioskView(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a kiosk as it stands."""

    order_id: UUID
    number: str
    state: orders.State
    total_minor: int
    paid_minor: int
    currency: str
    expires_at: datetime | None


class KioskCode(msgspec.Struct, frozen=True):
    """What the kiosk shows or prints for the door."""

    code: str
    expires_at: datetime


@changing(
    "POST",
    "/kiosk/orders",
    status=201,
    once=True,
    tags=TAGS,
    needs=SELL,
    refuses=(
        access.OutOfScope,
        *READS,
        orders.SelfServiceOff,
        orders.TakeToTill,
        orders.TotalMoved,
        orders.StoreNotSelling,
        orders.PayeeWithoutAccount,
        catalogue.NotForSale,
        members.NoSuchMember,
        inventory.StockShort,
        pricing.PricesChanged,
    ),
)
async def place_at_kiosk(data: KioskOrder, tx: Tx, staff: Staff) -> KioskView:
    """Order what was scanned at a kiosk."""
    serving = orders.Serving(
        kind=orders.Kind.KIOSK,
        at=await my_store(tx, staff, SELL, data.store_id),
        lines=data.lines,
        member_id=members.MemberId(data.member_id) if data.member_id else None,
        touchpoint_id=organisation.TouchpointId(data.touchpoint_id) if data.touchpoint_id else None,
        expected_total_minor=data.expected_total_minor,
    )
    return _view((await orders.place_served(tx, serving)).order)


@reading("/kiosk/orders/{order_id:uuid}", tags=TAGS, needs=SELL, refuses=SEEN)
async def kiosk_order(order_id: UUID, tx: Tx, staff: Staff) -> KioskView:
    """An order of a kiosk: whether it is paid."""
    return _view(await _my_order(tx, staff, order_id))


@changing(
    "POST",
    "/kiosk/orders/{order_id:uuid}/payment",
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
async def start_kiosk_payment(
    order_id: UUID, data: StartKioskPayment, request: AnyRequest, staff: Staff
) -> list[CounterCashier]:
    """Start to pay: addresses to show as a code. Started again, it is the same."""
    async with desk_of(request).database.reading(staff.tenant, by=staff.by) as tx:
        order = await _my_order(tx, staff, order_id)
    return await start_at_counter(request, staff, order, via=data.provider)


@changing(
    "POST",
    "/kiosk/orders/{order_id:uuid}/leave-code",
    tags=TAGS,
    needs=SELL,
    refuses=(*SEEN, orders.NothingToLeaveWith, orders.LeaveCodeUsed),
)
async def kiosk_leave_code(order_id: UUID, tx: Tx, staff: Staff) -> KioskCode:
    """A code for the door, in place of the one before."""
    order = await _my_order(tx, staff, order_id)
    shown = await orders.leave_code(tx, order.order_id)
    return KioskCode(shown.code, shown.expires_at)


async def _my_order(tx: Tx, staff: Staff, order_id: UUID) -> orders.Order:
    """An order of a kiosk in a store of theirs. Raises orders.NoSuchOrder, access.OutOfScope."""
    order = await orders.order(tx, orders.OrderId(order_id))
    await my_store(tx, staff, SELL, order.store_id)
    if order.kind is not orders.Kind.KIOSK:
        raise orders.NoSuchOrder
    return order


def _view(order: orders.Order) -> KioskView:
    return KioskView(
        order_id=order.order_id,
        number=order.number,
        state=order.state,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        currency=order.currency,
        expires_at=order.expires_at,
    )


HANDLERS: list[HTTPRouteHandler] = [place_at_kiosk, kiosk_order, start_kiosk_payment, kiosk_leave_code]
