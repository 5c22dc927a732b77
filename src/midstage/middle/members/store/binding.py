"""To whom members belong, now and before."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.identity import api as identity
from midstage.middle.members.types import Binding, Bound, Member, MemberId
from midstage.middle.organisation import api as organisation

# The binding that was open ends where the new one begins, a moment after its own beginning at least. Its row is safe
# from others by the version of the member, which every binding moves on.
BIND = """
with moved as (
  update member set store_id = $4, guide_id = $5, touchpoint_id = $6, version = member.version + 1
   where member.brand_id = $1 and member.member_id = $2 and member.version = $3
  returning member_id
), closed as (
  update member_binding past set until_at = greatest($10, past.since + interval '1 microsecond')
    from moved
   where past.brand_id = $1 and past.member_id = moved.member_id and past.until_at is null
  returning past.member_id, past.until_at
)
insert into member_binding (brand_id, member_id, store_id, guide_id, touchpoint_id, reason, by_kind, by_id, since)
select $1, moved.member_id, $4, $5, $6, $7, $8, $9, coalesce(closed.until_at, $10)
  from moved left join closed on closed.member_id = moved.member_id
"""

# Many at once, each to its own store and guide. Only of members whom this transaction has locked before by a statement
# of its own: so this one sees their open bindings.
MOVE = """
with wanted as materialized (
  select pair.member_id, pair.store_id, pair.guide_id
    from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as pair (member_id, store_id, guide_id)
), moved as (
  update member set store_id = wanted.store_id, guide_id = wanted.guide_id, version = member.version + 1
    from wanted
   where member.brand_id = $1 and member.member_id = wanted.member_id
     and (member.store_id, member.guide_id) <> (wanted.store_id, wanted.guide_id)
  returning member.member_id, member.person_id, old.store_id as store_before, member.store_id,
            old.guide_id as guide_before, member.guide_id, member.touchpoint_id
), closed as (
  update member_binding past set until_at = greatest($8, past.since + interval '1 microsecond')
    from moved
   where past.brand_id = $1 and past.member_id = moved.member_id and past.until_at is null
  returning past.member_id, past.until_at
), kept as (
  insert into member_binding (brand_id, member_id, store_id, guide_id, touchpoint_id, reason, by_kind, by_id, since)
  select $1, moved.member_id, moved.store_id, moved.guide_id, moved.touchpoint_id, $5, $6, $7,
         coalesce(closed.until_at, $8)
    from moved left join closed on closed.member_id = moved.member_id
)
select moved.member_id, moved.person_id, moved.store_before, moved.store_id, moved.guide_before, moved.guide_id,
       moved.touchpoint_id
  from moved
"""

LOCK_OF_GUIDE = """
select member.member_id, member.store_id from member
 where member.brand_id = $1 and member.guide_id = $2 and ($3::uuid is null or member.store_id = $3)
 order by member.joined_at, member.member_id limit $4 for no key update
"""

BINDINGS = """
select bound.store_id, bound.guide_id, bound.touchpoint_id, bound.reason, bound.by_kind, bound.by_id, bound.since,
       bound.until_at
  from member_binding bound
 where bound.brand_id = $1 and bound.member_id = $2
 order by bound.since
 limit 200
"""


class Moved(msgspec.Struct, frozen=True):
    """A member who went from one to another."""

    member_id: MemberId
    person_id: identity.PersonId
    store_before: organisation.StoreId
    store_id: organisation.StoreId
    guide_before: organisation.GuideId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId


class Going(msgspec.Struct, frozen=True):
    """Where a member is to go."""

    member_id: MemberId
    store_id: organisation.StoreId
    guide_id: organisation.GuideId


async def bind(tx: Tx, member: Member, bound: Bound, reason: str) -> int:
    return await tx.run(
        BIND, tx.brand, member.member_id, member.version, bound.store_id, bound.guide_id, bound.touchpoint_id, reason,
        tx.by.kind, tx.by.id, tx.now,
    )  # fmt: skip


async def move(tx: Tx, going: Sequence[Going], reason: str) -> list[Moved]:
    """Of members that this transaction holds; who is there already is left alone."""
    rows = await tx.rows(
        MOVE, tx.brand, [each.member_id for each in going], [each.store_id for each in going],
        [each.guide_id for each in going], reason, tx.by.kind, tx.by.id, tx.now,
    )  # fmt: skip
    return [Moved(*row.values()) for row in rows]


async def lock_of_guide(
    tx: Tx, guide_id: organisation.GuideId, store_id: organisation.StoreId | None, limit: int
) -> list[Record]:
    """Hold some customers of a guide, of one store or of all; who was taken from her while we waited is left out."""
    return await tx.rows(LOCK_OF_GUIDE, tx.brand, guide_id, store_id, limit)


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
