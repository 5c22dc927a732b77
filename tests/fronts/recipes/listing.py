"""Listing, bundles, goods and prices of one's own, changes by file."""

from typing import Any

from fronts.recipes.base import NEAR_OPERATOR, ONLY_BRAND, Recipe, file_of, goods, just, skus
from midstage.kit.ids import new_id
from shop.world import Half, World


def _products(_: World, half: Half) -> dict[str, Any]:
    return {"product_ids": [half["product_id"]]}


def _listed(world: World, half: Half) -> dict[str, Any]:
    return {**_products(world, half), "kind": "withheld", "scope": {"store_id": half["store_id"], "sales_channel": "x"}}


def _opted_out(world: World, half: Half) -> dict[str, Any]:
    return {**_products(world, half), "reason": "太占地方", "sales_channel": "kiosk"}


def _own(world: World, half: Half) -> dict[str, Any]:
    return {**goods(world, half), "tax_class": "standard"}


def _sku(_: World, half: Half) -> dict[str, Any]:
    return {"sku_id": half["sku_id"]}


def _new_sku(_: World, __: Half) -> dict[str, Any]:
    return {"code": f"C{new_id().hex[-12:]}"}


def _own_entries(_: World, half: Half) -> dict[str, Any]:
    return {"prices": [{"sku_id": half["sku_id"], "unit_minor": 12_800}]}


def _list_prices(_: World, half: Half) -> dict[str, Any]:
    return {"prices": [{"sku_id": half["own_sku_id"], "list_minor": 990}]}


def _unlisted(_: World, __: Half) -> dict[str, Any]:
    return {"listing_ids": [str(new_id())]}


RECIPES: dict[str, Recipe] = {
    "console.listings": Recipe(placed=False),
    "console.list_goods": Recipe(_listed, within=ONLY_BRAND, placed=False),
    "console.unlist_goods": Recipe(_unlisted, within=ONLY_BRAND, placed=False),
    "console.opt_out": Recipe(_opted_out),
    "console.opt_in": Recipe(_products),
    "console.why_here": Recipe(query=_sku),
    "console.set_parts": Recipe(just(parts=[]), within=ONLY_BRAND),
    "console.sellable": Recipe(query=_sku),
    "console.own_products_of_store": Recipe(),
    "console.own_products_of_operator": Recipe(within=NEAR_OPERATOR),
    "console.create_own_product": Recipe(_own),
    "console.create_product_of_operator": Recipe(_own, within=NEAR_OPERATOR),
    "console.change_own_product": Recipe(just(trademark="自营")),
    "console.publish_own_product": Recipe(),
    "console.retire_own_product": Recipe(last=True),
    "console.add_own_sku": Recipe(_new_sku),
    "console.set_own_list_prices": Recipe(_list_prices),
    "console.own_prices": Recipe(placed=False),
    "console.out_of_band": Recipe(placed=False),
    "console.set_own_prices": Recipe(_own_entries),
    "console.drop_own_prices": Recipe(skus),
    "console.preview_products": Recipe(file_of("code"), within=ONLY_BRAND, placed=False),
    "console.preview_listings": Recipe(file_of("product_code,kind"), within=ONLY_BRAND, placed=False),
    "console.preview_categories": Recipe(file_of("code"), within=ONLY_BRAND, placed=False),
    "console.preview_tax_classes": Recipe(file_of("code"), within=ONLY_BRAND, placed=False),
    "console.preview_prices": Recipe(file_of("sku_code,list_price"), within=ONLY_BRAND, placed=False),
    "console.bulk_changes": Recipe(within=ONLY_BRAND, placed=False),
    "console.bulk_change": Recipe(within=ONLY_BRAND),
    "console.bulk_change_rows": Recipe(within=ONLY_BRAND),
    "console.apply_bulk_change": Recipe(just(), within=ONLY_BRAND, last=True),
    "console.apply_price_change": Recipe(just(), within=ONLY_BRAND, missing=True),
}
