"""Customers that are being handed over."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.members.care import Handover, HandoverId
from midstage.middle.organisation import api as organisation

COLUMNS = """handover.handover_id, handover.guide_id, handover.cause, handover.plan, handover.from_store_id,
       handover.to_store_id, handover.heir_id, handover.moved, handover.begun_at, handover.ended_at"""

INSERT = """
insert into member_handover (brand_id, handover_id, guide_id, cause, plan, from_store_id, to_store_id, heir_id, begun_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

# The oldest that is open: a guide who moved twice and then left is followed step by step. Held, so that two workers
# do not both believe that a batch was the last.
NEXT = """
select {columns} from member_handover handover
 where handover.brand_id = $1 and handover.guide_id = $2 and handover.ended_at is null
 order by handover.begun_at, handover.handover_id limit 1 for no key update
""".replace("{columns}", COLUMNS)

NOTE = """
update member_handover set moved = moved + $3, ended_at = $4
 where member_handover.brand_id = $1 and member_handover.handover_id = $2
"""

OPEN = """
select {columns} from member_handover handover
 where handover.brand_id = $1 and handover.ended_at is null and handover.begun_at < $2
 order by handover.begun_at limit $3
""".replace("{columns}", COLUMNS)

LIST = """
select {columns} from member_handover handover
 where handover.brand_id = $1 and ($3::uuid[] is null or handover.from_store_id = any ($3))
   and ($4::uuid is null or handover.guide_id = $4)
   and ($5::timestamptz is null or (handover.begun_at, handover.handover_id) < ($5, $6::uuid))
 order by handover.begun_at desc, handover.handover_id desc
 limit $2
""".replace("{columns}", COLUMNS)


async def begin(tx: Tx, one: Handover) -> None:
    await tx.run(
        INSERT, tx.brand, one.handover_id, one.guide_id, one.cause.value, one.plan.value, one.from_store_id,
        one.to_store_id, one.heir_id, one.begun_at,
    )  # fmt: skip


async def next_handover(tx: Tx, guide_id: organisation.GuideId) -> Handover | None:
    row = await tx.row(NEXT, tx.brand, guide_id)
    return None if row is None else _handover(row)


async def note_handover(tx: Tx, handover_id: HandoverId, moved: int, ended_at: datetime | None) -> None:
    await tx.run(NOTE, tx.brand, handover_id, moved, ended_at)


async def open_handovers(tx: Tx, begun_before: datetime, limit: int) -> list[Handover]:
    return [_handover(row) for row in await tx.rows(OPEN, tx.brand, begun_before, limit)]


async def list_handovers(
    tx: Tx,
    stores: frozenset[organisation.StoreId] | None,
    guide_id: organisation.GuideId | None,
    page: PageRequest,
    after: tuple[datetime, UUID] | None,
) -> list[Handover]:
    at, handover_id = after or (None, None)
    wanted = None if stores is None else sorted(stores)
    rows = await tx.rows(LIST, tx.brand, page.fetch, wanted, guide_id, at, handover_id)
    return [_handover(row) for row in rows]


def _handover(row: Record) -> Handover:
    return msgspec.convert(dict(row), Handover)
