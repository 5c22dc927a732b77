"""Tills of the besieged shop: cashiers who sell and count their drawers, and devices that were offline and tell of it."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from faults.traffic import Door, wish
from midstage.bench.client import Connection
from midstage.bench.ground import Ground
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

FLOAT_MINOR = 50_000
DROP_MINOR = 500
CARD_MINOR = 500
SALES_A_SHIFT = 12
UPLOADS = 3
BREATH_S = 0.1


class Till(msgspec.Struct, frozen=True):
    till_id: UUID
    token: str


class Sale(msgspec.Struct, frozen=True):
    """A sale that was answered 201, and the very bytes of the answer."""

    request: bytes
    answer: bytes
    order_id: UUID


class Tills:
    """Everybody who stands at a till, and what they were told."""

    def __init__(self, door: Door, made: Ground, opened: Sequence[Till]) -> None:
        self.sales: list[Sale] = []
        self.shifts = 0
        self.offline: dict[str, set[UUID]] = {}
        """By the number that the device gave a sale: as which orders it was ever said to be booked."""
        self._door = door
        self._made = made
        self._tills = opened

    async def sell(self, nth: int) -> None:
        """A cashier: shift after shift, until the shop is shut for good."""
        chance = random.Random(1000 + nth)
        till = self._tills[nth]
        with closing(self._door.connection()) as link:
            while not self._door.gate.over:
                async with self._door.gate.through():
                    opened = await self._changed(
                        link, f"/tills/{till.till_id}/shift", {"float_minor": FLOAT_MINOR}, till
                    )
                drawer = FLOAT_MINOR
                for _ in range(SALES_A_SHIFT):
                    async with self._door.gate.through():
                        drawer += await self._sell(link, till, chance)
                    await asyncio.sleep(BREATH_S)
                async with self._door.gate.through():
                    await self._close(link, till, opened["shift_id"], drawer)

    async def tell(self, nth: int) -> None:
        """A device that was offline: it tells of each batch up to three times, over a network that is cut."""
        chance = random.Random(2000 + nth)
        till = self._tills[nth]
        with closing(self._door.connection()) as link:
            await self._changed(link, f"/tills/{till.till_id}/shift", {"float_minor": 0}, till)
            while not self._door.gate.over:
                async with self._door.gate.through():
                    batch = [self._offline_sale(chance) for _ in range(chance.randint(1, 6))]
                    times = chance.randint(1, UPLOADS)
                    if chance.random() < 0.2:
                        links = [self._door.connection() for _ in range(times)]
                        await asyncio.gather(*(self._upload(one, till, batch, chance) for one in links))
                        for one in links:
                            one.close()
                    else:
                        for _ in range(times - 1):
                            await (self._cut if chance.random() < 0.5 else self._upload)(link, till, batch, chance)
                        await self._upload(link, till, batch, chance)
                await asyncio.sleep(BREATH_S * 4)

    async def _sell(self, link: Connection, till: Till, chance: random.Random) -> int:
        """Sell something for card and cash. Returns how much cash came into the drawer."""
        body = {
            "till_id": str(till.till_id),
            "lines": [
                {"barcode": barcode, "quantity_milli": 1000 * chance.randint(1, 3)}
                for barcode in chance.sample(self._made.barcodes, chance.randint(1, 4))
            ],
            "tenders": [
                {"method": "card_terminal", "amount_minor": CARD_MINOR, "reference": "slip"},
                {"method": "cash"},
            ],
        }
        if chance.random() < 0.5:
            body["member_id"] = str(chance.choice(self._made.members))
        asked = wish("POST", "/v1/counter/sales", body, till.token)
        answer = await (self._door.twice if chance.random() < 0.3 else self._door.answered)(link, asked)
        sold = msgspec.json.decode(answer)
        self.sales.append(Sale(asked, answer, UUID(sold["order_id"])))
        cash: int = sum(one["amount_minor"] for one in sold["tenders"] if one["method"] == "cash")
        assert cash == sold["total_minor"] - CARD_MINOR
        return cash

    async def _close(self, link: Connection, till: Till, shift: str, drawer: int) -> None:
        await self._changed(
            link, f"/shifts/{shift}/cash", {"kind": "drop", "amount_minor": DROP_MINOR, "reason": "to the safe"}, till
        )
        sheet = await self._changed(link, f"/shifts/{shift}/close", {"counted_minor": drawer - DROP_MINOR}, till)
        assert (sheet["difference_minor"], sheet["agrees"]) == (0, True), sheet
        self.shifts += 1

    async def _changed(self, link: Connection, path: str, body: object, till: Till) -> dict[str, Any]:
        return msgspec.json.decode(
            await self._door.twice(link, wish("POST", f"/v1/counter{path}", body, till.token)), type=dict[str, Any]
        )

    def _offline_sale(self, chance: random.Random) -> dict[str, object]:
        number = new_id().hex
        self.offline[number] = set()
        price = 1_000 + chance.randrange(100)
        return {
            "device_sale_id": number,
            "sequence": len(self.offline),
            "device_at": (utc_now() - timedelta(minutes=1)).isoformat(),
            "receipt": f"R{len(self.offline)}",
            "lines": [
                {"barcode": code, "quantity_milli": 1000, "total_minor": price}
                for code in chance.sample(self._made.barcodes, 2)
            ],
            "tenders": [{"method": "card_terminal", "amount_minor": CARD_MINOR}, {"method": "cash"}],
        }

    async def _upload(
        self, link: Connection, till: Till, batch: list[dict[str, object]], chance: random.Random
    ) -> None:
        told = msgspec.json.decode(await self._door.answered(link, _upload_of(till, batch, chance)))
        assert {one["device_sale_id"] for one in told["sales"]} == {one["device_sale_id"] for one in batch}
        for one in told["sales"]:
            assert one["fate"] in {"booked", "known"}, one
            self.offline[one["device_sale_id"]].add(UUID(one["order_id"]))

    async def _cut(self, _: Connection, till: Till, batch: list[dict[str, object]], chance: random.Random) -> None:
        """Tell a part of it, or all of it, and hear no answer."""
        wire = _upload_of(till, batch, chance)
        await self._door.cut(wire if chance.random() < 0.7 else wire[: chance.randrange(1, len(wire))], chance)


def _upload_of(till: Till, batch: list[dict[str, object]], chance: random.Random) -> bytes:
    some = chance.sample(batch, len(batch))
    return wish("POST", "/v1/counter/offline", {"till_id": str(till.till_id), "sales": some}, till.token)


async def furnish(database: Database, made: Ground, count: int) -> list[Till]:
    """Tills with a cashier each, in the stores by turns."""
    password = await access.hash_password("a password of the siege")

    async def one(tx: Tx, nth: int) -> Till:
        at = made.stores[nth % len(made.stores)]
        name = f"cashier-{nth}"
        hired = await organisation.hire(tx, organisation.NewStaff(code=name, name="Cashier"))
        scope = organisation.Scope(stores=frozenset({at.store_id}))
        await access.create_login(tx, hired.staff_id, name, password, [access.RoleGrant("store_manager", scope)])
        token = await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(days=1))
        new = organisation.NewTouchpoint(
            code=f"till-{nth}", name="Till", kind=organisation.TouchpointKind.TILL, store_id=at.store_id
        )
        return Till((await organisation.create_touchpoint(tx, new)).touchpoint_id, token)

    return [await database.attempt(made.tenant, lambda tx, n=n: one(tx, n)) for n in range(count)]
