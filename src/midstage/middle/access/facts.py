"""What access tells the world."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


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


class KeyRevoked(Fact, frozen=True):
    subject: ClassVar[str] = "key_id"
    key_id: UUID
