"""What access tells the world."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact
from midstage.middle.access.approval_words import ApprovalWay


class LoginCreated(Fact, frozen=True):
    """Somebody can sign in from now on."""

    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    roles: list[str]


class LoginWasClosed(Fact, frozen=True):
    """Somebody can no longer sign in; all of their sessions ended."""

    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    sessions: int


class LoginReopened(Fact, frozen=True):
    subject: ClassVar[str] = "staff_id"
    staff_id: UUID


class GrantsChanged(Fact, frozen=True):
    """Somebody has other roles, or has them over another part of the organisation."""

    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    roles_before: list[str]
    roles_after: list[str]


class PasswordChanged(Fact, frozen=True):
    """Somebody has another password, set by themselves or (`reset`) for them."""

    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    reset: bool


class StaffSignedIn(Fact, frozen=True):
    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    session_id: UUID
    kind: str


class KeyCreated(Fact, frozen=True):
    subject: ClassVar[str] = "key_id"
    key_id: UUID
    permissions: list[str]


class KeyRotated(Fact, frozen=True):
    """A key has a new secret; the one before opens until `old_until`."""

    subject: ClassVar[str] = "key_id"
    key_id: UUID
    old_until: datetime


class KeyRevoked(Fact, frozen=True):
    subject: ClassVar[str] = "key_id"
    key_id: UUID


class ApprovalAsked(Fact, frozen=True):
    """Somebody asks that somebody else approve what goes beyond their limit."""

    subject: ClassVar[str] = "approval_id"
    approval_id: UUID
    action_code: str
    store_id: UUID | None
    asked_by: UUID
    amount_minor: int


class ApprovalGiven(Fact, frozen=True):
    """Somebody said yes, in the list or `here` at the asker's device."""

    subject: ClassVar[str] = "approval_id"
    approval_id: UUID
    action_code: str
    store_id: UUID | None
    asked_by: UUID
    given_by: UUID
    amount_minor: int
    way: ApprovalWay


class ApprovalRefused(Fact, frozen=True):
    """Somebody said no."""

    subject: ClassVar[str] = "approval_id"
    approval_id: UUID
    action_code: str
    asked_by: UUID
    refused_by: UUID


class ApprovalUsed(Fact, frozen=True):
    """What was approved was done; `amount_minor` is what was used of the approved amount."""

    subject: ClassVar[str] = "approval_id"
    approval_id: UUID
    action_code: str
    store_id: UUID | None
    asked_by: UUID
    given_by: UUID
    amount_minor: int


class SecondFactorChanged(Fact, frozen=True):
    """Somebody signs in with a second factor from now on, or without; `reset` says that another took it away."""

    subject: ClassVar[str] = "staff_id"
    staff_id: UUID
    enabled: bool
    reset: bool
