"""All SQL of membership."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.members.types import (
    AlreadyMember,
    Binding,
    Channel,
    Consent,
    ConsentChange,
    FieldKind,
    Gender,
    Level,
    LevelRankTaken,
    Member,
    MemberFilter,
    MemberId,
    MemberState,
    Profile,
    ProfileField,
    Purpose,
    Shopper,
)
from midstage.middle.organisation import api as organisation

COLUMNS = """member.member_id, member.person_id, member.member_no, member.level, member.growth, member.state,
       member.store_id, member.guide_id, member.touchpoint_id, member.front, member.referrer_id, member.joined_at,
       member.name, member.birthday, member.gender, member.extra, member.version"""

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

# Withdrawing for any channel withdraws what was given for single ones too: "no" means no.
ANSWER = """
with whose as materialized (
  select member.member_id, member.person_id from member where member.brand_id = $1 and member.member_id = $2
), changed as (
  insert into consent (brand_id, member_id, purpose, channel, given, source, changed_at)
  select $1, whose.member_id, $3, $4, $5, $6, $7 from whose
  on conflict (brand_id, member_id, purpose, channel) do update
     set given = excluded.given, source = excluded.source, changed_at = excluded.changed_at
   where consent.given <> excluded.given
  returning channel
), others as (
  update consent set given = false, source = $6, changed_at = $7
   where consent.brand_id = $1 and consent.member_id = $2 and consent.purpose = $3 and consent.channel <> $4
     and consent.given and not $5 and $4 = 'any'
  returning channel
), kept as (
  insert into consent_history (brand_id, member_id, purpose, channel, given, source, document, by_kind, by_id,
                               recorded_at)
  select $1, $2, $3, answer.channel, $5, $6, $8, $9, $10, $7
    from (select changed.channel from changed union all select others.channel from others) answer
)
select whose.person_id,
       array(select changed.channel from changed union all select others.channel from others) as channels
  from whose
"""

CONSENTS = """
select consent.purpose, consent.channel, consent.given, consent.source, consent.changed_at
  from consent
 where consent.brand_id = $1 and consent.member_id = $2
 order by consent.purpose, consent.channel
"""

CONSENTS_OF = """
select consent.member_id, consent.purpose, consent.channel, consent.given, consent.source, consent.changed_at
  from consent
 where consent.brand_id = $1 and consent.member_id = any ($2::uuid[]) and consent.purpose = $3
   and consent.channel in ($4, 'any')
"""

CONSENT_HISTORY = """
select past.purpose, past.channel, past.given, past.source, past.document, past.by_kind, past.by_id, past.recorded_at,
       past.history_id
  from consent_history past
 where past.brand_id = $1 and past.member_id = $2 and ($3::uuid is null or past.history_id < $3)
 order by past.history_id desc
 limit $4
"""

LEVELS = """
select level.code, level.name_zh, level.name_en, level.rank, level.growth_from
  from member_level level
 where level.brand_id = $1
 order by level.rank
"""

DEFAULT_LEVELS = """
insert into member_level (brand_id, code, name_zh, name_en, rank, growth_from)
select $1, level.code, level.name_zh, level.name_en, level.rank, level.growth_from
  from unnest($2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[])
    as level (code, name_zh, name_en, rank, growth_from)
 where not exists (select 1 from member_level own where own.brand_id = $1)
on conflict do nothing
"""

PUT_LEVEL = """
insert into member_level (brand_id, code, name_zh, name_en, rank, growth_from)
values ($1, $2, $3, $4, $5, $6)
on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, rank = excluded.rank, growth_from = excluded.growth_from
"""

RANK_TAKEN = """
select level.code from member_level level where level.brand_id = $1 and level.rank = $2 and level.code <> $3
"""

FIELDS = """
select field.code, field.kind, field.name_zh, field.name_en, field.choices, field.personal
  from profile_field field
 where field.brand_id = $1
 order by field.code
"""

PUT_FIELD = """
insert into profile_field (brand_id, code, kind, name_zh, name_en, choices, personal)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, choices = excluded.choices, personal = excluded.personal
 where profile_field.kind = excluded.kind
"""

# The labels of the persons named are these and no others; rows that stay are not touched.
WRITE_LABELS = """
with wanted as materialized (
  select given.person_id, given.label from unnest($3::uuid[], $4::text[]) as given (person_id, label)
), gone as (
  delete from person_label old
   where old.brand_id = $1 and old.person_id = any ($2::uuid[])
     and not exists (select 1 from wanted where wanted.person_id = old.person_id and wanted.label = old.label)
)
insert into person_label (brand_id, person_id, label)
select $1, wanted.person_id, wanted.label from wanted order by wanted.person_id, wanted.label
on conflict (brand_id, person_id, label) do nothing
"""

LABELS = """
select label.label from person_label label where label.brand_id = $1 and label.person_id = any ($2::uuid[])
 group by label.label order by label.label
"""

UNBOUND = """
select member.member_id::text as member_id from member
 where member.brand_id = $1
   and (member.store_id, member.guide_id, member.touchpoint_id) is distinct from (
         select row (bound.store_id, bound.guide_id, bound.touchpoint_id) from member_binding bound
          where bound.brand_id = $1 and bound.member_id = member.member_id
          order by bound.binding_id desc limit 1)
 limit 20
"""

UNLEVELLED = """
select member.member_id::text as member_id, member.level from member
 where member.brand_id = $1
   and not exists (select 1 from member_level level where level.brand_id = $1 and level.code = member.level)
 limit 20
"""

UNTOLD_CONSENTS = """
select consent.member_id::text as member_id, consent.purpose, consent.channel, consent.given from consent
 where consent.brand_id = $1
   and consent.given is distinct from (
         select past.given from consent_history past
          where past.brand_id = $1 and past.member_id = consent.member_id and past.purpose = consent.purpose
            and past.channel = consent.channel
          order by past.history_id desc limit 1)
 limit 20
"""


# The place before the first row. A null for it would keep a generic plan from using the index.
_NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))


class Bound(msgspec.Struct, frozen=True):
    """Where a member belongs."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId


async def join(
    tx: Tx,
    member_id: MemberId,
    person_id: identity.PersonId,
    *,
    member_no: str,
    level: str,
    bound: Bound,
    front: str,
    referrer_id: MemberId | None,
    profile: Profile,
) -> tuple[str, bool] | None:
    """The level joined at and whether the brand has levels at all; None where the person is a member already."""
    row = await tx.row(
        JOIN, tx.brand, member_id, person_id, member_no, level, bound.store_id, bound.guide_id, bound.touchpoint_id,
        front, referrer_id, tx.now, profile.name, profile.birthday, profile.gender and profile.gender.value,
        _json(profile.extra), tx.by.kind, tx.by.id,
    )  # fmt: skip
    return None if row is None else (row["level"], row["has_levels"])


async def members(tx: Tx, ids: Sequence[MemberId]) -> dict[MemberId, Member]:
    return {MemberId(row["member_id"]): _member(row) for row in await tx.rows(MEMBER, tx.brand, ids)}


async def members_of(tx: Tx, persons: Sequence[identity.PersonId]) -> dict[identity.PersonId, Member]:
    rows = await tx.rows(MEMBERS_OF, tx.brand, persons)
    return {identity.PersonId(row["person_id"]): _member(row) for row in rows}


async def shopper(tx: Tx, member_id: MemberId) -> Shopper | None:
    row = await tx.row(SHOPPER, tx.brand, member_id)
    if row is None:
        return None
    return Shopper(
        row["member_id"], row["person_id"], row["level"], frozenset(row["labels"]), row["store_id"], row["guide_id"],
        row["touchpoint_id"], row["referrer_id"], MemberState(row["state"]),
    )  # fmt: skip


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
    return [_member(row) for row in rows]


async def write_profile(tx: Tx, member: Member, after: Profile) -> int:
    return await tx.run(
        WRITE_PROFILE, tx.brand, member.member_id, member.version, after.name, after.birthday,
        after.gender and after.gender.value, _json(after.extra),
    )  # fmt: skip


async def write_level(tx: Tx, member: Member, level: str, growth: int) -> int:
    return await tx.run(WRITE_LEVEL, tx.brand, member.member_id, member.version, level, growth)


async def write_state(tx: Tx, member: Member, state: MemberState) -> int:
    return await tx.run(WRITE_STATE, tx.brand, member.member_id, member.version, state.value)


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


async def answer(
    tx: Tx, member_id: MemberId, purpose: Purpose, channel: Channel, *, given: bool, source: str, document: str
) -> tuple[identity.PersonId, list[str]] | None:
    """Whose consent it is and the channels whose answer changed; None where there is no such member."""
    row = await tx.row(
        ANSWER, tx.brand, member_id, purpose.value, channel.value, given, source, tx.now, document, tx.by.kind, tx.by.id
    )
    return None if row is None else (identity.PersonId(row["person_id"]), list(row["channels"]))


async def consents(tx: Tx, member_id: MemberId) -> list[Consent]:
    return [_consent(row) for row in await tx.rows(CONSENTS, tx.brand, member_id)]


async def consents_of(
    tx: Tx, ids: Sequence[MemberId], purpose: Purpose, channel: Channel
) -> list[tuple[MemberId, Consent]]:
    rows = await tx.rows(CONSENTS_OF, tx.brand, ids, purpose.value, channel.value)
    return [(MemberId(row["member_id"]), _consent(row)) for row in rows]


async def consent_history(
    tx: Tx, member_id: MemberId, before: UUID | None, limit: int
) -> list[tuple[UUID, ConsentChange]]:
    rows = await tx.rows(CONSENT_HISTORY, tx.brand, member_id, before, limit)
    return [
        (
            row["history_id"],
            ConsentChange(
                Purpose(row["purpose"]), Channel(row["channel"]), row["given"], row["source"], row["document"],
                row["by_kind"], row["by_id"], row["recorded_at"],
            ),
        )
        for row in rows
    ]  # fmt: skip


async def levels(tx: Tx) -> list[Level]:
    return [Level(*row.values()) for row in await tx.rows(LEVELS, tx.brand)]


async def default_levels(tx: Tx, given: Sequence[Level]) -> int:
    return await tx.run(
        DEFAULT_LEVELS, tx.brand, [each.code for each in given], [each.name_zh for each in given],
        [each.name_en for each in given], [each.rank for each in given], [each.growth_from for each in given],
    )  # fmt: skip


async def put_level(tx: Tx, level: Level) -> None:
    """Raises LevelRankTaken."""
    if await tx.value(RANK_TAKEN, tx.brand, level.rank, level.code) is not None:
        raise LevelRankTaken(level.rank)
    try:
        await tx.run(PUT_LEVEL, tx.brand, level.code, level.name_zh, level.name_en, level.rank, level.growth_from)
    except asyncpg.UniqueViolationError:
        raise LevelRankTaken(level.rank) from None


async def fields(tx: Tx) -> dict[str, ProfileField]:
    return {
        row["code"]: ProfileField(
            row["code"], FieldKind(row["kind"]), row["name_zh"], row["name_en"], list(row["choices"]), row["personal"]
        )
        for row in await tx.rows(FIELDS, tx.brand)
    }


async def put_field(tx: Tx, field: ProfileField) -> int:
    return await tx.run(
        PUT_FIELD, tx.brand, field.code, field.kind.value, field.name_zh, field.name_en, field.choices, field.personal
    )


async def write_labels(tx: Tx, persons: Sequence[UUID], pairs: Sequence[tuple[UUID, str]]) -> int:
    return await tx.run(WRITE_LABELS, tx.brand, persons, [person for person, _ in pairs], [label for _, label in pairs])


async def labels(tx: Tx, persons: Sequence[identity.PersonId]) -> frozenset[str]:
    return frozenset(row["label"] for row in await tx.rows(LABELS, tx.brand, persons))


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


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of one of the doctor's questions."""
    return [dict(row) for row in await tx.rows(sql, tx.brand)]


_profile_values = msgspec.json.Decoder(dict[str, str | int | float | bool])


def _json(values: dict[str, Any]) -> str:
    return msgspec.json.encode(values).decode()


def _list(ids: frozenset[Any] | None) -> list[UUID] | None:
    return None if ids is None else sorted(ids)


def _prefix(name: str | None) -> str | None:
    """A pattern for names that begin so, in which no letter of the name is a wildcard."""
    if name is None:
        return None
    return "".join(f"\\{char}" if char in "\\%_" else char for char in name) + "%"


def _member(row: Record) -> Member:
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
    )


def _consent(row: Record) -> Consent:
    return Consent(Purpose(row["purpose"]), Channel(row["channel"]), row["given"], row["source"], row["changed_at"])
