"""Members: found by what they are known by, seen whole, changed, bound to store and guide, agreeing and refusing."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Code, Reason, Short, Version, day_begins
from midstage.fronts.console.member_views import (
    IdentifierView,
    MemberDetail,
    MemberRow,
    identifiers_of,
    member_detail,
    member_row,
)
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.refusals import Conflict, Text
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

TAGS = ["console: members"]
READ, WRITE = "members.read", "members.write"
InState = Annotated[members.MemberState | None, QueryParameter(name="state")]
From = Annotated[date | None, QueryParameter(name="joined_from", description="The first business day")]
To = Annotated[date | None, QueryParameter(name="joined_to", description="The last business day")]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
UNSEEN = (access.OutOfScope, members.NoSuchMember)
BINDING = (
    *UNSEEN,
    members.MemberChanged,
    organisation.NoSuchStore,
    organisation.NoSuchGuide,
    organisation.NoSuchTouchpoint,
    organisation.GuideGone,
)


class IdentifierOfAnother(Conflict):
    """Somebody else is known by this; merging two persons is a decision of its own."""

    text = Text(zh="该{kind}已属于其他人", en="This {kind} belongs to somebody else.")
    kind: str


KNOWN = (
    *UNSEEN,
    identity.BadIdentifier,
    identity.NoIdentifiers,
    identity.NoSuchIdentifier,
    identity.IdentifierLimit,
    identity.IdentifiersBlocked,
    identity.IdentityContended,
    IdentifierOfAnother,
)


class FindBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody is known by. In the body, so that no phone number stands in an address or a log."""

    kind: identity.IdentifierKind
    value: Value
    namespace: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Detach(FindBy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody is no longer known by, and why."""

    reason: Reason


class LabelsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All labels of a person from now on."""

    labels: Annotated[list[Label], msgspec.Meta(max_length=100)]


class LevelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The level and growth of a member from now on, and why."""

    level: Code
    growth: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    reason: Reason


class ChangeMember(members.ProfileChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a profile is to change."""


class StateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Freeze, close or open a membership, and why."""

    state: members.MemberState
    reason: Reason


class BindBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To whom a member is bound from now on; what is not given stays, but a guide brings her store."""

    reason: Reason
    store_id: UUID | None = None
    guide_id: UUID | None = None
    touchpoint_id: UUID | None = None


class ConsentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes or a no that the member gave to somebody of the staff."""

    purpose: members.Purpose
    channel: members.Channel
    given: bool
    document: Annotated[str, msgspec.Meta(max_length=100)] = ""


@reading("/members", tags=TAGS, needs=READ, refuses=(access.OutOfScope, BadDate))
async def member_list(  # noqa: PLR0913, PLR0917  # each is a filter of the address
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    guide_id: UUID | None = None,
    level: Short | None = None,
    in_state: InState = None,
    label: Short | None = None,
    name: Short | None = None,
    member_no: Short | None = None,
    joined_from: From = None,
    joined_to: To = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[MemberRow]:
    """Members of the stores that I see, who joined last first; `name` is how a name begins. Names are masked."""
    within = await reach(tx, staff, READ)
    wanted = members.MemberFilter(
        store_ids=within.narrowed(store_id),
        guide_id=organisation.GuideId(guide_id) if guide_id else None,
        level=level,
        state=in_state,
        label=label,
        name=name,
        member_no=member_no,
        joined_from=day_begins(tx.tenant, joined_from),
        joined_before=day_begins(tx.tenant, joined_to, after=1),
    )
    found = await members.find(tx, wanted, PageRequest(after, limit))
    return Page([member_row(one) for one in found.items], found.next)


@changing("POST", "/members/find", tags=TAGS, needs=READ, refuses=(*UNSEEN, identity.BadIdentifier))
async def find_member(data: FindBy, tx: Tx, staff: Staff) -> MemberDetail:
    """The member of a phone, card, e-mail or other identifier."""
    within = await reach(tx, staff, READ)
    person_id = await identity.resolve(tx, await _identifier(tx, data))
    found = await members.member_of(tx, person_id) if person_id else None
    if found is None or not within.covers(found.store_id):
        raise access.OutOfScope
    return await member_detail(tx, found, staff)


@reading("/members/{member_id:uuid}", tags=TAGS, needs=READ, refuses=UNSEEN)
async def member(member_id: UUID, tx: Tx, staff: Staff) -> MemberDetail:
    """One member, whole; identifiers are masked, but for those who may change the member."""
    return await member_detail(tx, await _within(tx, await reach(tx, staff, READ), member_id), staff)


@changing(
    "PATCH",
    "/members/{member_id:uuid}",
    tags=TAGS,
    needs=WRITE,
    refuses=(*UNSEEN, members.BadProfile, members.MemberChanged),
)
async def change_member(
    member_id: UUID, data: ChangeMember, tx: Tx, staff: Staff, seen: Version | None = None
) -> members.Member:
    """Change a profile; what is not named stays."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    return await members.change_profile(tx, found.member_id, data, seen=seen)


@changing(
    "POST",
    "/members/{member_id:uuid}/state",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*UNSEEN, members.MemberChanged),
)
async def change_state(member_id: UUID, data: StateBody, tx: Tx, staff: Staff) -> members.Member:
    """Freeze, close or open a membership."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    return await members.change_state(tx, found.member_id, data.state, reason=data.reason)


@changing("POST", "/members/{member_id:uuid}/bind", once=True, tags=TAGS, needs=WRITE, refuses=BINDING)
async def bind_member(member_id: UUID, data: BindBody, tx: Tx, staff: Staff) -> members.Member:
    """Bind a member to another store, guide or touchpoint, within what I see; the history keeps it."""
    within = await reach(tx, staff, WRITE)
    found = await _within(tx, within, member_id)
    await _check_bound(tx, within, data)
    bound = await members.bind(
        tx,
        found.member_id,
        reason=data.reason,
        store_id=organisation.StoreId(data.store_id) if data.store_id else None,
        guide_id=organisation.GuideId(data.guide_id) if data.guide_id else None,
        touchpoint_id=organisation.TouchpointId(data.touchpoint_id) if data.touchpoint_id else None,
    )
    within.need(bound.store_id)
    return bound


@changing("PUT", "/members/{member_id:uuid}/consents", tags=TAGS, needs=WRITE, refuses=UNSEEN)
async def answer_consent(member_id: UUID, data: ConsentBody, tx: Tx, staff: Staff) -> list[members.Consent]:
    """Note what a member agreed to or refused; every answer is kept."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    answer = members.give_consent if data.given else members.withdraw_consent
    await answer(tx, found.member_id, data.purpose, data.channel, source="console", document=data.document)
    tx.note("members.answer_consent", "member", found.member_id, after=data)
    return await members.consents(tx, found.member_id)


@reading("/members/{member_id:uuid}/consents/history", tags=TAGS, needs=READ, refuses=UNSEEN)
async def consent_history(
    member_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[members.ConsentChange]:
    """Every answer a member ever gave, the latest first."""
    found = await _within(tx, await reach(tx, staff, READ), member_id)
    return await members.consent_history(tx, found.member_id, PageRequest(after, limit))


@changing("PUT", "/members/{member_id:uuid}/labels", tags=TAGS, needs=WRITE, refuses=(*UNSEEN, members.BadLabel))
async def put_labels(member_id: UUID, data: LabelsBody, tx: Tx, staff: Staff) -> list[str]:
    """Set all labels of a member's person."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    before = sorted(await members.labels(tx, found.person_id))
    await members.write_labels(tx, {found.person_id: data.labels})
    after = sorted(await members.labels(tx, found.person_id))
    if after != before:
        tx.note("members.write_labels", "member", found.member_id, before=before, after=after)
    return after


@changing(
    "POST",
    "/members/{member_id:uuid}/level",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*UNSEEN, members.NoSuchLevel, members.BadGrowth, members.MemberChanged),
)
async def change_level(member_id: UUID, data: LevelBody, tx: Tx, staff: Staff) -> members.Member:
    """Write the level and growth value of a member by hand."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    return await members.change_level(tx, found.member_id, level=data.level, growth=data.growth, reason=data.reason)


@changing("POST", "/members/{member_id:uuid}/identifiers", status=201, once=True, tags=TAGS, needs=WRITE, refuses=KNOWN)
async def attach_identifier(member_id: UUID, data: FindBy, tx: Tx, staff: Staff) -> list[IdentifierView]:
    """Let a member be known by one more phone, card or other identifier, which nobody else has."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    known = await _identifier(tx, data)
    person = await identity.person(tx, found.person_id)
    present = [one.identifier for one in await identity.identifiers_of(tx, person.person_id) if not one.blocked]
    if not present:
        raise identity.NoIdentifiers
    if known not in present:
        await _attach(tx, person.person_id, min(present), known)
        after = {"kind": known.kind, "namespace": known.namespace, "value": masked(known.value)}
        tx.note("identity.attach", "person", person.person_id, after=after)
    return await identifiers_of(tx, found, masking=False)


@changing("POST", "/members/{member_id:uuid}/identifiers/detach", once=True, tags=TAGS, needs=WRITE, refuses=KNOWN)
async def detach_identifier(member_id: UUID, data: Detach, tx: Tx, staff: Staff) -> list[IdentifierView]:
    """Take an identifier from a member: a number that was given up, a slip of the till."""
    found = await _within(tx, await reach(tx, staff, WRITE), member_id)
    await identity.detach(tx, found.person_id, await _identifier(tx, data), reason=data.reason)
    return await identifiers_of(tx, found, masking=False)


async def _within(tx: Tx, within: Reach, member_id: UUID) -> members.Member:
    """A member of a store that lies within; others are not there."""
    found = await members.member(tx, members.MemberId(member_id))
    within.need(found.store_id)
    return found


async def _check_bound(tx: Tx, within: Reach, data: BindBody) -> None:
    """Whom a member is bound to lies within as well; the pool is everybody's. Raises access.OutOfScope."""
    virtual = await organisation.virtual(tx)
    if data.guide_id is not None and data.guide_id != virtual.guide_id:
        within.need((await organisation.guide(tx, organisation.GuideId(data.guide_id))).store_id)
    if data.touchpoint_id is not None and data.touchpoint_id != virtual.touchpoint_id:
        within.need((await organisation.touchpoint(tx, organisation.TouchpointId(data.touchpoint_id))).store_id)


async def _identifier(tx: Tx, data: FindBy) -> identity.Identifier:
    """As it is kept: a phone without a country is one of the brand's own. Raises identity.BadIdentifier."""
    prefix = (await organisation.brand(tx)).phone_prefix
    return identity.identifier(data.kind, data.value, namespace=data.namespace, country=prefix)


async def _attach(tx: Tx, person_id: identity.PersonId, by: identity.Identifier, new: identity.Identifier) -> None:
    """Attach an identifier to the person of another one.

    Raises IdentifierOfAnother, also for one lost in a race, identity.IdentifierLimit, identity.IdentifiersBlocked.
    """
    if await identity.resolve(tx, new) is not None:
        raise IdentifierOfAnother(new.kind.value)
    found = await identity.attach_and_resolve(tx, [by, new], source="console", merging=False)
    if found.person_id != person_id or found.elsewhere:
        raise IdentifierOfAnother(new.kind.value)
    if new in found.blocked:
        raise identity.IdentifiersBlocked(new.kind.value)
    if found.quarantined:
        raise identity.IdentifierLimit(new.kind.value)


HANDLERS: list[HTTPRouteHandler] = [
    member_list,
    find_member,
    member,
    change_member,
    change_state,
    change_level,
    bind_member,
    put_labels,
    attach_identifier,
    detach_identifier,
    answer_consent,
    consent_history,
]
