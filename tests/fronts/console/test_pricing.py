"""Prices as staff set them, and why something costs what it does."""

from typing import TYPE_CHECKING, Any

from midstage.kit.ids import new_id
from shop import PRICE_MINOR

if TYPE_CHECKING:
    from fronts.conftest import Console


def _sale(**changes: Any) -> dict[str, Any]:
    return {
        "code": "sale",
        "name": {"zh": "促销价", "en": "Sale"},
        "currency": "CNY",
        "starts_at": "2020-01-01T08:00:00+08:00",
        **changes,
    }


async def test_list_prices_are_read_and_set_in_bulk_all_or_none(console: "Console") -> None:
    admin, skus = await console.staff(), [str(sku_id) for sku_id in console.shop.skus]
    rows = [{"sku_id": sku_id, "list_minor": 9900, "currency": "CNY", "supply_minor": 5000} for sku_id in skus]
    assert await admin.post("/base-prices", {"prices": rows}, method="PUT") == {"changed": len(skus)}
    assert await admin.post("/base-prices", {"prices": rows}, method="PUT") == {"changed": 0}
    found = await admin.get("/base-prices", sku_id=[skus[0], skus[1], str(new_id())])
    assert {row["sku_id"]: (row["list_minor"], row["supply_minor"]) for row in found} == {
        skus[0]: (9900, 5000),
        skus[1]: (9900, 5000),
    }
    dear = [{**rows[0], "list_minor": 1}, {**rows[1], "sku_id": str(new_id())}]
    assert await admin.refused("PUT", "/base-prices", {"prices": dear}) == (404, "no_such_sku")
    assert await admin.refused("PUT", "/base-prices", {"prices": [rows[0], rows[0]]}) == (422, "priced_twice")
    assert (await admin.refused("PUT", "/base-prices", {"prices": rows[:1] * 1001}))[0] == 400
    assert (await admin.get("/base-prices", sku_id=skus[0]))[0]["list_minor"] == 9900


async def test_a_price_list_is_made_filled_published_explained_and_ended(console: "Console") -> None:
    admin, shop = await console.staff(), console.shop
    here, sku_id = str(shop.store.store_id), str(shop.skus[0])
    made = await admin.post("/price-lists", _sale(scope={"store_id": here}), status=201, key="sale")
    assert await admin.post("/price-lists", _sale(scope={"store_id": here}), status=201, key="sale") == made
    assert (made["state"], made["starts_at"]) == ("draft", "2020-01-01T00:00:00Z")
    path = f"/price-lists/{made['price_list_id']}"
    rows = {"entries": [{"sku_id": str(one), "unit_minor": 8800} for one in shop.skus[:2]]}
    assert await admin.post(f"{path}/entries", rows, method="PUT") == {"changed": 2}
    assert await admin.post(f"{path}/entries/remove", {"sku_ids": [str(shop.skus[1])]}) == {"changed": 1}
    assert (await admin.get(f"{path}/entries"))["items"] == [{"sku_id": sku_id, "unit_minor": 8800}]
    assert (await admin.get(f"/skus/{sku_id}/why", store_id=here))[0]["unit_minor"] == PRICE_MINOR
    changed = await admin.post(f"{path}?seen=1", {"rank": 5, "ends_at": "2999-01-01T00:00:00Z"}, method="PATCH")
    assert (changed["rank"], changed["version"], changed["scope"]["store_id"]) == (5, 2, here)
    assert await admin.refused("PATCH", f"{path}?seen=1", {"rank": 6}) == (409, "price_list_changed_meanwhile")
    assert (await admin.post(f"{path}/publish"))["state"] == "live"
    reasons = await admin.get(f"/skus/{sku_id}/why", store_id=here, level="gold", sales_channel="till")
    assert [(one["unit_minor"], one["won"]) for one in reasons] == [(8800, True), (PRICE_MINOR, False)]
    assert (await admin.get(f"/skus/{sku_id}/why"))[0]["unit_minor"] == PRICE_MINOR
    found = await admin.get("/price-lists", state="live", store_id=here)
    assert [one["code"] for one in found["items"]] == ["sale"]
    assert (await admin.post(f"{path}/end"))["state"] == "ended"
    assert await admin.refused("POST", f"{path}/publish") == (409, "price_list_state_wrong")
    assert await admin.refused("PUT", f"{path}/entries", rows) == (409, "price_list_state_wrong")
    assert (await admin.get(path))["state"] == "ended"


async def test_a_price_list_that_cannot_hold_is_refused(console: "Console") -> None:
    admin = await console.staff()
    early = _sale(ends_at="2019-01-01T00:00:00Z")
    assert await admin.refused("POST", "/price-lists", early) == (422, "price_list_period_wrong")
    nowhere = _sale(scope={"store_id": str(new_id())})
    assert await admin.refused("POST", "/price-lists", nowhere) == (404, "no_such_store")
    assert await admin.refused("POST", "/price-lists", _sale(starts_at="0001-01-01T00:00:00Z")) == (422, "bad_date")
    made = await admin.post("/price-lists", _sale(), status=201)
    assert await admin.refused("POST", "/price-lists", _sale()) == (409, "price_list_code_taken")
    unpriced = {"entries": [{"sku_id": str(new_id()), "unit_minor": 1}]}
    path = f"/price-lists/{made['price_list_id']}/entries"
    assert await admin.refused("PUT", path, unpriced) == (409, "not_priced")
    assert await admin.refused("GET", f"/price-lists/{new_id()}/entries") == (404, "no_such_price_list")
    assert (await admin.get(path))["items"] == []


async def test_who_has_a_store_reads_prices_and_sets_none(console: "Console") -> None:
    shop = console.shop
    manager, part = await console.of_store(), await console.of_store(role="brand_admin")
    sku_id = str(shop.skus[0])
    rows = {"prices": [{"sku_id": sku_id, "list_minor": 1, "currency": "CNY"}]}
    assert await manager.refused("PUT", "/base-prices", rows) == (403, "not_permitted")
    assert await part.refused("PUT", "/base-prices", rows) == (403, "needs_whole_brand")
    assert await part.refused("POST", "/price-lists", _sale()) == (403, "needs_whole_brand")
    why = f"/skus/{sku_id}/why?store_id="
    assert await manager.refused("GET", f"{why}{shop.stores[1].store_id}") == (404, "out_of_scope")
    assert (await manager.get(f"{why}{shop.store.store_id}"))[0]["unit_minor"] == PRICE_MINOR
    assert (await manager.get("/base-prices", sku_id=sku_id))[0]["list_minor"] == PRICE_MINOR
    assert (await manager.get("/price-lists"))["items"] == []
