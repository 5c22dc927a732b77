"""How a call is asked for in the matrix of access, and who is let in."""

from collections.abc import Callable
from typing import Any

import msgspec

from midstage.kit.ids import new_id
from shop.world import Half, World

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


def code(_: World, __: Half) -> dict[str, Any]:
    return {"code": f"C{new_id().hex[-12:]}", "name": "名"}


def with_ids(**named: str) -> Body:
    """A new code, and ids of the half: `with_ids(store_id="store_id")`."""

    def body(world: World, half: Half) -> dict[str, Any]:
        return {**code(world, half), **{name: half[of] for name, of in named.items()}}

    return body


def ids_of(**named: str) -> Body:
    """Ids of the half alone."""
    return lambda _, half: {name: half[of] for name, of in named.items()}


def plus(made: Body, **more: Any) -> Body:
    return lambda world, half: {**made(world, half), **more}


def just(**more: Any) -> Body:
    return lambda _, __: dict(more)


def account(world: World, half: Half) -> dict[str, Any]:
    ids = {"staff_id": half["staff_id"], "store_id": half["store_id"]}
    return {"platform": "wecom", "external_id": new_id().hex, "name": "号", **ids}


def account_of(_: World, half: Half) -> dict[str, Any]:
    return {"kind": "deposits", "owner": half["order_id"], "asset": "CNY"}


def checkout(world: World, half: Half) -> dict[str, Any]:
    line = {"sku_id": half["sku_id"], "quantity_milli": 1000}
    return {"lines": [line], "delivery": {"method": "pick_up"}, "store_id": half["store_id"]}


def named(world: World, half: Half) -> dict[str, Any]:
    """A new code with a name in both languages."""
    return {**code(world, half), "name": {"zh": "名", "en": "Name"}}


def goods(world: World, half: Half) -> dict[str, Any]:
    return {**named(world, half), "category_id": half["category_id"]}


def prices(_: World, half: Half) -> dict[str, Any]:
    return {"prices": [{"sku_id": half["sku_id"], "list_minor": 12_900, "currency": "CNY"}]}


def entries(_: World, half: Half) -> dict[str, Any]:
    return {"entries": [{"sku_id": half["sku_id"], "unit_minor": 9900}]}


def skus(_: World, half: Half) -> dict[str, Any]:
    return {"sku_ids": [half["sku_id"]]}


def file_of(header: str) -> Body:
    """A file without rows, as it is sent."""
    return lambda _, __: f"{header}\n"


def quantities(field: str, **more: Any) -> Body:
    return lambda _, half: {"lines": [{"sku_id": half["sku_id"], field: 1000}], **more}


ANYBODY = frozenset({NOBODY, OWNER, OTHER})
MINE = frozenset({OWNER})
ONLY_BRAND = frozenset({BRAND})
NEAR_UNIT = frozenset({BRAND, UNIT})
NEAR_OPERATOR = frozenset({BRAND, OPERATOR})
