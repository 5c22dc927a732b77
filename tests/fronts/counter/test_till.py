"""The counter over HTTP: who may sell where, once for a key, and what a blind count does not tell."""

from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from fronts.conftest import Console, Somebody
from midstage.kit.ids import new_id
from shop import PRICE_MINOR
from shop.till import FLOAT_MINOR, TillShop, offline_sale, open_till_shop


@pytest_asyncio.fixture(loop_scope="session")
async def counter(console: Console) -> TillShop:
    return await open_till_shop(console.shop)


async def ask(
    who: Somebody, method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key or str(new_id()), "Accept-Language": "en"}
    given = {} if body is None else {"json": body}
    return await who.http.request(method, f"/v1/counter{path}", headers=headers, params=query, **given)


def sale(counter: TillShop, **more: Any) -> dict[str, Any]:
    lines = [{"barcode": counter.barcodes[0]}]
    return {"till_id": str(counter.till.till_id), "lines": lines, "tenders": [{"method": "cash"}], **more}


async def test_a_sale_sent_again_is_one_sale(console: Console, counter: TillShop) -> None:
    cashier = await console.of_store(role="guide")
    key = str(new_id())
    first = await ask(cashier, "POST", "/sales", sale(counter), key=key)
    second = await ask(cashier, "POST", "/sales", sale(counter), key=key)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert await counter.stock(counter.shop.skus[0]) == 99_000
    other = await ask(cashier, "POST", "/sales", sale(counter, note="another"), key=key)
    assert other.status_code == 409


async def test_a_cashier_of_another_store_does_not_see_the_till(console: Console, counter: TillShop) -> None:
    stranger = await console.of_store(1)
    for method, path, body in (
        ("POST", "/sales", sale(counter)),
        ("POST", f"/shifts/{counter.shift.shift_id}/close", {"counted_minor": 0}),
        ("GET", f"/shifts/{counter.shift.shift_id}", None),
    ):
        answer = await ask(stranger, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "out_of_scope")
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR


async def test_who_counts_blind_is_told_afterwards(console: Console, counter: TillShop) -> None:
    guide, manager = await console.of_store(role="guide"), await console.of_store()
    await ask(guide, "POST", "/sales", sale(counter))
    path = f"/shifts/{counter.shift.shift_id}"
    blind = (await ask(guide, "GET", path)).json()
    assert (blind["drawer_minor"], blind["methods"]) == (None, [])
    assert (await ask(manager, "GET", path)).json()["drawer_minor"] == FLOAT_MINOR + PRICE_MINOR
    refused = await ask(guide, "POST", f"{path}/close", {"counted_minor": 0})
    assert refused.json()["code"] == "not_your_drawer"
    closed = await ask(manager, "POST", f"{path}/close", {"counted_minor": FLOAT_MINOR + PRICE_MINOR})
    assert (closed.json()["difference_minor"], closed.json()["agrees"]) == (0, True)


async def test_a_member_is_found_by_the_code_on_her_phone(console: Console, counter: TillShop) -> None:
    cashier = await console.of_store()
    address = f"/v1/mall/{console.shop.tenant.code}/me/code"
    shown = await console.http.get(address, headers={"Authorization": f"Bearer {console.shop.token}"})
    found = await ask(
        cashier, "POST", "/members/find", {"till_id": str(counter.till.till_id), "code": shown.json()["code"]}
    )
    assert (found.status_code, found.json()["proven"]) == (200, True)
    assert found.json()["member_id"] == str(console.shop.member.member_id)
    by_number = {"till_id": str(counter.till.till_id), "code": console.shop.member.member_no}
    assert (await ask(cashier, "POST", "/members/find", by_number)).json()["proven"] is False
    both = {**by_number, "phone": "13912345670"}
    assert (await ask(cashier, "POST", "/members/find", both)).json()["code"] == "one_of_them"


async def test_who_joins_is_bound_to_the_store_and_agreed(console: Console, counter: TillShop) -> None:
    cashier = await console.of_store()
    wish = {"till_id": str(counter.till.till_id), "phone": "13712345670", "agrees": False}
    assert (await ask(cashier, "POST", "/members", wish)).json()["code"] == "consent_missing"
    joined = (await ask(cashier, "POST", "/members", {**wish, "agrees": True, "name": "王小美"})).json()
    assert (joined["joined"], joined["store_id"]) == (True, str(counter.shop.store.store_id))
    assert joined["name"] != "王小美"
    again = (await ask(cashier, "POST", "/members", {**wish, "agrees": True})).json()
    assert (again["joined"], again["member_id"]) == (False, joined["member_id"])


async def test_offline_sales_are_answered_one_by_one(console: Console, counter: TillShop) -> None:
    cashier = await console.of_store(role="guide")
    line = {"barcode": counter.barcodes[0], "quantity_milli": 1000, "total_minor": 100}
    plain = offline_sale(counter.barcodes[0])
    told = {
        "device_sale_id": plain.device_sale_id,
        "sequence": 1,
        "device_at": plain.device_at.isoformat(),
        "lines": [line],
        "tenders": [{"method": "cash"}],
    }
    bad = {**told, "device_sale_id": "x", "lines": [{**line, "barcode": "nothing"}]}
    body = {"till_id": str(counter.till.till_id), "sales": [told, bad]}
    answer = await ask(cashier, "POST", "/offline", body)
    assert [one["fate"] for one in answer.json()["sales"]] == ["booked", "refused"]
    manager = await console.of_store()
    [waiting] = (await ask(manager, "GET", "/offline/refused")).json()["items"]
    assert (await ask(cashier, "GET", "/offline/refused")).status_code == 403
    gone = await ask(manager, "POST", f"/offline/refused/{UUID(waiting['refused_id'])}/dismiss", {"note": "a test"})
    assert gone.status_code == 204
    assert (await ask(manager, "GET", "/offline/refused")).json()["items"] == []
