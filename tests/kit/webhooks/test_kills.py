"""kill -9 while couriers send: nothing is lost, and nothing comes before what came before it."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kit.webhooks import porter
from kit.webhooks.post import Post
from kit.webhooks.receiver import OK, Got, Receiver, Say
from midstage.kit import sealing
from midstage.kit.ids import new_id
from midstage.kit.settings import Settings

PARCELS = 5
WITHIN_S = 40


class Porters:
    """Couriers in processes of their own."""

    def __init__(self, url: str, home: Path) -> None:
        self._command = [sys.executable, porter.__file__, url, str(home)]
        self._running: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        started = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        assert started.stdout is not None
        assert await started.stdout.readline() == b"ready\n"
        self._running.append(started)

    async def kill_one(self) -> None:
        one = self._running.pop(0)
        os.kill(one.pid, signal.SIGKILL)
        await one.wait()

    async def stop(self) -> None:
        while self._running:
            with contextlib.suppress(ProcessLookupError):
                await self.kill_one()


@pytest_asyncio.fixture(loop_scope="session")
async def porters(post: Post, tmp_path: Path) -> AsyncIterator[Porters]:
    sealing.open_keys(Settings(home=tmp_path))
    made = Porters(post.database.url, tmp_path)
    yield made
    await made.stop()


async def _besiege(post: Post, porters: Porters, kills: int) -> None:
    chance = random.Random(kills)

    def answer(_: Got) -> Say:
        return Say(500) if chance.random() < 0.05 else Say(after_s=0.02) if chance.random() < 0.3 else OK

    parcels = [new_id() for _ in range(PARCELS)]
    told = 0
    async with Receiver(answer) as receiver:
        await post.make(receiver.url, "ParcelMoved")
        await porters.start()
        await porters.start()
        for _ in range(kills):
            for _ in range(5):
                told += 1
                await post.tell(*((parcel, told) for parcel in parcels))
                await asyncio.sleep(chance.random() * 0.1)
            await porters.kill_one()
            await porters.start()
        receiver.answer = lambda _: OK
        async with asyncio.timeout(WITHIN_S):
            while len({(one.told["key"], one.told["number"]) for one in receiver.got}) < told * PARCELS:
                await receiver.has(len(receiver.got) + 1)
        for parcel in parcels:
            came = [one.told["data"]["nth"] for one in receiver.got if one.told["key"] == str(parcel)]
            # By their ids those that came twice are known; the others are all there, in their order.
            assert list(dict.fromkeys(came)) == list(range(1, told + 1))
    assert await post.findings() == []


async def test_no_fact_is_lost_or_late_when_couriers_are_killed(post: Post, porters: Porters) -> None:
    await _besiege(post, porters, kills=2)


@pytest.mark.slow
async def test_no_fact_is_lost_or_late_however_often_couriers_are_killed(post: Post, porters: Porters) -> None:
    await _besiege(post, porters, kills=30)
