"""Shoppers of the mall: they place, pay at the provider, cancel and forget, and remember what they were promised."""

import asyncio
import random
from contextlib import closing
from uuid import UUID

import httpx
import msgspec

from faults.traffic import ANSWER_WITHIN_S, PAUSE_S, Door, wish
from midstage.bench.client import Connection
from midstage.bench.ground import Ground
from midstage.middle.orders import api as orders

FAULTS = {"": 55, "lost": 20, "doubled": 15, "late": 10}
# A busy shop is not a benchmark: the machine also has to restart what was killed.
BREATH_S = 0.05


class Promise(msgspec.Struct):
    """An order that was answered 201: the request, the very bytes of the answer, and what became of it after."""

    request: bytes
    answer: bytes
    order_id: UUID
    paid: bool = False
    cancelled: bool = False


class _Placed(msgspec.Struct):
    order_id: UUID
    payment_id: UUID


class _Cashier(msgspec.Struct):
    cashier_url: str


class Shoppers:
    """Everybody who buys in the mall."""

    def __init__(self, door: Door, made: Ground, provider: str) -> None:
        self.promises: list[Promise] = []
        self._door = door
        self._made = made
        self._provider = provider
        self._root = f"/v1/mall/{made.tenant.code}"

    async def shop(self, nth: int) -> None:
        """One shopper, until the shop is shut for good; every wish is followed to its answer."""
        chance = random.Random(nth)
        with closing(self._door.connection()) as link:
            async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S) as http:
                while not self._door.gate.over:
                    async with self._door.gate.through():
                        promise = await self._order(link, chance)
                        if chance.random() < 0.75:
                            await self._pay(link, http, promise, chance)
                        if chance.random() < 0.1:
                            cancel = wish("POST", f"{self._root}/orders/{promise.order_id}/cancel", {}, _token(promise))
                            await self._door.twice(link, cancel)
                            promise.cancelled = True
                    await asyncio.sleep(BREATH_S)

    async def _order(self, link: Connection, chance: random.Random) -> Promise:
        lines = [
            {"sku_id": str(sku), "quantity_milli": 1000 * chance.randint(1, 3)}
            for sku in chance.sample(self._made.skus, chance.randint(1, 5))
        ]
        body = {
            "lines": lines,
            "delivery": {"method": "pick_up"},
            "store_id": str(chance.choice(self._made.stores).store_id),
            "from_cart": False,
        }
        asked = wish("POST", f"{self._root}/orders", body, chance.choice(self._made.tokens))
        answer = await self._door.answered(link, asked)
        promise = Promise(asked, answer, msgspec.json.decode(answer, type=_Placed).order_id)
        self.promises.append(promise)
        return promise

    async def _pay(self, link: Connection, http: httpx.AsyncClient, promise: Promise, chance: random.Random) -> None:
        start = wish("POST", f"{self._root}/orders/{promise.order_id}/payment", {}, _token(promise))
        url = msgspec.json.decode(await self._door.answered(link, start), type=_Cashier).cashier_url
        [fault] = chance.choices(list(FAULTS), list(FAULTS.values()))
        if fault:
            payment = msgspec.json.decode(promise.answer, type=_Placed).payment_id
            wanted = {"kind": fault, "payment_no": payment.hex, "times": 1, "seconds": 2}
            await self._at_provider(http, f"{self._provider}/faults", wanted)
        await self._at_provider(http, f"{url}/pay", {})
        promise.paid = True

    async def _at_provider(self, http: httpx.AsyncClient, url: str, body: object) -> None:
        """The provider is killed as well; it is asked until it is there again."""
        while True:
            try:
                (await http.post(url, json=body)).raise_for_status()
            except httpx.TransportError as error:
                self._door.broken[f"provider: {type(error).__name__}"] += 1
                await asyncio.sleep(PAUSE_S)
            else:
                return


def is_right(promise: Promise, state: tuple[str, int, int]) -> bool:
    """Whether an order came to where its shopper may expect it."""
    name, paid, refunded = state
    if promise.cancelled:
        return name == orders.State.CANCELLED and paid == refunded
    if promise.paid:
        return name == orders.State.PAID and paid > 0 and refunded == 0
    return name in {orders.State.PLACED, orders.State.EXPIRED} and paid == 0


def _token(promise: Promise) -> str:
    """A call of the same shopper."""
    return promise.request.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode()
