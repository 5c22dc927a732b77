"""Loading the brands: two hands work side by side, and every step shows how far it is."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from midstage.demo.hand import Done, Order
from midstage.demo.story import Step
from midstage.processes import CannotStartError

# Memory that was used once is given back: it saves an eighth of what a hand takes.
THRIFTY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
HANDS = 2  # more only wait for the processors that the database needs as well
STEPS = {
    "organisation": "stores, guides 门店导购",
    "products": "products 商品",
    "members": "members 会员",
    "stock": "stock 库存",
    "orders": "orders 订单",
    "logins": "logins 账号",
}
_LINE_LIMIT = 1 << 20


class Took(msgspec.Struct, frozen=True):
    """What a step of a brand took: rows, seconds of the hands' time together."""

    brand: str
    step: str
    rows: int
    seconds: float


class Loaded(msgspec.Struct, frozen=True):
    """What a load took: seconds by the clock, and the most memory of both hands together."""

    seconds: float
    peak_mb: int
    steps: list[Took]


class _Hand:
    """One process, seen from the parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.peak_mb = 0

    @classmethod
    async def start(cls, url: str, sandbox_url: str, log: IO[bytes], environment: Mapping[str, str]) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "midstage.demo.hand", url, sandbox_url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, env={**environment, **THRIFTY},
            limit=_LINE_LIMIT, start_new_session=True,
        )  # fmt: skip
        return cls(process)

    async def do(self, order: Order) -> Done:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the pipes are asked for at the start")
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(msgspec.json.encode(order) + b"\n")
            await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            return Done(error="the process that loads ended")
        done = msgspec.json.decode(line, type=Done)
        self.peak_mb = max(self.peak_mb, done.peak_mb)
        return done

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()  # between two parts there is nothing to lose, and within one nothing to keep
        await self.process.wait()


class _Load:
    """The load of some brands: orders go to whichever hand is free."""

    def __init__(self, hands: Sequence[_Hand], progress: Progress, log: Path) -> None:
        self._free: asyncio.Queue[_Hand] = asyncio.Queue()
        for hand in hands:
            self._free.put_nowait(hand)
        self._progress = progress
        self._log = log
        self.steps: list[Took] = []

    async def brand(self, code: str) -> None:
        """All of a brand, one stage after the other, the parts of a stage side by side."""
        waiting = self._progress.add_task(f"{code}: reading 读取", total=None)
        stages = (await self._do(Order(code))).stages
        self._progress.remove_task(waiting)
        for stage in stages:
            async with asyncio.TaskGroup() as group:
                for step in stage:
                    group.create_task(self._step(code, step))

    async def _step(self, code: str, step: Step) -> None:
        bar = self._progress.add_task(f"{code}: {STEPS.get(step.name, step.name)}", total=step.rows)
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(self._part(code, step, part, bar)) for part in range(step.parts)]
        done = [part.result() for part in parts]
        self.steps.append(Took(code, step.name, sum(one.rows for one in done), sum(one.seconds for one in done)))

    async def _part(self, code: str, step: Step, part: int, bar: TaskID) -> Done:
        done = await self._do(Order(code, step.name, part))
        self._progress.advance(bar, done.rows)
        return done

    async def _do(self, order: Order) -> Done:
        hand = await self._free.get()
        try:
            done = await hand.do(order)
        finally:
            self._free.put_nowait(hand)
        if done.error:
            what = f"{order.brand}, {order.step or 'the beginning'}, part {order.part}"
            raise CannotStartError(
                f"loading {what} failed: {done.error}. What is loaded is kept, and the next start goes on from there; "
                f"all of it stands in {self._log}"
            )
        return done


async def load(
    codes: Sequence[str], *, url: str, sandbox_url: str, log: Path, environment: Mapping[str, str], console: Console
) -> Loaded:
    """Load these brands, or what is left of them. Raises CannotStartError."""
    begun = time.monotonic()
    async with _hands(url, sandbox_url, log, environment) as hands:
        with progress_bars(console) as progress:
            work = _Load(hands, progress, log)
            try:
                async with asyncio.TaskGroup() as group:
                    for code in codes:
                        group.create_task(work.brand(code))
            except* CannotStartError as failures:
                raise _first(failures) from None
        return Loaded(time.monotonic() - begun, sum(hand.peak_mb for hand in hands), work.steps)


def progress_bars(console: Console) -> Progress:
    """Bars that fit a terminal of 80 columns."""
    return Progress(
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=18),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@contextlib.asynccontextmanager
async def _hands(url: str, sandbox_url: str, log: Path, environment: Mapping[str, str]) -> AsyncGenerator[list[_Hand]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    hands: list[_Hand] = []
    with log.open("ab") as file:
        try:
            while len(hands) < HANDS:
                hands.append(await _Hand.start(url, sandbox_url, file, environment))
            yield hands
        finally:
            await asyncio.gather(*(hand.end() for hand in hands))


def _first(failures: BaseExceptionGroup[CannotStartError]) -> CannotStartError:
    """The first of the failures, which groups of groups hold."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
