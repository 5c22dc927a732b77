"""The counter: what a till asks for."""

from typing import Any

from fronts.recipes.base import Body, Recipe, just
from midstage.kit.clock import utc_now
from midstage.kit.ids import new_id
from shop.world import Half, World


def at_till(**more: Any) -> Body:
    """At the till of a half."""
    return lambda _, half: {"till_id": half["till_id"], **more}


def goods(**more: Any) -> Body:
    """One piece of a sku at the till of a half."""
    return lambda _, half: {"till_id": half["till_id"], "lines": [{"sku_id": half["sku_id"]}], **more}


def back(**more: Any) -> Body:
    def body(_: World, half: Half) -> dict[str, Any]:
        wish = {"order_id": half["order_id"], "lines": [{"line_no": 1, "quantity_milli": 1000}], "reason": "test"}
        return {"till_id": half["till_id"], "back": wish, **more}

    return body


def swap(_: World, half: Half) -> dict[str, Any]:
    return {**back()(_, half), "lines": [{"sku_id": half["sku_id"]}], "tenders": [{"method": "cash"}]}


def put_by(_: World, half: Half) -> dict[str, Any]:
    return {"till_id": half["till_id"], "cart": {"lines": [{"sku_id": half["sku_id"]}]}}


def told(_: World, half: Half) -> dict[str, Any]:
    line = {"sku_id": half["sku_id"], "quantity_milli": 1000, "total_minor": 100}
    sale = {"device_sale_id": new_id().hex, "sequence": 1, "device_at": utc_now().isoformat(), "lines": [line]}
    return {"till_id": half["till_id"], "sales": [{**sale, "tenders": [{"method": "cash"}]}]}


def of_store(_: World, half: Half) -> dict[str, Any]:
    return {"store_id": half["store_id"]}


RECIPES: dict[str, Recipe] = {
    "counter.tills": Recipe(query=of_store),
    "counter.open_shift": Recipe(just(float_minor=100)),
    "counter.move_cash": Recipe(just(kind="paid_in", amount_minor=100, reason="change")),
    "counter.hand_over_shift": Recipe(lambda _, half: {"staff_id": half["staff_id"]}),
    "counter.close_shift": Recipe(just(counted_minor=100), last=True),
    "counter.shift": Recipe(),
    "counter.shifts": Recipe(placed=False),
    "counter.scan": Recipe(query=lambda _, half: {"till_id": half["till_id"], "barcode": half["barcode"]}),
    "counter.search_goods": Recipe(query=at_till(text="P")),
    "counter.quote": Recipe(goods()),
    "counter.sell": Recipe(goods(tenders=[{"method": "cash"}])),
    "counter.sale": Recipe(),
    "counter.start_sale_payment": Recipe(just(), outside=True),
    "counter.finish_sale": Recipe(),
    "counter.cancel_sale": Recipe(at_till(reason="test"), last=True),
    "counter.find_member": Recipe(at_till(card="NOBODYS"), missing=True),
    "counter.ask_join_code": Recipe(at_till(phone="13712345678")),
    "counter.join_at_till": Recipe(at_till(phone="13712345679", agrees=True)),
    "counter.hold_sale": Recipe(put_by),
    "counter.held_sales": Recipe(query=of_store),
    "counter.recall_sale": Recipe(at_till()),
    "counter.drop_sale": Recipe(last=True),
    "counter.receipt": Recipe(query=at_till()),
    "counter.take_back": Recipe(back()),
    "counter.take_back_loose": Recipe(goods(reason="test")),
    "counter.exchange": Recipe(swap),
    "counter.upload_sales": Recipe(told),
    "counter.refused_sales": Recipe(placed=False),
    "counter.retry_refused": Recipe(just()),
    "counter.dismiss_refused": Recipe(just(note="test"), missing=True, last=True),
    "counter.day": Recipe(),
    "counter.end_day": Recipe(just(business_date="2026-01-01"), missing=True),
    "mall.my_code": Recipe(placed=False),
}
