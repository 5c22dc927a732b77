"""What stock calls for: discrepancies to resolve, low-stock alarms, and the reasons for changes by hand."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.supply import supply_prices
from midstage.fronts._http.words import BadDate, Code, Milli, Minor, Moment, Reason, moment
from midstage.fronts.console.inventory import Delta
from midstage.fronts.console.stock_words import approval_of, my_location, sees_values
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory

TAGS = ["console: inventory"]
READ, WRITE = "inventory.read", "inventory.write"
Word = Annotated[str, msgspec.Meta(max_length=100)]


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found."""

    note: Reason


class ResolveDiscrepancy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How: accepted as it is, adjusted by so much for a reason, or recounted, which opens a count."""

    how: inventory.How
    note: Reason
    delta_milli: Delta | None = None
    code: Code = "correction"
    approval_id: UUID | None = None


class DiscrepancyDetail(msgspec.Struct, frozen=True):
    """A discrepancy, and what was done about it."""

    discrepancy: inventory.Discrepancy
    steps: list[inventory.Step]


class PutReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason; above a value of what is changed, at supply price, somebody else has to approve."""

    name_zh: Word = ""
    name_en: Word = ""
    approval_above_minor: Minor | None = None
    active: bool = True


class LevelOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Below how much a sku is low here; null lets the policy say so again."""

    sku_id: UUID
    min_milli: Milli | None


class SetLevels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    levels: Annotated[list[LevelOf], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]


class AlarmLevel(msgspec.Struct, frozen=True):
    """Below how much a sku is low here."""

    sku_id: UUID
    min_milli: int


class Snooze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when an alarm is left out of the list."""

    until: Moment


class AlarmDetail(msgspec.Struct, frozen=True):
    """An alarm, who could give some of it, and what was done about it."""

    alarm: inventory.Alarm
    sources: list[inventory.Near]
    steps: list[inventory.Step]


@reading("/stock/discrepancies", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def stock_discrepancies(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    sku_id: UUID | None = None,
    kind: inventory.MovementKind | None = None,
    settled_too: bool = False,  # noqa: FBT001, FBT002  # a parameter of the address, given by its name
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Discrepancy]:
    """Where goods that were promised, or never booked in, are gone, or a transfer did not arrive; the latest first."""
    wanted = inventory.DiscrepancyFilter(
        locations=(await reach(tx, staff, READ)).locations(store_id),
        sku_id=None if sku_id is None else catalogue.SkuId(sku_id),
        kind=kind,
        settled_too=settled_too,
    )
    return await inventory.discrepancies(tx, wanted, PageRequest(after, limit))


@reading(
    "/stock/discrepancies/{discrepancy_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchStockDiscrepancy),
)
async def stock_discrepancy(discrepancy_id: UUID, tx: Tx, staff: Staff) -> DiscrepancyDetail:
    """A discrepancy, settled or not, and what was done about it."""
    found = await _discrepancy(tx, staff, READ, discrepancy_id)
    return DiscrepancyDetail(found, await inventory.discrepancy_steps(tx, found.discrepancy_id))


@changing(
    "POST",
    "/stock/discrepancies/{discrepancy_id:uuid}/settle",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, inventory.NoSuchStockDiscrepancy, inventory.ReasonMissing),
)
async def settle_stock_discrepancy(discrepancy_id: UUID, data: Settle, tx: Tx, staff: Staff) -> None:
    """Accept it as it is and close the case; stock itself is mended by a count or an adjustment."""
    found = await _discrepancy(tx, staff, WRITE, discrepancy_id)
    await inventory.settle_discrepancy(tx, found.discrepancy_id, note=data.note)


@changing(
    "POST",
    "/stock/discrepancies/{discrepancy_id:uuid}/resolve",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        access.ApprovalNeeded,
        inventory.NoSuchStockDiscrepancy,
        inventory.NoSuchLocation,
        inventory.NoSuchReason,
        inventory.ReasonMissing,
        inventory.ResolutionUnfit,
        inventory.QuantityInvalid,
        inventory.CountOverlaps,
        inventory.SupplyCurrencyWrong,
    ),
)
async def resolve_stock_discrepancy(
    discrepancy_id: UUID, data: ResolveDiscrepancy, tx: Tx, staff: Staff
) -> inventory.Discrepancy:
    """Accept it, adjust the stock for it, or have it counted again."""
    found = await _discrepancy(tx, staff, WRITE, discrepancy_id)
    return await inventory.resolve_discrepancy(
        tx,
        found.discrepancy_id,
        how=data.how,
        note=data.note,
        delta_milli=data.delta_milli,
        code=data.code,
        approval=approval_of(data.approval_id),
        supply=supply_prices,
    )


@reading("/stock/reasons", tags=TAGS, needs=READ)
async def stock_reasons(tx: Tx, staff: Staff) -> list[inventory.Reason]:
    """Why stock is changed by hand, by code."""
    await reach(tx, staff, READ)
    return await inventory.reasons(tx)


@changing(
    "PUT",
    "/stock/reasons/{code:str}",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, inventory.ReasonUnfit),
)
async def put_stock_reason(code: str, data: PutReason, tx: Tx, staff: Staff) -> inventory.Reason:
    """Add a reason, or change one. One that is not active is used no more."""
    whole_brand(staff, WRITE)
    reason = inventory.Reason(code, data.name_zh, data.name_en, data.approval_above_minor, data.active)
    return await inventory.put_reason(tx, reason)


@reading("/stock/adjustments", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def stock_adjustments(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    code: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Adjustment]:
    """What was changed by hand in the stores that I see, why, by whom, and what it was worth; the latest first."""
    mine = (await reach(tx, staff, READ)).locations(store_id)
    page = await inventory.adjustments(
        tx, PageRequest(after, limit), locations=None if mine is None else sorted(mine), code=code
    )
    if sees_values(staff):
        return page
    return Page([msgspec.structs.replace(one, value_minor=0, currency="") for one in page.items], page.next)


@reading("/stock/alarms", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def stock_alarms(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    sku_id: UUID | None = None,
    snoozed_too: bool = False,  # noqa: FBT001, FBT002  # a parameter of the address, given by its name
    resolved_too: bool = False,  # noqa: FBT001, FBT002  # a parameter of the address, given by its name
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Alarm]:
    """Where too little is free, and how much would fill it up; the latest first."""
    wanted = inventory.AlarmFilter(
        locations=(await reach(tx, staff, READ)).locations(store_id),
        sku_id=None if sku_id is None else catalogue.SkuId(sku_id),
        snoozed_too=snoozed_too,
        resolved_too=resolved_too,
    )
    return await inventory.alarms(tx, wanted, PageRequest(after, limit))


@reading("/stock/alarms/{alarm_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, inventory.NoSuchAlarm))
async def stock_alarm(alarm_id: UUID, tx: Tx, staff: Staff) -> AlarmDetail:
    """An alarm, and the nearest stores that could give some of it."""
    found = await _alarm(tx, staff, READ, alarm_id)
    mine = (await reach(tx, staff, READ)).locations()
    sources = await inventory.alarm_sources(tx, found.alarm_id)
    shown = [one for one in sources if mine is None or one.location_id in mine]
    return AlarmDetail(found, shown, await inventory.alarm_steps(tx, found.alarm_id))


@changing(
    "POST",
    "/stock/alarms/{alarm_id:uuid}/snooze",
    status=204,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, inventory.NoSuchAlarm, inventory.SnoozeWrong, BadDate),
)
async def snooze_stock_alarm(alarm_id: UUID, data: Snooze, tx: Tx, staff: Staff) -> None:
    """Leave an alarm out of the list until a moment within ninety days."""
    found = await _alarm(tx, staff, WRITE, alarm_id)
    await inventory.snooze_alarm(tx, found.alarm_id, moment(data.until))


@reading(
    "/stock/{store_id:uuid}/alarm-levels",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchLocation),
)
async def alarm_levels(
    store_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[AlarmLevel]:
    """The levels that were set for a store, by sku; all others follow the policy."""
    location = await my_location(tx, staff, READ, store_id)
    page = await inventory.alarm_levels(tx, location, PageRequest(after, limit))
    return Page([AlarmLevel(*row) for row in page.items], page.next)


@changing(
    "PUT",
    "/stock/{store_id:uuid}/alarm-levels",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, inventory.NoSuchLocation, inventory.QuantityInvalid, catalogue.NoSuchSku),
)
async def set_alarm_levels(store_id: UUID, data: SetLevels, tx: Tx, staff: Staff) -> None:
    """Say below how much skus are low in a store."""
    location = await my_location(tx, staff, WRITE, store_id)
    levels = {catalogue.SkuId(one.sku_id): one.min_milli for one in data.levels}
    if len(levels) != len(data.levels):
        raise inventory.QuantityInvalid("a sku twice")
    await catalogue.require_skus(tx, list(levels))
    await inventory.set_alarm_levels(tx, location, levels)


async def _discrepancy(tx: Tx, staff: Staff, permission: str, discrepancy_id: UUID) -> inventory.Discrepancy:
    """A discrepancy of a store of mine. Raises inventory.NoSuchStockDiscrepancy, access.OutOfScope."""
    mine = await reach(tx, staff, permission)
    found = await inventory.discrepancy(tx, inventory.DiscrepancyId(discrepancy_id))
    mine.need(found.location_id)
    return found


async def _alarm(tx: Tx, staff: Staff, permission: str, alarm_id: UUID) -> inventory.Alarm:
    """An alarm of a store of mine. Raises inventory.NoSuchAlarm, access.OutOfScope."""
    mine = await reach(tx, staff, permission)
    found = await inventory.alarm(tx, inventory.AlarmId(alarm_id))
    mine.need(found.location_id)
    return found


HANDLERS: list[HTTPRouteHandler] = [
    stock_discrepancies, stock_discrepancy, settle_stock_discrepancy, resolve_stock_discrepancy, stock_reasons,
    put_stock_reason, stock_adjustments, stock_alarms, stock_alarm, snooze_stock_alarm, alarm_levels, set_alarm_levels,
]  # fmt: skip
