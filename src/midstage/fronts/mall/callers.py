"""Who calls the mall: a shopper who signed in, or a visitor who may be one."""

from typing import ClassVar, Self
from uuid import UUID, uuid5

from midstage.fronts._http.desk import AnyRequest, Caller, Desk, OtherAudience, bearer, session
from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant
from midstage.kit.refusals import Invalid, Refusal, Text
from midstage.middle.access import api as access
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

GUEST_HEADER = "Midstage-Guest"
CHANNEL = "mall"
NOBODY = UUID(int=0)
GUESTS = UUID("6c1f6f5e-8c0b-5a44-9d3c-2f0a7c5a4b11")


class GuestUnknown(Invalid):
    """A visitor who keeps a cart says who they are: a UUID of their own making, the same each time."""

    text = Text(
        zh="游客购物车需要请求头 Midstage-Guest（自行生成并保留的 UUID）",
        en="A guest's cart needs the header Midstage-Guest: a UUID that the device makes once and keeps.",
    )


class Shopper(Caller, frozen=True):
    """A member who signed in."""

    security: ClassVar[tuple[str, ...]] = ("shopper",)
    refuses: ClassVar[tuple[type[Refusal], ...]] = (organisation.NoSuchBrand, access.SessionUnknown, OtherAudience)

    member_id: members.MemberId
    """The leading membership, where persons were merged since she signed in."""
    member_ids: frozenset[members.MemberId]
    """All of hers."""
    session_id: UUID

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Raises organisation.NoSuchBrand, access.SessionUnknown, OtherAudience."""
        tenant = await desk.tenant(request.path_params["brand"])
        hers, session_id = await _signed_in(request, desk, tenant)
        return cls(tenant, Principal("shopper", hers.leading), hers.leading, hers.ids, session_id)

    @property
    def owner(self) -> orders.OwnerId:
        return orders.OwnerId(self.member_id)


class Visitor(Caller, frozen=True):
    """Anybody: a shopper if a token says so, else a guest, with a cart if they name themselves."""

    security: ClassVar[tuple[str, ...]] = ("shopper",)
    may_be_nobody: ClassVar[bool] = True
    headers: ClassVar[tuple[str, ...]] = (GUEST_HEADER,)
    refuses: ClassVar[tuple[type[Refusal], ...]] = (*Shopper.refuses, GuestUnknown)

    member_id: members.MemberId | None
    guest_id: UUID | None

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """A token that is no good is refused rather than overlooked. Raises as Shopper.enter, and GuestUnknown."""
        tenant = await desk.tenant(request.path_params["brand"])
        guest = _guest(request)
        if bearer(request) is None:
            return cls(tenant, Principal("guest", guest or NOBODY), None, guest)
        hers, _ = await _signed_in(request, desk, tenant)
        return cls(tenant, Principal("shopper", hers.leading), hers.leading, guest)

    @property
    def owner(self) -> orders.OwnerId:
        """Whose cart it is. Raises GuestUnknown for one who did not say."""
        if self.member_id is not None:
            return orders.OwnerId(self.member_id)
        if self.guest_id is None:
            raise GuestUnknown
        return orders.OwnerId(self.guest_id)


async def _signed_in(request: AnyRequest, desk: Desk, tenant: Tenant) -> tuple[members.Memberships, UUID]:
    """The memberships and session of the token. One of another brand is as unknown as one that never was."""
    token = bearer(request)
    if token is None or access.brand_of_token(token) != tenant.brand:
        raise access.SessionUnknown
    found = await session(desk, tenant, token, access.SessionKind.SHOPPER)
    if found.member_id is None:
        raise access.SessionUnknown
    async with desk.database.reading(tenant) as tx:
        try:
            hers = await members.memberships_with(tx, members.MemberId(found.member_id))
        except members.NoSuchMember:
            raise access.SessionUnknown from None
    return hers, found.session_id


def _guest(request: AnyRequest) -> UUID | None:
    """The owner of a guest's cart: made of what the device says, so that it can never be the id of a member.

    Members' ids are told (who brought whom), and a header that named one would open the cart of that member.
    """
    said = request.headers.get(GUEST_HEADER)
    if said is None:
        return None
    try:
        return uuid5(GUESTS, UUID(said).hex)
    except ValueError:
        raise GuestUnknown from None
