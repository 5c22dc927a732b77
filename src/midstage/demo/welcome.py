"""What is said when the demo runs: where everything is, who may sign in, and three lines that place and pay an order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from midstage.demo import names
from midstage.demo.story import PASSWORD, sign_in_shopper
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.settings import Settings
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

KINDS = {
    "brand_admin": ("admin", "brand administrator 品牌管理员"),
    "region_manager": ("region", "region manager 区域经理"),
    "store_manager": ("store", "store manager 店长"),
    "franchisee": ("franchisee", "franchisee 加盟商"),
    "guide": ("guide", "guide 导购"),
}
SHOPPER_PHONE = names.phone(0)
MALL = "mall"
_LOOK_AT = PageRequest(limit=200)
_PIECE = 1_000
_LINES = 2


class Basket(msgspec.Struct, frozen=True):
    """Something that can be bought at this moment: where, and what."""

    store_id: UUID
    lines: list[dict[str, Any]]


async def welcome(url: str, settings: Settings, codes: Sequence[str]) -> None:
    """Say all of it on the standard output."""
    database = await Database.open(url, pool_size=2)
    try:
        _addresses(settings)
        _logins(settings, codes)
        await _first_order(database, settings, codes[0])
    finally:
        await database.close()


def _addresses(settings: Settings) -> None:
    own = f"http://{settings.host}:{settings.port}"
    click.echo(f"\nMidstage         {own}   (docs {own}/docs, OpenAPI {own}/openapi.json)")
    click.echo(f"sandbox cashier  http://{settings.host}:{settings.sandbox_port}   (simulated: no money moves)")
    click.echo(f"data and logs    {settings.home}\n")


def _logins(settings: Settings, codes: Sequence[str]) -> None:
    table = Table("who", *(f"login at {code}" for code in codes), title=f"password of all staff: {PASSWORD}")
    for login, name in KINDS.values():
        table.add_row(name, *(f"{code}-{login}" for code in codes))
    table.add_row("shopper 消费者 (phone code)", *(SHOPPER_PHONE for _ in codes))
    Console(width=100).print(table)
    click.echo(f"The code for a shopper's phone is the last line of {settings.home / 'sandbox' / 'messages.jsonl'}")
    click.echo("These passwords are known to everybody: do not put a demo on a network.\n")


async def _first_order(database: Database, settings: Settings, code: str) -> None:
    tenant = await organisation.tenant_of(database, code)
    async with database.writing(tenant) as tx:
        signed_in = await sign_in_shopper(tx, SHOPPER_PHONE)
        basket = await for_sale(tx, signed_in[0]) if signed_in else None
    if signed_in is None or basket is None:
        click.echo("The shopper of the demo is gone, or her store is sold out: there is no order to show.")
        return
    member, token = signed_in
    click.echo(f"Place and pay an order as {member.name} of {code} (a bash shell):\n")
    for line in curl_lines(settings, code, token, basket):
        click.echo(line + "\n")


def curl_lines(settings: Settings, code: str, token: str, basket: Basket) -> list[str]:
    """Three lines for a shell: place, start the payment, pay at the cashier."""
    mall = f"http://{settings.host}:{settings.port}/v1/mall/{code}"
    say = "curl -s -X POST -H 'Content-Type: application/json'"
    wish = {"lines": basket.lines, "delivery": {"method": "pick_up"}, "store_id": basket.store_id, "from_cart": False}
    shopper = f"-H 'Authorization: Bearer {token}'"
    once = f"-H 'Idempotency-Key: {new_id()}'"
    body = msgspec.json.encode(wish).decode()
    shown = "tee -a /dev/stderr"
    return [
        f"order=$({say} {shopper} {once} -d '{body}' {mall}/orders | {shown} | {_field('order_id')})",
        f"cashier=$({say} {shopper} -d '{{}}' {mall}/orders/$order/payment | {shown} | {_field('cashier_url')})",
        "curl -s -X POST $cashier/pay",
    ]


def _field(name: str) -> str:
    """Takes one text out of JSON without any tool that a fresh machine may lack."""
    return f"""grep -o '"{name}":"[^"]*"' | head -1 | cut -d'"' -f4"""


async def for_sale(tx: Tx, member: members.Member) -> Basket | None:
    """Two skus that her store can sell her at this moment, or fewer; None where there is nothing."""
    store = await organisation.one_store(tx, member.store_id)
    location = inventory.location_of(store.store_id)
    here = inventory.StockFilter(locations=frozenset({location}))
    context = pricing.PriceContext(MALL, store.store_id, store.unit_path, store.operator_id, member.level)
    page = await inventory.stock_list(tx, here, _LOOK_AT)
    in_stock = [row.sku_id for row in page.items if row.free_milli >= 2 * _PIECE]
    offers = await catalogue.offers(tx, in_stock)
    prices = await pricing.quote(tx, context, in_stock, at=tx.now)
    found = [
        sku_id
        for sku_id in in_stock
        if offers[sku_id].live and offers[sku_id].unit == catalogue.Unit.PIECE and sku_id in prices
    ]
    lines = [{"sku_id": sku_id, "quantity_milli": _PIECE} for sku_id in found[:_LINES]]
    return Basket(store.store_id, lines) if lines else None
