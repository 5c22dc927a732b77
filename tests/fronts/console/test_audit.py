"""The audit trail as staff read it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from midstage.kit.clock import utc_now
from midstage.kit.ids import new_id
from shop import open_shop

if TYPE_CHECKING:
    from fronts.conftest import Console


async def test_changes_are_found_by_who_what_whom_and_when(console: "Console") -> None:
    admin, other = await console.staff(), await console.staff()
    store = console.shop.store
    await admin.post(f"/stores/{store.store_id}", {"name": "新名字"}, method="PATCH")
    await other.post(f"/stores/{store.store_id}", {"name": "旧名字"}, method="PATCH")

    async def found(**query: Any) -> list[tuple[str, str]]:
        items = (await admin.get("/audit", **query))["items"]
        return [(entry["action"], entry["by"]["id"]) for entry in items]

    mine, hers = ("change", str(admin.staff_id)), ("change", str(other.staff_id))
    subject = {"subject_type": "store", "subject_id": str(store.store_id)}
    assert (await found(**subject))[:2] == [hers, mine]
    assert await found(actor_id=str(admin.staff_id)) == [mine]
    assert await found(**subject, action="change") == [hers, mine]
    assert await found(action="nothing") == []
    today = console.shop.tenant.business_date(utc_now())
    assert await found(**subject, action="change", **{"from": str(today), "to": str(today)}) == [hers, mine]
    assert await found(**{"from": str(today + timedelta(days=1))}) == []
    assert await found(to=str(today - timedelta(days=1))) == []
    assert await admin.refused("GET", "/audit?to=0001-01-01") == (422, "bad_date")
    (entry,) = (await admin.get("/audit", actor_id=str(admin.staff_id)))["items"]
    assert (entry["before"]["name"], entry["after"]["name"]) == (store.name, "新名字")


async def test_the_trail_pages_by_cursor_and_misses_nothing(console: "Console") -> None:
    admin = await console.staff()
    for n in range(5):
        await admin.post("/units", {"code": f"U{n}", "name": f"区{n}"}, status=201)
    whole = (await admin.get("/audit", limit=200))["items"]
    seen: list[dict[str, Any]] = []
    page = await admin.get("/audit", limit=3)
    while True:
        seen += page["items"]
        if page["next"] is None:
            break
        page = await admin.get("/audit", limit=3, after=page["next"])
    assert seen == whole
    assert len({entry["change_id"] for entry in seen}) == len(seen) > 5
    assert await admin.refused("GET", "/audit?after=nonsense") == (422, "bad_cursor")


async def test_the_trail_is_for_those_who_see_the_whole_brand(console: "Console") -> None:
    manager, region = await console.of_store(), await console.of_store(role="region_manager")
    assert await manager.refused("GET", "/audit") == (403, "not_permitted")
    assert await region.refused("GET", "/audit") == (403, "needs_whole_brand")


async def test_another_brand_s_trail_is_not_there(console: "Console") -> None:
    other = await open_shop(console.shop.database, products=1, stores=1)
    admin = await console.staff()
    query = {"subject_type": "store", "subject_id": str(other.store.store_id)}
    assert (await admin.get("/audit", **query))["items"] == []
    assert (await admin.get("/audit", actor_id=str(new_id())))["items"] == []
