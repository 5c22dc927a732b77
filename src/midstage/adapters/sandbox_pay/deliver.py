"""Bring callbacks to the merchants: again and again until one answers 2xx, across restarts."""

import asyncio
import time

import httpx

from midstage.adapters.sandbox_pay.protocol import sign
from midstage.adapters.sandbox_pay.store import Book, Row

# Like real providers: soon at first, then in ever longer pauses. Multiplied by --retry-base-ms.
PAUSES = (1, 2, 4, 8, 15, 30, 60, 300, 900, 3600, 21600, 21600)
AT_ONCE = 16
POLL_S = 0.1
TIMEOUT_S = 10.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Postman:
    """Takes what is due out of the book and delivers it, several at once; runs until it is cancelled."""

    def __init__(self, book: Book, secret: bytes, *, retry_base_ms: int) -> None:
        self._book = book
        self._secret = secret
        self._retry_base_ms = retry_base_ms
        self._under_way: set[int] = set()

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client, asyncio.TaskGroup() as tasks:
            while True:
                due = await asyncio.to_thread(self._look)
                for row in due:
                    if row["id"] not in self._under_way and len(self._under_way) < AT_ONCE:
                        self._under_way.add(row["id"])
                        tasks.create_task(self._deliver(client, row))
                await asyncio.sleep(POLL_S)

    def _look(self) -> list[Row]:
        """What is to go out now; refunds that have waited long enough end first."""
        at = now_ms()
        self._book.end_due_refunds(now_ms=at)
        return self._book.due(now_ms=at, limit=AT_ONCE * 4)

    async def _deliver(self, client: httpx.AsyncClient, row: Row) -> None:
        body = bytes(row["body"])
        headers = sign(self._secret, body, at_s=int(time.time())) | {"content-type": "application/json"}
        try:
            answer = await client.post(row["url"], content=body, headers=headers)
            said, fine = str(answer.status_code), answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said, fine = type(error).__name__, False
        try:
            if fine:
                await asyncio.to_thread(self._book.delivered, row["id"], said)
            else:
                pause_ms = PAUSES[min(int(row["attempts"]), len(PAUSES) - 1)] * self._retry_base_ms
                await asyncio.to_thread(self._book.not_delivered, row["id"], said, next_at_ms=now_ms() + pause_ms)
        finally:
            self._under_way.discard(row["id"])
