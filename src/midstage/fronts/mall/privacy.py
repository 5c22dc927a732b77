"""The shopper's own data: to have, and to lose."""

import asyncio
from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.files import Zip, zip_answer
from midstage.fronts.mall.callers import Shopper
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.members import api as members

TAGS = ["mall: me"]
ASKING = (members.AlreadyErased, members.RequestOpen)


@changing("POST", "/me/export", status=202, once=True, tags=TAGS, refuses=ASKING)
async def ask_export(tx: Tx, shopper: Shopper) -> members.PrivacyRequest:
    """Ask for everything that is kept of me, as a file; it is ready in a moment and kept for seven days."""
    return await members.ask_export(tx, shopper.member_id)


@changing("POST", "/me/erasure", status=202, once=True, tags=TAGS, refuses=ASKING)
async def ask_erasure(tx: Tx, shopper: Shopper) -> members.PrivacyRequest:
    """Ask for my personal data to be erased; until `begins_at` I can call it off. My orders stay in the books."""
    return await members.ask_erasure(tx, shopper.member_id)


@reading("/me/privacy", tags=TAGS)
async def my_requests(
    tx: Tx, shopper: Shopper, after: str | None = None, limit: Limit = 50
) -> Page[members.PrivacyRequest]:
    """What I asked for of my personal data, and how far it is; the latest first."""
    wanted = members.RequestFilter(member_id=shopper.member_id)
    return await members.privacy_requests(tx, wanted, PageRequest(after, limit))


@changing(
    "POST",
    "/me/privacy/{request_id:uuid}/call-off",
    once=True,
    tags=TAGS,
    refuses=(members.NoSuchRequest, members.NotCooling),
)
async def call_off(request_id: UUID, tx: Tx, shopper: Shopper) -> members.PrivacyRequest:
    """Call my erasure off, as long as the days to think are not over."""
    found = await _mine(tx, shopper, request_id)
    return await members.call_off_request(tx, found.request_id)


@reading(
    "/me/privacy/{request_id:uuid}/file",
    tags=TAGS,
    refuses=(members.NoSuchRequest, members.FileNotReady, members.FileGone),
)
async def my_file(request_id: UUID, request: AnyRequest, shopper: Shopper) -> Zip:
    """The file of an export that I asked for: one JSON with everything, and its lists as CSV."""
    desk = desk_of(request)
    async with desk.database.reading(shopper.tenant, by=shopper.by) as tx:
        found = await _mine(tx, shopper, request_id)
        if (found.asked_kind, found.asked_by) != ("shopper", shopper.member_id):
            raise members.NoSuchRequest
        kept_until = members.check_file(found, tx.now)
    path = members.export_path(desk.settings.home, shopper.tenant, found.request_id)
    try:
        body = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise members.FileGone(kept_until) from None
    return zip_answer("my-data", body)


async def _mine(tx: Tx, shopper: Shopper, request_id: UUID) -> members.PrivacyRequest:
    """Raises members.NoSuchRequest for those of others as for those that are not there."""
    found = await members.privacy_request(tx, members.RequestId(request_id))
    if found.member_id != shopper.member_id:
        raise members.NoSuchRequest
    return found


HANDLERS: list[HTTPRouteHandler] = [ask_export, ask_erasure, my_requests, call_off, my_file]
