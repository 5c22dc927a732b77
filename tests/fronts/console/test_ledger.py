"""The ledger as staff look at it."""

from typing import TYPE_CHECKING
from uuid import UUID

from midstage.kit.ids import new_id
from shop import open_shop

if TYPE_CHECKING:
    from fronts.conftest import Console

BRAND = str(UUID(int=0))


async def test_what_was_paid_stands_in_the_ledger_and_everything_sums_to_zero(console: "Console") -> None:
    shop = console.shop
    paid = [await shop.pay(await shop.place(n)) for n in (1, 2, 3)]
    auditor = await console.staff("auditor")
    assert await auditor.get("/ledger/trial-balance") == [{"asset": "CNY", "total": 0}]
    named = {"kind": "order_deposits", "owner": BRAND, "asset": "CNY"}
    account = await auditor.get("/ledger/account", **named)
    assert account["amount"] == sum(order.total_minor for order in paid)
    page = await auditor.get("/ledger/entries", **named, limit=2)
    rest = await auditor.get("/ledger/entries", **named, limit=2, after=page["next"])
    amounts = [entry["amount"] for entry in page["items"] + rest["items"]]
    assert amounts == [order.total_minor for order in reversed(paid)]
    assert rest["next"] is None


async def test_an_account_that_was_never_used_has_nothing(console: "Console") -> None:
    auditor = await console.staff("auditor")
    named = {"kind": "points", "owner": str(new_id()), "asset": "points"}
    account = await auditor.get("/ledger/account", **named)
    assert (account["amount"], account["held"], account["free"]) == (0, 0, 0)
    assert (await auditor.get("/ledger/entries", **named))["items"] == []
    assert (await auditor.refused("GET", "/ledger/account?kind=points"))[0] == 400


async def test_the_ledger_is_for_those_who_see_the_whole_brand(console: "Console") -> None:
    manager, auditor = await console.of_store(), await console.of_store(role="auditor")
    account = f"kind=sales&owner={BRAND}&asset=CNY"
    for path in ("/ledger/trial-balance", f"/ledger/account?{account}", f"/ledger/entries?{account}"):
        assert await manager.refused("GET", path) == (403, "not_permitted")
        assert await auditor.refused("GET", path) == (403, "needs_whole_brand")


async def test_another_brand_s_money_is_not_in_it(console: "Console") -> None:
    other = await open_shop(console.shop.database, products=1, stores=1)
    await other.pay(await other.place(1))
    auditor = await console.staff("auditor")
    assert await auditor.get("/ledger/trial-balance") == []
    account = await auditor.get("/ledger/account", kind="order_deposits", owner=BRAND, asset="CNY")
    assert account["amount"] == 0
