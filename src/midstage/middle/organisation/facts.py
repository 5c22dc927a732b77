"""What the organisation tells the world."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact
from midstage.middle.organisation.types import (
    GuideId,
    OperatorId,
    PayeeId,
    PlatformAccountId,
    StaffId,
    StoreId,
    TouchpointId,
    UnitId,
)


class BrandCreated(Fact, frozen=True):
    """A brand begins, with what stands in where nothing is known."""

    subject: ClassVar[str] = "root_unit_id"
    root_unit_id: UnitId
    own_operator_id: OperatorId
    virtual_store_id: StoreId
    virtual_guide_id: GuideId
    virtual_touchpoint_id: TouchpointId


class BrandChanged(Fact, frozen=True):
    """Its name, zone, start of day or phone prefix is another."""

    subject: ClassVar[str] = "root_unit_id"
    root_unit_id: UnitId
    fields: list[str]


class BrandEmptied(Fact, frozen=True):
    """All data of a brand that is there for trying out are gone."""

    subject: ClassVar[str] = "root_unit_id"
    root_unit_id: UnitId


class UnitCreated(Fact, frozen=True):
    subject: ClassVar[str] = "unit_id"
    unit_id: UnitId
    parent_id: UnitId
    kind: str


class UnitMoved(Fact, frozen=True):
    """A unit, with all below it, lies elsewhere; `units` is how many paths changed."""

    subject: ClassVar[str] = "unit_id"
    unit_id: UnitId
    from_parent_id: UnitId
    to_parent_id: UnitId
    units: int


class UnitChanged(Fact, frozen=True):
    subject: ClassVar[str] = "unit_id"
    unit_id: UnitId
    fields: list[str]
    state: str


class OperatorCreated(Fact, frozen=True):
    subject: ClassVar[str] = "operator_id"
    operator_id: OperatorId
    kind: str


class OperatorChanged(Fact, frozen=True):
    """`payee_id` is who collects for the operator from now on."""

    subject: ClassVar[str] = "operator_id"
    operator_id: OperatorId
    fields: list[str]
    kind: str
    state: str
    payee_id: PayeeId | None


class StoreOpened(Fact, frozen=True):
    subject: ClassVar[str] = "store_id"
    store_id: StoreId
    kind: str
    unit_id: UnitId
    operator_id: OperatorId
    currency: str


class StoreChanged(Fact, frozen=True):
    subject: ClassVar[str] = "store_id"
    store_id: StoreId
    fields: list[str]
    kind: str
    unit_id: UnitId
    operator_id: OperatorId
    state: str


class StaffJoined(Fact, frozen=True):
    subject: ClassVar[str] = "staff_id"
    staff_id: StaffId
    operator_id: OperatorId


class StaffChanged(Fact, frozen=True):
    subject: ClassVar[str] = "staff_id"
    staff_id: StaffId
    fields: list[str]
    operator_id: OperatorId


class StaffLeft(Fact, frozen=True):
    """Somebody no longer works here: logins are to be closed."""

    subject: ClassVar[str] = "staff_id"
    staff_id: StaffId


class GuideJoined(Fact, frozen=True):
    subject: ClassVar[str] = "guide_id"
    guide_id: GuideId
    store_id: StoreId
    staff_id: StaffId | None


class GuideChanged(Fact, frozen=True):
    subject: ClassVar[str] = "guide_id"
    guide_id: GuideId
    fields: list[str]


class GuideMoved(Fact, frozen=True):
    subject: ClassVar[str] = "guide_id"
    guide_id: GuideId
    from_store_id: StoreId
    to_store_id: StoreId


class GuideLeft(Fact, frozen=True):
    """A guide left; her customers are `heir_id`'s now (the virtual guide's, where nobody was named)."""

    subject: ClassVar[str] = "guide_id"
    guide_id: GuideId
    store_id: StoreId
    heir_id: GuideId


class TouchpointCreated(Fact, frozen=True):
    subject: ClassVar[str] = "touchpoint_id"
    touchpoint_id: TouchpointId
    kind: str
    store_id: StoreId
    guide_id: GuideId


class TouchpointChanged(Fact, frozen=True):
    subject: ClassVar[str] = "touchpoint_id"
    touchpoint_id: TouchpointId
    fields: list[str]
    store_id: StoreId
    guide_id: GuideId
    state: str


class PlatformAccountRegistered(Fact, frozen=True):
    subject: ClassVar[str] = "platform_account_id"
    platform_account_id: PlatformAccountId
    platform: str
    store_id: StoreId
    staff_id: StaffId


class PlatformAccountChanged(Fact, frozen=True):
    subject: ClassVar[str] = "platform_account_id"
    platform_account_id: PlatformAccountId
    fields: list[str]
    store_id: StoreId
    staff_id: StaffId
    state: str


class PolicyChanged(Fact, frozen=True):
    """Somebody chose other settings of a policy, or let the wider ones hold again."""

    subject: ClassVar[str] = "holder_id"
    holder_id: UUID
    code: str
    level: str
