"""Orders as staff find, move, refund, place and cash them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import PRICE_MINOR, STOCK_MILLI, Shop, open_shop

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody


async def _paid(shop: Shop, *quantities: int, store: int = 0) -> orders.Order:
    return await shop.pay(await shop.place(*quantities, store_id=shop.stores[store].store_id))


async def _trail(somebody: "Somebody", order_id: object) -> list[dict[str, Any]]:
    return (await somebody.get("/audit", subject_type="order", subject_id=str(order_id)))["items"]


def _wish(shop: Shop, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "till",
        "store_id": str(shop.store.store_id),
        "lines": [{"sku_id": str(shop.skus[0]), "quantity_milli": 2000}],
        "delivery": {"method": "carry_out"},
        **changes,
    }


async def test_orders_are_found_by_store_state_kind_member_and_day(console: "Console") -> None:
    shop = console.shop
    placed = await shop.place(1)
    paid = await _paid(shop, 2)
    far = await _paid(shop, 1, store=1)
    admin = await console.staff()

    async def found(**query: Any) -> set[str]:
        return {row["order_id"] for row in (await admin.get("/orders", **query))["items"]}

    near, away = {str(placed.order.order_id), str(paid.order_id)}, {str(far.order_id)}
    assert await found() == near | away
    assert await found(store_id=str(shop.store.store_id)) == near
    assert await found(state="placed") == {str(placed.order.order_id)}
    assert await found(kind="till") == set()
    assert await found(kind="mall", member_id=str(shop.member.member_id)) == near | away
    assert await found(member_id=str(new_id())) == set()
    today = paid.business_date
    assert await found(**{"from": str(today), "to": str(today)}) == near | away
    assert await found(to=str(today - timedelta(days=1))) == set()
    assert await found(**{"from": str(today + timedelta(days=1))}) == set()
    assert await admin.refused("GET", "/orders?from=0001-01-01") == (422, "bad_date")


async def test_a_list_pages_by_cursor_and_shows_no_address(console: "Console") -> None:
    shop = console.shop
    address = orders.Address("李雷", "+8613800001111", "人民路 1 号")
    for _ in range(3):
        await shop.place(1, delivery=orders.Delivery(orders.Method.DELIVERY, address))
    admin = await console.staff()
    seen: list[str] = []
    page = await admin.get("/orders", limit=2)
    while True:
        assert "delivery" not in page["items"][0]
        seen += [row["order_id"] for row in page["items"]]
        if page["next"] is None:
            break
        page = await admin.get("/orders", limit=2, after=page["next"])
    assert len(seen) == len(set(seen)) == 3


async def test_an_order_shows_its_lines_parts_history_and_money(console: "Console") -> None:
    order = await _paid(console.shop, 2, 1)
    admin = await console.staff()
    sheet = await admin.get(f"/orders/{order.order_id}")
    assert [line["quantity_milli"] for line in sheet["lines"]] == [2000, 1000]
    assert [part["state"] for part in sheet["parts"]] == ["waiting"]
    assert [step["became"] for step in sheet["steps"]] == ["placed", "paid"]
    assert [payment["state"] for payment in sheet["payments"]] == ["paid"]
    assert [tender["amount"]["minor"] for tender in sheet["tenders"]] == [order.total_minor]
    assert sheet["refunds"] == []
    assert await admin.get(f"/orders/by-number/{order.number.lower()}") == sheet
    assert await admin.refused("GET", "/orders/by-number/nothing") == (404, "no_such_order")


async def test_who_has_another_store_sees_and_moves_nothing_of_an_order(console: "Console") -> None:
    shop = console.shop
    order = await _paid(shop, 1)
    manager, other = await console.of_store(0), await console.of_store(1)
    assert (await manager.get(f"/orders/{order.order_id}"))["order"]["number"] == order.number
    assert (await other.get("/orders"))["items"] == []
    assert await other.refused("GET", f"/orders?store_id={shop.store.store_id}") == (404, "out_of_scope")
    assert await other.refused("GET", f"/orders/{order.order_id}") == (404, "out_of_scope")
    assert await other.refused("GET", f"/orders/by-number/{order.number}") == (404, "out_of_scope")
    bodies: dict[str, dict[str, Any]] = {
        "hand-over": {},
        "cancel": {"reason": "x"},
        "refund": {"reason": "x"},
        "payment": {"method": "cash", "amount_minor": order.total_minor},
    }
    for move, body in bodies.items():
        assert await other.refused("POST", f"/orders/{order.order_id}/{move}", body) == (404, "out_of_scope")
    assert await other.refused("POST", "/orders", _wish(shop)) == (404, "out_of_scope")
    assert await shop.order(order.order_id) == order
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 1000


async def test_another_brand_s_order_is_not_there(console: "Console") -> None:
    foreign = await open_shop(console.shop.database, products=1, stores=1)
    order = await _paid(foreign, 1)
    admin = await console.staff()
    assert await admin.refused("GET", f"/orders/{order.order_id}") == (404, "no_such_order")
    assert await admin.refused("GET", f"/orders/by-number/{order.number}") == (404, "no_such_order")
    for move, body in (("hand-over", {}), ("cancel", {"reason": "x"}), ("refund", {"reason": "x"})):
        assert await admin.refused("POST", f"/orders/{order.order_id}/{move}", body) == (404, "no_such_order")
    assert await foreign.order(order.order_id) == order


async def test_goods_are_handed_over_once_and_the_order_is_completed(console: "Console") -> None:
    order = await _paid(console.shop, 3)
    manager, admin = await console.of_store(), await console.staff()
    path = f"/orders/{order.order_id}/hand-over"
    assert await manager.refused("POST", path, {"parts": [7]}) == (422, "no_such_part")
    done = await manager.post(path, {"parts": [1]}, key="leave")
    assert done["order"]["state"] == "completed"
    assert await manager.post(path, {"parts": [1]}, key="leave") == done
    assert await manager.refused("POST", path) == (409, "order_not_movable")
    (entry,) = await _trail(admin, order.order_id)
    assert (entry["action"], entry["by"]["id"]) == ("orders.hand_over", str(manager.staff_id))
    assert (entry["before"]["state"], entry["after"]["state"]) == ("paid", "completed")


async def test_each_location_hands_over_its_own_part(console: "Console") -> None:
    shop = console.shop
    address = orders.Address("李雷", "+8613800001111", "人民路 1 号", 31.2, 121.4)
    delivery = orders.Delivery(orders.Method.DELIVERY, address)
    order = await shop.pay(await shop.place(150, delivery=delivery))
    near, far = await console.of_store(0), await console.of_store(1)
    parts = (await far.get(f"/orders/{order.order_id}"))["parts"]
    mine = {part["location_id"]: part["part_no"] for part in parts}
    theirs = mine[str(inventory.location_of(shop.stores[0].store_id))]
    path = f"/orders/{order.order_id}/hand-over"
    assert await far.refused("POST", path, {"parts": [theirs]}) == (404, "out_of_scope")
    assert await far.refused("POST", f"/orders/{order.order_id}/cancel", {"reason": "x"}) == (404, "out_of_scope")
    half = await far.post(path)
    assert half["order"]["state"] == "paid"
    assert sorted(part["state"] for part in half["parts"]) == ["handed_over", "waiting"]
    assert (await near.post(path))["order"]["state"] == "completed"


async def test_an_order_is_called_off_with_a_reason_and_the_money_goes_back(console: "Console") -> None:
    shop = console.shop
    order = await _paid(shop, 4)
    manager, admin = await console.of_store(), await console.staff()
    path = f"/orders/{order.order_id}/cancel"
    assert (await manager.refused("POST", path))[0] == 400
    gone = await manager.post(path, {"reason": "out of fashion"})
    assert (gone["order"]["state"], gone["order"]["refunded_minor"]) == ("cancelled", order.total_minor)
    assert gone["steps"][-1]["reason"] == "out of fashion"
    assert [refund["amount"]["minor"] for refund in gone["refunds"]] == [order.total_minor]
    assert await shop.free(shop.skus[0]) == STOCK_MILLI
    assert await manager.refused("POST", path, {"reason": "again"}) == (409, "order_not_movable")
    assert [entry["action"] for entry in await _trail(admin, order.order_id)] == ["orders.cancel"]


async def test_lines_are_refunded_to_the_cent_by_those_who_may(console: "Console") -> None:
    order = await _paid(console.shop, 3)
    here = organisation.Scope(stores=frozenset({console.shop.store.store_id}))
    manager, seller = await console.of_store(), await console.staff("franchisee", here)
    path = f"/orders/{order.order_id}/refund"
    one = {"reason": "torn", "lines": [{"line_no": 1, "quantity_milli": 1000}]}
    assert await seller.refused("POST", path, one) == (403, "not_permitted")
    back = await manager.post(path, one, status=201, key="torn")
    assert await manager.post(path, one, status=201, key="torn") == back
    assert (back["amount_minor"], back["sheet"]["order"]["refunded_minor"]) == (PRICE_MINOR, PRICE_MINOR)
    more = {"reason": "torn", "lines": [{"line_no": 1, "quantity_milli": 3000}]}
    assert await manager.refused("POST", path, more) == (409, "more_than_sold")
    rest = await manager.post(path, {"reason": "all of it"}, status=201)
    assert rest["sheet"]["order"]["refunded_minor"] == order.total_minor
    assert await manager.refused("POST", path, {"reason": "more"}) == (409, "nothing_to_refund")


async def test_a_till_sale_is_placed_paid_in_cash_and_carried_out(console: "Console") -> None:
    shop = console.shop
    manager, admin = await console.of_store(), await console.staff()
    wish = _wish(shop, member_id=str(shop.member.member_id))
    placed = await manager.post("/orders", wish, status=201, key="sale")
    assert await manager.post("/orders", wish, status=201, key="sale") == placed
    order = placed["order"]
    assert (order["kind"], order["sales_channel"], order["state"]) == ("till", "till", "placed")
    path = f"/orders/{order['order_id']}/payment"
    short = {"method": "cash", "amount_minor": order["total_minor"] - 1}
    assert await manager.refused("POST", path, short) == (422, "amount_not_due")
    paid = await manager.post(path, {"method": "cash", "amount_minor": order["total_minor"]})
    assert (paid["order"]["state"], paid["tenders"][0]["method"]) == ("paid", "cash")
    assert await manager.refused("POST", path, short) == (409, "order_not_movable")
    assert (await manager.post(f"/orders/{order['order_id']}/hand-over"))["order"]["state"] == "completed"
    actions = [entry["action"] for entry in await _trail(admin, order["order_id"])]
    assert actions == ["orders.hand_over", "orders.take_payment", "orders.place"]
    async with shop.database.reading(shop.tenant) as tx:
        assert await orders.checks(tx) == []


async def test_a_stranger_buys_at_the_till_and_pays_no_other_price_than_was_seen(console: "Console") -> None:
    shop = console.shop
    manager = await console.of_store()
    wrong = _wish(shop, expected_total_minor=1)
    assert await manager.refused("POST", "/orders", wrong) == (409, "total_moved")
    right = _wish(shop, expected_total_minor=2 * PRICE_MINOR)
    assert (await manager.post("/orders", right, status=201))["order"]["member_id"] is None


async def test_a_guide_s_order_is_for_a_member_and_hers(console: "Console") -> None:
    shop = console.shop
    manager = await console.of_store()
    async with shop.database.writing(shop.tenant) as tx:
        near, far = [
            await organisation.place_guide(
                tx, organisation.NewGuide(code=f"G{n}", name="小梅", store_id=shop.stores[n].store_id)
            )
            for n in (0, 1)
        ]
    wish = _wish(shop, kind="guide")
    assert await manager.refused("POST", "/orders", wish) == (422, "member_missing")
    wish["member_id"] = str(shop.member.member_id)
    assert await manager.refused("POST", "/orders", wish) == (422, "guide_missing")
    assert await manager.refused("POST", "/orders", wish | {"guide_id": str(far.guide_id)}) == (404, "out_of_scope")
    admin, hers = await console.staff(), {"guide_id": str(near.guide_id)}
    assert await admin.refused("POST", "/orders", wish | {"guide_id": str(new_id())}) == (404, "no_such_guide")
    nobody = wish | hers | {"member_id": str(new_id())}
    assert await admin.refused("POST", "/orders", nobody) == (404, "no_such_member")
    placed = await manager.post("/orders", wish | hers, status=201)
    assert (placed["order"]["kind"], placed["order"]["guide_id"]) == ("guide", str(near.guide_id))
    assert await shop.free(shop.skus[0]) == STOCK_MILLI - 2000


async def test_a_guide_who_signs_in_places_orders_as_herself(console: "Console") -> None:
    shop = console.shop
    here = organisation.Scope(stores=frozenset({shop.store.store_id}))
    async with shop.database.writing(shop.tenant) as tx:
        role = access.Role("seller", "导购下单", "Seller", frozenset({"orders.read", "orders.write"}))
        await access.put_role(tx, role)
    seller = await console.staff("seller", here)
    async with shop.database.writing(shop.tenant) as tx:
        guide = await organisation.place_guide(
            tx,
            organisation.NewGuide(code="ME", name="小梅", store_id=shop.store.store_id, staff_id=seller.staff_id),
        )
    placed = await seller.post("/orders", _wish(shop, kind="guide", member_id=str(shop.member.member_id)), status=201)
    assert placed["order"]["guide_id"] == str(guide.guide_id)


@pytest.mark.parametrize("role", ["guide", "auditor"])
async def test_who_may_only_look_changes_nothing(console: "Console", role: str) -> None:
    order = await _paid(console.shop, 1)
    looker = await console.staff(role)
    assert (await looker.get(f"/orders/{order.order_id}"))["order"]["state"] == "paid"
    assert await looker.refused("POST", f"/orders/{order.order_id}/cancel", {"reason": "x"}) == (403, "not_permitted")
    assert await console.shop.order(order.order_id) == order
