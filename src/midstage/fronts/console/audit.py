"""The audit trail: who changed what, from what to what."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import reading
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, day_begins
from midstage.kit import audit
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest

TAGS = ["console: audit"]
READ = "audit.read"
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
From = Annotated[date | None, QueryParameter(name="from", description="The first business day of the brand")]
To = Annotated[date | None, QueryParameter(name="to", description="The last business day of the brand")]


@reading("/audit", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, BadDate))
async def audit_trail(  # noqa: PLR0913, PLR0917  # each is a filter of the list
    tx: Tx,
    staff: Staff,
    actor_id: UUID | None = None,
    action: Word | None = None,
    subject_type: Word | None = None,
    subject_id: Word | None = None,
    first: From = None,
    last: To = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[audit.Change]:
    """Every change of the brand, the newest first; personal fields stand in it as masked references."""
    whole_brand(staff, READ)
    filters = audit.ChangeFilters(
        actor_id=actor_id,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        since=day_begins(tx.tenant, first),
        before=day_begins(tx.tenant, last, after=1),
    )
    return await audit.entries(tx, filters, PageRequest(after, limit))


HANDLERS: list[HTTPRouteHandler] = [audit_trail]
