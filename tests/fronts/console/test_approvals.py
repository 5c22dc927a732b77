"""Approvals over HTTP: asked for, given in the list or at the same device, and never by the asker."""

from typing import TYPE_CHECKING, Any

from fronts.conftest import PASSWORD
from shop.world import APPROVED

if TYPE_CHECKING:
    from fronts.conftest import Console


def _wish(console: "Console", **more: Any) -> dict[str, Any]:
    wish = {"action": APPROVED, "subject": str(console.shop.store.store_id), "amount_minor": 5_000, "reason": "破损"}
    return {**wish, **more}


async def test_a_request_waits_in_the_list_of_the_store_s_manager_until_it_is_answered(console: "Console") -> None:
    cashier, manager = await console.of_store(role="guide"), await console.of_store()
    other = await console.of_store(1)
    asked = await cashier.post("/approvals", _wish(console), status=201, key="one")
    assert await cashier.post("/approvals", _wish(console), status=201, key="one") == asked
    assert [one["approval_id"] for one in (await manager.get("/approvals/waiting"))["items"]] == [asked["approval_id"]]
    assert (await other.get("/approvals/waiting"))["items"] == []
    assert await other.refused("POST", f"/approvals/{asked['approval_id']}/give") == (404, "out_of_scope")
    assert await cashier.refused("POST", f"/approvals/{asked['approval_id']}/give") == (403, "not_permitted")
    given = await manager.post(f"/approvals/{asked['approval_id']}/give")
    assert (given["state"], given["answered_by"]) == ("given", str(manager.staff_id))
    assert await manager.refused("POST", f"/approvals/{asked['approval_id']}/refuse", {"reason": "不"}) == (
        409,
        "approval_answered",
    )
    assert (await cashier.get(f"/approvals/{asked['approval_id']}"))["state"] == "given"
    assert [one["state"] for one in (await cashier.get("/approvals"))["items"]] == ["given"]
    assert (await manager.get("/approvals/waiting"))["items"] == []


async def test_a_manager_beside_the_cashier_types_a_password_or_a_pin(console: "Console") -> None:
    cashier, manager = await console.of_store(role="guide"), await console.of_store()
    wish = _wish(console, login=manager.login)
    assert await cashier.refused("POST", "/approvals/here", {**wish, "password": "wrong"}) == (403, "approver_wrong")
    assert (await cashier.get("/me"))["session_id"], "the cashier is still signed in"
    given = await cashier.post("/approvals/here", {**wish, "password": PASSWORD}, status=201)
    assert (given["state"], given["way"]) == ("given", "here")
    await manager.post("/me/pin", {"password": PASSWORD, "pin": "735219"}, status=204, method="PUT")
    assert (await cashier.post("/approvals/here", {**wish, "pin": "735219"}, status=201))["state"] == "given"
    await manager.post("/me/pin", status=204, method="DELETE")
    assert await cashier.refused("POST", "/approvals/here", {**wish, "pin": "735219"}) == (403, "approver_wrong")
    own = await manager.refused("POST", "/approvals/here", {**wish, "password": PASSWORD})
    assert own == (403, "own_approval")


async def test_what_may_be_approved_is_listed_and_nothing_else_is_asked_for(console: "Console") -> None:
    cashier = await console.of_store(role="guide")
    assert APPROVED in {one["code"] for one in await cashier.get("/approvals/actions")}
    for changed, refusal in (
        ({"action": "nothing.of_the_kind"}, (422, "no_such_approval_action")),
        ({"subject": "no id"}, (422, "no_approval_subject")),
        ({"subject": str(console.shop.stores[1].store_id)}, (404, "out_of_scope")),
        ({"subject": str(cashier.staff_id)}, (404, "out_of_scope")),
    ):
        assert await cashier.refused("POST", "/approvals", _wish(console, **changed)) == refusal
    assert (await cashier.get("/approvals"))["items"] == []
