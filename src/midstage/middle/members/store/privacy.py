"""Requests about personal data, and what they do to members' own tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.members.care import PrivacyRequest, RequestFilter, RequestId
from midstage.middle.members.refusals import RequestOpen
from midstage.middle.members.types import MemberId

COLUMNS = """request.request_id, request.kind, request.member_id, request.person_id, request.store_id, request.state,
       request.asked_kind, request.asked_by, request.asked_at, request.begins_at, request.due_at, request.ended_at,
       request.expires_at, request.file_bytes, request.proof"""

INSERT = """
insert into privacy_request (brand_id, request_id, kind, member_id, person_id, store_id, state, asked_kind, asked_by,
                             asked_at, begins_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

OPEN = """
select request.request_id from privacy_request request
 where request.brand_id = $1 and request.member_id = $2 and request.kind = $3 and request.state in ('cooling', 'waiting')
"""

READ = """
select {columns} from privacy_request request where request.brand_id = $1 and request.request_id = $2
""".replace("{columns}", COLUMNS)

HOLD = READ + " for no key update"

CALL_OFF = """
update privacy_request request set state = 'called_off', ended_at = $3
 where request.brand_id = $1 and request.request_id = $2 and request.state = 'cooling'
"""

DONE = """
update privacy_request request
   set state = 'done', ended_at = $3, expires_at = $4, file_bytes = $5, proof = $6::text::jsonb
 where request.brand_id = $1 and request.request_id = $2 and request.state in ('cooling', 'waiting')
"""

DUE = """
select request.request_id from privacy_request request
 where request.brand_id = $1 and request.state in ('cooling', 'waiting') and request.begins_at <= $2
 order by request.begins_at limit $3
"""

LATE = """
select {columns} from privacy_request request
 where request.brand_id = $1 and request.state in ('cooling', 'waiting') and request.begins_at < $2
 order by request.begins_at limit $3
""".replace("{columns}", COLUMNS)

LIST = """
select {columns} from privacy_request request
 where request.brand_id = $1 and ($3::uuid[] is null or request.store_id = any ($3))
   and ($4::text is null or request.kind = $4) and ($5::text is null or request.state = $5)
   and ($6::uuid is null or request.member_id = $6)
   and ($7::timestamptz is null or (request.asked_at, request.request_id) < ($7, $8::uuid))
 order by request.asked_at desc, request.request_id desc
 limit $2
""".replace("{columns}", COLUMNS)

EXPIRED = """
select request.request_id from privacy_request request
 where request.brand_id = $1 and request.kind = 'export' and request.state = 'done' and request.file_bytes is not null
   and request.expires_at <= $2
 order by request.asked_at limit $3
"""

FILES_OF = """
select request.request_id from privacy_request request
 where request.brand_id = $1 and request.member_id = any ($2::uuid[]) and request.kind = 'export'
   and request.file_bytes is not null
"""

FORGET_FILES = """
update privacy_request request set file_bytes = null
 where request.brand_id = $1 and request.request_id = any ($2::uuid[])
"""

# --- What erasing does here, each by the members or persons that are given.
ERASE_MEMBERS = """
update member set name = null, birthday = null, gender = null, extra = '{}', state = 'closed',
       member_no = 'X' || replace(member.member_id::text, '-', ''), erased_at = $3, version = member.version + 1
 where member.brand_id = $1 and member.member_id = any ($2::uuid[]) and member.erased_at is null
"""
ERASE_BINDINGS = """
update member_binding bound set reason = 'erased'
 where bound.brand_id = $1 and bound.member_id = any ($2::uuid[]) and bound.reason !~ '^[a-z][a-z0-9_]{0,39}$'
"""
ERASE_CONSENTS = "delete from consent where consent.brand_id = $1 and consent.member_id = any ($2::uuid[])"
ERASE_CONSENT_HISTORY = """
update consent_history past set source = 'erased', document = ''
 where past.brand_id = $1 and past.member_id = any ($2::uuid[]) and (past.source, past.document) <> ('erased', '')
"""
ERASE_LABELS = "delete from person_label label where label.brand_id = $1 and label.person_id = any ($2::uuid[])"
ERASE_TOUCHES = "delete from member_touch touch where touch.brand_id = $1 and touch.member_id = any ($2::uuid[])"
ERASE_ASLEEP = """
delete from dormant_member dormant
 where dormant.brand_id = $1 and dormant.state = 'dormant' and dormant.phone = any ($2::text[])
"""
ERASE_WOKEN = """
update dormant_member dormant set old_no = null
 where dormant.brand_id = $1 and dormant.member_id = any ($2::uuid[]) and dormant.old_no is not null
"""

# What erased members must not have any more.
REMAINS = """
select member.member_id::text as member_id from member
 where member.brand_id = $1 and member.erased_at is not null
   and (member.name is not null or member.birthday is not null or member.gender is not null or member.extra <> '{}'
        or member.state <> 'closed'
        or exists (select 1 from dormant_member dormant
                    where dormant.brand_id = $1 and dormant.member_id = member.member_id and dormant.old_no is not null))
 limit 20
"""

TOUCHES = """
select touch.kind, touch.store_id, touch.guide_id, touch.touched_at from member_touch touch
 where touch.brand_id = $1 and touch.member_id = any ($2::uuid[]) order by touch.touched_at
"""
CARDS = """
select dormant.old_no, dormant.name, dormant.phone, dormant.level, dormant.points, dormant.state, dormant.activated_at
  from dormant_member dormant
 where dormant.brand_id = $1
   and (dormant.member_id = any ($2::uuid[]) or (dormant.state = 'dormant' and dormant.phone = any ($3::text[])))
 order by dormant.imported_at
"""


async def insert_request(tx: Tx, one: PrivacyRequest) -> None:
    """Raises RequestOpen where the same is being worked on."""
    known = await tx.value(OPEN, tx.brand, one.member_id, one.kind.value)
    if known is not None:
        raise RequestOpen(known)
    try:
        async with tx.savepoint():
            await tx.run(
                INSERT, tx.brand, one.request_id, one.kind.value, one.member_id, one.person_id, one.store_id,
                one.state.value, one.asked_kind, one.asked_by, one.asked_at, one.begins_at, one.due_at,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise RequestOpen(await tx.value(OPEN, tx.brand, one.member_id, one.kind.value)) from None


async def read_request(tx: Tx, request_id: RequestId, *, hold: bool = False) -> PrivacyRequest | None:
    row = await tx.row(HOLD if hold else READ, tx.brand, request_id)
    return None if row is None else _request(row)


async def call_off(tx: Tx, request_id: RequestId) -> int:
    return await tx.run(CALL_OFF, tx.brand, request_id, tx.now)


async def end_request(
    tx: Tx, request_id: RequestId, *, expires_at: datetime | None, file_bytes: int | None, proof: dict[str, Any]
) -> int:
    told = msgspec.json.encode(proof).decode()
    return await tx.run(DONE, tx.brand, request_id, tx.now, expires_at, file_bytes, told)


async def due_requests(tx: Tx, limit: int) -> list[RequestId]:
    return [row["request_id"] for row in await tx.rows(DUE, tx.brand, tx.now, limit)]


async def late_requests(tx: Tx, before: datetime, limit: int) -> list[PrivacyRequest]:
    return [_request(row) for row in await tx.rows(LATE, tx.brand, before, limit)]


async def list_requests(
    tx: Tx, wanted: RequestFilter, page: PageRequest, after: tuple[datetime, UUID] | None
) -> list[PrivacyRequest]:
    at, request_id = after or (None, None)
    stores = None if wanted.store_ids is None else sorted(wanted.store_ids)
    rows = await tx.rows(
        LIST, tx.brand, page.fetch, stores, wanted.kind and wanted.kind.value, wanted.state and wanted.state.value,
        wanted.member_id, at, request_id,
    )  # fmt: skip
    return [_request(row) for row in rows]


async def expired_files(tx: Tx, limit: int) -> list[RequestId]:
    return [row["request_id"] for row in await tx.rows(EXPIRED, tx.brand, tx.now, limit)]


async def files_of(tx: Tx, members: Sequence[MemberId]) -> list[RequestId]:
    return [row["request_id"] for row in await tx.rows(FILES_OF, tx.brand, members)]


async def forget_files(tx: Tx, requests: Sequence[RequestId]) -> None:
    await tx.run(FORGET_FILES, tx.brand, requests)


async def erase(
    tx: Tx, members: Sequence[MemberId], persons: Sequence[identity.PersonId], phones: Sequence[str]
) -> dict[str, int]:
    """Which table lost something of them, and in how many rows."""
    return {
        "member": await tx.run(ERASE_MEMBERS, tx.brand, members, tx.now),
        "member_binding": await tx.run(ERASE_BINDINGS, tx.brand, members),
        "consent": await tx.run(ERASE_CONSENTS, tx.brand, members),
        "consent_history": await tx.run(ERASE_CONSENT_HISTORY, tx.brand, members),
        "person_label": await tx.run(ERASE_LABELS, tx.brand, persons),
        "member_touch": await tx.run(ERASE_TOUCHES, tx.brand, members),
        "dormant_member": await tx.run(ERASE_ASLEEP, tx.brand, phones) + await tx.run(ERASE_WOKEN, tx.brand, members),
    }


async def touches(tx: Tx, members: Sequence[MemberId]) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(TOUCHES, tx.brand, members)]


async def cards(tx: Tx, members: Sequence[MemberId], phones: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(CARDS, tx.brand, members, phones)]


def _request(row: Record) -> PrivacyRequest:
    return msgspec.convert({**dict(row), "proof": msgspec.json.decode(row["proof"])}, PrivacyRequest)
