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


class PersonsMerged(Fact, frozen=True, kw_only=True):
    """Two persons became one. `loser_no` leaves every set of persons and is never given again."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    person_no: int
    loser_id: UUID
    loser_no: int
    link_id: UUID
    cause: str


class MergeUndone(Fact, frozen=True, kw_only=True):
    """Two persons are two again: `parted_no` is a person of its own, as it was before."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    person_no: int
    parted_id: UUID
    parted_no: int
    link_id: UUID


class MergeQuarantined(Fact, frozen=True, kw_only=True):
    """Something that would have broken a limit waits for somebody; without `other_id` it is an attachment."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    other_id: UUID | None
    case_id: UUID
    kind: str
    reason: str
