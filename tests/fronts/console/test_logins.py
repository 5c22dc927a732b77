"""Logins, roles, grants and keys as staff give them, never beyond what they hold themselves."""

from typing import TYPE_CHECKING, Any

from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

if TYPE_CHECKING:
    from fronts.conftest import Console

OTHER_PASSWORD = "a quite different passphrase"
WHOLE = {"everything": True}


async def _hire(console: "Console", code: str) -> organisation.StaffId:
    async def work(tx: Tx) -> organisation.StaffId:
        return (await organisation.hire(tx, organisation.NewStaff(code=code, name="新人"))).staff_id

    return await console.shop.database.attempt(console.shop.tenant, work)


async def _sign_in(console: "Console", login: str, password: str) -> int:
    body = {"brand": console.shop.tenant.code, "login": login, "password": password}
    return (await console.http.post("/v1/console/sign-in", json=body)).status_code


async def _of_own_role(console: "Console", code: str, *permissions: str, scope: organisation.Scope) -> Any:
    async def work(tx: Tx) -> None:
        await access.put_role(tx, access.Role(code, "自定", "Own", frozenset(permissions)))

    await console.shop.database.attempt(console.shop.tenant, work)
    return await console.staff(code, scope)


async def test_a_login_is_given_closed_and_opened_again(console: "Console") -> None:
    admin = await console.staff()
    staff_id = await _hire(console, "L1")
    grant = {"role": "store_manager", "scope": {"stores": [str(console.shop.store.store_id)]}}
    body = {"login": "l1@shop", "password": OTHER_PASSWORD, "grants": [grant]}
    await admin.post(f"/staff/{staff_id}/login", body, status=204)
    assert await _sign_in(console, "l1@shop", OTHER_PASSWORD) == 200
    assert [one["role"] for one in await admin.get(f"/staff/{staff_id}/grants")] == ["store_manager"]
    assert "l1@shop" in [one["name"] for one in (await admin.get("/access/logins"))["items"]]
    await admin.post(f"/staff/{staff_id}/login/close", status=204)
    assert await _sign_in(console, "l1@shop", OTHER_PASSWORD) == 401
    await admin.post(f"/staff/{staff_id}/login/reopen", status=204)
    assert await _sign_in(console, "l1@shop", OTHER_PASSWORD) == 200
    trail = (await admin.get("/audit", subject_type="staff", subject_id=str(staff_id)))["items"]
    assert {entry["action"] for entry in trail} >= {
        "access.create_login",
        "access.close_login",
        "access.reopen_login",
    }
    assert OTHER_PASSWORD not in str(trail)


async def test_a_login_is_refused_that_is_taken_weak_or_of_nobody(console: "Console") -> None:
    admin = await console.staff()
    staff_id = await _hire(console, "L2")
    weak = {"login": "l2", "password": "short"}
    assert await admin.refused("POST", f"/staff/{staff_id}/login", weak) == (422, "password_short")
    taken = {"login": admin.login, "password": OTHER_PASSWORD}
    assert await admin.refused("POST", f"/staff/{staff_id}/login", taken) == (409, "login_taken")
    good = {"login": "l2", "password": OTHER_PASSWORD}
    assert await admin.refused("POST", f"/staff/{console.shop.store.store_id}/login", good) == (404, "no_such_staff")
    assert await admin.refused("PUT", f"/staff/{staff_id}/grants", {"grants": []}) == (404, "no_such_login")
    assert await _sign_in(console, "l2", OTHER_PASSWORD) == 401


async def test_a_reset_password_ends_the_sessions_and_the_lock(console: "Console") -> None:
    admin, somebody = await console.staff(), await console.staff("auditor")
    for _ in range(5):
        assert await _sign_in(console, somebody.login, "wrong again") == 401
    assert await _sign_in(console, somebody.login, "wrong again") == 429
    path = f"/staff/{somebody.staff_id}/login"
    await admin.post(
        f"{path}/password", {"login": somebody.login, "password": OTHER_PASSWORD}, status=204, method="PUT"
    )
    assert await somebody.refused("GET", "/me") == (401, "session_unknown")
    assert await _sign_in(console, somebody.login, OTHER_PASSWORD) == 200
    await admin.post(f"{path}/unlock", status=204)


async def test_nobody_gives_more_than_they_hold(console: "Console") -> None:
    scope = organisation.Scope(operators=frozenset({console.shop.store.operator_id}))
    giver = await _of_own_role(console, "giver", "access.write", "access.read", "orders.read", scope=scope)
    staff_id = await _hire(console, "L3")
    path = f"/staff/{staff_id}"
    body: dict[str, Any] = {"login": "l3", "password": OTHER_PASSWORD}
    for grant in (
        {"role": "brand_admin", "scope": {"operators": [str(console.shop.store.operator_id)]}},
        {"role": "giver", "scope": WHOLE},
    ):
        assert await giver.refused("POST", f"{path}/login", {**body, "grants": [grant]}) == (403, "beyond_own")
    inside = {"role": "giver", "scope": {"stores": [str(console.shop.store.store_id)]}}
    await giver.post(f"{path}/login", {**body, "grants": [inside]}, status=204)
    assert await giver.refused("PUT", f"{path}/grants", {"grants": [{"role": "giver", "scope": WHOLE}]}) == (
        403,
        "beyond_own",
    )
    assert [one["role"] for one in await giver.get(f"{path}/grants")] == ["giver"]
    boss = await console.staff()
    new = {"login": boss.login, "password": OTHER_PASSWORD}
    assert await giver.refused("PUT", f"/staff/{boss.staff_id}/login/password", new) == (403, "beyond_own")
    assert await giver.refused("POST", f"/staff/{boss.staff_id}/login/close") == (403, "beyond_own")
    assert (await boss.get("/me"))["staff"]["staff_id"] == str(boss.staff_id)


async def test_people_out_of_scope_are_not_there(console: "Console") -> None:
    giver = await _of_own_role(
        console,
        "shopgiver",
        "access.write",
        "access.read",
        scope=organisation.Scope(stores=frozenset({console.shop.store.store_id})),
    )
    staff_id = await _hire(console, "L4")
    body = {"login": "l4", "password": OTHER_PASSWORD}
    assert await giver.refused("POST", f"/staff/{staff_id}/login", body) == (404, "out_of_scope")
    assert await giver.refused("GET", f"/staff/{staff_id}/grants") == (404, "out_of_scope")
    assert await giver.refused("GET", "/access/logins") == (403, "needs_whole_brand")
    assert await giver.refused("GET", "/access/keys") == (403, "needs_whole_brand")
    assert await _sign_in(console, "l4", OTHER_PASSWORD) == 401


async def test_a_role_of_the_brand_s_own_is_made_used_and_removed(console: "Console") -> None:
    admin = await console.staff()
    role = {"name_zh": "理货员", "name_en": "Stocker", "permissions": ["inventory.read", "inventory.write"]}
    made = await admin.post("/access/roles/stocker", role, method="PUT")
    assert "stocker" in [one["code"] for one in made]
    unknown = {**role, "permissions": ["inventory.fly"]}
    assert await admin.refused("PUT", "/access/roles/stocker", unknown) == (422, "no_such_permission")
    assert await admin.refused("PUT", "/access/roles/brand_admin", role) == (422, "bad_role")
    stocker = await console.staff("stocker")
    assert (await stocker.get("/me"))["permissions"] == ["inventory.read", "inventory.write"]
    assert await admin.refused("DELETE", "/access/roles/stocker") == (409, "role_in_use")
    await admin.post(f"/staff/{stocker.staff_id}/grants", {"grants": []}, method="PUT")
    assert (await stocker.get("/me"))["permissions"] == []
    await admin.post("/access/roles/stocker", status=204, method="DELETE")
    assert {one["name"] for one in await admin.get("/access/permissions")} == set(access.PERMISSIONS)


async def test_a_key_is_told_once_and_ended(console: "Console") -> None:
    admin = await console.staff()
    body = {"name": "erp", "permissions": ["orders.read"], "scope": WHOLE, "expires_at": "2090-01-01T00:00:00Z"}
    made = await admin.post("/access/keys", body, status=201)
    [listed] = (await admin.get("/access/keys"))["items"]
    assert listed["key_id"] == made["key_id"]
    assert made["secret"] not in str(listed)
    async with console.shop.database.reading(console.shop.tenant) as tx:
        assert (await access.find_key(tx, made["secret"])).permissions == {"orders.read"}
    await admin.post(f"/access/keys/{made['key_id']}", status=204, method="DELETE")
    assert await admin.refused("DELETE", f"/access/keys/{made['key_id']}") == (404, "no_such_key")
    past = {**body, "expires_at": "2020-01-01T00:00:00Z"}
    assert await admin.refused("POST", "/access/keys", past) == (422, "bad_key")
    assert await admin.refused("POST", "/access/keys", {**body, "expires_at": "0001-01-01T00:00:00+14:00"}) == (
        422,
        "bad_date",
    )
