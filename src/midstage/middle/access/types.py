"""The words of access."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.ids import BrandId
from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text, TooMany, Unauthenticated
from midstage.middle.organisation import api as organisation

SessionId = NewType("SessionId", UUID)
KeyId = NewType("KeyId", UUID)
Token = NewType("Token", str)
LoginName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{1,99}$")]


class SessionKind(StrEnum):
    """Whom a session lets in."""

    SHOPPER = "shopper"
    STAFF = "staff"
    GUIDE = "guide"
    APP = "app"


class Permission(msgspec.Struct, frozen=True):
    """One thing that may be allowed."""

    name: str
    zh: str
    en: str


class Role(msgspec.Struct, frozen=True):
    """A named set of permissions; built in, or the brand's own."""

    code: str
    name_zh: str
    name_en: str
    permissions: frozenset[str]
    built_in: bool = False


class RoleGrant(msgspec.Struct, frozen=True):
    """A role that somebody has, and over which part of the organisation."""

    role: str
    scope: organisation.Scope


class Session(msgspec.Struct, frozen=True):
    """Who is here and what they may; what the token was exchanged for."""

    kind: SessionKind
    session_id: SessionId
    brand: BrandId
    subject_id: UUID
    member_id: UUID | None
    permissions: frozenset[str]
    scope: organisation.Scope
    expires_at: datetime


class Key(msgspec.Struct, frozen=True):
    """An API key, without its secret."""

    key_id: KeyId
    name: str
    permissions: list[str]
    scope: organisation.Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Login(msgspec.Struct, frozen=True):
    """How somebody signs in to the console."""

    staff_id: organisation.StaffId
    name: str
    locked_until: datetime | None


class SessionUnknown(Unauthenticated):
    """There is no such session: it ended, was revoked, or never was."""

    text = Text(zh="请重新登录", en="Sign in again: this session is over, or never was.")


class SignInWrong(Unauthenticated):
    """The name or the password is wrong; we do not say which."""

    text = Text(zh="账号或密码不正确", en="The name or the password is wrong.")


class LockedOut(TooMany):
    """Too many wrong passwords; the right one does not help until the lock ends."""

    text = Text(
        zh="连续输错密码，账号已锁定，请 {retry_after_s} 秒后再试",
        en="Too many wrong passwords; try again in {retry_after_s} s.",
    )
    retry_after_s: int


class PasswordWeak(Invalid):
    """A password has 12 to 200 characters and is none of the common ones."""

    text = Text(
        zh="密码需 12–200 个字符，且不能是常见密码或账号本身",
        en="A password has 12 to 200 characters and is neither common nor the login itself.",
    )


class LoginTaken(Conflict):
    """Somebody of this brand has this login name, or this person has a login."""

    text = Text(
        zh="登录名 {name} 已被使用，或此员工已有账号", en="{name} is taken, or this person has a login already."
    )
    name: str


class NoSuchLogin(NotFound):
    """This person has no login."""

    text = Text(zh="该员工没有登录账号", en="This person has no login.")


class NoSuchRole(NotFound):
    """There is no such role."""

    text = Text(zh="没有角色 {role}", en="There is no role {role}.")
    role: str


class NoSuchPermission(Invalid):
    """There is no such permission."""

    text = Text(zh="没有权限 {permission}", en="There is no permission {permission}.")
    permission: str


class NotPermitted(Forbidden):
    """The asker's roles do not hold this permission."""

    text = Text(zh="需要权限：{permission}", en="This needs the permission {permission}.")
    permission: str


class OutOfScope(NotFound):
    """It lies outside the part of the organisation that the asker sees; for them it is not there."""

    text = Text(zh="没有找到，或不在您的数据范围内", en="There is none, or it lies outside of what you see.")


class CodeTooSoon(TooMany):
    """One code a minute and ten a day go to a phone."""

    text = Text(
        zh="发送太频繁，请 {retry_after_s} 秒后再试", en="Too many codes to this phone; try again in {retry_after_s} s."
    )
    retry_after_s: int


class CodeWrong(Unauthenticated):
    """The code is wrong, over, used, or was tried too often; ask for a new one."""

    text = Text(zh="验证码不正确或已失效", en="The code is wrong or no longer good; ask for a new one.")


class NoSuchKey(NotFound):
    """There is no such API key."""

    text = Text(zh="没有这个 API 密钥", en="There is no such API key.")
