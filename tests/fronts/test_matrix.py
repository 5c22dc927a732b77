"""Who may what: every call with every kind of caller, on things of their own, of others, and of a foreign brand.

Whoever adds a call adds a line to fronts/recipes.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from fronts.recipes import RECIPES
from fronts.recipes.base import APP, BRAND, FOREIGN, NOBODY, OPERATOR, OTHER, OWNER, STAFF, STORE, UNIT, Recipe
from midstage.app import create_app
from midstage.fronts._http.openapi import document
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.settings import read_settings
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from shop import open_shop
from shop.world import Half, World, foreign_world, open_world

API = document(create_app(read_settings({})))
CALLS = sorted(
    (
        pytest.param(path, method, call, id=call["operationId"])
        for path, item in API["paths"].items()
        for method, call in item.items()
    ),
    key=lambda call: RECIPES.get(str(call.id), Recipe()).last,
)


class Asker(msgspec.Struct, frozen=True):
    """Somebody who calls: what they are, for staff their role and for keys what they may, and how far it reaches."""

    kind: str
    token: str | None
    role: str = ""
    reach: str = BRAND
    may: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        key = f"key for {len(self.may)} permissions" if self.kind == APP else ""
        return f"{self.role or key} of a {self.reach}" if self.role or key else self.kind

    @property
    def held(self) -> frozenset[str]:
        """The permissions that they hold."""
        return access.BUILT_IN[self.role].permissions if self.role else self.may


EVERYTHING = frozenset(access.PERMISSIONS)
FEW = frozenset({"orders.read", "catalogue.read", "inventory.read"})


class Everybody:
    """A brand in two halves, a foreign one, and all kinds of callers."""

    world: World
    foreign: World
    askers: list[Asker]
    http: httpx.AsyncClient
    password: access.PasswordHash

    async def again(self, asker: Asker) -> Asker:
        """The same caller, with a session of their own."""
        if asker.kind == STAFF:
            token = await self.world.staff(asker.role, self._scope(asker.reach), self.password)
            return msgspec.structs.replace(asker, token=token)
        members = {OWNER: self.world.near.member, OTHER: self.world.far.member}
        if asker.kind in members:
            return msgspec.structs.replace(asker, token=await self.world.shop.token_of(members[asker.kind]))
        return asker

    async def gather(self) -> None:
        """Sign everybody in."""
        shop, foreign = self.world.shop, self.foreign
        self.askers = [
            Asker(NOBODY, None),
            Asker(OWNER, await shop.token_of(self.world.near.member)),
            Asker(OTHER, await shop.token_of(self.world.far.member)),
            Asker(FOREIGN, await foreign.shop.token_of(foreign.near.member)),
            Asker(APP, await self.world.key(), may=EVERYTHING),
            Asker(APP, await self.world.key(FEW), may=FEW),
            Asker(APP, await self.world.key(EVERYTHING, self._scope(STORE)), reach=STORE, may=EVERYTHING),
        ]
        for role in access.BUILT_IN:
            for reach in (BRAND, UNIT, OPERATOR, STORE):
                token = await self.world.staff(role, self._scope(reach), self.password)
                self.askers.append(Asker(STAFF, token, role, reach))

    def _scope(self, reach: str) -> organisation.Scope:
        near = self.world.near
        scopes = {
            BRAND: organisation.EVERYTHING,
            UNIT: organisation.Scope(units=frozenset({near.unit_id})),
            OPERATOR: organisation.Scope(operators=frozenset({near.operator_id})),
            STORE: organisation.Scope(stores=frozenset({near.store.store_id})),
        }
        return scopes[reach]

    async def fingerprint(self) -> list[tuple[str, int, int]]:
        """Of every table: how many rows both brands have in it, and which transactions wrote them.

        Calls are counted whoever makes them (rate_bucket); that changes nothing of anybody's.
        """
        async with self.world.shop.database.connection() as link:
            tables = await link.fetch(
                "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'brand_id'"
                " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> 'rate_bucket' order by 1"
            )
            brands = f"({self.world.shop.tenant.brand}, {self.foreign.shop.tenant.brand})"
            # That a key was used is noted, whatever came of the call; so of keys it counts what they open. Who looked at
            # whom is written behind the call's back, also of who was refused.
            tables = [row for row in tables if row[0] != "personal_read"]
            what = {"api_key": "hashtext((k.secret_hash, k.revoked_at, k.permissions, k.everything)::text)"}
            parts = [
                f"select '{row[0]}', count(*), coalesce(sum({what.get(row[0], 'k.xmin::text::bigint')}), 0)::bigint"
                f" from {row[0]} k where k.brand_id in {brands}"
                for row in tables
            ]
            return [(row[0], row[1], row[2]) for row in await link.fetch(" union all ".join(parts))]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everybody(db: Database, http: httpx.AsyncClient, password: access.PasswordHash) -> AsyncIterator[Everybody]:
    found = Everybody()
    found.http, found.password = http, password
    found.world = await open_world(await open_shop(db, products=2, stores=1))
    found.foreign = await foreign_world(found.world)
    await found.gather()
    yield found


def test_every_call_has_a_recipe() -> None:
    calls = {call["operationId"] for item in API["paths"].values() for call in item.values()}
    assert calls - set(RECIPES) == set(), "say in RECIPES how these are asked for, and whom they are for"
    assert set(RECIPES) - calls == set(), "these are no longer there"


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
async def test_only_those_get_in_who_may(everybody: Everybody, path: str, method: str, call: dict[str, Any]) -> None:
    recipe = RECIPES.get(call["operationId"])
    if recipe is None or recipe.unchecked:
        return
    world, foreign = everybody.world, everybody.foreign
    before = await everybody.fingerprint()
    for asker, half, of in _refused(everybody, path, call, recipe):
        answer = await _ask(everybody, path, method, recipe, asker, half, world)
        where = f"{asker.name} asked for what is {of}: {answer.status_code} {answer.text[:300]}"
        if recipe.silent and of != "near":
            assert answer.status_code < 400 or answer.status_code in {401, 403, 404, 422}, where
        else:
            assert answer.status_code in _refusals(asker, of, path), where
        _shows_nothing_of(answer, _ids_of(foreign), where)
    assert await everybody.fingerprint() == before, "somebody who was refused has changed something"

    for asker in everybody.askers:
        if not _may(asker, path, call, recipe):
            continue
        one = await everybody.again(asker) if recipe.ends else asker
        answer = await _ask(everybody, path, method, recipe, one, world.near, world)
        where = f"{asker.name}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code not in {400, 401, 403, 405, 415}, where
        assert answer.status_code != 404 or recipe.missing, where
        assert recipe.missing or method != "get" or answer.status_code == 200, where
        _shows_nothing_of(answer, _ids_of(foreign), where)
        if asker.reach != BRAND:
            _shows_nothing_of(answer, world.traces(world.far), where)
        if asker.kind in {NOBODY, OWNER} and "order" in path:
            _shows_nothing_of(answer, [world.far["order_id"]], where)


@pytest.mark.parametrize(("path", "method", "call"), CALLS)
async def test_what_is_not_theirs_looks_like_what_is_not_there(
    everybody: Everybody, path: str, method: str, call: dict[str, Any]
) -> None:
    recipe = RECIPES.get(call["operationId"])
    if recipe is None or recipe.unchecked or recipe.silent or not _ids_in(path):
        return
    world = everybody.world
    nowhere = Half()
    nowhere.ids = {name: str(new_id()) if len(value) > 8 else value for name, value in world.near.ids.items()}
    for asker in everybody.askers:
        if not (_may(asker, path, call, recipe) or (asker.kind == OTHER and "mall" in path)):
            continue
        told: set[str] = set()
        for half in (nowhere, everybody.foreign.near, *([world.far] if asker.reach != BRAND else [])):
            # The body is of the near half: only what the address names is elsewhere.
            answer = await _ask(everybody, path, method, recipe, asker, half, world, body_of=world.near)
            if answer.status_code not in {403, 404}:
                continue
            told.add(_without(answer, half))
        assert len(told) <= 1, f"{asker.name} can tell them apart: {told}"


def _refused(
    everybody: Everybody, path: str, call: dict[str, Any], recipe: Recipe
) -> Iterator[tuple[Asker, Half, str]]:
    """Who is not let in, asking for what, which is near, far or foreign."""
    world = everybody.world
    for asker in everybody.askers:
        if not _may(asker, path, call, recipe):
            yield asker, world.near, "near"
        if not recipe.placed:
            continue
        if _about_a_half(recipe, path):
            part = asker.reach != BRAND and not recipe.shared
            if _may(asker, path, call, recipe) and "/mall/" not in path and part:
                yield asker, world.far, "far"
            yield asker, everybody.foreign.near, "foreign"


def _about_a_half(recipe: Recipe, path: str) -> bool:
    """Whether what it asks for differs from half to half."""
    if _ids_in(path):
        return True
    one, two = Half(), Half()
    one.ids, two.ids = _Named("a"), _Named("b")
    made = [ask for ask in (recipe.body, recipe.query) if ask is not None]
    return any(_ids(ask(_NOWHERE, one)) != _ids(ask(_NOWHERE, two)) for ask in made)


class _Named(dict[str, str]):
    """Ids of nothing, which name where they were taken from."""

    def __init__(self, half: str) -> None:
        super().__init__()
        self._half = half

    def __missing__(self, name: str) -> str:
        return f"{self._half}:{name}"


_NOWHERE: Any = None


def _ids(body: Any) -> set[str]:
    return set(re.findall(r"\b[ab]:\w+", json.dumps(body)))


def _may(asker: Asker, path: str, call: dict[str, Any], recipe: Recipe) -> bool:
    """Whether somebody is to get what lies near."""
    if "/mall/" in path:
        return asker.kind in recipe.open_to
    if not call["security"]:
        return True
    if asker.kind not in {kind for one in call["security"] for kind in one}:
        return False
    needs = call.get("x-permission")
    return (needs is None or needs in asker.held) and asker.reach in recipe.within


def _refusals(asker: Asker, of: str, path: str) -> set[int]:
    if asker.kind in {NOBODY, FOREIGN}:
        return {401, 403} if of == "near" else {401, 403, 404, 409, 422}
    if of == "foreign":
        # What the body names may be looked at before the caller's scope is.
        return {401, 403, 404, 409, 422}
    return {401, 403, 404}


async def _ask(
    everybody: Everybody,
    path: str,
    method: str,
    recipe: Recipe,
    asker: Asker,
    half: Half,
    world: World,
    *,
    body_of: Half | None = None,
) -> httpx.Response:
    named = {**half.ids, "brand": world.shop.tenant.code}
    if "/facts/" in path:
        named["number"] = "0"  # of a fact, where elsewhere it is an order's
    address = re.sub(r"\{(\w+)\}", lambda found: named[found[1]], path)
    headers = {"Idempotency-Key": str(new_id()), "Midstage-Guest": str(UUID(int=7)), "Accept-Language": "en"}
    if asker.token is not None:
        headers["Authorization"] = f"Bearer {asker.token}"
    given: dict[str, Any] = {}
    if recipe.body is not None:
        body = recipe.body(world, body_of or half)
        if isinstance(body, str):
            given["content"] = body
            headers["Content-Type"] = "text/csv"
        else:
            given["json"] = body
    if recipe.query is not None:
        given["params"] = recipe.query(world, half)
    answer = await everybody.http.request(method.upper(), address, headers=headers, **given)
    fault = answer.status_code >= 500 and not (recipe.outside and answer.status_code == 503)
    assert not fault, f"{asker.name}: {answer.status_code} {answer.text}"
    return answer


def _ids_in(path: str) -> list[str]:
    return [name for name in re.findall(r"\{(\w+)\}", path) if name != "brand"]


def _ids_of(world: World) -> list[str]:
    return [value for half in (world.near, world.far) for value in half.ids.values() if len(value) > 8]


def _shows_nothing_of(answer: httpx.Response, traces: Iterator[str] | list[str], where: str) -> None:
    """That an answer holds no trace of things, but for those that were asked for."""
    asked = str(answer.request.url) + answer.request.content.decode()
    shown = [trace for trace in traces if trace in answer.text and trace not in asked]
    assert shown == [], where


def _without(answer: httpx.Response, half: Half) -> str:
    """A problem without the ids that were asked for."""
    text = f"{answer.status_code} {answer.text}"
    for value in half.ids.values():
        text = text.replace(value, "ID") if len(value) > 8 else text
    return text
