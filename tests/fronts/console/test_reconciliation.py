"""Days and differences as staff see and settle them, the big ones by two."""

from typing import TYPE_CHECKING, Any

import pytest

from fronts.conftest import PASSWORD
from midstage.kit.clock import utc_now
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.provider import BookProvider

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

DAY = "2026-01-02"


@pytest.fixture
def book() -> BookProvider:
    provider = BookProvider()
    payments.register(provider)
    return provider


def line(payment_no: str, minor: int, *, transaction: str = "") -> payments.StatementLine:
    return payments.StatementLine(payment_no, "", transaction or f"T{payment_no}", Money(minor, "CNY"), utc_now())


async def merchant_of(admin: "Somebody") -> str:
    """An account of the brand at the provider of the test."""
    body: dict[str, Any] = {"provider": "book", "settings": {}, "secrets": {}, "fee_millionths": 0}
    made: dict[str, Any] = await admin.post("/payments/merchants", body, method="PUT")
    return made["merchant_id"]


async def read(admin: "Somebody", merchant_id: str) -> dict[str, Any]:
    """Reconcile the day, and say how it stands."""
    answer: dict[str, Any] = await admin.post(f"/payments/merchants/{merchant_id}/reconcile", {"day": DAY})
    return answer["day"]


async def agrees(shop: Shop) -> None:
    async with shop.database.reading(shop.tenant) as tx:
        assert await orders.checks(tx) == []
        assert await payments.checks(tx) == []


async def test_a_payment_that_nobody_told_is_found_and_booked(console: "Console", book: BookProvider) -> None:
    shop, admin = console.shop, await console.staff()
    placed = await shop.place(1)
    assert placed.payment_id is not None
    merchant_id = await merchant_of(admin)
    book.lines = [line(placed.payment_id.hex, PRICE_MINOR)]
    day = await read(admin, merchant_id)
    assert (day["state"], day["differences"], day["sums"][0]["theirs_minor"]) == ("differs", 1, PRICE_MINOR)
    [found] = (await admin.get("/payments/differences", unresolved=True, day=DAY))["items"]
    path = f"/payments/differences/{found['difference_id']}"
    assert (await admin.get(path))["order_id"] == str(placed.order.order_id)
    done = await admin.post(f"{path}/book", {"note": "对账补记"}, key="once")
    assert await admin.post(f"{path}/book", {"note": "对账补记"}, key="once") == done
    assert [step["verb"] for step in done["steps"]] == ["found", "booked", "stands_no_more"]
    assert await admin.refused("POST", f"{path}/book", {"note": "again"}) == (409, "difference_ended")
    assert (await shop.order(placed.order.order_id)).state is orders.State.PAID
    [row] = (await admin.get("/payments/days", merchant_id=merchant_id))["items"]
    assert (row["state"], row["differences"]) == ("reconciled", 0)
    statement = f"/payments/merchants/{merchant_id}/statement"
    assert await admin.get(statement, day=DAY) == row
    assert await admin.refused("GET", f"{statement}?day=2026-01-03") == (404, "no_such_statement")
    trail = (await admin.get("/audit", subject_id=found["difference_id"]))["items"]
    assert [entry["action"] for entry in trail] == ["payments.difference_booked"]
    await agrees(shop)


async def test_what_is_given_up_beyond_the_limit_takes_somebody_else(console: "Console", book: BookProvider) -> None:
    admin, other = await console.staff(), await console.staff()
    merchant_id = await merchant_of(admin)
    book.lines = [line("of another system", 12_345), line("small", 300)]
    await read(admin, merchant_id)
    small, big = sorted((await admin.get("/payments/differences"))["items"], key=lambda one: one["theirs_minor"])
    path = "/payments/differences"
    done = await admin.post(f"{path}/{small['difference_id']}/write-off", {"note": "小额"})
    assert (done["difference"]["state"], done["difference"]["resolution"]) == ("resolved", "written_off")
    write_off = f"{path}/{big['difference_id']}/write-off"
    assert await admin.refused("POST", write_off, {"note": "大额"}) == (403, "approval_needed")
    wish = {"action": "payments.write_off", "subject": big["difference_id"], "amount_minor": 12_345, "reason": "x"}
    stranger = wish | {"subject": str(new_id())}
    assert await admin.refused("POST", "/approvals", stranger) == (404, "no_such_difference")
    asked = await admin.post("/approvals", wish, status=201)
    not_yet = {"note": "大额", "approval_id": asked["approval_id"]}
    assert await admin.refused("POST", write_off, not_yet) == (403, "approval_needed")
    given = await admin.post("/approvals/here", {**wish, "login": other.login, "password": PASSWORD}, status=201)
    done = await admin.post(write_off, {"note": "大额", "approval_id": given["approval_id"]})
    assert done["difference"]["resolution"] == "written_off"
    assert (await read(admin, merchant_id))["state"] == "reconciled"
    await agrees(console.shop)


async def test_a_difference_waits_is_dismissed_and_opened_again(console: "Console", book: BookProvider) -> None:
    admin = await console.staff()
    merchant_id = await merchant_of(admin)
    book.lines = [line("of another system", 500)]
    await read(admin, merchant_id)
    [found] = (await admin.get("/payments/differences"))["items"]
    path = f"/payments/differences/{found['difference_id']}"
    wait = await admin.post(f"{path}/wait", {"until": "2027-01-01", "note": "已询问"})
    assert (wait["difference"]["state"], wait["difference"]["wait_until"]) == ("waiting", "2027-01-01")
    assert await admin.refused("POST", f"{path}/wait", {"until": "0001-01-01", "note": "x"}) == (422, "bad_date")
    assert await admin.refused("POST", f"{path}/fee", {"note": "x"}) == (409, "not_so_resolved")
    assert await admin.refused("POST", f"{path}/give-back", {"note": "x"}) == (409, "not_so_resolved")
    assert (await admin.refused("POST", f"{path}/dismiss", {"note": ""}))[0] == 400
    assert (await admin.post(f"{path}/dismiss", {"note": "旧系统"}))["difference"]["state"] == "resolved"
    assert (await admin.post(f"{path}/reopen", {"note": "是我们的"}))["difference"]["state"] == "open"
    assert await admin.refused("POST", f"{path}/reopen", {"note": "again"}) == (409, "difference_ended")
    await agrees(console.shop)


async def test_days_and_differences_are_exported(console: "Console", book: BookProvider) -> None:
    admin = await console.staff()
    merchant_id = await merchant_of(admin)
    book.lines = [line("=1+1", 500)]
    await read(admin, merchant_id)
    days = (await admin.call("GET", "/exports/reconciliation")).text.splitlines()
    assert days[0].lstrip("\ufeff").startswith("merchant_id,provider,payee,day,state,currency,ours_minor,theirs_minor")
    assert days[1].split(",")[3:8] == [DAY, "differs", "CNY", "0", "500"]
    found = (await admin.call("GET", "/exports/differences", params={"kind": "missing_here"})).text.splitlines()
    assert len(found) == 2
    assert ",missing_here,open,,T=1+1," in found[1]
    assert len((await admin.call("GET", "/exports/differences", params={"kind": "duplicate"})).text.splitlines()) == 1


async def test_it_is_of_the_whole_brand(console: "Console") -> None:
    franchisee, auditor = await console.of_store(role="franchisee"), await console.staff("auditor")
    for path in ("/payments/days", "/payments/differences", "/exports/differences", "/exports/reconciliation"):
        assert await franchisee.refused("GET", path) == (403, "needs_whole_brand")
        assert (await auditor.call("GET", path)).status_code == 200
    dismiss = f"/payments/differences/{new_id()}/dismiss"
    assert await auditor.refused("POST", dismiss, {"note": "x"}) == (403, "not_permitted")
