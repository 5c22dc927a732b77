"""The words of the organisation."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.ids import BrandId, new_id

UnitId = NewType("UnitId", UUID)
OperatorId = NewType("OperatorId", UUID)
PayeeId = NewType("PayeeId", UUID)
StoreId = NewType("StoreId", UUID)
StaffId = NewType("StaffId", UUID)
GuideId = NewType("GuideId", UUID)
TouchpointId = NewType("TouchpointId", UUID)
PlatformAccountId = NewType("PlatformAccountId", UUID)

Minute = Annotated[int, msgspec.Meta(ge=0, le=2880, description="Minutes since midnight; above 1440 on the next day")]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]

DAYS_A_WEEK = 7


class UnitKind(StrEnum):
    """What a part of the tree stands for. Any kind may lie under any other; only the root is the brand."""

    BRAND = "brand"
    GROUP = "group"
    REGION = "region"
    CITY = "city"
    AREA = "area"


class OperatorKind(StrEnum):
    """What sort of legal entity runs stores: the brand itself, an agent (代理商), a franchisee (加盟商)."""

    BRAND = "brand"
    AGENT = "agent"
    FRANCHISEE = "franchisee"


class StoreKind(StrEnum):
    """What sort of place sells or ships."""

    DIRECT = "direct"
    FRANCHISE = "franchise"
    UNMANNED = "unmanned"
    KIOSK = "kiosk"
    WAREHOUSE = "warehouse"
    ONLINE = "online"
    VIRTUAL = "virtual"


class StoreState(StrEnum):
    """Open; paused for a while; closed for good."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class State(StrEnum):
    """Of a unit, an operator, a touchpoint, a platform account: in use, or no longer."""

    OPEN = "open"
    CLOSED = "closed"


class PersonState(StrEnum):
    """Of somebody who works for the brand: here, or no longer."""

    ACTIVE = "active"
    LEFT = "left"


class TouchpointKind(StrEnum):
    """What a shopper scans, taps or sees."""

    STORE_CODE = "store_code"
    GUIDE_CODE = "guide_code"
    LINK = "link"
    POSTER = "poster"
    SCREEN = "screen"
    AD = "ad"
    ITEM_CODE = "item_code"
    TILL = "till"
    VIRTUAL = "virtual"


class Platform(StrEnum):
    """Where a platform account lives."""

    WECHAT_OFFICIAL = "wechat_official"
    WECHAT_MINI = "wechat_mini"
    WECHAT_VIDEO = "wechat_video"
    WECOM = "wecom"
    ALIPAY_MINI = "alipay_mini"
    TAOBAO = "taobao"
    JD = "jd"
    DOUYIN = "douyin"
    XIAOHONGSHU = "xiaohongshu"
    OTHER = "other"


class Brand(msgspec.Struct, frozen=True):
    """A tenant, and where its default things are."""

    brand: BrandId
    code: str
    name: str
    currency: str
    zone: str
    day_starts_minute: int
    phone_prefix: str
    """What a phone number without a country begins with, like +86."""
    root_unit_id: UnitId
    own_operator_id: OperatorId
    version: int
    sandbox: bool = False
    """Whether it is there for trying out."""


class Virtual(msgspec.Struct, frozen=True):
    """What stands in where no store, guide or touchpoint is known."""

    store_id: StoreId
    guide_id: GuideId
    touchpoint_id: TouchpointId


class Scope(msgspec.Struct, frozen=True):
    """Part of the organisation. A store is in it if any of the four says so; an empty scope holds nothing."""

    everything: bool = False
    units: frozenset[UnitId] = frozenset()
    """These parts of the tree and all below them."""
    operators: frozenset[OperatorId] = frozenset()
    """All stores of these operators, wherever they are."""
    stores: frozenset[StoreId] = frozenset()


EVERYTHING = Scope(everything=True)
NOTHING = Scope()


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where on earth, in degrees (WGS 84)."""

    lat: Latitude
    lng: Longitude


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a day, in minutes since midnight; a bar that closes at 2 a.m. closes at 1560."""

    opens: Minute
    closes: Minute


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a store is open: a week from Monday on, and days that differ from it (none of them: closed all day)."""

    week: tuple[tuple[Span, ...], ...]
    days: dict[date, tuple[Span, ...]] = {}


class Unit(msgspec.Struct, frozen=True):
    """A part of the tree. `path` runs from the root to the unit itself."""

    unit_id: UnitId
    parent_id: UnitId | None
    code: str
    name: str
    kind: UnitKind
    path: list[UnitId]
    state: State
    version: int


class Contract(msgspec.Struct, frozen=True):
    """What binds an operator to the brand; without an end it runs on."""

    number: str
    starts_on: date
    ends_on: date | None = None


class InvoiceTitle(msgspec.Struct, frozen=True):
    """Whom an invoice is made out to (发票抬头)."""

    title: str
    tax_number: str
    address: str = ""


class Payee(msgspec.Struct, frozen=True):
    """Who collects (收款主体), and where: an account at a bank or a payment provider."""

    holder: str
    provider: str
    account_number: str
    payee_id: PayeeId = msgspec.field(default_factory=lambda: PayeeId(new_id()))


class Operator(msgspec.Struct, frozen=True):
    """A legal entity that runs stores and settles (操作主体)."""

    operator_id: OperatorId
    code: str
    name: str
    kind: OperatorKind
    contract: Contract | None
    invoice: InvoiceTitle | None
    payee: Payee | None
    state: State
    version: int


class Store(msgspec.Struct, frozen=True):
    """A place that sells or ships. Its currency is for ever."""

    store_id: StoreId
    code: str
    name: str
    kind: StoreKind
    unit_id: UnitId
    unit_path: list[UnitId]
    operator_id: OperatorId
    currency: str
    area_m2: int | None
    place: Place | None
    address: str
    hours: Hours | None
    state: StoreState
    version: int


class Staff(msgspec.Struct, frozen=True):
    """Somebody who works for an operator. Name and phone are personal data; how they sign in is access'."""

    staff_id: StaffId
    code: str
    name: str
    phone: str
    operator_id: OperatorId
    state: PersonState
    joined_at: datetime
    left_at: datetime | None
    version: int


class Guide(msgspec.Struct, frozen=True):
    """A store guide (导购) as shoppers know her. The virtual one, the pool, is nobody's staff."""

    guide_id: GuideId
    code: str
    name: str
    staff_id: StaffId | None
    store_id: StoreId
    state: PersonState
    joined_at: datetime
    left_at: datetime | None
    version: int


class Stay(msgspec.Struct, frozen=True):
    """A guide's time in a store. `heir_id` is who took over her customers when it ended with her leaving."""

    store_id: StoreId
    from_at: datetime
    until_at: datetime | None
    heir_id: GuideId | None


class Touchpoint(msgspec.Struct, frozen=True):
    """A code, link or screen that carries its source: the store and the guide it brings shoppers to."""

    touchpoint_id: TouchpointId
    code: str
    name: str
    kind: TouchpointKind
    store_id: StoreId
    guide_id: GuideId
    state: State
    version: int


class PlatformAccount(msgspec.Struct, frozen=True):
    """An account on an outside platform, with the store that runs it and the person who answers for it."""

    platform_account_id: PlatformAccountId
    platform: Platform
    external_id: str
    name: str
    store_id: StoreId
    staff_id: StaffId
    state: State
    version: int
