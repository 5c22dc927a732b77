"""Who gets in: logins of staff, their roles and data scope, roles of the brand's own, API keys of programs."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Code, Moment, Name, moment
from midstage.fronts.console.people import person_within
from midstage.fronts.console.sign_in import WEAK
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: access"]
READ, WRITE = "access.read", "access.write"
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=800)]
Names = Annotated[list[Annotated[str, msgspec.Meta(max_length=60)]], msgspec.Meta(max_length=100)]
Calls = Annotated[int, msgspec.Meta(ge=1, le=60_000, description="Calls a minute; null: as many as any key")]
Overlap = Annotated[int, msgspec.Meta(ge=0, le=30 * 24 * 60, description="Minutes")]
Ids = Annotated[list[UUID], msgspec.Meta(max_length=500)]
GIVING = (
    access.OutOfScope,
    access.NoSuchLogin,
    access.NoSuchRole,
    access.BeyondOwn,
    organisation.NoSuchStaff,
    organisation.StaffGone,
    organisation.NoSuchUnit,
    organisation.NoSuchOperator,
    organisation.NoSuchStore,
)


class GrantScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Over which part of the organisation: everything, or these units, operators and stores."""

    everything: bool = False
    units: Ids = []
    operators: Ids = []
    stores: Ids = []

    def scope(self) -> organisation.Scope:
        return organisation.Scope(
            everything=self.everything,
            units=frozenset(organisation.UnitId(one) for one in self.units),
            operators=frozenset(organisation.OperatorId(one) for one in self.operators),
            stores=frozenset(organisation.StoreId(one) for one in self.stores),
        )


class GrantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role, and over which part."""

    role: Code
    scope: GrantScope

    def grant(self) -> access.RoleGrant:
        return access.RoleGrant(self.role, self.scope.scope())


Grants = Annotated[list[GrantBody], msgspec.Meta(max_length=20)]


class NewLogin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody signs in from now on, and what they may."""

    login: access.LoginName
    password: Password
    grants: Grants = []


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password that is set for somebody; every session of theirs ends."""

    login: access.LoginName
    password: Password


class GrantsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The roles of somebody from now on."""

    grants: Grants


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role of the brand's own."""

    name_zh: Name
    name_en: Name
    permissions: Names


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key for a program: what it may, over which part, until when."""

    name: Name
    permissions: Names
    scope: GrantScope
    expires_at: Moment | None = None
    calls_per_minute: Calls | None = None


class NewSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the secret of before opens beside the new one."""

    overlap_minutes: Overlap = 24 * 60


class MadeKey(msgspec.Struct, frozen=True):
    """A new key. The secret is told now and never again."""

    key_id: UUID
    secret: str


@reading("/access/permissions", tags=TAGS, needs=READ)
async def permissions(_staff: Staff) -> list[access.Permission]:
    """Everything that may be allowed."""
    return list(access.PERMISSIONS.values())


@reading("/access/roles", tags=TAGS, needs=READ)
async def roles(tx: Tx, _staff: Staff) -> list[access.Role]:
    """The built-in roles, and the brand's own."""
    return await access.roles(tx)


@changing(
    "PUT",
    "/access/roles/{code:str}",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, access.BadRole, access.NoSuchPermission, access.BeyondOwn),
)
async def put_role(code: Code, data: RoleBody, tx: Tx, staff: Staff) -> list[access.Role]:
    """Make or change a role of the brand's own."""
    whole_brand(staff, WRITE)
    role = access.Role(code, data.name_zh, data.name_en, frozenset(data.permissions))
    await access.put_role(tx, role, by=staff.session)
    return await access.roles(tx)


@changing(
    "DELETE",
    "/access/roles/{code:str}",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, access.NoSuchRole, access.RoleInUse),
)
async def remove_role(code: Code, tx: Tx, staff: Staff) -> None:
    """Remove a role that nobody has."""
    whole_brand(staff, WRITE)
    await access.remove_role(tx, code)


@reading("/access/logins", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def logins(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[access.Login]:
    """Every login of the brand, by name."""
    whole_brand(staff, READ)
    return await access.list_logins(tx, PageRequest(after, limit))


@changing(
    "POST",
    "/staff/{staff_id:uuid}/login",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(*GIVING, access.LoginTaken, *WEAK),
)
async def create_login(staff_id: UUID, data: NewLogin, request: AnyRequest, staff: Staff) -> None:
    """Give somebody a login and roles, none beyond what I hold myself."""
    desk = desk_of(request)
    hashed, alone = await access.passwords_of(desk.database, staff.tenant, data.password, login=data.login)

    async def create(tx: Tx) -> None:
        person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
        given = [one.grant() for one in data.grants]
        await access.create_login(tx, person.staff_id, data.login, hashed, given, fit_alone=alone, by=staff.session)

    await desk.database.attempt(staff.tenant, create, by=staff.by)


@changing(
    "PUT",
    "/staff/{staff_id:uuid}/login/password",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(*GIVING, access.LoginClosed, *WEAK),
)
async def reset_password(staff_id: UUID, data: NewPassword, request: AnyRequest, staff: Staff) -> None:
    """Set somebody's password for them; their sessions and their lock end."""
    desk = desk_of(request)
    async with desk.database.reading(staff.tenant) as seen:
        person = await person_within(seen, await reach(seen, staff, WRITE), staff_id)
    hashed, alone = await access.passwords_of(
        desk.database, staff.tenant, data.password, login=data.login, staff_id=person.staff_id
    )

    async def reset(tx: Tx) -> None:
        await person_within(tx, await reach(tx, staff, WRITE), staff_id)
        await access.reset_password(tx, person.staff_id, hashed, fit_alone=alone, by=staff.session)

    await desk.database.attempt(staff.tenant, reset, by=staff.by)


@changing("POST", "/staff/{staff_id:uuid}/login/close", status=204, tags=TAGS, needs=WRITE, refuses=GIVING)
async def close_login(staff_id: UUID, tx: Tx, staff: Staff) -> None:
    """Let somebody in no more; their sessions end at once."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    await access.close_login(tx, person.staff_id, by=staff.session)


@changing("POST", "/staff/{staff_id:uuid}/login/reopen", status=204, tags=TAGS, needs=WRITE, refuses=GIVING)
async def reopen_login(staff_id: UUID, tx: Tx, staff: Staff) -> None:
    """Let somebody in again."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    await access.reopen_login(tx, person.staff_id, by=staff.session)


@changing("POST", "/staff/{staff_id:uuid}/login/unlock", status=204, tags=TAGS, needs=WRITE, refuses=GIVING)
async def unlock(staff_id: UUID, tx: Tx, staff: Staff) -> None:
    """End the lock that wrong passwords brought."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    await access.unlock(tx, person.staff_id, by=staff.session)


@reading("/staff/{staff_id:uuid}/grants", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchStaff))
async def grants(staff_id: UUID, tx: Tx, staff: Staff) -> list[access.RoleGrant]:
    """The roles of somebody, each with its scope."""
    person = await person_within(tx, await reach(tx, staff, READ), staff_id)
    return await access.grants_of(tx, person.staff_id)


@changing("PUT", "/staff/{staff_id:uuid}/grants", tags=TAGS, needs=WRITE, refuses=GIVING)
async def set_grants(staff_id: UUID, data: GrantsBody, tx: Tx, staff: Staff) -> list[access.RoleGrant]:
    """Set the roles of somebody, none beyond what I hold myself; in force with their next call."""
    person = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    await access.set_grants(tx, person.staff_id, [one.grant() for one in data.grants], by=staff.session)
    return await access.grants_of(tx, person.staff_id)


@reading("/access/keys", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def keys(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[access.Key]:
    """The API keys of the brand, without their secrets."""
    whole_brand(staff, READ)
    return await access.list_keys(tx, PageRequest(after, limit))


@changing(
    "POST",
    "/access/keys",
    status=201,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        NeedsWholeBrand,
        BadDate,
        access.BadKey,
        access.NoSuchPermission,
        access.BeyondOwn,
        organisation.NoSuchUnit,
        organisation.NoSuchOperator,
        organisation.NoSuchStore,
    ),
)
async def create_key(data: NewKey, tx: Tx, staff: Staff) -> MadeKey:
    """Make a key. The secret in the answer is not kept anywhere, so the answer is not kept for a retry either."""
    whole_brand(staff, WRITE)
    until: datetime | None = moment(data.expires_at) if data.expires_at else None
    key_id, secret = await access.create_key(
        tx,
        data.name,
        frozenset(data.permissions),
        data.scope.scope(),
        expires_at=until,
        calls_per_minute=data.calls_per_minute,
        by=staff.session,
    )
    return MadeKey(key_id, secret)


@changing(
    "POST",
    "/access/keys/{key_id:uuid}/rotate",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, access.NoSuchKey, access.BadOverlap, access.BeyondOwn),
)
async def rotate_key(key_id: UUID, data: NewSecret, tx: Tx, staff: Staff) -> MadeKey:
    """Give a key a new secret; the one before opens for a while longer, so that programs can be changed in peace."""
    whole_brand(staff, WRITE)
    overlap = timedelta(minutes=data.overlap_minutes)
    return MadeKey(key_id, await access.rotate_key(tx, key_id, overlap=overlap, by=staff.session))


@changing(
    "DELETE",
    "/access/keys/{key_id:uuid}",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, access.NoSuchKey),
)
async def revoke_key(key_id: UUID, tx: Tx, staff: Staff) -> None:
    """End a key at once."""
    whole_brand(staff, WRITE)
    await access.revoke_key(tx, key_id)


HANDLERS: list[HTTPRouteHandler] = [
    permissions,
    roles,
    put_role,
    remove_role,
    logins,
    create_login,
    reset_password,
    close_login,
    reopen_login,
    unlock,
    grants,
    set_grants,
    keys,
    create_key,
    rotate_key,
    revoke_key,
]
