"""Signing in by password: five guesses, the same answer for nobody, and out at once when it is over."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from middle.access.people import PASSWORD, Ground, Person
from midstage.kit.clock import utc_now
from midstage.kit.database import Database
from midstage.kit.facts import Delivered
from midstage.middle.access import api as access
from midstage.middle.access import passwords
from midstage.middle.organisation import api as organisation

EVERYTHING = organisation.EVERYTHING
ADMIN = access.RoleGrant("brand_admin", EVERYTHING)
REAL = passwords.HASHER  # before any test puts a quick one in its place


async def _find(db: Database, ground: Ground, token: str) -> access.Session:
    async with db.reading(ground.tenant) as tx:
        return await access.find_session(tx, token)


async def test_the_right_password_opens_a_session_with_its_roles(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li.hua", ADMIN)
    token = (await access.sign_in(db, ground.tenant, " Li.Hua ", PASSWORD)).token
    assert access.brand_of_token(token) == ground.tenant.brand
    session = await _find(db, ground, token)
    assert (session.kind, session.subject_id, session.scope) == (access.SessionKind.STAFF, staff_id, EVERYTHING)
    assert session.permissions == frozenset(access.PERMISSIONS)
    async with db.reading(ground.tenant) as tx:
        tx.recorder = []
        await access.find_session(tx, token)
        assert len(tx.recorder) == 1
        assert [one.session_id for one in await access.sessions(tx, staff_id)] == [session.session_id]


async def test_a_wrong_password_and_a_wrong_name_get_one_answer_and_one_lock(
    db: Database, ground: Ground, person: Person
) -> None:
    await person("li", ADMIN)
    now = utc_now()

    async def answers(login: str) -> list[str]:
        said: list[str] = []
        for _ in range(6):
            with pytest.raises((access.SignInWrong, access.LockedOut)) as refused:
                await access.sign_in(db, ground.tenant, login, "not the password", now=now)
            said.append(repr(refused.value.figures()) + refused.value.code)
        return said

    known, unknown = await answers("li"), await answers("nobody")
    assert known == unknown
    assert [("locked_out" in one) for one in known] == [False] * 5 + [True]


async def test_a_lock_keeps_the_right_password_out_until_it_ends(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", ADMIN)
    now = utc_now()
    for _ in range(5):
        with pytest.raises(access.SignInWrong):
            await access.sign_in(db, ground.tenant, "li", "not the password", now=now)
    with pytest.raises(access.LockedOut) as refused:
        await access.sign_in(db, ground.tenant, "li", PASSWORD, now=now + timedelta(minutes=14))
    assert refused.value.retry_after_s == 61
    async with db.reading(ground.tenant, now=now) as tx:
        assert [one.locked_until for one in await access.logins(tx)] == [now + timedelta(minutes=15)]
    await access.sign_in(db, ground.tenant, "li", PASSWORD, now=now + timedelta(minutes=15))
    async with db.writing(ground.tenant) as tx:
        assert [one.locked_until for one in await access.logins(tx)] == [None]
        await access.unlock(tx, staff_id)


async def test_only_who_holds_what_somebody_does_ends_their_lock(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", ADMIN)
    lower = await person("wang", access.RoleGrant("auditor", EVERYTHING))
    for _ in range(5):
        with pytest.raises(access.SignInWrong):
            await access.sign_in(db, ground.tenant, "li", "not the password")
    session = await _find(db, ground, (await access.sign_in(db, ground.tenant, "wang", PASSWORD)).token)
    with pytest.raises(access.BeyondOwn):
        async with db.writing(ground.tenant) as tx:
            await access.unlock(tx, staff_id, by=session)
    with pytest.raises(access.LockedOut):
        await access.sign_in(db, ground.tenant, "li", PASSWORD)
    assert lower != staff_id


async def test_a_right_password_forgives_the_wrong_ones(db: Database, ground: Ground, person: Person) -> None:
    await person("li", ADMIN)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(access.SignInWrong):
                await access.sign_in(db, ground.tenant, "li", "not the password")
        await access.sign_in(db, ground.tenant, "li", PASSWORD)


async def test_of_many_guesses_at_once_five_are_looked_at(
    db: Database, ground: Ground, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person("li", ADMIN)
    looked: list[str] = []
    real = passwords.verify

    async def counted(hashed: access.PasswordHash, guess: str) -> bool:
        looked.append(guess)
        return await real(hashed, guess)

    monkeypatch.setattr(passwords, "verify", counted)
    guesses = [f"guess number {number}" for number in range(30)]
    answers = await asyncio.gather(
        *(access.sign_in(db, ground.tenant, "li", guess) for guess in guesses), return_exceptions=True
    )
    assert Counter(type(answer) for answer in answers) == {access.SignInWrong: 5, access.LockedOut: 25}
    assert len(looked) == 5


async def test_nobody_takes_as_long_to_answer_as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", REAL)
    assert not passwords.is_dated(await access.hash_password(PASSWORD))
    assert not passwords.is_dated(passwords.NOBODY)
    assert not await passwords.verify(passwords.NOBODY, PASSWORD)


async def test_an_old_hash_is_made_anew_when_its_owner_comes(
    db: Database, ground: Ground, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person("li", ADMIN)
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    await access.sign_in(db, ground.tenant, "li", PASSWORD)
    async with db.reading(ground.tenant) as tx:
        stored = await tx.value("select password_hash from login where brand_id = $1", tx.brand)
    assert "m=16,t=2" in stored
    await access.sign_in(db, ground.tenant, "li", PASSWORD)


async def test_a_changed_password_ends_every_session_and_begins_a_new_one(
    db: Database, ground: Ground, person: Person
) -> None:
    await person("li", ADMIN)
    here = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    elsewhere = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    session = await _find(db, ground, here)
    new = "another horse battery"
    with pytest.raises(access.SignInWrong):
        await access.change_password(db, ground.tenant, session, old="not the password", new=new)
    with pytest.raises(access.PasswordWeak):
        await access.change_password(db, ground.tenant, session, old=PASSWORD, new="short")
    await _find(db, ground, elsewhere)
    anew = await access.change_password(db, ground.tenant, session, old=PASSWORD, new=new)
    assert (await _find(db, ground, anew)).subject_id == session.subject_id
    for token in (here, elsewhere):
        with pytest.raises(access.SessionUnknown):
            await _find(db, ground, token)
    with pytest.raises(access.SignInWrong):
        await access.sign_in(db, ground.tenant, "li", PASSWORD)
    await access.sign_in(db, ground.tenant, "li", new)


async def test_guessing_the_old_password_from_within_locks_too(db: Database, ground: Ground, person: Person) -> None:
    await person("li", ADMIN)
    new = "another horse battery"
    session = await _find(db, ground, (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token)
    for number in range(5):
        with pytest.raises(access.SignInWrong):
            await access.change_password(db, ground.tenant, session, old=f"guess {number}", new=new)
    with pytest.raises(access.LockedOut):
        await access.change_password(db, ground.tenant, session, old=PASSWORD, new=new)


async def test_a_reset_password_unlocks_and_ends_every_session(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", ADMIN)
    token = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    for _ in range(5):
        with pytest.raises(access.SignInWrong):
            await access.sign_in(db, ground.tenant, "li", "not the password")
    fresh = await access.hash_password("a fresh and longer one", login="li")
    async with db.writing(ground.tenant) as tx:
        await access.reset_password(tx, staff_id, fresh)
        assert [fact for fact, _ in tx.told] == [access.PasswordChanged(staff_id=staff_id, reset=True)]
    with pytest.raises(access.SessionUnknown):
        await _find(db, ground, token)
    await access.sign_in(db, ground.tenant, "li", "a fresh and longer one")


async def test_a_closed_login_lets_nobody_in_and_its_sessions_end(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", ADMIN)
    token = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    async with db.writing(ground.tenant) as tx:
        assert await access.close_login(tx, staff_id)
        assert not await access.close_login(tx, staff_id)
        assert [fact for fact, _ in tx.told] == [access.LoginWasClosed(staff_id=staff_id, sessions=1)]
    with pytest.raises(access.SessionUnknown):
        await _find(db, ground, token)
    with pytest.raises(access.SignInWrong):
        await access.sign_in(db, ground.tenant, "li", PASSWORD)
    async with db.writing(ground.tenant) as tx:
        await access.reopen_login(tx, staff_id)
    await access.sign_in(db, ground.tenant, "li", PASSWORD)


async def test_who_leaves_no_longer_signs_in(db: Database, ground: Ground, person: Person) -> None:
    staff_id = await person("li", ADMIN)
    token = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    now = utc_now()
    async with db.writing(ground.tenant) as tx:
        await organisation.dismiss(tx, staff_id)
        fact = organisation.StaffLeft(staff_id=staff_id)
        told = Delivered(ground.tenant.brand, 1, 1, fact, ground.tenant.business_date(now), now)
        await access.note_staff_left(tx, told)
    with pytest.raises(access.SessionUnknown):
        await _find(db, ground, token)
    with pytest.raises(access.SignInWrong):
        await access.sign_in(db, ground.tenant, "li", PASSWORD)
    async with db.writing(ground.tenant) as tx:
        with pytest.raises(organisation.StaffGone):
            await access.reopen_login(tx, staff_id)


async def test_who_signs_in_while_the_login_closes_has_no_session_afterwards(
    db: Database, ground: Ground, person: Person
) -> None:
    staff_id = await person("li", ADMIN)

    async def close() -> None:
        async with db.writing(ground.tenant) as tx:
            await access.close_login(tx, staff_id)

    await asyncio.gather(
        *(access.sign_in(db, ground.tenant, "li", PASSWORD) for _ in range(4)), close(), return_exceptions=True
    )
    async with db.reading(ground.tenant) as tx:
        assert await access.sessions(tx, staff_id) == []
        assert await access.checks(tx) == []


async def test_a_login_is_refused_that_makes_no_sense(
    db: Database, ground: Ground, person: Person, password: access.PasswordHash
) -> None:
    await person("li", ADMIN)
    async with db.writing(ground.tenant) as tx:
        other = (await organisation.hire(tx, organisation.NewStaff(code="p2", name="赵新"))).staff_id
        gone = (await organisation.hire(tx, organisation.NewStaff(code="p3", name="钱多"))).staff_id
        await organisation.dismiss(tx, gone)
    nowhere = organisation.Scope(units=frozenset({organisation.UnitId(other)}))
    for staff_id, name, grant, refusal in (
        (other, "LI", ADMIN, access.LoginTaken),
        (other, "x", ADMIN, access.BadLogin),
        (other, "李华", ADMIN, access.BadLogin),
        (other, "zhao", access.RoleGrant("queen", EVERYTHING), access.NoSuchRole),
        (other, "zhao", access.RoleGrant("store_manager", nowhere), organisation.NoSuchUnit),
        (gone, "qian", ADMIN, organisation.StaffGone),
    ):
        with pytest.raises(refusal):
            async with db.writing(ground.tenant) as tx:
                await access.create_login(tx, staff_id, name, password, [grant])
    async with db.writing(ground.tenant) as tx:
        assert [one.name for one in await access.logins(tx)] == ["li"]
        with pytest.raises(TypeError, match="hash_password"):
            await access.create_login(tx, other, "zhao", access.PasswordHash(PASSWORD), [ADMIN])


async def test_what_is_stored_opens_nothing(db: Database, ground: Ground, person: Person) -> None:
    await person("li", ADMIN)
    token = (await access.sign_in(db, ground.tenant, "li", PASSWORD)).token
    async with db.reading(ground.tenant) as tx:
        rows = await tx.rows("select s::text from session s where brand_id = $1", tx.brand)
        rows += await tx.rows("select l::text from login l where brand_id = $1", tx.brand)
    said = " ".join(row[0] for row in rows)
    assert token.partition(".")[2] not in said
    assert PASSWORD not in said
