"""Who is who, as staff see and mend it."""

from typing import TYPE_CHECKING, Any

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

PATH = "/identity"


async def _attach(console: "Console", *given: Identifier) -> identity.Resolution:
    async def work(tx: Tx) -> identity.Resolution:
        return await identity.attach_and_resolve(tx, given, source="test")

    return await console.shop.database.attempt(console.shop.tenant, work)


async def _mall(console: "Console", token: str, path: str) -> Any:
    answer = await console.http.get(
        f"/v1/mall/{console.shop.tenant.code}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _merge(admin: "Somebody", one: object, other: object) -> Any:
    body = {"one_id": str(one), "other_id": str(other), "reason": "本人到店核实"}
    return await admin.post(f"{PATH}/links", body, status=201)


async def test_two_are_merged_by_hand_seen_whole_and_parted_again(console: "Console") -> None:
    admin = await console.staff("brand_operations")
    one = await _attach(console, Identifier(IdentifierKind.PHONE, "+8613911113333"))
    other = await _attach(console, Identifier(IdentifierKind.CARD, "CARD778899"))
    made = await _merge(admin, other.person_id, one.person_id)
    assert (made["cause"], made["undone"], made["by"]["id"]) == ("hand", None, str(admin.staff_id))
    seen = await admin.get(f"{PATH}/persons/{other.person_id}")
    assert (seen["person_id"], seen["merged_ids"]) == (str(one.person_id), [str(other.person_id)])
    assert {each["identifier"]["kind"] for each in seen["identifiers"]} == {"phone", "card"}
    assert "13911113333" not in str(seen)
    assert "CARD778899" not in str(seen)
    assert [each["link_id"] for each in seen["links"]] == [made["link_id"]]
    found = await admin.post(f"{PATH}/persons/find", {"kind": "phone", "value": "139 1111 3333"})
    assert found["person_id"] == str(one.person_id)
    undone = await admin.post(f"{PATH}/links/{made['link_id']}/undo", {"reason": "弄错了"})
    assert undone["undone"]["reason"] == "弄错了"
    assert (await admin.get(f"{PATH}/persons/{other.person_id}"))["person_id"] == str(other.person_id)
    assert await admin.refused("POST", f"{PATH}/links/{made['link_id']}/undo", {"reason": "又一次"}) == (
        409, "merge_undone_already",
    )  # fmt: skip
    assert (await admin.get(f"{PATH}/links"))["items"][0]["link_id"] == made["link_id"]
    console_admin = await console.staff()
    trail = await console_admin.get("/audit", subject_id=str(one.person_id))
    assert {each["action"] for each in trail["items"]} >= {"identity.merge", "identity.undo_merge"}


async def test_a_case_is_listed_and_decided_once(console: "Console") -> None:
    admin = await console.staff()
    unions = [Identifier(IdentifierKind.WECHAT_UNIONID, f"union-{new_id().hex}") for _ in range(2)]
    card = Identifier(IdentifierKind.CARD, "CARD112233")
    await _attach(console, unions[0], card)
    await _attach(console, unions[1])
    [case_id] = (await _attach(console, unions[1], card)).quarantined
    [case] = (await admin.get(f"{PATH}/cases"))["items"]
    assert (case["case_id"], case["why"], case["times"]) == (str(case_id), "identifiers", 1)
    assert "CARD112233" not in str(case)
    done = await admin.post(f"{PATH}/cases/{case_id}/accept", {"reason": "一个人两个微信"})
    assert done["case"]["state"] == "accepted"
    link = await admin.get(f"{PATH}/links/{done['link_id']}")
    assert (link["cause"], link["case_id"]) == ("case", str(case_id))
    assert await admin.refused("POST", f"{PATH}/cases/{case_id}/dismiss", {"reason": "不"}) == (409, "case_closed")
    assert (await admin.get(f"{PATH}/cases"))["items"] == []
    assert len((await admin.get(f"{PATH}/cases", state="accepted"))["items"]) == 1


async def test_a_shared_phone_is_blocked_and_lifted(console: "Console") -> None:
    admin = await console.staff()
    who = await _attach(console, Identifier(IdentifierKind.PHONE, "+8613911114444"))
    body = {"kind": "phone", "value": "13911114444", "reason": "门店公用手机"}
    blocked = await admin.post(f"{PATH}/blocks", body, status=201)
    assert (blocked["person_id"], blocked["link_ids"]) == (str(who.person_id), [])
    assert "13911114444" not in str(await admin.get(f"{PATH}/blocks"))
    assert await admin.refused("POST", f"{PATH}/persons/find", {"kind": "phone", "value": "13911114444"}) == (
        404, "no_such_person",
    )  # fmt: skip
    [hanging] = (await admin.get(f"{PATH}/persons/{who.person_id}"))["identifiers"]
    assert hanging["blocked"]
    block_id = blocked["block"]["block_id"]
    await admin.post(f"{PATH}/blocks/{block_id}/lift", {"reason": "已归还本人"})
    assert (await admin.get(f"{PATH}/blocks"))["items"] == []
    assert await admin.refused("POST", f"{PATH}/blocks/{block_id}/lift", {"reason": "x"}) == (404, "no_such_block")


async def test_a_store_manager_sees_nothing_of_it(console: "Console") -> None:
    manager = await console.of_store()
    assert (await manager.refused("GET", f"{PATH}/links"))[0] == 403
    region = await console.staff("region_manager")
    assert (await region.refused("GET", f"{PATH}/cases"))[0] == 403


async def test_a_shopper_who_was_merged_is_the_same_in_the_mall_and_finds_all_her_orders(console: "Console") -> None:
    """Both memberships stay; a session of either acts as the leading one, and sees the orders of both."""
    admin, shop = await console.staff(), console.shop
    one, other = await shop.new_member(), await shop.new_member()
    token = await shop.token_of(other)
    placed = [await shop.place(1, store_id=shop.stores[0].store_id, member_id=each.member_id) for each in (one, other)]
    assert (await _mall(console, token, "/me"))["member_id"] == str(other.member_id)
    made = await _merge(admin, one.person_id, other.person_id)
    assert (await _mall(console, token, "/me"))["member_id"] == str(one.member_id)
    assert {each["order_id"] for each in (await _mall(console, token, "/orders"))["items"]} == {
        str(each.order.order_id) for each in placed
    }
    for each in placed:
        assert (await _mall(console, token, f"/orders/{each.order.order_id}"))["order_id"] == str(each.order.order_id)
    await admin.post(f"{PATH}/links/{made['link_id']}/undo", {"reason": "弄错了"})
    assert (await _mall(console, token, "/me"))["member_id"] == str(other.member_id)
    assert [each["order_id"] for each in (await _mall(console, token, "/orders"))["items"]] == [
        str(placed[1].order.order_id)
    ]
