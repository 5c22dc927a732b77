"""The Python client: as its generator writes it, every call there, and its core careful with what it sends again."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from midstage_client import Midstage, Refused, Unreachable, core, models, refusals, webhooks

from midstage.app import create_app
from midstage.cli.client import generate
from midstage.fronts._http.openapi import document
from midstage.kit.settings import read_settings

API = document(create_app(read_settings({})))
PACKAGE = Path(models.__file__).parent
Answering = Callable[[httpx.Request], httpx.Response]


def test_it_is_as_its_generator_writes_it() -> None:
    made = generate(API)
    stale = [name for name, text in made.items() if _read(PACKAGE / name) != text]
    there = {f"calls/{path.name}" for path in (PACKAGE / "calls").glob("*.py")}
    assert stale == [], "the calls have changed; write the client anew: .venv/bin/midstage client"
    assert there - set(made) == set()


def test_generating_is_the_same_each_time() -> None:
    assert generate(API) == generate(API)


def test_every_call_has_a_method_that_says_what_it_does() -> None:
    client = Midstage("http://nowhere.test")
    for path in API["paths"].values():
        for call in path.values():
            method = _method(client, call)
            assert inspect.getdoc(method) is not None
            assert call["summary"].split(". ")[0][:40] in " ".join((inspect.getdoc(method) or "").split())


def test_every_model_can_be_read_and_written() -> None:
    structs = [kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    assert len(structs) > 300
    for kind in structs:
        if kind is not msgspec.Struct:
            msgspec.json.Decoder(kind)


def test_every_refusal_of_the_openapi_is_an_exception() -> None:
    codes = {
        schema["properties"]["code"]["const"]
        for name, schema in API["components"]["schemas"].items()
        if name.endswith("Problem")
    }
    assert codes == set(refusals.BY_CODE)
    assert issubclass(refusals.StockShort, core.Conflict)
    assert issubclass(refusals.SessionUnknown, core.Unauthenticated)
    assert issubclass(refusals.CursorTooOld, core.Gone)


class Said:
    """A server that answers one thing after the other, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **named: Any) -> Midstage:
        return Midstage("http://said.test", "mst_test_1.x", transport=httpx.MockTransport(self), **named)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    made: list[float] = []
    monkeypatch.setattr(core.time, "sleep", made.append)
    return made


ORDER = UUID(int=1)
KEY: dict[str, Any] = {
    "key_id": str(ORDER),
    "brand": "shop",
    "brand_name": "店",
    "currency": "CNY",
    "zone": "UTC",
    "sandbox": True,
    "permissions": [],
    "scope": {"everything": True, "units": [], "operators": [], "stores": []},
    "expires_at": None,
}
BUSY = httpx.Response(503, json={"code": "busy", "detail": "later"}, headers={"retry-after": "2"})


def test_a_call_carries_its_credentials_and_reads_its_answer() -> None:
    said = Said(httpx.Response(200, json=KEY))
    me = said.client(language="zh-CN").open.me.me()
    assert (me.brand, me.sandbox) == ("shop", True)
    [asked] = said.asked
    assert asked.headers["authorization"] == "Bearer mst_test_1.x"
    assert asked.headers["accept-language"] == "zh-CN"
    assert asked.url.path == "/v1/open/me"


def test_what_moves_something_keeps_its_key_over_retries(pauses: list[float]) -> None:
    said = Said(httpx.ReadTimeout("gone"), BUSY, httpx.Response(204))
    said.client().open.webhooks.replay_delivery(ORDER, 7)
    keys = [one.headers["idempotency-key"] for one in said.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert pauses[1] == 2
    again = Said(httpx.Response(204))
    again.client().open.webhooks.replay_delivery(ORDER, 7, idempotency_key="mine")
    assert again.asked[0].headers["idempotency-key"] == "mine"


def test_what_may_have_been_done_is_not_sent_again_without_a_key() -> None:
    said = Said(httpx.ReadTimeout("gone"))
    with pytest.raises(Unreachable):
        said.client().open.webhooks.create_webhook(models.OpenNewWebhook(url="https://example.com/"))
    assert len(said.asked) == 1
    assert "idempotency-key" not in said.asked[0].headers
    with pytest.raises(core.Unavailable):
        Said(BUSY).client().open.webhooks.create_webhook(models.OpenNewWebhook(url="https://example.com/"))


def test_what_never_went_out_is_sent_again() -> None:
    made = httpx.Response(201, json={"endpoint_id": str(ORDER), "secret": "whsec_"})
    said = Said(httpx.ConnectError("refused"), made)
    assert said.client().open.webhooks.create_webhook(models.OpenNewWebhook(url="https://a.b/")).secret == "whsec_"


def test_too_many_calls_wait_as_long_as_they_are_told(pauses: list[float]) -> None:
    problem = {"code": "too_many_calls", "detail": "…", "figures": {"limit": 60, "retry_after_s": 7}}
    much = httpx.Response(429, json=problem, headers={"retry-after": "7"})
    assert Said(much, httpx.Response(200, json=KEY)).client().open.me.me().brand == "shop"
    assert pauses == [7]
    with pytest.raises(refusals.TooManyCalls) as refused:
        Said(much, much).client(attempts=2).open.me.me()
    assert (refused.value.limit, refused.value.retry_after_s) == (60, 7)


def test_nobody_waits_for_an_hour(pauses: list[float]) -> None:
    locked = httpx.Response(429, json={"code": "locked_out", "detail": "…"}, headers={"retry-after": "3600"})
    with pytest.raises(core.TooMany):
        Said(locked).client().open.me.me()
    assert pauses == []


def test_a_refusal_is_an_exception_with_its_figures() -> None:
    figures = {"sku": "A-1", "wanted_milli": 2000, "free_milli": 1000}
    problem = {"code": "stock_short", "title": "t", "detail": "short", "figures": figures}
    said = Said(httpx.Response(409, json=problem, headers={"x-request-id": "r1"}))
    with pytest.raises(refusals.StockShort) as refused:
        said.client().open.me.me()
    assert (refused.value.status, refused.value.detail, refused.value.request_id) == (409, "short", "r1")
    assert refused.value.figures == figures


def test_a_refusal_of_a_later_release_is_one_of_its_family() -> None:
    for status, family in ((404, core.NotFound), (409, core.Conflict), (418, core.Invalid), (500, core.Fault)):
        with pytest.raises(family) as refused:
            Said(httpx.Response(status, json={"code": "new_here", "detail": "?"})).client().open.me.me()
        assert refused.value.told_code == "new_here"
    with pytest.raises(Refused):
        Said(httpx.Response(400, text="<html>a proxy")).client().open.me.me()


def test_pages_are_gone_through() -> None:
    def page(number: int, after: str | None) -> httpx.Response:
        row = {
            "number": number,
            "type": "OrderPaid",
            "key": str(ORDER),
            "state": "delivered",
            "attempts": 1,
            "since": "2026-01-01T00:00:00Z",
            "tried_at": None,
            "next_try_at": None,
            "status": 200,
            "took_ms": 3,
            "told": "ok",
        }
        return httpx.Response(200, json={"items": [row], "next": after})

    said = Said(page(9, "a b"), page(8, None))
    found = list(said.client().open.webhooks.each_deliveries(ORDER, state=models.DeliveryState.DELIVERED, limit=1))
    assert [one.number for one in found] == [9, 8]
    assert [one.url.params.get("after") for one in said.asked] == [None, "a b"]
    assert {one.url.params["state"] for one in said.asked} == {"delivered"}


def test_the_feed_is_followed_until_it_is_dry() -> None:
    fact: dict[str, Any] = {
        "id": "fact_1",
        "type": "OrderPaid",
        "version": 1,
        "number": 1,
        "key": str(ORDER),
        "business_date": "2026-01-01",
        "at": "2026-01-01T00:00:00Z",
        "data": {},
    }
    said = Said(
        httpx.Response(200, json={"items": [fact], "next": "c1", "more": True}),
        httpx.Response(200, json={"items": [], "next": "c2", "more": True}),
        httpx.Response(200, json={"items": [], "next": "c3", "more": False}),
    )
    found = list(said.client().follow(types=["OrderPaid", "OrderPlaced"], stop_when_dry=True))
    assert [(after, [one.number for one in facts]) for after, facts in found] == [("c1", [1])]
    assert [one.url.params.get("after") for one in said.asked] == [None, "c1", "c2"]
    assert said.asked[0].url.params.get_list("types") == ["OrderPaid", "OrderPlaced"]


def test_an_enum_takes_what_a_later_release_adds() -> None:
    found = msgspec.json.decode(b'"fermented"', type=models.DeliveryState)
    assert found == "fermented"
    assert isinstance(found, models.DeliveryState)


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": "1614265330",
    "Webhook-Signature": "v1,bm9uZQ== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def _bad() -> Iterator[tuple[dict[str, str], bytes, float, str]]:
    body, now = b'{"test": 2432232314}', 1614265330.0
    yield {**EXAMPLE, "Webhook-Id": "msg_other"}, body, now, "signature"
    yield EXAMPLE, body + b" ", now, "signature"
    yield EXAMPLE, body, now + 301, "too long ago"
    yield EXAMPLE, body, now - 301, "clock"
    yield {**EXAMPLE, "Webhook-Signature": "v1a,xyz"}, body, now, "signature"
    yield {name: value for name, value in EXAMPLE.items() if name != "Webhook-Id"}, body, now, "missing"
    yield {**EXAMPLE, "Webhook-Timestamp": "soon"}, body, now, "cannot be read"
    # The published example is rightly signed, and no fact of ours.
    yield EXAMPLE, body, now, "no fact"


@pytest.mark.parametrize(("headers", "body", "now", "why"), list(_bad()))
def test_what_is_not_verified_is_not_believed(headers: dict[str, str], body: bytes, now: float, why: str) -> None:
    with pytest.raises(webhooks.NotVerified, match=why):
        webhooks.verify(SECRET, headers, body, now=now)


def _method(client: Midstage, call: dict[str, Any]) -> Any:
    front, _, name = call["operationId"].partition(".")
    group = call["tags"][0].partition(": ")[2].replace(" ", "_")
    return getattr(getattr(getattr(client, front), group), name)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
