"""A hand of the loader: a process that does one part after the other, as it is told on its standard input.

It ends when its input ends, and it is killed when its parent is (a part that was begun leaves nothing behind).
"""

import asyncio
import ctypes
import gc
import signal
import sys
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress

import msgspec
import psutil

from midstage.demo import brands
from midstage.demo.story import Step, Story
from midstage.kit.clock import Tenant
from midstage.kit.database import Database

_PR_SET_PDEATHSIG = 1
# A part takes seconds; what takes this long will never end.
STATEMENT_TIMEOUT_MS = 600_000


class Order(msgspec.Struct, frozen=True):
    """What to do. Without a step: begin the brand, and say what there is to do."""

    brand: str
    step: str = ""
    part: int = 0


class Done(msgspec.Struct, frozen=True):
    """What was done, and what it took; `error` where it failed."""

    rows: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    stages: list[list[Step]] = []
    error: str = ""


class Hand:
    """Does parts of the brands' stories. Data and brands are read once, when they are first asked for."""

    def __init__(self, database: Database, sandbox_url: str) -> None:
        self._database = database
        self._sandbox_url = sandbox_url
        self._stories: dict[str, Story] = {}
        self._tenants: dict[str, Tenant] = {}

    async def do(self, order: Order) -> Done:
        """Do as told. Whatever goes wrong becomes an answer, and is written out in full to the log."""
        begun = time.perf_counter()
        try:
            if order.brand not in self._stories:
                self._stories[order.brand] = brands.story(order.brand, self._sandbox_url)
                self._tenants[order.brand] = await self._stories[order.brand].begin(self._database)
            story = self._stories[order.brand]
            if not order.step:
                return Done(stages=story.stages(), seconds=time.perf_counter() - begun, peak_mb=_peak_mb())
            await story.prepare(order.step)
            with _without_collector():
                async with self._database.writing(self._tenants[order.brand]) as tx:
                    rows = await story.do(tx, order.step, order.part)
        except Exception as error:  # noqa: BLE001  # whatever it is, the parent says it and stops
            traceback.print_exc()
            return Done(error=f"{type(error).__name__}: {error}")
        return Done(rows, time.perf_counter() - begun, _peak_mb())


async def work(url: str, sandbox_url: str) -> None:
    """Answer a line with a line until there are no more."""
    database = await Database.open(url, pool_size=2, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    hand = Hand(database, sandbox_url)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        done = await hand.do(msgspec.json.decode(line, type=Order))
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()
    await database.close()


@contextmanager
def _without_collector() -> Generator[None]:
    """A part makes a million objects and no cycles: looking for some takes a quarter of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _peak_mb() -> int:
    """The most memory that this process ever had, where the system says it."""
    info = psutil.Process().memory_info()
    return int(getattr(info, "peak_wset", 0) or _linux_peak() or info.rss) >> 20


def _linux_peak() -> int:
    with suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # no file
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    return 0


def main() -> None:
    """`python -m midstage.demo.hand DATABASE_URL SANDBOX_URL`."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
    with suppress(BrokenPipeError):
        asyncio.run(work(*sys.argv[1:3]))


if __name__ == "__main__":
    main()
