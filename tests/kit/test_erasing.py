"""Stored answers and the trail lose what stood in them, and stay."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from midstage.kit import audit, erasing, idempotency
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest


async def answered(db: Database, tenant: Tenant, principal: UUID, key: str, answer: bytes) -> None:
    async with db.writing(tenant) as tx:
        await idempotency.claim(tx, principal=principal, operation="POST /x", key=key, body_hash=b"1")
        idempotency.store_answer(tx, principal=principal, operation="POST /x", key=key, status=200, answer=answer)


async def stored(db: Database, tenant: Tenant) -> dict[str, bytes]:
    async with db.reading(tenant) as tx:
        return {
            row["key"]: row["answer"]
            for row in await tx.rows("select key, answer from idempotency where brand_id = $1", tx.brand)
        }


async def wipe(db: Database, tenant: Tenant, principals: Sequence[UUID], needles: Sequence[str]) -> int:
    wiped, place = 0, erasing.Place()
    while True:
        async with db.writing(tenant) as tx:
            found = await erasing.wipe_answers(tx, principals, needles, place)
        wiped += found.answers
        if found.next is None:
            return wiped
        place = found.next


async def test_her_answers_and_those_that_name_her_are_wiped_batch_by_batch(
    db: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "ANSWERS_BATCH", 3)
    her, staff = new_id(), new_id()
    for n in range(4):
        await answered(db, tenant, her, f"hers-{n}", b'{"x":1}')
        await answered(db, tenant, staff, f"other-{n}", b'{"name":"\xe6\x9d\x8e\xe9\x9b\xb7"}')
    await answered(db, tenant, staff, "about-her", f'{{"member_id":"{her}"}}'.encode())
    assert await wipe(db, tenant, [her], [str(her)]) == 5
    found = await stored(db, tenant)
    assert {key for key, answer in found.items() if answer == b"null"} == {
        *(f"hers-{n}" for n in range(4)),
        "about-her",
    }
    async with db.writing(tenant) as tx:
        again = await idempotency.claim(tx, principal=her, operation="POST /x", key="hers-0", body_hash=b"1")
        assert again == idempotency.Stored(200, b"null"), "it is still not done twice"


async def test_an_answer_in_the_making_is_left_alone_and_wiped_afterwards(db: Database, tenant: Tenant) -> None:
    her = new_id()
    began = utc_now()
    await answered(db, tenant, her, "late", b'{"x":1}')
    async with db.writing(tenant) as tx:
        await idempotency.claim(tx, principal=her, operation="POST /x", key="now", body_hash=b"1")
        assert await erasing.wipe_answers_since(tx, began, [her], []) == 1
        idempotency.store_answer(tx, principal=her, operation="POST /x", key="now", status=200, answer=b"{}")
    assert await stored(db, tenant) == {"late": b"null", "now": b"{}"}


async def test_the_trail_says_who_did_what_and_no_longer_with_which_values(db: Database, tenant: Tenant) -> None:
    her, other, order = new_id(), new_id(), new_id()

    async def note(tx: Tx) -> None:
        tx.note("members.change_profile", "member", her, before={"name": "李*"}, after={"name": "王*"})
        tx.note("members.change_profile", "member", other, before={"name": "赵*"}, after={"name": "钱*"})
        tx.note("orders.refund", "order", order, after={"reason": "王芳不要了", "amount_minor": 100})

    await db.attempt(tenant, note)
    async with db.writing(tenant) as tx:
        assert await erasing.wipe_audit(tx, ["member", "person"], [her]) == 1
        assert await erasing.wipe_audit(tx, ["member", "person"], [her]) == 0
        assert await erasing.wipe_audit_words(tx, "order", [order], ["reason", "note"]) == 1
    async with db.reading(tenant) as tx:
        trail = (await audit.entries(tx, audit.ChangeFilters(), PageRequest())).items
    by_subject = {one.subject_id: one for one in trail}
    assert (by_subject[str(her)].action, by_subject[str(her)].before, by_subject[str(her)].after) == (
        "members.change_profile",
        None,
        None,
    )
    assert by_subject[str(other)].after == {"name": "钱*"}
    assert by_subject[str(order)].after == {"amount_minor": 100}
    assert msgspec.json.encode(by_subject[str(order)].before) == b"null"
