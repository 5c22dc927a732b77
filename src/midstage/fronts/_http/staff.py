"""Who calls the console: somebody who works for the brand and signed in, or a program of the brand with its key."""

from datetime import timedelta
from typing import ClassVar, Self

from midstage.fronts._http.desk import AnyRequest, Caller, Desk, OtherAudience, bearer, session
from midstage.fronts._http.devices import address_of
from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.refusals import Refusal
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

# How exactly the owner of a session is told when it was used last; more would be a write a call.
SEEN_EVERY = timedelta(minutes=15)


class Staff(Caller, frozen=True):
    """Somebody of the staff, or an API key. The address names no brand: the token says which it is.

    Permissions, data scope, audit and idempotency are the same for both.
    """

    security: ClassVar[tuple[str, ...]] = ("staff", "app")
    takes_keys: ClassVar[bool] = True
    refuses: ClassVar[tuple[type[Refusal], ...]] = (access.SessionUnknown, access.SignInUnfinished, OtherAudience)

    session: access.Session

    @property
    def staff_id(self) -> organisation.StaffId | None:
        """Who it is of the staff; nobody, if it is a program."""
        return organisation.StaffId(self.by.id) if self.by.kind == "staff" else None

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Raises access.SessionUnknown, SignInUnfinished, OtherAudience."""
        token = bearer(request)
        brand = access.brand_of_token(token) if token else None
        if token is None or brand is None:
            raise access.SessionUnknown
        tenant = await desk.tenant_of_brand(brand)
        if not access.is_key(token):
            found = await session(desk, tenant, token, access.SessionKind.STAFF)
            _touch(request, desk, tenant, found)
            return cls(tenant, Principal("staff", found.subject_id), found)
        found = await desk.key(tenant, token)
        if not cls.takes_keys:
            raise OtherAudience(found.kind)
        return cls(tenant, Principal("app", found.subject_id), found)


def _touch(request: AnyRequest, desk: Desk, tenant: Tenant, found: access.Session) -> None:
    """Note that a session is in use, as seldom as its owner has to know."""
    now = utc_now()
    if found.seen_at is None or now - found.seen_at >= SEEN_EVERY:
        desk.notebook.touched(tenant, found.session_id, now, address_of(request))


class Person(Staff, frozen=True):
    """Somebody of the staff in person: for what is theirs alone, or stands for their being there."""

    security: ClassVar[tuple[str, ...]] = ("staff",)
    takes_keys: ClassVar[bool] = False

    @property
    def staff_id(self) -> organisation.StaffId:
        return organisation.StaffId(self.by.id)


class App(Staff, frozen=True):
    """A program with its key, and nobody else."""

    security: ClassVar[tuple[str, ...]] = ("app",)

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Raises access.SessionUnknown, SignInUnfinished, OtherAudience."""
        found = await super().enter(request, desk)
        if found.by.kind != "app":
            raise OtherAudience(found.session.kind)
        return found
