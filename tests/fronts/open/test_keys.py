"""A key opens what staff can open, within its permissions and scope; what is personal it does not."""

from typing import Any

import httpx

from fronts.conftest import Console
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation


class Program:
    """A program with a key."""

    def __init__(self, http: httpx.AsyncClient, secret: str) -> None:
        self.http = http
        self.secret = secret

    async def call(self, method: str, path: str, **named: Any) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Idempotency-Key": str(new_id()),
            "Accept-Language": "en",
            **named.pop("headers", {}),
        }
        return await self.http.request(method, f"/v1{path}", headers=headers, **named)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **named: Any) -> tuple[int, str]:
        answer = await self.call(method, path, **named)
        return answer.status_code, answer.json()["code"]


async def program(
    console: Console, *permissions: str, scope: organisation.Scope | None = None, **named: Any
) -> Program:
    """A program with a new key, over all of the brand if nothing else is said."""
    held = frozenset(permissions or access.PERMISSIONS)

    async def work(tx: Tx) -> access.Token:
        _, secret = await access.create_key(tx, "ERP", held, scope or organisation.EVERYTHING, **named)
        return secret

    return Program(console.http, await console.shop.database.attempt(console.shop.tenant, work))


async def test_a_key_is_told_what_it_is(console: Console) -> None:
    me = await (await program(console, "orders.read")).get("/open/me")
    assert (me["brand"], me["permissions"], me["sandbox"]) == (console.shop.tenant.code, ["orders.read"], False)
    assert me["expires_at"] is None
    somebody = await console.staff()
    headers = {"Authorization": f"Bearer {somebody.token}"}
    answer = await console.http.get("/v1/open/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "other_audience")


async def test_a_key_does_what_staff_does_and_stands_in_the_trail(console: Console) -> None:
    erp = await program(console)
    unit = {"code": "N", "name": "北区"}
    key = {"Idempotency-Key": "once-and-for-all"}
    first = await erp.call("POST", "/console/units", json=unit, headers=key)
    second = await erp.call("POST", "/console/units", json=unit, headers=key)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    me = await erp.get("/open/me")
    trail = await erp.get("/console/audit", subject_type="unit")
    assert [(one["by"]["kind"], one["by"]["id"]) for one in trail["items"]] == [("app", me["key_id"])]


async def test_a_key_sees_its_part_and_needs_its_permissions(console: Console) -> None:
    near, far = console.shop.stores
    here = organisation.Scope(stores=frozenset({near.store_id}))
    till = await program(console, "organisation.read", "webhooks.write", "webhooks.read", "facts.read", scope=here)
    seen = await till.get("/console/stores")
    assert [one["store_id"] for one in seen["items"]] == [str(near.store_id)]
    assert await till.refused("GET", f"/console/stores/{far.store_id}") == (404, "out_of_scope")
    assert await till.refused("GET", "/console/orders") == (403, "not_permitted")
    assert await till.refused("GET", "/open/webhooks") == (403, "needs_whole_brand")
    assert await till.refused("GET", "/open/changes") == (403, "needs_whole_brand")


async def test_what_is_personal_is_not_for_keys(console: Console) -> None:
    erp = await program(console)
    for method, path in (
        ("GET", "/console/me"),
        ("GET", "/console/me/sessions"),
        ("GET", "/console/approvals"),
        ("POST", f"/console/approvals/{new_id()}/give"),
    ):
        assert await erp.refused(method, path) == (403, "other_audience"), path
    shopper = await console.http.get(
        f"/v1/mall/{console.shop.tenant.code}/me", headers={"Authorization": f"Bearer {erp.secret}"}
    )
    assert shopper.status_code == 401


async def test_a_secret_is_changed_while_the_old_one_still_opens(console: Console) -> None:
    admin = await console.staff()
    made = await admin.post(
        "/access/keys",
        {"name": "ERP", "permissions": ["orders.read"], "scope": {"everything": True}, "calls_per_minute": 30},
        status=201,
    )
    path = f"/access/keys/{made['key_id']}/rotate"
    new = await admin.post(path, {"overlap_minutes": 5})
    for secret in (made["secret"], new["secret"]):
        assert (await Program(console.http, secret).get("/open/me"))["key_id"] == made["key_id"]
    listed = await admin.get("/access/keys")
    [key] = listed["items"]
    assert key["last_used_at"] is not None
    assert new["secret"].startswith(key["prefix"])
    assert made["secret"] not in str(listed)
    assert new["secret"] not in str(listed)
    last = await admin.post(path, {"overlap_minutes": 0})
    assert await Program(console.http, new["secret"]).refused("GET", "/open/me") == (401, "session_unknown")
    assert (await Program(console.http, last["secret"]).call("GET", "/open/me")).headers["ratelimit-limit"] == "30"


async def test_who_calls_too_often_is_told_when_to_come_back(console: Console) -> None:
    erp = await program(console, "orders.read", calls_per_minute=20)
    answers = [await erp.call("GET", "/open/me") for _ in range(30)]
    good = [one for one in answers if one.status_code == 200]
    assert 20 <= len(good) <= 23
    assert good[0].headers["ratelimit-limit"] == "20"
    assert good[0].headers["ratelimit-remaining"] == "19"
    assert int(good[-1].headers["ratelimit-remaining"]) <= 1
    assert 55 <= int(good[-1].headers["ratelimit-reset"]) <= 60
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_calls")
    assert 1 <= int(refused.headers["retry-after"]) <= 4
    other = await program(console, "orders.read", calls_per_minute=20)
    assert (await other.call("GET", "/open/me")).status_code == 200


async def test_guesses_are_counted_by_address(console: Console) -> None:
    wish = {"brand": console.shop.tenant.code, "login": "nobody", "password": "wrong"}

    async def sign_in(address: str) -> int:
        # The proxy beside us says who called; the loopback address alone is nobody's.
        headers = {"X-Forwarded-For": address}
        return (await console.http.post("/v1/console/sign-in", json=wish, headers=headers)).status_code

    told = [await sign_in("203.0.113.9") for _ in range(40)]
    assert told.count(429) >= 6
    assert await sign_in("203.0.113.10") in {401, 429}
    other = {**wish, "login": "somebody-else"}
    answer = await console.http.post("/v1/console/sign-in", json=other, headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.json()["code"] == "too_many_calls"
