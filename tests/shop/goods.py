"""Bundles, listing and own prices in the small shop."""

from typing import Any
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing
from midstage.wiring import CHECKS
from shop import Shop


async def add_bundle(
    shop: Shop, code: str, parts: list[tuple[catalogue.SkuId, int]], *, price_minor: int
) -> catalogue.SkuId:
    """A live product that consists of so many thousandths of other skus, at its own price."""

    async def work(tx: Tx) -> catalogue.SkuId:
        sku = catalogue.SkuDraft(f"{code}-1", parts=[catalogue.BundlePart(*part) for part in parts])
        draft = catalogue.ProductDraft(
            code, catalogue.Name("组合", "Bundle"), shop.category, "standard", [sku], state=catalogue.State.LIVE
        )
        loaded = await catalogue.load_products(tx, [draft])
        sku_id = loaded.skus[sku.code]
        await pricing.set_base_prices(tx, [pricing.BasePrice(sku_id, price_minor, "CNY")])
        return sku_id

    return await shop.do(work)


async def choose_goods(shop: Shop, store_id: organisation.StoreId | None = None, **settings: Any) -> None:
    """Choose the goods policy, for a store or for the brand."""

    async def work(tx: Tx) -> None:
        if store_id is None:
            root = (await organisation.brand(tx)).root_unit_id
            holder = organisation.Holder(organisation.Level.BRAND, root)
        else:
            holder = organisation.Holder(organisation.Level.STORE, store_id)
        before = [one.version for one in await organisation.choices(tx, "goods") if one.holder == holder]
        await organisation.choose(tx, "goods", holder, settings, version=before[0] if before else None)

    await shop.do(work)


async def free_of(shop: Shop, sku_id: catalogue.SkuId, store: organisation.Store) -> int:
    """What is free of a sku in a store."""
    async with shop.database.reading(shop.tenant) as tx:
        return (await inventory.available(tx, inventory.location_of(store.store_id), [sku_id]))[sku_id]


async def well(shop: Shop) -> None:
    """Nothing is wrong with any module of the brand."""
    async with shop.database.reading(shop.tenant, snapshot=True) as tx:
        for module, check in CHECKS.items():
            assert await check(tx) == [], module


async def furnish_own(tx: Tx, shop: Shop, store_id: organisation.StoreId) -> tuple[UUID, UUID]:
    """Let a store opt out, price within a band and keep goods of its own; one of these, a draft, and its sku."""
    settings = {"mode": "central_plus_own", "opt_out": True, "own_prices": True}
    band = {"price_low_percent": 50, "price_high_percent": 200}
    holder = organisation.Holder(organisation.Level.STORE, store_id)
    await organisation.choose(tx, "goods", holder, {**settings, **band})
    code = f"OWN-{store_id.hex[-12:]}"
    draft = catalogue.ProductDraft(
        code,
        catalogue.Name("自营", "Own"),
        shop.category,
        "standard",
        [catalogue.SkuDraft(code)],
        owner=catalogue.Owner(store_id=store_id),
    )
    made = await catalogue.create_product(tx, draft)
    return made.product_id, made.skus[0].sku_id
