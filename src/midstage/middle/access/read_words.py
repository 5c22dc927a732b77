"""The words of reads of personal data."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.audit import Principal


class PersonalRead(msgspec.Struct, frozen=True):
    """That somebody saw personal data: by which call, of whom, which fields, of how many people."""

    by: Principal
    call: str
    member_id: UUID | None
    order_id: UUID | None
    fields: tuple[str, ...]
    at: datetime
    read_id: UUID
    persons: int = 1


class ReadFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of reads is narrowed to. Of a member, lists and files that may have held them are in it too."""

    member_ids: tuple[UUID, ...] | None = None
    order_id: UUID | None = None
    by_id: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None
