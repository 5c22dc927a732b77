"""Reads of personal data: noted without a wait, written within a moment, and lost by nothing but a kill."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from middle.access.people import Ground
from midstage.kit.audit import Principal
from midstage.kit.clock import utc_now
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.paging import BadCursor, PageRequest
from midstage.middle.access import api as access
from midstage.middle.access import reads as module

FIELDS = ("name", "phone")


def _by() -> Principal:
    return Principal("staff", new_id())


async def _read(db: Database, ground: Ground, **filters: Any) -> list[access.PersonalRead]:
    async with db.reading(ground.tenant) as tx:
        return (await access.personal_reads(tx, access.ReadFilter(**filters), PageRequest())).items


async def _late(db: Database, ground: Ground) -> list[tuple[str, int]]:
    async with db.reading(ground.tenant) as tx:
        return [(one.subject_id, one.figures["persons"]) for one in await access.late(tx)]


async def test_what_was_seen_is_written_within_a_moment_by_itself(db: Database, ground: Ground) -> None:
    notebook, by, member = access.Notebook(db), _by(), new_id()
    notebook.saw(ground.tenant, by, "console.member", fields=FIELDS, member_id=member)
    assert await _read(db, ground) == []
    found = await _read(db, ground, member_ids=(member,))
    for _ in range(60):
        if found:
            break
        await asyncio.sleep(0.05)
        found = await _read(db, ground, member_ids=(member,))
    [one] = found
    assert (one.by, one.call, one.member_id, one.fields, one.persons) == (by, "console.member", member, FIELDS, 1)
    await notebook.close()


async def test_what_was_noted_last_is_written_when_the_process_stops(db: Database, ground: Ground) -> None:
    notebook, by = access.Notebook(db), _by()
    for _ in range(500):
        notebook.saw(ground.tenant, by, "console.member", fields=FIELDS, member_id=new_id())
    await notebook.close()
    async with db.reading(ground.tenant) as tx:
        count = await tx.value("select count(*) from personal_read where brand_id = $1", tx.brand)
    assert count == 500


async def test_an_outage_is_waited_out(db: Database, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook, by, real = access.Notebook(db), _by(), db.attempt

    async def away(*_: object, **__: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(db, "attempt", away)
    notebook.saw(ground.tenant, by, "console.member", fields=FIELDS, member_id=new_id())
    await notebook.flush()
    notebook.saw(ground.tenant, by, "console.order", fields=FIELDS, order_id=new_id())
    await notebook.flush()
    monkeypatch.setattr(db, "attempt", real)
    await notebook.close()
    assert [one.call for one in await _read(db, ground)] == ["console.order", "console.member"]


async def test_memory_has_an_end(db: Database, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    notebook = access.Notebook(db)
    for number in range(5):
        notebook.saw(ground.tenant, _by(), f"call {number}", fields=FIELDS, member_id=new_id())
    await notebook.close()
    assert [one.call for one in await _read(db, ground)] == ["call 4", "call 3"]


async def test_of_a_member_files_that_may_have_held_her_are_listed_too(db: Database, ground: Ground) -> None:
    notebook, by, member, order = access.Notebook(db), _by(), new_id(), new_id()
    notebook.saw(ground.tenant, by, "console.member", fields=FIELDS, member_id=member)
    notebook.saw(ground.tenant, by, "console.member", fields=FIELDS, member_id=new_id())
    notebook.saw(ground.tenant, by, "console.export_members", fields=FIELDS, persons=180)
    notebook.saw(ground.tenant, by, "console.order", fields=("recipient",), order_id=order)
    notebook.saw(ground.tenant, by, "counter.find_member", fields=("search",), persons=0)
    await notebook.close()
    of_her = await _read(db, ground, member_ids=(member,))
    assert [one.call for one in of_her] == ["console.export_members", "console.member"]
    assert [one.call for one in await _read(db, ground, order_id=order)] == ["console.order"]
    assert len(await _read(db, ground, by_id=by.id)) == 5
    assert await _read(db, ground, before=utc_now() - timedelta(hours=1)) == []


async def test_the_list_pages_and_refuses_a_foreign_cursor(db: Database, ground: Ground) -> None:
    notebook, by = access.Notebook(db), _by()
    for number in range(5):
        notebook.saw(ground.tenant, by, f"call {number}", fields=FIELDS, member_id=new_id())
    await notebook.close()
    seen: list[str] = []
    after: str | None = None
    while True:
        async with db.reading(ground.tenant) as tx:
            page = await access.personal_reads(tx, access.ReadFilter(), PageRequest(after, 2))
        seen += [one.call for one in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [f"call {number}" for number in (4, 3, 2, 1, 0)]
    async with db.reading(ground.tenant) as tx:
        with pytest.raises(BadCursor):
            await access.personal_reads(tx, access.ReadFilter(), PageRequest("nonsense"))


async def test_who_looks_at_unusually_many_people_is_pointed_out(db: Database, ground: Ground) -> None:
    notebook, quick, careful, exporting = access.Notebook(db), _by(), _by(), _by()
    members = [new_id() for _ in range(201)]
    for member in members:
        notebook.saw(ground.tenant, quick, "console.member", fields=FIELDS, member_id=member)
    for member in members[:200] * 3:
        notebook.saw(ground.tenant, careful, "console.member", fields=FIELDS, member_id=member)
    notebook.saw(ground.tenant, exporting, "console.export_members", fields=FIELDS, persons=5_000)
    await notebook.close()
    assert await _late(db, ground) == [(str(exporting.id), 5_000), (str(quick.id), 201)]


async def test_trying_numbers_that_nobody_has_counts_as_well(db: Database, ground: Ground) -> None:
    notebook, guessing = access.Notebook(db), _by()
    for _ in range(201):
        notebook.saw(ground.tenant, guessing, "counter.find_member", fields=("search",), persons=0)
    await notebook.close()
    assert await _late(db, ground) == [(str(guessing.id), 201)]


async def test_reads_are_forgotten_after_three_years(db: Database, ground: Ground) -> None:
    notebook = access.Notebook(db)
    notebook.saw(ground.tenant, _by(), "console.member", fields=FIELDS, member_id=UUID(int=7))
    await notebook.close()
    for days, left in ((3 * 365, 1), (3 * 366 + 1, 0)):
        async with db.writing(ground.tenant, now=utc_now() + timedelta(days=days)) as tx:
            await access.forget_old(tx)
        assert len(await _read(db, ground)) == left


async def test_when_a_session_was_used_is_noted_and_never_goes_back(db: Database, ground: Ground) -> None:
    notebook, subject, now = access.Notebook(db), new_id(), utc_now()
    async with db.writing(ground.tenant, now=now) as tx:
        await access.open_session(tx, access.SessionKind.STAFF, subject, lasts=timedelta(hours=1))
        [session] = await access.sessions(tx, subject)
    for after, ip in ((30, "10.0.0.3"), (20, "10.0.0.2")):
        notebook.touched(ground.tenant, session.session_id, now + timedelta(minutes=after), ip)
        await notebook.flush()
    await notebook.close()
    async with db.reading(ground.tenant) as tx:
        [seen] = await access.sessions(tx, subject)
    assert (seen.seen_at, seen.ip) == (now + timedelta(minutes=30), "10.0.0.3")
