"""Facts are numbered once, in the order of their subject, whatever transactions do; and delivered once."""

import asyncio
import contextlib
import time
from typing import ClassVar
from uuid import UUID

import pytest

from midstage.kit import database as kit_database
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Delivered, Fact, aside, replay
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.facts.subscribers import Deliverer, Subscriber, subscribers_of
from midstage.kit.ids import BrandId, new_id

pytestmark = pytest.mark.usefixtures("own_db")


class KettleBoiled(Fact, frozen=True):
    """A fact of these tests."""

    subject: ClassVar[str] = "kettle_id"
    kettle_id: UUID
    nth: int


class Diary:
    """A listener that writes what it hears into a table, and fails on what it was told to fail on."""

    def __init__(self) -> None:
        self.fails_on: set[int] = set()
        self.heard: list[int] = []

    async def write(self, tx: Tx, delivered: Delivered[KettleBoiled]) -> None:
        if delivered.fact.nth in self.fails_on:
            raise ValueError(f"cannot bear {delivered.fact.nth}")
        await tx.run(
            "insert into diary (brand_id, nth, number) values ($1, $2, $3)",
            tx.brand,
            delivered.fact.nth,
            delivered.number,
        )

    async def forget(self, tx: Tx) -> None:
        await tx.run("delete from diary where brand_id = $1", tx.brand)


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def subscriber(diary: Diary) -> Subscriber:
    return Subscriber("diary.write", diary.write, frozenset({"KettleBoiled"}), diary.forget)


@pytest.fixture
async def deliverer(own_db: Database, tenant: Tenant, subscriber: Subscriber) -> Deliverer:
    async with own_db.connection() as link:
        await link.execute(
            "create table diary (id bigint generated always as identity, brand_id integer, nth integer, number bigint)"
        )

    async def tenant_of(brand: BrandId) -> Tenant:
        return Tenant(brand, "any") if brand != tenant.brand else tenant

    return Deliverer(own_db, [subscriber], tenant_of)


async def boil(db: Database, tenant: Tenant, kettle: UUID, *nths: int) -> None:
    async with db.writing(tenant) as tx:
        for nth in nths:
            tx.tell(KettleBoiled(kettle_id=kettle, nth=nth))


async def number_all(sequencer: Sequencer) -> int:
    total = 0
    for _ in range(50):
        numbered = await sequencer.number()
        total += numbered or 0
        if numbered == 0:
            await sequencer.release()
            return total
    raise AssertionError("the sequencer never came to rest")


async def written(db: Database, tenant: Tenant) -> list[int]:
    async with db.reading(tenant) as tx:
        rows = await tx.rows("select nth from diary where brand_id = $1 order by id", tenant.brand)
    return [row["nth"] for row in rows]


async def deliver_all(deliverer: Deliverer) -> None:
    for _ in range(100):
        # The first round of a brand only makes its cursor.
        if not await deliverer.round() and not await deliverer.round():
            return


async def test_facts_are_numbered_without_gaps_in_the_order_told(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    kettle = new_id()
    await boil(own_db, tenant, kettle, 1, 2, 3)
    await boil(own_db, tenant, kettle, 4)
    assert await number_all(Sequencer(own_db)) == 4
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 2, 3, 4]
    async with own_db.connection() as link:
        numbers = await link.fetch("select number from fact_number where brand_id = $1 order by number", tenant.brand)
    assert [row["number"] for row in numbers] == [1, 2, 3, 4]


async def test_a_rolled_back_fact_is_never_seen(own_db: Database, tenant: Tenant, deliverer: Deliverer) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with own_db.writing(tenant) as tx:
            tx.tell(KettleBoiled(kettle_id=new_id(), nth=1))
            await tx.flush()
            raise ZeroDivisionError
    await boil(own_db, tenant, new_id(), 2)
    await number_all(Sequencer(own_db))
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [2]


async def test_a_transaction_open_for_long_stalls_nobody_and_is_not_skipped(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    sequencer = Sequencer(own_db)
    await number_all(sequencer)
    async with own_db.writing(tenant) as slow:
        slow.tell(KettleBoiled(kettle_id=new_id(), nth=1))
        await slow.flush()
        for nth in range(2, 6):
            await boil(own_db, tenant, new_id(), nth)
            assert await sequencer.number() == 1
        await deliver_all(deliverer)
        assert await written(own_db, tenant) == [2, 3, 4, 5]
    assert await number_all(sequencer) == 1
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [2, 3, 4, 5, 1]


async def test_commits_out_of_order_are_each_numbered_once(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    sequencers = [Sequencer(own_db, name="one"), Sequencer(own_db, name="two")]
    stop = asyncio.Event()
    running = [asyncio.create_task(sequencer.run(stop)) for sequencer in sequencers]

    async def writer(first: int) -> None:
        for nth in range(first, first + 25):
            async with own_db.writing(tenant) as tx:
                tx.tell(KettleBoiled(kettle_id=new_id(), nth=nth))
                await tx.flush()
                await asyncio.sleep(0.002 * (nth % 5))

    await asyncio.gather(*(writer(first * 100) for first in range(8)))
    stop.set()
    await asyncio.gather(*running)
    await number_all(Sequencer(own_db, name="last"))
    await deliver_all(deliverer)
    found = await written(own_db, tenant)
    assert sorted(found) == sorted(first * 100 + k for first in range(8) for k in range(25))


async def test_two_sequencers_take_turns_only_when_the_lease_ends(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    one, two = Sequencer(own_db, name="one"), Sequencer(own_db, name="two")
    assert [await one.number(), await one.number()] == [None, 0]  # the first pass of all makes the row
    await boil(own_db, tenant, new_id(), 1)
    assert await two.number() is None
    assert await one.number() == 1
    await one.release()
    await boil(own_db, tenant, new_id(), 2)
    assert await two.number() == 1
    assert await one.number() is None


async def test_delivery_is_quick_while_another_transaction_stays_open(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(Sequencer(own_db).run(stop)), asyncio.create_task(deliverer.run(stop))]
    foreign = await kit_database.connect(own_db.url)
    await foreign.execute("begin; select pg_current_xact_id()")
    try:
        await boil(own_db, tenant, new_id(), 0)
        for nth in range(1, 11):
            told = time.monotonic()
            await boil(own_db, tenant, new_id(), nth)
            while nth not in await written(own_db, tenant):
                assert time.monotonic() - told < 10, "a foreign transaction stalled the delivery"
                await asyncio.sleep(0.005)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await foreign.close()


async def test_after_a_restore_into_another_cluster_nothing_is_doubled_or_lost(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    sequencer = Sequencer(own_db)
    await boil(own_db, tenant, new_id(), 1, 2)
    await number_all(sequencer)
    await boil(own_db, tenant, new_id(), 3)  # dumped before it had its number
    async with own_db.connection() as link:
        # What a dump and restore leaves: another identifier, and rows with xids of another counter, ahead of ours.
        await link.execute("update sequencer set system_identifier = 42, leased_until = '-infinity'")
        await link.execute("update fact set xid = (pg_current_xact_id()::text::bigint + 3)::text::xid8")
    assert await number_all(sequencer) == 1
    for nth in range(4, 10):
        await boil(own_db, tenant, new_id(), nth)
    assert await number_all(sequencer) == 6
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


async def test_a_failed_fact_holds_back_only_its_own_key(
    own_db: Database, tenant: Tenant, deliverer: Deliverer, diary: Diary
) -> None:
    kettle, other = new_id(), new_id()
    diary.fails_on = {2}
    await boil(own_db, tenant, kettle, 1, 2, 3)
    await boil(own_db, tenant, other, 4)
    await number_all(Sequencer(own_db))
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 4]
    [held] = await aside.held(own_db, brand=tenant.brand)
    assert (held.state, held.attempts, held.behind) == ("retrying", 1, 1)
    assert "cannot bear 2" in held.error

    await boil(own_db, tenant, kettle, 5)  # comes later, waits too
    await number_all(Sequencer(own_db))
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 4]

    diary.fails_on = set()
    assert await aside.retry(own_db, brand=tenant.brand) == 1
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 4, 2, 3, 5]
    assert await aside.held(own_db, brand=tenant.brand) == []


async def test_after_its_attempts_a_fact_is_set_aside_and_can_be_skipped(
    own_db: Database, tenant: Tenant, deliverer: Deliverer, diary: Diary
) -> None:
    kettle = new_id()
    diary.fails_on = {1}
    await boil(own_db, tenant, kettle, 1, 2)
    await number_all(Sequencer(own_db))
    await deliver_all(deliverer)
    for _ in range(aside.ATTEMPTS):
        async with own_db.connection() as link:
            await link.execute("update fact_aside set next_try_at = '-infinity' where state = 'retrying'")
        await deliver_all(deliverer)
    [held] = await aside.held(own_db, brand=tenant.brand)
    assert (held.state, held.attempts) == ("set_aside", aside.ATTEMPTS)
    assert await written(own_db, tenant) == []

    async with own_db.writing(tenant) as tx:
        await aside.skip(tx, held.subscriber, held.number)
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [2]


async def test_workers_that_share_a_subscriber_do_each_fact_once(
    own_db: Database, tenant: Tenant, deliverer: Deliverer
) -> None:
    for nth in range(300):
        await boil(own_db, tenant, new_id(), nth)
    await number_all(Sequencer(own_db))
    await asyncio.gather(*(deliver_all(deliverer) for _ in range(6)))
    assert await written(own_db, tenant) == list(range(300))


async def test_replay_forgets_and_makes_the_same_again(
    own_db: Database, tenant: Tenant, deliverer: Deliverer, subscriber: Subscriber
) -> None:
    await boil(own_db, tenant, new_id(), 1, 2, 3)
    await number_all(Sequencer(own_db))
    await deliver_all(deliverer)
    async with own_db.writing(tenant) as tx:
        await replay.replay(tx, subscriber)
    assert await written(own_db, tenant) == []
    await deliver_all(deliverer)
    assert await written(own_db, tenant) == [1, 2, 3]
    [lag] = await deliverer.lags()
    assert (lag.behind, lag.aside) == (0, 0)


async def test_what_cannot_be_forgotten_is_not_replayed(own_db: Database, tenant: Tenant, diary: Diary) -> None:
    [subscriber] = subscribers_of({KettleBoiled: (diary.write,)})
    with pytest.raises(replay.NotReplayable):
        async with own_db.writing(tenant) as tx:
            await replay.replay(tx, subscriber)
