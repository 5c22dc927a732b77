"""A load generator that costs little: keep-alive connections, requests as bytes, answers read just far enough."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.adapters.sandbox_pay import protocol
from midstage.bench.ground import MERCHANT_NO, Ground
from midstage.kit.ids import new_id

LINES = 5


class Took(msgspec.Struct):
    """What a run of the load generator saw. Times are milliseconds of an order, placing and callback together."""

    orders: int = 0
    errors: int = 0
    times_ms: list[float] = []
    seconds: float = 0.0
    first_error: str = ""
    accepted: list[UUID] = []


class _Placed(msgspec.Struct):
    """The part of the answer that the provider would know."""

    payment_id: UUID
    total_minor: int
    order_id: UUID


_placed = msgspec.json.Decoder(_Placed)


class Connection:
    """One HTTP/1.1 connection that is kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and read its answer; a connection that broke is made anew by the next call."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        try:
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = head.lower().index(b"content-length:") + 15
            body = await self._reader.readexactly(int(head[length : head.index(b"\r\n", length)]))
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        return int(head[9:12]), body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Shoppers:
    """Shoppers who place orders of five lines, and the provider who says that they paid."""

    def __init__(self, ground: Ground, secret: bytes, host: str, port: int, *, seed: int) -> None:
        self._ground = ground
        self._secret = secret
        self._host = host
        self._port = port
        self._chance = random.Random(seed)  # noqa: S311  # the same orders every time
        self._callback = f"/v1/callbacks/{ground.tenant.code}/{ground.merchant.merchant_id}"

    async def run(self, *, seconds: float, concurrency: int) -> Took:
        """Place and pay orders for so long over so many connections."""
        took = Took()
        begun = time.perf_counter()
        until = begun + seconds
        await asyncio.gather(*(self._shop(took, until) for _ in range(concurrency)))
        took.seconds = time.perf_counter() - begun
        return took

    async def _shop(self, took: Took, until: float) -> None:
        link = Connection(self._host, self._port)
        while (begun := time.perf_counter()) < until:
            try:
                status, body = await link.ask(self._order())
                if status == 201:
                    placed = _placed.decode(body)
                    status, body = await link.ask(self._paid(placed))
                    took.accepted.append(placed.order_id)
            except (OSError, asyncio.IncompleteReadError) as error:
                status, body = 0, repr(error).encode()
            if status in {200, 201}:
                took.orders += 1
                took.times_ms.append((time.perf_counter() - begun) * 1000)
            else:
                took.errors += 1
                took.first_error = took.first_error or f"{status} {body[:300].decode(errors='replace')}"
        link.close()

    def _order(self) -> bytes:
        ground, chance = self._ground, self._chance
        body = json.dumps(
            {
                "lines": [
                    {"sku_id": str(sku), "quantity_milli": 1000 * chance.randint(1, 3)}
                    for sku in chance.sample(ground.skus, LINES)
                ],
                "delivery": {"method": "pick_up"},
                "store_id": str(chance.choice(ground.stores).store_id),
                "from_cart": False,
            }
        ).encode()
        return request(
            "POST",
            f"/v1/mall/{ground.tenant.code}/orders",
            body,
            {"Authorization": f"Bearer {chance.choice(ground.tokens)}", "Idempotency-Key": new_id().hex},
        )

    def _paid(self, placed: _Placed) -> bytes:
        now = time.time()
        body = msgspec.json.encode(
            protocol.Event(
                event_no=placed.order_id.hex,
                kind=protocol.EventKind.PAID,
                merchant_no=MERCHANT_NO,
                payment_no=placed.payment_id.hex,
                transaction_no=f"B{placed.payment_id.hex}",
                amount_minor=placed.total_minor,
                currency="CNY",
                at_ms=int(now * 1000),
            )
        )
        return request("POST", self._callback, body, protocol.sign(self._secret, body, at_s=int(now)))


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as it goes over the wire."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return f"{head}{lines}\r\n".encode() + body


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
