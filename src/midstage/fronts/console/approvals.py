"""Approvals: what goes beyond one's own limit is asked for here, and given by somebody else."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.staff import Person
from midstage.fronts._http.words import Minor, Reason
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: approvals"]
GIVE = "approvals.give"
ASKING = (
    access.NoSuchApprovalAction,
    access.NoApprovalSubject,
    access.OutOfScope,
    organisation.NoSuchStore,
)
ANSWERING = (access.NoSuchApproval, access.OutOfScope, access.OwnApproval, access.ApprovalAnswered)
Action = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="What it is about, as the action says")]
Secret = Annotated[str, msgspec.Meta(max_length=800)]


class ActionView(msgspec.Struct, frozen=True):
    """Something that may need an approval."""

    code: str
    name: Text


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be approved: an action, what it is about, up to which amount, and why."""

    action: Action
    subject: Subject
    amount_minor: Minor = 0
    reason: Reason


class AskHere(Ask, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, approved at once by somebody who stands there and types a login and its secrets.

    That is its password or PIN, and a code of the second factor where they have one.
    """

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Secret = ""
    pin: Secret = ""
    code: Annotated[str, msgspec.Meta(max_length=20)] = ""


class Refuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why not."""

    reason: Reason


class NewPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password, and the PIN to approve with at other people's devices."""

    password: Annotated[str, msgspec.Meta(min_length=1, max_length=800)]
    pin: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


@reading("/approvals/actions", tags=TAGS)
async def approval_actions(_staff: Person) -> list[ActionView]:
    """Everything that may need an approval."""
    return [ActionView(one.code, one.name) for one in access.approval_actions()]


@reading("/approvals/waiting", tags=TAGS, needs=GIVE)
async def waiting_approvals(
    tx: Tx, staff: Person, after: str | None = None, limit: Limit = 50
) -> Page[access.Approval]:
    """What waits for my answer, the oldest first; what nobody answers in ten minutes is over."""
    return await access.waiting_approvals(tx, PageRequest(after, limit), by=staff.session)


@reading("/approvals", tags=TAGS)
async def own_approvals(tx: Tx, staff: Person, after: str | None = None, limit: Limit = 50) -> Page[access.Approval]:
    """What I asked for, the newest first."""
    return await access.own_approvals(tx, PageRequest(after, limit), by=staff.session)


@reading("/approvals/{approval_id:uuid}", tags=TAGS, refuses=(access.NoSuchApproval,))
async def approval(approval_id: UUID, tx: Tx, staff: Person) -> access.Approval:
    """One that I asked for, or may give."""
    return await access.approval(tx, approval_id, by=staff.session)


@changing("POST", "/approvals", status=201, once=True, tags=TAGS, refuses=(*ASKING, access.TooManyApprovals))
async def ask_approval(data: Ask, tx: Tx, staff: Person) -> access.Approval:
    """Ask for an approval; it shows in the list of those who may give it."""
    return await access.ask_approval(
        tx,
        action=data.action,
        subject=data.subject,
        amount_minor=data.amount_minor,
        reason=data.reason,
        by=staff.session,
    )


@changing(
    "POST",
    "/approvals/here",
    status=201,
    tags=TAGS,
    guesses=True,
    refuses=(*ASKING, access.ApproverWrong, access.LockedOut, access.OwnApproval, access.NotPermitted),
)
async def give_here(data: AskHere, request: AnyRequest, staff: Person) -> access.Approval:
    """Have it approved here and now, by somebody who types a login and its password or PIN."""
    return await access.give_here(
        desk_of(request).database,
        staff.tenant,
        access.Wish(data.action, data.subject, data.amount_minor, data.reason),
        access.Approver(data.login, data.password, data.pin, data.code),
        asker=staff.session,
    )


@changing("POST", "/approvals/{approval_id:uuid}/give", tags=TAGS, once=True, needs=GIVE, refuses=ANSWERING)
async def give_approval(approval_id: UUID, tx: Tx, staff: Person) -> access.Approval:
    """Say yes; good for ten minutes, once, and for who asked alone."""
    return await access.give_approval(tx, approval_id, by=staff.session)


@changing("POST", "/approvals/{approval_id:uuid}/refuse", tags=TAGS, once=True, needs=GIVE, refuses=ANSWERING)
async def refuse_approval(approval_id: UUID, data: Refuse, tx: Tx, staff: Person) -> access.Approval:
    """Say no, and why."""
    return await access.refuse_approval(tx, approval_id, reason=data.reason, by=staff.session)


@changing("PUT", "/me/pin", status=204, tags=TAGS, refuses=(access.SignInWrong, access.LockedOut, access.PinWeak))
async def set_pin(data: NewPin, request: AnyRequest, staff: Person) -> None:
    """Set the PIN that I approve with at other people's devices."""
    await access.set_pin(desk_of(request).database, staff.tenant, staff.staff_id, password=data.password, pin=data.pin)


@changing("DELETE", "/me/pin", status=204, tags=TAGS)
async def drop_pin(tx: Tx, staff: Person) -> None:
    """Do without a PIN."""
    await access.drop_pin(tx, staff.staff_id)


HANDLERS: list[HTTPRouteHandler] = [
    approval_actions,
    waiting_approvals,
    own_approvals,
    approval,
    ask_approval,
    give_here,
    give_approval,
    refuse_approval,
    set_pin,
    drop_pin,
]
