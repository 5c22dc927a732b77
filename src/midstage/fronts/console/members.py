"""Members: found by what they are known by, seen whole, changed, bound to store and guide, agreeing and refusing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.console.callers import Staff
from midstage.fronts.console.scope import Reach, reach
from midstage.fronts.console.words import Reason, Short, Version
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

TAGS = ["console: members"]
READ, WRITE = "members.read", "members.write"
InState = Annotated[members.MemberState | None, QueryParameter(name="state")]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
UNSEEN = (access.OutOfScope, members.NoSuchMember)
BINDING = (
    *UNSEEN,
    members.MemberChanged,
    organisation.NoSuchStore,
    organisation.NoSuchGuide,
    organisation.NoSuchTouchpoint,
)


class IdentifierView(msgspec.Struct, frozen=True):
    """What a person is known by; the value is masked."""

    kind: identity.IdentifierKind
    namespace: str
    value: str
    source: str
    attached_at: datetime


class MemberDetail(msgspec.Struct, frozen=True):
    """A member, whole."""

    member: members.Member
    labels: list[str]
    identifiers: list[IdentifierView]
    standing: loyalty.Standing | None
    consents: list[members.Consent]
    bindings: list[members.Binding]


class FindBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody is known by. In the body, so that no phone number stands in an address or a log."""

    kind: identity.IdentifierKind
    value: Value
    namespace: Annotated[str, msgspec.Meta(max_length=100)] = ""


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


@reading("/members", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
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
    after: str | None = None,
    limit: Limit = 50,
) -> Page[members.Member]:
    """Members of the stores that I see, who joined last first; `name` is how a name begins."""
    within = await reach(tx, staff, READ)
    wanted = members.MemberFilter(
        store_ids=within.narrowed(store_id),
        guide_id=organisation.GuideId(guide_id) if guide_id else None,
        level=level,
        state=in_state,
        label=label,
        name=name,
        member_no=member_no,
    )
    return await members.find(tx, wanted, PageRequest(after, limit))


@changing("POST", "/members/find", tags=TAGS, needs=READ, refuses=(*UNSEEN, identity.BadIdentifier))
async def find_member(data: FindBy, tx: Tx, staff: Staff) -> MemberDetail:
    """The member of a phone, card, e-mail or other identifier."""
    within = await reach(tx, staff, READ)
    prefix = (await organisation.brand(tx)).phone_prefix
    known = identity.identifier(data.kind, data.value, namespace=data.namespace, country=prefix)
    person_id = await identity.resolve(tx, known)
    found = await members.member_of(tx, person_id) if person_id else None
    if found is None or not within.covers(found.store_id):
        raise access.OutOfScope
    return await _detail(tx, found)


@reading("/members/{member_id:uuid}", tags=TAGS, needs=READ, refuses=UNSEEN)
async def member(member_id: UUID, tx: Tx, staff: Staff) -> MemberDetail:
    """One member, whole; identifiers are masked."""
    return await _detail(tx, await _within(tx, await reach(tx, staff, READ), member_id))


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


@reading("/levels", tags=TAGS, needs=READ)
async def levels(tx: Tx, _staff: Staff) -> list[members.Level]:
    """The levels of the brand, the lowest first."""
    return await members.levels(tx)


async def _within(tx: Tx, within: Reach, member_id: UUID) -> members.Member:
    """A member of a store that lies within; others are not there."""
    found = await members.member(tx, members.MemberId(member_id))
    within.need(found.store_id)
    return found


async def _detail(tx: Tx, found: members.Member) -> MemberDetail:
    known = await identity.identifiers_of(tx, found.person_id)
    standing = await loyalty.standing(tx, [found.member_id])
    return MemberDetail(
        found,
        sorted(await members.labels(tx, found.person_id)),
        [
            IdentifierView(
                one.identifier.kind, one.identifier.namespace, masked(one.identifier.value), one.source, one.attached_at
            )
            for one in known
        ],
        standing.get(found.member_id),
        await members.consents(tx, found.member_id),
        await members.bindings(tx, found.member_id),
    )


HANDLERS: list[HTTPRouteHandler] = [
    member_list,
    find_member,
    member,
    change_member,
    change_state,
    bind_member,
    answer_consent,
    consent_history,
    levels,
]
