"""What belongs to somebody else: by its id, by a planted name, by another brand's token."""

import asyncio
from typing import Any

import httpx

from attacks.scene import Scene, attack
from fronts.conftest import Somebody
from midstage.kit.audit import Principal
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop.world import APPROVED


async def send(who: Somebody, method: str, path: str, body: Any = None) -> httpx.Response:
    """A call of the console, with a body where there is one."""
    return await who.call(method, path) if body is None else await who.call(method, path, json=body)


@attack("another shopper's order by its id: read, pay, call off", "404 no_such_order")
async def test_another_shopper_s_order(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    _, thief = await scene.other_shopper()
    path = f"{scene.mall}/orders/{placed.order.order_id}"
    async with scene.unchanged():
        for method, where, body in (
            ("GET", path, None),
            ("POST", f"{path}/payment", {"provider": "sandbox"}),
            ("POST", f"{path}/cancel", {"reason": "mine"}),
        ):
            sent: dict[str, Any] = {} if body is None else {"json": body}
            answer = await scene.ask(method, where, token=thief, **sent)
            nowhere = await scene.ask(
                method, where.replace(str(placed.order.order_id), str(new_id())), token=thief, **sent
            )
            scene.note(answer)
            assert answer.json() == nowhere.json(), "what is another's looks like what is not there"


@attack("the cart of a member, by naming her id as a guest's", "401 session_unknown")
async def test_a_member_s_cart_by_her_id(scene: Scene) -> None:
    member, token = await scene.other_shopper()
    line = f"{scene.mall}/cart/lines/{scene.shop.skus[0]}"
    put = await scene.ask("PUT", line, token=token, json={"quantity_milli": 3000})
    assert put.status_code == 200, put.text
    guest = {"Midstage-Guest": str(member.member_id)}
    async with scene.unchanged():
        shown = await scene.ask("GET", f"{scene.mall}/cart", headers=guest)
        assert shown.json()["lines"] == []
        await scene.refused("GET", f"{scene.mall}/me", headers=guest)
        await scene.refused("GET", f"{scene.mall}/me", token=str(member.member_id))


@attack("orders, refunds and payments of another store, by their ids, as staff", "404 out_of_scope")
async def test_what_lies_in_another_store(scene: Scene) -> None:
    placed = await scene.shop.place(1, store_id=scene.shop.stores[1].store_id)
    await scene.shop.pay(placed)
    order_id = placed.order.order_id

    async def give_back(tx: Tx) -> None:
        await orders.refund_order(tx, order_id, [orders.RefundWish(line_no=1, quantity_milli=1000)], reason="test")

    await scene.shop.do(give_back)
    thief = await scene.console.of_store(0)
    refund = {"lines": [{"line_no": 1, "quantity_milli": 1000}], "reason": "mine"}
    async with scene.unchanged():
        for method, path, body in (
            ("GET", f"/orders/{order_id}", None),
            ("GET", f"/orders/by-number/{placed.order.number}", None),
            ("POST", f"/orders/{order_id}/refund", refund),
            ("POST", f"/orders/{order_id}/cancel", {"reason": "mine"}),
            ("POST", f"/orders/{order_id}/hand-over", {}),
        ):
            answer = await send(thief, method, path, body)
            if answer.status_code not in {400, 404} or answer.json()["code"] != "out_of_scope":
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            scene.note(answer)


@attack("a member of another store, by her id: read, change, freeze", "404 out_of_scope")
async def test_a_member_of_another_store(scene: Scene) -> None:
    far = await scene.shop.new_member(store_id=scene.shop.stores[1].store_id)
    thief = await scene.console.of_store(0)
    async with scene.unchanged():
        for method, path, body in (
            ("GET", f"/members/{far.member_id}", None),
            ("PATCH", f"/members/{far.member_id}", {"name": "我的"}),
            ("POST", f"/members/{far.member_id}/state", {"state": "frozen", "reason": "mine"}),
        ):
            scene.note(await send(thief, method, path, body))


@attack(
    "the token of another brand, in this brand's mall, console and till",
    "401 session_unknown",
    "404 out_of_scope",
    "404 no_such_order",
)
async def test_a_token_of_another_brand(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    foreign = await scene.foreign()
    async with scene.unchanged():
        await scene.refused("GET", f"{scene.mall}/orders/{placed.order.order_id}", token=foreign.shop.token)
        own = await scene.ask("GET", f"{foreign.mall}/orders/{placed.order.order_id}", token=foreign.shop.token)
        scene.note(own)
        admin = await foreign.console.of_store()
        scene.note(await admin.call("GET", f"/orders/{placed.order.order_id}"))
        brand, _, secret = scene.shop.token.partition(".")
        await scene.refused("GET", f"{foreign.mall}/me", token=f"{brand}.{secret}")
        theirs = foreign.shop.token.partition(".")[0]
        await scene.refused("GET", f"{foreign.mall}/me", token=f"{theirs}.{secret}")


@attack("a shopper's token at the console, staff's in the mall", "403 other_audience", "401 session_unknown")
async def test_a_token_of_another_audience(scene: Scene) -> None:
    staff = await scene.staff()
    async with scene.unchanged():
        for path in ("/v1/console/me", "/v1/console/members", "/v1/console/orders"):
            await scene.refused("GET", path, token=scene.shop.token)
        await scene.refused("GET", f"{scene.mall}/me", token=staff.token)
        await scene.refused("GET", "/v1/console/me", token=f"mst_live_{staff.token}")


@attack("the answer kept under somebody else's Idempotency-Key", "404 out_of_scope", "409 key_reused_with_other_body")
async def test_another_s_idempotency_key(scene: Scene) -> None:
    path = f"{scene.mall}/orders"
    line = {"sku_id": str(scene.shop.skus[0]), "quantity_milli": 1000}
    body = {"lines": [line], "delivery": {"method": "pick_up"}, "store_id": str(scene.shop.store.store_id)}
    mine = await scene.ask("POST", path, token=scene.shop.token, key="the-key", json=body)
    assert mine.status_code == 201, mine.text
    _, thief = await scene.other_shopper()
    theirs = await scene.ask("POST", path, token=thief, key="the-key", json=body)
    assert theirs.status_code == 201
    assert theirs.json()["order_id"] != mine.json()["order_id"], "an order of the thief's own"
    again = {**body, "note": "another body"}
    async with scene.unchanged():
        await scene.refused("POST", path, token=scene.shop.token, key="the-key", json=again)
    near, far = await scene.console.of_store(0), await scene.console.of_store(1)
    cancel = f"/orders/{mine.json()['order_id']}/cancel"
    assert (await near.call("POST", cancel, key="k", json={"reason": "先"})).status_code == 200
    async with scene.unchanged():
        scene.note(await far.call("POST", cancel, key="k", json={"reason": "先"}))


@attack(
    "an approval: given to oneself, by another store, used twice, for another order, for more",
    "403 own_approval",
    "404 out_of_scope",
    "403 not_permitted",
    "409 approval_answered",
)
async def test_approvals(scene: Scene) -> None:
    cashier, manager = await scene.console.of_store(role="guide"), await scene.console.of_store()
    stranger = await scene.console.of_store(1)
    wish = {"action": APPROVED, "subject": str(scene.shop.store.store_id), "amount_minor": 5000, "reason": "x"}
    asked = await cashier.post("/approvals", wish, status=201)
    own = await manager.post("/approvals", wish, status=201)
    give = f"/approvals/{asked['approval_id']}/give"
    async with scene.unchanged():
        scene.note(await manager.call("POST", f"/approvals/{own['approval_id']}/give"))
        scene.note(await stranger.call("POST", give))
        scene.note(await cashier.call("POST", give))
    await manager.post(give)
    async with scene.unchanged():
        scene.note(await manager.call("POST", give))
    given = access.ApprovalId(asked["approval_id"])

    async def use(tx: Tx, subject: str, amount: int) -> None:
        await access.use_approval(tx, given, action=APPROVED, subject=subject, amount_minor=amount)

    database, tenant, here = scene.shop.database, scene.shop.tenant, str(scene.shop.store.store_id)
    async with scene.unchanged():
        for by, subject, amount in (
            (manager.staff_id, here, 1),
            (stranger.staff_id, here, 1),
            (cashier.staff_id, str(scene.shop.stores[1].store_id), 1),
            (cashier.staff_id, here, 5001),
        ):
            try:
                await database.attempt(tenant, lambda tx, s=subject, a=amount: use(tx, s, a), by=Principal("staff", by))
            except access.ApprovalNeeded:
                continue
            raise AssertionError(f"used by {by} for {subject}, {amount}")
    done = await asyncio.gather(
        *(
            database.attempt(tenant, lambda tx: use(tx, here, 5000), by=Principal("staff", cashier.staff_id))
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    assert sum(one is None for one in done) == 1


@attack("the file of a privacy export, fetched by another manager of the same store", "404 out_of_scope")
async def test_another_s_privacy_export(scene: Scene) -> None:
    owner, thief = await scene.staff(), await scene.staff()
    member = scene.shop.member
    asked = await owner.post(f"/members/{member.member_id}/export", status=202)
    async with scene.unchanged():
        scene.note(await thief.call("GET", f"/privacy/requests/{asked['request_id']}/file"))


@attack("the sessions of others: ended by their ids", "403 not_permitted")
async def test_the_sessions_of_others(scene: Scene) -> None:
    victim, thief = await scene.staff(), await scene.console.of_store()
    session_id = (await victim.get("/me"))["session_id"]
    async with scene.unchanged():
        assert (await thief.call("DELETE", f"/me/sessions/{session_id}")).status_code == 204, "as if there were none"
        scene.note(await thief.call("DELETE", f"/staff/{victim.staff_id}/sessions"))
        scene.note(await thief.call("GET", f"/staff/{victim.staff_id}/sessions"))
    assert (await victim.get("/me"))["session_id"] == session_id


@attack(
    "more rights for oneself: a role, a key, a password, beyond what one holds",
    "403 not_permitted",
    "403 beyond_own",
    "422 bad_role",
)
async def test_more_rights(scene: Scene) -> None:
    thief, admin = await scene.console.of_store(), await scene.staff()
    scope = organisation.Scope(stores=frozenset({scene.shop.store.store_id}))

    async def lesser(tx: Tx) -> None:
        await access.put_role(tx, access.Role("clerk", "文员", "Clerk", frozenset({"access.write", "access.read"})))

    await scene.shop.database.attempt(scene.shop.tenant, lesser)
    clerk = await scene.console.staff("clerk")
    whole: dict[str, Any] = {"role": "brand_admin", "scope": {"everything": True}}
    async with scene.unchanged():
        scene.note(await thief.call("PUT", f"/staff/{thief.staff_id}/grants", json={"grants": [whole]}))
        scene.note(await clerk.call("PUT", f"/staff/{clerk.staff_id}/grants", json={"grants": [whole]}))
        key = {"name": "k", "permissions": ["orders.refund"], "scope": {"everything": True}}
        scene.note(await clerk.call("POST", "/access/keys", json=key))
        role = {"name_zh": "文员", "name_en": "Clerk", "permissions": ["access.write", "orders.refund"]}
        scene.note(await clerk.call("PUT", "/access/roles/clerk", json=role))
        scene.note(await clerk.call("PUT", "/access/roles/brand_admin", json=role))
        reset = {"login": admin.login, "password": "a wholly new passphrase"}
        scene.note(await clerk.call("PUT", f"/staff/{admin.staff_id}/login/password", json=reset))
        scene.note(await clerk.call("POST", f"/staff/{admin.staff_id}/login/close"))
        scene.note(await clerk.call("POST", f"/staff/{admin.staff_id}/login/unlock"))
    assert scope != organisation.EVERYTHING


@attack("one line given back twice at once, under two keys", "409 nothing_to_refund")
async def test_a_refund_twice_at_once(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    await scene.shop.pay(placed)
    staff = await scene.staff()
    body = {"lines": [{"line_no": 1, "quantity_milli": 1000}], "reason": "破损"}
    answers = await asyncio.gather(
        *(staff.call("POST", f"/orders/{placed.order.order_id}/refund", json=body) for _ in range(6))
    )
    assert sum(one.status_code < 300 for one in answers) == 1
    for one in answers:
        if one.status_code >= 300:
            scene.note(one)
    async with scene.shop.database.reading(scene.shop.tenant) as tx:
        given = await payments.refunds(tx, payments.RefundFilters(None, placed.order.order_id), _first())
    assert sum(one.amount.minor for one in given.items) == placed.order.total_minor


def _first() -> Any:
    from midstage.kit.paging import PageRequest  # noqa: PLC0415  # one test reads a list

    return PageRequest()
