"""A brand for trying out: what it is furnished with, and how it is emptied and furnished anew."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.kit import wiping
from midstage.kit.database import Tx
from midstage.kit.paging import MAX_LIMIT, PageRequest
from midstage.kit.settings import Settings
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

TAGS = ["open: sandbox"]
WRITE = "system.write"
# The same that `midstage demo` gives to its brands.
SECRET_VARIABLE = "SECRET_SANDBOX_PAY"  # noqa: S105  # the name of a variable
TAX = 130_000
STOCK_MILLI = 100_000
STORES = (("trial-1", "试用一店 Trial store 1", 31.23, 121.47), ("trial-2", "试用二店 Trial store 2", 39.90, 116.40))
GOODS = (
    ("trial-tea", "龙井茶", "Longjing tea", 12_800),
    ("trial-mug", "陶瓷杯", "Ceramic mug", 5_900),
    ("trial-bag", "帆布袋", "Canvas bag", 3_900),
)
# Who gets in, with what; how the brand is made; what it has promised to keep.
KEPT = frozenset(
    {"login", "role", "role_grant", "api_key", "session", "second_factor", "recovery_code", "approver_pin"}
    | {"brand", "unit", "operator", "payee", "store", "staff", "guide", "guide_stay", "touchpoint"}
    | {"platform_account", "policy"}
)


class Furnished(msgspec.Struct, frozen=True):
    """What a sandbox brand has to begin with."""

    store_ids: list[UUID]
    sku_ids: list[UUID]


@changing(
    "POST", "/sandbox/reset", once=True, tags=TAGS, needs=WRITE, refuses=(NeedsWholeBrand, organisation.NotSandbox)
)
async def reset_sandbox(request: AnyRequest, tx: Tx, staff: Staff) -> Furnished:
    """Empty a sandbox brand and furnish it anew. Logins, keys and webhooks stay, and so does the audit trail.

    The numbers of the facts go on; a cursor of the change feed from before is too old afterwards. A brand that is no
    sandbox is refused, whoever asks.
    """
    whole_brand(staff, WRITE)
    await organisation.need_sandbox(tx)
    return await start_anew(tx, desk_of(request).settings)


async def start_anew(tx: Tx, settings: Settings) -> Furnished:
    """Wipe and furnish, in one transaction. Raises organisation.NotSandbox."""
    await organisation.need_sandbox(tx)
    people = await _with_logins(tx)
    # The key of this very call is being kept in the same transaction, so it stays.
    await wiping.wipe(tx, keep=KEPT | {"idempotency"})
    await organisation.empty_brand(tx, keep_staff=people)
    return await furnish(tx, settings)


async def furnish(tx: Tx, settings: Settings) -> Furnished:
    """Two stores with three goods, prices, stock, and a simulated provider that collects."""
    ids = await organisation.create_stores(
        tx,
        [
            organisation.NewStore(code=code, name=name, place=organisation.Place(lat, lng))
            for code, name, lat, lng in STORES
        ],
    )
    found = await organisation.stores(tx, ids)
    locations = [inventory.location_of(store_id) for store_id in ids]
    await inventory.place_locations(
        tx,
        [
            inventory.Location(inventory.location_of(one.store_id), one.kind, one.operator_id, one.place)
            for one in found.values()
        ],
    )
    skus = await _goods(tx)
    await inventory.open_stock(
        tx, [inventory.Opening(location, sku_id, STOCK_MILLI) for location in locations for sku_id in skus]
    )
    await payments.put_merchant(
        tx,
        provider="sandbox",
        payee=None,
        settings={
            "base_url": f"http://{settings.host}:{settings.sandbox_port}",
            "merchant_no": f"trial-{tx.tenant.code}",
        },
        secrets={"secret": f"env:{SECRET_VARIABLE}"},
    )
    return Furnished(list(ids), list(skus))


async def _goods(tx: Tx) -> list[catalogue.SkuId]:
    await catalogue.set_tax_class(tx, catalogue.TaxClass("standard", catalogue.Name("标准", "Standard"), TAX, True))
    category = await catalogue.create_category(tx, catalogue.CategoryDraft("trial", catalogue.Name("试用", "Trial")))
    drafts = [
        catalogue.ProductDraft(
            code,
            catalogue.Name(zh, en),
            category,
            "standard",
            [catalogue.SkuDraft(code)],
            state=catalogue.State.LIVE,
        )
        for code, zh, en, _ in GOODS
    ]
    loaded = await catalogue.load_products(tx, drafts)
    made = await catalogue.products_by_id(tx, list(loaded.products.values()))
    skus = [made[loaded.products[code]].skus[0].sku_id for code, *_ in GOODS]
    currency = (await organisation.brand(tx)).currency
    prices = [pricing.BasePrice(sku, minor, currency) for sku, (*_, minor) in zip(skus, GOODS, strict=True)]
    await pricing.set_base_prices(tx, prices)
    return skus


async def _with_logins(tx: Tx) -> Collection[organisation.StaffId]:
    """The staff who can sign in: they keep their logins, and so their place."""
    people: list[organisation.StaffId] = []
    page = PageRequest(limit=MAX_LIMIT)
    while True:
        found = await access.list_logins(tx, page)
        people += [one.staff_id for one in found.items]
        if found.next is None:
            return people
        page = PageRequest(found.next, MAX_LIMIT)


HANDLERS: list[HTTPRouteHandler] = [reset_sandbox]
