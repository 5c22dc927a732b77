"""The pool, activation and handing over, over HTTP: each manager sees and gives out her own."""

from typing import Any

import httpx
import pytest_asyncio

from fronts.conftest import Console
from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.kit.ids import new_id
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation


@pytest_asyncio.fixture(loop_scope="session")
async def guides(console: Console) -> list[organisation.GuideId]:
    """A guide in each of the two stores."""

    async def work(tx: Tx) -> list[organisation.GuideId]:
        return await organisation.place_guides(
            tx,
            [
                organisation.NewGuide(code=f"G{n}", name="王", store_id=store.store_id)
                for n, store in enumerate(console.shop.stores)
            ],
        )

    return await console.shop.database.attempt(console.shop.tenant, work)


async def test_a_manager_lists_and_gives_out_the_pool_of_her_store(
    console: Console, guides: list[organisation.GuideId]
) -> None:
    here, there = console.shop.stores
    mine = [await console.shop.new_member(store_id=here.store_id) for _ in range(2)]
    other = await console.shop.new_member(store_id=there.store_id)
    manager = await console.of_store(0)
    listed = {one["member_id"] for one in (await manager.get("/pool"))["items"]}
    assert {str(one.member_id) for one in mine} <= listed
    assert str(other.member_id) not in listed
    assert (await manager.get("/pool", bought_to="2020-01-01", level="gold"))["items"] == []
    assert await manager.refused("GET", f"/pool?store_id={there.store_id}") == (404, "out_of_scope")

    chosen = [str(one.member_id) for one in mine]
    body = {"which": {"member_ids": [*chosen, str(other.member_id)]}, "rule": "hand", "guide_ids": [str(guides[0])]}
    done = await manager.post("/pool/assign", body)
    assert done == {"assigned": 2, "left": 0, "by_guide": {str(guides[0]): 2}}
    away = {**body, "guide_ids": [str(guides[1])]}
    assert await manager.refused("POST", "/pool/assign", away) == (404, "out_of_scope")
    back = await manager.post("/pool/return", {"member_ids": chosen, "reason": "没有跟进"})
    assert back == {"members": 2}
    history = (await manager.get(f"/members/{chosen[0]}"))["bindings"]
    assert [one["reason"] for one in history] == ["joined", "assigned", "没有跟进"]
    assert [one["until"] is None for one in history] == [False, False, True]


async def test_the_office_spreads_the_pool_by_rule_within_a_region(
    console: Console, guides: list[organisation.GuideId]
) -> None:
    office = await console.staff()
    unit = await office.post("/units", {"code": "EAST", "name": "华东"}, status=201)
    await console.shop.new_member()
    assert (await office.get("/pool", unit_id=unit["unit_id"]))["items"] == []
    assert await office.refused("GET", f"/pool?unit_id={new_id()}") == (404, "no_such_unit")
    done = await office.post("/pool/assign", {"which": {}, "rule": "round_robin"})
    assert done["left"] == 0
    assert set(done["by_guide"]) <= {str(one) for one in guides}
    assert (await office.get("/pool"))["items"] == []


async def _upload(somebody: Any, body: str, **query: str) -> httpx.Response:
    return await somebody.call(
        "POST", "/imports/dormant", content=body.encode(), params=query, headers={"Content-Type": "text/csv"}
    )


async def test_old_members_are_brought_in_again_and_again_activated_once_and_counted(console: Console) -> None:
    office, mall = await console.staff(), f"/v1/mall/{console.shop.tenant.code}"
    file = "old_no,phone,name,level,points,store_code\nK-1,13900001111,李雷,gold,500,S0\nK-2,13900002222,,,,\n"
    for _ in range(2):
        answer = (await _upload(office, file)).json()
        assert (answer["written"], answer["bad"]) == (2, [])
    bad = (await _upload(office, "old_no,phone,points\nK-3,123,-1\n")).json()
    assert {one["column"] for one in bad["bad"]} == {"phone", "points"}
    rows = (await office.get("/dormant", old_no="K-1"))["items"]
    assert [(one["state"], one["points"], one["name"], "13900001111" in one["phone"]) for one in rows] == [
        ("dormant", 500, "**", False)
    ]

    member = await console.shop.new_member("+8613900001111")
    headers = {"Authorization": f"Bearer {await console.shop.token_of(member)}", "Idempotency-Key": str(new_id())}
    preview = (await console.http.get(f"{mall}/me/activate", headers=headers)).json()
    assert preview == {"cards": 1, "level": "gold", "points": 500}
    for _ in range(2):  # a retry is answered as the first was
        done = (await console.http.post(f"{mall}/me/activate", headers=headers)).json()
        assert done == {"cards": 1, "points": 500, "level_before": "basic", "level": "gold"}
    counts = {one["store_id"]: one for one in await office.get("/dormant/counts")}
    own = counts[str(console.shop.store.store_id)]
    assert (own["dormant"], own["activated"], own["points"], len(own["days"])) == (0, 1, 500, 1)
    near = await console.of_store(1)
    assert await near.get("/dormant/counts") == []


async def test_what_becomes_of_a_guides_customers_is_shown(
    console: Console, guides: list[organisation.GuideId]
) -> None:
    office = await console.staff()
    assert (await office.get("/handovers", guide_id=str(guides[0])))["items"] == []
    left = organisation.GuideLeft(
        guide_id=guides[0], store_id=console.shop.store.store_id, heir_id=console.shop.virtual.guide_id
    )

    async def hear(tx: Tx) -> None:
        await members.note_guide_left(tx, Delivered(tx.brand, 1, 1, left, tx.now.date(), tx.now))

    await console.shop.database.attempt(console.shop.tenant, hear)
    [row] = (await office.get("/handovers", guide_id=str(guides[0])))["items"]
    assert (row["cause"], row["plan"], row["moved"]) == ("left", "heir", 0)
    assert (await (await console.of_store(1)).get("/handovers"))["items"] == []
