"""kill -9 of everything under load: afterwards the books agree and no promise is broken. Long form: make faults."""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.siege import Siege, is_right

KINDS = ("api", "worker", "postgres", "api process", "backend")


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's own folder: PostgreSQL's service user could not reach it where the tests run as root.
    found = Path(tempfile.mkdtemp(prefix="midstage-siege-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.parametrize(
    ("seconds", "pause_s"),
    [
        pytest.param(15.0, 2.5, id="short"),
        pytest.param(600.0, 4.0, id="long", marks=pytest.mark.slow),
    ],
)
async def test_what_was_promised_is_kept_through_kills(home: Path, seconds: float, pause_s: float) -> None:
    chance = random.Random(int(seconds))
    async with Siege(home) as siege:
        ends = time.monotonic() + seconds
        load = asyncio.create_task(siege.load(until=lambda: time.monotonic() > ends))
        kills = 0
        while time.monotonic() < ends - pause_s and not load.done():
            await asyncio.sleep(pause_s * chance.uniform(0.7, 1.3))
            await siege.kill(KINDS[kills % len(KINDS)])
            kills += 1
        await load
        await siege.settle()

        assert kills >= 4
        assert len(siege.promises) > 20, siege.broken
        assert siege.odd == {}, "neither an answer nor an outage"
        assert siege.broken, "nothing was ever felt of the kills"
        promised = [promise.order_id for promise in siege.promises]
        kept = await siege.kept()
        assert len(set(promised)) == len(promised), "two keys were answered with one order"
        assert sorted(kept) == sorted(promised), "an order that was answered 201 exists once, and no other does"
        states = await siege.states()
        wrong = [(promise, states[promise.order_id]) for promise in siege.promises]
        assert [pair for pair in wrong if not is_right(*pair)] == []
        assert await siege.retried(chance, 2000) == []
        assert sorted(await siege.kept()) == sorted(promised), "a retry did something"
        assert await siege.findings() == []
