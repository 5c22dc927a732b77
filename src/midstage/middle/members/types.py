"""The words of membership."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.identity import api as identity
from midstage.middle.organisation import api as organisation

MemberId = NewType("MemberId", UUID)
PersonalDate = Annotated[date, msgspec.Meta(extra={"personal": True})]
FieldValue = str | int | float | bool
LevelCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,29}$")]


class MemberState(StrEnum):
    """Closed is for good; who comes back is opened again by the brand, as the person is the same."""

    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Purpose(StrEnum):
    """What a shopper's data or attention is wanted for."""

    SERVICE = "service"
    MARKETING = "marketing"
    PROFILING = "profiling"
    SHARING = "sharing"
    BIOMETRICS = "biometrics"


class Channel(StrEnum):
    """By which way. ANY stands for all that have no answer of their own."""

    ANY = "any"
    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    WECHAT = "wechat"
    APP_PUSH = "app_push"
    POST = "post"


class FieldKind(StrEnum):
    """What a profile field of the brand holds. A date is written as 2026-11-30."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"


class ProfileField(msgspec.Struct, frozen=True):
    """A field that a brand adds to the profile."""

    code: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,29}$")]
    kind: FieldKind
    name_zh: str
    name_en: str
    choices: list[str] = []
    personal: bool = True
    """Personal data is masked in lists and in the audit trail, and erased on request."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a member says of herself; `extra` has the brand's own fields by their code."""

    name: identity.PersonalText | None = None
    birthday: PersonalDate | None = None
    gender: Gender | None = None
    extra: dict[str, FieldValue] = {}


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a profile is to change. In `extra` null removes a field, and fields not named stay."""

    name: identity.PersonalText | UnsetType | None = UNSET
    birthday: PersonalDate | UnsetType | None = UNSET
    gender: Gender | UnsetType | None = UNSET
    extra: dict[str, FieldValue | None] = {}


class Level(msgspec.Struct, frozen=True):
    """A level, from which growth value on; a higher rank is a better level."""

    code: LevelCode
    name_zh: str
    name_en: str
    rank: int
    growth_from: int = 0


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member. `joined` is true only in the answer of the join that made it."""

    member_id: MemberId
    person_id: identity.PersonId
    member_no: str
    level: str
    growth: int
    state: MemberState
    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId
    front: str
    referrer_id: MemberId | None
    joined_at: datetime
    name: identity.PersonalText | None
    birthday: PersonalDate | None
    gender: Gender | None
    extra: dict[str, FieldValue]
    version: int
    joined: bool = False
    erased: bool = False
    """Her personal data is gone; the row is kept for the books."""


class Shopper(msgspec.Struct, frozen=True):
    """What checkout needs to know of a member, in one read."""

    member_id: MemberId
    person_id: identity.PersonId
    level: str
    labels: frozenset[str]
    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId
    referrer_id: MemberId | None
    state: MemberState


class Bound(msgspec.Struct, frozen=True):
    """Where a member belongs."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId


class Binding(msgspec.Struct, frozen=True):
    """To whom a member belonged from a moment on, why, and who decided it; `until` is null for the present one."""

    store_id: organisation.StoreId
    guide_id: organisation.GuideId
    touchpoint_id: organisation.TouchpointId
    reason: str
    by_kind: str
    by_id: UUID
    since: datetime
    until: datetime | None = None


class Consent(msgspec.Struct, frozen=True):
    """The present answer to a purpose over a channel."""

    purpose: Purpose
    channel: Channel
    given: bool
    source: str
    changed_at: datetime


class ConsentChange(msgspec.Struct, frozen=True):
    """One answer of the past."""

    purpose: Purpose
    channel: Channel
    given: bool
    source: str
    document: str
    by_kind: str
    by_id: UUID
    recorded_at: datetime


class Joiner(msgspec.Struct, frozen=True, kw_only=True):
    """A member of an import. What is not known is the brand's virtual store, guide and touchpoint."""

    person_id: identity.PersonId
    member_id: MemberId
    front: str
    joined_at: datetime
    store_id: organisation.StoreId | None = None
    guide_id: organisation.GuideId | None = None
    touchpoint_id: organisation.TouchpointId | None = None
    referrer_id: MemberId | None = None
    level: str | None = None
    growth: int = 0
    profile: Profile = Profile()


class MemberFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which members are wanted. `store_ids` is also the data scope: None is all stores, an empty set is none."""

    store_ids: frozenset[organisation.StoreId] | None = None
    guide_id: organisation.GuideId | None = None
    level: str | None = None
    state: MemberState | None = None
    joined_from: datetime | None = None
    joined_before: datetime | None = None
    label: str | None = None
    name: str | None = None
    """How the name begins."""
    member_no: str | None = None
    person_ids: frozenset[identity.PersonId] | None = None
    """Persons that were found by an identifier."""


class NoSuchMember(NotFound):
    """There is no member with this id in this brand."""

    text = Text(zh="没有这位会员", en="There is no such member.")
    member_id: UUID


class NoSuchLevel(Invalid):
    """The brand has no level of this code."""

    text = Text(zh="没有等级“{level}”", en="There is no level “{level}”.")
    level: str


class NoSuchReferrer(Invalid):
    """Who is named as the referrer is no member, or is the one who joins."""

    text = Text(zh="推荐人不是会员，或就是本人", en="The referrer is no member, or is the one who joins.")
    referrer_id: UUID


class BadLevel(Invalid):
    """A level has a code of a-z, 0-9 and _, names, a rank and a growth value of its own, neither below zero."""

    text = Text(
        zh="等级“{level}”无效：编码为小写字母开头，须有中英文名称，排名与成长值不为负",
        en="The level “{level}” needs a lower-case code, both names, and a rank and growth of 0 or more.",
    )
    level: str


class LevelRankTaken(Conflict):
    """Another level has this rank."""

    text = Text(zh="已有等级使用排名 {rank}", en="Another level has the rank {rank}.")
    rank: int


class BadGrowth(Invalid):
    """Growth is never below zero."""

    text = Text(zh="成长值不能为负：{growth}", en="Growth cannot be below zero: {growth}.")
    growth: int


class BadProfile(Invalid):
    """A profile field has a value that cannot be; the value is not repeated, as it may be personal."""

    text = Text(zh="资料字段“{field}”无效：{reason_zh}", en="The profile field “{field}” is not right: {reason_en}.")
    field: str
    reason_zh: str
    reason_en: str


class BadFront(Invalid):
    """A front is named by 1 to 40 characters of a-z, 0-9, - and _."""

    text = Text(zh="前台标识“{front}”无效", en="“{front}” is not the name of a front.")
    front: str


class BadLabel(Invalid):
    """A label has 1 to 100 characters."""

    text = Text(zh="标签须为 1 至 100 个字符", en="A label has 1 to 100 characters.")


class MemberChanged(Conflict):
    """Somebody else changed the member since it was read."""

    text = Text(
        zh="会员资料已被他人修改（版本 {version}，您看到的是 {seen}），请刷新后重试",
        en="The member was changed meanwhile: it is at version {version}, you saw {seen}.",
    )
    seen: int
    version: int


class AlreadyMember(Conflict):
    """An import lists a person who is a member already, or twice; `row` counts from 0, -1 if unknown."""

    text = Text(zh="第 {row} 行的人已是会员", en="The person in row {row} is a member already.")
    row: int
