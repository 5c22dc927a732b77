"""The words of care: who served a member, the pool, handing over, activation, and requests about personal data."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, NewType
from uuid import UUID

import msgspec

from midstage.middle.identity import api as identity
from midstage.middle.members.types import MemberId
from midstage.middle.organisation import api as organisation

HandoverId = NewType("HandoverId", UUID)
DormantId = NewType("DormantId", UUID)
RequestId = NewType("RequestId", UUID)
OldNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=100, extra={"personal": True})]

ASSIGN_LIMIT = 10_000
"""Members that one call assigns at most."""


class TouchKind(StrEnum):
    """How a member was served. Only a purchase takes a member from somebody else."""

    PURCHASE = "purchase"
    SERVICE = "service"
    SCAN = "scan"
    VISIT = "visit"


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody served a member; `touch_id` is the order, scan or visit that it was, so that it counts once."""

    touch_id: UUID
    kind: TouchKind
    store_id: organisation.StoreId
    at: datetime
    guide_id: organisation.GuideId | None = None
    touchpoint_id: organisation.TouchpointId | None = None


class Held(msgspec.Struct, frozen=True):
    """By whom a member is held, since when, and when they served her last."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId
    since: datetime
    served_at: datetime


class PoolFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which members of the pool are meant. `store_ids` is also the data scope: None is all, an empty set is none."""

    store_ids: frozenset[organisation.StoreId] | None = None
    level: str | None = None
    bought_from: datetime | None = None
    bought_before: datetime | None = None
    """Whoever has not bought since; whoever never did as well."""
    joined_from: datetime | None = None
    joined_before: datetime | None = None
    member_ids: frozenset[MemberId] | None = None


class Pooled(msgspec.Struct, frozen=True):
    """A member in the pool."""

    member_id: MemberId
    person_id: identity.PersonId
    member_no: str
    name: identity.PersonalText | None
    level: str
    store_id: organisation.StoreId
    joined_at: datetime
    last_bought_at: datetime | None


class AssignRule(StrEnum):
    """How members of the pool find a guide."""

    HAND = "hand"
    """To the one guide that is named."""
    ROUND_ROBIN = "round_robin"
    """To the guides in turn."""
    LEAST_CUSTOMERS = "least_customers"
    """To the guide who has the fewest."""
    NEAREST_STORE = "nearest_store"
    """To the store nearest to the member's own; there, to the guide who has the fewest."""
    LAST_PURCHASE = "last_purchase"
    """To the guide, else the store, where she bought last; there, to the guide who has the fewest."""


class Assigning(msgspec.Struct, frozen=True):
    """To whom: the guides named, or all of the stores named, or all of those within reach."""

    rule: AssignRule
    guide_ids: frozenset[organisation.GuideId] = frozenset()
    store_ids: frozenset[organisation.StoreId] = frozenset()


class Assigned(msgspec.Struct, frozen=True):
    """How it went: how many each guide got, and how many are left in the pool (all full, or no store that fits)."""

    assigned: int
    left: int
    by_guide: dict[str, int]


class Waiting(msgspec.Struct, frozen=True):
    """A member who is to be given to somebody."""

    member_id: MemberId
    store_id: organisation.StoreId
    bought_store_id: organisation.StoreId | None = None
    bought_guide_id: organisation.GuideId | None = None


class Room(msgspec.Struct, frozen=True):
    """A guide, how many customers she has, and how many more she may be given."""

    guide_id: organisation.GuideId
    store_id: organisation.StoreId
    load: int
    free: int


class Cause(StrEnum):
    """Why customers are handed over."""

    LEFT = "left"
    MOVED = "moved"


class Plan(StrEnum):
    """What becomes of them: the heir's (or the pool's), spread over the guides of the store, or gone along."""

    HEIR = "heir"
    SPREAD = "spread"
    GO = "go"


class Handover(msgspec.Struct, frozen=True):
    """The customers of a guide being handed over; `moved` so many, and over once it has ended."""

    handover_id: HandoverId
    guide_id: organisation.GuideId
    cause: Cause
    plan: Plan
    from_store_id: organisation.StoreId
    to_store_id: organisation.StoreId | None
    heir_id: organisation.GuideId | None
    moved: int
    begun_at: datetime
    ended_at: datetime | None


class DormantState(StrEnum):
    """Whether somebody of an old system has come yet."""

    DORMANT = "dormant"
    ACTIVATED = "activated"


class NewDormant(msgspec.Struct, frozen=True):
    """A member of an old system, as a file brings her in; the virtual store where none is known."""

    old_no: OldNumber
    phone: identity.Identifier
    level: str
    points: int = 0
    name: identity.PersonalText | None = None
    store_id: organisation.StoreId | None = None


class Dormant(msgspec.Struct, frozen=True):
    """A member of an old system. Phone and name are gone once she is activated, the number once she is erased."""

    dormant_id: DormantId
    old_no: OldNumber | None
    phone: identity.PersonalText | None
    name: identity.PersonalText | None
    level: str
    points: int
    store_id: organisation.StoreId
    state: DormantState
    imported_at: datetime
    activated_at: datetime | None
    member_id: MemberId | None


class DormantFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which members of old systems are wanted; `store_ids` is also the data scope."""

    store_ids: frozenset[organisation.StoreId] | None = None
    state: DormantState | None = None
    old_no: str | None = None


class ActivationPreview(msgspec.Struct, frozen=True):
    """What activating would bring: cards of the old system, the level it would lead to, and the points."""

    cards: int
    level: str
    points: int


class Activation(msgspec.Struct, frozen=True):
    """What activating brought: nothing, where nothing was left to activate."""

    cards: int
    points: int
    level_before: str
    level: str


class ActivatedDay(msgspec.Struct, frozen=True):
    """What was activated of a store's old members on a business day."""

    day: date
    activated: int
    points: int


class ActivationCount(msgspec.Struct, frozen=True):
    """Of a store: who still sleeps, and who was activated, in the days asked for and by day."""

    store_id: organisation.StoreId
    dormant: int
    dormant_points: int
    activated: int
    points: int
    days: list[ActivatedDay]


class RequestKind(StrEnum):
    """What is wanted of personal data."""

    EXPORT = "export"
    ERASURE = "erasure"


class RequestState(StrEnum):
    """Cooling may still be called off; waiting is about to be done."""

    COOLING = "cooling"
    WAITING = "waiting"
    DONE = "done"
    CALLED_OFF = "called_off"


class PrivacyRequest(msgspec.Struct, frozen=True):
    """What somebody asked for of personal data, and what came of it.

    `proof` says which tables were touched and in how many rows, `file_bytes` how large a file is that can be fetched
    until `expires_at`.
    """

    request_id: RequestId
    kind: RequestKind
    member_id: MemberId
    person_id: identity.PersonId
    store_id: organisation.StoreId
    state: RequestState
    asked_kind: str
    asked_by: UUID
    asked_at: datetime
    begins_at: datetime
    due_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    file_bytes: int | None
    proof: dict[str, Any]


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests are wanted; `store_ids` is also the data scope."""

    store_ids: frozenset[organisation.StoreId] | None = None
    kind: RequestKind | None = None
    state: RequestState | None = None
    member_id: MemberId | None = None
