"""Stock: what lies where, how it came and went, what is shared with others, and what does not fit."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.supply import supply_prices
from midstage.fronts._http.words import Code, Milli, Reason, Short
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

TAGS = ["console: inventory"]
READ, WRITE = "inventory.read", "inventory.write"
MOVE_FAULTS = (
    access.OutOfScope,
    inventory.NoSuchLocation,
    catalogue.NoSuchSku,
    inventory.QuantityInvalid,
)
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**12, description="Thousandths of the unit")]
Delta = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12, description="Thousandths of the unit, not zero")]
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_LOOKED_AT = 200  # the most that inventory finds at once


class Received(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku_id: UUID
    milli: Positive


class Changed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku_id: UUID
    delta_milli: Delta


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku_id: UUID
    milli: Milli


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that have come. `reference` is the delivery's, if it has one."""

    lines: Annotated[list[Received], msgspec.Meta(min_length=1, max_length=1000)]
    reference: UUID | None = None
    reason: Short = ""
    from_incoming: bool = False


class Adjust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how much stock changes by hand, and why: one of the brand's reasons, and some words.

    Beyond the value that the reason allows it takes the approval of somebody else.
    """

    lines: Annotated[list[Changed], msgspec.Meta(min_length=1, max_length=1000)]
    reason: Reason
    code: Code = "correction"
    approval_id: UUID | None = None


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted, and on which occasion."""

    lines: Annotated[list[Counted], msgspec.Meta(min_length=1, max_length=1000)]
    reason: Reason


class Safety(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is kept back from every promise."""

    lines: Annotated[list[Counted], msgspec.Meta(min_length=1, max_length=1000)]


class SetShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What percentage others may sell of a store's stock, an operator's, or all; in one channel or all."""

    percent: Annotated[int, msgspec.Meta(ge=0, le=100)]
    store_id: UUID | None = None
    operator_id: UUID | None = None
    sales_channel: Channel | None = None


@reading("/stock", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def stock_list(
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    sku_id: UUID | None = None,
    operator_id: UUID | None = None,
    only_low: bool = False,  # noqa: FBT001, FBT002  # a parameter of the address, given by its name
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Stock]:
    """Stock of the stores that I see, or of an operator's of them; with `only_low` where nothing is free."""
    locations = (await reach(tx, staff, READ)).locations(store_id)
    if operator_id is not None:
        theirs = {one.location_id for one in (await inventory.locations(tx)).values() if one.operator_id == operator_id}
        locations = frozenset(theirs if locations is None else theirs & locations)
    wanted = inventory.StockFilter(
        locations=locations,
        sku_id=None if sku_id is None else catalogue.SkuId(sku_id),
        only_low=only_low,
    )
    return await inventory.stock_list(tx, wanted, PageRequest(after, limit))


@reading(
    "/stock/{store_id:uuid}/{sku_id:uuid}/movements",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchLocation),
)
async def stock_movements(
    store_id: UUID, sku_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[inventory.Movement]:
    """How a sku came to a store and went, the latest first."""
    location = await _location(tx, staff, READ, store_id)
    return await inventory.movements(tx, location, catalogue.SkuId(sku_id), PageRequest(after, limit))


@reading("/stock/nearest", tags=TAGS, needs=READ, refuses=(inventory.QuantityInvalid,))
async def nearest_stock(
    sku_id: UUID, tx: Tx, staff: Staff, lat: Latitude, lng: Longitude, limit: Limit = 10
) -> list[inventory.Near]:
    """The nearest stores, of those that I see, that have something of a sku free."""
    mine = (await reach(tx, staff, READ)).locations()
    place = organisation.Place(lat, lng)
    found = await inventory.nearest(tx, [catalogue.SkuId(sku_id)], place, limit=_LOOKED_AT)
    return [near for near in found if mine is None or near.location_id in mine][:limit]


@changing("POST", "/stock/{store_id:uuid}/receive", once=True, tags=TAGS, needs=WRITE, refuses=MOVE_FAULTS)
async def receive_stock(store_id: UUID, data: Receive, tx: Tx, staff: Staff) -> list[inventory.Stock]:
    """Book goods in; with `from_incoming` they were expected."""
    location = await _location(tx, staff, WRITE, store_id)
    milli = await _by_sku(tx, [(line.sku_id, line.milli) for line in data.lines])
    await inventory.receive(
        tx,
        location,
        milli,
        reference=data.reference or new_id(),
        reason=data.reason,
        from_incoming=data.from_incoming,
    )
    return await _stock(tx, location, milli)


@changing(
    "POST",
    "/stock/{store_id:uuid}/adjust",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        *MOVE_FAULTS,
        inventory.ReasonMissing,
        inventory.NoSuchReason,
        inventory.SupplyCurrencyWrong,
        access.ApprovalNeeded,
    ),
)
async def adjust_stock(store_id: UUID, data: Adjust, tx: Tx, staff: Staff) -> list[inventory.Stock]:
    """Change stock by hand: broken, stolen, found again. It always books."""
    location = await _location(tx, staff, WRITE, store_id)
    milli = await _by_sku(tx, [(line.sku_id, line.delta_milli) for line in data.lines])
    await inventory.adjust(
        tx,
        location,
        milli,
        reference=new_id(),
        reason=data.reason,
        code=data.code,
        approval=None if data.approval_id is None else access.ApprovalId(data.approval_id),
        supply=supply_prices,
    )
    return await _stock(tx, location, milli)


@changing(
    "POST",
    "/stock/{store_id:uuid}/count",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*MOVE_FAULTS, inventory.ReasonMissing),
)
async def count_stock(store_id: UUID, data: Count, tx: Tx, staff: Staff) -> list[inventory.Stock]:
    """Set stock to what was counted. It always books."""
    location = await _location(tx, staff, WRITE, store_id)
    milli = await _by_sku(tx, [(line.sku_id, line.milli) for line in data.lines])
    await inventory.count(tx, location, milli, reference=new_id(), reason=data.reason)
    return await _stock(tx, location, milli)


@changing("POST", "/stock/{store_id:uuid}/safety", once=True, tags=TAGS, needs=WRITE, refuses=MOVE_FAULTS)
async def set_safety(store_id: UUID, data: Safety, tx: Tx, staff: Staff) -> list[inventory.Stock]:
    """Keep so much back from every promise."""
    location = await _location(tx, staff, WRITE, store_id)
    milli = await _by_sku(tx, [(line.sku_id, line.milli) for line in data.lines])
    await inventory.set_safety(tx, location, milli)
    return await _stock(tx, location, milli)


@reading("/stock/shares", tags=TAGS, needs=READ)
async def stock_shares(tx: Tx, staff: Staff) -> list[inventory.Share]:
    """What others may sell of the stock that I see, the most exact first."""
    mine = await reach(tx, staff, READ)
    return [share for share in await inventory.shares(tx) if _reaches(mine, share)]


@changing(
    "POST",
    "/stock/shares",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        NeedsWholeBrand,
        organisation.NoSuchOperator,
        inventory.NoSuchLocation,
        inventory.ShareInvalid,
    ),
)
async def set_share(data: SetShare, tx: Tx, staff: Staff) -> inventory.Share:
    """Say what percentage others may sell, of a store's stock, an operator's or all; what they hold stays theirs."""
    mine = await reach(tx, staff, WRITE)
    operator_id = None if data.operator_id is None else organisation.OperatorId(data.operator_id)
    if data.store_id is not None:
        mine.need(data.store_id)
    if operator_id is not None:
        mine.need_operator(operator_id)
        await organisation.operator(tx, operator_id)
    if data.store_id is None and operator_id is None:
        mine.need_everything()
    return await inventory.set_share(
        tx,
        data.percent,
        location_id=None if data.store_id is None else inventory.location_of(organisation.StoreId(data.store_id)),
        operator_id=operator_id,
        sales_channel=data.sales_channel,
    )


@changing(
    "DELETE",
    "/stock/shares/{share_id:uuid}",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope,),
)
async def drop_share(share_id: UUID, tx: Tx, staff: Staff) -> None:
    """Let the next less exact share hold again. One that is gone already stays gone."""
    mine = await reach(tx, staff, WRITE)
    found = next((share for share in await inventory.shares(tx) if share.share_id == share_id), None)
    if not mine.everything and (found is None or not _reaches(mine, found)):
        raise access.OutOfScope
    await inventory.drop_share(tx, inventory.ShareId(share_id))


async def _location(tx: Tx, staff: Staff, permission: str, store_id: UUID) -> inventory.LocationId:
    """Where a store of mine keeps its stock. Raises access.OutOfScope, inventory.NoSuchLocation."""
    (await reach(tx, staff, permission)).need(store_id)
    location = inventory.location_of(organisation.StoreId(store_id))
    if location not in await inventory.locations(tx, [location]):
        raise inventory.NoSuchLocation(location)
    return location


async def _by_sku(tx: Tx, lines: Sequence[tuple[UUID, int]]) -> dict[catalogue.SkuId, int]:
    """Quantities of skus that there are, each named once. Raises inventory.QuantityInvalid, catalogue.NoSuchSku."""
    milli = {catalogue.SkuId(sku_id): amount for sku_id, amount in lines}
    if len(milli) != len(lines):
        raise inventory.QuantityInvalid("a sku twice")
    await catalogue.require_skus(tx, list(milli))
    return milli


async def _stock(tx: Tx, location: inventory.LocationId, milli: dict[catalogue.SkuId, int]) -> list[inventory.Stock]:
    found = await inventory.stock(tx, location, list(milli))
    return [found[sku_id] for sku_id in milli if sku_id in found]


def _reaches(mine: Reach, share: inventory.Share) -> bool:
    """Whether a share is of a store or an operator within; one of all stock is the brand's."""
    if share.location_id is not None:
        return mine.covers(share.location_id)
    return mine.everything or share.operator_id in mine.scope.operators


HANDLERS: list[HTTPRouteHandler] = [
    stock_list, stock_movements, nearest_stock, receive_stock, adjust_stock, count_stock, set_safety, stock_shares,
    set_share, drop_share,
]  # fmt: skip
