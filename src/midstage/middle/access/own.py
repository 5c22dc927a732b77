"""What somebody does to their own way in: another password, a second factor, recovery codes.

Whatever changes how somebody signs in ends all of their sessions and opens a new one: who knew a token of before, or
had planted one, is out.
"""

from datetime import datetime

import msgspec

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import password_rules, passwords, second_factor, store
from midstage.middle.access.facts import PasswordChanged, SecondFactorChanged
from midstage.middle.access.policy import SIGN_IN
from midstage.middle.access.second_factor import Enrolment, FactorState
from midstage.middle.access.signing_in import let_in, prove_password
from midstage.middle.access.store import factors
from midstage.middle.access.types import (
    Device,
    LoginState,
    Next,
    NoSecondFactor,
    PasswordHash,
    PasswordShort,
    RoleGrant,
    SecondFactorRequired,
    SecondFactorWrong,
    Session,
    SessionUnknown,
    SignInUnfinished,
    SignInWrong,
    Token,
)
from midstage.middle.organisation import api as organisation


class Confirmed(msgspec.Struct, frozen=True):
    """The token from now on, and the recovery codes, which are told once."""

    token: Token
    recovery_codes: list[str]


async def change_password(
    database: Database,
    tenant: Tenant,
    session: Session,
    *,
    old: str,
    new: str,
    device: Device | None = None,
    now: datetime | None = None,
) -> Token:
    """Change one's own password; every session ends, this one too, and a new one begins.

    Raises SignInWrong, LockedOut, SignInUnfinished, NoSuchLogin, or PasswordWeak in its kinds.
    """
    at = now or utc_now()
    _may(session, Next.NOTHING, Next.RENEW)
    staff_id = organisation.StaffId(session.subject_id)
    hashed, alone = await passwords_of(database, tenant, new, staff_id=staff_id, now=at)
    _, seen, key = await prove_password(database, tenant, staff_id, old, at)
    async with database.writing(tenant, now=at, by=Principal(session.kind, staff_id)) as tx:
        if not await store.set_password(tx, staff_id, hashed, seen=seen, fit_alone=alone):
            raise SignInWrong
        await store.forgive(tx, key)
        tx.note("access.change_password", "staff", staff_id)
        tx.tell(PasswordChanged(staff_id=staff_id, reset=False))
        return await _anew(tx, session, factors_given=session.factors, device=device)


async def passwords_of(
    database: Database,
    tenant: Tenant,
    password: str,
    *,
    login: str = "",
    staff_id: organisation.StaffId | None = None,
    now: datetime | None = None,
) -> tuple[PasswordHash, bool]:
    """Make of somebody's password what may be stored, under the rules of the brand, and say whether it may stand alone.

    Raises PasswordWeak in its kinds, or organisation.NoSuchStaff.
    """
    async with database.reading(tenant, now=now) as tx:
        policy = await organisation.settings_of(tx, SIGN_IN)
        known = [tenant.code, (await organisation.brand(tx)).name, login]
        beside = False
        if staff_id is not None:
            row = await store.read_login_of(tx, staff_id)
            known += [(await organisation.staff(tx, staff_id)).name, row["name"] if row else ""]
            beside = await second_factor.has_factor(tx, staff_id)
    shortest = policy.password_length_with_second_factor if beside else policy.password_length
    hashed = await passwords.hash_password(password, known=known, shortest=shortest)
    return hashed, len(password_rules.normal(password)) >= policy.password_length


async def begin_second_factor(
    database: Database,
    tenant: Tenant,
    session: Session,
    *,
    password: str = "",
    code: str = "",
    now: datetime | None = None,
) -> Enrolment:
    """Begin to set up a second factor; it counts once `confirm_second_factor` is given its first code.

    Who has just signed in to do so need not type the password again; who has one already gives a code of it. Raises
    SignInWrong, LockedOut, SecondFactorWrong, SignInUnfinished or NoSuchLogin.
    """
    at = now or utc_now()
    _may(session, Next.NOTHING, Next.ENROL)
    staff_id = organisation.StaffId(session.subject_id)
    if session.next is Next.NOTHING:
        await _prove(database, tenant, staff_id, password, code, at)
    async with database.writing(tenant, now=at, by=Principal(session.kind, staff_id)) as tx:
        login = await _open_login(tx, staff_id)
        return await second_factor.begin(tx, staff_id, login)


async def confirm_second_factor(
    database: Database,
    tenant: Tenant,
    session: Session,
    code: str,
    *,
    device: Device | None = None,
    now: datetime | None = None,
) -> Confirmed:
    """Let the second factor count from now on. Raises SecondFactorWrong, SignInUnfinished, NoSuchLogin."""
    at = now or utc_now()
    _may(session, Next.NOTHING, Next.ENROL)
    staff_id = organisation.StaffId(session.subject_id)
    async with database.reading(tenant, now=at) as tx:
        if not await second_factor.is_first(tx, staff_id, code):  # before ten hashes are computed for it
            raise SecondFactorWrong
    told, kept = await second_factor.recovery_codes(tenant.brand, staff_id)
    async with database.writing(tenant, now=at, by=Principal(session.kind, staff_id)) as tx:
        await _open_login(tx, staff_id)
        if not await second_factor.confirm(tx, staff_id, code):
            raise SecondFactorWrong
        await factors.put_codes(tx, staff_id, kept)
        _tell(tx, staff_id, "access.set_second_factor", enabled=True)
        return Confirmed(await _anew(tx, session, factors_given=2, device=device), told)


async def new_recovery_codes(
    database: Database, tenant: Tenant, session: Session, *, password: str, code: str, now: datetime | None = None
) -> list[str]:
    """Ten new recovery codes; those of before are good for nothing. Raises as begin_second_factor, NoSecondFactor."""
    at = now or utc_now()
    staff_id = organisation.StaffId(session.subject_id)
    _may(session, Next.NOTHING)
    await _prove(database, tenant, staff_id, password, code, at)
    told, kept = await second_factor.recovery_codes(tenant.brand, staff_id)
    async with database.writing(tenant, now=at, by=Principal(session.kind, staff_id)) as tx:
        await _open_login(tx, staff_id)
        if not await second_factor.has_factor(tx, staff_id):
            raise NoSecondFactor
        await factors.put_codes(tx, staff_id, kept)
        tx.note("access.new_recovery_codes", "staff", staff_id)
    return told


async def drop_second_factor(
    database: Database, tenant: Tenant, session: Session, *, password: str, code: str, now: datetime | None = None
) -> Token:
    """Do without a second factor from now on; every session ends, and a new one begins.

    Raises SecondFactorRequired where a role needs it, PasswordShort where the password was long enough beside it
    alone, NoSecondFactor, and as begin_second_factor.
    """
    at = now or utc_now()
    staff_id = organisation.StaffId(session.subject_id)
    _may(session, Next.NOTHING)
    async with database.reading(tenant, now=at) as tx:
        policy = await organisation.settings_of(tx, SIGN_IN)
        if second_factor.required_of(policy, await _grants(tx, staff_id)):
            raise SecondFactorRequired
    await _prove(database, tenant, staff_id, password, code, at)
    async with database.writing(tenant, now=at, by=Principal(session.kind, staff_id)) as tx:
        await _open_login(tx, staff_id)
        row = await store.read_login_of(tx, staff_id)
        if row is not None and not row["fit_alone"]:
            raise PasswordShort(policy.password_length)
        if not await factors.drop(tx, staff_id):
            raise NoSecondFactor
        _tell(tx, staff_id, "access.drop_second_factor", enabled=False)
        return await _anew(tx, session, factors_given=1, device=None)


async def second_factor_of(tx: Tx, staff_id: organisation.StaffId) -> FactorState:
    """Whether somebody has a second factor, needs one, and how many recovery codes are left."""
    return await second_factor.state_of(tx, staff_id, await _grants(tx, staff_id))


def _may(session: Session, *steps: Next) -> None:
    if session.next not in steps:
        raise SignInUnfinished(session.next)


async def _prove(
    database: Database, tenant: Tenant, staff_id: organisation.StaffId, password: str, code: str, at: datetime
) -> None:
    """Raises SignInWrong, LockedOut or NoSuchLogin; and SecondFactorWrong where there is one and this is not of it."""
    _, seen, key = await prove_password(database, tenant, staff_id, password, at)
    typed = await second_factor.ready(tenant.brand, staff_id, code)
    async with database.writing(tenant, now=at, by=Principal("staff", staff_id)) as tx:
        if not await store.is_still_good(tx, staff_id, seen):
            raise SignInWrong
        if await second_factor.has_factor(tx, staff_id) and not await second_factor.take(tx, staff_id, typed):
            raise SecondFactorWrong
        await store.forgive(tx, key)


async def _open_login(tx: Tx, staff_id: organisation.StaffId) -> str:
    """Hold the login while its way in changes. Raises SessionUnknown where it was closed meanwhile."""
    row = await store.read_login_of(tx, staff_id, lock=True)
    if row is None or row["state"] != LoginState.OPEN:
        raise SessionUnknown
    return row["name"]


async def _anew(tx: Tx, session: Session, *, factors_given: int, device: Device | None) -> Token:
    await store.delete_sessions_of(tx, session.subject_id, None)
    staff_id = organisation.StaffId(session.subject_id)
    return await let_in(tx, session.kind, staff_id, left=Next.NOTHING, factors=factors_given, device=device)


async def _grants(tx: Tx, staff_id: organisation.StaffId) -> list[RoleGrant]:
    return [grant for grant, _ in await store.read_grants(tx, staff_id)]


def _tell(tx: Tx, staff_id: organisation.StaffId, action: str, *, enabled: bool) -> None:
    tx.note(action, "staff", staff_id)
    tx.tell(SecondFactorChanged(staff_id=staff_id, enabled=enabled, reset=False))
