"""The words of identity."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.audit import Principal, masked
from midstage.kit.refusals import Conflict, Invalid, NotFound, Text

PersonId = NewType("PersonId", UUID)
LinkId = NewType("LinkId", UUID)
CaseId = NewType("CaseId", UUID)
BlockId = NewType("BlockId", UUID)
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
    blocked: bool = False
    """It stands on the block list: it hangs here, and means nobody."""


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
    merged: list[LinkId] = []
    """The merges that these identifiers caused."""
    quarantined: list[CaseId] = []
    """What would have broken a limit and waits for somebody to decide."""
    blocked: list[Identifier] = []
    """What was given and means nobody."""


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


class KindRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for the identifiers of one kind."""

    most: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    """How many a person may have, of one namespace."""
    links: Annotated[int, msgspec.Meta(ge=0, le=1_000)]
    """How many merges one identifier may cause in `days`."""
    days: Annotated[int, msgspec.Meta(ge=1, le=3_650)]
    merges: bool
    """Whether it merges persons by itself."""


class IdentityPolicy(msgspec.Struct, frozen=True):
    """When persons are one, of a brand. A kind that is not named keeps the rule that comes with Midstage."""

    priority: list[IdentifierKind] = msgspec.field(default_factory=lambda: list(IdentifierKind))
    """Which kind decides before which; kinds left out come last, in the order of trust."""
    kinds: dict[IdentifierKind, KindRule] = {}
    most_persons: Annotated[int, msgspec.Meta(ge=1, le=50)] = 20
    """How many persons the rules may make one."""


class Cause(StrEnum):
    """Why two persons became one: by the rules, by somebody who accepted a case, or by hand."""

    RULE = "rule"
    CASE = "case"
    HAND = "hand"


class Undone(msgspec.Struct, frozen=True):
    """How a merge ended."""

    at: datetime
    by: Principal
    reason: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A merge with its provenance: which ids, shown by which identifiers, when, by whom, and whether it stands."""

    link_id: LinkId
    one_id: PersonId
    other_id: PersonId
    cause: Cause
    one_identifier: Identifier | None = None
    """What was known of the one, and decided."""
    other_identifier: Identifier | None = None
    """What was given along and was known of the other."""
    case_id: CaseId | None = None
    source: str
    reason: str = ""
    by: Principal
    made_at: datetime
    undone: Undone | None = None


class Why(StrEnum):
    """Which limit a case would break."""

    IDENTIFIERS = "identifiers"
    """More identifiers of a kind than a person may have, two union ids say."""
    PERSONS = "persons"
    LINKS = "links"
    """One identifier would have merged more persons than it may in a time."""
    PARTED = "parted"
    """Somebody has said that the two are not one person."""


class CaseState(StrEnum):
    """What became of a case."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules would not do: merge `other_id`, or attach the identifier where there is no other."""

    case_id: CaseId
    person_id: PersonId
    other_id: PersonId | None
    why: Why
    identifier: Identifier
    with_identifier: Identifier
    """What said that `person_id` is meant."""
    source: str
    state: CaseState
    opened_at: datetime
    last_seen_at: datetime
    times: int
    closed_at: datetime | None = None
    closed_by: Principal | None = None
    closed_reason: str | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A value that means nobody, since when, and why."""

    block_id: BlockId
    identifier: Identifier
    reason: str
    by: Principal
    blocked_at: datetime


class Blocked(msgspec.Struct, frozen=True):
    """A block, whom the identifier hung on, and the standing merges that rest on it, for somebody to look at."""

    block: Block
    person_id: PersonId | None
    links: list[LinkId]


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
