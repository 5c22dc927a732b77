"""The change feed: everything that happened, in order, for programs that fetch rather than be called."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts._http.desk import AnyRequest, Desk, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.kit import paging
from midstage.kit.paging import Limit, PageRequest
from midstage.kit.webhooks import api as webhooks

TAGS = ["open: changes"]
READ = "facts.read"
LOOK_EVERY_S = 0.25
MOST_WAITING = 200
Wait = Annotated[int, msgspec.Meta(ge=0, le=25, description="Seconds to wait for a fact where there is none yet")]
Types = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=80)]],
    msgspec.Meta(max_length=100, description="Only these facts, like OrderPaid; several by several parameters"),
]


class Changes(msgspec.Struct, frozen=True):
    """Facts in the order of their numbers. `next` is where to go on, also where nothing is new; keep it."""

    items: list[webhooks.FactMessage]
    next: str
    more: bool
    """Whether there is more by now, so that nobody needs to wait."""


@reading("/changes", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, webhooks.CursorTooOld, webhooks.NoSuchFactType))
async def changes(
    request: AnyRequest,
    staff: Staff,
    after: str | None = None,
    types: Types = [],  # noqa: B006  # read off the signature, never changed
    limit: Limit = 100,
    wait: Wait = 0,
) -> Changes:
    """The facts of the brand after a cursor, from the oldest that is kept where none is given.

    A fact names things of any store, so this is for those who hold the permission over the whole brand. A cursor whose
    next facts are kept no longer (13 months) is answered 410 with the oldest number; begin anew without a cursor.
    """
    whole_brand(staff, READ)
    desk = desk_of(request)
    place = PageRequest(after).place(tuple[int])
    return await _fetch(desk, staff, place[0] if place else None, types, limit, until=time.monotonic() + wait)


async def _fetch(
    desk: Desk, staff: Staff, after: int | None, types: Sequence[str], limit: int, *, until: float
) -> Changes:
    waits = desk.feed_waits < MOST_WAITING
    desk.feed_waits += 1
    try:
        while True:
            async with desk.database.reading(staff.tenant, by=staff.by) as tx:
                found = await webhooks.feed(tx, after=after, types=types, limit=limit)
            left = until - time.monotonic()
            if found.items or found.more or not waits or left <= 0:
                return Changes(found.items, paging.cursor((found.read_to,)), found.more)
            after = found.read_to
            await _wait_for_news(desk, staff, after, min(until, time.monotonic() + left))
    finally:
        desk.feed_waits -= 1


async def _wait_for_news(desk: Desk, staff: Staff, after: int, until: float) -> None:
    """Until there is a newer fact, or it is time. However many wait for one brand, its head is read once for all."""
    while time.monotonic() < until:
        await asyncio.sleep(LOOK_EVERY_S)
        newest = desk.heads.get(staff.tenant.brand)
        if newest is None:
            async with desk.database.reading(staff.tenant) as tx:
                newest = await webhooks.newest(tx)
            desk.heads.put(staff.tenant.brand, newest)
        if newest > after:
            return


HANDLERS: list[HTTPRouteHandler] = [changes]
