"""Signing in, by password and whatever else the brand asks for; the own sessions, and the own password."""

from typing import Annotated, ClassVar, Self
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, Caller, Desk, OtherAudience, bearer, desk_of
from midstage.fronts._http.devices import device_of
from midstage.fronts._http.staff import Person
from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant
from midstage.kit.database import Tx
from midstage.kit.refusals import Refusal
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: me"]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=800)]
Code = Annotated[str, msgspec.Meta(min_length=6, max_length=20, description="Of the app, or a recovery code")]
WEAK = (
    access.PasswordShort,
    access.PasswordLong,
    access.PasswordCommon,
    access.PasswordGuessable,
)


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the brand, the login and the password."""

    brand: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Password


class GiveCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the second factor."""

    code: Code


class SignedIn(msgspec.Struct, frozen=True):
    """The token for `Authorization: Bearer …`.

    Where `next` is empty, one is in. Else the token opens the next step alone: `code` is POST /sign-in/code, `enrol`
    POST /me/second-factor and its confirmation, `password` PUT /me/password. Each step answers with another token.
    """

    token: str
    brand: str
    next: access.Next = access.Next.NOTHING


class ChangePassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password, and the one from now on."""

    old: Password
    new: Password


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    """Who I am, what I may, and over what."""

    staff: organisation.Staff
    brand: organisation.Brand
    session_id: UUID
    permissions: list[str]
    scope: organisation.Scope
    roles: list[access.RoleGrant]


class EndedSessions(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    sessions: int


class HalfIn(Caller, frozen=True):
    """Somebody whose password was right, and who may have something left to do before they are in."""

    security: ClassVar[tuple[str, ...]] = ("staff",)
    refuses: ClassVar[tuple[type[Refusal], ...]] = (access.SessionUnknown, OtherAudience)

    session: access.Session
    token: str

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Raises access.SessionUnknown, OtherAudience."""
        token = bearer(request)
        brand = access.brand_of_token(token) if token else None
        if token is None or brand is None:
            raise access.SessionUnknown
        tenant: Tenant = await desk.tenant_of_brand(brand)
        async with desk.database.reading(tenant) as tx:
            found = await access.find_session(tx, token, unfinished=frozenset(access.Next))
        if found.kind != access.SessionKind.STAFF:
            raise OtherAudience(found.kind)
        return cls(tenant, Principal("staff", found.subject_id), found, token)


@changing("POST", "/sign-in", tags=TAGS, guesses=True, refuses=(access.SignInWrong, access.LockedOut))
async def sign_in(data: SignIn, request: AnyRequest) -> SignedIn:
    """Sign in. A brand, login or password that is wrong gets the same answer; `next` says what is left to do."""
    desk = desk_of(request)
    try:
        tenant = await desk.tenant(data.brand)
    except organisation.NoSuchBrand:
        await access.waste_time(data.password)
        raise access.SignInWrong from None
    entered = await access.sign_in(desk.database, tenant, data.login, data.password, device=device_of(request))
    return SignedIn(entered.token, tenant.code, entered.next)


@changing("POST", "/sign-in/code", tags=TAGS, guesses=True, refuses=(access.SecondFactorWrong, access.LockedOut))
async def give_code(data: GiveCode, request: AnyRequest, half: HalfIn) -> SignedIn:
    """Finish signing in with a code of the second factor, or a recovery code; each is good once."""
    token = await access.give_code(
        desk_of(request).database, half.tenant, half.token, data.code, device=device_of(request)
    )
    return SignedIn(token, half.tenant.code)


@changing("POST", "/sign-out", status=204, tags=TAGS)
async def sign_out(tx: Tx, half: HalfIn) -> None:
    """End this session; its token opens nothing any more."""
    await access.revoke_session(tx, half.session.session_id)


@reading("/me", tags=TAGS)
async def me(tx: Tx, staff: Person) -> MeView:
    """Who I am, what I may do, and over which part of the organisation."""
    return MeView(
        staff=await organisation.staff(tx, staff.staff_id),
        brand=await organisation.brand(tx),
        session_id=staff.session.session_id,
        permissions=sorted(staff.session.permissions),
        scope=staff.session.scope,
        roles=await access.grants_of(tx, staff.staff_id),
    )


@reading("/me/sessions", tags=TAGS)
async def my_sessions(tx: Tx, staff: Person) -> list[access.OpenSession]:
    """Where I am signed in, the newest first; when each was used last to a quarter of an hour."""
    return await access.sessions(tx, staff.staff_id)


@changing("DELETE", "/me/sessions/{session_id:uuid}", status=204, tags=TAGS, refuses=(access.SessionUnknown,))
async def end_session(session_id: UUID, tx: Tx, staff: Person) -> None:
    """End one of my sessions; one that is over, or not mine, is no fault and stays as it is."""
    await access.revoke_own(tx, staff.staff_id, session_id)


@changing("DELETE", "/me/sessions", tags=TAGS)
async def end_other_sessions(tx: Tx, staff: Person) -> EndedSessions:
    """End all of my sessions but this one."""
    return EndedSessions(await access.revoke_all(tx, staff.staff_id, keep=staff.session.session_id))


@changing(
    "PUT",
    "/me/password",
    tags=TAGS,
    guesses=True,
    refuses=(access.SignInWrong, access.LockedOut, access.SignInUnfinished, *WEAK),
)
async def change_password(data: ChangePassword, request: AnyRequest, half: HalfIn) -> SignedIn:
    """Change my password; all of my sessions end, this one too, and the token in the answer is the new one."""
    token = await access.change_password(
        desk_of(request).database,
        half.tenant,
        half.session,
        old=data.old,
        new=data.new,
        device=device_of(request),
    )
    return SignedIn(token, half.tenant.code)


HANDLERS: list[HTTPRouteHandler] = [
    sign_in,
    give_code,
    sign_out,
    me,
    my_sessions,
    end_session,
    end_other_sessions,
    change_password,
]
