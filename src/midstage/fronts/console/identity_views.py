"""What the console shows of persons, merges, cases and blocks. Identifiers are masked."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.audit import Principal, masked
from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members


class MaskedIdentifier(msgspec.Struct, frozen=True):
    """An identifier of which one sees enough to tell it from others."""

    kind: identity.IdentifierKind
    namespace: str
    value: str


class HangingIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier as it hangs on one of a person's ids."""

    identifier: MaskedIdentifier
    person_id: UUID
    source: str
    attached_at: datetime
    blocked: bool
    """It is on the block list, and means nobody."""


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A merge: whom it links, by which identifiers, why, who did it, and whether it was undone."""

    link_id: UUID
    one_id: UUID
    other_id: UUID
    cause: identity.Cause
    one_identifier: MaskedIdentifier | None
    other_identifier: MaskedIdentifier | None
    case_id: UUID | None
    source: str
    reason: str
    by: Principal
    made_at: datetime
    undone: identity.Undone | None


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for somebody: a merge with `other_id`, or an attachment; which limit, how often it came."""

    case_id: UUID
    person_id: UUID
    other_id: UUID | None
    why: identity.Why
    identifier: MaskedIdentifier
    with_identifier: MaskedIdentifier
    source: str
    state: identity.CaseState
    opened_at: datetime
    last_seen_at: datetime
    times: int
    closed_at: datetime | None
    closed_by: Principal | None
    closed_reason: str | None


class Decided(msgspec.Struct, frozen=True):
    """A case that was accepted, and the merge that came of it."""

    case: CaseView
    link_id: UUID | None


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person with all ids that it has had; memberships the leading one first."""

    person_id: UUID
    person_no: int
    source: str
    born_at: datetime
    merged_ids: list[UUID]
    member_ids: list[UUID]
    identifiers: list[HangingIdentifier]
    links: list[LinkView]
    """The latest merges of any of its ids, also those that were undone."""
    cases: list[CaseView]


class BlockView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the block list."""

    block_id: UUID
    identifier: MaskedIdentifier
    reason: str
    by: Principal
    blocked_at: datetime


class BlockedView(msgspec.Struct, frozen=True):
    """A new entry, on whom it hangs, and the merges that rest on it, for somebody to undo."""

    block: BlockView
    person_id: UUID | None
    link_ids: list[UUID]


async def person_view(tx: Tx, person_id: identity.PersonId) -> PersonView:
    found = await identity.person(tx, person_id)
    return PersonView(
        person_id=found.person_id,
        person_no=found.person_no,
        source=found.source,
        born_at=found.born_at,
        merged_ids=list(found.merged),
        member_ids=[one.member_id for one in await members.memberships(tx, found.person_id)],
        identifiers=[
            HangingIdentifier(
                identifier=_masked(one.identifier),
                person_id=one.person_id,
                source=one.source,
                attached_at=one.attached_at,
                blocked=one.blocked,
            )
            for one in await identity.identifiers_of(tx, found.person_id)
        ],
        links=[link_view(one) for one in (await identity.links(tx, PageRequest(), person_id=found.person_id)).items],
        cases=[case_view(one) for one in await identity.cases_of(tx, found.person_id)],
    )


def _masked(one: identity.Identifier) -> MaskedIdentifier:
    return MaskedIdentifier(one.kind, one.namespace, masked(one.value))


def _shown(one: identity.Identifier | None) -> MaskedIdentifier | None:
    return None if one is None else _masked(one)


def link_view(one: identity.Link) -> LinkView:
    return LinkView(
        link_id=one.link_id,
        one_id=one.one_id,
        other_id=one.other_id,
        cause=one.cause,
        one_identifier=_shown(one.one_identifier),
        other_identifier=_shown(one.other_identifier),
        case_id=one.case_id,
        source=one.source,
        reason=one.reason,
        by=one.by,
        made_at=one.made_at,
        undone=one.undone,
    )


def case_view(one: identity.Case) -> CaseView:
    return CaseView(
        case_id=one.case_id,
        person_id=one.person_id,
        other_id=one.other_id,
        why=one.why,
        identifier=_masked(one.identifier),
        with_identifier=_masked(one.with_identifier),
        source=one.source,
        state=one.state,
        opened_at=one.opened_at,
        last_seen_at=one.last_seen_at,
        times=one.times,
        closed_at=one.closed_at,
        closed_by=one.closed_by,
        closed_reason=one.closed_reason,
    )


def block_view(one: identity.Block) -> BlockView:
    return BlockView(
        block_id=one.block_id,
        identifier=_masked(one.identifier),
        reason=one.reason,
        by=one.by,
        blocked_at=one.blocked_at,
    )
