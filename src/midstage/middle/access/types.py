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
PasswordHash = NewType("PasswordHash", str)
LoginName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{1,99}$")]


class SessionKind(StrEnum):
    """Whom a session lets in."""

    SHOPPER = "shopper"
    STAFF = "staff"
    GUIDE = "guide"
    APP = "app"


class Next(StrEnum):
    """What somebody has to do before their session opens anything else; nothing, once they are in."""

    NOTHING = ""
    CODE = "code"
    """Give the code of the second factor."""
    ENROL = "enrol"
    """Set up a second factor: a role of theirs needs one."""
    RENEW = "password"
    """Choose a longer password: theirs was good beside a second factor that is gone."""


class Device(msgspec.Struct, frozen=True):
    """Where a session is used, as its owner may recognise it; both are what the device says of itself."""

    name: str = ""
    ip: str = ""


class Entered(msgspec.Struct, frozen=True):
    """A token, and what has to be done with it first."""

    token: Token
    next: Next


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


class Held(msgspec.Struct, frozen=True):
    """Permissions, and the part of the organisation over which they are held."""

    permissions: frozenset[str]
    scope: organisation.Scope


class Session(msgspec.Struct, frozen=True):
    """Who is here and what they may; what the token was exchanged for.

    `permissions` and `scope` are the unions over all roles, to show. What one permission may reach is what
    `need` returns: a manager of one region who audits the whole brand must not manage the whole brand.
    `subject_id` is the person of a shopper, the staff person of staff and guides, the key of an app.
    """

    kind: SessionKind
    session_id: SessionId
    brand: BrandId
    subject_id: UUID
    member_id: UUID | None
    permissions: frozenset[str]
    scope: organisation.Scope
    expires_at: datetime
    held: tuple[Held, ...] = ()
    next: Next = Next.NOTHING
    factors: int = 1
    seen_at: datetime | None = None
    calls_per_minute: int | None = None
    """Of a key: a limit of its own."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its secret; `prefix` is how the secret begins, to know it by."""

    key_id: KeyId
    name: str
    prefix: str
    permissions: list[str]
    scope: organisation.Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_at: datetime | None = None
    """When it got its present secret, if not at the beginning."""
    old_until: datetime | None = None
    """Until when the secret before opens as well."""
    last_used_at: datetime | None = None
    """To the minute."""
    calls_per_minute: int | None = None
    """How many calls it may make; null: as many as any key."""


class LoginState(StrEnum):
    """Whether a login lets in."""

    OPEN = "open"
    CLOSED = "closed"


class Login(msgspec.Struct, frozen=True):
    """How somebody signs in to the console."""

    staff_id: organisation.StaffId
    name: str
    state: LoginState
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


class SignInUnfinished(Unauthenticated):
    """The password was right, and something has to be done before this token opens anything: `next` says what."""

    text = Text(zh="登录尚未完成，还需要：{next}", en="Signing in is not finished; what is left to do: {next}.")
    next: str


class SecondFactorWrong(Unauthenticated):
    """The code of the second factor is wrong, over, or was used before."""

    text = Text(
        zh="动态验证码不正确、已过期或已用过，请等待下一个",
        en="The code is wrong, over or used; wait for the next one.",
    )


class SecondFactorRequired(Forbidden):
    """A role of this person may not be used without a second factor."""

    text = Text(zh="您的角色要求使用二次验证", en="A role of yours needs a second factor.")


class NoSecondFactor(Conflict):
    """This person has no second factor, or none that was begun within a quarter of an hour."""

    text = Text(zh="没有启用二次验证，或设置已超时，请重新开始", en="There is no second factor here; begin anew.")


class PasswordWeak(Exception):  # noqa: N818  # what the refusals below have in common; none itself
    """A password is long, not a common one, and not made of what everybody knows about its owner."""


class PasswordShort(Invalid, PasswordWeak):
    """A password has so many characters at least: 15 where it is the only factor, 8 beside a second one."""

    text = Text(
        zh="密码至少 {shortest} 个字符：用几个不相干的词或一句话，不必含大小写、数字或符号",
        en="At least {shortest} characters: a few unrelated words or a sentence; no need for digits or symbols.",
    )
    shortest: int


class PasswordLong(Invalid, PasswordWeak):
    """A password has 200 characters at most."""

    text = Text(zh="密码最多 200 个字符", en="At most 200 characters.")


class PasswordCommon(Invalid, PasswordWeak):
    """Many use this password, or it is in the list of those that leaked."""

    text = Text(
        zh="这是常见或已泄露的密码，攻击者会最先尝试，请换一个",
        en="This password is common or has leaked, so it is tried first; choose another.",
    )


class PasswordGuessable(Invalid, PasswordWeak):
    """Little is left of a password without its runs, repetitions, common words, and what is known of its owner."""

    text = Text(
        zh="去掉连续或重复的字符、键盘顺序、常见词以及品牌、账号、姓名后所剩太少，请加入不相干的词",
        en="Without its runs, repetitions, common words and the names of brand, login and owner little is left of it;"
        " add unrelated words.",
    )


class PinWeak(Invalid):
    """A PIN has 6 to 12 digits that are neither all the same nor a row, like 123456."""

    text = Text(
        zh="PIN 须为 6–12 位数字，且不能全部相同或连续",
        en="A PIN has 6 to 12 digits, neither all the same nor one after the other.",
    )


class LoginTaken(Conflict):
    """Somebody of this brand has this login name, or this person has a login."""

    text = Text(
        zh="登录名 {name} 已被使用，或此员工已有账号", en="{name} is taken, or this person has a login already."
    )
    name: str


class BadLogin(Invalid):
    """A login name has 2 to 100 of a–z, 0–9, dot, underscore, at and hyphen, and begins with a letter or digit."""

    text = Text(
        zh="登录名须为 2–100 位小写字母、数字或 . _ @ -，并以字母或数字开头",
        en="A login has 2 to 100 of a-z, 0-9 and . _ @ -, and begins with a letter or digit.",
    )


class LoginClosed(Conflict):
    """The login was closed; its name and roles are kept, but it lets nobody in."""

    text = Text(zh="该账号已停用", en="This login is closed.")


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


class BadRole(Invalid):
    """A role of the brand's own has a code of small letters that no built-in role has, and a name in both languages."""

    text = Text(
        zh="角色 {role} 无效：编码须为小写字母、数字或下划线，不与内置角色重复，且有中英文名称",
        en="{role} cannot be a role: a code of a-z, 0-9 and _ that is not built in, and a name in both languages.",
    )
    role: str


class RoleInUse(Conflict):
    """Somebody still has this role."""

    text = Text(zh="还有 {people} 人拥有角色 {role}", en="{people} people still have the role {role}.")
    role: str
    people: int


class BeyondOwn(Forbidden):
    """Nobody gives a permission that they do not hold themselves, or over more than they see."""

    text = Text(
        zh="不能授予自己没有的权限或超出自己数据范围：{permission}",
        en="You cannot give {permission} over more than you hold it over yourself.",
    )
    permission: str


class BadKey(Invalid):
    """A key has a name of up to 100 characters, a permission at least, an end that is to come, 1 to 60,000 calls."""

    text = Text(
        zh="API 密钥须有名称、至少一项权限，到期时间在未来，每分钟调用数为 1–60000",
        en="A key needs a name, a permission at least, an end that is still to come, and 1 to 60,000 calls a minute.",
    )


class BadOverlap(Invalid):
    """The old secret of a key opens for up to 30 days beside the new one."""

    text = Text(zh="新旧密钥并存的时间须在 0 到 30 天之间", en="Two secrets of a key overlap by 0 to 30 days.")


class BadLasting(Invalid):
    """A session lasts a moment at least and a year at most."""

    text = Text(zh="会话有效期须在 1 秒到 366 天之间", en="A session lasts between a second and 366 days.")


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
