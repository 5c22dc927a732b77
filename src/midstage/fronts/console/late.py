"""What is late or stuck, of everything, in one call."""

from collections import defaultdict
from datetime import datetime

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Staff
from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text

TAGS = ["console: system"]
READ = "late.read"


class LateKind(msgspec.Struct, frozen=True):
    """What waits in one way: how many at least (of each kind the oldest fifty are looked at), and since when."""

    kind: str
    name: Text
    mend: Text
    """What to do about it."""
    count: int
    oldest: datetime
    rows: list[stuck.Stuck]


@reading("/late", tags=TAGS, needs=READ)
async def what_is_late(request: AnyRequest, tx: Tx, staff: Staff) -> list[LateKind]:
    """Everything that waits longer than it should: unpaid, set aside, not received, not resolved; the oldest first.

    Who sees a part of the organisation sees what waits in their stores.
    """
    desk = desk_of(request)
    mine = await reach(tx, staff, READ)
    by_kind: dict[str, list[stuck.Stuck]] = defaultdict(list)
    rows = await stuck.late(tx, desk.subscribers) if mine.everything else []
    for look in desk.late:
        rows += await look(tx)
    for row in rows:
        if mine.everything or (row.store_id is not None and mine.covers(row.store_id)):
            by_kind[row.kind].append(row)
    known = stuck.kinds()
    found = [
        LateKind(
            kind, known[kind].name, known[kind].mend, len(of_kind), min(row.since for row in of_kind),
            sorted(of_kind, key=lambda row: row.since),
        )
        for kind, of_kind in by_kind.items()
    ]  # fmt: skip
    return sorted(found, key=lambda kind: kind.oldest)


HANDLERS: list[HTTPRouteHandler] = [what_is_late]
