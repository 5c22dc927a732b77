"""Goods go from one location to another, and nothing of them is lost on the way without somebody who said so."""

import asyncio
from typing import Any

import pytest

from middle.inventory.ground import SUPPLY_MINOR, Ground, open_ground, supply
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.inventory import api as inventory

State = inventory.TransferState


async def _asked(ground: Ground, *milli: int, to: inventory.LocationId | None = None) -> inventory.Transfer:
    wanted = {sku: n for sku, n in zip(ground.skus, milli, strict=False) if n}
    return await ground.do(lambda tx: inventory.ask_transfer(tx, ground.a, to or ground.b, wanted))


async def _approved(ground: Ground, *milli: int) -> inventory.Transfer:
    asked = await _asked(ground, *milli)
    return await ground.do(lambda tx: inventory.approve_transfer(tx, asked.transfer_id, version=1))


async def _sent(ground: Ground, *milli: int) -> inventory.Transfer:
    made = await _approved(ground, *milli)
    return await ground.do(
        lambda tx: inventory.send_transfer(tx, made.transfer_id, version=made.version, supply=supply)
    )


async def _receive(ground: Ground, made: inventory.Transfer, **named: Any) -> inventory.Transfer:
    given: dict[str, Any] = {"version": made.version, "supply": supply, **named}
    return await ground.do(lambda tx: inventory.receive_transfer(tx, made.transfer_id, **given))


async def _line(ground: Ground, made: inventory.Transfer, number: int = 0) -> inventory.TransferLine:
    page = await ground.read(lambda tx: inventory.transfer_lines(tx, made.transfer_id, PageRequest()))
    return next(line for line in page.items if line.sku_id == ground.skus[number])


async def test_what_is_sent_leaves_one_shelf_and_is_on_its_way_to_the_other(db: Database) -> None:
    ground = await open_ground(db)
    sent = await _sent(ground, 4_000, 1_000)
    here, there = await ground.stock(ground.a), await ground.stock(ground.b)
    assert (here.on_hand_milli, there.on_hand_milli, there.incoming_milli) == (6_000, 10_000, 4_000)
    assert there.free_milli == 10_000, "what is on its way is not free yet"
    await ground.sound()
    done = await _receive(ground, sent)
    there = await ground.stock(ground.b)
    assert (done.state, there.on_hand_milli, there.incoming_milli) == (State.CLOSED, 14_000, 0)
    steps = await ground.read(lambda tx: inventory.transfer_steps(tx, sent.transfer_id))
    assert [step.action for step in steps] == ["ask", "approve", "send", "receive"]
    assert {line["sku_id"] for line in steps[2].lines} == {str(sku) for sku in ground.skus[:2]}
    assert all(step.by_kind == "staff" for step in steps)
    await ground.sound()


async def test_it_goes_in_parts_and_ends_with_the_last_of_them(db: Database) -> None:
    ground = await open_ground(db)
    made = await _approved(ground, 5_000)
    sku = ground.skus[0]
    one = await ground.do(
        lambda tx: inventory.send_transfer(tx, made.transfer_id, version=2, milli={sku: 2_000}, supply=supply)
    )
    got = await _receive(ground, one, final=False)
    assert got.state is State.SENT, "three pieces have not left yet"
    two = await ground.do(lambda tx: inventory.send_transfer(tx, made.transfer_id, version=got.version, supply=supply))
    got = await _receive(ground, two, milli={sku: 1_000}, final=False)
    assert got.state is State.SENT
    got = await _receive(ground, got, final=False)
    assert got.state is State.CLOSED
    assert (await ground.stock(ground.b)).on_hand_milli == 15_000
    await ground.sound()


async def test_no_more_is_sent_than_is_free_or_was_approved(db: Database) -> None:
    ground = await open_ground(db)
    sku, order = ground.skus[0], new_id()
    await ground.do(lambda tx: inventory.reserve(tx, order, [inventory.Want(ground.a, sku, 7_000)]))
    made = await _approved(ground, 4_000, 1_000)
    with pytest.raises(inventory.StockShort) as short:
        await ground.do(lambda tx: inventory.send_transfer(tx, made.transfer_id, version=2))
    assert (short.value.sku, short.value.free_milli) == (sku, 3_000)
    with pytest.raises(inventory.TransferLineWrong):
        await ground.do(lambda tx: inventory.send_transfer(tx, made.transfer_id, version=2, milli={sku: 4_001}))
    found = await ground.read(lambda tx: inventory.transfer(tx, made.transfer_id))
    assert (found.state, found.version) == (State.APPROVED, 2)
    assert (await ground.stock(ground.b, 1)).incoming_milli == 0
    await ground.sound()


async def test_it_is_refused_or_called_off_before_anything_left(db: Database) -> None:
    ground = await open_ground(db)
    first, second = await _asked(ground, 1_000), await _approved(ground, 1_000)
    with pytest.raises(inventory.ReasonMissing):
        await ground.do(lambda tx: inventory.refuse_transfer(tx, first.transfer_id, version=1, reason=" "))
    refused = await ground.do(lambda tx: inventory.refuse_transfer(tx, first.transfer_id, version=1, reason="none"))
    called = await ground.do(lambda tx: inventory.cancel_transfer(tx, second.transfer_id, version=2, reason="no need"))
    assert (refused.state, called.state) == (State.REFUSED, State.CANCELLED)
    with pytest.raises(inventory.TransferStateWrong):
        await ground.do(lambda tx: inventory.send_transfer(tx, second.transfer_id, version=3))
    sent = await _sent(ground, 1_000)
    with pytest.raises(inventory.TransferStateWrong):
        await ground.do(lambda tx: inventory.cancel_transfer(tx, sent.transfer_id, version=3, reason="late"))
    await ground.sound()


async def test_less_may_be_approved_than_was_asked(db: Database) -> None:
    ground = await open_ground(db)
    asked = await _asked(ground, 5_000, 2_000)
    sku = ground.skus[0]
    with pytest.raises(inventory.TransferLineWrong):
        await ground.do(lambda tx: inventory.approve_transfer(tx, asked.transfer_id, version=1, milli={sku: 5_001}))
    await ground.do(lambda tx: inventory.approve_transfer(tx, asked.transfer_id, version=1, milli={sku: 500}))
    sent = await ground.do(lambda tx: inventory.send_transfer(tx, asked.transfer_id, version=2))
    assert (await _line(ground, sent)).sent_milli == 500
    assert (await _line(ground, sent, 1)).sent_milli == 2_000


async def test_what_is_missing_is_a_discrepancy_until_somebody_says_what_became_of_it(db: Database) -> None:
    ground = await open_ground(db)
    sku = ground.skus[0]
    sent = await _sent(ground, 4_000)
    got = await _receive(ground, sent, milli={sku: 1_000})
    assert got.state is State.RECEIVED
    [found] = (
        await ground.read(lambda tx: inventory.discrepancies(tx, inventory.DiscrepancyFilter(), PageRequest()))
    ).items
    assert (found.kind, found.difference_milli, found.location_id) == ("sent", -3_000, ground.b)
    assert (found.reference, (await _line(ground, got)).discrepancy_id) == (got.transfer_id, found.discrepancy_id)
    with pytest.raises(inventory.ResolutionUnfit):
        await ground.do(
            lambda tx: inventory.resolve_discrepancy(tx, found.discrepancy_id, how=inventory.How.ACCEPTED, note="x")
        )
    became = [
        inventory.Resolved(sku, inventory.Missing.LOST, 1_000),
        inventory.Resolved(sku, inventory.Missing.FOUND, 500),
    ]
    some = await ground.do(
        lambda tx: inventory.resolve_transfer(tx, got.transfer_id, became, version=got.version, note="asked the driver")
    )
    assert some.state is State.RECEIVED
    assert (await ground.stock(ground.b)).incoming_milli == 1_500
    became = [
        inventory.Resolved(sku, inventory.Missing.SENT_BACK, 1_000),
        inventory.Resolved(sku, inventory.Missing.WRITTEN_OFF, 500),
    ]
    done = await ground.do(
        lambda tx: inventory.resolve_transfer(tx, got.transfer_id, became, version=some.version, note="came back")
    )
    assert done.state is State.CLOSED
    here, there = await ground.stock(ground.a), await ground.stock(ground.b)
    assert (here.on_hand_milli, there.on_hand_milli, there.incoming_milli) == (7_000, 11_500, 0)
    settled = await ground.read(lambda tx: inventory.discrepancy(tx, found.discrepancy_id))
    assert (settled.resolution, settled.note) == ("transferred", "came back")
    await ground.sound()


async def test_more_than_was_sent_is_taken_in_and_looked_into_where_it_came_from(db: Database) -> None:
    ground = await open_ground(db)
    sent = await _sent(ground, 4_000)
    done = await _receive(ground, sent, milli={ground.skus[0]: 5_000})
    line = await _line(ground, done)
    assert (done.state, line.received_milli, line.over_milli) == (State.CLOSED, 4_000, 1_000)
    assert (await ground.stock(ground.b)).on_hand_milli == 15_000
    [found] = (
        await ground.read(lambda tx: inventory.discrepancies(tx, inventory.DiscrepancyFilter(), PageRequest()))
    ).items
    assert (found.kind, found.difference_milli, found.location_id) == ("arrived", 1_000, ground.a)
    mended = await ground.do(
        lambda tx: inventory.resolve_discrepancy(
            tx, found.discrepancy_id, how=inventory.How.ADJUSTED, note="one more in the box", delta_milli=-1_000
        )
    )
    assert mended.resolution == "adjusted"
    assert (await ground.stock(ground.a)).on_hand_milli == 5_000
    await ground.sound()


async def test_the_stock_of_operators_is_kept_apart(db: Database) -> None:
    ground = await open_ground(db)
    with pytest.raises(inventory.TransferBetweenOperators):
        await _asked(ground, 1_000, to=ground.c)
    with pytest.raises(inventory.TransferToItself):
        await _asked(ground, 1_000, to=ground.a)
    with pytest.raises(inventory.NoSuchLocation):
        await _asked(ground, 1_000, to=inventory.LocationId(new_id()))
    page = await ground.read(lambda tx: inventory.transfers(tx, inventory.TransferFilter(), PageRequest()))
    assert page.items == []


async def test_value_goes_along_with_the_goods(db: Database) -> None:
    ground = await open_ground(db)
    await ground.value()
    before = await ground.worth()
    assert before[ground.a][:2] == (10_000, 10 * SUPPLY_MINOR)
    sent = await _sent(ground, 4_000)
    under_way = await ground.worth()
    assert under_way[ground.a] == (6_000, 6 * SUPPLY_MINOR, 4_000, 4 * SUPPLY_MINOR)
    got = await _receive(ground, sent, milli={ground.skus[0]: 3_000})
    became = [inventory.Resolved(ground.skus[0], inventory.Missing.LOST, 1_000)]
    await ground.do(
        lambda tx: inventory.resolve_transfer(tx, got.transfer_id, became, version=got.version, note="gone")
    )
    after = await ground.worth()
    assert after[ground.b] == (13_000, 13 * SUPPLY_MINOR, 0, 0)
    assert sum(one[1] + one[3] for one in after.values()) == 29 * SUPPLY_MINOR
    line = await _line(ground, got)
    assert (line.sent_minor, line.arrived_minor, line.lost_minor) == (3_200, 2_400, 800)
    await ground.sound()


async def test_of_two_who_receive_the_same_transfer_one_does(db: Database) -> None:
    ground = await open_ground(db)
    sent = await _sent(ground, 4_000)
    ends = await asyncio.gather(*(_receive(ground, sent) for _ in range(6)), return_exceptions=True)
    refused = [end for end in ends if isinstance(end, Refusal)]
    assert len(refused) == 5
    assert {type(one) for one in refused} <= {inventory.TransferChangedMeanwhile, inventory.TransferStateWrong}
    assert (await ground.stock(ground.b)).on_hand_milli == 14_000
    await ground.sound()


async def test_the_last_unit_is_sent_or_promised_and_never_both(db: Database) -> None:
    ground = await open_ground(db)
    sku = ground.skus[0]
    await ground.sell(ground.a, 9_000)
    made = await _approved(ground, 1_000)

    async def send(tx: Tx) -> bool:
        await inventory.send_transfer(tx, made.transfer_id, version=2)
        return True

    async def promise(tx: Tx) -> bool:
        await inventory.reserve(tx, new_id(), [inventory.Want(ground.a, sku, 1_000)])
        return True

    ends = await asyncio.gather(
        *(ground.do(work) for work in (promise, send, promise, send, promise)), return_exceptions=True
    )
    assert [end for end in ends if end is True] == [True]
    here = await ground.stock(ground.a)
    assert here.on_hand_milli - here.reserved_milli == 0
    await ground.sound()


async def test_transfers_crossing_each_other_all_arrive(db: Database) -> None:
    ground = await open_ground(db)
    await ground.value()

    async def there(giver: inventory.LocationId, taker: inventory.LocationId) -> None:
        wanted = dict.fromkeys(ground.skus, 1_000)
        made = await ground.do(lambda tx: inventory.ask_transfer(tx, giver, taker, wanted))
        await ground.do(lambda tx: inventory.approve_transfer(tx, made.transfer_id, version=1))
        sent = await ground.do(lambda tx: inventory.send_transfer(tx, made.transfer_id, version=2))
        await _receive(ground, sent)

    pairs = [(ground.a, ground.b), (ground.b, ground.a)] * 4
    await asyncio.gather(*(there(*pair) for pair in pairs))
    for location in (ground.a, ground.b):
        assert (await ground.stock(location)).on_hand_milli == 10_000
    await ground.sound()


async def test_goods_that_are_in_transit_are_not_called_off_by_others(db: Database) -> None:
    ground = await open_ground(db)
    sku = ground.skus[0]
    await _sent(ground, 4_000)
    await ground.do(lambda tx: inventory.expect(tx, ground.b, {sku: 2_000}, reference=new_id()))
    await ground.do(
        lambda tx: inventory.call_off_expected(tx, ground.b, {sku: 9_000}, reference=new_id(), reason="all")
    )
    assert (await ground.stock(ground.b)).incoming_milli == 4_000
    await ground.do(lambda tx: inventory.receive(tx, ground.b, {sku: 3_000}, reference=new_id(), from_incoming=True))
    there = await ground.stock(ground.b)
    assert (there.on_hand_milli, there.incoming_milli) == (13_000, 4_000)
    await ground.sound()
