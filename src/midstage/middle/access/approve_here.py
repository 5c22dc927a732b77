"""Approvals that are given where they are needed: the approver stands there and types a login and its secret.

The secret is the password, or a PIN of six digits and more that is good for nothing else. A guess at either is counted
with the wrong passwords of that login: five in a quarter of an hour. Ten wrong PINs in a row end a PIN for good.
"""

from datetime import datetime

import msgspec

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.middle.access import passwords, permissions, rules, second_factor, store
from midstage.middle.access.approval_words import (
    APPROVAL_LASTS,
    GIVE,
    Approval,
    ApprovalState,
    ApprovalWay,
    ApproverWrong,
    OwnApproval,
)
from midstage.middle.access.approvals import STAFF, new_approval, tell_given
from midstage.middle.access.signing_in import prove_password, take_try
from midstage.middle.access.store import approvals as kept
from midstage.middle.access.types import (
    NotPermitted,
    OutOfScope,
    PasswordHash,
    Session,
    SignInWrong,
)
from midstage.middle.organisation import api as organisation

MOST_WRONG_PINS = 10


class Wish(msgspec.Struct, frozen=True):
    """What is to be approved."""

    action: str
    subject: str
    amount_minor: int = 0
    reason: str = ""


class Approver(msgspec.Struct, frozen=True):
    """Who says so, as they type it: a login and its password or PIN, and a code where they have a second factor."""

    login: str
    password: str = ""
    pin: str = ""
    code: str = ""


async def give_here(
    database: Database, tenant: Tenant, wish: Wish, approver: Approver, *, asker: Session, now: datetime | None = None
) -> Approval:
    """Approve what somebody asks for at their device. A wrong code of the second factor is a wrong secret.

    Raises ApproverWrong or LockedOut for a wrong login or secret, OwnApproval, NotPermitted, OutOfScope,
    NoSuchApprovalAction, or what the action's module raises for its subject.
    """
    at = now or utc_now()
    key = rules.try_key(approver.login)
    row = await take_try(database, tenant, key, at, name=approver.login.strip().lower())
    staff_id: organisation.StaffId | None = row["staff_id"] if row else None
    pin = await _pin(database, tenant, staff_id, at) if staff_id and not approver.password else None
    password = PasswordHash(row["password_hash"]) if row else passwords.NOBODY
    typed, secret = (approver.password, password) if approver.password else (approver.pin, pin)
    right = await passwords.verify(secret or passwords.NOBODY, typed)
    if staff_id is None or secret is None or not right:
        raise ApproverWrong
    typed_code = await second_factor.ready(tenant.brand, staff_id, approver.code)
    async with database.writing(tenant, now=at, by=Principal(STAFF, staff_id)) as tx:
        if not await store.is_still_good(tx, staff_id, password):
            raise ApproverWrong
        if await second_factor.has_factor(tx, staff_id) and not await second_factor.take(tx, staff_id, typed_code):
            raise ApproverWrong
        if pin is not None and not await kept.pin_right(tx, staff_id, pin):
            raise ApproverWrong
        await store.forgive(tx, key)
        return await _give(tx, wish, staff_id, asker)


async def set_pin(
    database: Database,
    tenant: Tenant,
    staff_id: organisation.StaffId,
    *,
    password: str,
    pin: str,
    now: datetime | None = None,
) -> None:
    """Set one's own PIN, which takes the password. Raises PinWeak, SignInWrong, LockedOut or NoSuchLogin."""
    at = now or utc_now()
    rules.check_pin(pin)
    _, seen, key = await prove_password(database, tenant, staff_id, password, at)
    hashed = await passwords.hash_pin(pin)
    async with database.writing(tenant, now=at, by=Principal(STAFF, staff_id)) as tx:
        if not await store.is_still_good(tx, staff_id, seen):
            raise SignInWrong
        await store.forgive(tx, key)
        await kept.set_pin(tx, staff_id, hashed)
        tx.note("access.set_pin", "staff", staff_id)


async def drop_pin(tx: Tx, staff_id: organisation.StaffId) -> bool:
    """Do without a PIN; False where there was none."""
    dropped = await kept.drop_pin(tx, staff_id)
    if dropped:
        tx.note("access.drop_pin", "staff", staff_id)
    return dropped


async def _pin(database: Database, tenant: Tenant, staff_id: organisation.StaffId, at: datetime) -> PasswordHash | None:
    """Count a guess before it is looked at, in a transaction of its own: it counts although the call is refused."""
    async with database.writing(tenant, now=at) as tx:
        return await kept.take_pin(tx, staff_id, MOST_WRONG_PINS)


async def _give(tx: Tx, wish: Wish, staff_id: organisation.StaffId, asker: Session) -> Approval:
    if staff_id == asker.subject_id:
        raise OwnApproval
    asked = await new_approval(
        tx,
        action=wish.action,
        subject=wish.subject,
        amount_minor=wish.amount_minor,
        reason=wish.reason,
        by=asker,
    )
    await _check_may(tx, staff_id, asked)
    given = msgspec.structs.replace(
        asked,
        state=ApprovalState.GIVEN,
        way=ApprovalWay.HERE,
        answered_by=staff_id,
        answered_at=tx.now,
        expires_at=tx.now + APPROVAL_LASTS,
    )
    await kept.insert(tx, given)
    tell_given(tx, given, staff_id)
    return given


async def _check_may(tx: Tx, staff_id: organisation.StaffId, asked: Approval) -> None:
    """Raises NotPermitted without the permission, OutOfScope where it is not held over the store concerned."""
    held = permissions.held_by(await store.read_grants(tx, staff_id))
    scope = permissions.scope_in(held, GIVE)
    if scope == organisation.NOTHING:
        raise NotPermitted(GIVE)
    if scope.everything:
        return
    if asked.store_id is None or not organisation.covers(scope, await organisation.one_store(tx, asked.store_id)):
        raise OutOfScope
