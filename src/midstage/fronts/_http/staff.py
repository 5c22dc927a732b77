"""Who calls the console and the till: somebody who works for the brand and signed in."""

from typing import ClassVar, Self

from midstage.fronts._http.desk import AnyRequest, Caller, Desk, OtherAudience, bearer, session
from midstage.kit.audit import Principal
from midstage.kit.refusals import Refusal
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation


class Staff(Caller, frozen=True):
    """Somebody of the staff. The address names no brand: the token says which it is."""

    security: ClassVar[tuple[str, ...]] = ("staff",)
    refuses: ClassVar[tuple[type[Refusal], ...]] = (access.SessionUnknown, OtherAudience)

    session: access.Session

    @property
    def staff_id(self) -> organisation.StaffId:
        return organisation.StaffId(self.session.subject_id)

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Raises access.SessionUnknown, OtherAudience."""
        token = bearer(request)
        brand = access.brand_of_token(token) if token else None
        if token is None or brand is None:
            raise access.SessionUnknown
        tenant = await desk.tenant_of_brand(brand)
        found = await session(desk, tenant, token, access.SessionKind.STAFF)
        return cls(tenant, Principal("staff", found.subject_id), found)
