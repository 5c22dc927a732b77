"""Who may what: every call with every kind of caller, on things of their own, of others, and of a foreign brand.

Whoever adds a call adds a line to RECIPES: how to ask for it, and which scopes reach the thing that it asks for.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

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
# How far a scope reaches: over the brand, or over the near half by its unit, operator or store.
BRAND, UNIT, OPERATOR, STORE = "brand", "unit", "operator", "store"
ALL = frozenset({BRAND, UNIT, OPERATOR, STORE})
NOBODY, OWNER, OTHER, FOREIGN, STAFF, APP = "nobody", "owner", "other", "foreign", "staff", "app"

Body = Callable[[World, Half], Any]


class Recipe(msgspec.Struct, frozen=True):
    """How a call is asked for, and who of those with its permission (or, in the mall, of all) is let in."""

    body: Body | None = None
    query: Body | None = None
    within: frozenset[str] = ALL
    """The scopes that reach the near thing."""
    open_to: frozenset[str] = frozenset({OWNER, OTHER})
    """In the mall: who may ask for what lies near."""
    silent: bool = False
    """Asked for what is not theirs it answers as always, and does nothing."""
    ends: bool = False
    """It ends the session of the caller, so each needs one of their own."""
    placed: bool = True
    """Whether it is about something that lies in one of the halves."""
    shared: bool = False
    """The brand has it once, for both halves alike; who may read it reads it from either."""
    missing: bool = False
    """There is none of what it asks for; who may ask is told so."""
    outside: bool = False
    """It asks the outside, which is not there in this test."""
    last: bool = False
    """It uses up what it is asked for, so the others come before it."""
    unchecked: str = ""
    """Why nothing is expected of it here."""


def _code(_: World, __: Half) -> dict[str, Any]:
    return {"code": f"C{new_id().hex[-12:]}", "name": "名"}


def _and(**named: str) -> Body:
    """A new code, and ids of the half: `_and(store_id="store_id")`."""

    def body(world: World, half: Half) -> dict[str, Any]:
        return {**_code(world, half), **{name: half[of] for name, of in named.items()}}

    return body


def _of(**named: str) -> Body:
    """Ids of the half alone."""
    return lambda _, half: {name: half[of] for name, of in named.items()}


def _with(made: Body, **more: Any) -> Body:
    return lambda world, half: {**made(world, half), **more}


def _just(**more: Any) -> Body:
    return lambda _, __: dict(more)


def _account(world: World, half: Half) -> dict[str, Any]:
    ids = {"staff_id": half["staff_id"], "store_id": half["store_id"]}
    return {"platform": "wecom", "external_id": new_id().hex, "name": "号", **ids}


def _account_of(_: World, half: Half) -> dict[str, Any]:
    return {"kind": "deposits", "owner": half["order_id"], "asset": "CNY"}


def _checkout(world: World, half: Half) -> dict[str, Any]:
    line = {"sku_id": half["sku_id"], "quantity_milli": 1000}
    return {"lines": [line], "delivery": {"method": "pick_up"}, "store_id": half["store_id"]}


def _named(world: World, half: Half) -> dict[str, Any]:
    """A new code with a name in both languages."""
    return {**_code(world, half), "name": {"zh": "名", "en": "Name"}}


def _goods(world: World, half: Half) -> dict[str, Any]:
    return {**_named(world, half), "category_id": half["category_id"]}


def _prices(_: World, half: Half) -> dict[str, Any]:
    return {"prices": [{"sku_id": half["sku_id"], "list_minor": 12_900, "currency": "CNY"}]}


def _entries(_: World, half: Half) -> dict[str, Any]:
    return {"entries": [{"sku_id": half["sku_id"], "unit_minor": 9900}]}


def _skus(_: World, half: Half) -> dict[str, Any]:
    return {"sku_ids": [half["sku_id"]]}


def _file(header: str) -> Body:
    """A file without rows, as it is sent."""
    return lambda _, __: f"{header}\n"


def _quantities(field: str, **more: Any) -> Body:
    return lambda _, half: {"lines": [{"sku_id": half["sku_id"], field: 1000}], **more}


ANYBODY = frozenset({NOBODY, OWNER, OTHER})
MINE = frozenset({OWNER})
ONLY_BRAND = frozenset({BRAND})
NEAR_UNIT = frozenset({BRAND, UNIT})
NEAR_OPERATOR = frozenset({BRAND, OPERATOR})

RECIPES: dict[str, Recipe] = {
    # The mall.
    "mall.ask_code": Recipe(_just(phone="+8613700000000"), open_to=ANYBODY, placed=False),
    "mall.sign_in": Recipe(unchecked="its credentials are the code; see the tests of signing in"),
    "mall.sign_out": Recipe(open_to=frozenset({OWNER, OTHER}), ends=True, placed=False),
    "mall.categories": Recipe(open_to=ANYBODY, placed=False),
    "mall.products": Recipe(open_to=ANYBODY, placed=False),
    "mall.product": Recipe(open_to=ANYBODY),
    "mall.why": Recipe(open_to=ANYBODY),
    "mall.nearest_stores": Recipe(query=_just(lat=31.2, lng=121.4), open_to=ANYBODY, silent=True),
    "mall.cart": Recipe(open_to=ANYBODY, placed=False),
    "mall.put_line": Recipe(_just(quantity_milli=1000), open_to=ANYBODY),
    "mall.remove_line": Recipe(open_to=ANYBODY, silent=True),
    "mall.favourites": Recipe(open_to=ANYBODY, placed=False),
    "mall.favour": Recipe(open_to=ANYBODY),
    "mall.disfavour": Recipe(open_to=ANYBODY, silent=True),
    "mall.place": Recipe(_checkout),
    "mall.start_payment": Recipe(_just(), open_to=MINE),
    "mall.cancel": Recipe(_just(), open_to=MINE, last=True),
    "mall.my_orders": Recipe(placed=False),
    "mall.my_order": Recipe(open_to=MINE),
    "mall.me": Recipe(placed=False),
    "mall.change_me": Recipe(_just(name="新名"), placed=False),
    "mall.my_consents": Recipe(placed=False),
    "mall.answer_consent": Recipe(_just(purpose="marketing", channel="sms", given=True), placed=False),
    # The console, oneself.
    "console.sign_in": Recipe(unchecked="its credentials are the password; see the tests of signing in"),
    "console.sign_out": Recipe(ends=True, placed=False),
    "console.me": Recipe(placed=False),
    "console.my_sessions": Recipe(placed=False),
    "console.end_session": Recipe(silent=True),
    "console.change_password": Recipe(unchecked="its credentials are the password; see the tests of signing in"),
    # The console, the organisation.
    "console.brand": Recipe(placed=False),
    "console.change_brand": Recipe(_just(name="新名"), within=ONLY_BRAND, placed=False),
    "console.units": Recipe(placed=False),
    "console.unit": Recipe(within=NEAR_UNIT),
    "console.create_unit": Recipe(_and(parent_id="unit_id"), within=NEAR_UNIT),
    "console.change_unit": Recipe(_just(name="新名"), within=NEAR_UNIT),
    "console.move_unit": Recipe(_of(to="unit_id"), within=NEAR_UNIT),
    "console.operators": Recipe(placed=False),
    "console.operator": Recipe(within=NEAR_OPERATOR),
    "console.payees": Recipe(within=NEAR_OPERATOR),
    "console.create_operator": Recipe(_with(_code, kind="agent"), within=ONLY_BRAND, placed=False),
    "console.change_operator": Recipe(_just(name="新名"), within=ONLY_BRAND),
    "console.stores": Recipe(placed=False),
    "console.store": Recipe(),
    "console.create_store": Recipe(_and(unit_id="unit_id", operator_id="operator_id"), within=ALL - {STORE}),
    "console.change_store": Recipe(_just(name="新名")),
    "console.touchpoints": Recipe(placed=False),
    "console.touchpoint": Recipe(),
    "console.create_touchpoint": Recipe(_with(_and(store_id="store_id"), kind="poster")),
    "console.change_touchpoint": Recipe(_just(name="新名")),
    "console.platform_accounts": Recipe(placed=False),
    "console.platform_account": Recipe(),
    "console.register_account": Recipe(_account),
    "console.change_account": Recipe(_just(name="新名")),
    "console.staff_list": Recipe(placed=False),
    "console.staff_person": Recipe(within=NEAR_OPERATOR),
    "console.hire": Recipe(_and(operator_id="operator_id"), within=NEAR_OPERATOR),
    "console.change_staff": Recipe(_just(name="新名"), within=NEAR_OPERATOR),
    "console.dismiss": Recipe(within=NEAR_OPERATOR, last=True),
    "console.guides": Recipe(placed=False),
    "console.guide": Recipe(),
    "console.stays": Recipe(),
    "console.place_guide": Recipe(_and(store_id="store_id")),
    "console.change_guide": Recipe(_just(name="新名")),
    "console.move_guide": Recipe(_of(store_id="store_id")),
    "console.end_guide": Recipe(_just(), last=True),
    # The console, who gets in.
    "console.permissions": Recipe(placed=False),
    "console.roles": Recipe(placed=False),
    "console.put_role": Recipe(
        _just(name_zh="店助", name_en="Assistant", permissions=["orders.read"]), within=ONLY_BRAND, placed=False
    ),
    "console.remove_role": Recipe(within=ONLY_BRAND, placed=False, missing=True),
    "console.logins": Recipe(within=ONLY_BRAND, placed=False),
    "console.create_login": Recipe(unchecked="it hashes a password outside of a transaction; see test_logins"),
    "console.reset_password": Recipe(unchecked="it hashes a password outside of a transaction; see test_logins"),
    "console.close_login": Recipe(within=NEAR_OPERATOR, last=True),
    "console.reopen_login": Recipe(within=NEAR_OPERATOR, missing=True, last=True),
    "console.unlock": Recipe(within=NEAR_OPERATOR, missing=True, last=True),
    "console.grants": Recipe(within=NEAR_OPERATOR),
    "console.set_grants": Recipe(_just(grants=[]), within=NEAR_OPERATOR, missing=True, last=True),
    "console.keys": Recipe(within=ONLY_BRAND, placed=False),
    "console.create_key": Recipe(
        _just(name="程序", permissions=["orders.read"], scope={"everything": True}), within=ONLY_BRAND, placed=False
    ),
    "console.revoke_key": Recipe(within=ONLY_BRAND, placed=False, missing=True),
    # The console, members.
    "console.member_list": Recipe(placed=False),
    "console.find_member": Recipe(_just(kind="phone", value="13900000000"), placed=False, missing=True),
    "console.member": Recipe(),
    "console.change_member": Recipe(_just(name="新名")),
    "console.change_state": Recipe(_just(state="frozen", reason="核实"), last=True),
    "console.bind_member": Recipe(_with(_just(reason="调店"), store_id=None)),
    "console.answer_consent": Recipe(_just(purpose="marketing", channel="sms", given=True)),
    "console.consent_history": Recipe(),
    "console.put_labels": Recipe(_just(labels=["老客"])),
    "console.change_level": Recipe(_just(level="silver", growth=1_000, reason="补升")),
    "console.attach_identifier": Recipe(_just(kind="card", value="CARD-1")),
    "console.detach_identifier": Recipe(_just(kind="card", value="CARD-0", reason="停用"), missing=True),
    "console.levels": Recipe(placed=False),
    "console.put_level": Recipe(_just(name_zh="钻石", name_en="Diamond", rank=40), within=ONLY_BRAND, placed=False),
    "console.member_fields": Recipe(placed=False),
    "console.put_member_field": Recipe(
        _just(kind="text", name_zh="备注", name_en="Note"), within=ONLY_BRAND, placed=False
    ),
    # The console, the catalogue and its prices.
    "console.categories": Recipe(placed=False),
    "console.create_category": Recipe(_named, within=ONLY_BRAND, placed=False),
    "console.change_category": Recipe(_just(rank=1), within=ONLY_BRAND),
    "console.move_category": Recipe(_just(parent_id=None), within=ONLY_BRAND),
    "console.remove_category": Recipe(within=ONLY_BRAND, missing=True, last=True),
    "console.attributes": Recipe(shared=True),
    "console.define_attributes": Recipe(_just(attributes=[]), within=ONLY_BRAND),
    "console.tax_classes": Recipe(placed=False),
    "console.set_tax_class": Recipe(
        _with(_named, rate_millionths=60_000, inclusive=True), within=ONLY_BRAND, placed=False
    ),
    "console.products": Recipe(placed=False),
    "console.product": Recipe(shared=True),
    "console.create_product": Recipe(_with(_goods, tax_class="standard"), within=ONLY_BRAND),
    "console.change_product": Recipe(_just(tags=["new"]), within=ONLY_BRAND),
    "console.publish_product": Recipe(within=ONLY_BRAND, last=True),
    "console.retire_product": Recipe(within=ONLY_BRAND, last=True),
    "console.add_sku": Recipe(_just(code="SKU-1"), within=ONLY_BRAND),
    "console.change_sku": Recipe(_just(rank=1), within=ONLY_BRAND),
    "console.publish_sku": Recipe(within=ONLY_BRAND, last=True),
    "console.retire_sku": Recipe(within=ONLY_BRAND, last=True),
    "console.sku_by_barcode": Recipe(query=_just(code="6901234567892"), placed=False, missing=True),
    "console.base_prices": Recipe(query=_of(sku_id="sku_id"), placed=False),
    "console.set_base_prices": Recipe(_prices, within=ONLY_BRAND),
    "console.price_lists": Recipe(placed=False),
    "console.price_list": Recipe(shared=True),
    "console.create_price_list": Recipe(
        _with(_named, currency="CNY", starts_at="2026-01-01T00:00:00Z"), within=ONLY_BRAND, placed=False
    ),
    "console.change_price_list": Recipe(_just(rank=1), within=ONLY_BRAND),
    "console.publish_price_list": Recipe(within=ONLY_BRAND, last=True),
    "console.end_price_list": Recipe(within=ONLY_BRAND, last=True),
    "console.entries": Recipe(shared=True),
    "console.set_entries": Recipe(_entries, within=ONLY_BRAND),
    "console.remove_entries": Recipe(_skus, within=ONLY_BRAND),
    "console.why_price": Recipe(query=_of(store_id="store_id")),
    # The console, stock.
    "console.stock_list": Recipe(placed=False),
    "console.stock_movements": Recipe(),
    "console.nearest_stock": Recipe(query=_with(_of(sku_id="sku_id"), lat=31.2, lng=121.4), silent=True),
    "console.receive_stock": Recipe(_quantities("milli")),
    "console.adjust_stock": Recipe(_quantities("delta_milli", reason="盘亏")),
    "console.count_stock": Recipe(_quantities("milli", reason="盘点"), last=True),
    "console.set_safety": Recipe(_quantities("milli")),
    "console.stock_shares": Recipe(placed=False),
    "console.set_share": Recipe(_with(_of(store_id="store_id"), percent=100)),
    "console.drop_share": Recipe(silent=True, missing=True, last=True),
    "console.stock_discrepancies": Recipe(placed=False),
    "console.settle_stock_discrepancy": Recipe(_just(note="已查"), missing=True),
    # The console, files of rows.
    "console.import_stores": Recipe(_file("code,name"), within=ONLY_BRAND, placed=False),
    "console.import_products": Recipe(_file("code,category,tax_class"), within=ONLY_BRAND, placed=False),
    "console.import_prices": Recipe(_file("sku_code,list_price"), within=ONLY_BRAND, placed=False),
    "console.import_entries": Recipe(_file("price_list,sku_code,price"), within=ONLY_BRAND, placed=False),
    "console.import_stock": Recipe(_file("store_code,sku_code,quantity"), placed=False),
    "console.import_members": Recipe(_file("phone"), within=ONLY_BRAND, placed=False),
    "console.export_stores": Recipe(placed=False),
    "console.export_products": Recipe(placed=False),
    "console.export_prices": Recipe(placed=False),
    "console.export_entries": Recipe(shared=True),
    "console.export_stock": Recipe(query=_of(store_id="store_id")),
    "console.export_members": Recipe(query=_of(store_id="store_id")),
    # The console, orders.
    "console.orders_list": Recipe(placed=False),
    "console.order": Recipe(),
    "console.order_by_number": Recipe(),
    "console.place_order": Recipe(_with(_checkout, kind="till")),
    "console.take_payment": Recipe(_just(method="cash", amount_minor=1)),
    "console.hand_over_order": Recipe(_just(parts=[1]), last=True),
    "console.cancel_order": Recipe(_just(reason="不要了"), last=True),
    "console.refund_order": Recipe(_just(reason="破损"), last=True),
    # The console, payments and the ledger.
    "console.payment_providers": Recipe(placed=False),
    "console.merchants": Recipe(within=ONLY_BRAND, placed=False),
    "console.put_merchant": Recipe(
        _just(
            provider="sandbox",
            settings={"merchant_no": "M0002", "base_url": "http://127.0.0.1:9"},
            secrets={"secret": "env:SECRET_OF_THE_TESTS"},
        ),
        within=ONLY_BRAND,
        placed=False,
    ),
    "console.pause_merchant": Recipe(within=ONLY_BRAND, last=True),
    "console.reconcile": Recipe(_just(day="2026-01-01"), within=ONLY_BRAND, outside=True),
    "console.payment_discrepancies": Recipe(within=ONLY_BRAND, placed=False),
    "console.accept_amount": Recipe(_with(_of(payment_id="payment_id"), note="到账"), within=ONLY_BRAND, missing=True),
    "console.dismiss_discrepancy": Recipe(_just(note="无事"), within=ONLY_BRAND, missing=True),
    "console.refunds": Recipe(query=_of(order_id="order_id")),
    "console.give_back": Recipe(last=True),
    "console.trial_balance": Recipe(within=ONLY_BRAND, placed=False),
    "console.ledger_account": Recipe(query=_account_of, within=ONLY_BRAND, placed=False),
    "console.ledger_entries": Recipe(query=_account_of, within=ONLY_BRAND, placed=False),
    # The console, the system.
    "console.audit_trail": Recipe(within=ONLY_BRAND, placed=False),
    "console.facts_aside": Recipe(within=ONLY_BRAND, placed=False),
    "console.retry_fact": Recipe(within=ONLY_BRAND, missing=True),
    "console.skip_fact": Recipe(within=ONLY_BRAND, missing=True),
    "console.failed_jobs": Recipe(within=ONLY_BRAND, placed=False),
    "console.discard_job": Recipe(within=ONLY_BRAND, missing=True),
    "console.retry_job": Recipe(within=ONLY_BRAND, missing=True),
    "console.subscribers": Recipe(within=ONLY_BRAND, placed=False),
    "console.stuck_timers": Recipe(within=ONLY_BRAND, placed=False),
    "console.retry_timer": Recipe(within=ONLY_BRAND, missing=True),
}


CALLS = sorted(
    (
        pytest.param(path, method, call, id=call["operationId"])
        for path, item in API["paths"].items()
        for method, call in item.items()
    ),
    key=lambda call: RECIPES.get(str(call.id), Recipe()).last,
)


class Asker(msgspec.Struct, frozen=True):
    """Somebody who calls: what they are, and for staff their role and how far it reaches."""

    kind: str
    token: str | None
    role: str = ""
    reach: str = BRAND

    @property
    def name(self) -> str:
        return f"{self.role} of a {self.reach}" if self.role else self.kind


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
            Asker(APP, await self.world.key()),
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
        """Of every table: how many rows both brands have in it, and which transactions wrote them."""
        async with self.world.shop.database.connection() as link:
            tables = await link.fetch(
                "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'brand_id'"
                " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"
            )
            brands = f"({self.world.shop.tenant.brand}, {self.foreign.shop.tenant.brand})"
            parts = [
                f"select '{row[0]}', count(*), coalesce(sum(xmin::text::bigint), 0)::bigint from {row[0]} where brand_id in {brands}"
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
    if asker.kind != STAFF:
        return False
    needs = call.get("x-permission")
    held = access.BUILT_IN[asker.role].permissions
    return (needs is None or needs in held) and asker.reach in recipe.within


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
