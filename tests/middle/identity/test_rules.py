"""One spelling for one thing, and numbers without gaps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.middle.identity import rules
from midstage.middle.identity.api import BadIdentifier, IdentifierKind


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        (IdentifierKind.PHONE, "13800138000", "+8613800138000"),
        (IdentifierKind.PHONE, " 138-0013-8000 ", "+8613800138000"),
        (IdentifierKind.PHONE, "+86 138 0013 8000", "+8613800138000"),
        (IdentifierKind.PHONE, "0086 13800138000", "+8613800138000"),
        (IdentifierKind.PHONE, "8613800138000", "+8613800138000"),
        (IdentifierKind.PHONE, "１３８００１３８０００", "+8613800138000"),
        (IdentifierKind.PHONE, "+1 (415) 555-2671", "+14155552671"),
        (IdentifierKind.PHONE, "+852 5123 4567", "+85251234567"),
        (IdentifierKind.EMAIL, " Li.Na@Example.COM ", "li.na@example.com"),
        (IdentifierKind.CARD, "a 0001", "A0001"),
        (IdentifierKind.WECHAT_UNIONID, " oAbC-1 ", "oAbC-1"),
        (IdentifierKind.DEVICE, "iPhone/ABC", "iPhone/ABC"),
    ],
)
def test_one_spelling(kind: IdentifierKind, given: str, stored: str) -> None:
    assert rules.identifier(kind, given).value == stored


def test_a_phone_without_a_code_belongs_to_the_country_of_the_brand() -> None:
    assert rules.identifier(IdentifierKind.PHONE, "(415) 555-2671", country="1").value == "+14155552671"
    assert rules.identifier(IdentifierKind.PHONE, "07911 123456", country="44").value == "+447911123456"


@pytest.mark.parametrize(
    ("kind", "value", "namespace"),
    [
        (IdentifierKind.PHONE, "", ""),
        (IdentifierKind.PHONE, "12345678901", ""),
        (IdentifierKind.PHONE, "1380013800", ""),
        (IdentifierKind.PHONE, "+8613800138000x", ""),
        (IdentifierKind.PHONE, "+861380013٨٠٠٠", ""),
        (IdentifierKind.PHONE, "13800138000", "app"),
        (IdentifierKind.EMAIL, "nobody", ""),
        (IdentifierKind.EMAIL, "a@b", ""),
        (IdentifierKind.EMAIL, "a b@c.de", ""),
        (IdentifierKind.CARD, "", ""),
        (IdentifierKind.CARD, "卡", ""),
        (IdentifierKind.CARD, "A" * 65, ""),
        (IdentifierKind.WECHAT_OPENID, "o1", ""),
        (IdentifierKind.WECHAT_OPENID, "secret openid", "wx1"),
        (IdentifierKind.CUSTOM, "x", ""),
        (IdentifierKind.CUSTOM, "x", "a b"),
        (IdentifierKind.CUSTOM, "x\0y", "crm"),
        (IdentifierKind.DEVICE, "d" * 129, ""),
    ],
)
def test_what_is_none_is_refused_without_repeating_it(kind: IdentifierKind, value: str, namespace: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        rules.identifier(kind, value, namespace=namespace)
    assert len(value) < 4 or value not in str(refused.value)


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(IdentifierKind), value=st.text(max_size=40), country=st.sampled_from(["86", "1", "44"]))
def test_normalising_is_done_once(kind: IdentifierKind, value: str, country: str) -> None:
    namespace = "app" if kind in {IdentifierKind.WECHAT_OPENID, IdentifierKind.CUSTOM} else ""
    try:
        once = rules.identifier(kind, value, namespace=namespace, country=country)
    except BadIdentifier:
        return
    assert rules.identifier(kind, once.value, namespace=namespace, country="49") == once


@settings(max_examples=100, deadline=None)
@given(dealt=st.lists(st.integers(0, 50), min_size=32, max_size=32), count=st.integers(0, 200))
def test_a_block_takes_the_lowest_free_numbers(dealt: list[int], count: int) -> None:
    given_out = {rules.number(slot, turn) for slot, done in enumerate(dealt) for turn in range(1, done + 1)}
    numbers, after = rules.deal(dealt, count)
    free = [number for number in range(1, len(given_out) + count + 2000) if number not in given_out]
    assert numbers == free[:count]
    assert {rules.number(s, t) for s, done in enumerate(after) for t in range(1, done + 1)} == given_out | set(numbers)


def test_an_identifier_is_masked_where_it_is_printed() -> None:
    assert "13800138000" not in repr(rules.identifier(IdentifierKind.PHONE, "13800138000"))
