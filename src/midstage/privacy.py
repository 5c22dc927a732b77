"""Personal data, handed out and lost: composed out of what each door keeps of a person.

Whoever wants to have or to lose it asks at the members' door; a job comes here. An export is a file that its asker can
fetch for some days. An erasure keeps the books: orders, payments and the ledger stay with an id that leads nowhere.
Everything is such that it may be begun again: a worker that dies leaves the rest to the next.
"""

import asyncio
import io
import os
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import msgspec

from midstage.fronts._http.files import write_csv
from midstage.kit import erasing
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

Export: TypeAlias = Callable[[Tx, Sequence[identity.PersonId]], Awaitable[dict[str, Any]]]
ForgetMessages: TypeAlias = Callable[[Tenant, Sequence[str]], Awaitable[int]]

EXPORTS: Mapping[str, Export] = {
    "identity": identity.export_person,
    "members": members.export_person,
    "access": access.export_person,
    "orders": orders.export_person,
    "loyalty": loyalty.export_person,
}

# An order that is not over needs its address; but nobody waits for it until the last day of the thirty.
WAITS_UNTIL = timedelta(days=1)
# A shorter word stands in too much that is not hers.
SHORTEST_NEEDLE = 6
_SUBJECTS = ("member", "person")
_WORDS = ("reason", "note", "delivery", "address")


class Erased(msgspec.Struct):
    """The proof of an erasure: in which tables how many rows lost something, and how much lay outside of tables."""

    tables: dict[str, int] = {}
    answers: int = 0
    audit: int = 0
    files: int = 0
    messages: int = 0

    def count(self, lost: Mapping[str, int]) -> None:
        for table, rows in lost.items():
            self.tables[table] = self.tables.get(table, 0) + rows


class _Whom(msgspec.Struct, frozen=True):
    """Whom a request is about: every id of hers, and every word by which she is known."""

    persons: list[identity.PersonId]
    members: list[members.MemberId]
    phones: list[str]
    words: list[str]

    @property
    def needles(self) -> list[str]:
        ids = [str(each) for each in (*self.persons, *self.members)]
        return [*ids, *(word for word in self.words if len(word) >= SHORTEST_NEEDLE)]


class Privacy:
    """Does requests about personal data. `home` is where files are kept."""

    def __init__(self, database: Database, home: Path, forget_messages: ForgetMessages) -> None:
        self._database = database
        self._home = home
        self._forget_messages = forget_messages

    async def do(self, tenant: Tenant, request_id: members.RequestId, *, now: datetime | None = None) -> bool:
        """Do one request, if it is to be done by now. False: it is not, or no longer, or waits for an order to end."""
        at = now or utc_now()
        async with self._database.reading(tenant, now=at) as tx:
            request = await members.privacy_request(tx, request_id)
            whom = await _whom(tx, request)
            waits = request.kind is members.RequestKind.ERASURE and await orders.open_orders(tx, whom.persons)
        if request.ended_at is not None or request.begins_at > at or (waits and at < request.due_at - WAITS_UNTIL):
            return False
        if request.kind is members.RequestKind.EXPORT:
            return await self._export(tenant, request, whom, at)
        return await self._erase(tenant, request, whom, at)

    async def do_due(self, tenant: Tenant, *, now: datetime | None = None) -> int:
        """Do what is due by now and no job has done, and delete files that were kept long enough."""
        async with self._database.reading(tenant, now=now) as tx:
            due, expired = await members.due_requests(tx), await members.expired_files(tx)
        done = 0
        for request_id in due:
            done += await self.do(tenant, request_id, now=now)
        for request_id in expired:
            await asyncio.to_thread(self._path(tenant, request_id).unlink, missing_ok=True)

        async def note(tx: Tx) -> None:
            await members.forget_files(tx, expired)

        if expired:
            await self._database.attempt(tenant, note, now=now)
        return done

    async def _export(self, tenant: Tenant, request: members.PrivacyRequest, whom: _Whom, at: datetime) -> bool:
        async with self._database.reading(tenant, now=at, snapshot=True) as tx:
            parts = {name: await export(tx, whom.persons) for name, export in EXPORTS.items()}
        held = cast("dict[str, dict[str, Any]]", msgspec.to_builtins(parts))
        path = self._path(tenant, request.request_id)
        size = await asyncio.to_thread(_write, path, held)

        async def end(tx: Tx) -> bool:
            if await members.hold_request(tx, request.request_id) is None:
                return False
            counts = {name: {section: _length(value) for section, value in part.items()} for name, part in held.items()}
            await members.end_request(tx, request, proof={"sections": counts}, file_bytes=size)
            return True

        return await self._database.attempt(tenant, end, now=at)

    async def _erase(self, tenant: Tenant, request: members.PrivacyRequest, whom: _Whom, at: datetime) -> bool:
        began = utc_now()
        proof = Erased()
        # What takes long, or cannot be undone with a transaction, comes first: it is found by what is then lost.
        proof.messages = await self._forget_messages(tenant, whom.phones)
        proof.answers = await self._wipe_answers(tenant, whom)
        async with self._database.reading(tenant) as tx:
            files = await members.files_of(tx, whom.members)
        for request_id in files:
            await asyncio.to_thread(self._path(tenant, request_id).unlink, missing_ok=True)
        proof.files = len(files)

        async def lose(tx: Tx) -> bool:
            if await members.hold_request(tx, request.request_id) is None:
                return False
            counted = msgspec.convert(msgspec.to_builtins(proof), Erased)
            await erase(tx, await _whom(tx, request), began, counted)
            await members.forget_files(tx, files)
            await members.end_request(tx, request, proof=msgspec.to_builtins(counted))
            return True

        return await self._database.attempt(tenant, lose, now=at)

    async def _wipe_answers(self, tenant: Tenant, whom: _Whom) -> int:
        wiped, place = 0, erasing.Place()
        while True:

            async def batch(tx: Tx, at: erasing.Place = place) -> erasing.Wiped:
                return await erasing.wipe_answers(tx, whom.members, whom.needles, at)

            found = await self._database.attempt(tenant, batch)
            wiped += found.answers
            if found.next is None:
                return wiped
            place = found.next

    def _path(self, tenant: Tenant, request_id: members.RequestId) -> Path:
        return members.export_path(self._home, tenant, request_id)


async def erase(tx: Tx, whom: _Whom, began: datetime, proof: Erased) -> None:
    """Lose what every door keeps. Those above first: they find what is hers by what those below know of her."""
    of_orders = await orders.orders_of(tx, whom.persons)
    proof.count(await orders.erase_person(tx, whom.persons))
    proof.count(await payments.erase_orders(tx, of_orders))
    proof.count(await members.erase_person(tx, whom.persons))
    proof.count(await access.erase_person(tx, whom.persons, phones=whom.phones))
    known = await identity.identifiers_of_many(tx, whom.persons[:1])
    await identity.erase_person(tx, whom.persons)
    proof.count({"identifier": sum(len(own) for own in known.values())})
    proof.audit += await erasing.wipe_audit(tx, _SUBJECTS, [*whom.members, *whom.persons])
    proof.audit += await erasing.wipe_audit_words(tx, "order", of_orders, _WORDS)
    proof.answers += await erasing.wipe_answers_since(tx, began, whom.members, whom.needles)


async def _whom(tx: Tx, request: members.PrivacyRequest) -> _Whom:
    person = await identity.person(tx, request.person_id)
    found = await members.members_of(tx, person.ids)
    return _Whom(
        person.ids,
        [each.member_id for each in found],
        await members.phones_of(tx, person.ids),
        await members.known_by(tx, person.ids),
    )


def _write(path: Path, parts: Mapping[str, Mapping[str, Any]]) -> int:
    """Write the file whole or not at all, for nobody else of this machine to read; its size."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(f".{os.getpid()}.new")
    body = packed(parts)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    unfinished.replace(path)
    return len(body)


def packed(parts: Mapping[str, Mapping[str, Any]]) -> bytes:
    """One JSON with everything, and each of its lists as a CSV for whoever opens it in a spreadsheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("export.json", msgspec.json.format(msgspec.json.encode(parts)))
        for name, part in parts.items():
            for section, rows in part.items():
                table = [cast("dict[str, Any]", row) for row in _rows(rows) if isinstance(row, dict)]
                if table:
                    columns = list(dict.fromkeys(column for row in table for column in row))
                    cells = [[_cell(row.get(column)) for column in columns] for row in table]
                    file.writestr(f"{name}-{section}.csv", write_csv(columns, cells, header=True))
    return out.getvalue()


def _rows(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _cell(value: Any) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


def _length(value: Any) -> int:
    return len(cast("list[Any]", value)) if isinstance(value, list) else int(value is not None)
