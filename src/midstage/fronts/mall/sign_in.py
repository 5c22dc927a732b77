"""Signing in by phone code: a person is found or made, joins, and takes the guest's cart along."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing
from midstage.fronts._http.desk import AnyRequest, Desk, desk_of
from midstage.fronts.mall.callers import Shopper, Visitor
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

TAGS = ["mall: me"]
SIGNED_IN_FOR = timedelta(days=90)
PURPOSE = "mall sign-in"
Phone = Annotated[str, msgspec.Meta(min_length=3, max_length=30, description="With or without the country")]
Code = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]


class AskCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to send a code."""

    phone: Phone


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that came, and what brought the shopper here."""

    phone: Phone
    code: Code
    store_id: UUID | None = None
    guide_id: UUID | None = None
    touchpoint_id: UUID | None = None
    referrer_id: UUID | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """The token for `Authorization: Bearer …`, and who it is for."""

    token: str
    member_id: UUID
    member_no: str
    level: str
    joined: bool
    """Whether she became a member just now."""


@changing(
    "POST",
    "/sign-in/code",
    status=204,
    tags=TAGS,
    guesses=True,
    refuses=(access.CodeTooSoon, access.MessageNotSent, identity.BadIdentifier),
)
async def ask_code(data: AskCode, request: AnyRequest, visitor: Visitor) -> None:
    """Send a sign-in code to a phone. The answer is the same whether a member has this phone or not."""
    desk = desk_of(request)
    phone = await _phone(desk, visitor, data.phone)
    await access.request_code(desk.database, visitor.tenant, desk.messages, phone.value, PURPOSE)


@changing(
    "POST",
    "/sign-in",
    tags=TAGS,
    guesses=True,
    refuses=(access.CodeWrong, identity.BadIdentifier, identity.IdentifiersBlocked, identity.IdentityContended),
)
async def sign_in(data: SignIn, request: AnyRequest, visitor: Visitor) -> SignedIn:
    """Sign in with the code; whoever is new joins at once, bound to the store, guide and touchpoint that brought her.

    The guest's cart and favourites (header Midstage-Guest) come along.
    """
    desk = desk_of(request)
    phone = await _phone(desk, visitor, data.phone)
    await access.check_code(desk.database, visitor.tenant, phone.value, data.code, PURPOSE)

    async def enter(tx: Tx) -> SignedIn:
        return await _enter(tx, phone, data, visitor)

    return await desk.database.attempt(visitor.tenant, enter, by=visitor.by)


async def _enter(tx: Tx, phone: identity.Identifier, data: SignIn, visitor: Visitor) -> SignedIn:
    resolved = await identity.attach_and_resolve(tx, [phone], source="mall")
    member = await members.join(
        tx,
        resolved.person_id,
        front="mall",
        store_id=organisation.StoreId(data.store_id) if data.store_id else None,
        guide_id=organisation.GuideId(data.guide_id) if data.guide_id else None,
        touchpoint_id=organisation.TouchpointId(data.touchpoint_id) if data.touchpoint_id else None,
        referrer_id=members.MemberId(data.referrer_id) if data.referrer_id else None,
    )
    if visitor.guest_id is not None:
        await orders.merge(tx, orders.OwnerId(visitor.guest_id), orders.OwnerId(member.member_id))
    token = await access.open_session(
        tx, access.SessionKind.SHOPPER, resolved.person_id, member_id=member.member_id, lasts=SIGNED_IN_FOR
    )
    return SignedIn(token, member.member_id, member.member_no, member.level, member.joined)


async def _phone(desk: Desk, visitor: Visitor, text: str) -> identity.Identifier:
    """A phone as it was typed: without a country it is one of the brand's own. Raises identity.BadIdentifier."""
    async with desk.database.reading(visitor.tenant) as tx:
        prefix = (await organisation.brand(tx)).phone_prefix
    return identity.identifier(identity.IdentifierKind.PHONE, text, country=prefix)


@changing("POST", "/sign-out", status=204, tags=TAGS)
async def sign_out(tx: Tx, shopper: Shopper) -> None:
    """End this session; its token opens nothing any more."""
    await access.revoke_session(tx, shopper.session_id)


HANDLERS: list[HTTPRouteHandler] = [ask_code, sign_in, sign_out]
