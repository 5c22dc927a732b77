"""Facts reach those who asked for them: signed, at least once, each subject's in their order, whatever they answer."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.webhooks.post import Post
from kit.webhooks.receiver import OK, Got, Receiver, Say, verify
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.webhooks import api as webhooks

DAY = timedelta(days=1)


async def test_a_fact_arrives_whole_and_signed(post: Post, receiver: Receiver, parcel: UUID) -> None:
    _, secret = await post.make(receiver.url)
    await post.tell((parcel, 1))
    await post.send()
    [made, moved] = receiver.got
    assert made.told["type"] == "WebhookMade"
    assert moved.told | {"id": "", "number": 0, "at": "", "business_date": ""} == {
        "id": "",
        "type": "ParcelMoved",
        "version": 1,
        "number": 0,
        "key": str(parcel),
        "business_date": "",
        "at": "",
        "data": {"parcel_id": str(parcel), "nth": 1},
    }
    assert moved.headers["webhook-id"] == moved.told["id"]
    assert abs(int(moved.headers["webhook-timestamp"]) - time.time()) < 5
    assert moved.headers["content-type"] == "application/json"
    assert verify(secret, moved)
    assert not verify("whsec_c29tZWJvZHkgZWxzZQ==", moved)


async def test_only_what_was_asked_for_arrives_and_nothing_from_before(
    post: Post, receiver: Receiver, parcel: UUID
) -> None:
    await post.tell((parcel, 1))
    await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 2))
    await post.send()
    assert [one.told["data"]["nth"] for one in receiver.got] == [2]


async def test_what_arrived_is_not_sent_again(post: Post, receiver: Receiver, parcel: UUID) -> None:
    endpoint_id, _ = await post.make(receiver.url)
    await post.tell(*((parcel, nth) for nth in range(5)))
    await post.send()
    await post.send()
    assert len(receiver.got) == len(set(receiver.numbers)) == 6
    assert {one.state for one in await post.deliveries(endpoint_id)} == {webhooks.DeliveryState.DELIVERED}
    assert (await post.endpoint(endpoint_id)).cursor == max(receiver.numbers)


async def test_what_fails_holds_up_its_own_subject_and_no_other(post: Post, receiver: Receiver) -> None:
    bad, good = new_id(), new_id()
    receiver.answer = lambda got: Say(500, b"cannot") if got.told["key"] == str(bad) else OK
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((bad, 1), (good, 1), (bad, 2), (good, 2))
    await post.send()
    await post.tell((bad, 3), (good, 3))
    await post.send()
    assert len(receiver.of_key(bad)) == 1
    assert len(receiver.of_key(good)) == 3
    states = [(one.key == bad, one.state) for one in await post.deliveries(endpoint_id)]
    assert states == [
        (True, webhooks.DeliveryState.RETRYING),
        (False, webhooks.DeliveryState.DELIVERED),
        (True, webhooks.DeliveryState.BEHIND),
        (False, webhooks.DeliveryState.DELIVERED),
        (True, webhooks.DeliveryState.BEHIND),
        (False, webhooks.DeliveryState.DELIVERED),
    ]
    [first, *_] = await post.deliveries(endpoint_id)
    assert (first.status, first.told, first.attempts) == (500, "cannot", 1)
    assert first.next_try_at is not None
    receiver.answer = lambda _: OK
    post.ahead += timedelta(minutes=1)
    await post.send()
    assert receiver.of_key(bad)[1:] == sorted(set(receiver.of_key(bad)))
    assert {one.state for one in await post.deliveries(endpoint_id)} == {webhooks.DeliveryState.DELIVERED}
    assert await post.findings() == []


@pytest.mark.parametrize(
    ("say", "status", "told"),
    [
        (Say(500, b"\x00\xffno" + b"x" * 9000), 500, "no"),
        (Say(302, b"", ("location: http://127.0.0.1:1/",)), 302, ""),
        (Say(close=True), None, "RemoteProtocolError"),
        (Say(after_s=5), None, "no answer within 1 s"),
        (Say(204, b""), 204, ""),
        (Say(200, b"a", drip=True), 200, "a"),
        (Say(400, b"what?"), 400, "what?"),
    ],
    ids=["fails", "redirects", "closes", "is slow", "has nothing to say", "drips", "does not understand"],
)
async def test_whatever_is_answered_is_written_down(
    post: Post, receiver: Receiver, parcel: UUID, say: Say, status: int | None, told: str
) -> None:
    receiver.answer = lambda _: say
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 1))
    await post.send()
    [one] = await post.deliveries(endpoint_id)
    arrived = status is not None and status < 300
    assert one.state is (webhooks.DeliveryState.DELIVERED if arrived else webhooks.DeliveryState.RETRYING)
    assert one.status == status
    assert told in one.told
    assert len(one.told) <= 1000
    assert len(receiver.got) == 1


async def test_an_endpoint_that_is_gone_is_disabled_and_goes_on_where_it_was(
    post: Post, receiver: Receiver, parcel: UUID
) -> None:
    receiver.answer = lambda _: Say(410, b"bye")
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 1), (parcel, 2))
    await post.send()
    found = await post.endpoint(endpoint_id)
    assert (found.state, found.why) == (webhooks.WebhookState.DISABLED, webhooks.WebhookEnd.GONE)
    await post.tell((parcel, 3))
    await post.send()
    assert len(receiver.got) == 1
    async with post.database.reading(post.tenant) as tx:
        assert [one.kind for one in await webhooks.late(tx)] == ["webhooks.disabled"]
        disabled = await tx.rows("select payload from fact where brand_id = $1 and type = 'WebhookDisabled'", tx.brand)
    assert len(disabled) == 1
    receiver.answer = lambda _: OK
    async with post.database.writing(post.tenant) as tx:
        draft = post.draft(found, state=webhooks.WebhookState.ACTIVE)
        await webhooks.change(tx, endpoint_id, draft, seen=found.version, loopback=True)
    post.ahead += timedelta(minutes=1)
    await post.send()
    assert [one.told["data"]["nth"] for one in receiver.got] == [1, 1, 2, 3]


async def test_after_five_days_of_nothing_but_failures_it_is_disabled(
    post: Post, receiver: Receiver, parcel: UUID
) -> None:
    receiver.answer = lambda _: Say(500)
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 1))
    for _ in range(40):
        await post.send()
        if (await post.endpoint(endpoint_id)).state is webhooks.WebhookState.DISABLED:
            break
        assert post.ahead < 6 * DAY
        post.ahead += DAY / 4
        await post.tell((parcel, 2))
    assert 5 * DAY <= post.ahead < 6 * DAY
    [first, *rest] = await post.deliveries(endpoint_id)
    assert first.state is webhooks.DeliveryState.GIVEN_UP
    assert 3 * DAY <= (first.tried_at or post.now()) - first.since < 4 * DAY
    assert rest
    assert await post.findings() == []


async def test_a_dead_endpoint_is_left_alone_ever_longer(post: Post, receiver: Receiver) -> None:
    receiver.answer = lambda _: Say(503)
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell(*((new_id(), 1) for _ in range(300)))
    await post.send()
    tried = len(receiver.got)
    assert tried < 20
    found = await post.endpoint(endpoint_id)
    assert found.rest_until is not None
    for _ in range(20):
        post.ahead += timedelta(minutes=1)
        await post.send()
    assert len(receiver.got) < tried + 20
    receiver.answer = lambda _: OK
    post.ahead += timedelta(minutes=15)
    await post.send()
    assert len(set(receiver.numbers)) == 300
    assert {one.state for one in await post.deliveries(endpoint_id)} == {webhooks.DeliveryState.DELIVERED}
    assert (await post.endpoint(endpoint_id)).failing_since is None


async def test_who_asks_for_patience_gets_it(post: Post, receiver: Receiver, parcel: UUID) -> None:
    receiver.answer = lambda _: Say(429, b"", ("Retry-After: 120",))
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 1))
    await post.send()
    rest_until = (await post.endpoint(endpoint_id)).rest_until
    assert rest_until is not None
    assert timedelta(seconds=110) < rest_until - post.now() <= timedelta(seconds=120)
    post.ahead += timedelta(seconds=60)
    await post.send()
    assert len(receiver.got) == 1


async def test_a_slow_endpoint_holds_up_no_other_and_gets_few_at_once(post: Post, receiver: Receiver) -> None:
    receiver.answer = lambda _: Say(after_s=0.3)
    await post.make(receiver.url, "ParcelMoved")
    async with Receiver() as quick:
        await post.make(quick.url, "ParcelMoved")
        await post.tell(*((new_id(), 1) for _ in range(16)))
        courier, stop = post.courier(at_once=4), asyncio.Event()
        begun = time.monotonic()
        running = asyncio.create_task(courier.run(stop))
        await quick.has(16)
        assert time.monotonic() - begun < 1
        stop.set()
        await running
    assert receiver.most_at_once == 4


async def test_a_secret_changes_without_a_gap(post: Post, receiver: Receiver, parcel: UUID) -> None:
    endpoint_id, old = await post.make(receiver.url, "ParcelMoved")
    async with post.database.writing(post.tenant) as tx:
        new = await webhooks.rotate(tx, endpoint_id, overlap=timedelta(hours=1))
    await post.tell((parcel, 1))
    await post.send()
    post.ahead += timedelta(hours=2)
    await post.tell((parcel, 2))
    await post.send()
    [first, second] = receiver.got
    assert (verify(old, first), verify(new, first)) == (True, True)
    assert (verify(old, second), verify(new, second)) == (False, True)


async def test_facts_are_sent_again_from_a_number_one_alone_or_what_failed(
    post: Post, receiver: Receiver, parcel: UUID
) -> None:
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell(*((parcel, nth) for nth in range(4)))
    await post.send()
    numbers = receiver.numbers
    async with post.database.writing(post.tenant) as tx:
        assert await webhooks.replay_from(tx, endpoint_id, number=numbers[2]) == numbers[2]
    await post.send()
    assert receiver.numbers == numbers + numbers[2:]
    async with post.database.writing(post.tenant) as tx:
        await webhooks.replay_one(tx, endpoint_id, numbers[1])
        with pytest.raises(webhooks.NoSuchDelivery):
            await webhooks.replay_one(tx, endpoint_id, 10**6)
    await post.send()
    assert receiver.numbers == [*numbers, *numbers[2:], numbers[1]]
    async with post.database.writing(post.tenant) as tx:
        since = receiver.got[0].told["at"]
        assert await webhooks.replay_failed(tx, endpoint_id) == 0
        moment = post.now() - timedelta(hours=1)
        assert await webhooks.replay_from(tx, endpoint_id, since=moment) <= numbers[0]
    del receiver.got[:]
    await post.send()
    assert receiver.numbers == numbers
    assert receiver.got[0].told["at"] == since
    assert await post.findings() == []


async def test_what_was_given_up_can_be_sent_again_in_order(post: Post, receiver: Receiver, parcel: UUID) -> None:
    receiver.answer = lambda _: Say(500)
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell((parcel, 1), (parcel, 2))
    await post.send()
    post.ahead += 4 * DAY
    receiver.answer = lambda got: Say(500) if got.told["data"]["nth"] == 1 else OK
    await post.send()
    states = [one.state for one in await post.deliveries(endpoint_id)]
    assert states == [webhooks.DeliveryState.GIVEN_UP, webhooks.DeliveryState.DELIVERED]
    receiver.answer = lambda _: OK
    async with post.database.writing(post.tenant, now=post.now()) as tx:
        assert await webhooks.replay_failed(tx, endpoint_id) == 1
    await post.send()
    assert [one.state for one in await post.deliveries(endpoint_id)] == [webhooks.DeliveryState.DELIVERED] * 2


async def test_a_paused_endpoint_gets_nothing_and_may_leave_out_what_it_missed(
    post: Post, receiver: Receiver, parcel: UUID
) -> None:
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")

    async def change(state: webhooks.WebhookState, *, skip: bool = False) -> None:
        found = await post.endpoint(endpoint_id)
        async with post.database.writing(post.tenant) as tx:
            draft = post.draft(found, state=state)
            await webhooks.change(tx, endpoint_id, draft, seen=found.version, loopback=True, skip=skip)
            with pytest.raises(webhooks.EndpointChanged):
                await webhooks.change(tx, endpoint_id, draft, seen=found.version, loopback=True)

    await change(webhooks.WebhookState.PAUSED)
    await post.tell((parcel, 1))
    await post.send()
    assert receiver.got == []
    outcome = await webhooks.ping(post.database, post.tenant, post.outside, endpoint_id)
    assert (outcome.arrived, outcome.status, outcome.told) == (True, 200, "ok")
    assert receiver.got.pop().told["type"] == "Ping"
    await change(webhooks.WebhookState.ACTIVE, skip=True)
    await post.tell((parcel, 2))
    await post.send()
    assert [one.told["data"]["nth"] for one in receiver.got] == [2]


async def test_deliveries_are_listed_by_pages_the_newest_first(post: Post, receiver: Receiver, parcel: UUID) -> None:
    endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
    await post.tell(*((parcel, nth) for nth in range(7)))
    await post.send()
    seen: list[int] = []
    after: str | None = None
    while True:
        async with post.database.reading(post.tenant) as tx:
            page = await webhooks.deliveries(
                tx, endpoint_id, PageRequest(after, 3), state=webhooks.DeliveryState.DELIVERED
            )
        seen += [one.number for one in page.items]
        after = page.next
        if after is None:
            break
    assert seen == receiver.numbers[::-1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    facts=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    failures=st.lists(st.booleans(), max_size=30),
    couriers=st.integers(1, 3),
)
async def test_whatever_fails_each_arrives_and_in_the_order_of_its_subject(
    post: Post, facts: list[int], failures: list[bool], couriers: int
) -> None:
    parcels = [new_id() for _ in range(4)]
    fails = iter(failures)

    def answer(_: Got) -> Say:
        return Say(500) if next(fails, False) else OK

    async with Receiver(answer) as receiver:
        endpoint_id, _ = await post.make(receiver.url, "ParcelMoved")
        await post.tell(*((parcels[one], nth) for nth, one in enumerate(facts)))
        several = [post.courier() for _ in range(couriers)]
        for _ in range(60):
            await asyncio.gather(*(one.round() for one in several))
            assert await post.findings() == []
            if all(one.state is webhooks.DeliveryState.DELIVERED for one in await post.deliveries(endpoint_id)):
                break
            post.ahead += timedelta(hours=1)
        assert sorted({one.told["data"]["nth"] for one in receiver.got}) == list(range(len(facts)))
        for parcel in parcels:
            came = receiver.of_key(parcel)
            assert came == sorted(came)
        async with post.database.writing(post.tenant) as tx:
            await webhooks.remove(tx, endpoint_id)
