"""The simulated provider as a program of its own, and a merchant's side of it that listens for callbacks."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from midstage.middle.payments import api as payments
from midstage.middle.payments.conformance import Callback

SECRET = "a-secret-of-the-tests-alone"


class Program:
    """The program: start it, kill it, start it again on the same book."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._data = folder / "sandbox.sqlite"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "midstage.adapters.sandbox_pay", "--port", str(self.port)]
        command += ["--data", str(self._data), "--secret-env", "SECRET_SANDBOX_TEST", "--retry-base-ms", "50"]
        self._process = subprocess.Popen(command, env={**os.environ, "SECRET_SANDBOX_TEST": SECRET})
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                httpx.get(f"{self.url}/healthz", timeout=1).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("the simulated provider did not start")

    def stop(self, *, kill: bool = False) -> int:
        if self._process is None:
            return 0
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        code = self._process.wait(timeout=10)
        self._process = None
        return code


class Mailbox:
    """Where callbacks arrive: keeps them, and answers 200, or 500 as often as asked."""

    currency = "CNY"

    def __init__(self) -> None:
        self.received: list[Callback] = []
        self.refuse = 0
        self.callback_url = ""
        self._arrived = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=5)

    async def pay(self, created: payments.Created) -> None:
        await self._client.post(f"{created.cashier_url}/pay", json={})

    async def decline(self, created: payments.Created) -> None:
        await self._client.post(f"{created.cashier_url}/decline", json={})

    async def callbacks(self) -> list[Callback]:
        return list(self.received)

    async def close(self) -> None:
        await self._client.aclose()

    async def wait(self, count: int, *, seconds: float = 10) -> list[Callback]:
        """Wait until so many have come."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return list(self.received)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        refused = self.refuse > 0
        if refused:
            self.refuse -= 1
        else:
            self.received.append(Callback(headers, body))
            self._arrived.set()
        status = b"500 Internal Server Error" if refused else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
