"""The brand, its tree, and the operators that run its stores."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Code, Name, Search, Short, Version
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: organisation"]
READ, WRITE = "organisation.read", "organisation.write"
UNIT_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchUnit,
    organisation.UnitClosed,
    organisation.UnitCodeTaken,
    organisation.UnitCycle,
    organisation.UnitNotEmpty,
    organisation.TreeTooDeep,
    organisation.KindReserved,
    organisation.Fixed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
)
OPERATOR_FAULTS = (
    NeedsWholeBrand,
    organisation.NoSuchOperator,
    organisation.OperatorCodeTaken,
    organisation.OperatorBusy,
    organisation.KindReserved,
    organisation.Fixed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
    organisation.BadContract,
    organisation.BadInvoiceTitle,
    organisation.BadPayee,
)
InState = Annotated[organisation.State | None, QueryParameter(name="state")]


class ChangeBrand(organisation.BrandChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the brand is to change."""


class NewUnitBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the tree; without a parent it lies right under the root."""

    code: Code
    name: Name
    kind: organisation.UnitKind = organisation.UnitKind.REGION
    parent_id: UUID | None = None


class ChangeUnit(organisation.UnitChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a unit is to change."""


class MoveUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which unit."""

    to: UUID


class ContractBody(organisation.Contract, frozen=True, forbid_unknown_fields=True):
    """What binds an operator to the brand."""


class PayeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who collects, and where."""

    holder: Name
    provider: Name
    account_number: Name


class InvoiceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom an invoice is made out to."""

    title: Name
    tax_number: Name
    address: Short = ""


class NewOperatorBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A legal entity that is to run stores."""

    code: Code
    name: Name
    kind: organisation.OperatorKind
    contract: ContractBody | None = None
    invoice: InvoiceBody | None = None
    payee: PayeeBody | None = None


class ChangeOperator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of an operator is to change; a new payee replaces the old one from now on."""

    name: Name | UnsetType = UNSET
    kind: organisation.OperatorKind | UnsetType = UNSET
    contract: ContractBody | UnsetType | None = UNSET
    invoice: InvoiceBody | UnsetType | None = UNSET
    payee: PayeeBody | UnsetType = UNSET
    state: organisation.State | UnsetType = UNSET


@reading("/brand", tags=TAGS, needs=READ)
async def brand(tx: Tx, _staff: Staff) -> organisation.Brand:
    """The brand itself: its name, currency, time zone and start of day."""
    return await organisation.brand(tx)


@changing(
    "PATCH",
    "/brand",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, organisation.ChangedMeanwhile, organisation.BadZone, organisation.NameMissing),
)
async def change_brand(data: ChangeBrand, tx: Tx, staff: Staff, seen: Version | None = None) -> organisation.Brand:
    """Change the brand; what is stored keeps the business days it has."""
    whole_brand(staff, WRITE)
    return await organisation.change_brand(tx, data, seen=seen)


@reading("/units", tags=TAGS, needs=READ)
async def units(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    under: UUID | None = None,
    kind: organisation.UnitKind | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Unit]:
    """The tree, as far as I see it, by code."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        unit_id=organisation.UnitId(under) if under else None,
        kind=kind,
        state=in_state,
    )
    return await organisation.list_units(tx, wanted, PageRequest(after, limit))


@reading("/units/{unit_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchUnit))
async def unit(unit_id: UUID, tx: Tx, staff: Staff) -> organisation.Unit:
    """One part of the tree."""
    return await _unit(tx, staff, unit_id, READ)


@changing("POST", "/units", status=201, once=True, tags=TAGS, needs=WRITE, refuses=UNIT_FAULTS)
async def create_unit(data: NewUnitBody, tx: Tx, staff: Staff) -> organisation.Unit:
    """Add a part to the tree."""
    within = await reach(tx, staff, WRITE)
    if data.parent_id is None:
        within.need_everything()
    new = organisation.NewUnit(
        code=data.code,
        name=data.name,
        kind=data.kind,
        parent_id=organisation.UnitId(data.parent_id) if data.parent_id else None,
    )
    made = await organisation.create_unit(tx, new)
    within.need_unit(made)
    return made


@changing("PATCH", "/units/{unit_id:uuid}", tags=TAGS, needs=WRITE, refuses=UNIT_FAULTS)
async def change_unit(
    unit_id: UUID, data: ChangeUnit, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Unit:
    """Rename a unit, close it, or open it again."""
    found = await _unit(tx, staff, unit_id, WRITE)
    return await organisation.change_unit(tx, found.unit_id, data, seen=seen)


@changing("POST", "/units/{unit_id:uuid}/move", once=True, tags=TAGS, needs=WRITE, refuses=UNIT_FAULTS)
async def move_unit(
    unit_id: UUID, data: MoveUnit, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Unit:
    """Put a unit, with all below it, under another; both must lie in what I may change."""
    found = await _unit(tx, staff, unit_id, WRITE)
    target = await _unit(tx, staff, data.to, WRITE)
    return await organisation.move_unit(tx, found.unit_id, to=target.unit_id, seen=seen)


@reading("/operators", tags=TAGS, needs=READ)
async def operators(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    kind: organisation.OperatorKind | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Operator]:
    """The legal entities that run stores, by code."""
    wanted = organisation.Filter(scope=access.need(staff.session, READ), text=text, kind=kind, state=in_state)
    return await organisation.list_operators(tx, wanted, PageRequest(after, limit))


@reading(
    "/operators/{operator_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchOperator)
)
async def operator(operator_id: UUID, tx: Tx, staff: Staff) -> organisation.Operator:
    """One operator."""
    (await reach(tx, staff, READ)).need_operator(organisation.OperatorId(operator_id))
    return await organisation.operator(tx, organisation.OperatorId(operator_id))


@reading(
    "/operators/{operator_id:uuid}/payees",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, organisation.NoSuchOperator),
)
async def payees(operator_id: UUID, tx: Tx, staff: Staff) -> list[organisation.Payee]:
    """Everybody who ever collected for an operator, the present one last."""
    (await reach(tx, staff, READ)).need_operator(organisation.OperatorId(operator_id))
    found = await organisation.operator(tx, organisation.OperatorId(operator_id))
    return await organisation.payees(tx, found.operator_id)


@changing("POST", "/operators", status=201, once=True, tags=TAGS, needs=WRITE, refuses=OPERATOR_FAULTS)
async def create_operator(data: NewOperatorBody, tx: Tx, staff: Staff) -> organisation.Operator:
    """Take on an operator."""
    whole_brand(staff, WRITE)
    new = organisation.NewOperator(
        code=data.code,
        name=data.name,
        kind=data.kind,
        contract=data.contract,
        invoice=_invoice(data.invoice),
        payee=_payee(data.payee),
    )
    return await organisation.create_operator(tx, new)


@changing("PATCH", "/operators/{operator_id:uuid}", tags=TAGS, needs=WRITE, refuses=OPERATOR_FAULTS)
async def change_operator(
    operator_id: UUID, data: ChangeOperator, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Operator:
    """Change an operator: its contract, invoice title, payee or state."""
    whole_brand(staff, WRITE)
    change = organisation.OperatorChange(
        name=data.name,
        kind=data.kind,
        contract=data.contract,
        invoice=data.invoice if isinstance(data.invoice, UnsetType) else _invoice(data.invoice),
        payee=UNSET if isinstance(data.payee, UnsetType) else _payee(data.payee) or UNSET,
        state=data.state,
    )
    return await organisation.change_operator(tx, organisation.OperatorId(operator_id), change, seen=seen)


async def _unit(tx: Tx, staff: Staff, unit_id: UUID, permission: str) -> organisation.Unit:
    """A unit that lies within. Raises access.OutOfScope, organisation.NoSuchUnit."""
    found = await organisation.unit(tx, organisation.UnitId(unit_id))
    (await reach(tx, staff, permission)).need_unit(found)
    return found


def _invoice(body: InvoiceBody | None) -> organisation.InvoiceTitle | None:
    return None if body is None else organisation.InvoiceTitle(body.title, body.tax_number, body.address)


def _payee(body: PayeeBody | None) -> organisation.Payee | None:
    return None if body is None else organisation.Payee(body.holder, body.provider, body.account_number)


HANDLERS: list[HTTPRouteHandler] = [
    brand, change_brand, units, unit, create_unit, change_unit, move_unit,
    operators, operator, payees, create_operator, change_operator,
]  # fmt: skip
