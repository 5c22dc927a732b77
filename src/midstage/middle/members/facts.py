"""What membership tells the world. The subject is the person, so that all news of somebody keeps its order."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class MemberJoined(Fact, frozen=True, kw_only=True):
    """Somebody became a member."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    level: str
    front: str
    store_id: UUID
    guide_id: UUID
    touchpoint_id: UUID
    referrer_id: UUID | None
    imported: bool = False
    """Taken over from an old system: nobody is to be welcomed."""


class MemberProfileChanged(Fact, frozen=True, kw_only=True):
    """Fields of a profile have other values; which, not what."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    fields: list[str]


class MemberLevelChanged(Fact, frozen=True, kw_only=True):
    """The level or the growth value is another."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    level_before: str
    level: str
    growth_before: int
    growth: int


class MemberStateChanged(Fact, frozen=True, kw_only=True):
    """A member was frozen, closed, or made active again."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    state_before: str
    state: str


class MemberBound(Fact, frozen=True, kw_only=True):
    """A member belongs to another store, guide or touchpoint."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    store_id_before: UUID
    store_id: UUID
    guide_id_before: UUID
    guide_id: UUID
    touchpoint_id: UUID
    reason: str


class ConsentGiven(Fact, frozen=True, kw_only=True):
    """A member agrees to a purpose over a channel."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    purpose: str
    channel: str


class ConsentWithdrawn(Fact, frozen=True, kw_only=True):
    """A member no longer agrees; `channel` any means none of them."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    purpose: str
    channel: str


class MemberActivated(Fact, frozen=True, kw_only=True):
    """Cards of an old system were activated: their points are hers, and her level is the highest of them and her own.

    `store_id` is the store of the first card, for which the activation counts.
    """

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
    store_id: UUID
    cards: int
    points: int
    level_before: str
    level: str


class MemberErased(Fact, frozen=True, kw_only=True):
    """The personal data of a member is gone; whoever keeps something about her forgets it."""

    subject: ClassVar[str] = "person_id"
    person_id: UUID
    member_id: UUID
