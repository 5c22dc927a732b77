"""The code on a member's phone: hers alone, for two minutes at most, and once for what spends her assets."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.members import api as members
from midstage.middle.members.code import read_code
from shop import Shop

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BRAND = BrandId(7)


@given(st.integers(0, 600))
def test_a_code_lives_for_one_to_two_minutes(later_s: int) -> None:
    member = members.MemberId(new_id())
    made = members.code_of(BRAND, member, at=NOON)
    at = NOON + timedelta(seconds=later_s)
    if at < made.good_until:
        assert read_code(BRAND, made.code.lower(), at=at) == member
    else:
        with pytest.raises(members.MemberCodeWrong):
            read_code(BRAND, made.code, at=at)


@pytest.mark.parametrize("code", ["", "M", "MAAAA", "M" + "A" * 300, "6901234567892", "MÄ", "M======="])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(members.MemberCodeWrong):
        read_code(BRAND, code, at=NOON)


def test_a_code_of_another_brand_or_one_that_was_changed_is_refused() -> None:
    made = members.code_of(BRAND, members.MemberId(new_id()), at=NOON)
    with pytest.raises(members.MemberCodeWrong):
        read_code(BrandId(8), made.code, at=NOON)
    changed = made.code[:-3] + ("A" if made.code[-3] != "A" else "B") + made.code[-2:]
    with pytest.raises(members.MemberCodeWrong):
        read_code(BRAND, changed, at=NOON)


async def test_it_shows_nothing_of_her(shop: Shop) -> None:
    made = members.code_of(shop.tenant.brand, shop.member.member_id, at=NOON)
    assert shop.member.member_no not in made.code
    assert members.code_of(shop.tenant.brand, shop.member.member_id, at=NOON).code != made.code


async def test_what_spends_takes_it_once(shop: Shop) -> None:
    async def use(tx: Tx) -> members.MemberId:
        return await members.use_code(tx, code)

    async def make(tx: Tx) -> str:
        return members.code_of(tx.brand, shop.member.member_id, at=tx.now).code

    code = await shop.do(make)
    found = await asyncio.gather(*(shop.do(use) for _ in range(6)), return_exceptions=True)
    assert sum(one == shop.member.member_id for one in found) == 1
    assert sum(isinstance(one, members.MemberCodeUsed) for one in found) == 5
