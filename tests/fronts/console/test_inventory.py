"""Stock as staff see it, book it, share it and settle what does not fit."""

from typing import TYPE_CHECKING, Any

import pytest

from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from shop import STOCK_MILLI, open_shop

if TYPE_CHECKING:
    from fronts.conftest import Console


def _lines(sku_id: object, **more: Any) -> dict[str, Any]:
    return {"lines": [{"sku_id": str(sku_id), **more}]}


async def test_stock_is_listed_by_store_and_sku(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    assert len((await admin.get("/stock"))["items"]) == len(shop.skus) * 2
    here = await admin.get("/stock", store_id=str(shop.store.store_id), sku_id=str(shop.skus[0]))
    assert [row["on_hand_milli"] for row in here["items"]] == [STOCK_MILLI]
    assert (await admin.get("/stock", only_low="true"))["items"] == []
    mine = await admin.get("/stock", operator_id=str(shop.store.operator_id))
    assert len(mine["items"]) == len(shop.skus) * 2
    assert (await admin.get("/stock", operator_id=str(new_id())))["items"] == []


async def test_goods_come_change_and_are_counted(console: "Console") -> None:
    shop = console.shop
    manager, admin = await console.of_store(), await console.staff()
    path, sku = f"/stock/{shop.store.store_id}", shop.skus[0]
    [row] = await manager.post(f"{path}/receive", _lines(sku, milli=5000), key="delivery")
    assert row["on_hand_milli"] == STOCK_MILLI + 5000
    assert await manager.post(f"{path}/receive", _lines(sku, milli=5000), key="delivery") == [row]
    [row] = await manager.post(f"{path}/adjust", {**_lines(sku, delta_milli=-2000), "reason": "broken"})
    assert row["on_hand_milli"] == STOCK_MILLI + 3000
    [row] = await manager.post(f"{path}/count", {**_lines(sku, milli=7000), "reason": "yearly"})
    assert row["on_hand_milli"] == 7000
    [row] = await manager.post(f"{path}/safety", _lines(sku, milli=1000))
    assert row["safety_milli"] == 1000
    assert await shop.free(sku) == 6000
    moved = (await manager.get(f"{path}/{sku}/movements"))["items"]
    assert [one["kind"] for one in moved if one["on_hand_delta_milli"]] == [
        "counted",
        "adjusted",
        "received",
        "opening",
    ]
    trail = await admin.get("/audit", subject_type="location", subject_id=str(shop.location))
    assert {one["action"] for one in trail["items"]} >= {"inventory.adjusted", "inventory.counted"}


async def test_what_makes_no_sense_is_refused_and_not_booked(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    path, sku = f"/stock/{shop.store.store_id}", shop.skus[0]
    twice = {"lines": [{"sku_id": str(sku), "milli": 1}] * 2}
    assert await admin.refused("POST", f"{path}/receive", twice) == (422, "quantity_invalid")
    assert await admin.refused("POST", f"{path}/receive", _lines(new_id(), milli=1)) == (404, "no_such_sku")
    assert (await admin.refused("POST", f"{path}/receive", _lines(sku, milli=0)))[0] == 400
    zero = {**_lines(sku, delta_milli=0), "reason": "x"}
    assert await admin.refused("POST", f"{path}/adjust", zero) == (422, "quantity_invalid")
    blank = {**_lines(sku, delta_milli=1), "reason": " "}
    assert await admin.refused("POST", f"{path}/adjust", blank) == (422, "reason_missing")
    nowhere = f"/stock/{new_id()}/receive"
    assert await admin.refused("POST", nowhere, _lines(sku, milli=1)) == (404, "no_such_location")
    assert await shop.free(sku) == STOCK_MILLI


async def test_who_has_another_store_sees_and_moves_none_of_it(console: "Console") -> None:
    shop = console.shop
    other, guide = await console.of_store(1), await console.of_store(0, "guide")
    path, sku = f"/stock/{shop.store.store_id}", shop.skus[0]
    theirs = {row["location_id"] for row in (await other.get("/stock"))["items"]}
    assert theirs == {str(inventory.location_of(shop.stores[1].store_id))}
    gone = (404, "out_of_scope")
    assert await other.refused("GET", f"/stock?store_id={shop.store.store_id}") == gone
    assert await other.refused("GET", f"{path}/{sku}/movements") == gone
    bodies: dict[str, dict[str, Any]] = {
        "receive": _lines(sku, milli=1),
        "adjust": {**_lines(sku, delta_milli=1), "reason": "x"},
        "count": {**_lines(sku, milli=1), "reason": "x"},
        "safety": _lines(sku, milli=1),
    }
    for verb, body in bodies.items():
        assert await other.refused("POST", f"{path}/{verb}", body) == gone
        assert await guide.refused("POST", f"{path}/{verb}", body) == (403, "not_permitted")
    near = await other.get("/stock/nearest", sku_id=str(sku), lat=31.2, lng=121.4)
    assert {row["location_id"] for row in near} == theirs
    assert await shop.free(sku) == STOCK_MILLI


async def test_the_nearest_store_with_stock_comes_first(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    near = await admin.get("/stock/nearest", sku_id=str(shop.skus[0]), lat=31.2, lng=121.4)
    assert [row["location_id"] for row in near] == [str(inventory.location_of(one.store_id)) for one in shop.stores]
    assert near[0]["free_milli"] == {str(shop.skus[0]): STOCK_MILLI}
    assert len(await admin.get("/stock/nearest", sku_id=str(shop.skus[0]), lat=31.2, lng=121.4, limit=1)) == 1


async def test_a_share_is_set_seen_and_dropped_by_those_whose_stock_it_is(console: "Console") -> None:
    shop = console.shop
    admin, mine, other = await console.staff(), await console.of_store(0), await console.of_store(1)
    share = await mine.post("/stock/shares", {"percent": 30, "store_id": str(shop.store.store_id)})
    everybody = await admin.post("/stock/shares", {"percent": 50, "sales_channel": "mall"})
    assert await admin.get("/stock/shares") == [share, everybody]
    assert await mine.get("/stock/shares") == [share]
    assert await other.get("/stock/shares") == []
    assert await mine.refused("POST", "/stock/shares", {"percent": 1}) == (403, "needs_whole_brand")
    ours = {"percent": 1, "store_id": str(shop.store.store_id)}
    assert await other.refused("POST", "/stock/shares", ours) == (404, "out_of_scope")
    unknown = {"percent": 1, "operator_id": str(new_id())}
    assert await admin.refused("POST", "/stock/shares", unknown) == (404, "no_such_operator")
    assert await other.refused("DELETE", f"/stock/shares/{share['share_id']}") == (404, "out_of_scope")
    await mine.post(f"/stock/shares/{share['share_id']}", method="DELETE", status=204)
    assert await admin.get("/stock/shares") == [everybody]


async def test_a_discrepancy_is_settled_with_a_note_by_its_own_store(console: "Console") -> None:
    shop = console.shop
    await shop.place(5)
    mine, other, admin = await console.of_store(0), await console.of_store(1), await console.staff()
    counted = {**_lines(shop.skus[0], milli=1000), "reason": "yearly"}
    await mine.post(f"/stock/{shop.store.store_id}/count", counted)
    [found] = (await mine.get("/stock/discrepancies"))["items"]
    assert (await other.get("/stock/discrepancies"))["items"] == []
    path = f"/stock/discrepancies/{found['discrepancy_id']}/settle"
    assert await other.refused("POST", path, {"note": "x"}) == (404, "out_of_scope")
    assert await mine.refused("POST", f"/stock/discrepancies/{new_id()}/settle", {"note": "x"}) == (404, "out_of_scope")
    await mine.post(path, {"note": "found behind the shelf"}, status=204)
    assert (await mine.get("/stock/discrepancies"))["items"] == []
    [settled] = (await mine.get("/stock/discrepancies", settled_too="true"))["items"]
    assert settled["note"] == "found behind the shelf"
    assert await admin.refused("POST", path, {"note": "again"}) == (404, "no_such_stock_discrepancy")


@pytest.mark.parametrize("sent", ["csv", "form"])
async def test_a_file_is_brought_in_once_by_those_who_may(console: "Console", sent: str) -> None:
    shop = console.shop
    admin, manager = await console.staff(), await console.of_store()
    text = "store_code,sku_code,quantity,booking\nS0,P0-M,2,received\nS9,P0-M,1,received\n"
    body: dict[str, Any] = {"content": text, "headers": {"Content-Type": "text/csv"}}
    if sent == "form":
        body = {"files": {"file": ("stock.csv", text.encode("gb18030"))}}
    refused = await manager.call("POST", "/imports/stores", **body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    none = (await admin.call("POST", "/imports/stock", **body)).json()
    assert (none["written"], [(bad["line"], bad["column"]) for bad in none["bad"]]) == (0, [(3, "store_code")])
    assert await shop.free(shop.skus[0]) == STOCK_MILLI
    for _ in range(2):
        kept = await admin.call("POST", "/imports/stock?mode=keep_good", key="file", **body)
        assert (kept.status_code, kept.json()["written"]) == (200, 1)
    assert await shop.free(shop.skus[0]) == STOCK_MILLI + 2000
    empty = await admin.call("POST", "/imports/stock", headers={"Content-Type": "text/csv"})
    assert empty.json()["code"] == "file_missing"


async def test_stock_of_another_brand_is_not_there(console: "Console") -> None:
    foreign = await open_shop(console.shop.database, products=1, stores=1)
    admin = await console.staff()
    path = f"/stock/{foreign.store.store_id}"
    assert await admin.refused("GET", f"{path}/{foreign.skus[0]}/movements") == (404, "no_such_location")
    assert await admin.refused("POST", f"{path}/safety", _lines(foreign.skus[0], milli=1)) == (404, "no_such_location")
    assert (await admin.get("/stock", store_id=str(foreign.store.store_id)))["items"] == []
