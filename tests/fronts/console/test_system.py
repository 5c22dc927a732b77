"""What runs behind a brand's back, as staff see and mend it."""

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from midstage.kit import jobs, timers
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from shop import Shop, open_shop

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

LISTENER = "loyalty.note_purchase"
_numbers = itertools.count(1)


class Letter(msgspec.Struct, frozen=True):
    """The payload of a job of these tests."""

    text: str


async def _set_aside(tenant: Tenant, shop: Shop, key: UUID, *states: str) -> list[int]:
    """Facts of one key, as a deliverer leaves what it could not hand over."""
    given = [next(_numbers) for _ in states]

    async def work(tx: Tx) -> None:
        for number, state in zip(given, states, strict=True):
            await tx.run(
                "insert into fact_aside (subscriber, brand_id, number, fact_id, recorded_at, key, type, state, attempts, error)"
                " values ($1, $2, $3, $3, now(), $4, 'OrderPaid', $5, 8, 'ValueError: no')",
                LISTENER, tx.brand, number, key, state,
            )  # fmt: skip

    await shop.database.attempt(tenant, work)
    return given


async def _states(shop: Shop) -> dict[int, str]:
    async with shop.database.reading(shop.tenant) as tx:
        rows = await tx.rows("select number, state from fact_aside where brand_id = $1", tx.brand)
    return {row["number"]: row["state"] for row in rows}


async def _failed_job(shop: Shop) -> int:
    async def work(tx: Tx) -> int:
        job_id = await jobs.enqueue(tx, "test.never", Letter("hello"))
        assert job_id is not None
        await tx.run("update pgqueuer set status = 'failed', attempts = 8 where id = $1", job_id)
        await tx.run(
            "insert into pgqueuer_log (job_id, status, priority, entrypoint, traceback)"
            " values ($1, 'failed', 0, 'test.never', $2)",
            job_id,
            '{"exception_message": "away"}',
        )
        return job_id

    return await shop.database.attempt(shop.tenant, work)


async def _stuck_timer(shop: Shop) -> UUID:
    key = new_id()

    async def work(tx: Tx) -> None:
        await timers.set_timer(tx, "test.never", key, utc_now() - timedelta(hours=1))
        await tx.run(
            "update timer set try_at = 'infinity', attempts = 10, error = 'no' where brand_id = $1 and key = $2",
            tx.brand,
            key,
        )

    await shop.database.attempt(shop.tenant, work)
    return key


async def _trail(somebody: "Somebody", subject_id: object) -> list[str]:
    return [entry["action"] for entry in (await somebody.get("/audit", subject_id=str(subject_id)))["items"]]


async def test_every_listener_is_shown_with_how_far_it_is_behind(console: "Console") -> None:
    shop = console.shop
    admin = await console.staff()
    before = {one["subscriber"]: one for one in await admin.get("/system/subscribers")}
    assert (before[LISTENER]["behind"], before[LISTENER]["moved_at"]) == (0, None)

    async def work(tx: Tx) -> None:
        await tx.run("insert into fact_head (brand_id, number) values ($1, 10)", tx.brand)
        await tx.run("insert into fact_cursor (subscriber, brand_id, number) values ($1, $2, 7)", LISTENER, tx.brand)

    await shop.database.attempt(shop.tenant, work)
    await _set_aside(shop.tenant, shop, new_id(), "set_aside", "behind")
    after = {one["subscriber"]: one for one in await admin.get("/system/subscribers")}
    assert (after[LISTENER]["behind"], after[LISTENER]["aside"]) == (3, 2)
    assert after[LISTENER]["moved_at"] is not None
    assert all(one["behind"] == 10 for name, one in after.items() if name != LISTENER)


async def test_a_fact_that_is_set_aside_is_tried_again(console: "Console") -> None:
    shop = console.shop
    first, waits = await _set_aside(shop.tenant, shop, new_id(), "set_aside", "behind")
    admin = await console.staff()
    (held,) = (await admin.get("/system/facts"))["items"]
    assert (held["number"], held["state"], held["behind"], held["error"]) == (first, "set_aside", 1, "ValueError: no")
    path = f"/system/facts/{LISTENER}/{first}/retry"
    await admin.post(path, status=204)
    assert await _states(shop) == {first: "retrying", waits: "behind"}
    assert await admin.refused("POST", f"/system/facts/{LISTENER}/{waits}/retry") == (404, "nothing_aside")
    assert await _trail(admin, f"{LISTENER}/{first}") == ["facts.retry"]


async def test_a_fact_that_is_given_up_lets_those_behind_it_go_on(console: "Console") -> None:
    shop = console.shop
    first, waits = await _set_aside(shop.tenant, shop, new_id(), "set_aside", "behind")
    admin = await console.staff()
    path = f"/system/facts/{LISTENER}/{first}/skip"
    await admin.post(path, status=204, key="skip")
    await admin.post(path, status=204, key="skip")
    assert await _states(shop) == {waits: "retrying"}
    assert await admin.refused("POST", path) == (404, "nothing_aside")
    assert await _trail(admin, f"{LISTENER}/{first}") == ["facts.skip"]


async def test_facts_page_by_cursor(console: "Console") -> None:
    shop = console.shop
    numbers = [(await _set_aside(shop.tenant, shop, new_id(), "set_aside"))[0] for _ in range(3)]
    admin = await console.staff()
    page = await admin.get("/system/facts", limit=2)
    rest = await admin.get("/system/facts", limit=2, after=page["next"])
    assert [one["number"] for one in page["items"] + rest["items"]] == numbers
    assert rest["next"] is None


async def test_a_job_that_was_given_up_is_tried_again_or_dropped(console: "Console") -> None:
    shop = console.shop
    again, gone = await _failed_job(shop), await _failed_job(shop)
    admin = await console.staff()
    page = await admin.get("/system/jobs", limit=1)
    rest = await admin.get("/system/jobs", limit=1, after=page["next"])
    listed = page["items"] + rest["items"]
    assert [(one["job_id"], one["name"], one["error"]) for one in listed] == [
        (gone, "test.never", "away"),
        (again, "test.never", "away"),
    ]
    await admin.post(f"/system/jobs/{again}/retry", status=204)
    await admin.post(f"/system/jobs/{gone}/discard", status=204)
    assert (await admin.get("/system/jobs"))["items"] == []
    assert await admin.refused("POST", f"/system/jobs/{again}/retry") == (404, "no_failed_job")
    assert await admin.refused("POST", f"/system/jobs/{again}/discard") == (404, "no_failed_job")
    async with shop.database.connection() as link:
        assert await link.fetchval("select status::text from pgqueuer where id = $1", again) == "queued"
        await link.execute("delete from pgqueuer where id = $1", again)
    assert await _trail(admin, gone) == ["jobs.discard"]


async def test_a_timer_that_is_stuck_is_tried_again(console: "Console") -> None:
    shop = console.shop
    key = await _stuck_timer(shop)
    admin = await console.staff()
    (stuck,) = (await admin.get("/system/timers"))["items"]
    assert (stuck["kind"], stuck["key"], stuck["error"]) == ("test.never", str(key), "no")
    path = f"/system/timers/test.never/{key}/retry"
    await admin.post(path, status=204)
    assert (await admin.get("/system/timers"))["items"] == []
    assert await admin.refused("POST", path) == (404, "no_stuck_timer")
    assert await _trail(admin, f"test.never/{key}") == ["timers.retry"]


async def test_another_brand_s_troubles_are_neither_seen_nor_touched(console: "Console") -> None:
    shop = await open_shop(console.shop.database, products=1, stores=1)
    (number,) = await _set_aside(shop.tenant, shop, new_id(), "set_aside")
    job, key = await _failed_job(shop), await _stuck_timer(shop)
    admin = await console.staff()
    for what in ("facts", "jobs", "timers"):
        assert (await admin.get(f"/system/{what}"))["items"] == []
    for path, code in (
        (f"facts/{LISTENER}/{number}/retry", "nothing_aside"),
        (f"facts/{LISTENER}/{number}/skip", "nothing_aside"),
        (f"jobs/{job}/retry", "no_failed_job"),
        (f"jobs/{job}/discard", "no_failed_job"),
        (f"timers/test.never/{key}/retry", "no_stuck_timer"),
    ):
        assert await admin.refused("POST", f"/system/{path}") == (404, code)
    assert await _states(shop) == {number: "set_aside"}
    async with shop.database.connection() as link:
        assert await link.fetchval("select status::text from pgqueuer where id = $1", job) == "failed"
        await link.execute("delete from pgqueuer where id = $1", job)


async def test_the_system_is_for_those_who_hold_it_over_the_whole_brand(console: "Console") -> None:
    manager, part = await console.of_store(), await console.of_store(role="brand_admin")
    auditor = await console.staff("auditor")
    for what in ("subscribers", "facts", "jobs", "timers"):
        assert await manager.refused("GET", f"/system/{what}") == (403, "not_permitted")
        assert await part.refused("GET", f"/system/{what}") == (403, "needs_whole_brand")
        await auditor.get(f"/system/{what}")
    bodies: dict[str, Any] = {"json": {}}
    for path in (f"facts/{LISTENER}/1/retry", "jobs/1/discard", f"timers/test.never/{new_id()}/retry"):
        assert (await part.call("POST", f"/system/{path}", **bodies)).json()["code"] == "needs_whole_brand"
        assert await auditor.refused("POST", f"/system/{path}") == (403, "not_permitted")
