"""The words of identity."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.audit import masked
from midstage.kit.refusals import Conflict, Invalid, NotFound, Text

PersonId = NewType("PersonId", UUID)
PersonalText = Annotated[str, msgspec.Meta(extra={"personal": True})]


class IdentifierKind(StrEnum):
    """What sort of id it is. The order is the order of trust: an earlier kind decides before a later one."""

    PHONE = "phone"
    WECHAT_UNIONID = "wechat_unionid"
    CARD = "card"
    WECHAT_OPENID = "wechat_openid"
    EMAIL = "email"
    TAOBAO = "taobao"
    JD = "jd"
    DOUYIN = "douyin"
    CUSTOM = "custom"
    DEVICE = "device"


class Identifier(msgspec.Struct, frozen=True, order=True):
    """A typed id. `namespace` is the app of an openid, the name of a custom one, else empty as a rule."""

    kind: IdentifierKind
    value: PersonalText
    namespace: str = ""

    def __repr__(self) -> str:
        """For logs, so masked."""
        return f"Identifier({self.kind.value}{':' if self.namespace else ''}{self.namespace} {masked(self.value)})"


class Attached(msgspec.Struct, frozen=True):
    """An identifier as it hangs on a person: from where, since when, and under which id it was attached."""

    identifier: Identifier
    person_id: PersonId
    source: str
    attached_at: datetime


class Elsewhere(msgspec.Struct, frozen=True):
    """An identifier that belongs to somebody else; merging them is a decision of its own."""

    identifier: Identifier
    person_id: PersonId


class Resolution(msgspec.Struct, frozen=True):
    """Whom the identifiers mean, what was newly attached, and what turned out to be another person's."""

    person_id: PersonId
    person_no: int
    created: bool
    attached: list[Identifier]
    elsewhere: list[Elsewhere]


class Person(msgspec.Struct, frozen=True):
    """A person by its root, and the ids it had before it was merged."""

    person_id: PersonId
    person_no: int
    source: str
    born_at: datetime
    merged: list[PersonId]

    @property
    def ids(self) -> list[PersonId]:
        """Every id that means this person, the root first."""
        return [self.person_id, *self.merged]


class NewPerson(msgspec.Struct, frozen=True):
    """A person of an import: the id it is to have, and its identifiers."""

    person_id: PersonId
    identifiers: list[Identifier]
    born_at: datetime | None = None


class NoIdentifiers(Invalid):
    """Nothing was given that could point to a person."""

    text = Text(zh="没有提供任何身份标识", en="No identifier was given.")


class TooManyIdentifiers(Invalid):
    """More identifiers at once than one person can sensibly have."""

    text = Text(
        zh="一次最多提供 {limit} 个身份标识，收到 {given} 个", en="At most {limit} identifiers at once, not {given}."
    )
    given: int
    limit: int


class BadIdentifier(Invalid):
    """The value is not one of its kind; it is not repeated here, as it may be personal."""

    text = Text(zh="{kind} 的值不正确：{reason_zh}", en="This is not a valid {kind}: {reason_en}.")
    kind: str
    reason_zh: str
    reason_en: str


class IdentifierTaken(Conflict):
    """An import gives an identifier to a new person that another one has; `row` counts from 0, -1 if unknown."""

    text = Text(
        zh="第 {row} 行的 {kind} 已属于另一个人", en="The {kind} in row {row} belongs to another person already."
    )
    row: int
    kind: str


class IdentityContended(Conflict):
    """Others keep attaching the same identifiers at this moment."""

    text = Text(
        zh="这些身份标识正在被同时绑定，请重试", en="These identifiers are being attached elsewhere; try again."
    )


class NoSuchPerson(NotFound):
    """There is no person with this id in this brand."""

    text = Text(zh="没有这个人", en="There is no such person.")
    person_id: PersonId


class NoSuchIdentifier(NotFound):
    """The person does not have this identifier."""

    text = Text(zh="此人没有这个 {kind}", en="The person has no such {kind}.")
    kind: str
