"""What suppliers send comes in parts, is refused in part, and is worth what it cost."""

from typing import Any

import pytest

from middle.inventory.ground import SUPPLY_MINOR, Ground, open_ground, supply
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

State = inventory.DeliveryState


async def _expected(ground: Ground, *milli: int, price: int = 1_000) -> inventory.Delivery:
    lines = [inventory.DeliveryLine(sku, n, price) for sku, n in zip(ground.skus, milli, strict=False)]
    return await ground.do(
        lambda tx: inventory.expect_delivery(tx, ground.a, lines, supplier="棉纺一厂", currency="CNY")
    )


async def _receive(
    ground: Ground, made: inventory.Delivery, *arrivals: inventory.Arrival, **named: Any
) -> inventory.Delivery:
    version = named.pop("version", made.version)
    return await ground.do(
        lambda tx: inventory.receive_delivery(tx, made.delivery_id, arrivals, version=version, **named)
    )


async def test_it_comes_in_parts_and_the_rest_is_called_off(db: Database) -> None:
    ground = await open_ground(db)
    one, two, _ = ground.skus
    made = await _expected(ground, 10_000, 4_000)
    assert (await ground.stock(ground.a)).incoming_milli == 10_000
    await ground.sound()
    part = await _receive(ground, made, inventory.Arrival(one, 6_000, 1_000), inventory.Arrival(two, 4_000))
    row = await ground.stock(ground.a)
    assert (part.state, row.on_hand_milli, row.incoming_milli) == (State.PART, 16_000, 3_000)
    done = await _receive(ground, part, inventory.Arrival(one, 1_000), final=True)
    row = await ground.stock(ground.a)
    assert (done.state, row.on_hand_milli, row.incoming_milli) == (State.RECEIVED, 17_000, 0)
    page = await ground.read(lambda tx: inventory.delivery_lines(tx, made.delivery_id, PageRequest()))
    line = next(line for line in page.items if line.sku_id == one)
    assert (line.received_milli, line.refused_milli, line.off_milli, line.received_minor) == (
        7_000,
        1_000,
        2_000,
        7_000,
    )
    steps = await ground.read(lambda tx: inventory.delivery_steps(tx, made.delivery_id))
    assert [step.action for step in steps] == ["expect", "receive", "receive"]
    with pytest.raises(inventory.DeliveryStateWrong):
        await _receive(ground, done, inventory.Arrival(one, 1))
    await ground.sound()


async def test_more_than_is_allowed_or_what_nobody_expected_is_refused(db: Database) -> None:
    ground = await open_ground(db)
    one, two, _ = ground.skus
    made = await _expected(ground, 10_000)
    with pytest.raises(inventory.DeliveredTooMuch) as much:
        await _receive(ground, made, inventory.Arrival(one, 10_001))
    assert much.value.most_milli == 10_000
    with pytest.raises(inventory.NotExpected):
        await _receive(ground, made, inventory.Arrival(two, 1))
    with pytest.raises(inventory.QuantityInvalid):
        await _receive(ground, made, inventory.Arrival(one, 0))
    with pytest.raises(inventory.DeliveryChangedMeanwhile):
        await _receive(ground, made, inventory.Arrival(one, 1), version=2)
    assert (await ground.stock(ground.a)).on_hand_milli == 10_000
    called = await ground.do(
        lambda tx: inventory.cancel_delivery(tx, made.delivery_id, version=1, reason="the supplier is closed")
    )
    assert (called.state, (await ground.stock(ground.a)).incoming_milli) == (State.CANCELLED, 0)
    await ground.sound()


async def test_what_came_is_worth_what_it_cost_and_averages_with_what_was_there(db: Database) -> None:
    ground = await open_ground(db)
    await ground.value()
    made = await _expected(ground, 10_000, price=1_100)
    part = await _receive(ground, made, inventory.Arrival(ground.skus[0], 5_000))
    await _receive(ground, part, inventory.Arrival(ground.skus[0], 5_000, supply_minor=1_300))
    worth = await ground.worth()
    whole = 20 * SUPPLY_MINOR + 5 * 1_100 + 5 * 1_300
    assert worth[ground.a][1] + worth[ground.b][1] == whole
    assert abs(worth[ground.a][1] - whole * 20 // 30) <= 1, "one average for the operator, wherever it lies"
    assert worth[ground.c][1] == 10 * SUPPLY_MINOR, "and another for the other operator"
    await ground.sound()


async def test_a_price_in_another_currency_is_refused(db: Database) -> None:
    ground = await open_ground(db)
    await ground.value()
    lines = [inventory.DeliveryLine(ground.skus[0], 1_000, 500)]
    made = await ground.do(lambda tx: inventory.expect_delivery(tx, ground.a, lines, supplier="x", currency="USD"))
    with pytest.raises(inventory.SupplyCurrencyWrong):
        await _receive(ground, made, inventory.Arrival(ground.skus[0], 1_000))
    assert (await ground.stock(ground.a)).on_hand_milli == 10_000


async def test_a_change_by_hand_has_a_reason_a_value_and_somebody(db: Database) -> None:
    ground = await open_ground(db)
    sku = ground.skus[0]
    made = await ground.do(
        lambda tx: inventory.adjust(
            tx, ground.a, {sku: -2_000}, reference=new_id(), reason="fell down", code="damaged", supply=supply
        )
    )
    assert (made.value_minor, made.currency, made.code) == (-2 * SUPPLY_MINOR, "CNY", "damaged")
    [listed] = (await ground.read(lambda tx: inventory.adjustments(tx, PageRequest(), locations=[ground.a]))).items
    assert listed == made
    with pytest.raises(inventory.NoSuchReason):
        await ground.do(
            lambda tx: inventory.adjust(tx, ground.a, {sku: 1}, reference=new_id(), reason="x", code="bored")
        )
    await ground.sound()


async def test_above_its_limit_a_reason_takes_an_approval(db: Database) -> None:
    ground = await open_ground(db)
    sku = ground.skus[0]
    await ground.do(lambda tx: inventory.put_reason(tx, inventory.Reason("theft", "失窃", "Stolen", 2 * SUPPLY_MINOR)))

    async def steal(milli: int) -> inventory.Adjustment:
        return await ground.do(
            lambda tx: inventory.adjust(
                tx, ground.a, {sku: -milli}, reference=new_id(), reason="x", code="theft", supply=supply
            )
        )

    await steal(2_000)
    with pytest.raises(access.ApprovalNeeded) as needed:
        await steal(3_000)
    assert (needed.value.subject, needed.value.amount_minor) == (str(ground.a), 3 * SUPPLY_MINOR)
    assert (await ground.stock(ground.a)).on_hand_milli == 8_000
    await ground.do(lambda tx: inventory.put_reason(tx, inventory.Reason("theft", "失窃", "Stolen", active=False)))
    with pytest.raises(inventory.NoSuchReason):
        await steal(1_000)
    with pytest.raises(inventory.ReasonUnfit):
        await ground.do(lambda tx: inventory.put_reason(tx, inventory.Reason("No Good", "x", "x")))


async def test_a_location_that_changes_hands_takes_its_value_along(db: Database) -> None:
    ground = await open_ground(db)
    await ground.value()
    await ground.sell(ground.b, 1_000)
    await ground.do(
        lambda tx: inventory.place_locations(
            tx, [inventory.Location(ground.b, organisation.StoreKind.FRANCHISE, ground.theirs)]
        )
    )
    rows, _ = await ground.read(inventory.worth)
    mine = [row for row in rows if row.sku_id == ground.skus[0]]
    assert {(row.operator_id, row.location_id): row.value_minor for row in mine if row.quantity_milli} == {
        (ground.mine, ground.a): 10 * SUPPLY_MINOR,
        (ground.theirs, ground.b): 9 * SUPPLY_MINOR,
        (ground.theirs, ground.c): 10 * SUPPLY_MINOR,
    }
    await ground.sound()
