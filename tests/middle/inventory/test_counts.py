"""What is counted is compared with the book of that very moment, whatever is sold meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from middle.inventory.ground import SOMEBODY, SUPPLY_MINOR, Ground, open_ground, supply
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory

State = inventory.CountState


async def _open(ground: Ground, kind: str = "full", **named: Any) -> inventory.Count:
    return await ground.do(lambda tx: inventory.open_count(tx, ground.a, inventory.CountKind(kind), **named))


async def _enter(ground: Ground, made: inventory.Count, *milli: int | None, **named: Any) -> None:
    tallies = [inventory.Tally(sku, n, **named) for sku, n in zip(ground.skus, milli, strict=False) if n is not None]
    await ground.do(lambda tx: inventory.enter_count(tx, made.count_id, tallies))


async def _finish(ground: Ground, made: inventory.Count, version: int = 1, **named: Any) -> inventory.Count:
    return await ground.do(
        lambda tx: inventory.finish_count(tx, made.count_id, version=version, supply=supply, **named)
    )


async def _approve(ground: Ground, made: inventory.Count, version: int = 2) -> inventory.Count:
    return await ground.do(lambda tx: inventory.approve_count(tx, made.count_id, version=version, supply=supply))


async def _lines(ground: Ground, made: inventory.Count, *, book: bool = True) -> list[inventory.CountLine]:
    page = await ground.read(lambda tx: inventory.count_lines(tx, made.count_id, PageRequest(), book=book))
    by_sku = {line.sku_id: line for line in page.items}
    return [by_sku[sku] for sku in ground.skus if sku in by_sku]


async def test_a_full_count_books_what_was_lost_and_found(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    await _enter(ground, made, 9_000, 10_000, 12_000)
    done = await _finish(ground, made)
    assert (done.state, done.loss_minor, done.gain_minor) == (State.FINISHED, SUPPLY_MINOR, 2 * SUPPLY_MINOR)
    assert (await ground.stock(ground.a)).on_hand_milli == 10_000, "nothing is booked before it is approved"
    closed = await _approve(ground, done)
    assert closed.state is State.APPROVED
    assert [(await ground.stock(ground.a, n)).on_hand_milli for n in range(3)] == [9_000, 10_000, 12_000]
    assert [line.difference_milli for line in await _lines(ground, made)] == [-1_000, 0, 2_000]
    moved = await ground.read(lambda tx: inventory.movements(tx, ground.a, ground.skus[0], PageRequest()))
    assert (moved.items[0].kind, moved.items[0].reference) == ("counted", made.count_id)
    await ground.sound()


async def test_what_is_sold_while_counting_is_no_difference(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    await ground.sell(ground.a, 2_000)
    await _enter(ground, made, 8_000)  # two were sold before it was counted
    await ground.sell(ground.a, 3_000)  # and three after
    order = new_id()
    await ground.do(lambda tx: inventory.reserve(tx, order, [inventory.Want(ground.a, ground.skus[0], 1_000)]))
    await ground.do(lambda tx: inventory.end_reservation(tx, order, inventory.Outcome.HANDED_OVER))
    done = await _finish(ground, made)
    [line, *_] = await _lines(ground, made)
    assert (line.book_milli, line.expected_milli, line.difference_milli) == (10_000, 8_000, 0)
    await ground.sell(ground.a, 1_000)
    await _approve(ground, done)
    assert (await ground.stock(ground.a)).on_hand_milli == 3_000
    await ground.sound()


async def test_a_device_may_say_when_it_counted(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    counted_at = utc_now()
    await asyncio.sleep(0.01)
    await ground.sell(ground.a, 4_000)
    await _enter(ground, made, 10_000, counted_at=counted_at)
    await _finish(ground, made)
    [line, *_] = await _lines(ground, made)
    assert (line.expected_milli, line.difference_milli) == (10_000, 0)
    for wrong in (made.opened_at - timedelta(seconds=1), utc_now() + timedelta(hours=1)):
        other = await _open_other(ground)
        with pytest.raises(inventory.CountTimeWrong):
            await ground.do(
                lambda tx, wrong=wrong, other=other: inventory.enter_count(
                    tx, other.count_id, [inventory.Tally(ground.skus[1], 1, wrong)]
                )
            )
        await ground.do(lambda tx, other=other: inventory.abandon_count(tx, other.count_id, version=1, reason="a test"))


async def _open_other(ground: Ground) -> inventory.Count:
    kind = inventory.CountKind.SKUS
    return await ground.do(lambda tx: inventory.open_count(tx, ground.b, kind, skus=[ground.skus[1]]))


async def test_several_count_one_sku_and_an_entry_counts_once(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    sent_twice = new_id()

    async def enter(milli: int, entry_id: Any = None) -> None:
        tally = inventory.Tally(ground.skus[0], milli, None, entry_id)
        await ground.do(lambda tx: inventory.enter_count(tx, made.count_id, [tally], device="d"))

    await asyncio.gather(*(enter(500) for _ in range(8)), *(enter(3_000, sent_twice) for _ in range(4)))
    [line, *_] = await _lines(ground, made)
    assert line.counted_milli == 7_000
    await ground.sound()


async def test_what_moved_between_two_parts_is_pointed_at_and_counted_again(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    await _enter(ground, made, 6_000, 10_000)
    await asyncio.sleep(0.002)
    await ground.sell(ground.a, 1_000)
    await _enter(ground, made, 4_000)
    done = await _finish(ground, made)
    first, second, third = await _lines(ground, made)
    assert (first.moved_between, first.difference_milli) == (True, 1_000)
    assert (second.moved_between, third.counted_milli) == (False, None)
    again = await ground.do(lambda tx: inventory.count_again(tx, made.count_id, [ground.skus[0]], version=done.version))
    assert again.state is State.OPEN
    await _enter(ground, made, 9_000)
    await _approve(ground, await _finish(ground, made, version=3), version=4)
    assert [(await ground.stock(ground.a, n)).on_hand_milli for n in range(3)] == [9_000, 10_000, 10_000]
    await ground.sound()


async def test_what_nobody_counted_stays_or_is_taken_for_nothing(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    with pytest.raises(inventory.CountedNothing):
        await _finish(ground, made)
    await _enter(ground, made, 10_000)
    await _approve(ground, await _finish(ground, made, missing_is_zero=True))
    assert [(await ground.stock(ground.a, n)).on_hand_milli for n in range(3)] == [10_000, 0, 0]
    await ground.sound()


async def test_two_counts_of_the_same_goods_are_refused(db: Database) -> None:
    ground = await open_ground(db)
    await _open(ground, "skus", skus=[ground.skus[0]])
    with pytest.raises(inventory.CountOverlaps):
        await _open(ground)
    with pytest.raises(inventory.CountOverlaps):
        await _open(ground, "skus", skus=ground.skus[:2])
    with pytest.raises(inventory.CountEmpty):
        await _open(ground, "skus")
    other = await _open(ground, "skus", skus=[ground.skus[1]])
    with pytest.raises(inventory.CountOverlaps):
        await _enter(ground, other, 1_000)
    ends = await asyncio.gather(
        *(_open(ground, "skus", skus=[ground.skus[2]]) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(end, inventory.Count) for end in ends) == 1


async def test_something_that_was_not_in_the_books_is_found(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    stranger = inventory.SkuId(new_id())
    await ground.do(lambda tx: inventory.enter_count(tx, made.count_id, [inventory.Tally(stranger, 2_000)]))
    await _approve(ground, await _finish(ground, made))
    found = await ground.read(lambda tx: inventory.stock(tx, ground.a, [stranger]))
    assert found[stranger].on_hand_milli == 2_000
    await ground.sound()


async def test_a_blind_count_hides_the_book_from_who_counts(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground, blind=True)

    async def sees(who: Any, *, counts_only: bool) -> bool:
        found = await ground.read(lambda tx: inventory.one_count(tx, made.count_id))
        return await ground.read(lambda tx: inventory.sees_book(tx, found, who, counts_only=counts_only))

    assert await sees(SOMEBODY.id, counts_only=False), "a manager who has not counted sees it"
    await _enter(ground, made, 9_000)
    assert not await sees(SOMEBODY.id, counts_only=False), "and one who counts does not"
    assert not await sees(new_id(), counts_only=True)
    [line, *_] = await _lines(ground, made, book=False)
    assert (line.counted_milli, line.book_milli, line.expected_milli) == (9_000, None, None)
    await _finish(ground, made)
    assert await sees(SOMEBODY.id, counts_only=False)
    assert not await sees(new_id(), counts_only=True)


async def test_a_large_difference_takes_the_approval_of_somebody_else(db: Database) -> None:
    ground = await open_ground(db)
    await ground.do(lambda tx: inventory.adjust(tx, ground.a, {ground.skus[0]: 10**6}, reference=new_id(), reason="x"))
    made = await _open(ground)
    await _enter(ground, made, 0)
    done = await _finish(ground, made)
    assert done.loss_minor == 1_010 * SUPPLY_MINOR
    with pytest.raises(access.ApprovalNeeded) as needed:
        await _approve(ground, done)
    assert (needed.value.action, needed.value.amount_minor) == ("inventory.count", done.loss_minor)
    found = await ground.read(lambda tx: inventory.one_count(tx, made.count_id))
    assert found.state is State.FINISHED
    assert (await ground.stock(ground.a)).on_hand_milli == 1_010_000


async def test_a_count_that_is_given_up_books_nothing(db: Database) -> None:
    ground = await open_ground(db)
    made = await _open(ground)
    await _enter(ground, made, 1_000)
    with pytest.raises(inventory.ReasonMissing):
        await ground.do(lambda tx: inventory.abandon_count(tx, made.count_id, version=1, reason=""))
    ended = await ground.do(lambda tx: inventory.abandon_count(tx, made.count_id, version=1, reason="rain"))
    assert ended.state is State.ABANDONED
    with pytest.raises(inventory.CountStateWrong):
        await _enter(ground, made, 1)
    with pytest.raises(inventory.CountStateWrong):
        await _finish(ground, made, version=2)
    assert (await ground.stock(ground.a)).on_hand_milli == 10_000
    await ground.sound()


async def test_a_discrepancy_is_settled_by_the_count_that_looks_into_it(db: Database) -> None:
    ground = await open_ground(db)
    await ground.sell(ground.a, 11_000)
    [found] = (
        await ground.read(lambda tx: inventory.discrepancies(tx, inventory.DiscrepancyFilter(), PageRequest()))
    ).items
    how = inventory.How.RECOUNTED

    async def recount(tx: Tx) -> inventory.Discrepancy:
        return await inventory.resolve_discrepancy(tx, found.discrepancy_id, how=how, note="look again")

    waiting = await ground.do(recount)
    assert (waiting.settled_at, waiting.count_id is not None) == (None, True)
    made = await ground.read(lambda tx: inventory.one_count(tx, inventory.CountId(waiting.count_id or new_id())))
    await _enter(ground, made, 1_000)
    await _approve(ground, await _finish(ground, made))
    settled = await ground.read(lambda tx: inventory.discrepancy(tx, found.discrepancy_id))
    assert settled.resolution == "recounted"
    assert (await ground.stock(ground.a)).on_hand_milli == 1_000
    steps = await ground.read(lambda tx: inventory.discrepancy_steps(tx, found.discrepancy_id))
    assert [step.action for step in steps] == ["recount", "recounted"]
    with pytest.raises(inventory.NoSuchStockDiscrepancy):
        await ground.do(recount)
    await ground.sound()
