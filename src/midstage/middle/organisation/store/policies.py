"""The SQL of policies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.organisation.store.shared import json_of

CHOICES = """
select p.level, p.holder_id, p.settings from policy p
 where p.brand_id = $1 and p.code = $2 and (p.level = 'brand' or p.holder_id = any($3::uuid[]))
"""

ALL_CHOICES = """
select p.level, p.holder_id, p.settings, p.version from policy p
 where p.brand_id = $1 and p.code = $2
 order by array_position(array['brand', 'unit', 'operator', 'store'], p.level), p.holder_id
"""

WRITE_CHOICE = """
insert into policy as p (brand_id, code, level, holder_id, settings, changed_at)
select $1, $2, $3, $4, $5::text::jsonb, $6
 where $7::integer is null
    or exists (select from policy q where q.brand_id = $1 and q.code = $2 and q.level = $3 and q.holder_id = $4)
    on conflict (brand_id, code, level, holder_id) do update
   set settings = excluded.settings, version = p.version + 1, changed_at = excluded.changed_at
 where p.version = $7
returning p.version, old.settings as before
"""

VERSION = """
select p.version from policy p where p.brand_id = $1 and p.code = $2 and p.level = $3 and p.holder_id = $4
"""

DROP_CHOICE = """
delete from policy p where p.brand_id = $1 and p.code = $2 and p.level = $3 and p.holder_id = $4
returning p.settings
"""


async def read_choices(tx: Tx, code: str, holders: Sequence[UUID]) -> list[tuple[str, UUID, Any]]:
    """What these holders and the brand chose."""
    rows = await tx.rows(CHOICES, tx.brand, code, holders)
    return [(row["level"], row["holder_id"], _read(row["settings"])) for row in rows]


async def read_all_choices(tx: Tx, code: str) -> list[tuple[str, UUID, Any, int]]:
    rows = await tx.rows(ALL_CHOICES, tx.brand, code)
    return [(row["level"], row["holder_id"], _read(row["settings"]), row["version"]) for row in rows]


async def write_choice(
    tx: Tx, code: str, level: str, holder_id: UUID, settings: Any, *, seen: int | None
) -> tuple[int, Any] | None:
    """The new version and what was chosen before; None if it was changed since version `seen`."""
    row = await tx.row(WRITE_CHOICE, tx.brand, code, level, holder_id, json_of(settings), tx.now, seen)
    return None if row is None else (row["version"], _read(row["before"]))


async def read_choice_version(tx: Tx, code: str, level: str, holder_id: UUID) -> int:
    """0 where nothing is chosen."""
    return await tx.value(VERSION, tx.brand, code, level, holder_id) or 0


async def drop_choice(tx: Tx, code: str, level: str, holder_id: UUID) -> Any | None:
    """What had been chosen."""
    return _read(await tx.value(DROP_CHOICE, tx.brand, code, level, holder_id))


def _read(settings: str | None) -> Any:
    return None if settings is None else msgspec.json.decode(settings)
