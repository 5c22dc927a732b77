"""kill -9 of everything under load: afterwards the books agree and no promise is broken. Long form: make faults."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.shoppers import is_right
from faults.siege import KINDS, Siege

# How many rounds the long form has; fewer for trying it out.
LONG = int(os.environ.get("SIEGE_ROUNDS", "100"))
A_ROUND_WITHIN_S = 120


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's own folder: PostgreSQL's service user could not reach it where the tests run as root.
    found = Path(tempfile.mkdtemp(prefix="midstage-siege-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.parametrize(
    ("rounds", "together", "doctor_each"),
    [
        pytest.param(4, 2, False, id="short"),
        pytest.param(LONG, 1, True, id="long", marks=pytest.mark.slow),
    ],
)
async def test_what_was_promised_is_kept_through_kills(
    home: Path, rounds: int, together: int, *, doctor_each: bool
) -> None:
    chance = random.Random(rounds)
    async with Siege(home) as siege:
        async with siege.traffic():
            await asyncio.sleep(1)
            for nth in range(rounds):
                async with asyncio.timeout(A_ROUND_WITHIN_S):
                    await _round(siege, nth * together, together, chance)
                    if doctor_each:
                        async with siege.paused():
                            assert await siege.findings() == [], f"round {nth}"
                            await siege.hurry()
        await siege.settle()
        _was_under_siege(siege, rounds * together)
        await _no_promise_is_broken(siege)
        await _the_outside_agrees(siege)
        assert await siege.retried(chance, 1000) == []
        await _no_promise_is_broken(siege)
        assert await siege.findings() == []


async def _round(siege: Siege, first: int, together: int, chance: random.Random) -> None:
    """Kill those whose turn it is, and often some more; when all are there again, traffic goes on for a while."""
    for nth in range(first, first + together):
        await siege.kill(KINDS[nth % len(KINDS)])
    for kind in chance.sample(KINDS, chance.choices([0, 1, 2, 3], [55, 25, 12, 8])[0]):
        await asyncio.sleep(chance.random() * 0.3)
        await siege.kill(kind)
    await asyncio.sleep(chance.uniform(0.1, 1.5))
    await siege.recovered()
    await asyncio.sleep(chance.uniform(0.5, 2.5))


def _was_under_siege(siege: Siege, kills: int) -> None:
    assert siege.killed.total() >= kills * 0.8, siege.killed
    assert set(siege.killed) >= set(KINDS[:kills]), siege.killed
    assert siege.door.broken, "nothing was ever felt of the kills"
    assert len(siege.shoppers.promises) > 20, siege.door.broken
    assert len(siege.tills.sales) > 10, siege.door.broken
    assert len(siege.tills.offline) > 5
    assert siege.office.runs


async def _no_promise_is_broken(siege: Siege) -> None:
    offline = siege.tills.offline.values()
    assert [booked for booked in offline if len(booked) != 1] == [], "an offline sale is booked once"
    promised = [one.order_id for told in (siege.shoppers.promises, siege.tills.sales) for one in told]
    promised += [order_id for booked in offline for order_id in booked]
    assert len(set(promised)) == len(promised), "two keys were answered with one order"
    assert sorted(await siege.kept()) == sorted(promised), "what was answered 201 exists once, and nothing else does"
    states = await siege.states()
    wrong = [(promise, states[promise.order_id]) for promise in siege.shoppers.promises]
    assert [pair for pair in wrong if not is_right(*pair)] == []


async def _the_outside_agrees(siege: Siege) -> None:
    """The provider's statements say what our book says, and the webhooks got every fact, each subject's in order."""
    assert await siege.office.settled() == []
    await siege.settle()  # what the comparing has told since
    async with siege.database.connection() as link:
        wrong = await siege.hooks.wrong(link, siege.tenant.brand)
    assert wrong == []
    assert len({one.said for one in siege.hooks.got()}) > 1, "the receiver never said no"
