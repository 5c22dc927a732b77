"""Stores, and what leads shoppers to them: touchpoints and accounts on outside platforms."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Code, Long, Name, Search, Version
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

TAGS = ["console: organisation"]
READ, WRITE = "organisation.read", "organisation.write"
STORE_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchStore,
    organisation.NoSuchUnit,
    organisation.UnitClosed,
    organisation.NoSuchOperator,
    organisation.OperatorClosed,
    organisation.StoreCodeTaken,
    organisation.StoreStaffed,
    organisation.KindReserved,
    organisation.Fixed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
    organisation.BadArea,
    organisation.BadHours,
    organisation.BadCurrency,
)
POINT_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchTouchpoint,
    organisation.TouchpointCodeTaken,
    organisation.NoSuchStore,
    organisation.StoreClosed,
    organisation.NoSuchGuide,
    organisation.GuideGone,
    organisation.KindReserved,
    organisation.Fixed,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
)
ACCOUNT_FAULTS = (
    access.OutOfScope,
    organisation.NoSuchPlatformAccount,
    organisation.PlatformAccountTaken,
    organisation.NoSuchStore,
    organisation.StoreClosed,
    organisation.NoSuchStaff,
    organisation.StaffGone,
    organisation.ChangedMeanwhile,
    organisation.BadCode,
    organisation.NameMissing,
)
StoreInState = Annotated[organisation.StoreState | None, QueryParameter(name="state")]
InState = Annotated[organisation.State | None, QueryParameter(name="state")]
AreaM2 = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class NewStoreBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store to be opened. Unit, operator and currency are the brand's own where they are not given."""

    code: Code
    name: Name
    kind: organisation.StoreKind = organisation.StoreKind.DIRECT
    unit_id: UUID | None = None
    operator_id: UUID | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] | None = None
    area_m2: AreaM2 | None = None
    place: organisation.Place | None = None
    address: Long = ""
    hours: organisation.Hours | None = None


class ChangeStore(organisation.StoreChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a store is to change. Its code and currency stay."""

    area_m2: AreaM2 | UnsetType | None = UNSET
    address: Long | UnsetType = UNSET


class NewTouchpointBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code, link or screen; the virtual store and guide stand in for those that are not given."""

    code: Code
    name: Name
    kind: organisation.TouchpointKind
    store_id: UUID | None = None
    guide_id: UUID | None = None


class ChangeTouchpoint(organisation.TouchpointChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a touchpoint is to change. Its printed code stays."""


class NewAccountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account on an outside platform, with who answers for it."""

    platform: organisation.Platform
    external_id: Code
    name: Name
    staff_id: UUID
    store_id: UUID | None = None


class ChangeAccount(organisation.PlatformAccountChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a platform account is to change."""


@reading("/stores", tags=TAGS, needs=READ)
async def stores(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    unit_id: UUID | None = None,
    operator_id: UUID | None = None,
    kind: organisation.StoreKind | None = None,
    in_state: StoreInState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Store]:
    """The stores that I see, by code."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        unit_id=organisation.UnitId(unit_id) if unit_id else None,
        operator_id=organisation.OperatorId(operator_id) if operator_id else None,
        kind=kind,
        state=in_state,
    )
    return await organisation.list_stores(tx, wanted, PageRequest(after, limit))


@reading("/stores/{store_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchStore))
async def store(store_id: UUID, tx: Tx, staff: Staff) -> organisation.Store:
    """One store."""
    found = await organisation.one_store(tx, organisation.StoreId(store_id))
    access.need_store(staff.session, READ, found)
    return found


@changing("POST", "/stores", status=201, once=True, tags=TAGS, needs=WRITE, refuses=STORE_FAULTS)
async def create_store(data: NewStoreBody, tx: Tx, staff: Staff) -> organisation.Store:
    """Open a store, and a place of that name for its stock."""
    new = organisation.NewStore(
        code=data.code,
        name=data.name,
        kind=data.kind,
        unit_id=organisation.UnitId(data.unit_id) if data.unit_id else None,
        operator_id=organisation.OperatorId(data.operator_id) if data.operator_id else None,
        currency=data.currency,
        area_m2=data.area_m2,
        place=data.place,
        address=data.address,
        hours=data.hours,
    )
    made = await organisation.create_store(tx, new)
    access.need_store(staff.session, WRITE, made)
    await inventory.place_locations(tx, [location(made, None)])
    return made


@changing("PATCH", "/stores/{store_id:uuid}", tags=TAGS, needs=WRITE, refuses=STORE_FAULTS)
async def change_store(
    store_id: UUID, data: ChangeStore, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Store:
    """Change a store, give it to another operator or unit, pause, close or reopen it."""
    return await change_and_place(tx, staff, organisation.StoreId(store_id), data, seen=seen)


async def change_and_place(
    tx: Tx, staff: Staff | None, store_id: organisation.StoreId, change: organisation.StoreChange, *, seen: int | None
) -> organisation.Store:
    """Change a store and where inventory knows it, within what somebody may change before and after."""
    found = await organisation.one_store(tx, store_id)
    if staff is not None:
        access.need_store(staff.session, WRITE, found)
    changed = await organisation.change_store(tx, store_id, change, seen=seen)
    if staff is not None:
        access.need_store(staff.session, WRITE, changed)
    former = (await inventory.locations(tx, [inventory.location_of(store_id)])).get(inventory.location_of(store_id))
    after = location(changed, former)
    if after != former:
        await inventory.place_locations(tx, [after])
    return changed


def location(store: organisation.Store, former: inventory.Location | None) -> inventory.Location:
    """A store as inventory knows it."""
    return inventory.Location(
        inventory.location_of(store.store_id),
        store.kind,
        store.operator_id,
        store.place,
        sells_online=True if former is None else former.sells_online,
        active=store.state != organisation.StoreState.CLOSED,
    )


@reading("/touchpoints", tags=TAGS, needs=READ)
async def touchpoints(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    store_id: UUID | None = None,
    kind: organisation.TouchpointKind | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.Touchpoint]:
    """Touchpoints of the stores that I see, by code."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        store_id=organisation.StoreId(store_id) if store_id else None,
        kind=kind,
        state=in_state,
    )
    return await organisation.list_touchpoints(tx, wanted, PageRequest(after, limit))


@reading(
    "/touchpoints/{touchpoint_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, organisation.NoSuchTouchpoint),
)
async def touchpoint(touchpoint_id: UUID, tx: Tx, staff: Staff) -> organisation.Touchpoint:
    """One touchpoint."""
    return await _touchpoint(tx, staff, touchpoint_id, READ)


@changing("POST", "/touchpoints", status=201, once=True, tags=TAGS, needs=WRITE, refuses=POINT_FAULTS)
async def create_touchpoint(data: NewTouchpointBody, tx: Tx, staff: Staff) -> organisation.Touchpoint:
    """Make a touchpoint that brings shoppers to a store and a guide."""
    new = organisation.NewTouchpoint(
        code=data.code,
        name=data.name,
        kind=data.kind,
        store_id=organisation.StoreId(data.store_id) if data.store_id else None,
        guide_id=organisation.GuideId(data.guide_id) if data.guide_id else None,
    )
    made = await organisation.create_touchpoint(tx, new)
    (await reach(tx, staff, WRITE)).need(made.store_id)
    return made


@changing("PATCH", "/touchpoints/{touchpoint_id:uuid}", tags=TAGS, needs=WRITE, refuses=POINT_FAULTS)
async def change_touchpoint(
    touchpoint_id: UUID, data: ChangeTouchpoint, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.Touchpoint:
    """Point a touchpoint elsewhere, rename it, close or reopen it."""
    found = await _touchpoint(tx, staff, touchpoint_id, WRITE)
    changed = await organisation.change_touchpoint(tx, found.touchpoint_id, data, seen=seen)
    (await reach(tx, staff, WRITE)).need(changed.store_id)
    return changed


@reading("/platform-accounts", tags=TAGS, needs=READ)
async def platform_accounts(
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    store_id: UUID | None = None,
    platform: organisation.Platform | None = None,
    in_state: InState = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[organisation.PlatformAccount]:
    """Where the brand is outside, which store runs it, and who answers for it."""
    wanted = organisation.Filter(
        scope=access.need(staff.session, READ),
        text=text,
        store_id=organisation.StoreId(store_id) if store_id else None,
        kind=platform,
        state=in_state,
    )
    return await organisation.list_accounts(tx, wanted, PageRequest(after, limit))


@reading(
    "/platform-accounts/{account_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, organisation.NoSuchPlatformAccount),
)
async def platform_account(account_id: UUID, tx: Tx, staff: Staff) -> organisation.PlatformAccount:
    """One platform account."""
    return await _account(tx, staff, account_id, READ)


@changing("POST", "/platform-accounts", status=201, once=True, tags=TAGS, needs=WRITE, refuses=ACCOUNT_FAULTS)
async def register_account(data: NewAccountBody, tx: Tx, staff: Staff) -> organisation.PlatformAccount:
    """Register an account on an outside platform."""
    new = organisation.NewPlatformAccount(
        platform=data.platform,
        external_id=data.external_id,
        name=data.name,
        staff_id=organisation.StaffId(data.staff_id),
        store_id=organisation.StoreId(data.store_id) if data.store_id else None,
    )
    made = await organisation.register_account(tx, new)
    (await reach(tx, staff, WRITE)).need(made.store_id)
    return made


@changing("PATCH", "/platform-accounts/{account_id:uuid}", tags=TAGS, needs=WRITE, refuses=ACCOUNT_FAULTS)
async def change_account(
    account_id: UUID, data: ChangeAccount, tx: Tx, staff: Staff, seen: Version | None = None
) -> organisation.PlatformAccount:
    """Hand an account to another store or person, rename, close or reopen it."""
    found = await _account(tx, staff, account_id, WRITE)
    changed = await organisation.change_account(tx, found.platform_account_id, data, seen=seen)
    (await reach(tx, staff, WRITE)).need(changed.store_id)
    return changed


async def _touchpoint(tx: Tx, staff: Staff, touchpoint_id: UUID, permission: str) -> organisation.Touchpoint:
    found = await organisation.touchpoint(tx, organisation.TouchpointId(touchpoint_id))
    (await reach(tx, staff, permission)).need(found.store_id)
    return found


async def _account(tx: Tx, staff: Staff, account_id: UUID, permission: str) -> organisation.PlatformAccount:
    found = await organisation.platform_account(tx, organisation.PlatformAccountId(account_id))
    (await reach(tx, staff, permission)).need(found.store_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    stores, store, create_store, change_store, touchpoints, touchpoint, create_touchpoint, change_touchpoint,
    platform_accounts, platform_account, register_account, change_account,
]  # fmt: skip
