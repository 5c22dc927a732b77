"""Members themselves: joining, reading by id, writing."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.identity import api as identity
from midstage.middle.members.types import AlreadyMember, Gender, Member, MemberId, MemberState, Profile, Shopper

COLUMNS = """member.member_id, member.person_id, member.member_no, member.level, member.growth, member.state,
       member.store_id, member.guide_id, member.touchpoint_id, member.front, member.referrer_id, member.joined_at,
       member.name, member.birthday, member.gender, member.extra, member.version, member.erased_at"""

# Two that join the same person at once: the key lets one in, the other reads it. The lowest level is the first.
JOIN = """
with lowest as materialized (
  select level.code from member_level level where level.brand_id = $1 order by level.rank limit 1
), made as (
  insert into member (brand_id, member_id, person_id, member_no, level, store_id, guide_id, touchpoint_id, front,
                      referrer_id, joined_at, name, birthday, gender, extra)
  values ($1, $2, $3, $4, coalesce((select lowest.code from lowest), $5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
  on conflict (brand_id, person_id) do nothing
  returning level
), bound as (
  insert into member_binding (brand_id, member_id, store_id, guide_id, touchpoint_id, reason, by_kind, by_id, since)
  select $1, $2, $6, $7, $8, 'joined', $16, $17, $11 from made
)
select made.level, exists (select 1 from lowest) as has_levels from made
"""

MEMBER = """
select {columns}
  from member
 where member.brand_id = $1 and member.member_id = any ($2::uuid[])
""".replace("{columns}", COLUMNS)

MEMBERS_OF = """
select {columns}
  from member
 where member.brand_id = $1 and member.person_id = any ($2::uuid[])
""".replace("{columns}", COLUMNS)

SHOPPER = """
select member.member_id, member.person_id, member.level,
       array(select label.label from person_label label
              where label.brand_id = $1 and label.person_id = member.person_id) as labels,
       member.store_id, member.guide_id, member.touchpoint_id, member.referrer_id, member.state
  from member
 where member.brand_id = $1 and member.member_id = $2
"""

WRITE_PROFILE = """
update member set name = $4, birthday = $5, gender = $6, extra = $7, version = member.version + 1
 where member.brand_id = $1 and member.member_id = $2 and member.version = $3
"""

WRITE_LEVEL = """
update member set level = $4, growth = $5, version = member.version + 1
 where member.brand_id = $1 and member.member_id = $2 and member.version = $3
   and exists (select 1 from member_level level where level.brand_id = $1 and level.code = $4)
"""

WRITE_STATE = """
update member set state = $4, version = member.version + 1
 where member.brand_id = $1 and member.member_id = $2 and member.version = $3
"""


async def join(tx: Tx, member: Member) -> tuple[str, bool] | None:
    """The level joined at and whether the brand has levels at all; None where the person is a member already.

    The lowest level of the brand goes before the one that the member comes with.
    """
    row = await tx.row(
        JOIN, tx.brand, member.member_id, member.person_id, member.member_no, member.level, member.store_id,
        member.guide_id, member.touchpoint_id, member.front, member.referrer_id, member.joined_at, member.name,
        member.birthday, member.gender and member.gender.value, _json(member.extra), tx.by.kind, tx.by.id,
    )  # fmt: skip
    return None if row is None else (row["level"], row["has_levels"])


async def members(tx: Tx, ids: Sequence[MemberId]) -> dict[MemberId, Member]:
    return {MemberId(row["member_id"]): member_of_row(row) for row in await tx.rows(MEMBER, tx.brand, ids)}


async def members_of(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[identity.PersonId, Member]:
    rows = await tx.rows(MEMBERS_OF, tx.brand, persons)
    return {identity.PersonId(row["person_id"]): member_of_row(row) for row in rows}


async def shopper(tx: Tx, member_id: MemberId) -> Shopper | None:
    row = await tx.row(SHOPPER, tx.brand, member_id)
    if row is None:
        return None
    return Shopper(
        row["member_id"], row["person_id"], row["level"], frozenset(row["labels"]), row["store_id"], row["guide_id"],
        row["touchpoint_id"], row["referrer_id"], MemberState(row["state"]),
    )  # fmt: skip


async def write_profile(tx: Tx, member: Member, after: Profile) -> int:
    return await tx.run(
        WRITE_PROFILE, tx.brand, member.member_id, member.version, after.name, after.birthday,
        after.gender and after.gender.value, _json(after.extra),
    )  # fmt: skip


async def write_level(tx: Tx, member: Member, level: str, growth: int) -> int:
    return await tx.run(WRITE_LEVEL, tx.brand, member.member_id, member.version, level, growth)


async def write_state(tx: Tx, member: Member, state: MemberState) -> int:
    return await tx.run(WRITE_STATE, tx.brand, member.member_id, member.version, state.value)


async def copy_members(tx: Tx, rows: Sequence[tuple[Member, Profile]]) -> None:
    """Raises AlreadyMember where another connection let one of them join since it was looked up."""
    columns = (
        "brand_id", "member_id", "person_id", "member_no", "level", "growth", "state", "store_id", "guide_id",
        "touchpoint_id", "front", "referrer_id", "joined_at", "name", "birthday", "gender", "extra",
    )  # fmt: skip
    records = [
        (
            tx.brand, each.member_id, each.person_id, each.member_no, each.level, each.growth, each.state.value,
            each.store_id, each.guide_id, each.touchpoint_id, each.front, each.referrer_id, each.joined_at,
            profile.name, profile.birthday, profile.gender and profile.gender.value, _json(profile.extra),
        )
        for each, profile in rows
    ]  # fmt: skip
    try:
        await tx.copy("member", columns, records)
    except asyncpg.UniqueViolationError:
        raise AlreadyMember(row=-1) from None


_profile_values = msgspec.json.Decoder(dict[str, str | int | float | bool])


def _json(values: dict[str, Any]) -> str:
    return msgspec.json.encode(values).decode()


def member_of_row(row: Record) -> Member:
    gender: str | None = row["gender"]
    birthday: date | None = row["birthday"]
    return Member(
        member_id=row["member_id"],
        person_id=row["person_id"],
        member_no=row["member_no"],
        level=row["level"],
        growth=row["growth"],
        state=MemberState(row["state"]),
        store_id=row["store_id"],
        guide_id=row["guide_id"],
        touchpoint_id=row["touchpoint_id"],
        front=row["front"],
        referrer_id=row["referrer_id"],
        joined_at=row["joined_at"],
        name=row["name"],
        birthday=birthday,
        gender=None if gender is None else Gender(gender),
        extra=_profile_values.decode(row["extra"]),
        version=row["version"],
        erased=row["erased_at"] is not None,
    )
