"""A call sent again is answered again, not done again."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from midstage.kit import idempotency
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.idempotency import AnswerMissingError, BadIdempotencyKey, KeyReusedWithOtherBody, Stored
from midstage.kit.ids import new_id

BODY = idempotency.hash_of({"lines": [1, 2]})


class CalledOffError(Exception):
    """Stands for any refusal after the claim."""


async def claim(tx: Tx, principal: UUID, key: str, body: bytes = BODY) -> Stored | None:
    return await idempotency.claim(tx, principal=principal, operation="orders.place", key=key, body_hash=body)


async def answer(tx: Tx, principal: UUID, key: str, status: int = 201, text: bytes = b"{}") -> None:
    idempotency.store_answer(tx, principal=principal, operation="orders.place", key=key, status=status, answer=text)


async def claim_and_refuse(db: Database, tenant: Tenant, principal: UUID) -> None:
    async with db.writing(tenant) as tx:
        await claim(tx, principal, "k1")
        raise CalledOffError


async def test_the_second_call_gets_the_status_and_bytes_of_the_first(db: Database, tenant: Tenant) -> None:
    who = new_id()
    async with db.writing(tenant) as tx:
        assert await claim(tx, who, "k1") is None
        await answer(tx, who, "k1", 201, b'{"order": 7}')
    async with db.writing(tenant) as tx:
        assert await claim(tx, who, "k1") == Stored(201, b'{"order": 7}')


async def test_another_body_is_refused_and_the_stored_answer_stays(db: Database, tenant: Tenant) -> None:
    who = new_id()
    async with db.writing(tenant) as tx:
        await claim(tx, who, "k1")
        await answer(tx, who, "k1", text=b"first")
    with pytest.raises(KeyReusedWithOtherBody):
        async with db.writing(tenant) as tx:
            await claim(tx, who, "k1", idempotency.hash_of({"lines": [3]}))
    async with db.writing(tenant) as tx:
        assert await claim(tx, who, "k1") == Stored(201, b"first")


async def test_principal_operation_and_brand_keep_keys_apart(db: Database, tenant: Tenant) -> None:
    who = new_id()
    async with db.writing(tenant) as tx:
        await claim(tx, who, "k1")
        await answer(tx, who, "k1")
        assert await claim(tx, new_id(), "k1") is None
        other = await idempotency.claim(tx, principal=who, operation="orders.cancel", key="k1", body_hash=BODY)
        assert other is None
        await tx.run("delete from idempotency where brand_id = $1 and status is null", tx.brand)


async def test_a_refusal_stores_nothing_and_the_key_is_free_again(db: Database, tenant: Tenant) -> None:
    who = new_id()
    with pytest.raises(CalledOffError):
        await claim_and_refuse(db, tenant, who)
    async with db.writing(tenant) as tx:
        assert await claim(tx, who, "k1", idempotency.hash_of("anything")) is None
        await answer(tx, who, "k1")


async def test_of_many_at_once_one_does_the_work_and_all_get_its_answer(db: Database, tenant: Tenant) -> None:
    who = new_id()
    done: list[int] = []

    async def call(number: int) -> bytes:
        async with db.writing(tenant) as tx:
            stored = await claim(tx, who, "k1")
            if stored is not None:
                return stored.answer
            await asyncio.sleep(0.02)
            done.append(number)
            await answer(tx, who, "k1", text=b"order %d" % number)
            return b"order %d" % number

    answers = await asyncio.gather(*(call(number) for number in range(8)))
    assert len(done) == 1
    assert set(answers) == {b"order %d" % done[0]}


async def test_who_waits_does_the_work_when_the_first_is_called_off(db: Database, tenant: Tenant) -> None:
    who = new_id()
    claimed, go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with db.writing(tenant) as tx:
            await claim(tx, who, "k1")
            claimed.set()
            await go.wait()
            raise CalledOffError

    async def second() -> Stored | None:
        await claimed.wait()
        async with db.writing(tenant) as tx:
            asyncio.get_running_loop().call_later(0.05, go.set)
            stored = await claim(tx, who, "k1")
            await answer(tx, who, "k1", text=b"second")
            return stored

    results = await asyncio.gather(first(), second(), return_exceptions=True)
    assert isinstance(results[0], CalledOffError)
    assert results[1] is None
    async with db.writing(tenant) as tx:
        assert await claim(tx, who, "k1") == Stored(201, b"second")


async def test_a_claim_committed_without_an_answer_is_never_taken_for_done(db: Database, tenant: Tenant) -> None:
    who = new_id()
    async with db.writing(tenant) as tx:
        await claim(tx, who, "k1")
    with pytest.raises(AnswerMissingError):
        async with db.writing(tenant) as tx:
            await claim(tx, who, "k1")
    with pytest.raises(AnswerMissingError):
        async with db.writing(tenant) as tx:
            await answer(tx, who, "k2")


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "a\nb"])
async def test_a_key_that_is_none_is_refused(db: Database, tenant: Tenant, key: str) -> None:
    with pytest.raises(BadIdempotencyKey):
        async with db.writing(tenant) as tx:
            await claim(tx, new_id(), key)


async def test_the_hot_path_is_two_statements(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        tx.recorder = []
        who = new_id()
        await claim(tx, who, "k1")
        await answer(tx, who, "k1")
        await tx.flush()
        assert len(tx.recorder) == 2


async def test_the_sweep_forgets_in_batches_what_is_older_than_the_retention(own_db: Database, tenant: Tenant) -> None:
    who = new_id()
    async with own_db.writing(tenant) as tx:
        for number in range(12):
            await claim(tx, who, f"k{number}")
            await answer(tx, who, f"k{number}")
    assert await idempotency.sweep(own_db, utc_now() + timedelta(days=6)) == 0
    assert await idempotency.sweep(own_db, utc_now() + timedelta(days=8), batch=5, batches=2) == 10
    assert await idempotency.sweep(own_db, utc_now() + timedelta(days=8), batch=5) == 2
    async with own_db.writing(tenant) as tx:
        assert await claim(tx, who, "k1") is None
        await answer(tx, who, "k1")


def test_the_hash_ignores_the_order_of_members() -> None:
    assert idempotency.hash_of({"a": 1, "b": 2}) == idempotency.hash_of({"b": 2, "a": 1})
    assert idempotency.hash_of({"a": 1}) != idempotency.hash_of({"a": 2})
