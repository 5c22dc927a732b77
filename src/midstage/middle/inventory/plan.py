"""Where it best comes from, and who near has it."""

from collections.abc import Mapping, Sequence

from midstage.kit.database import Tx
from midstage.middle.inventory import rules, store
from midstage.middle.inventory.types import (
    MILLI_LIMIT,
    WANTS_LIMIT,
    LocationId,
    Near,
    QuantityInvalid,
    Seller,
    SkuId,
    StockShort,
    Want,
)
from midstage.middle.organisation import api as organisation

NEAR_FIRST = 20  # locations asked first; nearly every cart finds all it wants there
LOCATIONS_LIMIT = 5_000
NEAREST_LIMIT = 200
HALF_ROUND_KM = 20_038.0  # no two places are further apart


async def plan(
    tx: Tx,
    wants: Mapping[SkuId, int],
    *,
    near: organisation.Place | None = None,
    candidates: Sequence[LocationId] | None = None,
    only: LocationId | None = None,
    seller: Seller | None = None,
) -> list[Want]:
    """Say from where each thing should come; nothing is promised by it.

    One location that has everything, the nearest first (without a place: warehouses first); else the fewest
    locations. Candidates default to the active locations that sell online. Raises StockShort, QuantityInvalid.
    """
    if not 1 <= len(wants) <= WANTS_LIMIT or not all(0 < milli <= MILLI_LIMIT for milli in wants.values()):
        raise QuantityInvalid(f"{len(wants)} skus, {min(wants.values(), default=0)}")
    pool = [only] if only is not None else candidates
    skus = list(wants)
    for limit in (NEAR_FIRST, LOCATIONS_LIMIT):
        options = await store.options(tx, skus, near=near, candidates=pool, seller=seller, limit=limit)
        planned = rules.plan(wants, options)
        # A single location among the first cannot be bettered by those further off; a split might be.
        if planned is not None and (limit == LOCATIONS_LIMIT or len({want.location_id for want in planned}) == 1):
            return planned
    sku, free = rules.missing(wants, options)
    raise StockShort(sku, only, wants[sku], free)


async def nearest(
    tx: Tx,
    sku_ids: Sequence[SkuId],
    place: organisation.Place,
    *,
    within_km: float = HALF_ROUND_KM,
    limit: int = 20,
    seller: Seller | None = None,
) -> list[Near]:
    """The nearest active locations that have any of the skus, with what they have free. One query.

    Raises QuantityInvalid for a distance or number out of bounds.
    """
    if not (1 <= len(sku_ids) <= WANTS_LIMIT and 0 < within_km <= HALF_ROUND_KM and 1 <= limit <= NEAREST_LIMIT):
        raise QuantityInvalid(f"{len(sku_ids)} skus, {within_km} km, {limit} locations")
    around = rules.box(place.lat, place.lng, within_km)
    return await store.nearest(tx, sku_ids, place, around, within_m=within_km * 1000, limit=limit, seller=seller)


async def available(
    tx: Tx, location: LocationId, sku_ids: Sequence[SkuId], *, seller: Seller | None = None
) -> dict[SkuId, int]:
    """What may be promised of each sku at a location, by a seller if one is given; zero where there is no stock."""
    free = await store.free_at(tx, [location], sku_ids, seller)
    return {sku: free.get((location, sku), 0) for sku in sku_ids}
