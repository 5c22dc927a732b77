"""The OpenAPI is complete and as committed: whoever changes a call sees what that changes for those who call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar.routes import HTTPRoute

from midstage.app import create_app
from midstage.fronts._http.openapi import METHODS, document, text_of
from midstage.kit.settings import read_settings

APP = create_app(read_settings({}))
API = document(APP)
ROOT = Path(__file__).parents[2]
NOT_CALLS = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/v1/callbacks/{brand}/{merchant_id}",  # the provider's protocol, not ours
    "/v1/sandbox/{brand}/messages/{phone}",  # there only for trying the product out
}
CALLS = [
    pytest.param(path, method, call, id=call["operationId"])
    for path, item in API["paths"].items()
    for method, call in item.items()
]


def test_it_is_as_committed() -> None:
    committed = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    assert committed == API, "the calls have changed; renew the file: .venv/bin/midstage openapi --out openapi.json"


def test_it_is_the_same_each_time() -> None:
    assert text_of(create_app(read_settings({}))) == text_of(APP)


async def test_it_is_served(http: httpx.AsyncClient) -> None:
    answer = await http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == API


def test_every_route_is_in_it() -> None:
    routes = {
        (route.path_format, method.lower())
        for route in APP.routes
        if isinstance(route, HTTPRoute)
        for method in route.route_handler_map
        if method.lower() in METHODS and route.path_format not in NOT_CALLS
    }
    assert routes == {(path, method) for path, item in API["paths"].items() for method in item}


def test_what_it_refers_to_is_there() -> None:
    for reference in _all("$ref", API):
        found: Any = API
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
def test_a_call_says_what_it_takes_and_whom_it_is_for(path: str, method: str, call: dict[str, Any]) -> None:
    assert call["summary"].endswith((".", "?"))
    assert call["tags"]
    assert call["operationId"].startswith(f"{path.split('/')[2]}.")
    named = {one["name"] for one in call["parameters"] if one.get("in") == "path"}
    assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert "503" in call["responses"]
    if call["security"] and {} not in call["security"]:
        assert "401" in call["responses"]
    if call.get("x-permission"):
        assert "403" in call["responses"]
        assert call["x-permission"] in call["description"]
    key = {"$ref": "#/components/parameters/Idempotency-Key"}
    assert (key in call["parameters"]) == (
        "409" in call["responses"] and _has(call, "409", "key_reused_with_other_body")
    )
    assert method != "get" or "requestBody" not in call


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
def test_a_body_takes_no_field_that_it_does_not_know(path: str, method: str, call: dict[str, Any]) -> None:
    for media, content in call.get("requestBody", {}).get("content", {}).items():
        if media == "application/json":
            assert list(_open_objects(content["schema"], set())) == []


def test_whole_numbers_say_how_large_they_may_be() -> None:
    for schema in _schemas(API):
        if schema.get("type") == "integer":
            assert "maximum" in schema or "exclusiveMaximum" in schema
            assert "minimum" in schema or "exclusiveMinimum" in schema


def _has(call: dict[str, Any], status: str, code: str) -> bool:
    name: str = call["responses"][status]["$ref"].rpartition("/")[2]
    return code in name.split(".")


def _open_objects(schema: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """The objects within a schema that would take anything."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in seen:
            return
        seen.add(name)
        found: dict[str, Any] = API["components"]["schemas"][name]
        if "properties" in found and found.get("additionalProperties") is not False:
            yield name
        yield from _open_objects(found, seen)
    for part in schema.get("properties", {}).values():
        yield from _open_objects(part, seen)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _open_objects(schema[name], seen)
    for option in schema.get("anyOf", ()):
        yield from _open_objects(option, seen)


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        yield found
        for part in found.values():
            yield from _schemas(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _schemas(part)


def _all(name: str, value: Any) -> Iterator[str]:
    for schema in _schemas(value):
        if name in schema:
            yield schema[name]
