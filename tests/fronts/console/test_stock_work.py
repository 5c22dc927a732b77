"""Transfers, counts, deliveries, alarms and values as staff of the two ends see and do them."""

from typing import TYPE_CHECKING, Any

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation
from shop import STOCK_MILLI

if TYPE_CHECKING:
    from fronts.conftest import Console

SUPPLY_MINOR = 6_000


def _lines(sku_id: object, **more: Any) -> list[dict[str, Any]]:
    return [{"sku_id": str(sku_id), **more}]


async def _price(console: "Console") -> None:
    """Give every sku a supply price."""
    shop = console.shop
    admin = await console.staff()
    prices = [
        {"sku_id": str(sku), "list_minor": 12_800, "supply_minor": SUPPLY_MINOR, "currency": "CNY"} for sku in shop.skus
    ]
    await admin.post("/base-prices", {"prices": prices}, method="PUT")


async def _ask(console: "Console", somebody: Any, milli: int = 4_000) -> dict[str, Any]:
    giver, taker = (str(store.store_id) for store in console.shop.stores)
    body = {"from_store_id": giver, "to_store_id": taker, "lines": _lines(console.shop.skus[0], milli=milli)}
    return await somebody.post("/transfers", body, status=201)


async def test_each_end_of_a_transfer_does_its_own_part(console: "Console") -> None:
    await _price(console)
    giver, taker = await console.of_store(0), await console.of_store(1)
    asked = await _ask(console, taker)
    path = f"/transfers/{asked['transfer_id']}"
    assert await taker.refused("POST", f"{path}/approve", {"version": 1}) == (404, "out_of_scope")
    await giver.post(f"{path}/approve", {"version": 1})
    assert await taker.refused("POST", f"{path}/send", {"version": 2}) == (404, "out_of_scope")
    sent = await giver.post(f"{path}/send", {"version": 2}, key="send")
    assert await giver.post(f"{path}/send", {"version": 2}, key="send") == sent
    assert await giver.refused("POST", f"{path}/receive", {"version": 3}) == (404, "out_of_scope")
    assert await taker.refused("POST", f"{path}/receive", {"version": 2}) == (409, "transfer_changed_meanwhile")
    done = await taker.post(f"{path}/receive", {"version": 3})
    assert (done["state"], done["currency"]) == ("closed", "CNY")
    [line] = (await taker.get(f"{path}/lines"))["items"]
    assert (line["received_milli"], line["sent_minor"]) == (4_000, 4 * SUPPLY_MINOR)
    seen = await giver.get(path)
    assert [step["action"] for step in seen["steps"]] == ["ask", "approve", "send", "receive"]
    assert seen["steps"][2]["by_id"] == str(giver.staff_id)
    guide = await console.of_store(1, "guide")
    [line] = (await guide.get(f"{path}/lines"))["items"]
    assert line["sent_minor"] is None, "what things cost is not for everybody"


async def test_a_transfer_comes_as_a_file_whole_or_not_at_all(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    ends = {"from_store_id": str(shop.stores[0].store_id), "to_store_id": str(shop.stores[1].store_id)}
    good = "sku_code,quantity\nP0-M,2.5\nP1-M,1\n"
    headers = {"Content-Type": "text/csv"}
    for bad in (good + "P9-M,1\n", good + "P0-M,1\n", good + "P2-M,x\n", good + "P2-M,0\n"):
        answer = await admin.call("POST", "/transfers/from-file", params=ends, content=bad, headers=headers)
        problem = answer.json()
        assert (problem["code"], problem["figures"]["line"]) == ("transfer_file_wrong", 4)
    assert (await admin.get("/transfers"))["items"] == []
    answer = await admin.call("POST", "/transfers/from-file", params=ends, content=good, headers=headers)
    assert answer.status_code == 201, answer.text
    lines = (await admin.get(f"/transfers/{answer.json()['transfer_id']}/lines"))["items"]
    assert sorted(line["asked_milli"] for line in lines) == [1_000, 2_500]


async def test_between_operators_the_policy_and_the_giver_decide(console: "Console") -> None:
    await _price(console)
    shop = console.shop
    admin, taker = await console.staff(), await console.of_store(1)

    async def part(tx: Tx) -> organisation.OperatorId:
        made = await organisation.create_operator(
            tx, organisation.NewOperator(code="other", name="另一家", kind=organisation.OperatorKind.FRANCHISEE)
        )
        store = shop.stores[1]
        await inventory.place_locations(
            tx, [inventory.Location(inventory.location_of(store.store_id), store.kind, made.operator_id, store.place)]
        )
        return made.operator_id

    theirs = await shop.do(part)
    body = {
        "from_store_id": str(shop.stores[0].store_id),
        "to_store_id": str(shop.stores[1].store_id),
        "lines": _lines(shop.skus[0], milli=4_000),
    }
    assert await taker.refused("POST", "/transfers", body) == (403, "transfer_between_operators")

    async def allow(tx: Tx) -> None:
        holder = organisation.Holder(organisation.Level.STORE, shop.store.store_id)
        await organisation.choose(tx, "transfers", holder, {"between": "any_with_consent", "approval": False})

    await shop.do(allow)
    asked = await taker.post("/transfers", body, status=201)
    assert asked["state"] == "asked", "without the giver's consent nothing goes to another operator"
    path = f"/transfers/{asked['transfer_id']}"
    await admin.post(f"{path}/approve", {"version": 1})
    await admin.post(f"{path}/send", {"version": 2})

    async def receive(tx: Tx) -> list[Any]:
        await inventory.receive_transfer(tx, inventory.TransferId(asked_id), version=3)
        return [fact for fact, _ in tx.told if type(fact).__name__ == "StockChangedOwner"]

    asked_id = (await admin.get(path))["transfer"]["transfer_id"]
    [told] = await shop.do(receive)
    assert (str(told.from_operator_id), told.to_operator_id) == (str(shop.store.operator_id), theirs)
    assert (told.milli, told.values_minor, told.currency) == ([4_000], [4 * SUPPLY_MINOR], "CNY")
    while (await admin.post("/stock/value/refresh"))["rows"]:
        pass
    worth = {row["id"]: row["value_minor"] for row in await admin.get("/stock/value", by="operator")}
    whole = STOCK_MILLI // 1000 * len(shop.skus) * SUPPLY_MINOR
    assert worth[str(theirs)] == whole + 4 * SUPPLY_MINOR
    assert worth[str(shop.store.operator_id)] == whole - 4 * SUPPLY_MINOR


async def test_who_counts_blind_does_not_see_the_book(console: "Console") -> None:
    await _price(console)
    shop = console.shop
    manager, guide = await console.of_store(), await console.of_store(role="guide")
    opened = await manager.post(
        "/counts", {"store_id": str(shop.store.store_id), "kind": "full", "blind": True}, status=201
    )
    path = f"/counts/{opened['count_id']}"
    entry = {"entries": _lines(shop.skus[0], milli=STOCK_MILLI - 3_000), "device": "pda-1"}
    await guide.post(f"{path}/entries", entry, status=204)
    await guide.post(f"{path}/entries", {"entries": _lines(shop.skus[0], milli=1_000)}, status=204)
    hidden = (await guide.get(f"{path}/lines"))["items"]
    assert {line["book_milli"] for line in hidden} == {None}
    shown = (await manager.get(f"{path}/lines"))["items"]
    assert {line["book_milli"] for line in shown} == {STOCK_MILLI}
    assert await guide.refused("POST", f"{path}/finish", {"version": 1}) == (403, "not_permitted")
    done = await manager.post(f"{path}/finish", {"version": 1})
    assert (done["loss_minor"], done["gain_minor"], done["currency"]) == (2 * SUPPLY_MINOR, 0, "CNY")
    assert {line["difference_milli"] for line in (await guide.get(f"{path}/lines"))["items"]} == {None}
    assert (await guide.get(path))["count"]["loss_minor"] is None
    [line] = (await manager.get(f"{path}/lines", different="true"))["items"]
    assert (line["difference_milli"], line["value_minor"]) == (-2_000, -2 * SUPPLY_MINOR)
    await manager.post(f"{path}/approve", {"version": 2})
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 2_000


async def test_a_count_by_category_takes_what_lies_beneath_it(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    place = {"store_id": str(shop.store.store_id), "kind": "category"}
    opened = await admin.post("/counts", {**place, "category_ids": [str(shop.category)]}, status=201)
    lines = (await admin.get(f"/counts/{opened['count_id']}/lines"))["items"]
    assert {line["sku_id"] for line in lines} == {str(sku) for sku in shop.skus}
    assert await admin.refused("POST", "/counts", place) == (422, "count_empty")
    assert await admin.refused("POST", "/counts", {**place, "category_ids": [str(new_id())]}) == (422, "count_empty")


async def test_beyond_its_limit_a_change_by_hand_takes_a_managers_approval(console: "Console") -> None:
    await _price(console)
    shop = console.shop
    admin, mine, chief = await console.staff(), await console.of_store(), await console.of_store()
    limit = {"name_zh": "失窃", "name_en": "Stolen", "approval_above_minor": SUPPLY_MINOR}
    assert await mine.refused("PUT", "/stock/reasons/theft", limit) == (403, "needs_whole_brand")
    await admin.post("/stock/reasons/theft", limit, method="PUT")
    path = f"/stock/{shop.store.store_id}/adjust"
    body = {"lines": _lines(shop.skus[0], delta_milli=-2_000), "reason": "gone", "code": "theft"}
    assert await mine.refused("POST", path, body) == (403, "approval_needed")

    async def approve(tx: Tx) -> access.ApprovalId:
        asker, giver = await access.find_session(tx, mine.token), await access.find_session(tx, chief.token)
        subject, amount = str(shop.store.store_id), 2 * SUPPLY_MINOR
        made = await access.ask_approval(tx, action="inventory.adjust", subject=subject, amount_minor=amount, by=asker)
        return (await access.give_approval(tx, made.approval_id, by=giver)).approval_id

    given = str(await shop.do(approve))
    await mine.post(path, {**body, "approval_id": given})
    assert await mine.refused("POST", path, {**body, "approval_id": given}) == (403, "approval_needed")
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 2_000
    [done] = (await mine.get("/stock/adjustments"))["items"]
    assert (done["code"], done["value_minor"], done["by_id"]) == ("theft", -2 * SUPPLY_MINOR, str(mine.staff_id))
    assert done["approval_id"] == given


async def test_a_delivery_is_received_by_its_own_store(console: "Console") -> None:
    shop = console.shop
    mine, other = await console.of_store(0), await console.of_store(1)
    body = {
        "store_id": str(shop.store.store_id),
        "supplier": "棉纺一厂",
        "lines": _lines(shop.skus[0], milli=10_000, supply_minor=7_000),
        "due_on": "2030-01-31",
    }
    assert await other.refused("POST", "/deliveries", body) == (404, "out_of_scope")
    made = await mine.post("/deliveries", body, status=201)
    assert (made["currency"], made["state"]) == ("CNY", "expected")
    path = f"/deliveries/{made['delivery_id']}"
    assert (await other.get("/deliveries"))["items"] == []
    assert await other.refused("GET", path) == (404, "out_of_scope")
    much = {"version": 1, "lines": _lines(shop.skus[0], milli=10_001)}
    assert await mine.refused("POST", f"{path}/receive", much) == (409, "delivered_too_much")
    part = {"version": 1, "lines": _lines(shop.skus[0], milli=8_000, refused_milli=1_000)}
    assert (await mine.post(f"{path}/receive", part))["state"] == "part"
    done = await mine.post(f"{path}/receive", {"version": 2, "lines": [], "final": True})
    assert done["state"] == "received"
    assert await shop.free(shop.skus[0]) == STOCK_MILLI + 8_000
    [line] = (await mine.get(f"{path}/lines"))["items"]
    assert (line["refused_milli"], line["off_milli"], line["received_minor"]) == (1_000, 1_000, 56_000)


async def test_low_stock_is_listed_with_who_could_give_and_put_off(console: "Console") -> None:
    shop = console.shop
    admin, mine, other = await console.staff(), await console.of_store(0), await console.of_store(1)
    path = f"/stock/{shop.store.store_id}/alarm-levels"
    levels = {"levels": _lines(shop.skus[0], min_milli=STOCK_MILLI + 1_000)}
    assert await other.refused("PUT", path, levels) == (404, "out_of_scope")
    await mine.post(path, levels, method="PUT", status=204)
    [low] = (await mine.get("/stock/alarms"))["items"]
    assert (await other.get("/stock/alarms"))["items"] == []
    assert low["suggested_milli"] == STOCK_MILLI + 2_000
    seen = await admin.get(f"/stock/alarms/{low['alarm_id']}")
    assert [one["location_id"] for one in seen["sources"]] == [str(shop.stores[1].store_id)]
    assert (await mine.get(f"/stock/alarms/{low['alarm_id']}"))["sources"] == [], (
        "a store that is not seen is not shown"
    )
    late = {"until": "2020-01-01T00:00:00Z"}
    assert await mine.refused("POST", f"/stock/alarms/{low['alarm_id']}/snooze", late) == (422, "snooze_wrong")
    assert (await mine.get(path))["items"] == _lines(shop.skus[0], min_milli=STOCK_MILLI + 1_000)


async def test_what_stock_is_worth_is_exported_by_store_and_sku(console: "Console") -> None:
    await _price(console)
    shop = console.shop
    admin, mine, guide = await console.staff(), await console.of_store(), await console.of_store(role="guide")
    while (await admin.post("/stock/value/refresh"))["rows"]:
        pass
    each = STOCK_MILLI // 1000 * SUPPLY_MINOR
    assert sum(row["value_minor"] for row in await admin.get("/stock/value")) == 2 * len(shop.skus) * each
    [own] = await mine.get("/stock/value", by="category")
    assert (own["id"], own["value_minor"]) == (str(shop.category), len(shop.skus) * each)
    assert await guide.refused("GET", "/stock/value") == (403, "not_permitted")
    assert await mine.refused("GET", f"/stock/value?store_id={shop.stores[1].store_id}") == (404, "out_of_scope")
    before = await admin.get("/stock/value", on="2020-01-01")
    assert {row["value_minor"] for row in before} <= {0}
    rows = (await mine.call("GET", "/exports/stock-value")).text.splitlines()
    assert len(rows) == len(shop.skus) + 1
    assert rows[1].split(",")[1:6] == ["S0", "P0-M", "100.000", "6000.00", "CNY"]


async def test_a_discrepancy_is_adjusted_recounted_or_accepted(console: "Console") -> None:
    shop = console.shop
    mine = await console.of_store()

    async def oversell(tx: Tx) -> None:
        for sku in shop.skus[:3]:
            await inventory.sell_through(tx, shop.location, {sku: STOCK_MILLI + 2_000}, reference=new_id())

    await shop.do(oversell)
    found = (await mine.get("/stock/discrepancies", kind="sold"))["items"]
    paths = {one["sku_id"]: f"/stock/discrepancies/{one['discrepancy_id']}" for one in found}
    first, second, third = (paths[str(sku)] for sku in shop.skus[:3])
    wrong = {"how": "adjusted", "note": "found"}
    assert await mine.refused("POST", f"{first}/resolve", wrong) == (422, "resolution_unfit")
    done = await mine.post(f"{first}/resolve", {**wrong, "delta_milli": 2_000, "code": "found"})
    assert done["resolution"] == "adjusted"
    waiting = await mine.post(f"{second}/resolve", {"how": "recounted", "note": "look"})
    assert (waiting["settled_at"], waiting["count_id"] is not None) == (None, True)
    await mine.post(f"{third}/resolve", {"how": "accepted", "note": "a gift"})
    assert [one["sku_id"] for one in (await mine.get("/stock/discrepancies"))["items"]] == [str(shop.skus[1])]
    assert [step["action"] for step in (await mine.get(first))["steps"]] == ["adjusted"]
    assert (await mine.get("/stock", sku_id=str(shop.skus[0])))["items"][0]["on_hand_milli"] == 0
