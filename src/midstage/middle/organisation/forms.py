"""What is asked of the organisation: things to be made, things to be changed, rows to be listed."""

import msgspec
from msgspec import UNSET, UnsetType

from midstage.kit.ids import new_id
from midstage.middle.organisation.types import (
    EVERYTHING,
    Contract,
    GuideId,
    Hours,
    InvoiceTitle,
    OperatorId,
    OperatorKind,
    Payee,
    Place,
    Platform,
    PlatformAccountId,
    Scope,
    StaffId,
    State,
    StoreId,
    StoreKind,
    StoreState,
    TouchpointId,
    TouchpointKind,
    UnitId,
    UnitKind,
)


class NewUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the tree to be made; without a parent it lies right under the root."""

    code: str
    name: str
    kind: UnitKind = UnitKind.REGION
    parent_id: UnitId | None = None
    unit_id: UnitId = msgspec.field(default_factory=lambda: UnitId(new_id()))


class NewOperator(msgspec.Struct, frozen=True, kw_only=True):
    """An operator to be made."""

    code: str
    name: str
    kind: OperatorKind
    contract: Contract | None = None
    invoice: InvoiceTitle | None = None
    payee: Payee | None = None
    operator_id: OperatorId = msgspec.field(default_factory=lambda: OperatorId(new_id()))


class NewStore(msgspec.Struct, frozen=True, kw_only=True):
    """A store to be opened. Unit, operator and currency are the brand's own where they are not given."""

    code: str
    name: str
    kind: StoreKind = StoreKind.DIRECT
    unit_id: UnitId | None = None
    operator_id: OperatorId | None = None
    currency: str | None = None
    area_m2: int | None = None
    place: Place | None = None
    address: str = ""
    hours: Hours | None = None
    store_id: StoreId = msgspec.field(default_factory=lambda: StoreId(new_id()))


class NewStaff(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be taken on, by the brand itself where no operator is given."""

    code: str
    name: str
    phone: str = ""
    operator_id: OperatorId | None = None
    staff_id: StaffId = msgspec.field(default_factory=lambda: StaffId(new_id()))


class NewGuide(msgspec.Struct, frozen=True, kw_only=True):
    """A guide to be placed in a store."""

    code: str
    name: str
    store_id: StoreId
    staff_id: StaffId | None = None
    guide_id: GuideId = msgspec.field(default_factory=lambda: GuideId(new_id()))


class NewTouchpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A touchpoint to be made; the virtual store and guide stand in for those that are not given."""

    code: str
    name: str
    kind: TouchpointKind
    store_id: StoreId | None = None
    guide_id: GuideId | None = None
    touchpoint_id: TouchpointId = msgspec.field(default_factory=lambda: TouchpointId(new_id()))


class NewPlatformAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A platform account to be registered; run by the virtual store where none is given."""

    platform: Platform
    external_id: str
    name: str
    staff_id: StaffId
    store_id: StoreId | None = None
    platform_account_id: PlatformAccountId = msgspec.field(default_factory=lambda: PlatformAccountId(new_id()))


class BrandChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a brand is to change. A new zone or start of day rewrites nothing that is stored."""

    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    day_starts_minute: int | UnsetType = UNSET
    phone_prefix: str | UnsetType = UNSET


class UnitChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a unit is to change; moving it is a verb of its own."""

    name: str | UnsetType = UNSET
    kind: UnitKind | UnsetType = UNSET
    state: State | UnsetType = UNSET


class OperatorChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of an operator is to change. A new payee replaces the old one from now on."""

    name: str | UnsetType = UNSET
    kind: OperatorKind | UnsetType = UNSET
    contract: Contract | UnsetType | None = UNSET
    invoice: InvoiceTitle | UnsetType | None = UNSET
    payee: Payee | UnsetType = UNSET
    state: State | UnsetType = UNSET


class StoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a store is to change. Its code and currency stay."""

    name: str | UnsetType = UNSET
    kind: StoreKind | UnsetType = UNSET
    unit_id: UnitId | UnsetType = UNSET
    operator_id: OperatorId | UnsetType = UNSET
    area_m2: int | UnsetType | None = UNSET
    place: Place | UnsetType | None = UNSET
    address: str | UnsetType = UNSET
    hours: Hours | UnsetType | None = UNSET
    state: StoreState | UnsetType = UNSET


class StaffChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a staff person is to change; leaving is a verb of its own."""

    name: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    operator_id: OperatorId | UnsetType = UNSET


class GuideChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a guide is to change; moving and leaving are verbs of their own."""

    name: str | UnsetType = UNSET
    staff_id: StaffId | UnsetType | None = UNSET


class TouchpointChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a touchpoint is to change. Its printed code stays."""

    name: str | UnsetType = UNSET
    store_id: StoreId | UnsetType = UNSET
    guide_id: GuideId | UnsetType = UNSET
    state: State | UnsetType = UNSET


class PlatformAccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a platform account is to change."""

    name: str | UnsetType = UNSET
    store_id: StoreId | UnsetType = UNSET
    staff_id: StaffId | UnsetType = UNSET
    state: State | UnsetType = UNSET


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a list are wanted. `scope` is what the asker may see at all; the rest narrows it.

    Not every list has every field: units have no operator, operators no store. What a list lacks narrows nothing.
    """

    scope: Scope = EVERYTHING
    text: str | None = None
    """Part of a code or a name."""
    unit_id: UnitId | None = None
    """This unit and all below it."""
    operator_id: OperatorId | None = None
    store_id: StoreId | None = None
    kind: str | None = None
    state: str | None = None
