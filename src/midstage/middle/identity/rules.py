"""How an identifier is written, which one decides, who is one with whom, and how numbers are dealt. Pure."""

import heapq
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from midstage.middle.identity.types import (
    BadIdentifier,
    Identifier,
    IdentifierKind,
    IdentityPolicy,
    KindRule,
    LinkId,
    NoIdentifiers,
    PersonId,
    TooManyIdentifiers,
)

CHINA = "86"
SLOTS = 32
MAX_IDENTIFIERS = 20
_TRUST = {kind: place for place, kind in enumerate(IdentifierKind)}
_NAMESPACED = {IdentifierKind.WECHAT_OPENID, IdentifierKind.CUSTOM}
_PLAIN = {IdentifierKind.PHONE, IdentifierKind.EMAIL, IdentifierKind.CARD, IdentifierKind.WECHAT_UNIONID}

# What holds where a brand has not chosen. An openid is one per app and person, a union id one per person; of a phone or a
# card people have several, and hand them on. A device is shared, so it never merges.
DEFAULTS: Mapping[IdentifierKind, KindRule] = {
    IdentifierKind.PHONE: KindRule(most=3, links=3, days=30, merges=True),
    IdentifierKind.WECHAT_UNIONID: KindRule(most=1, links=3, days=30, merges=True),
    IdentifierKind.CARD: KindRule(most=5, links=3, days=30, merges=True),
    IdentifierKind.WECHAT_OPENID: KindRule(most=1, links=3, days=30, merges=True),
    IdentifierKind.EMAIL: KindRule(most=3, links=3, days=30, merges=True),
    IdentifierKind.TAOBAO: KindRule(most=3, links=3, days=30, merges=True),
    IdentifierKind.JD: KindRule(most=3, links=3, days=30, merges=True),
    IdentifierKind.DOUYIN: KindRule(most=3, links=3, days=30, merges=True),
    IdentifierKind.CUSTOM: KindRule(most=5, links=3, days=30, merges=False),
    IdentifierKind.DEVICE: KindRule(most=20, links=0, days=30, merges=False),
}

# Not even by hand: whatever looks at a root reads all of its ids.
MOST_PERSONS = 100

# What software and people write where there is nothing. The phone is the one that forms are filled with.
_NOTHING = re.compile(r"(.)\1*|unknown|undefined|null|none|nil|na", re.IGNORECASE)
_NO_PHONE = frozenset({"+8613800000000"})
_SEPARATORS = re.compile(r"[\s_./:-]")

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CHINESE_MOBILE = re.compile(r"\+861[3-9]\d{9}")
_NORTH_AMERICAN = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
_EMAIL = re.compile(r"[^\s@,;<>\"]{1,64}@(?=.{3,255}$)[^\s@.,;<>\"]+(\.[^\s@.,;<>\"]+)+")
_CARD = re.compile(r"[0-9A-Z][0-9A-Z_./-]{0,63}")
_OPAQUE = re.compile(r"[!-~]{1,128}")
_CUSTOM = re.compile(r"\S(.{0,126}\S)?")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


def identifier(kind: IdentifierKind, value: str, *, namespace: str = "", country: str = CHINA) -> Identifier:
    """An identifier as it is stored: one spelling for one thing.

    `country` is the calling code (86 or +86) that a phone number without one belongs to. Raises BadIdentifier.
    Normalising what is normal changes nothing.
    """
    if kind in _PLAIN and namespace:
        raise BadIdentifier(kind.value, "不应有命名空间", "it takes no namespace")
    if kind in _NAMESPACED and not namespace:
        raise BadIdentifier(kind.value, "需要命名空间", "it needs a namespace")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise BadIdentifier(kind.value, "命名空间不正确", "its namespace has letters, digits and _ . : - only")
    spell = _SPELLINGS.get(kind)
    text = unicodedata.normalize("NFKC", value).strip() if spell else value.strip()
    if spell:
        return Identifier(kind, spell(text, country) if kind is IdentifierKind.PHONE else spell(text, ""), namespace)
    shape = _CUSTOM if kind is IdentifierKind.CUSTOM else _OPAQUE
    if not shape.fullmatch(text) or "\0" in text:
        raise BadIdentifier(kind.value, "应为 1 至 128 个字符", "it has 1 to 128 characters")
    return Identifier(kind, text, namespace)


def ordered(identifiers: Iterable[Identifier], *, country: str = CHINA) -> list[Identifier]:
    """Normalise, drop doubles, and put the most trusted first.

    Everybody writes in this one order, so two that attach the same identifiers never wait for each other in a circle.
    """
    normal = {identifier(each.kind, each.value, namespace=each.namespace, country=country) for each in identifiers}
    if not normal:
        raise NoIdentifiers
    if len(normal) > MAX_IDENTIFIERS:
        raise TooManyIdentifiers(len(normal), MAX_IDENTIFIERS)
    return sorted(normal, key=lambda each: (_TRUST[each.kind], each.namespace, each.value))


def is_placeholder(given: Identifier) -> bool:
    """Whether the value stands for nothing: a device of zeros, a card `UNKNOWN`, the phone that forms are filled with."""
    if given.kind is IdentifierKind.PHONE:
        return given.value in _NO_PHONE
    bare = _SEPARATORS.sub("", given.value)
    # One letter or digit alone may be somebody's; eight times the same is nobody's.
    return not bare or (_NOTHING.fullmatch(bare) is not None and (len(bare) >= 8 or len(set(bare)) > 1))


def rule_of(policy: IdentityPolicy, kind: IdentifierKind) -> KindRule:
    """What holds for a kind: what the brand chose, else what comes with Midstage."""
    return policy.kinds.get(kind) or DEFAULTS[kind]


def ranks(policy: IdentityPolicy, given: Sequence[Identifier]) -> list[int]:
    """Of each identifier, how soon it decides: 0 first. Kinds that the brand did not rank come last."""
    order = list(dict.fromkeys([*policy.priority, *IdentifierKind]))
    by_rank = sorted(range(len(given)), key=lambda place: (order.index(given[place].kind), place))
    ranked = [0] * len(given)
    for rank, place in enumerate(by_rank):
        ranked[place] = rank
    return ranked


def within_limits(policy: IdentityPolicy, given: Sequence[Identifier], ranked: Sequence[int]) -> list[bool]:
    """Of each identifier, whether a person who has none of the others may have it: the first of its kind may."""
    seen: Counter[tuple[IdentifierKind, str]] = Counter()
    may = [False] * len(given)
    for place in sorted(range(len(given)), key=ranked.__getitem__):
        one = given[place]
        seen[one.kind, one.namespace] += 1
        may[place] = seen[one.kind, one.namespace] <= rule_of(policy, one.kind).most
    return may


class Step(msgspec.Struct, frozen=True):
    """A line of the link log: a link was made, or undone."""

    step: int
    link_id: LinkId
    one_id: PersonId
    other_id: PersonId
    made: bool


def roots(numbers: Mapping[PersonId, int], pairs: Iterable[tuple[PersonId, PersonId]]) -> dict[PersonId, PersonId]:
    """Of each person the root: of all that the pairs connect it with, the one with the lowest number."""
    root = {person: person for person in numbers}

    def top(person: PersonId) -> PersonId:
        while root[person] != person:
            root[person] = root[root[person]]
            person = root[person]
        return person

    for one, other in pairs:
        first, second = sorted((top(one), top(other)), key=numbers.__getitem__)
        root[second] = first
    return {person: top(person) for person in root}


def replay(numbers: Mapping[PersonId, int], log: Iterable[Step]) -> dict[PersonId, PersonId]:
    """The aliases that a link log ends with: of each person who is not a root, the root."""
    standing: dict[LinkId, tuple[PersonId, PersonId]] = {}
    for line in sorted(log, key=lambda line: line.step):
        if line.made:
            standing[line.link_id] = (line.one_id, line.other_id)
        else:
            del standing[line.link_id]
    return {person: root for person, root in roots(numbers, standing.values()).items() if root != person}


def number(slot: int, dealt: int) -> int:
    """The person number that a slot gives as its `dealt`-th: 1, 2, 3 … as long as the slots take turns."""
    return (dealt - 1) * SLOTS + slot + 1


def deal(dealt: Sequence[int], count: int) -> tuple[list[int], list[int]]:
    """The lowest `count` numbers that no slot has given yet, and what each slot has dealt afterwards."""
    after = list(dealt)
    heap = [(number(slot, given + 1), slot) for slot, given in enumerate(after)]
    heapq.heapify(heap)
    numbers: list[int] = []
    for _ in range(count):
        lowest, slot = heap[0]
        numbers.append(lowest)
        after[slot] += 1
        heapq.heapreplace(heap, (lowest + SLOTS, slot))
    return numbers, after


def _phone(text: str, country: str) -> str:
    country = country.removeprefix("+")
    digits = re.sub(r"[\s().-]", "", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+"):
        # 8613800138000 is what address books make of it; no Chinese number of its own begins with 86 and has 13 digits.
        carries_code = country == CHINA and len(digits) == 13 and digits.startswith(CHINA)
        digits = f"+{digits}" if carries_code else f"+{country}{digits.removeprefix('0')}"
    shape = _CHINESE_MOBILE if digits.startswith("+86") else _NORTH_AMERICAN if digits.startswith("+1") else _E164
    if not digits.isascii() or not shape.fullmatch(digits):
        raise BadIdentifier(IdentifierKind.PHONE.value, "手机号码位数或格式不对", "its digits make no phone number")
    return digits


def _email(text: str, _: str) -> str:
    if not _EMAIL.fullmatch(text) or len(text) > 254:
        raise BadIdentifier(
            IdentifierKind.EMAIL.value, "应形如 name@example.com", "it should look like name@example.com"
        )
    # Also the part before the @: no provider that matters tells letters apart there, and shoppers do not either.
    return text.lower()


def _card(text: str, _: str) -> str:
    card = re.sub(r"\s", "", text).upper()
    if not _CARD.fullmatch(card):
        raise BadIdentifier(IdentifierKind.CARD.value, "应由字母和数字组成", "it has letters and digits")
    return card


_SPELLINGS: Mapping[IdentifierKind, Callable[[str, str], str]] = {
    IdentifierKind.PHONE: _phone,
    IdentifierKind.EMAIL: _email,
    IdentifierKind.CARD: _card,
}
