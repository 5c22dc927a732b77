"""Webhooks over HTTP: made, tried out, listed, sent again; and the change feed."""

import asyncio
import time
from typing import Any

import pytest

from fronts.conftest import Console
from fronts.open.test_keys import Program, program
from midstage.kit.database import Tx
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.ids import new_id
from midstage.middle.organisation import api as organisation

HOOK = {"url": "https://hooks.invalid/midstage", "types": ["OrderPaid"], "note": "ERP"}


async def _number(console: Console) -> None:
    """Give the facts their numbers; another sequencer may hold the lease for a moment."""
    sequencer = Sequencer(console.shop.database, name="open front")
    for _ in range(100):
        if await sequencer.number() == 0:
            return
        await asyncio.sleep(0.01)


async def _open_unit(console: Console) -> str:
    async def work(tx: Tx) -> str:
        code = f"U{new_id().hex[-8:]}"
        return str((await organisation.create_unit(tx, organisation.NewUnit(code=code, name="区"))).unit_id)

    made = await console.shop.database.attempt(console.shop.tenant, work)
    await _number(console)
    return made


async def _made(erp: Program, **changes: Any) -> dict[str, Any]:
    answer = await erp.call("POST", "/open/webhooks", json={**HOOK, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_webhook_is_made_changed_and_removed(console: Console) -> None:
    erp = await program(console)
    made = await _made(erp)
    assert made["secret"].startswith("whsec_")
    path = f"/open/webhooks/{made['endpoint_id']}"
    found = await erp.get(path)
    assert (found["url"], found["types"], found["state"]) == (HOOK["url"], ["OrderPaid"], "active")
    assert made["secret"] not in str(found)
    change = {**HOOK, "version": found["version"], "types": [], "active": False}
    changed = await erp.call("PUT", path, json=change)
    assert (changed.json()["state"], changed.json()["types"]) == ("paused", [])
    assert await erp.refused("PUT", path, json=change) == (409, "endpoint_changed")
    assert [one["endpoint_id"] for one in await erp.get("/open/webhooks")] == [made["endpoint_id"]]
    assert (await erp.call("POST", f"{path}/rotate", json={})).json()["secret"] != made["secret"]
    assert (await erp.call("DELETE", path)).status_code == 204
    assert await erp.refused("GET", path) == (404, "no_such_endpoint")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "http://127.0.0.1:8200/", "https://10.0.0.1/x", "file:///etc"]
)
async def test_facts_go_to_the_internet_alone(console: Console, url: str) -> None:
    erp = await program(console)
    refused = await erp.refused("POST", "/open/webhooks", json={**HOOK, "url": url})
    assert refused == (422, "bad_address")


async def test_who_may_not_read_facts_sends_them_nowhere(console: Console) -> None:
    erp = await program(console, "webhooks.write", "webhooks.read")
    assert await erp.refused("POST", "/open/webhooks", json=HOOK) == (403, "not_permitted")
    assert await erp.refused("POST", "/open/webhooks", json={**HOOK, "types": ["NoFact"]}) == (403, "not_permitted")


async def test_a_ping_says_why_nothing_arrived(console: Console) -> None:
    erp = await program(console)
    made = await _made(erp)
    answer = await erp.call("POST", f"/open/webhooks/{made['endpoint_id']}/ping")
    assert answer.status_code == 200
    outcome = answer.json()
    assert (outcome["arrived"], outcome["status"]) == (False, None)
    assert outcome["told"]


async def test_every_kind_of_fact_is_listed_with_its_version(console: Console) -> None:
    erp = await program(console, "webhooks.read")
    kinds = {one["type"]: one for one in await erp.get("/open/fact-types")}
    assert kinds["OrderPaid"]["version"] == 1
    assert kinds["OrderPaid"]["about"]
    assert not any("test" in one["about"].lower().split() for one in kinds.values())


async def test_the_feed_gives_facts_in_order_and_goes_on_from_its_cursor(console: Console) -> None:
    erp = await program(console)
    await _number(console)
    first = await erp.get("/open/changes", limit=2)
    assert [one["type"] for one in first["items"]][:1] == ["BrandCreated"]
    assert first["more"]
    seen = list(first["items"])
    after = first["next"]
    while True:
        page = await erp.get("/open/changes", after=after, limit=50)
        seen += page["items"]
        after = page["next"]
        if not page["more"]:
            break
    numbers = [one["number"] for one in seen]
    assert numbers == list(range(1, len(numbers) + 1))
    unit_id = await _open_unit(console)
    [new] = (await erp.get("/open/changes", after=after))["items"]
    assert (new["type"], new["key"], new["data"]["unit_id"]) == ("UnitCreated", unit_id, unit_id)
    again = await erp.get("/open/changes", after=after)
    assert again["items"] == [new]


async def test_the_feed_gives_only_the_types_that_were_asked_for(console: Console) -> None:
    erp = await program(console)
    await _open_unit(console)
    found = await erp.get("/open/changes", types=["UnitCreated", "BrandCreated"])
    assert [one["type"] for one in found["items"]] == ["BrandCreated", "UnitCreated"]
    assert not found["more"]
    assert await erp.refused("GET", "/open/changes", params={"types": "NoFact"}) == (422, "no_such_fact_type")
    assert await erp.refused("GET", "/open/changes", params={"after": "made-up"}) == (422, "bad_cursor")


async def test_who_waits_hears_of_what_happens_and_nobody_waits_for_ever(console: Console) -> None:
    erp = await program(console)
    await _number(console)
    after = (await erp.get("/open/changes", limit=200))["next"]
    begun = time.monotonic()
    waiting = asyncio.create_task(erp.get("/open/changes", after=after, wait=20))
    await asyncio.sleep(0.3)
    unit_id = await _open_unit(console)
    found = await waiting
    assert [one["key"] for one in found["items"]] == [unit_id]
    assert time.monotonic() - begun < 10
    dry = await erp.get("/open/changes", after=found["next"], wait=1)
    assert dry == {"items": [], "next": found["next"], "more": False}


async def test_a_cursor_whose_facts_are_gone_is_told_so(console: Console) -> None:
    erp = await program(console)
    await _number(console)
    first = await erp.get("/open/changes", limit=1)
    async with console.shop.database.writing(console.shop.tenant) as tx:
        await tx.run("delete from fact_number where brand_id = $1 and number <= 5", tx.brand)
    answer = await erp.call("GET", "/open/changes", params={"after": first["next"]})
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_too_old")
    assert answer.json()["figures"] == {"oldest": 6}
    assert (await erp.get("/open/changes", limit=1))["items"][0]["number"] == 6
