"""Scan-and-go, kiosks, and the way out."""

from typing import Any

from fronts.recipes.base import ANYBODY, MINE, Body, Recipe, just
from shop.world import Half, World


def scanned(_: World, half: Half) -> dict[str, Any]:
    return {"lines": [{"sku_id": half["sku_id"]}]}


def at_store(**more: Any) -> Body:
    return lambda _, half: {"store_id": half["store_id"], **more}


RECIPES: dict[str, Recipe] = {
    "mall.enter": Recipe(just(code="nowhere"), open_to=ANYBODY, placed=False, missing=True),
    "mall.scan": Recipe(query=lambda _, half: {"barcode": half["barcode"]}, open_to=ANYBODY),
    "mall.scan_and_go": Recipe(scanned),
    "mall.leave_code": Recipe(just(), open_to=MINE),
    "counter.open_door": Recipe(at_store(code="NOSUCHCODE"), missing=True),
    "counter.end_check": Recipe(at_store(ok=True), missing=True),
    "counter.place_at_kiosk": Recipe(
        lambda _, half: {"store_id": half["store_id"], "lines": [{"sku_id": half["sku_id"]}]}
    ),
    "counter.kiosk_order": Recipe(missing=True),
    "counter.start_kiosk_payment": Recipe(just(), missing=True, outside=True),
    "counter.kiosk_leave_code": Recipe(missing=True),
}
