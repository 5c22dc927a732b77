"""Requests about personal data: asked for, called off while they cool, done within 30 days, with their proof.

What is done to all the doors is composed above (midstage.privacy); here is who asked, when it is due and what came of
it. The rows hold ids and figures alone.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit import jobs
from midstage.kit.clock import Tenant
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.members import store
from midstage.middle.members.care import PrivacyRequest, RequestFilter, RequestId, RequestKind, RequestState
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.policies import PRIVACY, PrivacyPolicy
from midstage.middle.members.refusals import (
    AlreadyErased,
    FileGone,
    FileNotReady,
    NoSuchRequest,
    NotCooling,
)
from midstage.middle.members.types import MemberId
from midstage.middle.organisation import api as organisation

JOB = "privacy_request"
DONE_WITHIN = timedelta(days=30)
FILE_KEPT = timedelta(days=7)
LATE_AFTER = timedelta(days=1)
DUE_BATCH = 100


async def _store_of(tx: Tx, subject: str) -> organisation.StoreId | None:
    try:
        member_id = MemberId(UUID(subject))
    except ValueError:
        raise access.NoApprovalSubject("members.erase") from None
    return (await read_member(tx, member_id)).store_id


ERASE = access.declare_approval(
    access.ApprovalAction("members.erase", Text(zh="删除会员个人信息", en="Erase a member's personal data"), _store_of)
)


class Asked(msgspec.Struct, frozen=True):
    """The payload of the job that does a request."""

    request_id: RequestId


async def ask_export(tx: Tx, member_id: MemberId) -> PrivacyRequest:
    """Ask for everything that is kept of a member, as a file. Raises NoSuchMember, AlreadyErased, RequestOpen."""
    return await _ask(tx, member_id, RequestKind.EXPORT, begins_at=tx.now)


async def ask_erasure(
    tx: Tx, member_id: MemberId, *, at_once: bool = False, approval: access.ApprovalId | None = None
) -> PrivacyRequest:
    """Ask for a member's personal data to be erased, once the days have passed in which it can be called off.

    `at_once` is for staff, whom the member told so; where the policy `privacy` has four eyes, staff needs the approval
    of somebody else. Raises NoSuchMember, AlreadyErased, RequestOpen, access.ApprovalNeeded.
    """
    policy = await privacy_policy(tx)
    if policy.four_eyes and tx.by.kind != "shopper":
        await access.use_approval(tx, approval, action=ERASE.code, subject=str(member_id))
    days = 0 if at_once else policy.cooling_days
    return await _ask(tx, member_id, RequestKind.ERASURE, begins_at=tx.now + timedelta(days=days))


async def privacy_policy(tx: Tx) -> PrivacyPolicy:
    """How personal data goes in this brand."""
    return await organisation.settings_of(tx, PRIVACY)


async def call_off_request(tx: Tx, request_id: RequestId) -> PrivacyRequest:
    """Call an erasure off while it cools. Raises NoSuchRequest, NotCooling."""
    found = await privacy_request(tx, request_id)
    if not await store.call_off(tx, request_id):
        raise NotCooling(found.state.value)
    after = await privacy_request(tx, request_id)
    _note(tx, "members.call_off_privacy", after)
    return after


async def privacy_request(tx: Tx, request_id: RequestId) -> PrivacyRequest:
    """One request. Raises NoSuchRequest."""
    found = await store.read_request(tx, request_id)
    if found is None:
        raise NoSuchRequest
    return found


async def privacy_requests(tx: Tx, wanted: RequestFilter, page: PageRequest) -> Page[PrivacyRequest]:
    """Requests, the latest asked first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID])
    rows = await store.list_requests(tx, wanted, page, after)
    return page.page(rows, lambda row: (row.asked_at, row.request_id))


def check_file(request: PrivacyRequest, at: datetime) -> datetime:
    """Until when the file of an export is there. Raises NoSuchRequest (an erasure has none), FileNotReady, FileGone."""
    if request.kind is not RequestKind.EXPORT or request.state is RequestState.CALLED_OFF:
        raise NoSuchRequest
    if request.expires_at is None:
        raise FileNotReady
    if request.file_bytes is None or request.expires_at <= at:
        raise FileGone(request.expires_at)
    return request.expires_at


def export_path(home: Path, tenant: Tenant, request_id: RequestId) -> Path:
    """Where the file of an export is kept."""
    return home / "exports" / tenant.code / f"{request_id}.zip"


async def due_requests(tx: Tx) -> list[RequestId]:
    """Requests that are to be done by now, those that began first."""
    return await store.due_requests(tx, DUE_BATCH)


async def hold_request(tx: Tx, request_id: RequestId) -> PrivacyRequest | None:
    """Hold a request that is to be done by now, until the commit; None where somebody else did it or it was called off."""
    found = await store.read_request(tx, request_id, hold=True)
    open_states = {RequestState.COOLING, RequestState.WAITING}
    return found if found is not None and found.state in open_states and found.begins_at <= tx.now else None


async def end_request(tx: Tx, request: PrivacyRequest, *, proof: dict[str, Any], file_bytes: int | None = None) -> None:
    """Note that a request was done, and its proof: ids, names of tables and figures alone."""
    expires_at = tx.now + FILE_KEPT if request.kind is RequestKind.EXPORT else None
    if not await store.end_request(tx, request.request_id, expires_at=expires_at, file_bytes=file_bytes, proof=proof):
        raise NoSuchRequest
    tx.note(f"members.{request.kind.value}_done", "member", request.member_id, after={"request_id": request.request_id})


async def expired_files(tx: Tx) -> list[RequestId]:
    """Exports whose file has been kept long enough."""
    return await store.expired_files(tx, DUE_BATCH)


async def files_of(tx: Tx, member_ids: list[MemberId]) -> list[RequestId]:
    """Exports of these members that still have a file."""
    return await store.files_of(tx, member_ids)


async def forget_files(tx: Tx, request_ids: list[RequestId]) -> None:
    """Note that these files are gone."""
    await store.forget_files(tx, request_ids)


async def _ask(tx: Tx, member_id: MemberId, kind: RequestKind, *, begins_at: datetime) -> PrivacyRequest:
    member = await read_member(tx, member_id)
    if member.erased:
        raise AlreadyErased(member_id)
    request = PrivacyRequest(
        request_id=RequestId(new_id()),
        kind=kind,
        member_id=member_id,
        person_id=member.person_id,
        store_id=member.store_id,
        state=RequestState.COOLING if begins_at > tx.now else RequestState.WAITING,
        asked_kind=tx.by.kind,
        asked_by=tx.by.id,
        asked_at=tx.now,
        begins_at=begins_at,
        due_at=tx.now + DONE_WITHIN,
        ended_at=None,
        expires_at=None,
        file_bytes=None,
        proof={},
    )
    await store.insert_request(tx, request)
    _note(tx, f"members.ask_{kind.value}", request)
    if request.state is RequestState.WAITING:
        await jobs.enqueue(tx, JOB, Asked(request.request_id), dedupe_key=str(request.request_id))
    return request


def _note(tx: Tx, action: str, request: PrivacyRequest) -> None:
    after = {"request_id": request.request_id, "state": request.state.value, "begins_at": request.begins_at}
    tx.note(action, "member", request.member_id, after=after)
