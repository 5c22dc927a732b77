"""The second factor: a code is good once, ten more are for the day it is lost, and nobody is in with half of it."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from pyotp.totp import TOTP

from middle.access.people import PASSWORD, Ground, Person
from midstage.kit import sealing
from midstage.kit.audit import Principal
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import api as access
from midstage.middle.access.second_factor import unsealed
from midstage.middle.organisation import api as organisation

EVERYTHING = organisation.EVERYTHING
ADMIN = access.RoleGrant("brand_admin", EVERYTHING)
AUDITOR = access.RoleGrant("auditor", EVERYTHING)
SHORT = "k3Jq9xZm"


class Somebody:
    """Somebody with a login, and short ways to sign in."""

    def __init__(self, db: Database, ground: Ground, staff_id: organisation.StaffId, name: str) -> None:
        self.db, self.tenant, self.staff_id, self.name = db, ground.tenant, staff_id, name
        self.secret = ""
        self.recovery: list[str] = []

    async def enter(self, *, now: datetime | None = None, password: str = PASSWORD) -> access.Entered:
        return await access.sign_in(self.db, self.tenant, self.name, password, now=now)

    async def session(self, token: str, *, unfinished: bool = False) -> access.Session:
        async with self.db.reading(self.tenant) as tx:
            return await access.find_session(tx, token, unfinished=frozenset(access.Next if unfinished else ()))

    def code(self, at: datetime) -> str:
        return TOTP(self.secret).at(at)

    async def enrol(self, token: str, *, at: datetime, password: str = "", code: str = "") -> access.Token:
        session = await self.session(token, unfinished=True)
        begun = await access.begin_second_factor(self.db, self.tenant, session, password=password, code=code, now=at)
        self.secret = begun.secret
        done = await access.confirm_second_factor(self.db, self.tenant, session, self.code(at), now=at)
        self.recovery = done.recovery_codes
        return done.token

    async def in_with_both(self, at: datetime) -> access.Token:
        entered = await self.enter(now=at)
        assert entered.next is access.Next.CODE
        return await access.give_code(self.db, self.tenant, entered.token, self.code(at), now=at)


@pytest.fixture
async def li(db: Database, ground: Ground, person: Person) -> Somebody:
    return Somebody(db, ground, await person("li", ADMIN), "li")


async def _require(db: Database, ground: Ground, *roles: str) -> None:
    async with db.writing(ground.tenant) as tx:
        root = (await organisation.brand(tx)).root_unit_id
        holder = organisation.Holder(organisation.Level.BRAND, root)
        await organisation.choose(tx, "sign_in", holder, {"second_factor_roles": list(roles)})


async def test_who_set_one_up_signs_in_in_two_steps(li: Somebody) -> None:
    now = utc_now()
    first = (await li.enter()).token
    elsewhere = (await li.enter()).token
    token = await li.enrol(first, at=now, password=PASSWORD)
    assert (await li.session(token)).factors == 2
    for old in (first, elsewhere):
        with pytest.raises(access.SessionUnknown):
            await li.session(old)
    later = now + timedelta(minutes=1)
    entered = await li.enter(now=later)
    assert entered.next is access.Next.CODE
    with pytest.raises(access.SignInUnfinished) as refused:
        await li.session(entered.token)
    assert refused.value.next == "code"
    half = await li.session(entered.token, unfinished=True)
    assert (half.permissions, half.held, half.scope) == (frozenset(), (), organisation.NOTHING)
    whole = await access.give_code(li.db, li.tenant, entered.token, li.code(later), now=later)
    session = await li.session(whole)
    assert (session.permissions, session.factors) == (frozenset(access.PERMISSIONS), 2)
    assert session.session_id != half.session_id
    with pytest.raises(access.SessionUnknown):
        await li.session(entered.token, unfinished=True)


async def test_a_code_is_good_once_and_for_a_step_around_now(li: Somebody) -> None:
    now = utc_now().replace(second=10)
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)

    async def give(code: str, at: datetime) -> str:
        entered = await li.enter(now=at)
        try:
            await access.give_code(li.db, li.tenant, entered.token, code, now=at)
        except access.SecondFactorWrong:
            async with li.db.writing(li.tenant) as tx:
                await access.unlock(tx, li.staff_id)
            return "wrong"
        return "in"

    assert await give(li.code(now), now) == "wrong", "the code that confirmed it is used up"
    at = now + timedelta(minutes=10)
    assert await give(li.code(at - timedelta(seconds=60)), at) == "wrong"
    assert await give(li.code(at + timedelta(seconds=60)), at) == "wrong"
    assert await give(li.code(at - timedelta(seconds=30)), at) == "in"
    assert await give(li.code(at + timedelta(seconds=30)), at) == "in"
    assert await give(li.code(at), at) == "wrong", "a code before one that was used is over"
    assert await give(li.code(at + timedelta(seconds=30)), at) == "wrong"


async def test_of_one_code_given_twice_at_once_one_gets_in(li: Somebody) -> None:
    now = utc_now()
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    at = now + timedelta(minutes=2)
    tokens = [(await li.enter(now=at)).token for _ in range(2)]
    done = await asyncio.gather(
        *(access.give_code(li.db, li.tenant, token, li.code(at), now=at) for token in tokens), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in done) == 1
    assert sum(isinstance(one, access.SecondFactorWrong) for one in done) == 1


@pytest.mark.parametrize("code", ["000000", "12345", "1234567", "１２３４５６", "abcdef", "", "٠١٢٣٤٥", "XXXXX-XXXXX"])
async def test_a_wrong_code_opens_nothing(li: Somebody, code: str) -> None:
    now = utc_now()
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    entered = await li.enter()
    if code == li.code(now + timedelta(minutes=1)):
        return
    with pytest.raises(access.SecondFactorWrong):
        await access.give_code(li.db, li.tenant, entered.token, code, now=now + timedelta(minutes=1))
    async with li.db.reading(li.tenant) as tx:
        assert len(await access.sessions(tx, li.staff_id)) == 1


async def test_who_has_the_password_alone_gets_five_guesses_at_the_code(li: Somebody) -> None:
    now = utc_now()
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    at = now + timedelta(minutes=1)
    guessed = 0
    with pytest.raises(access.LockedOut):
        for _ in range(10):  # signing in again gives no new guesses
            entered = await li.enter(now=at)
            with pytest.raises(access.SecondFactorWrong):
                await access.give_code(li.db, li.tenant, entered.token, "000000", now=at)
            guessed += 1
    assert guessed in {4, 5}
    later = at + timedelta(minutes=15)
    await li.in_with_both(later)
    await li.in_with_both(later + timedelta(minutes=1))


async def test_a_recovery_code_opens_once_however_it_is_typed(li: Somebody) -> None:
    now = utc_now()
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    assert len(set(li.recovery)) == 10
    for code in (li.recovery[0], li.recovery[1].lower().replace("-", " ")):
        entered = await li.enter()
        await access.give_code(li.db, li.tenant, entered.token, code)
    for used in (li.recovery[0], li.recovery[1]):
        entered = await li.enter()
        with pytest.raises(access.SecondFactorWrong):
            await access.give_code(li.db, li.tenant, entered.token, used)
        async with li.db.writing(li.tenant) as tx:
            await access.unlock(tx, li.staff_id)
    async with li.db.reading(li.tenant) as tx:
        state = await access.second_factor_of(tx, li.staff_id)
    assert (state.enabled, state.recovery_left, state.required) == (True, 8, False)
    session = await li.session(await li.in_with_both(now + timedelta(minutes=5)))
    at = now + timedelta(minutes=10)
    fresh = await access.new_recovery_codes(li.db, li.tenant, session, password=PASSWORD, code=li.code(at), now=at)
    assert set(fresh).isdisjoint(li.recovery)
    entered = await li.enter()
    with pytest.raises(access.SecondFactorWrong):
        await access.give_code(li.db, li.tenant, entered.token, li.recovery[2])


async def test_what_is_stored_shows_neither_secret_nor_codes(li: Somebody) -> None:
    await li.enrol((await li.enter()).token, at=utc_now(), password=PASSWORD)
    async with li.db.reading(li.tenant) as tx:
        rows = await tx.rows("select f::text from second_factor f where brand_id = $1", tx.brand)
        rows += await tx.rows("select c::text from recovery_code c where brand_id = $1", tx.brand)
        sealed = await tx.value("select secret from second_factor where brand_id = $1", tx.brand)
    said = " ".join(row[0] for row in rows)
    assert len(rows) == 11
    assert not any(secret in said for secret in (li.secret, li.secret.encode().hex(), *li.recovery))
    assert unsealed(li.tenant.brand, li.staff_id, sealed) == li.secret


async def test_the_doctor_finds_secrets_that_nobody_can_read(li: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    await li.enrol((await li.enter()).token, at=utc_now(), password=PASSWORD)
    async with li.db.reading(li.tenant) as tx:
        assert await access.checks(tx) == []
        monkeypatch.setattr(sealing, "_ring", sealing.Ring(b"another key of thirty-two bytes!"))
        assert [one.check for one in await access.checks(tx)] == ["access.second_factor_is_readable"]


async def test_a_role_that_needs_one_lets_in_only_to_set_it_up(db: Database, ground: Ground, li: Somebody) -> None:
    before = (await li.enter()).token
    await _require(db, ground, "brand_admin")
    entered = await li.enter()
    assert entered.next is access.Next.ENROL
    with pytest.raises(access.SignInUnfinished):
        await li.session(entered.token)
    half = await li.session(entered.token, unfinished=True)
    with pytest.raises(access.SignInUnfinished):
        await access.change_password(db, ground.tenant, half, old=PASSWORD, new="another horse battery")
    token = await li.enrol(entered.token, at=utc_now())
    assert (await li.session(token)).permissions == frozenset(access.PERMISSIONS)
    with pytest.raises(access.SessionUnknown):
        await li.session(before)
    with pytest.raises(access.SecondFactorRequired):
        await access.drop_second_factor(db, ground.tenant, await li.session(token), password=PASSWORD, code="000000")


async def test_a_new_role_that_needs_one_ends_the_sessions_without(
    db: Database, ground: Ground, person: Person, li: Somebody
) -> None:
    await _require(db, ground, "brand_admin")
    wang = Somebody(db, ground, await person("wang", AUDITOR), "wang")
    token = (await wang.enter()).token
    async with db.writing(ground.tenant) as tx:
        await access.set_grants(tx, wang.staff_id, [AUDITOR])
    await wang.session(token)
    async with db.writing(ground.tenant) as tx:
        await access.set_grants(tx, wang.staff_id, [AUDITOR, ADMIN])
    with pytest.raises(access.SessionUnknown):
        await wang.session(token)
    assert (await wang.enter()).next is access.Next.ENROL


async def test_another_is_set_up_only_with_a_code_of_the_first(li: Somebody) -> None:
    now = utc_now()
    token = await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    first = li.secret
    at = now + timedelta(minutes=1)
    with pytest.raises(access.SecondFactorWrong):
        await li.enrol(token, at=at, password=PASSWORD)
    with pytest.raises(access.SignInWrong):
        await li.enrol(token, at=at, password="wrong", code=li.code(at))
    await li.enrol(token, at=at, password=PASSWORD, code=li.code(at))
    assert li.secret != first


async def test_one_that_was_begun_and_not_confirmed_counts_for_nothing(li: Somebody) -> None:
    now = utc_now()
    session = await li.session((await li.enter()).token)
    begun = await access.begin_second_factor(li.db, li.tenant, session, password=PASSWORD, now=now)
    assert begun.uri.startswith("otpauth://totp/")
    assert begun.secret in begun.uri
    assert begun.qr_svg.startswith("<svg")
    assert (await li.enter()).next is access.Next.NOTHING
    li.secret = begun.secret
    for code, at in (
        (li.code(now - timedelta(hours=1)), now),
        (li.code(now + timedelta(minutes=15)), now + timedelta(minutes=15)),
    ):
        with pytest.raises(access.SecondFactorWrong):
            await access.confirm_second_factor(li.db, li.tenant, session, code, now=at)
    assert (await li.enter()).next is access.Next.NOTHING


async def test_a_password_that_was_long_enough_beside_one_is_not_without(li: Somebody) -> None:
    now = utc_now()
    token = await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    with pytest.raises(access.PasswordCommon):
        await access.change_password(li.db, li.tenant, await li.session(token), old=PASSWORD, new="football")
    token = await access.change_password(li.db, li.tenant, await li.session(token), old=PASSWORD, new=SHORT)
    session = await li.session(token)
    assert session.factors == 2
    at = now + timedelta(minutes=1)
    with pytest.raises(access.PasswordShort):
        await access.drop_second_factor(li.db, li.tenant, session, password=SHORT, code=li.code(at), now=at)
    async with li.db.writing(li.tenant) as tx:
        await access.reset_second_factor(tx, li.staff_id, None)
    entered = await li.enter(password=SHORT)
    assert entered.next is access.Next.RENEW
    half = await li.session(entered.token, unfinished=True)
    with pytest.raises(access.SignInUnfinished):
        await access.begin_second_factor(li.db, li.tenant, half)
    with pytest.raises(access.PasswordShort):
        await access.change_password(li.db, li.tenant, half, old=SHORT, new="k3Jq9xZm1")
    token = await access.change_password(li.db, li.tenant, half, old=SHORT, new="another horse battery")
    assert (await li.session(token)).permissions == frozenset(access.PERMISSIONS)


async def test_one_does_without_it_again_by_password_and_code(li: Somebody) -> None:
    now = utc_now()
    token = await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    session, at = await li.session(token), now + timedelta(minutes=1)
    with pytest.raises(access.SecondFactorWrong):
        await access.drop_second_factor(li.db, li.tenant, session, password=PASSWORD, code="", now=at)
    anew = await access.drop_second_factor(li.db, li.tenant, session, password=PASSWORD, code=li.code(at), now=at)
    assert (await li.session(anew)).factors == 1
    assert (await li.enter()).next is access.Next.NOTHING
    with pytest.raises(access.NoSecondFactor):
        await access.drop_second_factor(li.db, li.tenant, await li.session(anew), password=PASSWORD, code="")


async def test_taking_it_away_from_somebody_takes_four_eyes(
    db: Database, ground: Ground, person: Person, li: Somebody
) -> None:
    now = utc_now()
    lost = await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    helper = Somebody(db, ground, await person("zhao", ADMIN), "zhao")
    third = Somebody(db, ground, await person("qian", ADMIN), "qian")
    lower = Somebody(db, ground, await person("sun", AUDITOR), "sun")

    async def reset(by: Somebody, approval: UUID | None) -> None:
        session = await by.session((await by.enter()).token)
        given = None if approval is None else access.ApprovalId(approval)
        async with db.writing(ground.tenant, by=Principal("staff", by.staff_id)) as tx:
            await access.reset_second_factor(tx, li.staff_id, given, by=session)

    async def asked(by: Somebody) -> access.Approval:
        session = await by.session((await by.enter()).token)
        async with db.writing(ground.tenant, by=Principal("staff", by.staff_id)) as tx:
            return await access.ask_approval(
                tx, action="access.reset_second_factor", subject=str(li.staff_id), reason="换手机", by=session
            )

    with pytest.raises(access.ApprovalNeeded):
        await reset(helper, None)
    with pytest.raises(access.BeyondOwn):
        await reset(lower, None)
    wish = await asked(helper)
    session = await third.session((await third.enter()).token)
    async with db.writing(ground.tenant, by=Principal("staff", third.staff_id)) as tx:
        await access.give_approval(tx, wish.approval_id, by=session)
    with pytest.raises(access.ApprovalNeeded):
        await reset(third, wish.approval_id)
    await reset(helper, wish.approval_id)
    with pytest.raises(access.SessionUnknown):
        await li.session(lost)
    assert (await li.enter()).next is access.Next.NOTHING
    with pytest.raises(access.ApprovalNeeded):
        await reset(helper, wish.approval_id)


async def test_an_approver_with_a_second_factor_gives_its_code_too(
    db: Database, ground: Ground, person: Person, li: Somebody
) -> None:
    now = utc_now()
    await li.enrol((await li.enter()).token, at=now, password=PASSWORD)
    zhao = Somebody(db, ground, await person("zhao", ADMIN), "zhao")
    asker = await zhao.session((await zhao.enter()).token)
    wish = access.Wish("access.reset_second_factor", str(zhao.staff_id), reason="换手机")
    at = now + timedelta(minutes=1)
    for code in ("", "000000", li.code(now)):
        with pytest.raises(access.ApproverWrong):
            await access.give_here(
                db, ground.tenant, wish, access.Approver("li", PASSWORD, code=code), asker=asker, now=at
            )
    given = await access.give_here(
        db, ground.tenant, wish, access.Approver("li", PASSWORD, code=li.code(at)), asker=asker, now=at
    )
    assert given.answered_by == li.staff_id


async def test_a_session_lasts_as_long_as_the_brand_says(db: Database, ground: Ground, li: Somebody) -> None:
    async with db.writing(ground.tenant) as tx:
        root = (await organisation.brand(tx)).root_unit_id
        await organisation.choose(
            tx, "sign_in", organisation.Holder(organisation.Level.BRAND, root), {"session_minutes": 30}
        )
    now = utc_now()
    session = await li.session((await li.enter(now=now)).token)
    assert session.expires_at == now + timedelta(minutes=30)


async def test_a_session_is_ended_by_its_owner_or_by_who_holds_as_much(
    db: Database, ground: Ground, person: Person, li: Somebody
) -> None:
    device = access.Device("Chrome · Windows", "10.1.2.3")
    one = await access.sign_in(db, ground.tenant, "li", PASSWORD, device=device)
    other = await li.enter()
    lower = Somebody(db, ground, await person("sun", AUDITOR), "sun")
    theirs = await lower.session((await lower.enter()).token)

    async def work(tx: Tx) -> list[access.OpenSession]:
        return await access.sessions(tx, li.staff_id)

    async with db.writing(ground.tenant) as tx:
        listed = {found.session_id: found for found in await work(tx)}
        session = await access.find_session(tx, one.token)
        assert (listed[session.session_id].device, listed[session.session_id].ip) == (device.name, device.ip)
        assert not await access.revoke_own(tx, lower.staff_id, session.session_id)
        with pytest.raises(access.BeyondOwn):
            await access.revoke_of(tx, li.staff_id, session.session_id, by=theirs)
        assert await access.revoke_of(tx, lower.staff_id, None, by=session) == 1
        assert await access.revoke_own(tx, li.staff_id, session.session_id)
    with pytest.raises(access.SessionUnknown):
        await li.session(one.token)
    await li.session(other.token)
