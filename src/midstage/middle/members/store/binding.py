"""To whom members belong, now and before."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.members.types import Binding, Member, MemberId
from midstage.middle.organisation import api as organisation

BIND = """
with moved as (
  update member set store_id = $4, guide_id = $5, touchpoint_id = $6, version = member.version + 1
   where member.brand_id = $1 and member.member_id = $2 and member.version = $3
  returning member_id
)
insert into member_binding (brand_id, member_id, store_id, guide_id, touchpoint_id, reason, by_kind, by_id, since)
select $1, moved.member_id, $4, $5, $6, $7, $8, $9, $10 from moved
"""

HAND_OVER = """
with locked as materialized (
  select member.member_id from member
   where member.brand_id = $1 and member.guide_id = $2 order by member.member_id limit $8 for no key update
), moved as (
  update member set guide_id = $3, version = member.version + 1
    from locked
   where member.brand_id = $1 and member.member_id = locked.member_id and member.guide_id = $2
  returning member.member_id, member.person_id, member.store_id, member.guide_id, member.touchpoint_id
), kept as (
  insert into member_binding (brand_id, member_id, store_id, guide_id, touchpoint_id, reason, by_kind, by_id, since)
  select $1, moved.member_id, moved.store_id, moved.guide_id, moved.touchpoint_id, $4, $5, $6, $7 from moved
)
select moved.member_id, moved.person_id, moved.store_id, moved.touchpoint_id from moved
"""

BINDINGS = """
select bound.store_id, bound.guide_id, bound.touchpoint_id, bound.reason, bound.by_kind, bound.by_id, bound.since
  from member_binding bound
 where bound.brand_id = $1 and bound.member_id = $2
 order by bound.binding_id
 limit 200
"""


class Bound(msgspec.Struct, frozen=True):
    """Where a member belongs."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId


async def bind(tx: Tx, member: Member, bound: Bound, reason: str) -> int:
    return await tx.run(
        BIND, tx.brand, member.member_id, member.version, bound.store_id, bound.guide_id, bound.touchpoint_id, reason,
        tx.by.kind, tx.by.id, tx.now,
    )  # fmt: skip


async def hand_over(
    tx: Tx, from_guide: organisation.GuideId, to_guide: organisation.GuideId, reason: str, limit: int
) -> list[Record]:
    return await tx.rows(HAND_OVER, tx.brand, from_guide, to_guide, reason, tx.by.kind, tx.by.id, tx.now, limit)


async def bindings(tx: Tx, member_id: MemberId) -> list[Binding]:
    return [Binding(*row.values()) for row in await tx.rows(BINDINGS, tx.brand, member_id)]


async def copy_bindings(tx: Tx, members: Sequence[Member], reason: str) -> None:
    columns = (
        "brand_id", "member_id", "store_id", "guide_id", "touchpoint_id", "reason", "by_kind", "by_id", "since",
    )  # fmt: skip
    records = [
        (
            tx.brand, each.member_id, each.store_id, each.guide_id, each.touchpoint_id, reason, tx.by.kind, tx.by.id,
            each.joined_at,
        )
        for each in members
    ]  # fmt: skip
    await tx.copy("member_binding", columns, records)
