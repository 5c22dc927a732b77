"""How an identifier is written, which one decides, and how numbers are dealt. Pure."""

import heapq
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

from midstage.middle.identity.types import (
    BadIdentifier,
    Identifier,
    IdentifierKind,
    NoIdentifiers,
    TooManyIdentifiers,
)

CHINA = "86"
SLOTS = 32
MAX_IDENTIFIERS = 20
_TRUST = {kind: place for place, kind in enumerate(IdentifierKind)}
_NAMESPACED = {IdentifierKind.WECHAT_OPENID, IdentifierKind.CUSTOM}
_PLAIN = {IdentifierKind.PHONE, IdentifierKind.EMAIL, IdentifierKind.CARD, IdentifierKind.WECHAT_UNIONID}

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
