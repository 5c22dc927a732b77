"""Placing an order: read, decide, write once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.kept import Kept
from midstage.kit.money import Money
from midstage.kit.numbers import numbers
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import bundles, cart, collecting, rules, store
from midstage.middle.orders.facts import LineFigures, OrderPlaced
from midstage.middle.orders.paid import become_paid
from midstage.middle.orders.types import (
    Delivery,
    GuestHasNoStore,
    Line,
    LineWish,
    Method,
    NotSoldHere,
    Order,
    OrderId,
    PlacedOrder,
    Placing,
    State,
    StoreNotSelling,
)
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

# A wallet app may hide the cashier for 25 minutes; a shorter hold would resell goods under a customer who is still paying.
HOLD = timedelta(minutes=30)

# A store changes seldom and is read by every order: what the console changes is in force here within these seconds.
_stores: Kept[tuple[BrandId, organisation.StoreId], organisation.Store] = Kept(ttl_s=5.0, most=50_000)


async def place_order(tx: Tx, placing: Placing) -> PlacedOrder:
    """Accept an order: price it, promise the stock, and say what is to be paid until when.

    Refuses with what catalogue, pricing and inventory refuse, and TotalMoved, NotSoldHere, AddressMissing, OrderEmpty,
    SkuTwice, StoreNotSelling, GuestHasNoStore or PayeeWithoutAccount, and what payments.open_payments refuses of takings; then nothing is
    written. An order of nothing, or of which all was taken by hand, is paid at once.
    """
    rules.check_wishes(placing.lines, placing.delivery)
    shopper = await members.shopper(tx, placing.member_id) if placing.member_id else None
    sold_at = await _store(tx, placing, shopper)
    priced = await price(
        tx, placing.lines, sold_at, channel=placing.sales_channel, level=shopper.level if shopper else None
    )
    plan = await _plan(tx, placing, sold_at, priced.offers)
    lines, locations = rules.price_lines(placing.lines, priced.offers, priced.quotes, plan)
    totals = rules.total(lines, shipping_minor=0)
    rules.check_expected(placing.expected_total_minor, totals.total_minor)
    collected = await collecting.decide(tx, sold_at, lines, locations, shipping_minor=0)
    order = Order(
        order_id=OrderId(new_id()),
        number=await numbers.give(tx),
        version=1,
        kind=placing.kind,
        state=State.PLACED,
        sales_channel=placing.sales_channel,
        front=placing.front,
        store_id=sold_at.store_id,
        operator_id=sold_at.operator_id,
        member_id=placing.member_id,
        person_id=shopper.person_id if shopper else None,
        guide_id=placing.guide_id,
        touchpoint_id=placing.touchpoint_id,
        currency=sold_at.currency,
        units_milli=sum(line.quantity_milli for line in lines),
        goods_minor=totals.goods_minor,
        discount_minor=totals.discount_minor,
        shipping_minor=0,
        total_minor=totals.total_minor,
        tax_minor=totals.tax_minor,
        tax_added_minor=totals.tax_added_minor,
        delivery=placing.delivery,
        note=placing.note,
        business_date=tx.tenant.business_date(tx.now),
        placed_at=tx.now,
        expires_at=tx.now + HOLD,
        collecting=collected,
    )
    return await _write(tx, placing, order, lines, locations, plan, priced.version)


class Priced(msgspec.Struct, frozen=True):
    """What pricing a cart found: the offers and quotes, and the version of the prices that they hold for."""

    offers: dict[catalogue.SkuId, catalogue.Offer]
    quotes: dict[catalogue.SkuId, pricing.Quote]
    version: int


async def price(
    tx: Tx, wishes: Sequence[LineWish], sold_at: organisation.Store, *, channel: str, level: str | None
) -> Priced:
    """The offers and prices of what is wished, in this store, for this level. Refuses what is not for sale."""
    sku_ids = [wish.sku_id for wish in wishes]
    offers = await catalogue.offers(tx, sku_ids, at=catalogue.Selling(sold_at, channel))
    rules.check_offers(wishes, offers)
    context = pricing.PriceContext(
        sales_channel=channel,
        store_id=sold_at.store_id,
        unit_path=sold_at.unit_path,
        operator_id=sold_at.operator_id,
        level=level,
    )
    quotes = await pricing.quote(tx, context, [*sku_ids, *bundles.skus_to_price(offers.values())], at=tx.now)
    for sku_id in sku_ids:
        if sku_id not in quotes:
            raise NotSoldHere(sku_id)
    return Priced(offers, quotes, quotes[sku_ids[0]].version)


async def _store(tx: Tx, placing: Placing, shopper: members.Shopper | None) -> organisation.Store:
    store_id = placing.store_id or (shopper.store_id if shopper else None)
    if store_id is None:
        raise GuestHasNoStore
    found = _stores.get((tx.brand, store_id))
    if found is None:
        found = (await organisation.stores(tx, [store_id])).get(store_id)
        if found is None:
            raise StoreNotSelling(store_id)
        _stores.put((tx.brand, store_id), found)
    if found.state != organisation.StoreState.OPEN:
        raise StoreNotSelling(store_id)
    return found


async def _plan(
    tx: Tx, placing: Placing, sold_at: organisation.Store, offers: Mapping[catalogue.SkuId, catalogue.Offer]
) -> list[inventory.Want]:
    """Where each thing comes from: what is carried or picked up, from that store; a delivery, from where it is best."""
    here = inventory.location_of(sold_at.store_id)
    wants = bundles.goods_wanted(placing.lines, offers)
    if placing.delivery.method is not Method.DELIVERY:
        return [inventory.Want(here, sku_id, milli) for sku_id, milli in wants.items()]
    return await inventory.plan(tx, wants, near=_place(placing.delivery) or sold_at.place, candidates=None, only=None)


def _place(delivery: Delivery) -> organisation.Place | None:
    address = delivery.address
    if address is None or address.lat is None or address.lng is None:
        return None
    return organisation.Place(address.lat, address.lng)


async def _write(
    tx: Tx,
    placing: Placing,
    order: Order,
    lines: list[Line],
    locations: list[inventory.LocationId],
    plan: Sequence[inventory.Want],
    prices: int,
) -> PlacedOrder:
    """Every assumption is checked again by the write that rests on it.

    Only the stock has to answer first; the new rows wait for nobody and go out together with the commit.
    """
    await inventory.reserve(tx, order.order_id, plan, seller=inventory.Seller(order.sales_channel, order.operator_id))
    pricing.hold_to(tx, prices)
    store.write_placed(tx, order, lines, locations)
    opened = await _open_payments(tx, placing, order)
    if placing.clear_cart_of is not None:
        cart.forget(tx, placing.clear_cart_of, [wish.sku_id for wish in placing.lines])
    tx.tell(
        OrderPlaced(
            order_id=order.order_id,
            kind=order.kind,
            sales_channel=order.sales_channel,
            store_id=order.store_id,
            member_id=order.member_id,
            currency=order.currency,
            total_minor=order.total_minor,
            lines=_figures(lines),
        )
    )
    paid_minor = sum(one.amount.minor for one in opened.taken)
    if not opened.waiting:
        order = await become_paid(tx, order, paid_minor)
    elif paid_minor:
        await store.note_paid(tx, order.order_id, paid_minor)
        order = replace(order, paid_minor=paid_minor)
    first = opened.waiting[0] if opened.waiting else None
    return PlacedOrder(order, lines, first, opened.waiting, opened.taken)


async def _open_payments(tx: Tx, placing: Placing, order: Order) -> payments.Opened:
    """What is due, to whom. Nothing, where nothing is."""
    dues = collecting.dues(order.collecting, Money(order.total_minor, order.currency))
    return await payments.open_payments(
        tx, order.order_id, dues, due_at=order.placed_at + HOLD, takings=placing.takings
    )


def _figures(lines: Sequence[Line]) -> list[LineFigures]:
    """The lines as facts carry them."""
    return [LineFigures(line.line_no, line.sku_id, line.quantity_milli, line.charged_minor) for line in lines]
