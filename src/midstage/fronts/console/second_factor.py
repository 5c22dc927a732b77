"""The second factor: set up by oneself, taken away by somebody else only with the approval of a third."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.devices import device_of
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Person
from midstage.fronts.console.people import person_within
from midstage.fronts.console.sign_in import Code, EndedSessions, HalfIn, SignedIn
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: second factor"]
READ, WRITE = "access.read", "access.write"
PROVING = (
    access.SignInWrong,
    access.LockedOut,
    access.SecondFactorWrong,
    access.SignInUnfinished,
)
SOMEBODY = (access.OutOfScope, access.BeyondOwn, organisation.NoSuchStaff)
Typed = Annotated[str, msgspec.Meta(max_length=20)]


class Prove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password, and a code where there is a second factor. Who has just signed in to set one up leaves both out."""

    password: Annotated[str, msgspec.Meta(max_length=800)] = ""
    code: Typed = ""


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first code that the app shows."""

    code: Code


class ConfirmedView(msgspec.Struct, frozen=True):
    """The token from now on, and ten codes for the day on which the app is lost; told now and never again."""

    token: str
    brand: str
    recovery_codes: list[str]


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Ten codes; told now and never again."""

    recovery_codes: list[str]


class ResetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The approval of a third, asked for as `access.reset_second_factor` about this person."""

    approval_id: UUID | None = None


@reading("/me/second-factor", tags=TAGS)
async def second_factor(tx: Tx, staff: Person) -> access.FactorState:
    """Whether I have a second factor, need one, and how many recovery codes are left."""
    return await access.second_factor_of(tx, staff.staff_id)


@changing("POST", "/me/second-factor", tags=TAGS, refuses=PROVING)
async def begin_second_factor(data: Prove, request: AnyRequest, half: HalfIn) -> access.Enrolment:
    """Begin to set up a second factor: a secret for an authenticator app, as text, address and QR code."""
    return await access.begin_second_factor(
        desk_of(request).database, half.tenant, half.session, password=data.password, code=data.code
    )


@changing(
    "POST",
    "/me/second-factor/confirm",
    tags=TAGS,
    refuses=(access.SecondFactorWrong, access.SignInUnfinished),
)
async def confirm_second_factor(data: ConfirmBody, request: AnyRequest, half: HalfIn) -> ConfirmedView:
    """Let it count from now on. All sessions end, and the token in the answer is the new one."""
    done = await access.confirm_second_factor(
        desk_of(request).database, half.tenant, half.session, data.code, device=device_of(request)
    )
    return ConfirmedView(done.token, half.tenant.code, done.recovery_codes)


@changing("POST", "/me/second-factor/recovery-codes", tags=TAGS, refuses=(*PROVING, access.NoSecondFactor))
async def new_recovery_codes(data: Prove, request: AnyRequest, staff: Person) -> RecoveryCodes:
    """Ten new recovery codes; those of before open nothing any more."""
    codes = await access.new_recovery_codes(
        desk_of(request).database, staff.tenant, staff.session, password=data.password, code=data.code
    )
    return RecoveryCodes(codes)


@changing(
    "POST",
    "/me/second-factor/drop",
    tags=TAGS,
    refuses=(*PROVING, access.NoSecondFactor, access.SecondFactorRequired, access.PasswordShort),
)
async def drop_second_factor(data: Prove, request: AnyRequest, staff: Person) -> SignedIn:
    """Do without a second factor. All sessions end, and the token in the answer is the new one."""
    token = await access.drop_second_factor(
        desk_of(request).database, staff.tenant, staff.session, password=data.password, code=data.code
    )
    return SignedIn(token, staff.tenant.code)


@changing(
    "POST",
    "/staff/{staff_id:uuid}/second-factor/reset",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(*SOMEBODY, access.NoSuchLogin, access.NoSecondFactor, access.ApprovalNeeded),
)
async def reset_second_factor(staff_id: UUID, data: ResetBody, tx: Tx, staff: Person) -> None:
    """Take away the second factor of somebody who lost it, with the approval of a third; their sessions end."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    approval = None if data.approval_id is None else access.ApprovalId(data.approval_id)
    await access.reset_second_factor(tx, person.staff_id, approval, by=staff.session)


@reading("/staff/{staff_id:uuid}/sessions", tags=TAGS, needs=READ, refuses=SOMEBODY)
async def staff_sessions(staff_id: UUID, tx: Tx, staff: Person) -> list[access.OpenSession]:
    """Where somebody is signed in, the newest first."""
    person = await person_within(tx, await reach(tx, staff, READ), staff_id)
    return await access.sessions(tx, person.staff_id)


@changing("DELETE", "/staff/{staff_id:uuid}/sessions", tags=TAGS, needs=WRITE, refuses=SOMEBODY)
async def end_staff_sessions(staff_id: UUID, tx: Tx, staff: Person) -> EndedSessions:
    """End every session of somebody."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    return EndedSessions(await access.revoke_of(tx, person.staff_id, None, by=staff.session))


@changing("DELETE", "/staff/{staff_id:uuid}/sessions/{session_id:uuid}", tags=TAGS, needs=WRITE, refuses=SOMEBODY)
async def end_staff_session(staff_id: UUID, session_id: UUID, tx: Tx, staff: Person) -> EndedSessions:
    """End one session of somebody; one that is over, or not theirs, is no fault."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    return EndedSessions(await access.revoke_of(tx, person.staff_id, session_id, by=staff.session))


HANDLERS: list[HTTPRouteHandler] = [
    second_factor,
    begin_second_factor,
    confirm_second_factor,
    new_recovery_codes,
    drop_second_factor,
    reset_second_factor,
    staff_sessions,
    end_staff_sessions,
    end_staff_session,
]
