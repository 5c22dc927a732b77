"""Passwords: long, whatever characters, and none that everybody tries first or that their owner is known by."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middle.access.people import Ground, Person
from midstage.kit.database import Database
from midstage.kit.refusals import Refusal
from midstage.kit.settings import BadSettingsError, read_settings
from midstage.middle.access import api as access
from midstage.middle.access import passwords
from midstage.middle.access.password_rules import check_password
from midstage.middle.organisation import api as organisation

KNOWN = ("li.hua@yunzhi.com", "李华", "yunzhi", "云织生活馆")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "我每天早上都要喝一大杯豆浆再去上班",
        "vatn fjell og fossefall",
        "jK8#pW2!mQ5^zR7",
        "三只猫 two dogs 9 parrots",
        "a" + "🦊🐢🐙🦉🐝🦔🐳" + " and a hat",
    ],
)
def test_a_long_password_of_any_characters_is_good(password: str) -> None:
    check_password(password, known=KNOWN)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("", access.PasswordShort),
        ("fourteen chars", access.PasswordShort),
        ("x" * 201, access.PasswordLong),
        ("aaaaaaaaaaaaaaaa", access.PasswordGuessable),
        ("1234567890123456", access.PasswordGuessable),
        ("abcabcabcabcabcabc", access.PasswordGuessable),
        ("qwertyuiopasdfghjkl", access.PasswordGuessable),
        ("1qaz2wsx3edc4rfv", access.PasswordGuessable),
        ("poiuytrewqlkjhgfdsa", access.PasswordGuessable),
        ("passwordpassword", access.PasswordGuessable),
        ("P@ssw0rdP@ssw0rd1", access.PasswordGuessable),
        ("Password123456789!", access.PasswordGuessable),
        ("woaini1314woaini1314", access.PasswordGuessable),
        ("li.hua@yunzhi.com", access.PasswordGuessable),
        ("yunzhiyunzhi2026", access.PasswordGuessable),
        ("YunZhi-Li.Hua-123456", access.PasswordGuessable),
        ("云织生活馆云织生活馆李华李华1", access.PasswordGuessable),
        ("ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ", access.PasswordGuessable),
    ],
)
def test_what_everybody_tries_first_is_refused_with_what_to_mend(password: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as refused:
        check_password(password, known=KNOWN)
    assert isinstance(refused.value, access.PasswordWeak)
    assert refused.value.say("zh") != refused.value.say("en")
    assert password == "" or password not in refused.value.say("en") + refused.value.say("zh")


@pytest.mark.parametrize("password", ["password", "p4ssw0rd", "iloveyou", "football"])
def test_the_commonest_are_named_so_where_a_second_factor_lets_them_be_short(password: str) -> None:
    with pytest.raises(access.PasswordCommon):
        check_password(password, shortest=8)
    check_password("k3Jq9xZm", shortest=8)


@given(st.text(min_size=1, max_size=300), st.lists(st.text(max_size=40), max_size=4))
def test_any_text_is_judged(password: str, known: list[str]) -> None:
    with contextlib.suppress(access.PasswordWeak):
        check_password(password, known=known)


@given(st.integers(1, 6), st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=4))
def test_repeating_makes_nothing_stronger(times: int, unit: str) -> None:
    with pytest.raises(access.PasswordWeak):
        check_password(unit * 15 * times)


async def test_the_same_characters_however_typed_are_the_same_password() -> None:
    hashed = await access.hash_password("ｃａｆé crème brûlée")
    assert await passwords.verify(hashed, "cafe\u0301 cre\u0300me bru\u0302le\u0301e")
    assert not await passwords.verify(hashed, "cafe creme brulee")


async def test_a_password_of_before_normalising_still_opens() -> None:
    old = access.PasswordHash(passwords.HASHER.hash("ｐａｓｓ phrase of old"))
    assert await passwords.verify(old, "ｐａｓｓ phrase of old")


@pytest.fixture
def leaked(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "leaked.txt"
    known = [f"leaked passphrase number {n}" for n in range(500)]
    hashes = sorted(hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest().upper() for one in known)
    path.write_text("".join(f"{one}:{n}\n" for n, one in enumerate(hashes)))
    yield path
    access.use_blocklist(None)


async def test_a_leaked_password_of_the_operator_s_file_is_refused(leaked: Path) -> None:
    access.use_blocklist(leaked)
    for number in (0, 1, 250, 499):
        with pytest.raises(access.PasswordCommon):
            await access.hash_password(f"leaked passphrase number {number}")
    for number in range(500, 520):
        await access.hash_password(f"leaked passphrase number {number}")


@pytest.mark.parametrize("text", ["", "not hashes\n", "d0be2dc421be4fcd0172e5afceea3970e2f3d940\n"])
def test_a_file_of_something_else_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    settings = read_settings({"MIDSTAGE_PASSWORD_BLOCKLIST": str(path)})
    assert settings.password_blocklist == path
    with pytest.raises(BadSettingsError, match="MIDSTAGE_PASSWORD_BLOCKLIST"):
        access.use_blocklist(settings.password_blocklist)
    with pytest.raises(BadSettingsError):
        access.use_blocklist(tmp_path / "none.txt")


async def test_the_names_of_person_and_brand_and_the_brand_s_own_length_count(
    db: Database, ground: Ground, person: Person
) -> None:
    staff_id = await person("li.hua", access.RoleGrant("brand_admin", organisation.EVERYTHING))
    for password in (f"{ground.tenant.code}!!", "云织云织云织云织李华李华李华李华", "li.hua li.hua li.hua"):
        with pytest.raises(access.PasswordWeak):
            await access.passwords_of(db, ground.tenant, password, staff_id=staff_id)
    _, alone = await access.passwords_of(db, ground.tenant, "correct horse battery", staff_id=staff_id)
    assert alone

    async with db.writing(ground.tenant) as tx:
        root = (await organisation.brand(tx)).root_unit_id
        holder = organisation.Holder(organisation.Level.BRAND, root)
        await organisation.choose(tx, "sign_in", holder, {"password_length": 25})
        for wrong in ({"password_length": 14}, {"password_length_with_second_factor": 7}, {"session_minutes": 0}):
            with pytest.raises(organisation.PolicyInvalid):
                await organisation.choose(tx, "sign_in", holder, wrong, version=1)
    with pytest.raises(access.PasswordShort) as refused:
        await access.passwords_of(db, ground.tenant, "correct horse battery", staff_id=staff_id)
    assert refused.value.shortest == 25
