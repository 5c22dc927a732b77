"""Personal data of members: handed out or erased because the member asked somebody of the staff for it."""

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.files import Zip, zip_answer
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.members import api as members

TAGS = ["console: personal data"]
NEEDS = "members.privacy"
InState = Annotated[members.RequestState | None, QueryParameter(name="state")]
OfKind = Annotated[members.RequestKind | None, QueryParameter(name="kind")]
UNSEEN = (access.OutOfScope, members.NoSuchMember)
ASKING = (*UNSEEN, members.AlreadyErased, members.RequestOpen)


class ErasureBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's approval, where the brand wants four eyes; and whether it is to be done without days to think."""

    approval_id: UUID | None = None
    at_once: bool = True


@changing("POST", "/members/{member_id:uuid}/export", status=202, once=True, tags=TAGS, needs=NEEDS, refuses=ASKING)
async def export_member(member_id: UUID, tx: Tx, staff: Staff) -> members.PrivacyRequest:
    """Ask for everything that is kept of a member; the file is for who asked, and is kept for seven days."""
    found = await _member(tx, await reach(tx, staff, NEEDS), member_id)
    return await members.ask_export(tx, found.member_id)


@changing(
    "POST",
    "/members/{member_id:uuid}/erasure",
    status=202,
    once=True,
    tags=TAGS,
    needs=NEEDS,
    refuses=(*ASKING, access.ApprovalNeeded),
)
async def erase_member(member_id: UUID, data: ErasureBody, tx: Tx, staff: Staff) -> members.PrivacyRequest:
    """Ask for a member's personal data to be erased. The books stay; she can join again as somebody new.

    It waits for orders that are not over, thirty days at most.
    """
    found = await _member(tx, await reach(tx, staff, NEEDS), member_id)
    approval = access.ApprovalId(data.approval_id) if data.approval_id else None
    return await members.ask_erasure(tx, found.member_id, at_once=data.at_once, approval=approval)


@reading("/privacy/requests", tags=TAGS, needs=NEEDS, refuses=UNSEEN)
async def privacy_requests(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    of_kind: OfKind = None,
    in_state: InState = None,
    member_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[members.PrivacyRequest]:
    """Requests of members of the stores that I see, the latest first."""
    within = await reach(tx, staff, NEEDS)
    wanted = members.RequestFilter(
        store_ids=within.narrowed(store_id),
        kind=of_kind,
        state=in_state,
        member_id=members.MemberId(member_id) if member_id else None,
    )
    return await members.privacy_requests(tx, wanted, PageRequest(after, limit))


@reading("/privacy/requests/{request_id:uuid}", tags=TAGS, needs=NEEDS, refuses=(access.OutOfScope,))
async def privacy_request(request_id: UUID, tx: Tx, staff: Staff) -> members.PrivacyRequest:
    """One request: how far it is, and the proof of what was done."""
    return await _request(tx, await reach(tx, staff, NEEDS), request_id)


@changing(
    "POST",
    "/privacy/requests/{request_id:uuid}/call-off",
    once=True,
    tags=TAGS,
    needs=NEEDS,
    refuses=(access.OutOfScope, members.NotCooling),
)
async def call_off_request(request_id: UUID, tx: Tx, staff: Staff) -> members.PrivacyRequest:
    """Call an erasure off while it may still be, because the member says so."""
    found = await _request(tx, await reach(tx, staff, NEEDS), request_id)
    return await members.call_off_request(tx, found.request_id)


@reading(
    "/privacy/requests/{request_id:uuid}/file",
    tags=TAGS,
    needs=NEEDS,
    refuses=(access.OutOfScope, members.NoSuchRequest, members.FileNotReady, members.FileGone),
)
async def export_file(request_id: UUID, request: AnyRequest, staff: Staff) -> Zip:
    """The file of an export, for who asked for it alone. The trail keeps that it was fetched."""
    desk = desk_of(request)

    async def fetch(tx: Tx) -> members.PrivacyRequest:
        found = await _request(tx, await reach(tx, staff, NEEDS), request_id)
        if (found.asked_kind, found.asked_by) != (staff.by.kind, staff.by.id):
            raise access.OutOfScope
        members.check_file(found, tx.now)
        tx.note("members.fetch_export", "member", found.member_id, after={"request_id": found.request_id})
        return found

    found = await desk.database.attempt(staff.tenant, fetch, by=staff.by)
    path = members.export_path(desk.settings.home, staff.tenant, found.request_id)
    try:
        body = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise members.FileGone(found.expires_at or found.asked_at) from None
    desk.notebook.saw(staff.tenant, staff.by, "console.export_file", fields=["everything"], member_id=found.member_id)
    return zip_answer(f"export-{found.request_id}", body)


async def _member(tx: Tx, within: Reach, member_id: UUID) -> members.Member:
    found = await members.member(tx, members.MemberId(member_id))
    within.need(found.store_id)
    return found


async def _request(tx: Tx, within: Reach, request_id: UUID) -> members.PrivacyRequest:
    """A request of a member who belonged to a store that lies within; others are not there."""
    try:
        found = await members.privacy_request(tx, members.RequestId(request_id))
    except members.NoSuchRequest:
        raise access.OutOfScope from None
    within.need(found.store_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    export_member,
    erase_member,
    privacy_requests,
    privacy_request,
    call_off_request,
    export_file,
]
