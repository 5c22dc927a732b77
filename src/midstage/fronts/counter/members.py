"""Who stands at the counter: a member by code, phone or card, or somebody who joins."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.staff import Person
from midstage.fronts.counter.desk import AT_TILL, SELL, my_till, serving
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.refusals import Invalid, Text
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

TAGS = ["counter: members"]
PURPOSE = "join_at_till"
Phone = Annotated[str, msgspec.Meta(min_length=3, max_length=30)]


class TillJoinSettings(msgspec.Struct, frozen=True):
    """How a shopper joins at a till."""

    needs_code: bool = False
    """Her phone must be proven by a code."""


TILL_JOIN = organisation.declare(
    organisation.Policy("till_join", TillJoinSettings, Text(zh="收银台入会", en="Joining at a till"))
)


class OneOfThem(Invalid):
    """A member is named in one way: the code on her phone, her number, or her card."""

    text = Text(
        zh="须且只须给出会员码、手机号或卡号之一",
        en="Name a member by her code, her phone or her card, and by one of them only.",
    )


class ConsentMissing(Invalid):
    """Who joins agrees to the terms of membership."""

    text = Text(zh="入会须征得本人同意", en="Who joins must agree to the terms of membership.")


class FindMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what a member is known here."""

    till_id: UUID
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """The code on her phone; or the number of her membership."""
    phone: Phone | None = None
    card: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class AskJoinCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose phone is to be proven."""

    till_id: UUID
    phone: Phone


class JoinAtTill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who joins, and that she agreed; with the code that was sent, where the store asks for one."""

    till_id: UUID
    phone: Phone
    agrees: bool
    marketing: bool = False
    """Whether she also agrees to be written to."""
    document: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """The version of the terms that she was shown."""
    name: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    guide_id: UUID | None = None


class AtCounter(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the till shows her."""

    member_id: UUID
    member_no: str
    name: str | None
    """Masked."""
    level: str
    state: members.MemberState
    store_id: UUID
    guide_id: UUID
    proven: bool
    """By the code on her phone, shown within the last minutes."""
    joined: bool = False


@changing(
    "POST",
    "/members/find",
    tags=TAGS,
    needs=SELL,
    refuses=(*AT_TILL, OneOfThem, members.NoSuchMember, members.MemberCodeWrong, identity.BadIdentifier),
)
async def find_member(data: FindMember, tx: Tx, staff: Person) -> AtCounter:
    """Find the member by the code on her phone, her phone's number, or her card."""
    await my_till(tx, staff, SELL, data.till_id)
    if sum(named is not None for named in (data.code, data.phone, data.card)) != 1:
        raise OneOfThem
    if data.code is not None:
        shown = await members.member_by_code(tx, data.code)
        return _view(shown.member, proven=shown.proven)
    kind = identity.IdentifierKind.PHONE if data.phone else identity.IdentifierKind.CARD
    person_id = await identity.resolve(
        tx, identity.Identifier(kind, data.phone or data.card or ""), country=await _prefix(tx)
    )
    found = await members.member_of(tx, person_id) if person_id else None
    if found is None:
        raise members.NoSuchMember(NOBODY)
    return _view(found, proven=False)


@changing(
    "POST",
    "/members/join-code",
    status=204,
    tags=TAGS,
    needs=SELL,
    refuses=(*AT_TILL, identity.BadIdentifier, access.CodeTooSoon, access.MessageNotSent),
)
async def ask_join_code(data: AskJoinCode, request: AnyRequest, staff: Person) -> None:
    """Send a code to the phone of somebody who wants to join. The answer is the same for members."""
    desk = desk_of(request)
    async with desk.database.reading(staff.tenant, by=staff.by) as tx:
        await my_till(tx, staff, SELL, data.till_id)
        phone = identity.identifier(identity.IdentifierKind.PHONE, data.phone, country=await _prefix(tx))
    await access.request_code(desk.database, staff.tenant, desk.messages, phone.value, PURPOSE)


@changing(
    "POST",
    "/members",
    tags=TAGS,
    needs=SELL,
    refuses=(
        *AT_TILL,
        ConsentMissing,
        access.CodeWrong,
        identity.BadIdentifier,
        identity.IdentityContended,
        identity.IdentifiersBlocked,
        members.BadProfile,
        organisation.NoSuchGuide,
        organisation.GuideGone,
    ),
)
async def join_at_till(data: JoinAtTill, request: AnyRequest, staff: Person) -> AtCounter:
    """Let somebody join, bound to this store and who serves her. Who is a member already is answered as she is."""
    desk = desk_of(request)
    if not data.agrees:
        raise ConsentMissing
    async with desk.database.reading(staff.tenant, by=staff.by) as tx:
        till = await my_till(tx, staff, SELL, data.till_id)
        phone = identity.identifier(identity.IdentifierKind.PHONE, data.phone, country=await _prefix(tx))
        settings = await organisation.settings_of(tx, TILL_JOIN, till.at)
    if settings.needs_code or data.code is not None:
        await access.check_code(desk.database, staff.tenant, phone.value, data.code or "", PURPOSE)

    async def join(tx: Tx) -> AtCounter:
        return await _join(tx, staff, till, phone, data)

    return await desk.database.attempt(staff.tenant, join, by=staff.by)


async def _join(tx: Tx, staff: Person, till: orders.Till, phone: identity.Identifier, data: JoinAtTill) -> AtCounter:
    found = await identity.attach_and_resolve(tx, [phone], source="counter")
    member = await members.join(
        tx,
        found.person_id,
        front="counter",
        store_id=till.at.store_id,
        guide_id=await serving(tx, staff, till, data.guide_id),
        touchpoint_id=till.till_id,
        profile=members.Profile(name=data.name) if data.name else None,
    )
    purposes = [members.Purpose.SERVICE, *([members.Purpose.MARKETING] if data.marketing else [])]
    for purpose in purposes if member.joined else ():
        channel = members.Channel.ANY
        await members.give_consent(tx, member.member_id, purpose, channel, source="counter", document=data.document)
    return _view(member, proven=data.code is not None)


async def _prefix(tx: Tx) -> str:
    return (await organisation.brand(tx)).phone_prefix


def _view(member: members.Member, *, proven: bool) -> AtCounter:
    return AtCounter(
        member_id=member.member_id,
        member_no=member.member_no,
        name=masked(member.name) if member.name else None,
        level=member.level,
        state=member.state,
        store_id=member.store_id,
        guide_id=member.guide_id,
        proven=proven,
        joined=member.joined,
    )


NOBODY = UUID(int=0)
HANDLERS: list[HTTPRouteHandler] = [find_member, ask_join_code, join_at_till]
