"""The pool: members whom no guide has, and how many each guide has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.members.care import Pooled, PoolFilter, Waiting
from midstage.middle.members.types import MemberId
from midstage.middle.organisation import api as organisation

WANTED = """
   and member.state <> 'closed'
   and ($4::uuid[] is null or member.store_id = any ($4))
   and ($5::text is null or member.level = $5)
   and ($6::timestamptz is null or member.last_bought_at >= $6)
   and ($7::timestamptz is null or member.last_bought_at is null or member.last_bought_at < $7)
   and ($8::timestamptz is null or member.joined_at >= $8)
   and ($9::timestamptz is null or member.joined_at < $9)
   and ($10::uuid[] is null or member.member_id = any ($10))"""

POOL = """
select member.member_id, member.person_id, member.member_no, member.name, member.level, member.store_id,
       member.joined_at, member.last_bought_at
  from member
 where member.brand_id = $1 and member.guide_id = $2 {wanted}
   and ($11::timestamptz is null or (member.joined_at, member.member_id) > ($11, $12::uuid))
 order by member.joined_at, member.member_id
 limit $3
""".replace("{wanted}", WANTED)

# Held until they are assigned: whoever else wants them waits, and finds them gone.
PICK = """
select member.member_id, member.store_id, last.store_id as bought_store_id, last.guide_id as bought_guide_id
  from member
  left join lateral (
    select touch.store_id, touch.guide_id from member_touch touch
     where $11 and touch.brand_id = $1 and touch.member_id = member.member_id and touch.kind = 'purchase'
     order by touch.touched_at desc limit 1
  ) last on true
 where member.brand_id = $1 and member.guide_id = $2 {wanted}
 order by member.joined_at, member.member_id
 limit $3
   for no key update of member
""".replace("{wanted}", WANTED)

# One assignment of a brand at a time, so that two do not both fill the same room.
TURN = "select pg_advisory_xact_lock(hashtextextended('assigning', $1))"

LOADS = """
select member.guide_id, count(*) as customers from member
 where member.brand_id = $1 and member.guide_id = any ($2::uuid[])
 group by member.guide_id
"""

LOCK_OF_POOL = """
select member.member_id, member.store_id, member.guide_id from member
 where member.brand_id = $1 and member.member_id = any ($2::uuid[]) and member.guide_id <> $3
   and ($4::uuid[] is null or member.store_id = any ($4))
 order by member.member_id for no key update
"""

# By what they were last served; whom another transaction holds is for the next run.
LOCK_IDLE = """
select member.member_id, member.store_id
  from member_binding bound
  join member on member.brand_id = $1 and member.member_id = bound.member_id
 where bound.brand_id = $1 and bound.until_at is null and coalesce(bound.served_at, bound.since) < $2
   and bound.guide_id <> $3 and member.guide_id = bound.guide_id and member.state <> 'closed'
   and bound.store_id = any ($4::uuid[])
 order by coalesce(bound.served_at, bound.since) limit $5
   for no key update of member skip locked
"""

# Who has customers at all, one step of the index a guide.
SERVING = """
with recursive serving as (
  (select member.guide_id from member where member.brand_id = $1 order by member.guide_id limit 1)
  union all
  select (select member.guide_id from member
           where member.brand_id = $1 and member.guide_id > serving.guide_id order by member.guide_id limit 1)
    from serving where serving.guide_id is not null
)
select serving.guide_id from serving where serving.guide_id is not null
"""


async def pool(tx: Tx, wanted: PoolFilter, guide: UUID, page: PageRequest, after: tuple[datetime, UUID] | None) -> Any:
    at, member_id = after or (None, None)
    rows = await tx.rows(POOL, *_asked(tx, wanted, guide, page.fetch), at, member_id)
    return [Pooled(*row.values()) for row in rows]


async def pick(tx: Tx, wanted: PoolFilter, guide: UUID, limit: int, *, bought: bool) -> list[Waiting]:
    """Hold members of the pool; with `bought` where they bought last is looked up too."""
    return [Waiting(*row.values()) for row in await tx.rows(PICK, *_asked(tx, wanted, guide, limit), bought)]


async def take_turn(tx: Tx) -> None:
    await tx.value(TURN, tx.brand)


async def loads(tx: Tx, guides: Sequence[organisation.GuideId]) -> dict[organisation.GuideId, int]:
    rows = await tx.rows(LOADS, tx.brand, guides)
    return {row["guide_id"]: row["customers"] for row in rows}


async def lock_named(
    tx: Tx,
    ids: Sequence[MemberId],
    pool_guide: organisation.GuideId,
    within: frozenset[organisation.StoreId] | None,
) -> list[tuple[MemberId, organisation.StoreId]]:
    """Hold those of these members whom a guide has."""
    rows = await tx.rows(LOCK_OF_POOL, tx.brand, ids, pool_guide, _list(within))
    return [(row["member_id"], row["store_id"]) for row in rows]


async def lock_idle(
    tx: Tx, before: datetime, pool_guide: organisation.GuideId, stores: Sequence[organisation.StoreId], limit: int
) -> list[tuple[MemberId, organisation.StoreId]]:
    rows = await tx.rows(LOCK_IDLE, tx.brand, before, pool_guide, stores, limit)
    return [(row["member_id"], row["store_id"]) for row in rows]


async def serving(tx: Tx) -> list[organisation.GuideId]:
    """Every guide who has a customer."""
    return [row["guide_id"] for row in await tx.rows(SERVING, tx.brand)]


def _asked(tx: Tx, wanted: PoolFilter, guide: UUID, limit: int) -> tuple[Any, ...]:
    return (
        tx.brand, guide, limit, _list(wanted.store_ids), wanted.level, wanted.bought_from, wanted.bought_before,
        wanted.joined_from, wanted.joined_before, _list(wanted.member_ids),
    )  # fmt: skip


def _list(ids: frozenset[Any] | None) -> list[UUID] | None:
    return None if ids is None else sorted(ids)
