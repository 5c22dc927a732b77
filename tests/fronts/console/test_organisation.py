"""Signing in, and the organisation as staff see and change it."""

from typing import TYPE_CHECKING

from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

if TYPE_CHECKING:
    from fronts.conftest import Console

PASSWORD = "correct horse battery staple"


async def test_staff_sign_in_see_who_they_are_and_sign_out(console: "Console") -> None:
    somebody = await console.staff()
    body = {"brand": console.shop.tenant.code, "login": somebody.login, "password": PASSWORD}
    signed_in = await somebody.http.post("/v1/console/sign-in", json=body)
    assert signed_in.status_code == 200
    somebody.token = signed_in.json()["token"]
    me = await somebody.get("/me")
    assert me["staff"]["staff_id"] == str(somebody.staff_id)
    assert "organisation.write" in me["permissions"]
    assert len(await somebody.get("/me/sessions")) == 2
    await somebody.post("/sign-out", status=204)
    assert await somebody.refused("GET", "/me") == (401, "session_unknown")


async def test_a_wrong_brand_is_answered_like_a_wrong_password(console: "Console") -> None:
    somebody = await console.staff()
    good = {"brand": console.shop.tenant.code, "login": somebody.login, "password": PASSWORD}
    answers = [
        await somebody.http.post("/v1/console/sign-in", json={**good, **wrong}, headers={"Accept-Language": "zh"})
        for wrong in ({"brand": "no-such-brand"}, {"login": "nobody"}, {"password": "wrong password"})
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["detail"] == "账号或密码不正确"


async def test_a_changed_password_ends_the_other_sessions(console: "Console") -> None:
    somebody, other = await console.staff(), await console.staff()
    body = {"brand": console.shop.tenant.code, "login": somebody.login, "password": PASSWORD}
    second = (await somebody.http.post("/v1/console/sign-in", json=body)).json()["token"]
    changed = await somebody.post("/me/password", {"old": PASSWORD, "new": "another long phrase"}, method="PUT")
    somebody.token = changed["token"]
    assert (await somebody.get("/me"))["staff"]["staff_id"] == str(somebody.staff_id)
    somebody.token = second
    assert await somebody.refused("GET", "/me") == (401, "session_unknown")
    assert (await other.get("/me"))["staff"]["staff_id"] == str(other.staff_id)


async def test_a_shopper_s_token_does_not_open_the_console(console: "Console") -> None:
    somebody = await console.staff()
    somebody.token = console.shop.token
    assert await somebody.refused("GET", "/me") == (403, "other_audience")


async def test_the_tree_is_grown_moved_and_closed(console: "Console") -> None:
    admin = await console.staff()
    east = await admin.post("/units", {"code": "EAST", "name": "华东"}, status=201)
    city = await admin.post(
        "/units", {"code": "SH", "name": "上海", "kind": "city", "parent_id": east["unit_id"]}, status=201
    )
    assert city["path"][-2] == east["unit_id"]
    north = await admin.post("/units", {"code": "NORTH", "name": "华北"}, status=201)
    moved = await admin.post(f"/units/{city['unit_id']}/move", {"to": north["unit_id"]})
    assert moved["parent_id"] == north["unit_id"]
    assert await admin.refused("POST", f"/units/{north['unit_id']}/move", {"to": city["unit_id"]}) == (
        409,
        "unit_cycle",
    )
    assert await admin.refused("PATCH", f"/units/{north['unit_id']}", {"state": "closed"}) == (409, "unit_not_empty")
    found = await admin.get("/units", under=north["unit_id"])
    assert [unit["code"] for unit in found["items"]] == ["NORTH", "SH"]


async def test_a_store_is_opened_with_a_place_for_its_stock_and_changed(console: "Console") -> None:
    admin = await console.staff()
    body = {"code": "NEW", "name": "新店", "place": {"lat": 31.0, "lng": 121.0}, "area_m2": 80}
    made = await admin.post("/stores", body, status=201, key="open-new")
    again = await admin.post("/stores", body, status=201, key="open-new")
    assert again == made
    async with console.shop.database.reading(console.shop.tenant) as tx:
        assert inventory.location_of(organisation.StoreId(made["store_id"])) is not None
        assert len(await inventory.locations(tx)) == 3
    changed = await admin.post(f"/stores/{made['store_id']}", {"state": "closed"}, method="PATCH")
    assert changed["state"] == "closed"
    trail = await admin.get("/audit", subject_type="store", subject_id=made["store_id"])
    assert [entry["action"] for entry in trail["items"]] == ["change", "create"]


async def test_a_store_manager_sees_one_store_and_opens_none(console: "Console") -> None:
    mine, other = console.shop.stores
    manager = await console.of_store()
    assert [store["code"] for store in (await manager.get("/stores"))["items"]] == [mine.code]
    assert (await manager.get(f"/stores/{mine.store_id}"))["code"] == mine.code
    assert await manager.refused("GET", f"/stores/{other.store_id}") == (404, "out_of_scope")
    assert await manager.refused("GET", f"/stores/{new_id()}") == (404, "out_of_scope")
    assert await manager.refused("POST", "/stores", {"code": "X", "name": "X"}) == (403, "not_permitted")


async def test_a_change_that_leaves_the_scope_is_undone(console: "Console") -> None:
    admin = await console.staff()
    east = await admin.post("/units", {"code": "EAST", "name": "华东"}, status=201)
    west = await admin.post("/units", {"code": "WEST", "name": "华西"}, status=201)
    scope = organisation.Scope(units=frozenset({organisation.UnitId(east["unit_id"])}))
    async with console.shop.database.writing(console.shop.tenant) as tx:
        from midstage.middle.access import api as access  # noqa: PLC0415

        await access.put_role(
            tx, access.Role("opener", "开店", "Opener", frozenset({"organisation.read", "organisation.write"}))
        )
    opener = await console.staff("opener", scope)
    made = await opener.post("/stores", {"code": "E1", "name": "东一店", "unit_id": east["unit_id"]}, status=201)
    away = {"unit_id": west["unit_id"]}
    assert await opener.refused("PATCH", f"/stores/{made['store_id']}", away) == (404, "out_of_scope")
    assert (await admin.get(f"/stores/{made['store_id']}"))["unit_id"] == east["unit_id"]
    assert await opener.refused("POST", "/stores", {"code": "W1", "name": "西一店", **away}) == (404, "out_of_scope")
    assert await opener.refused("POST", "/units", {"code": "TOP", "name": "顶"}) == (403, "needs_whole_brand")
    assert (await admin.get("/stores", text="W1"))["items"] == []


async def test_people_come_become_guides_move_and_leave(console: "Console") -> None:
    admin = await console.staff()
    first, second = console.shop.stores
    person = await admin.post("/staff", {"code": "G7", "name": "李梅", "phone": "+8613812345678"}, status=201)
    listed = (await admin.get("/staff", text="G7"))["items"]
    assert listed[0]["phone"] != person["phone"]
    guide = await admin.post(
        "/guides",
        {"code": "G7", "name": "小梅", "store_id": str(first.store_id), "staff_id": person["staff_id"]},
        status=201,
    )
    assert await admin.refused("POST", f"/staff/{person['staff_id']}/leave") == (409, "staff_bound")
    moved = await admin.post(f"/guides/{guide['guide_id']}/move", {"store_id": str(second.store_id)})
    assert moved["store_id"] == str(second.store_id)
    assert len(await admin.get(f"/guides/{guide['guide_id']}/stays")) == 2
    manager = await console.of_store(0)
    assert await manager.refused("GET", f"/guides/{guide['guide_id']}") == (404, "out_of_scope")
    assert (await admin.post(f"/guides/{guide['guide_id']}/leave"))["state"] == "left"
    assert (await admin.post(f"/staff/{person['staff_id']}/leave"))["state"] == "left"


async def test_operators_touchpoints_and_accounts_are_kept(console: "Console") -> None:
    admin = await console.staff()
    operator = await admin.post(
        "/operators",
        {
            "code": "F1",
            "name": "加盟一",
            "kind": "franchisee",
            "contract": {"number": "C-1", "starts_on": "2026-01-01"},
            "payee": {"holder": "加盟一", "provider": "bank", "account_number": "6222000011112222"},
        },
        status=201,
    )
    changed = await admin.post(f"/operators/{operator['operator_id']}", {"name": "加盟甲"}, method="PATCH")
    assert changed["payee"]["account_number"] == "6222000011112222"
    point = await admin.post(
        "/touchpoints",
        {"code": "QR1", "name": "门口码", "kind": "store_code", "store_id": str(console.shop.store.store_id)},
        status=201,
    )
    assert (await admin.get(f"/touchpoints/{point['touchpoint_id']}"))["code"] == "QR1"
    account = await admin.post(
        "/platform-accounts",
        {"platform": "wechat_mini", "external_id": "wx1", "name": "小程序", "staff_id": str(admin.staff_id)},
        status=201,
    )
    closed = await admin.post(
        f"/platform-accounts/{account['platform_account_id']}", {"state": "closed"}, method="PATCH"
    )
    assert closed["state"] == "closed"
    manager = await console.of_store(1)
    assert await manager.refused("GET", f"/touchpoints/{point['touchpoint_id']}") == (404, "out_of_scope")
    assert await manager.refused("GET", f"/operators/{operator['operator_id']}") == (404, "out_of_scope")


async def test_another_brand_s_things_are_not_there(console: "Console", shop: object) -> None:
    from shop import open_shop  # noqa: PLC0415

    other = await open_shop(console.shop.database, products=1, stores=1)
    admin = await console.staff()
    assert await admin.refused("GET", f"/stores/{other.store.store_id}") == (404, "no_such_store")
    assert await admin.refused("GET", f"/orders/{other.store.store_id}") == (404, "no_such_order")


async def test_a_text_with_a_nul_is_refused_everywhere(console: "Console") -> None:
    admin = await console.staff()
    assert await admin.refused("POST", "/units", {"code": "A", "name": "a\0b"}) == (422, "character_unfit")
    assert await admin.refused("GET", "/units?text=%00") == (422, "character_unfit")
