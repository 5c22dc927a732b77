"""Signing in over HTTP in its steps, sessions with their devices, and what ends them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from pyotp.totp import TOTP

from fronts.conftest import PASSWORD
from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

if TYPE_CHECKING:
    from fronts.conftest import Console

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 MicroMessenger/8.0 Safari/604"
PC = "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0"


class Way:
    """Signing in as somebody, a step at a time."""

    def __init__(self, console: "Console", login: str) -> None:
        self.console, self.login = console, login
        self.token = ""

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        given = {"Accept-Language": "en", **headers}
        if self.token:
            given["Authorization"] = f"Bearer {self.token}"
        sent = {} if body is None else {"json": body}
        return await self.console.http.request(method, f"/v1/console{path}", headers=given, **sent)

    async def step(self, method: str, path: str, body: Any, **headers: str) -> Any:
        """A step that goes through, and whose token is used from then on."""
        answer = await self.send(method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        self.token = found.get("token", self.token)
        return found

    async def sign_in(self, password: str = PASSWORD, **headers: str) -> str:
        self.token = ""
        body = {"brand": self.console.shop.tenant.code, "login": self.login, "password": password}
        return (await self.step("POST", "/sign-in", body, **headers))["next"]

    async def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await self.send(method, path, body)
        return answer.status_code, answer.json()["code"]


async def _require(console: "Console", *roles: str) -> None:
    async def work(tx: Tx) -> None:
        holder = organisation.Holder(organisation.Level.BRAND, (await organisation.brand(tx)).root_unit_id)
        await organisation.choose(tx, "sign_in", holder, {"second_factor_roles": list(roles)})

    await console.shop.database.attempt(console.shop.tenant, work)


async def test_each_step_of_signing_in_has_a_token_of_its_own(console: "Console") -> None:
    await _require(console, "auditor")
    way = Way(console, (await console.staff("auditor")).login)
    assert await way.sign_in() == "enrol"
    for method, path in (("GET", "/me"), ("GET", "/members"), ("GET", "/me/sessions"), ("GET", "/me/second-factor")):
        assert await way.refusal(method, path) == (401, "sign_in_unfinished")
    half = way.token
    begun = await way.step("POST", "/me/second-factor", {})
    now = utc_now()
    done = await way.step("POST", "/me/second-factor/confirm", {"code": TOTP(begun["secret"]).at(now)})
    assert len(done["recovery_codes"]) == 10
    assert way.token != half
    assert (await way.send("GET", "/me")).status_code == 200
    assert (await way.send("GET", "/me/second-factor")).json()["recovery_left"] == 10
    assert await way.sign_in() == "code"
    waiting = way.token
    assert await way.refusal("GET", "/me") == (401, "sign_in_unfinished")
    assert await way.refusal("POST", "/sign-in/code", {"code": "000000"}) == (401, "second_factor_wrong")
    assert (await way.step("POST", "/sign-in/code", {"code": done["recovery_codes"][0]}))["next"] == ""
    assert way.token != waiting
    assert (await way.send("GET", "/me")).status_code == 200
    way.token = waiting
    assert await way.refusal("POST", "/sign-in/code", {"code": done["recovery_codes"][1]}) == (401, "session_unknown")


async def test_sessions_show_their_devices_and_end_one_by_one_or_all(console: "Console") -> None:
    somebody = await console.staff("auditor")
    here, there, third = (Way(console, somebody.login) for _ in range(3))
    await here.sign_in(**{"User-Agent": PHONE})
    await there.sign_in(**{"User-Agent": PC, "X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    await third.sign_in()
    listed = (await here.send("GET", "/me/sessions")).json()
    assert {one["device"] for one in listed} >= {"WeChat · iOS", "Edge · Windows"}
    [pc] = [one for one in listed if one["device"] == "Edge · Windows"]
    assert pc["ip"] == "203.0.113.9"
    assert pc["seen_at"]
    assert (await here.send("DELETE", f"/me/sessions/{pc['session_id']}")).status_code == 204
    assert await there.refusal("GET", "/me") == (401, "session_unknown")
    assert (await third.send("GET", "/me")).status_code == 200
    assert (await here.send("DELETE", "/me/sessions")).json()["sessions"] >= 1
    assert await third.refusal("GET", "/me") == (401, "session_unknown")
    assert (await here.send("GET", "/me")).status_code == 200


async def test_an_administrator_sees_and_ends_the_sessions_of_somebody(console: "Console") -> None:
    admin, somebody = await console.staff(), await console.staff("auditor")
    other = await console.staff("auditor")
    way = Way(console, somebody.login)
    await way.sign_in(**{"User-Agent": PC})
    listed = await admin.get(f"/staff/{somebody.staff_id}/sessions")
    assert "Edge · Windows" in {one["device"] for one in listed}
    assert (await other.call("DELETE", f"/staff/{somebody.staff_id}/sessions")).status_code == 403
    [session] = [one["session_id"] for one in listed if one["device"] == "Edge · Windows"]
    ended = await admin.post(f"/staff/{somebody.staff_id}/sessions/{session}", method="DELETE")
    assert ended == {"sessions": 1}
    assert await way.refusal("GET", "/me") == (401, "session_unknown")
    assert await admin.post(f"/staff/{somebody.staff_id}/sessions", method="DELETE") == {"sessions": 1}
    trail = (await admin.get("/audit", subject_type="staff", subject_id=str(somebody.staff_id)))["items"]
    assert [one["action"] for one in trail].count("access.revoke_sessions") == 2


async def test_a_changed_password_gives_a_new_token_and_ends_the_old_one(console: "Console") -> None:
    way = Way(console, (await console.staff("auditor")).login)
    await way.sign_in()
    old = way.token
    weak = await way.send("PUT", "/me/password", {"old": PASSWORD, "new": "short"}, **{"Accept-Language": "zh"})
    assert (weak.status_code, weak.json()["code"], weak.json()["figures"]) == (422, "password_short", {"shortest": 15})
    assert "至少 15" in weak.json()["detail"]
    await way.step("PUT", "/me/password", {"old": PASSWORD, "new": "quite another passphrase"})
    assert way.token != old
    assert (await way.send("GET", "/me")).status_code == 200
    way.token = old
    assert await way.refusal("GET", "/me") == (401, "session_unknown")
    assert await way.sign_in("quite another passphrase") == ""


async def test_a_lost_second_factor_is_taken_away_with_the_approval_of_a_third(console: "Console") -> None:
    admin, third, somebody = await console.staff(), await console.staff(), await console.staff("auditor")
    way = Way(console, somebody.login)
    await way.sign_in()
    begun = await way.step("POST", "/me/second-factor", {"password": PASSWORD})
    await way.step("POST", "/me/second-factor/confirm", {"code": TOTP(begun["secret"]).at(utc_now())})
    path = f"/staff/{somebody.staff_id}/second-factor/reset"
    assert await admin.refused("POST", path) == (403, "approval_needed")
    wish = {"action": "access.reset_second_factor", "subject": str(somebody.staff_id), "reason": "换手机"}
    asked = await admin.post("/approvals", wish, status=201)
    assert await admin.refused("POST", path, {"approval_id": asked["approval_id"]}) == (403, "approval_needed")
    await third.post(f"/approvals/{asked['approval_id']}/give")
    await admin.post(path, {"approval_id": asked["approval_id"]}, status=204)
    assert await way.refusal("GET", "/me") == (401, "session_unknown")
    assert await way.sign_in() == ""


async def test_codes_over_http_are_dropped_and_made_anew(console: "Console") -> None:
    way = Way(console, (await console.staff("auditor")).login)
    await way.sign_in()
    begun = await way.step("POST", "/me/second-factor", {"password": PASSWORD})
    now = utc_now()
    code = TOTP(begun["secret"])
    done = await way.step("POST", "/me/second-factor/confirm", {"code": code.at(now)})
    proof = {"password": PASSWORD, "code": done["recovery_codes"][3]}
    fresh = (await way.step("POST", "/me/second-factor/recovery-codes", proof))["recovery_codes"]
    assert await way.refusal("POST", "/me/second-factor/drop", proof) == (401, "second_factor_wrong")
    late = {"password": PASSWORD, "code": code.at(now + timedelta(seconds=30))}
    assert (await way.step("POST", "/me/second-factor/drop", late))["next"] == access.Next.NOTHING
    assert len(fresh) == 10
    assert (await way.send("GET", "/me/second-factor")).json()["enabled"] is False
