"""The audit trail: who changed what, from what to what. Personal fields go in as masked references only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import asyncpg
import msgspec

from midstage.kit.ids import BrandId
from midstage.kit.paging import Page, PageRequest
from midstage.kit.together import Write

INSERT = """
insert into audit (brand_id, actor_kind, actor_id, action, subject_type, subject_id, before, after)
select $1, $2, $3, entry.action, entry.subject_type, entry.subject_id, entry.before, entry.after
  from unnest($4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[])
    as entry (action, subject_type, subject_id, before, after)
"""

# `and true` stands where the conditions go that are asked for: each form of the list has its own plan.
ENTRIES = """
select id, recorded_at, actor_kind, actor_id, action, subject_type, subject_id, before, after
  from audit
 where brand_id = $1 and true
 order by recorded_at desc, id desc limit $2
"""


class Principal(msgspec.Struct, frozen=True):
    """Who acts: a shopper, guide, staff, app, or the system itself."""

    kind: str
    id: UUID


class Entry(msgspec.Struct, frozen=True):
    """One change. `before` and `after` are what the console shows side by side."""

    action: str
    subject_type: str
    subject_id: str
    before: Any = None
    after: Any = None


class Change(msgspec.Struct, frozen=True):
    """One change as the trail has it: when, by whom, of what, from what to what."""

    change_id: int
    at: datetime
    by: Principal
    action: str
    subject_type: str
    subject_id: str
    before: Any
    after: Any


class ChangeFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What the trail can be narrowed to. A subject's id is looked up fast beside its type."""

    actor_id: UUID | None = None
    action: str | None = None
    subject_type: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None


class Reader(Protocol):
    """What reading the trail takes of a Tx, which itself stands on this file."""

    @property
    def brand(self) -> BrandId: ...

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]: ...


SYSTEM = Principal(kind="system", id=UUID(int=0))


def masked(value: str) -> str:
    """A personal value as a reference that a person can recognise and nobody can use: 138*****678."""
    if len(value) <= 4:
        return "*" * len(value)
    keep = min(4, len(value) // 3)
    return value[:keep] + "*" * (len(value) - 2 * keep) + value[-keep:]


def write(brand: BrandId, by: Principal, entries: Sequence[Entry]) -> Write:
    """The insert of the entries of one transaction."""
    json = msgspec.json.encode
    return Write(
        INSERT,
        (
            brand,
            by.kind,
            by.id,
            [entry.action for entry in entries],
            [entry.subject_type for entry in entries],
            [entry.subject_id for entry in entries],
            [json(entry.before).decode() for entry in entries],
            [json(entry.after).decode() for entry in entries],
        ),
    )


async def entries(tx: Reader, filters: ChangeFilters, page: PageRequest) -> Page[Change]:
    """The audit trail of the brand, the newest first. Raises paging.BadCursor."""
    values: list[Any] = [tx.brand, page.fetch]
    conditions = [
        f"{column} {compared} {_given(values, value)}"
        for column, compared, value in (
            ("actor_id", "=", filters.actor_id),
            ("action", "=", filters.action),
            ("subject_type", "=", filters.subject_type),
            ("subject_id", "=", filters.subject_id),
            ("recorded_at", ">=", filters.since),
            ("recorded_at", "<", filters.before),
        )
        if value is not None
    ]
    place = page.place(tuple[Annotated[datetime, msgspec.Meta(tz=True)], int])
    if place is not None:
        conditions.append(f"(recorded_at, id) < ({_given(values, place[0])}, {_given(values, place[1])})")
    sql = ENTRIES.replace("and true", "".join(f"and {one} " for one in conditions), 1)
    return page.page([_change(row) for row in await tx.rows(sql, *values)], lambda one: (one.at, one.change_id))


def _given(values: list[Any], value: Any) -> str:
    """Take a value, and say under which `$n` it stands."""
    values.append(value)
    return f"${len(values)}"


def _change(row: asyncpg.Record) -> Change:
    return Change(
        row["id"],
        row["recorded_at"],
        Principal(row["actor_kind"], row["actor_id"]),
        row["action"],
        row["subject_type"],
        row["subject_id"],
        msgspec.json.decode(row["before"]),
        msgspec.json.decode(row["after"]),
    )
