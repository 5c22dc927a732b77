"""Every call, with what its OpenAPI allows and with what it does not: no fault of ours, no answer that is not declared."""

import asyncio
import threading
import zlib
from collections.abc import Coroutine, Iterator
from typing import Any, Self, TypeVar, cast
from uuid import UUID

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from midstage.app import create_app
from midstage.fronts._http.openapi import document
from midstage.kit.database import Database
from midstage.kit.settings import read_settings
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from shop import open_shop
from shop.world import World, open_world

T = TypeVar("T")
API = document(create_app(read_settings({})))
CALLS = [
    pytest.param(path, method, id=call["operationId"])
    for path, item in API["paths"].items()
    for method, call in item.items()
]
conformance: Any = openapi_checks  # its functions are typed by halves
CHECKS: list[Any] = [
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]
REJECTION: Any = conformance.negative_data_rejection


class Served:
    """The application on a loop of its own: Hypothesis is not asynchronous."""

    def __init__(self, url: str, home: str) -> None:
        self._url = url
        self._home = home
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._over = asyncio.Event()
        self.client: httpx.AsyncClient
        self.world: World
        self.password: access.PasswordHash

    def __enter__(self) -> Self:
        self._thread.start()
        ready = threading.Event()
        self._life = asyncio.run_coroutine_threadsafe(self._live(ready), self._loop)
        while not ready.wait(0.1):
            if self._life.done():
                self._life.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._life.result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def token(self, kind: str) -> str:
        """Credentials of somebody who may do everything that this kind may."""
        world = self.world
        if kind == "shopper":
            return self.do(world.shop.token_of(world.near.member))
        if kind == "app":
            return self.do(world.key())
        return self.do(world.staff("brand_admin", organisation.EVERYTHING, self.password))

    async def _live(self, ready: threading.Event) -> None:
        database = await Database.open(self._url, pool_size=4)
        app = create_app(read_settings({"MIDSTAGE_HOME": self._home}), database=database)
        transport = httpx.ASGITransport(app=cast("Any", app), raise_app_exceptions=False)
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://fuzz.test") as self.client:
            self.world = await open_world(await open_shop(database, products=3, stores=1))
            self.password = await access.hash_password("correct horse battery staple")
            ready.set()
            await self._over.wait()
        await database.close()


@pytest.fixture(scope="module")
def served(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(database_url, str(tmp_path_factory.mktemp("home"))) as running:
        yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not-allowed"])
@pytest.mark.parametrize(("path", "method"), CALLS)
def test_an_answer_is_as_declared(served: Served, path: str, method: str, mode: GenerationMode) -> None:
    _fuzz(served, path, method, mode, examples=3)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not-allowed"])
@pytest.mark.parametrize(("path", "method"), CALLS)
def test_many_answers_are_as_declared(served: Served, path: str, method: str, mode: GenerationMode) -> None:
    _fuzz(served, path, method, mode, examples=150)


def _fuzz(served: Served, path: str, method: str, mode: GenerationMode, *, examples: int) -> None:
    operation = cast("Any", _SCHEMA)[path][method.upper()]
    declared: dict[str, Any] = API["paths"][path][method]
    kinds = [kind for one in declared.get("security", []) for kind in one]
    token = served.token(kinds[0]) if kinds else None
    allowed = mode == GenerationMode.POSITIVE
    taken = declared.get("requestBody", {}).get("content", {})

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=cast("Any", list(HealthCheck)),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        if allowed:
            _point_at_what_is_there(case, served.world)
        else:
            _in_our_brand(case, served.world)
        case.headers.pop("Authorization", None)
        response = served.do(_send(served.client, case, token))
        # A file of rows is any text: what is wrong in it is told row by row.
        checks = CHECKS if allowed or "text/csv" in taken else [*CHECKS, REJECTION]
        # A 503 may be of the outside, which is not there in this test; anything else of this kind is a fault of ours.
        assert response.status_code < 500 or response.json()["code"] == "provider_unavailable", response.text
        case.validate_response(response, checks=checks)

    try:
        attempt()
    except Unsatisfiable:
        # A call that takes nothing cannot be asked wrongly.
        assert not allowed


# Credentials are ours to put in: what happens without the right ones is the matrix test's.
_SCHEMA = schemathesis.openapi.from_dict(
    {
        **API,
        "paths": {
            path: {method: {**call, "security": []} for method, call in item.items()}
            for path, item in API["paths"].items()
        },
    }
)


async def _send(client: httpx.AsyncClient, case: Any, token: str | None) -> httpx.Response:
    """Send a case as Schemathesis means it: its own client would run the application on another loop."""
    named: dict[str, Any] = case.as_transport_kwargs(base_url="http://fuzz.test")
    asked = requests.Request(
        **{
            name: named[name]
            for name in ("method", "url", "headers", "params", "data", "json", "files", "cookies")
            if name in named
        }
    ).prepare()
    headers = {name: value for name, value in asked.headers.items() if name.lower() != "content-length"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    wire = [(name.encode("latin-1", "replace"), _bytes(value)) for name, value in headers.items()]
    body: Any = asked.body.encode() if isinstance(asked.body, str) else asked.body
    request = httpx.Request(asked.method or "GET", asked.url or "", headers=wire, content=body)
    return await client.send(request)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def _in_our_brand(case: Any, world: World) -> None:
    if "brand" in (case.path_parameters or {}):
        case.path_parameters["brand"] = world.shop.tenant.code


def _point_at_what_is_there(case: Any, world: World) -> None:
    """Put ids of things that there are in the place of most that were made up; the same each time."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            _replace(cast("dict[str, Any]", part), world)


def _replace(part: dict[str, Any], world: World) -> None:
    for name, value in part.items():
        if name == "brand":
            part[name] = world.shop.tenant.code
        elif isinstance(value, dict):
            _replace(cast("dict[str, Any]", value), world)
        elif isinstance(value, list):
            for one in cast("list[Any]", value):
                if isinstance(one, dict):
                    _replace(cast("dict[str, Any]", one), world)
        elif isinstance(value, str) and _is_uuid(value) and zlib.crc32(value.encode()) % 8:
            part[name] = _ids(world).get(name, value)


def _ids(world: World) -> dict[str, str]:
    shop = world.shop
    return {
        **world.near.ids,
        "sku_id": str(shop.skus[0]),
        "product_id": str(shop.products[0].product_id),
        "category_id": str(shop.category),
        "merchant_id": str(shop.merchant.merchant_id),
    }


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
