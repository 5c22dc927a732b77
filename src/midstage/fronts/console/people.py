"""The people who work for the brand and its operators, and the guides among them."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Code, Name, Search, Version
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: organisation"]
READ, WRITE = "organisation.read", "organisation.write"
STAFF_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchStaff,
    organisation.StaffGone,
    organisation.StaffBound,
    organisation.StaffCodeTaken,
    organisation.NoSuchOperator,
    organisation.OperatorClosed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
)
GUIDE_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchGuide,
    organisation.GuideGone,
    organisation.GuideCodeTaken,
    organisation.HeirNotFit,
    organisation.AlreadyGuide,
    organisation.NoSuchStaff,
    organisation.StaffGone,
    organisation.NoSuchStore,
    organisation.StoreClosed,
    organisation.Fixed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
)
InState = Annotated[organisation.PersonState | None, QueryParameter(name="state")]
Phone = Annotated[str, msgspec.Meta(max_length=30)]


class NewStaffBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to be taken on, by the brand itself where no operator is given."""

    code: Code
    name: Name
    phone: Phone = ""
    operator_id: UUID | None = None


class ChangeStaff(organisation.StaffChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a person is to change."""

    phone: Phone | UnsetType = UNSET


class NewGuideBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guide to be placed in a store."""

    code: Code
    name: Name
    store_id: UUID
    staff_id: UUID | None = None


class ChangeGuide(organisation.GuideChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a guide is to change."""


class MoveGuide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Into which store; her customers stay hers."""

    store_id: UUID


class EndGuide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes over her customers; the pool where nobody is named."""

    hand_over_to: UUID | None = None


@reading("/staff", tags=TAGS, needs=READ)
async def staff_list(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    operator_id: UUID | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Staff]:
    """People of the operators that I see, and guides of the stores that I see, by code; phones are masked."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        operator_id=organisation.OperatorId(operator_id) if operator_id else None,
        state=in_state,
    )
    found = await organisation.list_staff(tx, wanted, PageRequest(after, limit))
    return Page([msgspec.structs.replace(one, phone=masked(one.phone)) for one in found.items], found.next)


@reading("/staff/{staff_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchStaff))
async def staff_person(staff_id: UUID, tx: Tx, staff: Staff) -> organisation.Staff:
    """One person."""
    return await person_within(tx, await reach(tx, staff, READ), staff_id)


@changing("POST", "/staff", status=201, once=True, tags=TAGS, needs=WRITE, refuses=STAFF_FAULTS)
async def hire(data: NewStaffBody, tx: Tx, staff: Staff) -> organisation.Staff:
    """Take somebody on."""
    new = organisation.NewStaff(
        code=data.code,
        name=data.name,
        phone=data.phone,
        operator_id=organisation.OperatorId(data.operator_id) if data.operator_id else None,
    )
    hired = await organisation.hire(tx, new)
    (await reach(tx, staff, WRITE)).need_operator(hired.operator_id)
    return hired


@changing("PATCH", "/staff/{staff_id:uuid}", tags=TAGS, needs=WRITE, refuses=STAFF_FAULTS)
async def change_staff(
    staff_id: UUID, data: ChangeStaff, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Staff:
    """Change name, phone or employer."""
    within = await reach(tx, staff, WRITE)
    found = await person_within(tx, within, staff_id)
    changed = await organisation.change_staff(tx, found.staff_id, data, seen=seen)
    if changed.operator_id != found.operator_id:
        within.need_operator(changed.operator_id)
    return changed


@changing("POST", "/staff/{staff_id:uuid}/leave", once=True, tags=TAGS, needs=WRITE, refuses=STAFF_FAULTS)
async def dismiss(staff_id: UUID, tx: Tx, staff: Staff) -> organisation.Staff:
    """Let somebody go; their login is closed and their sessions end with it."""
    found = await person_within(tx, await reach(tx, staff, WRITE), staff_id)
    gone = await organisation.dismiss(tx, found.staff_id)
    await access.close_login(tx, found.staff_id)
    return gone


@reading("/guides", tags=TAGS, needs=READ)
async def guides(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    store_id: UUID | None = None,
    unit_id: UUID | None = None,
    operator_id: UUID | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Guide]:
    """Guides of the stores that I see, by code."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        store_id=organisation.StoreId(store_id) if store_id else None,
        unit_id=organisation.UnitId(unit_id) if unit_id else None,
        operator_id=organisation.OperatorId(operator_id) if operator_id else None,
        state=in_state,
    )
    return await organisation.list_guides(tx, wanted, PageRequest(after, limit))


@reading("/guides/{guide_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchGuide))
async def guide(guide_id: UUID, tx: Tx, staff: Staff) -> organisation.Guide:
    """One guide."""
    return await _guide(tx, await reach(tx, staff, READ), guide_id)


@reading("/guides/{guide_id:uuid}/stays", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchGuide))
async def stays(guide_id: UUID, tx: Tx, staff: Staff) -> list[organisation.Stay]:
    """Where a guide was when, from her first store on."""
    found = await _guide(tx, await reach(tx, staff, READ), guide_id)
    return await organisation.stays(tx, found.guide_id)


@changing("POST", "/guides", status=201, once=True, tags=TAGS, needs=WRITE, refuses=GUIDE_FAULTS)
async def place_guide(data: NewGuideBody, tx: Tx, staff: Staff) -> organisation.Guide:
    """Place a guide in a store."""
    within = await reach(tx, staff, WRITE)
    within.need(data.store_id)
    if data.staff_id is not None:
        await person_within(tx, within, data.staff_id)
    new = organisation.NewGuide(
        code=data.code,
        name=data.name,
        store_id=organisation.StoreId(data.store_id),
        staff_id=organisation.StaffId(data.staff_id) if data.staff_id else None,
    )
    return await organisation.place_guide(tx, new)


@changing("PATCH", "/guides/{guide_id:uuid}", tags=TAGS, needs=WRITE, refuses=GUIDE_FAULTS)
async def change_guide(
    guide_id: UUID, data: ChangeGuide, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Guide:
    """Rename a guide, or say which staff person she is."""
    within = await reach(tx, staff, WRITE)
    found = await _guide(tx, within, guide_id)
    if isinstance(data.staff_id, UUID):
        await person_within(tx, within, data.staff_id)
    return await organisation.change_guide(tx, found.guide_id, data, seen=seen)


@changing("POST", "/guides/{guide_id:uuid}/move", once=True, tags=TAGS, needs=WRITE, refuses=GUIDE_FAULTS)
async def move_guide(
    guide_id: UUID, data: MoveGuide, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Guide:
    """Put a guide into another store; both must lie in what I may change."""
    within = await reach(tx, staff, WRITE)
    found = await _guide(tx, within, guide_id)
    within.need(data.store_id)
    return await organisation.move_guide(tx, found.guide_id, to=organisation.StoreId(data.store_id), seen=seen)


@changing("POST", "/guides/{guide_id:uuid}/leave", once=True, tags=TAGS, needs=WRITE, refuses=GUIDE_FAULTS)
async def end_guide(guide_id: UUID, data: EndGuide, tx: Tx, staff: Staff) -> organisation.Guide:
    """A guide leaves; her customers and touchpoints go to the heir, or to the pool."""
    within = await reach(tx, staff, WRITE)
    found = await _guide(tx, within, guide_id)
    heir = None if data.hand_over_to is None else await _guide(tx, within, data.hand_over_to)
    return await organisation.end_guide(tx, found.guide_id, hand_over_to=heir.guide_id if heir else None)


async def person_within(tx: Tx, within: Reach, staff_id: UUID) -> organisation.Staff:
    """A person of an operator within, or a guide of a store within. Raises access.OutOfScope, NoSuchStaff."""
    found = await organisation.staff(tx, organisation.StaffId(staff_id))
    if within.everything or found.operator_id in within.scope.operators:
        return found
    as_guide = await organisation.guide_of_staff(tx, found.staff_id)
    within.need(as_guide.store_id if as_guide else None)
    return found


async def _guide(tx: Tx, within: Reach, guide_id: UUID) -> organisation.Guide:
    found = await organisation.guide(tx, organisation.GuideId(guide_id))
    within.need(found.store_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    staff_list, staff_person, hire, change_staff, dismiss,
    guides, guide, stays, place_guide, change_guide, move_guide, end_guide,
]  # fmt: skip
