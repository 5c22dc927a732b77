"""Prices, quantities and fields that nobody may set: what a request says beyond what it may say."""

import asyncio
import json
from typing import Any

import pytest_asyncio

from attacks.scene import Scene, attack
from fronts.conftest import Somebody
from midstage.fronts._http.calls import KEY_HEADER
from midstage.kit.ids import new_id
from shop import PRICE_MINOR
from shop.till import TillShop, offline_sale, open_till_shop

HUGE = 10**18


@pytest_asyncio.fixture(loop_scope="session")
async def counter(scene: Scene) -> TillShop:
    return await open_till_shop(scene.shop)


def _checkout(scene: Scene, **more: Any) -> dict[str, Any]:
    line = {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 1000}
    return {
        "lines": [line],
        "delivery": {"method": "pick_up"},
        "store_id": str(scene.shop.store.store_id),
        **more,
    }


@attack(
    "fields that a shopper may not set: price, total, state, member, brand, coupon, discount, points",
    "400 body_unreadable",
)
async def test_mass_assignment_at_checkout(scene: Scene) -> None:
    member, _ = await scene.other_shopper()
    more: list[dict[str, Any]] = [
        {"total_minor": 1},
        {"unit_minor": 1},
        {"price_minor": 1},
        {"discount_minor": PRICE_MINOR},
        {"coupon": "FREE"},
        {"coupons": ["FREE", "FREE"]},
        {"points": HUGE},
        {"state": "paid"},
        {"paid_minor": PRICE_MINOR},
        {"member_id": str(member.member_id)},
        {"brand": 1},
        {"brand_id": 1},
        {"order_id": str(new_id())},
        {"kind": "till"},
        {"__proto__": {"admin": True}},
        {"constructor": {"prototype": {}}},
        {"__class__": "Order"},
    ]
    lines = [
        {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 1000, "unit_minor": 1},
        {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 1000, "total_minor": 0},
        {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 1000, "tax_rate_millionths": 0},
    ]
    async with scene.unchanged():
        for one in (*more, *({"lines": [line]} for line in lines)):
            await scene.refused("POST", f"{scene.mall}/orders", token=scene.shop.token, json=_checkout(scene, **one))


@attack("a lower total than the shop's, told as the one that was shown", "409 total_moved")
async def test_a_total_of_one_s_own(scene: Scene) -> None:
    async with scene.unchanged():
        for total in (0, 1, -PRICE_MINOR, PRICE_MINOR - 1, 2**62):
            body = _checkout(scene, expected_total_minor=total)
            await scene.refused("POST", f"{scene.mall}/orders", token=scene.shop.token, json=body)


@attack(
    "quantities: negative, none, huge, fractions, exponents, not numbers, digits of other scripts",
    "400 body_unreadable",
    "409 stock_short",
    "422 quantity_unsellable",
)
async def test_quantities(scene: Scene) -> None:
    sku = str(scene.shop.skus[0])
    written = [
        "-1000", "0", "-0", "1", "999", "1000.5", "1e3", "1E+3", "1e999", "NaN", "Infinity", "-Infinity", "true", "null",
        '"1000"', '"１０００"', '"١٠٠٠"', "[1000]", '{"$gt":0}', "0x3e8", "01000", "9" * 30, "9" * 5000, str(HUGE), str(2**63), "100001000",
    ]  # fmt: skip
    path = f"{scene.mall}/orders"
    async with scene.unchanged():
        for number in written:
            body = json.dumps(_checkout(scene)).replace('"quantity_milli": 1000', f'"quantity_milli": {number}')
            headers = {"Content-Type": "application/json"}
            await scene.refused("POST", path, token=scene.shop.token, content=body, headers=headers)
            line = f'{{"quantity_milli": {number}}}'
            answer = await scene.ask(
                "PUT", f"{scene.mall}/cart/lines/{sku}", token=scene.shop.token, content=line, headers=headers
            )
            if answer.status_code == 200:
                assert int(number) > 0, f"a cart holds what can be wanted, not {number}"
                gone = await scene.ask("DELETE", f"{scene.mall}/cart/lines/{sku}", token=scene.shop.token)
                assert gone.status_code < 300


@attack("one sku in two lines, so that each is looked at alone", "409 stock_short", "422 sku_twice")
async def test_one_sku_in_two_lines(scene: Scene) -> None:
    line = {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 60_000}
    body = _checkout(scene, lines=[line, line])
    over = _checkout(scene, lines=[{**line, "quantity_milli": 101_000}])
    async with scene.unchanged():
        for one in (body, over):
            await scene.refused("POST", f"{scene.mall}/orders", token=scene.shop.token, json=one)


@attack(
    "fields of a member that she may not set: level, growth, points, number, labels",
    "400 body_unreadable",
    "422 bad_profile",
)
async def test_mass_assignment_of_a_profile(scene: Scene) -> None:
    async with scene.unchanged():
        for field, value in (
            ("level", "diamond"),
            ("growth", HUGE),
            ("points", HUGE),
            ("member_no", "1"),
            ("person_id", str(new_id())),
            ("state", "active"),
            ("labels", ["vip"]),
            ("version", 99),
            ("__proto__", {"level": "diamond"}),
            ("extra", {"__proto__": "x"}),
            ("extra", {"constructor": "x"}),
        ):
            await scene.refused("PATCH", f"{scene.mall}/me", token=scene.shop.token, json={field: value})


@attack(
    "a refund of more than was bought, of no line, of a negative piece, for a price of one's own",
    "400 body_unreadable",
    "409 more_than_sold",
)
async def test_a_refund_of_more(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    await scene.shop.pay(placed)
    staff = await scene.console.of_store()
    path = f"/orders/{placed.order.order_id}/refund"
    async with scene.unchanged():
        for line in (
            {"line_no": 1, "quantity_milli": 2000},
            {"line_no": 1, "quantity_milli": -1000},
            {"line_no": 1, "quantity_milli": 0},
            {"line_no": 1, "quantity_milli": 1000, "amount_minor": HUGE},
            {"line_no": 99, "quantity_milli": 1000},
            {"line_no": -1, "quantity_milli": 1000},
        ):
            scene.note(await staff.call("POST", path, json={"lines": [line], "reason": "x"}))


@attack(
    "prices and discounts of one's own at the till",
    "400 body_unreadable",
    "409 total_moved",
    "422 tenders_do_not_add_up",
)
async def test_prices_at_the_till(scene: Scene, counter: TillShop) -> None:
    cashier = await scene.console.of_store(role="guide")
    line = {"barcode": counter.barcodes[0]}
    till = {"till_id": str(counter.till.till_id), "lines": [line], "tenders": [{"method": "cash"}]}
    async with scene.unchanged():
        for more in (
            {"lines": [{**line, "unit_minor": 1}]},
            {"lines": [{**line, "total_minor": 1}]},
            {"lines": [{**line, "discount_minor": 100}]},
            {"lines": [{**line, "quantity_milli": -1000}]},
            {"total_minor": 1},
            {"business_date": "2020-01-01"},
            {"cashier_id": str(new_id())},
            {"expected_total_minor": 1},
            {"tenders": [{"method": "cash", "amount_minor": 1}]},
            {"tenders": [{"method": "cash", "amount_minor": -1}, {"method": "card", "amount_minor": PRICE_MINOR + 1}]},
        ):
            scene.note(await scene.ask("POST", "/v1/counter/sales", token=cashier.token, json={**till, **more}))


@attack(
    "sales made up as if a till had been offline: of another store, twice at once, and one number for two sales",
    "403 other_audience",
    "404 out_of_scope",
    "422 idempotency_key_missing",
)
async def test_offline_sales_made_up(scene: Scene, counter: TillShop) -> None:
    import msgspec  # noqa: PLC0415  # one test sends what the module's struct holds

    sale = msgspec.to_builtins(offline_sale(counter.barcodes[0]))
    body = {"till_id": str(counter.till.till_id), "sales": [sale]}
    stranger, cashier = await scene.console.of_store(1), await scene.console.of_store()
    async with scene.unchanged():
        await scene.refused("POST", "/v1/counter/offline", token=stranger.token, json=body)
        await scene.refused("POST", "/v1/counter/offline", token=scene.shop.token, json=body)
        await scene.refused("POST", "/v1/counter/sales", token=cashier.token, json={}, headers={KEY_HEADER: ""})
    answers = await asyncio.gather(
        *(scene.ask("POST", "/v1/counter/offline", token=cashier.token, json=body) for _ in range(4))
    )
    fates = sorted(one.json()["sales"][0]["fate"] for one in answers)
    assert fates == ["booked", "known", "known", "known"]
    forged = {
        **sale,
        "lines": [{**sale["lines"][0], "total_minor": 1}],
        "tenders": [{"method": "cash", "amount_minor": 1}],
    }
    told = await scene.ask("POST", "/v1/counter/offline", token=cashier.token, json={**body, "sales": [forged]})
    assert told.json()["sales"][0]["fate"] == "refused", "another sale under a number that is booked waits for a person"
    assert await counter.stock(scene.shop.skus[0]) == 99_000


@attack(
    "more taken back at the till than was sold, beyond the limit, with somebody else's approval",
    "403 approval_needed",
    "409 more_than_sold",
    "404 out_of_scope",
)
async def test_returns_at_the_till(scene: Scene, counter: TillShop) -> None:
    sold, other = await counter.sell(9), await counter.sell(9)
    cashier, stranger = await scene.console.of_store(role="guide"), await scene.console.of_store(1)
    manager, colleague = await scene.console.of_store(), await scene.console.of_store(role="guide")
    back: dict[str, Any] = {
        "order_id": str(sold.order.order_id),
        "lines": [{"line_no": 1, "quantity_milli": 9000}],
        "reason": "x",
    }
    body = {"till_id": str(counter.till.till_id), "back": back}

    async def approval(asker: Somebody, order_id: object, amount: int) -> str:
        wish = {
            "action": "till.refund",
            "subject": f"{counter.till.till_id}/{order_id}",
            "amount_minor": amount,
            "reason": "x",
        }
        asked = await asker.post("/approvals", wish, status=201)
        await manager.post(f"/approvals/{asked['approval_id']}/give")
        return asked["approval_id"]

    total = sold.order.total_minor
    wrong = [
        await approval(colleague, sold.order.order_id, total),
        await approval(cashier, other.order.order_id, total),
        await approval(cashier, sold.order.order_id, total - 1),
        str(new_id()),
        None,
    ]
    async with scene.unchanged():
        for token, more in (
            (manager.token, {"lines": [{"line_no": 1, "quantity_milli": 10_000}]}),
            (manager.token, {"order_id": str(new_id())}),
            (stranger.token, {}),
            *((cashier.token, {"approval_id": approval_id}) for approval_id in wrong),
        ):
            given = {**body, "back": {**back, **more}}
            await scene.refused("POST", "/v1/counter/returns", token=token, json=given)
    right = {**body, "back": {**back, "approval_id": await approval(cashier, sold.order.order_id, total)}}
    answers = await asyncio.gather(
        *(scene.ask("POST", "/v1/counter/returns", token=cashier.token, json=right) for _ in range(4))
    )
    assert sorted(one.status_code for one in answers)[:2] in ([201, 403], [201, 409])
