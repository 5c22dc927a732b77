"""The console, stock work: transfers, counts, deliveries, alarms, values."""

from typing import Any

from fronts.recipes.base import ALL, ONLY_BRAND, STORE, Recipe, ids_of, just, plus, quantities
from shop.world import Half, World

BEYOND_STORE = ALL - {STORE}
"""The giving store is another one of the same operator."""


def transfer(world: World, half: Half) -> dict[str, Any]:
    return {**quantities("milli")(world, half), "from_store_id": half["source_id"], "to_store_id": half["store_id"]}


def resolved(_: World, half: Half) -> dict[str, Any]:
    return {"version": 1, "note": "寻回", "lines": [{"sku_id": half["sku_id"], "became": "found", "milli": 1000}]}


def delivery(_: World, half: Half) -> dict[str, Any]:
    line = {"sku_id": half["sku_id"], "milli": 1000, "supply_minor": 6000}
    return {"store_id": half["store_id"], "supplier": "一厂", "lines": [line]}


def count(_: World, half: Half) -> dict[str, Any]:
    return {"store_id": half["store_id"], "kind": "skus", "sku_ids": [half["sku_id"]]}


def entries(_: World, half: Half) -> dict[str, Any]:
    return {"entries": [{"sku_id": half["sku_id"], "milli": 1000}]}


def levels(_: World, half: Half) -> dict[str, Any]:
    return {"levels": [{"sku_id": half["sku_id"], "min_milli": 1}]}


RECIPES: dict[str, Recipe] = {
    "console.transfers": Recipe(placed=False),
    "console.transfer": Recipe(),
    "console.transfer_lines": Recipe(),
    "console.ask_transfer": Recipe(transfer),
    "console.ask_transfer_by_file": Recipe(
        lambda _, __: "sku_code,quantity\n", query=ids_of(from_store_id="source_id", to_store_id="store_id")
    ),
    "console.approve_transfer": Recipe(just(version=1), within=BEYOND_STORE),
    "console.send_transfer": Recipe(just(version=2), within=BEYOND_STORE),
    "console.receive_transfer": Recipe(just(version=3)),
    "console.resolve_transfer": Recipe(resolved),
    "console.refuse_transfer": Recipe(just(version=1, reason="无货"), within=BEYOND_STORE, last=True),
    "console.cancel_transfer": Recipe(just(version=1, reason="不要了"), last=True),
    "console.counts": Recipe(placed=False),
    "console.count": Recipe(),
    "console.count_lines": Recipe(),
    "console.open_count": Recipe(count),
    "console.enter_count": Recipe(entries),
    "console.recount": Recipe(plus(lambda _, half: {"sku_ids": [half["sku_id"]]}, version=1)),
    "console.finish_count": Recipe(just(version=1), last=True),
    "console.approve_count": Recipe(just(version=1), last=True),
    "console.abandon_count": Recipe(just(version=1, reason="作废"), last=True),
    "console.deliveries": Recipe(placed=False),
    "console.delivery": Recipe(),
    "console.delivery_lines": Recipe(),
    "console.expect_delivery": Recipe(delivery),
    "console.receive_delivery": Recipe(just(version=1, lines=[], final=True), last=True),
    "console.cancel_delivery": Recipe(just(version=1, reason="取消"), last=True),
    "console.stock_discrepancy": Recipe(missing=True),
    "console.resolve_stock_discrepancy": Recipe(just(how="accepted", note="已查"), missing=True),
    "console.stock_reasons": Recipe(placed=False),
    "console.put_stock_reason": Recipe(just(name_zh="品鉴"), within=ONLY_BRAND, placed=False),
    "console.stock_adjustments": Recipe(placed=False),
    "console.stock_alarms": Recipe(placed=False),
    "console.stock_alarm": Recipe(),
    "console.snooze_stock_alarm": Recipe(just(until="2026-01-01T00:00:00Z")),
    "console.alarm_levels": Recipe(),
    "console.set_alarm_levels": Recipe(levels),
    "console.stock_value": Recipe(query=ids_of(store_id="store_id")),
    "console.refresh_value": Recipe(placed=False),
    "console.export_stock_value": Recipe(query=ids_of(store_id="store_id")),
}
