"""What identity tells the world. Kinds and ids, never a value."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class PersonCreated(Fact, frozen=True, kw_only=True):
    """Somebody was seen for the first time."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    person_no: int
    source: str


class IdentifiersAttached(Fact, frozen=True, kw_only=True):
    """A person became known by more identifiers."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    kinds: list[str]
    source: str


class IdentifierDetached(Fact, frozen=True, kw_only=True):
    """A person is no longer known by an identifier."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    kind: str
