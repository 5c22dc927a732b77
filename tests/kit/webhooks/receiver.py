"""Somebody outside who gets webhooks: a real server on the loopback address that answers as it is told to."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Self

import msgspec


class Got(msgspec.Struct, frozen=True):
    """A request that came."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def number(self) -> int:
        return self.told["number"]


class Say(msgspec.Struct, frozen=True):
    """An answer. `close`: none at all; `drip`: a body without end, a byte at a time."""

    status: int = 200
    body: bytes = b"ok"
    headers: tuple[str, ...] = ()
    after_s: float = 0.0
    close: bool = False
    drip: bool = False


Answering = Callable[[Got], Say]
OK = Say()


class Receiver:
    """Set up with `async with`; `got` has all requests, `answer` decides what each is answered."""

    def __init__(self, answer: Answering | None = None) -> None:
        self.answer: Answering = answer or (lambda _: OK)
        self.got: list[Got] = []
        self.at_once = 0
        self.most_at_once = 0
        self._server: asyncio.Server
        self._more = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook?of=midstage"

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.got]

    def of_key(self, key: object) -> list[int]:
        """The numbers of one subject as they came."""
        return [one.number for one in self.got if one.told["key"] == str(key)]

    async def has(self, count: int) -> None:
        """Wait until so many requests came."""
        while len(self.got) < count:
            self._more.clear()
            await self._more.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:]) if name
        }
        body = await reader.readexactly(int(headers["content-length"]))
        got = Got(headers, body, asyncio.get_running_loop().time())
        self.got.append(got)
        self._more.set()
        say = self.answer(got)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(say.after_s)
        finally:
            self.at_once -= 1
        if say.close:
            return False
        length = 10_000_000 if say.drip else len(say.body)
        lines = [f"HTTP/1.1 {say.status} Said", f"content-length: {length}", *say.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + say.body)
        await writer.drain()
        while say.drip:
            await asyncio.sleep(0.05)
            writer.write(b".")
            await writer.drain()
        return True


def verify(secret: str, got: Got) -> bool:
    """What Standard Webhooks 1.0.0 asks of a receiver, written from its text alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.split(",", 1) for one in got.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(one, wanted) for version, one in given)
