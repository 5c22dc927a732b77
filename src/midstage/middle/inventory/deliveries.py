"""Incoming goods: what a supplier is to send, and what came of it, in parts if need be."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import times
from midstage.kit.paging import Page, PageRequest
from midstage.middle.inventory import store
from midstage.middle.inventory.facts import DeliveryChanged
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.policies import GOODS_IN, store_of
from midstage.middle.inventory.store import Carry
from midstage.middle.inventory.telling import tell_moved
from midstage.middle.inventory.transfers import check_lines
from midstage.middle.inventory.types import MILLI_LIMIT, LocationId, MovementKind, QuantityInvalid, ReasonMissing, SkuId
from midstage.middle.inventory.value import Given, value_rows
from midstage.middle.inventory.work import (
    LINES_LIMIT,
    Arrival,
    Delivery,
    DeliveryFilter,
    DeliveryId,
    DeliveryLine,
    DeliveryState,
    Key,
    Step,
)
from midstage.middle.inventory.work_refusals import (
    DeliveredTooMuch,
    DeliveryChangedMeanwhile,
    DeliveryStateWrong,
    NoSuchStockDelivery,
    NotExpected,
)
from midstage.middle.organisation import api as organisation

_replace = msgspec.structs.replace
PRICE_LIMIT = 10**12


async def expect_delivery(
    tx: Tx,
    location: LocationId,
    lines: Sequence[DeliveryLine],
    *,
    supplier: str,
    currency: str,
    document: str = "",
    due_on: date | None = None,
    note: str = "",
) -> Delivery:
    """Announce goods of a supplier at their supply prices; they are incoming from now on.

    Raises NoSuchLocation, QuantityInvalid.
    """
    check_lines({line.sku_id: line.expected_milli for line in lines})
    if len({line.sku_id for line in lines}) != len(lines):
        raise QuantityInvalid("a sku twice")
    if not all(0 <= line.supply_minor <= PRICE_LIMIT for line in lines):
        raise QuantityInvalid("a supply price")
    await check_known(tx, [location])
    policy = await organisation.settings_of(tx, GOODS_IN, await store_of(tx, location))
    made = Delivery(
        delivery_id=DeliveryId(new_id()),
        location_id=location,
        supplier=supplier,
        document=document,
        due_on=due_on,
        currency=currency,
        over_percent=min(100, max(0, policy.over_percent)),
        state=DeliveryState.EXPECTED,
        note=note,
        version=1,
        expected_at=tx.now,
        changed_at=tx.now,
    )
    await store.add_delivery(tx, made, lines)
    await _expect(tx, made, {line.sku_id: line.expected_milli for line in lines}, reason=supplier)
    _step(tx, made, "expect", [{"sku_id": line.sku_id, "milli": line.expected_milli} for line in lines])
    return made


async def receive_delivery(
    tx: Tx, delivery_id: DeliveryId, arrivals: Sequence[Arrival], *, version: int, final: bool = False, note: str = ""
) -> Delivery:
    """Take in what came and is good; what was refused is expected no longer. `final` calls the rest off.

    What was taken enters the books of value at its supply price. More than was expected is taken within the limit that
    the policy set when the delivery was announced. Raises NoSuchStockDelivery, DeliveryStateWrong, DeliveryChangedMeanwhile,
    NotExpected, DeliveredTooMuch, QuantityInvalid, SupplyCurrencyWrong.
    """
    moved = await _move(tx, delivery_id, version, DeliveryState.PART)
    before = {line.sku_id: line for line in await store.delivery_lines(tx, delivery_id, limit=LINES_LIMIT)}
    _check_arrivals(arrivals, before, moved.over_percent, final=final)
    worth = {one.sku_id: _worth(one, before[one.sku_id]) for one in arrivals}
    after = dict(before)
    for one in arrivals:
        line = before[one.sku_id]
        after[one.sku_id] = _replace(
            line,
            received_milli=line.received_milli + one.milli,
            refused_milli=line.refused_milli + one.refused_milli,
            received_minor=line.received_minor + worth[one.sku_id],
        )
    if final:
        after = {sku: _replace(line, off_milli=line.off_milli + line.open_milli) for sku, line in after.items()}
    state = DeliveryState.PART if any(line.open_milli for line in after.values()) else DeliveryState.RECEIVED
    done = _replace(moved, state=state)
    await store.write_delivery_lines(tx, delivery_id, list(after.values()))
    await store.set_delivery_state(tx, delivery_id, state)
    came = {one.sku_id: one.milli for one in arrivals if one.milli}
    await _take_in(tx, done, before, after, came)
    if came:
        given: dict[Key, int] = {(moved.location_id, sku): worth[sku] for sku in came}
        await value_rows(tx, given, given=Given(delivery_id, given, moved.currency))
    lines: list[dict[str, object]] = [
        {"sku_id": one.sku_id, "milli": one.milli, "refused_milli": one.refused_milli, "minor": worth[one.sku_id]}
        for one in arrivals
    ]
    _step(tx, done, "receive", lines, note)
    return done


async def cancel_delivery(tx: Tx, delivery_id: DeliveryId, *, version: int, reason: str) -> Delivery:
    """Expect nothing more of it. Raises NoSuchStockDelivery, DeliveryStateWrong, DeliveryChangedMeanwhile, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    moved = await _move(tx, delivery_id, version, DeliveryState.CANCELLED)
    lines = await store.delivery_lines(tx, delivery_id, limit=LINES_LIMIT)
    await store.write_delivery_lines(
        tx, delivery_id, [_replace(line, off_milli=line.off_milli + line.open_milli) for line in lines]
    )
    await _expect(tx, moved, {line.sku_id: -line.open_milli for line in lines if line.open_milli}, reason=reason)
    _step(tx, moved, "cancel", [], reason)
    return moved


async def delivery(tx: Tx, delivery_id: DeliveryId) -> Delivery:
    """One delivery. Raises NoSuchStockDelivery."""
    found = await store.delivery(tx, delivery_id)
    if found is None:
        raise NoSuchStockDelivery(delivery_id)
    return found


async def deliveries(tx: Tx, wanted: DeliveryFilter, page: PageRequest) -> Page[Delivery]:
    """Deliveries, the latest first."""
    place = page.place(tuple[DeliveryId])
    rows = await store.deliveries(tx, wanted, None if place is None else place[0], page.fetch)
    return page.page(rows, lambda row: (row.delivery_id,))


async def delivery_lines(tx: Tx, delivery_id: DeliveryId, page: PageRequest) -> Page[DeliveryLine]:
    """The lines of a delivery, by sku."""
    place = page.place(tuple[SkuId])
    rows = await store.delivery_lines(tx, delivery_id, after=None if place is None else place[0], limit=page.fetch)
    return page.page(rows, lambda row: (row.sku_id,))


async def delivery_steps(tx: Tx, delivery_id: DeliveryId) -> list[Step]:
    """What came when, and who took it in."""
    return await store.steps(tx, "delivery", delivery_id)


def _worth(one: Arrival, line: DeliveryLine) -> int:
    return times(line.supply_minor if one.supply_minor is None else one.supply_minor, one.milli)


def _check_arrivals(
    arrivals: Sequence[Arrival], lines: Mapping[SkuId, DeliveryLine], over_percent: int, *, final: bool
) -> None:
    """Raises QuantityInvalid, NotExpected, DeliveredTooMuch."""
    if len(arrivals) > LINES_LIMIT or not (arrivals or final):
        raise QuantityInvalid(f"{len(arrivals)} lines")
    if len({one.sku_id for one in arrivals}) != len(arrivals):
        raise QuantityInvalid("a sku twice")
    for one in arrivals:
        amounts = (one.milli, one.refused_milli)
        price = one.supply_minor or 0
        if not all(0 <= n <= MILLI_LIMIT for n in amounts) or not any(amounts) or not 0 <= price <= PRICE_LIMIT:
            raise QuantityInvalid(f"{one.milli}, refused {one.refused_milli}")
        line = lines.get(one.sku_id)
        if line is None:
            raise NotExpected(one.sku_id)
        most = line.expected_milli * (100 + over_percent) // 100 - line.received_milli
        if one.milli > most:
            raise DeliveredTooMuch(one.sku_id, one.milli, max(0, most))


async def _expect(tx: Tx, at: Delivery, milli: Mapping[SkuId, int], *, reason: str) -> None:
    """Expect so much more of it, or less."""
    if not milli:
        return
    kind, place = MovementKind.EXPECTED, at.location_id
    moves = [Carry(place, sku, kind, tracked_milli=n) for sku, n in milli.items()]
    await store.carry(tx, moves, reference=at.delivery_id, reason=reason)
    tell_moved(tx, place, kind, at.delivery_id, [(sku, 0, n) for sku, n in milli.items()])


async def _take_in(
    tx: Tx,
    at: Delivery,
    before: Mapping[SkuId, DeliveryLine],
    after: Mapping[SkuId, DeliveryLine],
    came: Mapping[SkuId, int],
) -> None:
    """Book goods in, and expect no longer what came, was refused or was called off."""
    less = {sku: after[sku].open_milli - line.open_milli for sku, line in before.items()}
    kinds = {sku: MovementKind.RECEIVED if sku in came else MovementKind.EXPECTED for sku in before}
    changed = [sku for sku in before if less[sku] or sku in came]
    if not changed:
        return
    place = at.location_id
    moves = [Carry(place, sku, kinds[sku], on_hand_milli=came.get(sku, 0), tracked_milli=less[sku]) for sku in changed]
    await store.carry(tx, moves, reference=at.delivery_id, reason=at.supplier)
    for kind in (MovementKind.RECEIVED, MovementKind.EXPECTED):
        lines = [(sku, came.get(sku, 0), less[sku]) for sku in changed if kinds[sku] is kind]
        tell_moved(tx, place, kind, at.delivery_id, lines)


async def _move(tx: Tx, delivery_id: DeliveryId, version: int, state: DeliveryState) -> Delivery:
    """Take a delivery on. Raises NoSuchStockDelivery, DeliveryStateWrong, DeliveryChangedMeanwhile."""
    now = await store.move_delivery(tx, delivery_id, seen=version, state=state)
    found = await delivery(tx, delivery_id)
    if now is None:
        if found.state not in {DeliveryState.EXPECTED, DeliveryState.PART}:
            raise DeliveryStateWrong(found.state)
        raise DeliveryChangedMeanwhile(found.version, version)
    return found


def _step(tx: Tx, at: Delivery, action: str, lines: Sequence[dict[str, object]], note: str = "") -> None:
    store.add_step(tx, "delivery", at.delivery_id, action, lines=lines, note=note)
    tx.note(
        f"delivery.{action}", "delivery", at.delivery_id, after={"state": at.state, "lines": len(lines), "note": note}
    )
    tx.tell(DeliveryChanged(delivery_id=at.delivery_id, location_id=at.location_id, state=at.state))
