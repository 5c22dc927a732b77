"""The catalogue as staff keep it."""

from typing import TYPE_CHECKING, Any

from midstage.kit.ids import new_id
from midstage.middle.catalogue import api as catalogue

if TYPE_CHECKING:
    from fronts.conftest import Console

EAN = f"690123456789{catalogue.check_digit('690123456789')}"


def _shirt(category_id: object, **changes: Any) -> dict[str, Any]:
    colour = {
        "code": "colour",
        "name": {"zh": "颜色"},
        "values": [{"code": "red", "name": {"zh": "红"}}, {"code": "blue", "name": {"zh": "蓝"}}],
    }
    red = {"code": "SH-R", "options": {"colour": "red"}, "barcodes": [{"kind": "ean13", "code": EAN}]}
    return {
        "code": "SH",
        "name": {"zh": "亚麻衬衫", "en": "Linen shirt"},
        "category_id": str(category_id),
        "tax_class": "standard",
        "options": [colour],
        "skus": [red],
        "tags": ["summer"],
        **changes,
    }


async def test_the_tree_grows_moves_and_shrinks(console: "Console") -> None:
    admin = await console.staff()
    top = await admin.post("/categories", {"code": "tops", "name": {"zh": "上装"}}, status=201, key="tops")
    assert await admin.post("/categories", {"code": "tops", "name": {"zh": "上装"}}, status=201, key="tops") == top
    under = {"code": "shirts", "name": {"en": "Shirts"}, "parent_code": "tops"}
    shirts = await admin.post("/categories", under, status=201)
    assert shirts["path"] == [top["category_id"], shirts["category_id"]]
    path = f"/categories/{shirts['category_id']}"
    renamed = await admin.post(path, {"name": {"zh": "衬衫"}, "rank": 3}, method="PATCH")
    assert (renamed["code"], renamed["name"], renamed["rank"]) == ("shirts", {"zh": "衬衫", "en": ""}, 3)
    loop = {"parent_id": shirts["category_id"]}
    assert await admin.refused("POST", f"/categories/{top['category_id']}/move", loop) == (422, "category_misplaced")
    assert await admin.refused("DELETE", f"/categories/{top['category_id']}") == (409, "category_not_empty")
    assert (await admin.post(f"{path}/move", {"parent_id": None}))["path"] == [shirts["category_id"]]
    await admin.post(f"/categories/{top['category_id']}", method="DELETE", status=204)
    assert {found["code"] for found in await admin.get("/categories")} == {"coats", "shirts"}


async def test_attributes_are_defined_inherited_and_kept_while_in_use(console: "Console") -> None:
    admin, category = await console.staff(), console.shop.category
    fabric = {"code": "fabric", "kind": "choice", "name": {"zh": "面料"}, "choices": ["linen", "wool"]}
    path = f"/categories/{category}/attributes"
    assert [one["code"] for one in await admin.post(path, {"attributes": [fabric]}, method="PUT")] == ["fabric"]
    made = await admin.post("/products", _shirt(category, attributes={"fabric": "linen"}), status=201)
    assert made["attributes"] == {"fabric": "linen"}
    assert await admin.refused("PUT", path, {"attributes": []}) == (409, "attribute_in_use")
    wrong = _shirt(category, code="SX", skus=[], attributes={"fabric": "iron"})
    assert await admin.refused("POST", "/products", wrong) == (422, "attribute_wrong")
    assert [one["choices"] for one in await admin.get(path)] == [["linen", "wool"]]


async def test_tax_classes_are_set(console: "Console") -> None:
    admin = await console.staff()
    book = {"code": "books", "name": {"zh": "图书"}, "rate_millionths": 90_000, "inclusive": True}
    await admin.post("/tax-classes", book, method="PUT")
    await admin.post("/tax-classes", {**book, "rate_millionths": 60_000}, method="PUT")
    found = {one["code"]: one["rate_millionths"] for one in await admin.get("/tax-classes")}
    assert found == {"books": 60_000, "standard": 130_000}
    assert (await admin.refused("PUT", "/tax-classes", {**book, "rate_millionths": 1_000_001}))[0] == 400


async def test_a_product_is_made_found_changed_published_and_retired(console: "Console") -> None:
    admin = await console.staff()
    made = await admin.post("/products", _shirt(console.shop.category), status=201)
    path = f"/products/{made['product_id']}"
    assert (made["state"], made["version"]) == ("draft", 1)

    async def found(**query: Any) -> list[str]:
        return [one["code"] for one in (await admin.get("/products", **query))["items"]]

    assert await found(text="亚麻") == ["SH"]
    assert await found(state="draft") == ["SH"]
    assert await found(tag="summer", category_id=str(console.shop.category)) == ["SH"]
    assert await found(text="亚麻", state="live") == []
    assert len(await found()) == len(console.shop.products) + 1
    changed = await admin.post(f"{path}?seen=1", {"name": {"zh": "棉麻衬衫"}}, method="PATCH")
    assert (changed["name"], changed["tags"]) == ({"zh": "棉麻衬衫", "en": ""}, ["summer"])
    assert await admin.refused("PATCH", f"{path}?seen=1", {"tags": []}) == (409, "product_changed_meanwhile")
    live = await admin.post(f"{path}/publish")
    assert (live["state"], live["skus"][0]["state"]) == ("live", "live")
    assert await admin.refused("POST", f"{path}/publish") == (409, "state_wrong")
    assert (await admin.post(f"{path}/retire"))["state"] == "retired"
    assert (await admin.get(path))["state"] == "retired"
    assert await admin.refused("POST", "/products", _shirt(console.shop.category)) == (409, "product_code_taken")
    assert await admin.refused("GET", f"/products/{new_id()}") == (404, "no_such_product")
    trail = await admin.get("/audit", subject_type="product", subject_id=made["product_id"])
    assert {entry["action"] for entry in trail["items"]} == {
        "catalogue.create_product",
        "catalogue.change_product",
        "catalogue.publish_product",
        "catalogue.retire_product",
    }


async def test_skus_are_added_changed_published_scanned_and_retired(console: "Console") -> None:
    admin = await console.staff()
    made = await admin.post("/products", _shirt(console.shop.category), status=201)
    add = f"/products/{made['product_id']}/skus"
    blue = await admin.post(add, {"code": "SH-B", "options": {"colour": "blue"}}, status=201)
    assert (blue["state"], blue["milli_step"]) == ("draft", 1000)
    again = {"code": "SH-C", "options": {"colour": "blue"}}
    assert await admin.refused("POST", add, again) == (409, "options_taken")
    path = f"/skus/{blue['sku_id']}"
    code = {"barcodes": [{"kind": "store", "code": "X/1", "milli": 12_000}]}
    assert (await admin.post(path, code, method="PATCH"))["code"] == "SH-B"
    taken = {"barcodes": [{"kind": "ean13", "code": EAN}]}
    assert await admin.refused("PATCH", path, taken) == (409, "barcode_taken")
    scanned = await admin.get("/skus/by-barcode", code="x/1")
    assert (scanned["sku_id"], scanned["milli"], scanned["live"]) == (blue["sku_id"], 12_000, False)
    assert (await admin.get("/skus/by-barcode", code=EAN))["sku_id"] == made["skus"][0]["sku_id"]
    assert await admin.refused("GET", "/skus/by-barcode?code=nothing") == (404, "no_such_barcode")
    assert (await admin.post(f"{path}/publish"))["state"] == "live"
    assert (await admin.post(f"{path}/retire"))["state"] == "retired"
    assert await admin.refused("POST", f"{path}/retire") == (409, "state_wrong")


async def test_who_has_a_store_reads_the_catalogue_and_changes_none_of_it(console: "Console") -> None:
    shop = console.shop
    manager, part = await console.of_store(), await console.of_store(role="brand_admin")
    path = f"/products/{shop.products[0].product_id}"
    assert (await manager.get(path))["code"] == shop.products[0].code
    assert await manager.refused("POST", f"{path}/retire") == (403, "not_permitted")
    assert await part.refused("POST", f"{path}/retire") == (403, "needs_whole_brand")
    assert await part.refused("POST", "/products", _shirt(shop.category)) == (403, "needs_whole_brand")
    tops = {"code": "tops", "name": {"zh": "上装"}}
    assert await part.refused("POST", "/categories", tops) == (403, "needs_whole_brand")
    assert (await manager.get(path))["state"] == "live"
    assert len((await manager.get("/products"))["items"]) == len(shop.products)
