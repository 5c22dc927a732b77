"""Scan-and-go and kiosks: what a shopper scanned herself becomes an order that she pays herself."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.refusals import Conflict, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.orders.goods import read_lines
from midstage.middle.orders.leave import check_self_service
from midstage.middle.orders.place import place_order
from midstage.middle.orders.till_types import CHANNEL, Goods, TillLine
from midstage.middle.orders.types import Delivery, Kind, LineWish, Method, PlacedOrder, Placing
from midstage.middle.organisation import api as organisation


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What was scanned in a store, at its shelf prices, and by whom."""

    kind: Kind
    at: organisation.Store
    lines: Sequence[TillLine]
    member_id: members.MemberId | None = None
    touchpoint_id: organisation.TouchpointId | None = None
    expected_total_minor: int | None = None


class TakeToTill(Conflict):
    """The label has a price of its own, which only a till can take for what it says."""

    text = Text(
        zh="第 {line_no} 行（{sku}）的标签带有价格，请到收银台结账",
        en="Line {line_no} ({sku}) has a label with a price of its own; take it to a till.",
    )
    line_no: int
    sku: str


async def place_served(tx: Tx, serving: Serving) -> PlacedOrder:
    """Place what a shopper scanned herself; she carries it out once it is paid and the door opened.

    Raises SelfServiceOff, TakeToTill, and what read_lines and place_order raise.
    """
    await check_self_service(tx, serving.at)
    goods = await read_lines(tx, serving.at, serving.lines)
    placing = Placing(
        kind=serving.kind,
        front=serving.kind.value,
        sales_channel=CHANNEL,  # the price on the shelf is the price at the till
        lines=_wishes(goods),
        delivery=Delivery(Method.CARRY_OUT),
        store_id=serving.at.store_id,
        member_id=serving.member_id,
        touchpoint_id=serving.touchpoint_id,
        expected_total_minor=serving.expected_total_minor,
    )
    return await place_order(tx, placing)


def _wishes(goods: Sequence[Goods]) -> list[LineWish]:
    """What was scanned twice is one line of the order. Raises TakeToTill."""
    wanted: dict[catalogue.SkuId, int] = {}
    for no, one in enumerate(goods, start=1):
        if one.label_minor is not None:
            raise TakeToTill(no, one.offer.sku_code)
        wanted[one.offer.sku_id] = wanted.get(one.offer.sku_id, 0) + one.quantity_milli
    return [LineWish(sku_id, milli) for sku_id, milli in wanted.items()]
