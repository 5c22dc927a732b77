"""Who looked at the personal data of members, where, and at which of it."""

from typing import Annotated
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, day_begins
from midstage.fronts.console.audit import From, To
from midstage.kit.database import Tx
from midstage.kit.paging import BadCursor, Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members

TAGS = ["console: audit"]
READ = "audit.read"
Reader = Annotated[UUID | None, QueryParameter(name="by_id", description="Of whoever looked: staff or API key")]


@reading(
    "/members/{member_id:uuid}/reads",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, members.NoSuchMember, BadCursor),
)
async def member_reads(
    member_id: UUID, request: AnyRequest, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[access.PersonalRead]:
    """Who looked at this person, the latest first, under whichever of her memberships.

    Files and lists that may have held her are among them, with `persons`, and name no member.
    """
    await desk_of(request).notebook.flush()
    within = await reach(tx, staff, READ)
    found = await members.member(tx, members.MemberId(member_id))
    within.need(found.store_id)
    persons = (await identity.person(tx, found.person_id)).ids
    known = {one.member_id for one in await members.members_of(tx, persons)} | {found.member_id}
    return await access.personal_reads(
        tx, access.ReadFilter(member_ids=tuple(sorted(known))), PageRequest(after, limit)
    )


@reading("/personal-reads", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate, BadCursor))
async def personal_reads(  # each is a filter of the list
    request: AnyRequest,
    tx: Tx,
    staff: Staff,
    by_id: Reader = None,
    order_id: UUID | None = None,
    first: From = None,
    last: To = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[access.PersonalRead]:
    """Every look at personal data of members, the latest first."""
    await desk_of(request).notebook.flush()
    whole_brand(staff, READ)
    filters = access.ReadFilter(
        by_id=by_id,
        order_id=order_id,
        since=day_begins(tx.tenant, first),
        before=day_begins(tx.tenant, last, after=1),
    )
    return await access.personal_reads(tx, filters, PageRequest(after, limit))


HANDLERS: list[HTTPRouteHandler] = [member_reads, personal_reads]
