"""Who served members, where and when."""

from datetime import datetime

import msgspec

from midstage.kit.database import Tx
from midstage.middle.members.care import Held, Touch
from midstage.middle.members.types import MemberId
from midstage.middle.organisation import api as organisation

# Kept once a touch; and who holds the member, to decide upon. The member is locked before her binding, as everywhere.
# `bought` moves a column that no index holds. That those who hold her served her is written once a day at most, and
# only if they did.
TOUCH = """
with whose as materialized (
  select member.member_id from member
   where member.brand_id = $1 and member.member_id = $2 and member.erased_at is null for no key update
), kept as (
  insert into member_touch (brand_id, member_id, touch_id, kind, store_id, guide_id, touchpoint_id, touched_at)
  select $1, whose.member_id, $3, $4, $5, $6, $7, $8 from whose
  on conflict (brand_id, member_id, touch_id) do nothing
  returning member_id
), bought as (
  update member set last_bought_at = $8
    from kept
   where member.brand_id = $1 and member.member_id = kept.member_id and $4 = 'purchase'
     and (member.last_bought_at is null or member.last_bought_at < $8)
), served as (
  update member_binding bound set served_at = $8
    from kept
   where bound.brand_id = $1 and bound.member_id = kept.member_id and bound.until_at is null
     and $8 > coalesce(bound.served_at, bound.since) + interval '1 day'
     and ((bound.guide_id <> $9 and bound.guide_id = $6)
          or (bound.guide_id = $9 and bound.store_id = $5 and coalesce($6, $9) = $9))
)
select exists (select 1 from kept) as fresh, bound.store_id, bound.guide_id, bound.touchpoint_id, bound.since,
       coalesce(bound.served_at, bound.since) as served_at
  from member_binding bound
 where bound.brand_id = $1 and bound.member_id = $2 and bound.until_at is null
"""

LOCK = """
select member.member_id from member where member.brand_id = $1 and member.member_id = $2 for no key update
"""

HELD = """
select bound.store_id, bound.guide_id, bound.touchpoint_id, bound.since,
       coalesce(bound.served_at, bound.since) as served_at
  from member_binding bound
 where bound.brand_id = $1 and bound.member_id = $2 and bound.until_at is null
"""

COUNTS = """
select touch.store_id, touch.guide_id, count(*) as purchases
  from member_touch touch
 where touch.brand_id = $1 and touch.member_id = $2 and touch.kind = 'purchase' and touch.touched_at > $3
   and touch.touched_at <= $4
 group by touch.store_id, touch.guide_id
"""

BOUGHT = """
update member set last_bought_at = $3
 where member.brand_id = $1 and member.member_id = $2 and (member.last_bought_at is null or member.last_bought_at < $3)
"""

FORGET = """
delete from member_touch touch
 where touch.brand_id = $1 and (touch.member_id, touch.touch_id) in (
   select old.member_id, old.touch_id from member_touch old
    where old.brand_id = $1 and old.touched_at < $2 order by old.touched_at limit $3)
"""


class Count(msgspec.Struct, frozen=True):
    """How often a member bought of somebody."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId | None
    purchases: int


async def touch(tx: Tx, member_id: MemberId, one: Touch, pool: organisation.GuideId) -> tuple[bool, Held] | None:
    """Keep it, and say whether it is new and who holds the member; None where there is no such member."""
    row = await tx.row(
        TOUCH, tx.brand, member_id, one.touch_id, one.kind.value, one.store_id, one.guide_id, one.touchpoint_id, one.at,
        pool,
    )  # fmt: skip
    if row is None:
        return None
    fresh, *held = row.values()
    return fresh, Held(*held)


async def hold(tx: Tx, member_id: MemberId) -> Held | None:
    """Hold a member until the commit, and say who holds her now."""
    await tx.row(LOCK, tx.brand, member_id)
    row = await tx.row(HELD, tx.brand, member_id)
    return None if row is None else Held(*row.values())


async def counts(tx: Tx, member_id: MemberId, since: datetime, until: datetime) -> list[Count]:
    return [Count(*row.values()) for row in await tx.rows(COUNTS, tx.brand, member_id, since, until)]


async def bought(tx: Tx, member_id: MemberId, at: datetime) -> None:
    await tx.run(BOUGHT, tx.brand, member_id, at)


async def forget_touches(tx: Tx, before: datetime, limit: int) -> int:
    return await tx.run(FORGET, tx.brand, before, limit)
