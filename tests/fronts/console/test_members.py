"""Members as staff find, see and change them."""

from typing import TYPE_CHECKING, Any

from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

if TYPE_CHECKING:
    from fronts.conftest import Console


async def _member_of(console: "Console", number: int, phone: str) -> members.Member:
    """Somebody of this store, who is called 陈小明."""
    made = await console.shop.new_member(phone)

    async def work(tx: Tx) -> members.Member:
        await members.change_profile(tx, made.member_id, members.ProfileChange(name="陈小明"))
        return await members.bind(
            tx, made.member_id, store_id=console.shop.stores[number].store_id, reason="the test says so"
        )

    return await console.shop.database.attempt(console.shop.tenant, work)


async def _guide_of(console: "Console", number: int, code: str) -> organisation.Guide:
    async def work(tx: Tx) -> organisation.Guide:
        store_id = console.shop.stores[number].store_id
        return await organisation.place_guide(tx, organisation.NewGuide(code=code, name="导购", store_id=store_id))

    return await console.shop.database.attempt(console.shop.tenant, work)


async def _actions(somebody: Any, **subject: str) -> set[str]:
    return {entry["action"] for entry in (await somebody.get("/audit", **subject))["items"]}


async def test_a_list_masks_names_and_one_member_is_seen_whole(console: "Console") -> None:
    admin = await console.staff()
    member = await _member_of(console, 0, "+8613911112222")
    path = f"/members/{member.member_id}"
    [row] = (await admin.get("/members", member_no=member.member_no))["items"]
    assert row["member_id"] == str(member.member_id)
    assert "陈小明" not in str(await admin.get("/members"))
    whole = await admin.get(path)
    assert whole["member"]["name"] == "陈小明"
    assert [one["value"] for one in whole["identifiers"]] == ["+8613911112222"]
    looker = await console.of_store(0, "franchisee")
    assert [one["value"] for one in (await looker.get(path))["identifiers"]] != ["+8613911112222"]


async def test_a_list_is_filtered_by_when_they_joined_and_refuses_what_is_no_day(console: "Console") -> None:
    admin = await console.staff()
    assert len((await admin.get("/members", joined_from="2020-01-01", joined_to="9000-01-01"))["items"]) == 1
    assert (await admin.get("/members", joined_to="2020-01-01"))["items"] == []
    assert await admin.refused("GET", "/members?joined_from=0001-01-01") == (422, "bad_date")
    assert (await admin.refused("GET", "/members?joined_from=yesterday"))[0] == 400


async def test_a_member_of_another_store_is_not_there(console: "Console") -> None:
    mine = await _member_of(console, 0, "+8613911112223")
    other = await _member_of(console, 1, "+8613911112224")
    manager = await console.of_store(0)
    assert [row["member_id"] for row in (await manager.get("/members"))["items"] if row["name"]] == [
        str(mine.member_id)
    ]
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "别人"}),
        ("PUT", "/labels", {"labels": ["vip"]}),
        ("POST", "/level", {"level": "gold", "growth": 1, "reason": "x"}),
        ("POST", "/identifiers", {"kind": "card", "value": "C1"}),
        ("POST", "/bind", {"store_id": str(console.shop.stores[0].store_id), "reason": "x"}),
        ("GET", "/consents/history", None),
    ):
        assert await manager.refused(method, f"/members/{other.member_id}{path}", body) == (404, "out_of_scope")
    asked = {"kind": "phone", "value": "13911112224"}
    assert await manager.refused("POST", "/members/find", asked) == (404, "out_of_scope")
    admin = await console.staff()
    assert (await admin.get(f"/members/{other.member_id}"))["member"]["version"] == other.version


async def test_a_member_is_found_by_phone_and_known_by_a_new_card(console: "Console") -> None:
    admin = await console.staff()
    member = await _member_of(console, 0, "+8613911112225")
    found = await admin.post("/members/find", {"kind": "phone", "value": "139 1111 2225"})
    assert found["member"]["member_id"] == str(member.member_id)
    path = f"/members/{member.member_id}/identifiers"
    known = await admin.post(path, {"kind": "card", "value": "a-77"}, status=201)
    assert len(known) == 2
    by_card = await admin.post("/members/find", {"kind": "card", "value": "A-77"})
    assert by_card["member"]["member_id"] == str(member.member_id)
    left = await admin.post(f"{path}/detach", {"kind": "card", "value": "a-77", "reason": "lost"})
    assert [one["kind"] for one in left] == ["phone"]
    person = str(member.person_id)
    assert await _actions(admin, subject_type="person", subject_id=person) == {"identity.attach", "identity.detach"}


async def test_what_somebody_else_is_known_by_is_not_taken(console: "Console") -> None:
    admin = await console.staff()
    member = await _member_of(console, 0, "+8613911112226")
    other = await _member_of(console, 0, "+8613911112227")
    wish = {"kind": "phone", "value": "13911112227"}
    assert await admin.refused("POST", f"/members/{member.member_id}/identifiers", wish) == (
        409,
        "identifier_of_another",
    )
    found = await admin.post("/members/find", wish)
    assert found["member"]["member_id"] == str(other.member_id)
    bad = {"kind": "phone", "value": "not a phone"}
    assert await admin.refused("POST", f"/members/{member.member_id}/identifiers", bad) == (422, "bad_identifier")


async def test_profile_labels_level_state_and_consents_change_with_a_trail(console: "Console") -> None:
    admin = await console.staff()
    member = await _member_of(console, 0, "+8613911112228")
    path = f"/members/{member.member_id}"
    changed = await admin.post(f"{path}?seen={member.version}", {"gender": "male"}, method="PATCH")
    assert changed["gender"] == "male"
    assert await admin.refused("PATCH", f"{path}?seen={member.version}", {"gender": "other"}) == (409, "member_changed")
    assert await admin.post(f"{path}/labels", {"labels": ["vip", "老客"]}, method="PUT") == ["vip", "老客"]
    assert (await admin.post(f"{path}/level", {"level": "gold", "growth": 6000, "reason": "补升"}))["level"] == "gold"
    unknown = {"level": "none", "growth": 1, "reason": "x"}
    assert await admin.refused("POST", f"{path}/level", unknown) == (422, "no_such_level")
    given = {"purpose": "marketing", "channel": "sms", "given": True, "document": "v1"}
    [consent] = await admin.post(f"{path}/consents", given, method="PUT")
    assert (consent["given"], consent["source"]) == (True, "console")
    [answer] = (await admin.get(f"{path}/consents/history"))["items"]
    assert answer["by_id"] == str(admin.staff_id)
    assert (await admin.post(f"{path}/state", {"state": "frozen", "reason": "核实"}))["state"] == "frozen"
    assert await _actions(admin, subject_type="member", subject_id=str(member.member_id)) >= {
        "members.change_profile",
        "members.write_labels",
        "members.change_level",
        "members.answer_consent",
        "members.change_state",
    }


async def test_a_member_is_bound_within_what_the_asker_sees(console: "Console") -> None:
    member = await _member_of(console, 0, "+8613911112229")
    path = f"/members/{member.member_id}/bind"
    mine, far = await _guide_of(console, 0, "B1"), await _guide_of(console, 1, "B2")
    manager = await console.of_store(0)
    bound = await manager.post(path, {"guide_id": str(mine.guide_id), "reason": "熟客"})
    assert bound["guide_id"] == str(mine.guide_id)
    away = {"store_id": str(console.shop.stores[1].store_id), "reason": "x"}
    assert await manager.refused("POST", path, away) == (404, "out_of_scope")
    hidden = {"store_id": str(console.shop.stores[0].store_id), "guide_id": str(far.guide_id), "reason": "x"}
    assert await manager.refused("POST", path, hidden) == (404, "out_of_scope")
    assert (await manager.get(f"/members/{member.member_id}"))["member"]["guide_id"] == str(mine.guide_id)


async def test_levels_and_profile_fields_are_of_the_whole_brand(console: "Console") -> None:
    admin = await console.staff()
    diamond = {"name_zh": "钻石", "name_en": "Diamond", "rank": 40, "growth_from": 50_000}
    assert (await admin.post("/levels/diamond", diamond, method="PUT"))[-1]["code"] == "diamond"
    assert await admin.refused("PUT", "/levels/second", diamond) == (409, "level_rank_taken")
    field = {"kind": "choice", "name_zh": "尺码", "name_en": "Size", "choices": ["S", "M"], "personal": False}
    assert (await admin.post("/member-fields/size", field, method="PUT"))[0]["code"] == "size"
    assert await admin.refused("PUT", "/member-fields/size", {**field, "kind": "text"}) == (422, "bad_profile")
    manager = await console.of_store(0)
    assert await manager.refused("PUT", "/levels/diamond", diamond) == (403, "needs_whole_brand")
    assert {level["code"] for level in await manager.get("/levels")} >= {"basic", "diamond"}


async def test_a_permission_to_see_changes_nothing(console: "Console") -> None:
    member = await _member_of(console, 0, "+8613911112230")
    looker = await console.of_store(0, "guide")
    assert (await looker.get(f"/members/{member.member_id}"))["member"]["name"] == "陈小明"
    assert await looker.refused("PATCH", f"/members/{member.member_id}", {"name": "改"}) == (403, "not_permitted")
    assert access.PERMISSIONS["members.write"].en
