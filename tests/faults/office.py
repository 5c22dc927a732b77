"""The head office under siege: somebody compares the provider's statements with the book, again and again."""

import asyncio
import random
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from faults.traffic import Door, wish
from midstage.bench.client import Connection
from midstage.bench.ground import Ground
from midstage.kit.database import Database, Tx
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

ZONE = ZoneInfo("Asia/Shanghai")
BREATH_S = 1.0


class Office:
    """A brand administrator with the statements of the days of the siege."""

    def __init__(self, door: Door, made: Ground, token: str) -> None:
        self.runs = 0
        self._door = door
        self._made = made
        self._token = token
        self._since = _today()

    async def reconcile(self) -> None:
        """Today's statement is not complete: what is missing is a difference now, and none when it came."""
        chance = random.Random(3000)
        with closing(self._door.connection()) as link:
            while not self._door.gate.over:
                async with self._door.gate.through():
                    await self._read(link, _today() - timedelta(days=chance.choice([0, 0, 0, 1])))
                    self.runs += 1
                await asyncio.sleep(BREATH_S)

    async def settled(self) -> list[dict[str, Any]]:
        """Read every day of the siege once more; what still differs."""
        with closing(self._door.connection()) as link:
            day = self._since - timedelta(days=1)
            while day <= _today():
                await self._read(link, day)
                day += timedelta(days=1)
            path = "/v1/console/payments/differences?unresolved=true"
            page = msgspec.json.decode(await self._door.answered(link, wish("GET", path, None, self._token)))
        return page["items"]

    async def _read(self, link: Connection, day: date) -> None:
        path = f"/v1/console/payments/merchants/{self._made.merchant.merchant_id}/reconcile"
        await self._door.answered(link, wish("POST", path, {"day": day.isoformat()}, self._token))


async def hire(database: Database, made: Ground) -> str:
    """A brand administrator; returns the token."""
    password = await access.hash_password("a password of the siege")

    async def one(tx: Tx) -> str:
        hired = await organisation.hire(tx, organisation.NewStaff(code="office", name="Office"))
        grant = access.RoleGrant("brand_admin", organisation.EVERYTHING)
        await access.create_login(tx, hired.staff_id, "office", password, [grant])
        return await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(days=1))

    return await database.attempt(made.tenant, one)


def _today() -> date:
    return datetime.now(ZONE).date()
