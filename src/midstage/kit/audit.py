"""The audit trail: who changed what, from what to what. Personal fields go in as masked references only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.ids import BrandId
from midstage.kit.together import Write

INSERT = """
insert into audit (brand_id, actor_kind, actor_id, action, subject_type, subject_id, before, after)
select $1, $2, $3, entry.action, entry.subject_type, entry.subject_id, entry.before, entry.after
  from unnest($4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[])
    as entry (action, subject_type, subject_id, before, after)
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
