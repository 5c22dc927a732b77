"""What the brand's webhooks got during the siege, against the facts that there are."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import msgspec

from faults.traffic import Door, wish
from midstage.kit.database import Connection
from midstage.kit.ids import BrandId

SOME = ["OrderPaid", "OrderCompleted", "OrderCancelled", "RefundCompleted", "StatementCompared", "ShiftCounted"]

FACTS = """
select n.number, f.key from fact f
  join fact_number n on n.brand_id = f.brand_id and n.fact_id = f.id and n.recorded_at = f.recorded_at
 where f.brand_id = $1 and (cardinality($2::text[]) = 0 or f.type = any ($2))
 order by n.number
"""

# A webhook gets everything after it was made, and so its own beginning.
BEGUN = """
select n.number from fact f
  join fact_number n on n.brand_id = f.brand_id and n.fact_id = f.id and n.recorded_at = f.recorded_at
 where f.brand_id = $1 and f.type = 'WebhookMade' and f.key = $2
"""

WAITING = """
select count(*) from webhook_endpoint e
 where e.brand_id = $1
   and (e.state <> 'active' or e.cursor < (select h.number from fact_head h where h.brand_id = $1)
        or exists (select from webhook_delivery d where d.brand_id = $1 and d.endpoint_id = e.endpoint_id
                      and d.state <> 'delivered'))
"""

# What was to be tried again in seconds or hours is tried now, and who died at it is missed now.
_HOURS_PASS = (
    "update webhook_delivery set next_try_at = now() where brand_id = $1 and state = 'retrying'",
    "update webhook_endpoint set rest_until = '-infinity', leased_until = '-infinity' where brand_id = $1",
)


class Got(msgspec.Struct, frozen=True):
    """A request that reached the receiver, and what it was going to answer; 0 is nothing."""

    to: str
    number: int
    key: UUID
    said: int


class Hook(msgspec.Struct, frozen=True):
    name: str
    types: list[str]
    endpoint_id: UUID


class Hooks:
    """A webhook for some kinds of facts, and one for all of them, at the same receiver."""

    def __init__(self, log: Path) -> None:
        self.made: list[Hook] = []
        self._log = log

    async def make(self, door: Door, url: str, token: str) -> None:
        with closing(door.connection()) as link:
            for name, types in (("some", SOME), ("all", [])):
                asked = wish("POST", "/v1/open/webhooks", {"url": f"{url}/{name}", "types": types}, token)
                answer = msgspec.json.decode(await door.answered(link, asked))
                self.made.append(Hook(name, list(types), UUID(answer["endpoint_id"])))

    async def hurry(self, link: Connection, brand: BrandId) -> None:
        """Let the hours pass that failures are waited for."""
        for statement in _HOURS_PASS:
            await link.execute(statement, brand)

    async def behind(self, link: Connection, brand: BrandId) -> int:
        """How many webhooks have not got everything."""
        return await link.fetchval(WAITING, brand)

    def got(self) -> list[Got]:
        """Every request, in the order in which they came."""
        if not self._log.exists():
            return []
        return [msgspec.json.decode(line, type=Got) for line in self._log.read_bytes().splitlines()]

    async def wrong(self, link: Connection, brand: BrandId) -> list[str]:
        """What never came, what was not for it, and what came before something older of its subject had arrived."""
        found: list[str] = []
        got = self.got()
        for hook in self.made:
            begun = await link.fetchval(BEGUN, brand, hook.endpoint_id)
            facts = {row["number"]: row["key"] for row in await link.fetch(FACTS, brand, hook.types)}
            wanted = {number: key for number, key in facts.items() if number >= begun}
            mine = [one for one in got if one.to == hook.name]
            arrived = {one.number for one in mine if one.said == 200}
            found += [f"{hook.name}: number {number} never arrived" for number in sorted(set(wanted) - arrived)]
            found += [f"{hook.name}: {one} is not for it" for one in mine if facts.get(one.number) != one.key]
            found += [f"{hook.name}: {one}" for one in overtaken(mine, wanted)]
        return found


def overtaken(got: Sequence[Got], wanted: dict[int, UUID]) -> list[str]:
    """Requests that came when an older fact of their subject had not arrived."""
    subjects: dict[UUID, list[int]] = {}
    for number in sorted(wanted):
        subjects.setdefault(wanted[number], []).append(number)
    arrived: set[int] = set()
    wrong: list[str] = []
    for one in got:
        missing = [number for number in subjects.get(one.key, []) if number < one.number and number not in arrived]
        if missing:
            wrong.append(f"{one.number} of {one.key} came before {missing} had arrived")
        if one.said == 200:
            arrived.add(one.number)
    return wrong
