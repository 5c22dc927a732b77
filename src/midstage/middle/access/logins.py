"""Logins of staff and guides, as others give, close, open and mend them."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.kit.paging import MAX_LIMIT, Page, PageRequest
from midstage.kit.refusals import Text
from midstage.middle.access import passwords, permissions, rules, store
from midstage.middle.access.approval_words import ApprovalAction, ApprovalId, declare_approval
from midstage.middle.access.approvals import use_approval
from midstage.middle.access.facts import (
    LoginCreated,
    LoginReopened,
    LoginWasClosed,
    PasswordChanged,
    SecondFactorChanged,
)
from midstage.middle.access.roles import check_may_give, put_grants
from midstage.middle.access.store import approvals, factors
from midstage.middle.access.types import (
    Login,
    LoginClosed,
    LoginState,
    LoginTaken,
    NoSecondFactor,
    NoSuchLogin,
    PasswordHash,
    RoleGrant,
    Session,
)
from midstage.middle.organisation import api as organisation


async def create_login(
    tx: Tx,
    staff_id: organisation.StaffId,
    name: str,
    password: PasswordHash,
    grants: Sequence[RoleGrant],
    *,
    fit_alone: bool = True,
    by: Session | None = None,
) -> None:
    """Give somebody a login and roles; the password comes from `await hash_password(…)`, made before the transaction.

    `fit_alone` says that it is long enough to be the only factor; `by` is who does it; without it the system does. Raises BadLogin, LoginTaken, NoSuchRole, BeyondOwn, and
    organisation's NoSuchStaff, StaffGone, NoSuchUnit, NoSuchOperator, NoSuchStore.
    """
    lowered = rules.login_name(name)
    passwords.check_is_hash(password)
    await organisation.employed(tx, staff_id)
    if not await store.insert_login(tx, staff_id, lowered, password, fit_alone=fit_alone):
        raise LoginTaken(lowered)
    await put_grants(tx, staff_id, grants, by=by)
    tx.note("access.create_login", "staff", staff_id, after=list(grants))
    tx.tell(LoginCreated(staff_id=staff_id, roles=sorted(grant.role for grant in grants)))


async def reset_password(
    tx: Tx,
    staff_id: organisation.StaffId,
    password: PasswordHash,
    *,
    fit_alone: bool = True,
    by: Session | None = None,
) -> None:
    """Set somebody's password for them (made by hash_password), end their sessions, their lock and their PIN.

    Whoever does it must hold all that the other does. Raises NoSuchLogin, LoginClosed or BeyondOwn.
    """
    passwords.check_is_hash(password)
    row = await _locked(tx, staff_id)
    if row.state != LoginState.OPEN:
        raise LoginClosed
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    await store.set_password(tx, staff_id, password, seen=None, fit_alone=fit_alone)
    await store.delete_sessions_of(tx, staff_id, None)
    await approvals.drop_pin(tx, staff_id)
    await store.forgive(tx, rules.try_key(row.name))
    tx.note("access.reset_password", "staff", staff_id)
    tx.tell(PasswordChanged(staff_id=staff_id, reset=True))


async def close_login(tx: Tx, staff_id: organisation.StaffId, *, by: Session | None = None) -> bool:
    """Let somebody in no more, and end their sessions; False if there was nothing to close. Raises BeyondOwn."""
    if await store.read_login_of(tx, staff_id, lock=True) is None:
        return False
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if not await store.set_state(tx, staff_id, LoginState.CLOSED):
        return False
    ended = await store.delete_sessions_of(tx, staff_id, None)
    tx.note("access.close_login", "staff", staff_id)
    tx.tell(LoginWasClosed(staff_id=staff_id, sessions=ended))
    return True


async def note_staff_left(tx: Tx, told: Delivered[organisation.StaffLeft]) -> None:
    """Who no longer works here no longer signs in."""
    await close_login(tx, told.fact.staff_id)


async def reopen_login(tx: Tx, staff_id: organisation.StaffId, *, by: Session | None = None) -> None:
    """Let somebody in again, with the roles they had. Raises NoSuchLogin, BeyondOwn, organisation.StaffGone."""
    await organisation.employed(tx, staff_id)
    await _locked(tx, staff_id)
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if await store.set_state(tx, staff_id, LoginState.OPEN):
        tx.note("access.reopen_login", "staff", staff_id)
        tx.tell(LoginReopened(staff_id=staff_id))


async def reset_second_factor(
    tx: Tx, staff_id: organisation.StaffId, approval: ApprovalId | None, *, by: Session | None = None
) -> None:
    """Take away the second factor of somebody who lost it; they sign in anew, and set up another where they need one.

    Four eyes: whoever does it holds all that the other does, and brings the approval of a third. The system itself
    (`by` None: the command line) needs none. Raises NoSuchLogin, BeyondOwn, ApprovalNeeded or NoSecondFactor.
    """
    await _locked(tx, staff_id)
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if by is not None:
        await use_approval(tx, approval, action=RESET_FACTOR.code, subject=str(staff_id))
    if not await factors.drop(tx, staff_id):
        raise NoSecondFactor
    await store.delete_sessions_of(tx, staff_id, None)
    tx.note("access.reset_second_factor", "staff", staff_id)
    tx.tell(SecondFactorChanged(staff_id=staff_id, enabled=False, reset=True))


async def _of_the_brand(tx: Tx, subject: str) -> None:
    """The logins of staff are of no store. Raises organisation.NoSuchStaff."""
    await organisation.staff(tx, organisation.StaffId(UUID(subject)))


RESET_FACTOR = declare_approval(
    ApprovalAction(
        "access.reset_second_factor",
        Text(zh="重置员工的二次验证", en="Take away somebody's second factor"),
        _of_the_brand,
    )
)


async def unlock(tx: Tx, staff_id: organisation.StaffId, *, by: Session | None = None) -> None:
    """Forget the wrong passwords of somebody who locked themselves out. Raises NoSuchLogin or BeyondOwn."""
    row = await _locked(tx, staff_id)
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    await store.forgive(tx, rules.try_key(row.name))
    tx.note("access.unlock", "staff", staff_id)


async def logins(tx: Tx) -> list[Login]:
    """The first logins of the brand by name, at most 200; list_logins has them all."""
    return (await list_logins(tx, PageRequest(limit=MAX_LIMIT))).items


async def list_logins(tx: Tx, page: PageRequest) -> Page[Login]:
    """The logins of the brand by name."""
    place = page.place(tuple[str])
    rows = await store.list_logins(
        tx, place[0] if place else None, page.fetch, most=rules.LOCK_AFTER, window=rules.LOCK_WINDOW
    )
    return page.page(rows, _place)


async def _locked(tx: Tx, staff_id: organisation.StaffId) -> Login:
    row = await store.read_login_of(tx, staff_id, lock=True)
    if row is None:
        raise NoSuchLogin
    return Login(row["staff_id"], row["name"], LoginState(row["state"]), None)


def _place(row: Login) -> tuple[str]:
    return (row.name,)
