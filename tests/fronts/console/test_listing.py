"""Listing, goods and prices of one's own, bundles and changes by file, over HTTP and within what the asker sees."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from midstage.middle.catalogue import api as catalogue
from shop import PRICE_MINOR, STOCK_MILLI
from shop.goods import add_bundle, choose_goods, well

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

BAND: dict[str, Any] = {"own_prices": True, "price_low_percent": 90, "price_high_percent": 110}
CSV = {"Content-Type": "text/csv"}


async def _why(somebody: "Somebody", console: "Console", number: int = 0) -> dict[str, Any]:
    """The reason that decided for the first sku in a store."""
    store = console.shop.stores[number].store_id
    reasons = await somebody.get(f"/stores/{store}/why", sku_id=str(console.shop.skus[0]))
    (decided,) = [one for one in reasons if one["decided"]]
    return decided


async def test_a_store_manager_opts_her_store_out_and_everybody_sees_why(console: "Console") -> None:
    shop = console.shop
    manager, other, admin = await console.of_store(), await console.of_store(1), await console.staff()
    here = shop.store.store_id
    body = {"product_ids": [str(shop.products[0].product_id)], "reason": "没有地方"}
    assert await manager.refused("POST", f"/stores/{here}/opt-outs", body) == (409, "opt_out_not_allowed")
    await choose_goods(shop, opt_out=True)
    assert await other.refused("POST", f"/stores/{here}/opt-outs", body) == (404, "out_of_scope")
    assert await manager.post(f"/stores/{here}/opt-outs", body) == {"changed": 1}
    decided = await _why(admin, console)
    assert (decided["rule"], decided["allows"], decided["by"]) == ("opted_out", False, "王芳")
    assert "没有地方" in decided["zh"]
    assert (await _why(admin, console, 1))["allows"] is True
    assert len((await manager.get("/listings"))["items"]) == 1
    assert (await other.get("/listings"))["items"] == []
    assert await other.refused("GET", f"/listings?store_id={here}") == (404, "out_of_scope")
    assert await manager.post(f"/stores/{here}/opt-ins", {"product_ids": body["product_ids"]}) == {"changed": 1}
    assert (await _why(admin, console))["rule"] == "stock"
    await well(shop)


async def test_headquarters_lists_for_a_channel_and_the_mall_shows_nothing_else(console: "Console") -> None:
    shop, admin, manager = console.shop, await console.staff(), await console.of_store()
    product = str(shop.products[0].product_id)
    body = {"product_ids": [product], "kind": "listed", "scope": {"sales_channel": "till"}}
    assert await manager.refused("POST", "/listings", body) == (403, "not_permitted")
    assert await admin.post("/listings", body) == {"changed": 1}
    mall = f"/v1/mall/{shop.tenant.code}"

    async def shown(path: str, **query: str) -> Any:
        answer = await console.http.get(f"{mall}{path}", params=query)
        return answer.json() if answer.status_code == 200 else answer.status_code

    listed = {one["product_id"] for one in (await shown("/products"))["items"]}
    assert product not in listed
    assert len(listed) == len(shop.products) - 1
    assert product not in {one["product_id"] for one in (await shown("/products", text="大衣"))["items"]}
    assert await shown(f"/products/{product}") == 404
    assert await shown(f"/skus/{shop.skus[0]}/stores", lat="31.2", lng="121.4") == []
    assert len(await shown(f"/skus/{shop.skus[1]}/stores", lat="31.2", lng="121.4")) == len(shop.stores)
    (row,) = (await admin.get("/listings", product_id=product))["items"]
    assert await admin.post("/listings/remove", {"listing_ids": [row["listing_id"]]}) == {"changed": 1}
    assert product in {one["product_id"] for one in (await shown("/products"))["items"]}


async def test_a_franchisee_keeps_goods_of_its_own(console: "Console") -> None:
    shop, owner, other = console.shop, await console.of_store(role="franchisee"), await console.of_store(1)
    await choose_goods(shop, mode="central_plus_own")
    here = shop.store.store_id
    new = {
        "code": "JAM",
        "name": {"zh": "果酱"},
        "category_id": str(shop.category),
        "tax_class": "standard",
        "skus": [{"code": "JAM-1"}],
    }
    assert await other.refused("POST", f"/stores/{here}/own-products", new) == (404, "out_of_scope")
    made = await owner.post(f"/stores/{here}/own-products", new, status=201)
    path, sku = f"/own-products/{made['product_id']}", made["skus"][0]["sku_id"]
    assert made["owner"] == {"store_id": str(here), "operator_id": None}
    assert await other.refused("POST", f"{path}/publish") == (404, "out_of_scope")
    assert await owner.refused("PATCH", f"/own-products/{shop.products[0].product_id}", {"trademark": "x"}) == (
        404,
        "out_of_scope",
    )
    await owner.post(path, {"trademark": "自制"}, method="PATCH")
    prices = {"prices": [{"sku_id": sku, "list_minor": 2_500}]}
    assert await owner.post(f"{path}/prices", prices, method="PUT") == {"changed": 1}
    wrong = {"prices": [{"sku_id": str(shop.skus[0]), "list_minor": 1}]}
    assert await owner.refused("PUT", f"{path}/prices", wrong) == (404, "out_of_scope")
    published = await owner.post(f"{path}/publish")
    assert published["state"] == "live"
    assert [one["code"] for one in (await owner.get(f"/stores/{here}/own-products"))["items"]] == ["JAM"]
    await owner.post(f"{path}/retire")
    await well(shop)


async def test_a_store_manager_sets_prices_of_her_store_within_the_band(console: "Console") -> None:
    shop, manager, other = console.shop, await console.of_store(), await console.of_store(1)
    await choose_goods(shop, **BAND)
    path = f"/stores/{shop.store.store_id}/own-prices"
    body = {"prices": [{"sku_id": str(shop.skus[0]), "unit_minor": PRICE_MINOR - 300}]}
    assert await other.refused("PUT", path, body) == (404, "out_of_scope")
    assert await manager.post(path, body, method="PUT") == {"changed": 1}
    too_low = {"prices": [{"sku_id": str(shop.skus[0]), "unit_minor": 1}]}
    answer = await manager.call("PUT", path, json=too_low)
    assert (answer.status_code, answer.json()["figures"]["lowest_minor"]) == (409, 11_520)
    assert len((await manager.get("/own-prices"))["items"]) == 1
    assert (await other.get("/own-prices"))["items"] == []
    await choose_goods(shop, own_prices=False)
    (case,) = (await manager.get("/own-prices/out-of-band"))["items"]
    assert (case["own"]["unit_minor"], case["band"]) == (PRICE_MINOR - 300, None)
    assert await manager.post(f"{path}/drop", {"sku_ids": [str(shop.skus[0])]}) == {"changed": 1}


async def test_a_bundle_is_put_together_over_the_console(console: "Console") -> None:
    shop, admin, manager = console.shop, await console.staff(), await console.of_store()
    first, second, *_ = shop.skus
    bundle = await add_bundle(shop, "SET", [(first, 2000)], price_minor=20_000)
    parts = {"parts": [{"sku_id": str(first), "quantity_milli": 2000}, {"sku_id": str(second), "quantity_milli": 1000}]}
    assert await manager.refused("PUT", f"/skus/{bundle}/parts", parts) == (403, "not_permitted")
    changed = await admin.post(f"/skus/{bundle}/parts", parts, method="PUT")
    assert changed["parts"] == parts["parts"]
    found = await manager.get(f"/stores/{shop.store.store_id}/sellable", sku_id=str(bundle))
    assert found["free_milli"] == STOCK_MILLI // 2
    assert [one["free_milli"] for one in found["parts"]] == [STOCK_MILLI, STOCK_MILLI]
    inside = {"parts": [{"sku_id": str(bundle), "quantity_milli": 1000}]}
    assert await admin.refused("PUT", f"/skus/{bundle}/parts", inside) == (422, "bundle_wrong")


async def test_a_file_is_previewed_looked_at_and_applied_over_the_console(console: "Console") -> None:
    shop, admin, manager = console.shop, await console.staff(), await console.of_store()
    body = "code,name,trademark\nP0,新大衣,云织\nP1,,云织\nP9,没有,\n".encode()
    refused = await manager.call("POST", "/bulk-changes/products", content=body, headers=CSV)
    assert refused.status_code == 403
    answer = await admin.call("POST", "/bulk-changes/products", content=body, headers=CSV)
    assert answer.status_code == 201, answer.text
    change = answer.json()
    assert (change["changed"], change["faulty"]) == (2, 1)
    path = f"/bulk-changes/{change['change_id']}"
    (wrong,) = (await admin.get(f"{path}/rows", outcome="fault"))["items"]
    assert (wrong["line"], wrong["faults"][0]["code"]) == (4, "catalogue_text_wrong")
    rows = (await admin.get(f"{path}/rows", limit=2))["items"]
    assert rows[0]["fields"][0] == {"field": "name", "before": "羊毛大衣0", "after": "新大衣"}
    assert await admin.refused("POST", f"{path}/apply") == (409, "change_has_faults")
    assert await admin.refused("POST", f"{path}/apply-prices") == (404, "no_such_change")
    applied = await admin.post(f"{path}/apply", {"mode": "keep_good"})
    assert (applied["state"], applied["written"]) == ("applied", 2)
    assert await admin.refused("POST", f"{path}/apply", {"mode": "keep_good"}) == (409, "change_applied_before")
    assert [one["change_id"] for one in (await admin.get("/bulk-changes"))["items"]] == [change["change_id"]]
    async with shop.database.reading(shop.tenant) as tx:
        found = await catalogue.product(tx, catalogue.ProductId(UUID(str(shop.products[0].product_id))))
    assert (found.name.zh, found.trademark) == ("新大衣", "云织")
    trail = await admin.get("/audit", subject_type="change_set")
    assert "catalogue.apply_change" in {entry["action"] for entry in trail["items"]}
    await well(shop)
