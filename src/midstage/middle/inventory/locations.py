"""Where stock is kept."""

from collections.abc import Iterable, Sequence

from midstage.kit.database import Tx
from midstage.middle.inventory import store
from midstage.middle.inventory.types import Location, LocationId, NoSuchLocation
from midstage.middle.inventory.value import revalue_location
from midstage.middle.organisation import api as organisation


def location_of(store_id: organisation.StoreId) -> LocationId:
    """The location of a store: they share their id."""
    return LocationId(store_id)


async def place_locations(tx: Tx, locations: Sequence[Location]) -> None:
    """Say where stock is kept, or how a location changed; any number in one statement.

    To be called when a store is opened, moved, handed to another operator or closed.
    """
    before = {one.location_id: one for one in await store.locations(tx, [one.location_id for one in locations])}
    await store.place_locations(tx, locations)
    for one in locations:
        former = before.get(one.location_id)
        if former is not None and former.operator_id != one.operator_id:
            await revalue_location(tx, one.location_id)
        if former is not None and former != one:
            tx.note("inventory.place_location", "location", one.location_id, before=former, after=one)


async def locations(tx: Tx, ids: Sequence[LocationId] | None = None) -> dict[LocationId, Location]:
    """Locations by id; all of the brand without ids."""
    return {one.location_id: one for one in await store.locations(tx, ids)}


async def check_known(tx: Tx, ids: Iterable[LocationId]) -> None:
    """Raises NoSuchLocation."""
    unknown = await store.unknown_location(tx, ids)
    if unknown is not None:
        raise NoSuchLocation(unknown)
