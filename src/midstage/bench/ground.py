"""The ground that benchmarks stand on: a throw-away server, and a brand of a given size in it."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from midstage import migrations
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit import partitions
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.postgres import EmbeddedPostgres
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

SECRET_VARIABLE = "SECRET_OF_THE_BENCH"  # noqa: S105  # the name of a variable
MERCHANT_NO = "BENCH"
STOCK_MILLI = 10**9
CHUNK = 20_000
SEED = 20_261_122
Say = Callable[[str], None]
T = TypeVar("T")


class Size(msgspec.Struct, frozen=True):
    """How large the brand of a benchmark is."""

    stores: int = 200
    skus: int = 5_000
    members: int = 100_000
    tokens: int = 2_000
    stocked: int = 5_000
    """How many of the skus each store has."""


class Ground(msgspec.Struct, frozen=True):
    """What a benchmark needs to know of the brand that was made for it."""

    tenant: Tenant
    stores: list[organisation.Store]
    skus: list[catalogue.SkuId]
    tokens: list[str]
    members: list[members.MemberId]
    merchant: payments.Merchant
    barcodes: list[str]
    """An EAN-13 of each sku that the stores have."""


@contextmanager
def throw_away_server() -> Generator[EmbeddedPostgres]:
    """A server of its own with the durability settings of every day; its data goes when the block ends."""
    home = Path(tempfile.mkdtemp(prefix="midstage-bench-"))
    try:
        with EmbeddedPostgres(home) as server:
            migrations.upgrade(server.url)
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def make(database: Database, size: Size, *, say: Say) -> Ground:
    """Fill an empty database with a brand of this size, through the doors."""
    os.environ.setdefault(SECRET_VARIABLE, new_id().hex)
    payments.register(SandboxPay())
    async with database.connection() as link:
        await partitions.ensure_partitions(link, utc_now())
    tenant = await organisation.create_brand(database, code="bench", name="Bench", currency="CNY", zone="Asia/Shanghai")
    chance = random.Random(SEED)  # noqa: S311  # the same brand every time
    say("stores and goods")
    stores = await database.attempt(tenant, lambda tx: _stores(tx, size.stores, chance))
    skus = await database.attempt(tenant, lambda tx: _goods(tx, size.skus))
    say("stock")
    for part in chunks(stores, max(1, 100_000 // max(1, size.stocked))):
        await database.attempt(tenant, lambda tx, part=part: _stock(tx, part, skus[: size.stocked]))
    say("members")
    found: list[members.MemberId] = []
    for first in range(0, size.members, CHUNK):
        count = min(CHUNK, size.members - first)
        found += await database.attempt(tenant, lambda tx, f=first, c=count: _members(tx, f, c, stores))
    tokens = await database.attempt(tenant, lambda tx: _tokens(tx, found[: size.tokens]))
    merchant = await database.attempt(tenant, _merchant)
    async with database.connection() as link:
        await link.execute("vacuum analyze")
        await link.execute("checkpoint")
    barcodes = [barcode_of(n) for n in range(size.stocked)]
    return Ground(tenant, stores, skus, tokens, found, merchant, barcodes)


def barcode_of(number: int) -> str:
    """The EAN-13 of a sku."""
    body = f"690{number:09}"
    return body + catalogue.check_digit(body)


def chunks(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Pieces of at most this size, in order."""
    for first in range(0, len(things), size):
        yield things[first : first + size]


async def _stores(tx: Tx, count: int, chance: random.Random) -> list[organisation.Store]:
    new = [
        organisation.NewStore(
            code=f"S{n:04}",
            name=f"Store {n}",
            place=organisation.Place(22 + chance.random() * 18, 103 + chance.random() * 18),
        )
        for n in range(count)
    ]
    ids = await organisation.create_stores(tx, new)
    found = await organisation.stores(tx, ids)
    stores = [found[store_id] for store_id in ids]
    await inventory.place_locations(
        tx,
        [
            inventory.Location(inventory.location_of(store.store_id), store.kind, store.operator_id, store.place)
            for store in stores
        ],
    )
    return stores


async def _goods(tx: Tx, count: int) -> list[catalogue.SkuId]:
    await catalogue.set_tax_class(tx, catalogue.TaxClass("standard", catalogue.Name("标准", "Standard"), 130_000, True))
    await catalogue.create_category(tx, catalogue.CategoryDraft("all", catalogue.Name("全部", "All")))
    category = (await catalogue.category_ids(tx, ["all"]))["all"]
    drafts = [
        catalogue.ProductDraft(
            f"P{n:05}",
            catalogue.Name(f"商品 {n}", f"Product {n}"),
            category,
            "standard",
            [
                catalogue.SkuDraft(
                    f"P{n:05}-1", barcodes=[catalogue.Barcode(catalogue.BarcodeKind.EAN13, barcode_of(n))]
                )
            ],
            state=catalogue.State.LIVE,
        )
        for n in range(count)
    ]
    loaded = await catalogue.load_products(tx, drafts)
    skus = [loaded.skus[f"P{n:05}-1"] for n in range(count)]
    await pricing.set_base_prices(tx, [pricing.BasePrice(sku, 1_000 + n % 500, "CNY") for n, sku in enumerate(skus)])
    return skus


async def _stock(tx: Tx, stores: Sequence[organisation.Store], skus: Sequence[catalogue.SkuId]) -> None:
    await inventory.open_stock(
        tx,
        [
            inventory.Opening(inventory.location_of(store.store_id), sku, STOCK_MILLI)
            for store in stores
            for sku in skus
        ],
    )


async def _members(tx: Tx, first: int, count: int, stores: Sequence[organisation.Store]) -> list[members.MemberId]:
    newcomers = [
        identity.NewPerson(
            identity.PersonId(new_id()),
            [identity.identifier(identity.IdentifierKind.PHONE, f"+86139{n:08}")],
        )
        for n in range(first, first + count)
    ]
    await identity.bulk_create(tx, newcomers, source="bench")
    joined = await members.bulk_join(
        tx,
        [
            members.Joiner(
                person_id=newcomer.person_id,
                member_id=members.MemberId(new_id()),
                front="mall",
                joined_at=tx.now,
                store_id=stores[n % len(stores)].store_id,
            )
            for n, newcomer in enumerate(newcomers)
        ],
    )
    return [member.member_id for member in joined]


async def _tokens(tx: Tx, found: Sequence[members.MemberId]) -> list[str]:
    return [
        await access.open_session(
            tx, access.SessionKind.SHOPPER, member_id, member_id=member_id, lasts=timedelta(days=1)
        )
        for member_id in found
    ]


async def _merchant(tx: Tx) -> payments.Merchant:
    return await payments.put_merchant(
        tx,
        provider="sandbox",
        payee=None,
        settings={"merchant_no": MERCHANT_NO, "base_url": "http://127.0.0.1:9"},
        secrets={"secret": f"env:{SECRET_VARIABLE}"},
    )
