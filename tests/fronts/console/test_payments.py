"""Merchants, discrepancies, refunds and a provider's day, as staff see and settle them."""

from typing import TYPE_CHECKING

import pytest

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import SECRET_VARIABLE, Shop
from shop.franchise import open_franchise
from shop.provider import BookProvider

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody


@pytest.fixture
def book() -> BookProvider:
    provider = BookProvider()
    payments.register(provider)
    return provider


async def _tell(shop: Shop, placed: orders.PlacedOrder, amount: int) -> None:
    told = shop.notice(placed, amount=amount)

    async def work(tx: Tx) -> None:
        await orders.notice_arrived(tx, told)

    await shop.do(work)


async def _trail(somebody: "Somebody", subject_id: object) -> list[str]:
    return [entry["action"] for entry in (await somebody.get("/audit", subject_id=str(subject_id)))["items"]]


async def test_a_merchant_is_put_with_references_and_paused(console: "Console") -> None:
    admin = await console.staff()
    assert "sandbox" in (await admin.get("/payments/providers"))["names"]
    (own,) = await admin.get("/payments/merchants")
    assert own["secrets"] == {"secret": f"env:{SECRET_VARIABLE}"}
    body = {
        "provider": "sandbox",
        "payee": str((await open_franchise(console.shop, account=False)).payee),
        "fee_millionths": 6000,
        "settings": {"merchant_no": "M2", "base_url": "http://127.0.0.1:9"},
        "secrets": {"secret": f"env:{SECRET_VARIABLE}"},
    }
    made = await admin.post("/payments/merchants", body, method="PUT")
    assert len(await admin.get("/payments/merchants")) == 2
    assert made["fee_millionths"] == 6000
    stranger = body | {"payee": str(new_id())}
    assert await admin.refused("PUT", "/payments/merchants", stranger) == (409, "not_collecting")
    paused = await admin.post(f"/payments/merchants/{made['merchant_id']}/pause")
    assert paused["state"] == "paused"
    typed = body | {"secrets": {"secret": "hunter2"}}
    assert await admin.refused("PUT", "/payments/merchants", typed) == (422, "bad_merchant")
    assert await admin.refused("PUT", "/payments/merchants", body | {"provider": "no"}) == (422, "unknown_provider")
    assert await admin.refused("POST", f"/payments/merchants/{new_id()}/pause") == (404, "no_such_merchant")
    assert await _trail(admin, made["merchant_id"]) == ["payments.merchant_paused", "payments.merchant_put"]


async def test_what_is_of_the_whole_brand_needs_the_whole_brand(console: "Console") -> None:
    franchisee, manager = await console.of_store(role="franchisee"), await console.of_store()
    for path in ("/payments/merchants", "/payments/discrepancies", "/payments/refunds"):
        assert await franchisee.refused("GET", path) == (403, "needs_whole_brand")
        assert await manager.refused("GET", path) == (403, "not_permitted")
    pause = f"/payments/merchants/{console.shop.merchant.merchant_id}/pause"
    assert await franchisee.refused("POST", pause) == (403, "not_permitted")
    assert (await (await console.staff()).get("/payments/merchants"))[0]["state"] == "active"


async def test_another_amount_is_accepted_by_a_person_and_the_order_holds_it(console: "Console") -> None:
    shop = console.shop
    placed = await shop.place(1)
    await _tell(shop, placed, placed.order.total_minor - 100)
    admin = await console.staff()
    (found,) = (await admin.get("/payments/discrepancies", state="open", kind="amount_differs"))["items"]
    path = f"/payments/discrepancies/{found['discrepancy_id']}/accept"
    other = await shop.place(1)
    wrong = {"payment_id": str(other.payment_id), "note": "seen"}
    assert await admin.refused("POST", path, wrong) == (404, "no_such_payment_discrepancy")
    right = {"payment_id": found["payment_id"], "note": "seen"}
    done = await admin.post(path, right, key="accept")
    assert (done["state"], done["note"]) == ("accepted", "seen")
    assert await admin.post(path, right, key="accept") == done
    assert await admin.refused("POST", path, right) == (404, "no_such_payment_discrepancy")
    assert (await shop.order(placed.order.order_id)).paid_minor == placed.order.total_minor - 100
    assert (await admin.get("/payments/discrepancies", state="open"))["items"] == []
    assert await _trail(admin, found["discrepancy_id"]) == ["payments.discrepancy_accepted"]
    async with shop.database.reading(shop.tenant) as tx:
        assert await orders.checks(tx) == []


async def test_a_discrepancy_is_dismissed_with_a_note_and_the_payment_is_open_again(console: "Console") -> None:
    shop = console.shop
    placed = await shop.place(1)
    await _tell(shop, placed, 1)
    admin = await console.staff()
    (found,) = (await admin.get("/payments/discrepancies"))["items"]
    path = f"/payments/discrepancies/{found['discrepancy_id']}/dismiss"
    assert (await admin.refused("POST", path, {"note": ""}))[0] == 400
    assert (await admin.post(path, {"note": "a test of theirs"}))["state"] == "dismissed"
    assert (await shop.pay(placed)).state is orders.State.PAID


async def test_cash_is_given_back_by_the_store_that_took_it(console: "Console") -> None:
    shop = console.shop
    placed = await shop.place(1)
    manager, other, admin = await console.of_store(0), await console.of_store(1), await console.staff()
    path = f"/orders/{placed.order.order_id}"
    await manager.post(f"{path}/payment", {"method": "cash", "amount_minor": placed.order.total_minor})
    sheet = (await manager.post(f"{path}/refund", {"reason": "torn"}, status=201))["sheet"]
    (refund,) = sheet["refunds"]
    assert (refund["by_hand"], refund["state"]) == (True, "requested")
    give = f"/payments/refunds/{refund['refund_id']}/give-back"
    assert await other.refused("POST", give) == (404, "out_of_scope")
    assert (await manager.post(give, key="drawer"))["state"] == "refunded"
    assert (await manager.post(give, key="drawer"))["state"] == "refunded"
    assert await manager.refused("POST", give) == (409, "refund_not_waiting")
    assert [one["refund_id"] for one in (await admin.get("/payments/refunds", state="refunded"))["items"]] == [
        refund["refund_id"]
    ]
    assert await _trail(admin, refund["refund_id"]) == ["payments.given_back_by_hand"]


async def test_the_refunds_of_an_order_are_seen_by_those_who_see_the_order(console: "Console") -> None:
    shop = console.shop
    order = await shop.pay(await shop.place(1))
    manager = await console.of_store()
    await manager.post(f"/orders/{order.order_id}/refund", {"reason": "torn"}, status=201)
    near, far = await console.of_store(0, "franchisee"), await console.of_store(1, "franchisee")
    (refund,) = (await near.get("/payments/refunds", order_id=str(order.order_id)))["items"]
    assert (refund["by_hand"], refund["amount"]["minor"]) == (False, order.total_minor)
    listed = f"/payments/refunds?order_id={order.order_id}"
    assert await far.refused("GET", listed) == (404, "out_of_scope")
    admin = await console.staff()
    assert await admin.refused("GET", f"/payments/refunds?order_id={new_id()}") == (404, "no_such_order")
    give = f"/payments/refunds/{refund['refund_id']}/give-back"
    assert await manager.refused("POST", give) == (409, "refund_not_waiting")
    assert await admin.refused("POST", f"/payments/refunds/{new_id()}/give-back") == (404, "no_such_refund")


async def test_a_day_is_compared_with_the_provider_s(console: "Console", book: BookProvider) -> None:
    admin, auditor = await console.staff(), await console.staff("auditor")
    made = await admin.post("/payments/merchants", {"provider": "book", "settings": {}, "secrets": {}}, method="PUT")
    path, day = f"/payments/merchants/{made['merchant_id']}/reconcile", {"day": "2026-01-02"}
    assert await auditor.refused("POST", path, day) == (403, "not_permitted")
    book.away = True
    assert await admin.refused("POST", path, day) == (503, "provider_unavailable")
    book.away = False
    book.lines = [payments.StatementLine("1" * 32, "", "T1", Money(100, "CNY"), utc_now())]
    compared = await admin.post(path, day)
    assert (compared["matched"], len(compared["found"])) == (0, 1)
    assert compared["day"]["state"] == "differs"
    (found,) = (await admin.get("/payments/differences"))["items"]
    assert (found["kind"], found["theirs_minor"]) == ("missing_here", 100)
    assert (await admin.post(path, day))["found"] == []
    assert await admin.refused("POST", path, {"day": "0001-01-01"}) == (422, "bad_date")
    assert await admin.refused("POST", f"/payments/merchants/{new_id()}/reconcile", day) == (404, "no_such_merchant")
    assert (await _trail(admin, made["merchant_id"]))[:2] == ["payments.reconcile", "payments.reconcile"]
