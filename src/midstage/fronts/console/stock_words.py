"""What the calls of stock work have in common."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from midstage.fronts._http.scope import reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Milli
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

VALUES = "inventory_value.read"
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**12, description="Thousandths of the unit")]


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of a sku."""

    sku_id: UUID
    milli: Milli


def location_of(store_id: UUID) -> inventory.LocationId:
    """Where a store keeps its stock."""
    return inventory.location_of(organisation.StoreId(store_id))


def sees_values(staff: Staff) -> bool:
    """Whether somebody may see what stock is worth at supply price, wherever they do."""
    return access.scope_of(staff.session, VALUES) != organisation.NOTHING


def approval_of(given: UUID | None) -> access.ApprovalId | None:
    """The approval that came with a call."""
    return None if given is None else access.ApprovalId(given)


async def my_location(tx: Tx, staff: Staff, permission: str, store_id: UUID) -> inventory.LocationId:
    """Where a store of mine keeps its stock. Raises access.OutOfScope, inventory.NoSuchLocation."""
    (await reach(tx, staff, permission)).need(store_id)
    location = location_of(store_id)
    if location not in await inventory.locations(tx, [location]):
        raise inventory.NoSuchLocation(location)
    return location


async def by_sku(tx: Tx, lines: Sequence[Quantity]) -> dict[catalogue.SkuId, int]:
    """Quantities of skus that there are, each named once. Raises inventory.QuantityInvalid, catalogue.NoSuchSku."""
    milli = {catalogue.SkuId(line.sku_id): line.milli for line in lines}
    if len(milli) != len(lines):
        raise inventory.QuantityInvalid("a sku twice")
    await catalogue.require_skus(tx, list(milli))
    return milli
