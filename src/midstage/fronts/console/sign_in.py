"""Signing in by password, the own sessions, and the own password."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: me"]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the brand, the login and the password."""

    brand: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Password


class SignedIn(msgspec.Struct, frozen=True):
    """The token for `Authorization: Bearer …`."""

    token: str
    brand: str


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


@changing("POST", "/sign-in", tags=TAGS, refuses=(access.SignInWrong, access.LockedOut))
async def sign_in(data: SignIn, request: AnyRequest) -> SignedIn:
    """Sign in. A brand, login or password that is wrong gets the same answer."""
    desk = desk_of(request)
    try:
        tenant = await desk.tenant(data.brand)
    except organisation.NoSuchBrand:
        raise access.SignInWrong from None
    token = await access.sign_in(desk.database, tenant, data.login, data.password)
    return SignedIn(token, tenant.code)


@changing("POST", "/sign-out", status=204, tags=TAGS)
async def sign_out(tx: Tx, staff: Staff) -> None:
    """End this session; its token opens nothing any more."""
    await access.revoke_session(tx, staff.session.session_id)


@reading("/me", tags=TAGS)
async def me(tx: Tx, staff: Staff) -> MeView:
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
async def my_sessions(tx: Tx, staff: Staff) -> list[access.OpenSession]:
    """Where I am signed in, the newest first."""
    return await access.sessions(tx, staff.staff_id)


@changing("DELETE", "/me/sessions/{session_id:uuid}", status=204, tags=TAGS, refuses=(access.SessionUnknown,))
async def end_session(session_id: UUID, tx: Tx, staff: Staff) -> None:
    """End one of my sessions; one that is over, or not mine, is no fault and stays as it is."""
    if session_id in {one.session_id for one in await access.sessions(tx, staff.staff_id)}:
        await access.revoke_session(tx, session_id)


@changing("PUT", "/me/password", status=204, tags=TAGS, refuses=(access.SignInWrong, access.PasswordWeak))
async def change_password(data: ChangePassword, request: AnyRequest, staff: Staff) -> None:
    """Change my password; all of my other sessions end."""
    await access.change_password(
        desk_of(request).database,
        staff.tenant,
        staff.staff_id,
        old=data.old,
        new=data.new,
        keep=staff.session.session_id,
    )


HANDLERS: list[HTTPRouteHandler] = [sign_in, sign_out, me, my_sessions, end_session, change_password]
