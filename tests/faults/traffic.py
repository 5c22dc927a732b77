"""What all who come to the besieged shop share: a gate that can be shut for a moment, and asking until it is answered."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from midstage.bench.client import Connection, request
from midstage.kit.ids import new_id

ANSWER_WITHIN_S = 10
PAUSE_S = 0.2
GOOD = frozenset({200, 201, 202, 204})
BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError)
# A wish outlasts any outage; who is not answered by then never will be.
PATIENCE_S = 120


class Gate:
    """Where everybody waits while it is shut. Whoever went through ends what was begun."""

    def __init__(self) -> None:
        self.over = False
        self._open = asyncio.Event()
        self._open.set()
        self._inside = 0

    @asynccontextmanager
    async def through(self) -> AsyncGenerator[None]:
        """One wish, from asking to its answer."""
        await self._open.wait()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def shut(self) -> AsyncGenerator[None]:
        """Let nobody in, and wait until the last is out."""
        self._open.clear()
        try:
            until = time.monotonic() + PATIENCE_S
            while self._inside:
                if time.monotonic() > until:
                    raise AssertionError(f"{self._inside} wishes never came to their answer")
                await asyncio.sleep(PAUSE_S / 4)
            yield
        finally:
            self._open.set()


class Door:
    """The API as those outside see it: it may break at any moment, and the same wish is then asked again."""

    def __init__(self, port: int) -> None:
        self.gate = Gate()
        self.broken: Counter[str] = Counter()
        self.port = port

    def connection(self) -> Connection:
        return Connection("127.0.0.1", self.port)

    async def ask(self, link: Connection, wish: bytes) -> tuple[int, bytes]:
        """One try; (0, …) where the connection broke. Whatever is neither an answer nor an outage is raised."""
        try:
            status, body = await asyncio.wait_for(link.ask(wish), ANSWER_WITHIN_S)
        except BROKEN as error:
            link.close()
            self.broken[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_S)
            return 0, b""
        if status >= 500:
            self.broken[str(status)] += 1
            await asyncio.sleep(PAUSE_S)
        elif status not in GOOD:
            raise AssertionError(f"neither an answer nor an outage: {status} {body[:300]!r}\n{wish[:1500]!r}")
        return status, body

    async def answered(self, link: Connection, wish: bytes) -> bytes:
        """Ask until there is an answer."""
        until = time.monotonic() + PATIENCE_S
        while True:
            status, body = await self.ask(link, wish)
            if status in GOOD:
                return body
            if time.monotonic() > until:
                raise AssertionError(f"never answered, the last time with {status} {body[:300]!r}\n{wish[:600]!r}")

    async def twice(self, link: Connection, wish: bytes) -> bytes:
        """Ask with the same key once more when it was answered; the answers are the same to the byte."""
        first = await self.answered(link, wish)
        second = await self.answered(link, wish)
        assert second == first, f"{second[:300]!r} instead of {first[:300]!r}"
        return first

    async def cut(self, wire: bytes, chance: random.Random) -> None:
        """Send it over a network that breaks before the answer."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(wire)
            await writer.drain()
            await asyncio.sleep(chance.random() * 0.05)
            writer.transport.abort()
        except OSError:
            return


def wish(method: str, path: str, body: object, token: str) -> bytes:
    """A request with a key of its own, as it goes over the wire each time that it is asked."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id().hex}
    return request(method, path, b"" if body is None else json.dumps(body).encode(), headers)
