"""Who is who: a person's identifiers and merges, what waits in quarantine, merging by hand, undoing, the block list.

All of it is of the brand as a whole, as a person belongs to no store. Identifiers are masked: whoever has to know a
phone knows it already, and finds the person by it.
"""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Reason
from midstage.fronts.console.identity_views import (
    BlockedView,
    BlockView,
    CaseView,
    Decided,
    LinkView,
    PersonView,
    block_view,
    case_view,
    link_view,
    person_view,
)
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.organisation import api as organisation

TAGS = ["console: identity"]
READ, WRITE = "identity.read", "identity.write"
InState = Annotated[identity.CaseState, QueryParameter(name="state")]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MERGING = (NeedsWholeBrand, identity.NoSuchPerson, identity.TooManyPersons, identity.IdentityContended)


class ByIdentifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody is known by. In the body, so that no phone number stands in an address or a log."""

    kind: identity.IdentifierKind
    value: Value
    namespace: Annotated[str, msgspec.Meta(max_length=100)] = ""


class BlockValue(ByIdentifier, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that means nobody, and why."""

    reason: Reason


class MergePersons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two who are one, and how somebody knows."""

    one_id: UUID
    other_id: UUID
    reason: Reason


class Because(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason


@reading("/identity/persons/{person_id:uuid}", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, identity.NoSuchPerson))
async def identity_person(person_id: UUID, tx: Tx, staff: Staff) -> PersonView:
    """A person by any id it ever had: what it is known by, how it came together, what is in doubt."""
    whole_brand(staff, READ)
    return await person_view(tx, identity.PersonId(person_id))


@changing(
    "POST",
    "/identity/persons/find",
    tags=TAGS,
    needs=READ,
    refuses=(NeedsWholeBrand, identity.NoSuchPerson, identity.BadIdentifier),
)
async def find_person(data: ByIdentifier, tx: Tx, staff: Staff) -> PersonView:
    """The person of a phone, card, openid or other identifier. One that is blocked means nobody."""
    whole_brand(staff, READ)
    found = await identity.resolve(tx, await _identifier(tx, data))
    if found is None:
        raise identity.NoSuchPerson(identity.PersonId(UUID(int=0)))
    return await person_view(tx, found)


@reading("/identity/links", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, identity.NoSuchPerson))
async def identity_links(
    tx: Tx, staff: Staff, person_id: UUID | None = None, after: str | None = None, limit: Limit = 50
) -> Page[LinkView]:
    """Every merge of the brand, or of one person, the latest first, with what caused it."""
    whole_brand(staff, READ)
    of = None if person_id is None else identity.PersonId(person_id)
    found = await identity.links(tx, PageRequest(after, limit), person_id=of)
    return Page([link_view(one) for one in found.items], found.next)


@reading("/identity/links/{link_id:uuid}", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, identity.NoSuchLink))
async def identity_link(link_id: UUID, tx: Tx, staff: Staff) -> LinkView:
    """One merge, whether it stands or was undone."""
    whole_brand(staff, READ)
    return link_view(await identity.link(tx, identity.LinkId(link_id)))


@changing(
    "POST",
    "/identity/links",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*MERGING, identity.AlreadyOnePerson),
)
async def merge_persons(data: MergePersons, tx: Tx, staff: Staff) -> LinkView:
    """Let two persons be one. Nothing is rewritten: all of both is found under either, and it can be undone."""
    whole_brand(staff, WRITE)
    one, other = identity.PersonId(data.one_id), identity.PersonId(data.other_id)
    return link_view(await identity.merge(tx, one, other, reason=data.reason))


@changing(
    "POST",
    "/identity/links/{link_id:uuid}/undo",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, identity.NoSuchLink, identity.MergeUndoneAlready, identity.IdentityContended),
)
async def undo_merge(link_id: UUID, data: Because, tx: Tx, staff: Staff) -> LinkView:
    """Undo a merge, also when others came after it; the rules do not make it again."""
    whole_brand(staff, WRITE)
    return link_view(await identity.undo(tx, identity.LinkId(link_id), reason=data.reason))


@reading("/identity/cases", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def identity_cases(
    tx: Tx,
    staff: Staff,
    in_state: InState = identity.CaseState.OPEN,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CaseView]:
    """What the rules would not merge or attach by themselves; those that wait longest first."""
    whole_brand(staff, READ)
    found = await identity.cases(tx, PageRequest(after, limit), state=in_state)
    return Page([case_view(one) for one in found.items], found.next)


@reading("/identity/cases/{case_id:uuid}", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, identity.NoSuchCase))
async def identity_case(case_id: UUID, tx: Tx, staff: Staff) -> CaseView:
    """One case."""
    whole_brand(staff, READ)
    return case_view(await identity.case(tx, identity.CaseId(case_id)))


@changing(
    "POST",
    "/identity/cases/{case_id:uuid}/accept",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*MERGING, identity.NoSuchCase, identity.CaseClosed, identity.IdentifiersBlocked),
)
async def accept_case(case_id: UUID, data: Because, tx: Tx, staff: Staff) -> Decided:
    """Do what a case proposes, over the limit."""
    whole_brand(staff, WRITE)
    found, link_id = await identity.accept(tx, identity.CaseId(case_id), reason=data.reason)
    return Decided(case_view(found), link_id)


@changing(
    "POST",
    "/identity/cases/{case_id:uuid}/dismiss",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, identity.NoSuchCase, identity.CaseClosed),
)
async def dismiss_case(case_id: UUID, data: Because, tx: Tx, staff: Staff) -> CaseView:
    """Leave the two as they are; the same is not asked again."""
    whole_brand(staff, WRITE)
    return case_view(await identity.dismiss(tx, identity.CaseId(case_id), reason=data.reason))


@reading("/identity/blocks", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def identity_blocks(tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50) -> Page[BlockView]:
    """Values that mean nobody: shared phones, test cards."""
    whole_brand(staff, READ)
    found = await identity.blocks(tx, PageRequest(after, limit))
    return Page([block_view(one) for one in found.items], found.next)


@changing(
    "POST",
    "/identity/blocks",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, identity.BadIdentifier),
)
async def block_identifier(data: BlockValue, tx: Tx, staff: Staff) -> BlockedView:
    """Let a value mean nobody from now on, and see which merges rest on it."""
    whole_brand(staff, WRITE)
    done = await identity.block(tx, await _identifier(tx, data), reason=data.reason)
    return BlockedView(block_view(done.block), done.person_id, list(done.links))


@changing(
    "POST",
    "/identity/blocks/{block_id:uuid}/lift",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, identity.NoSuchBlock),
)
async def lift_block(block_id: UUID, data: Because, tx: Tx, staff: Staff) -> BlockView:
    """Let a value mean again whom it hangs on."""
    whole_brand(staff, WRITE)
    return block_view(await identity.unblock(tx, identity.BlockId(block_id), reason=data.reason))


async def _identifier(tx: Tx, data: ByIdentifier) -> identity.Identifier:
    """As it is kept: a phone without a country is one of the brand's own. Raises identity.BadIdentifier."""
    prefix = (await organisation.brand(tx)).phone_prefix
    return identity.identifier(data.kind, data.value, namespace=data.namespace, country=prefix)


HANDLERS: list[HTTPRouteHandler] = [
    identity_person,
    find_person,
    identity_links,
    identity_link,
    merge_persons,
    undo_merge,
    identity_cases,
    identity_case,
    accept_case,
    dismiss_case,
    identity_blocks,
    block_identifier,
    lift_block,
]
