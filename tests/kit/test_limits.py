"""One limit over all processes, which most calls never notice."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.limits import LEASE, Limits, Standing, TooManyCalls, forget


class Clock:
    """The time of one process; the database has its own."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture(loop_scope="session")
async def clock() -> AsyncIterator[Clock]:
    yield Clock()


async def _calls(limits: Limits, tenant: Tenant, subject: str, per_minute: int, wanted: int) -> int:
    """How many of so many calls are let through."""
    done = 0
    for _ in range(wanted):
        try:
            await limits.take(tenant.brand, subject, per_minute)
        except TooManyCalls:
            continue
        done += 1
    return done


async def test_so_many_calls_a_minute_are_let_through_and_no_more(db: Database, tenant: Tenant, clock: Clock) -> None:
    limits = Limits(db, clock=clock)
    assert 60 <= await _calls(limits, tenant, "key 1", 60, 100) <= 66
    with pytest.raises(TooManyCalls) as refused:
        await limits.take(tenant.brand, "key 1", 60)
    assert refused.value.limit == 60
    assert 1 <= refused.value.retry_after_s <= 5


async def test_others_are_not_counted_with_them(db: Database, tenant: Tenant, clock: Clock) -> None:
    limits = Limits(db, clock=clock)
    await _calls(limits, tenant, "key 1", 30, 60)
    assert await limits.take(tenant.brand, "key 2", 30) is not None


async def test_many_processes_share_one_limit(db: Database, tenant: Tenant, clock: Clock) -> None:
    several = [Limits(db, clock=clock) for _ in range(4)]
    subject = f"key {new_id()}"
    done = await asyncio.gather(*(_calls(one, tenant, subject, 400, 300) for one in several))
    # A twentieth a process may go unreported, and a little is filled up while we call.
    assert 400 <= sum(done) <= 400 + 4 * 20 + 40


async def test_who_looks_around_never_reaches_the_database(db: Database, tenant: Tenant, clock: Clock) -> None:
    limits = Limits(db, clock=clock)
    for _ in range(50):
        await _calls(limits, tenant, "session 1", 6000, 10)
        clock.now += 3
    async with db.connection() as link:
        assert await link.fetchval("select count(*) from rate_bucket where brand_id = $1", tenant.brand) == 0


async def test_a_busy_one_asks_the_database_about_once_a_second(db: Database, tenant: Tenant, clock: Clock) -> None:
    limits = Limits(db, clock=clock)
    asked = 0
    for second in range(10):
        before = await _filled(db, tenant)
        assert await _calls(limits, tenant, "session 1", 6000, 80) == 80
        asked += second > 3 and await _filled(db, tenant) != before
        clock.now += 1
    assert asked <= 6


async def test_zero_is_no_limit(db: Database, tenant: Tenant) -> None:
    limits = Limits(db)
    assert [await limits.take(tenant.brand, "key 1", 0) for _ in range(3)] == [None] * 3


async def test_headers_say_what_is_left(db: Database, tenant: Tenant, clock: Clock) -> None:
    limits = Limits(db, clock=clock)
    left: list[int] = []
    for _ in range(40):
        standing = await limits.take(tenant.brand, "key 1", 60)
        assert standing is not None
        left.append(standing.left)
    assert left[0] == 59
    assert left[-1] <= 21
    assert all(later <= earlier + 2 for earlier, later in itertools.pairwise(left))
    assert Standing(60, 20, 40).headers() == {
        "RateLimit-Limit": "60",
        "RateLimit-Remaining": "20",
        "RateLimit-Reset": "40",
    }


async def test_buckets_that_are_full_again_are_forgotten(db: Database, tenant: Tenant, clock: Clock) -> None:
    await _calls(Limits(db, clock=clock), tenant, "key 1", 20, 10)
    async with db.connection() as link:
        assert await link.fetchval("select count(*) from rate_bucket where brand_id = $1", tenant.brand) == 1
    await forget(db, utc_now() + timedelta(hours=2))
    async with db.connection() as link:
        assert await link.fetchval("select count(*) from rate_bucket where brand_id = $1", tenant.brand) == 0


async def test_a_debt_is_of_a_minute_at_most(db: Database, tenant: Tenant) -> None:
    async with db.connection() as link:
        for spent in (10_000.0, -500.0):
            row = await link.fetchrow(LEASE, tenant.brand, b"x", 60.0, 1.0, spent, 1)
    assert row is not None
    assert -60 <= row["after"] <= 60


async def _filled(db: Database, tenant: Tenant) -> object:
    async with db.connection() as link:
        return await link.fetchval("select filled_at from rate_bucket where brand_id = $1", tenant.brand)
