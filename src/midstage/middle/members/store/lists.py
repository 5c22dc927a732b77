"""Lists of members, each with the index that leads it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.members.store.member import COLUMNS, member_of_row
from midstage.middle.members.types import Member, MemberFilter

# What every list may be narrowed by; the four below differ in the index that leads.
WANTED = """
   and (member.joined_at, member.member_id) < ($3::timestamptz, $4::uuid)
   and ($5::uuid[] is null or member.store_id = any ($5))
   and ($6::uuid is null or member.guide_id = $6)
   and ($7::text is null or member.level = $7)
   and ($8::text is null or member.state = $8)
   and ($9::timestamptz is null or member.joined_at >= $9)
   and ($10::timestamptz is null or member.joined_at < $10)
   and ($11::text is null or exists (select 1 from person_label label
                                      where label.brand_id = $1 and label.person_id = member.person_id
                                        and label.label = $11))
   and ($12::text is null or member.name like $12)
   and ($13::text is null or member.member_no = $13)
   and ($14::uuid[] is null or member.person_id = any ($14))
 order by member.joined_at desc, member.member_id desc
 limit $2"""

FIND = """
select {columns}
  from member
 where member.brand_id = $1 {wanted}
""".replace("{columns}", COLUMNS).replace("{wanted}", WANTED)

# Each store gives its newest rows by the index; only those are sorted together.
FIND_IN_STORES = """
select {columns}
  from unnest($5::uuid[]) as wanted_store (store_id)
  cross join lateral (
    select {columns}
      from member
     where member.brand_id = $1 and member.store_id = wanted_store.store_id {wanted}
  ) member
 order by member.joined_at desc, member.member_id desc
 limit $2
""".replace("{columns}", COLUMNS).replace("{wanted}", WANTED)

FIND_OF_GUIDE = """
select {columns}
  from member
 where member.brand_id = $1 and member.guide_id = $6 {wanted}
""".replace("{columns}", COLUMNS).replace("{wanted}", WANTED)

# Few by their nature (a number, some persons, a name): read them all, then sort.
FIND_FEW = """
with few as materialized (
  select member.member_id from member where member.brand_id = $1 and member.member_no = $13
  union
  select member.member_id from member where member.brand_id = $1 and member.person_id = any ($14::uuid[])
  union
  select member.member_id from member where member.brand_id = $1 and $13::text is null and $14::uuid[] is null
     and member.name like $12
)
select {columns}
  from few join member on member.brand_id = $1 and member.member_id = few.member_id
 where true {wanted}
""".replace("{columns}", COLUMNS).replace("{wanted}", WANTED)

# The place before the first row. A null for it would keep a generic plan from using the index.
_NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))


async def find(tx: Tx, wanted: MemberFilter, page: PageRequest, after: tuple[datetime, UUID] | None) -> list[Member]:
    sql = FIND
    if wanted.member_no is not None or wanted.person_ids is not None or wanted.name is not None:
        sql = FIND_FEW
    elif wanted.guide_id is not None:
        sql = FIND_OF_GUIDE
    elif wanted.store_ids is not None:
        sql = FIND_IN_STORES
    at, member_id = after or _NEWEST
    rows = await tx.rows(
        sql, tx.brand, page.fetch, at, member_id, _list(wanted.store_ids), wanted.guide_id, wanted.level,
        wanted.state and wanted.state.value, wanted.joined_from, wanted.joined_before, wanted.label,
        _prefix(wanted.name), wanted.member_no, _list(wanted.person_ids),
    )  # fmt: skip
    return [member_of_row(row) for row in rows]


def _list(ids: frozenset[Any] | None) -> list[UUID] | None:
    return None if ids is None else sorted(ids)


def _prefix(name: str | None) -> str | None:
    """A pattern for names that begin so, in which no letter of the name is a wildcard."""
    if name is None:
        return None
    return "".join(f"\\{char}" if char in "\\%_" else char for char in name) + "%"
