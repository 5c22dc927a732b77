"""What a brand sets up: its levels and profile fields."""

from collections.abc import Sequence

import asyncpg

from midstage.kit.database import Tx
from midstage.middle.members.types import FieldKind, Level, LevelRankTaken, ProfileField

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
