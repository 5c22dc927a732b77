"""Phone codes: sent after they are kept, one a minute, ten a day, five tries, good for once."""

import asyncio
from datetime import timedelta

import pytest

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.middle.access import api as access

PHONE = "+8613800000001"
SIGN_IN = "mall sign-in"


class Phone:
    """A message port that remembers; it can be out of order."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.broken = False

    async def send_code(self, tenant: Tenant, phone: str, code: str, *, purpose: str) -> None:
        del tenant, phone, purpose
        if self.broken:
            raise access.MessageNotSent
        self.codes.append(code)


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_the_code_that_was_sent_is_right_once(db: Database, tenant: Tenant) -> None:
    phone = Phone()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN)
    (code,) = phone.codes
    assert code.isdecimal()
    assert len(code) == 6
    for other_phone, purpose in (("+8613800000002", SIGN_IN), (PHONE, "change phone")):
        with pytest.raises(access.CodeWrong):
            await access.check_code(db, tenant, other_phone, code, purpose)
    await access.check_code(db, tenant, PHONE, code, SIGN_IN)
    with pytest.raises(access.CodeWrong):
        await access.check_code(db, tenant, PHONE, code, SIGN_IN)


async def test_a_code_used_by_many_at_once_is_right_once(db: Database, tenant: Tenant) -> None:
    phone = Phone()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN)
    answers = await asyncio.gather(
        *(access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN) for _ in range(10)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CodeWrong"] * 9 + ["NoneType"]


async def test_of_many_guesses_at_once_five_count_and_then_the_right_one_is_too_late(
    db: Database, tenant: Tenant
) -> None:
    phone = Phone()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN)
    wrong = _other(phone.codes[0])
    await asyncio.gather(
        *(access.check_code(db, tenant, PHONE, wrong, SIGN_IN) for _ in range(12)), return_exceptions=True
    )
    with pytest.raises(access.CodeWrong):
        await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN)
    async with db.reading(tenant) as tx:
        assert await tx.value("select tries_left from phone_code where brand_id = $1", tx.brand) == 0


async def test_four_wrong_tries_leave_one(db: Database, tenant: Tenant) -> None:
    phone = Phone()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN)
    for _ in range(4):
        with pytest.raises(access.CodeWrong):
            await access.check_code(db, tenant, PHONE, _other(phone.codes[0]), SIGN_IN)
    await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN)


async def test_a_code_is_good_for_five_minutes(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now)
    with pytest.raises(access.CodeWrong):
        await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN, now=now + timedelta(minutes=5))
    await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN, now=now + timedelta(minutes=4, seconds=59))


async def test_a_newer_code_replaces_the_older(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    for minute in (0, 1):
        await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now + timedelta(minutes=minute))
    old, new = phone.codes
    later = now + timedelta(minutes=1)
    if old != new:
        with pytest.raises(access.CodeWrong):
            await access.check_code(db, tenant, PHONE, old, SIGN_IN, now=later)
    await access.check_code(db, tenant, PHONE, new, SIGN_IN, now=later)


async def test_one_code_a_minute_goes_to_a_phone_whatever_it_is_for(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now)
    with pytest.raises(access.CodeTooSoon) as refused:
        await access.request_code(db, tenant, phone, PHONE, "change phone", now=now + timedelta(seconds=20))
    assert refused.value.retry_after_s == 41
    await access.request_code(db, tenant, phone, "+8613800000002", SIGN_IN, now=now)
    assert len(phone.codes) == 2
    await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN, now=now + timedelta(seconds=21))


async def test_asked_for_many_times_at_once_one_code_is_sent(db: Database, tenant: Tenant) -> None:
    phone = Phone()
    now = utc_now()
    answers = await asyncio.gather(
        *(access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now) for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CodeTooSoon"] * 7 + ["NoneType"]
    assert len(phone.codes) == 1
    await access.check_code(db, tenant, PHONE, phone.codes[0], SIGN_IN, now=now)


async def test_ten_codes_a_day_go_to_a_phone(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    for minute in range(10):
        await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now + timedelta(minutes=minute))
    with pytest.raises(access.CodeTooSoon) as refused:
        await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now + timedelta(hours=1))
    assert refused.value.retry_after_s == 23 * 3600 + 1
    assert len(phone.codes) == 10
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now + timedelta(days=1))
    assert len(phone.codes) == 11


async def test_a_code_that_could_not_be_sent_says_so_and_costs_a_minute(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    phone.broken = True
    with pytest.raises(access.MessageNotSent):
        await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now)
    phone.broken = False
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now + timedelta(minutes=1))
    assert len(phone.codes) == 1


async def test_neither_phone_nor_code_is_kept_and_what_is_over_is_forgotten(db: Database, tenant: Tenant) -> None:
    phone, now = Phone(), utc_now()
    await access.request_code(db, tenant, phone, PHONE, SIGN_IN, now=now)
    async with db.writing(tenant, now=now + timedelta(days=1)) as tx:
        rows = await tx.rows("select c::text from phone_code c where brand_id = $1", tx.brand)
        rows += await tx.rows("select q::text from phone_quota q where brand_id = $1", tx.brand)
        said = " ".join(row[0] for row in rows)
        assert len(rows) == 2
        assert phone.codes[0].encode().hex() not in said
        assert PHONE not in said
        await access.forget_old(tx)
        assert await tx.rows("select 1 from phone_code where brand_id = $1", tx.brand) == []
        assert await tx.rows("select 1 from phone_quota where brand_id = $1", tx.brand) == []
