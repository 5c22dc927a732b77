"""Members of old systems, who have not come yet."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.members.care import Dormant, DormantFilter, NewDormant
from midstage.middle.members.types import Member, MemberId
from midstage.middle.organisation import api as organisation

COLUMNS = """dormant.dormant_id, dormant.old_no, dormant.phone, dormant.name, dormant.level, dormant.points,
       dormant.store_id, dormant.state, dormant.imported_at, dormant.activated_at, dormant.member_id"""

# The same file again brings the same rows; who was activated meanwhile is left alone.
PUT = """
insert into dormant_member as dormant (brand_id, dormant_id, old_no, phone, name, level, points, store_id, imported_at)
select $1, given.dormant_id, given.old_no, given.phone, given.name, given.level, given.points, given.store_id, $2
  from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::uuid[])
    as given (dormant_id, old_no, phone, name, level, points, store_id)
 order by given.old_no
on conflict (brand_id, old_no) do update
   set phone = excluded.phone, name = excluded.name, level = excluded.level, points = excluded.points,
       store_id = excluded.store_id
 where dormant.state = 'dormant'
"""

OF_PHONES = """
select {columns} from dormant_member dormant
 where dormant.brand_id = $1 and dormant.phone = any ($2::text[]) and dormant.state = 'dormant'
 order by dormant.dormant_id
""".replace("{columns}", COLUMNS)

# Whoever comes second finds nothing left to wake.
WAKE = """
with mine as materialized (
  select dormant.dormant_id, dormant.name from dormant_member dormant
   where dormant.brand_id = $1 and dormant.phone = any ($2::text[]) and dormant.state = 'dormant'
   order by dormant.dormant_id for no key update
)
update dormant_member dormant
   set state = 'activated', activated_at = $3, activated_on = $4, member_id = $5, phone = null, name = null
  from mine
 where dormant.brand_id = $1 and dormant.dormant_id = mine.dormant_id and dormant.state = 'dormant'
returning dormant.dormant_id, dormant.old_no, old.phone, old.name, dormant.level, dormant.points, dormant.store_id,
          dormant.state, dormant.imported_at, dormant.activated_at, dormant.member_id
"""

LIST = """
select {columns} from dormant_member dormant
 where dormant.brand_id = $1 and ($3::uuid[] is null or dormant.store_id = any ($3))
   and ($4::text is null or dormant.state = $4)
   and ($5::text is null or dormant.old_no = $5)
   and ($6::timestamptz is null or (dormant.imported_at, dormant.dormant_id) < ($6, $7::uuid))
 order by dormant.imported_at desc, dormant.dormant_id desc
 limit $2
""".replace("{columns}", COLUMNS)

COUNT = """
select dormant.store_id, dormant.activated_on, count(*) as cards, sum(dormant.points)::bigint as points
  from dormant_member dormant
 where dormant.brand_id = $1 and ($2::uuid[] is null or dormant.store_id = any ($2))
   and (dormant.state = 'dormant'
        or (($3::date is null or dormant.activated_on >= $3) and ($4::date is null or dormant.activated_on <= $4)))
 group by dormant.store_id, dormant.activated_on
 order by dormant.store_id, dormant.activated_on
"""

LOCK_MEMBER = """
select member.member_id from member where member.brand_id = $1 and member.member_id = $2 for no key update
"""

# Level, growth and name in one write of a member who is held.
WRITE = """
update member set level = $3, growth = $4, name = coalesce(member.name, $5), version = member.version + 1
 where member.brand_id = $1 and member.member_id = $2
"""


class Counted(msgspec.Struct, frozen=True):
    """Cards and points of a store: still asleep (no day), or activated on a day."""

    store_id: organisation.StoreId
    day: date | None
    cards: int
    points: int


async def put_dormant(tx: Tx, given: Sequence[NewDormant], home: organisation.StoreId) -> int:
    return await tx.run(
        PUT, tx.brand, tx.now, [new_id() for _ in given], [each.old_no for each in given],
        [each.phone.value for each in given], [each.name for each in given], [each.level for each in given],
        [each.points for each in given], [each.store_id or home for each in given],
    )  # fmt: skip


async def dormant_of(tx: Tx, phones: Sequence[str]) -> list[Dormant]:
    return [_dormant(row) for row in await tx.rows(OF_PHONES, tx.brand, phones)]


async def wake(tx: Tx, phones: Sequence[str], member_id: MemberId, day: date) -> list[Dormant]:
    """As they were while they slept, with phone and name, which they lose."""
    return [_dormant(row) for row in await tx.rows(WAKE, tx.brand, phones, tx.now, day, member_id)]


async def list_dormant(
    tx: Tx, wanted: DormantFilter, page: PageRequest, after: tuple[datetime, UUID] | None
) -> list[Dormant]:
    at, dormant_id = after or (None, None)
    stores = None if wanted.store_ids is None else sorted(wanted.store_ids)
    rows = await tx.rows(
        LIST, tx.brand, page.fetch, stores, wanted.state and wanted.state.value, wanted.old_no, at, dormant_id
    )
    return [_dormant(row) for row in rows]


async def count_dormant(
    tx: Tx, stores: frozenset[organisation.StoreId] | None, since: date | None, until: date | None
) -> list[Counted]:
    wanted = None if stores is None else sorted(stores)
    return [Counted(*row.values()) for row in await tx.rows(COUNT, tx.brand, wanted, since, until)]


async def hold_member(tx: Tx, member_id: MemberId) -> None:
    await tx.row(LOCK_MEMBER, tx.brand, member_id)


async def write_activated(tx: Tx, member: Member, level: str, growth: int, name: str | None) -> None:
    await tx.run(WRITE, tx.brand, member.member_id, level, growth, name)


def _dormant(row: Record) -> Dormant:
    return msgspec.convert(dict(row), Dormant)
