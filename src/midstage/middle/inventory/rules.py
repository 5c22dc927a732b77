"""Pure decisions of inventory: what a call asks for in all, and where it best comes from."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import asin, cos, degrees, radians, sin, sqrt
from typing import NamedTuple

from midstage.kit.money import MILLI
from midstage.middle.inventory.types import (
    MILLI_LIMIT,
    WANTS_LIMIT,
    LocationId,
    Option,
    QuantityInvalid,
    SkuId,
    Want,
)
from midstage.middle.organisation import api as organisation

EARTH_KM = 6371.0088
_PAIRS_AMONG = 60  # 1,770 pairs
_TRIPLES_AMONG = 20  # 1,140 triples; beyond, the greedy way is one location worse at the most, in practice never


class Box(NamedTuple):
    """A range of latitudes and longitudes; west > east where it crosses the date line."""

    south: float
    north: float
    west: float
    east: float


def merge(wants: Sequence[Want]) -> list[Want]:
    """One want a location and sku, in the order in which stock is locked. Raises QuantityInvalid."""
    if not 1 <= len(wants) <= WANTS_LIMIT:
        raise QuantityInvalid(f"{len(wants)} wants")
    total: dict[tuple[LocationId, SkuId], int] = {}
    for want in wants:
        if not 0 < want.milli <= MILLI_LIMIT:
            raise QuantityInvalid(f"{want.milli}")
        key = (want.location_id, want.sku_id)
        total[key] = total.get(key, 0) + want.milli
    return [Want(location, sku, milli) for (location, sku), milli in sorted(total.items())]


def box(lat: float, lng: float, within_km: float) -> Box:
    """The smallest box that holds a circle; all longitudes where it reaches a pole.

    Source: J. P. Matuschek, "Finding points within a distance of a latitude/longitude", 2010.
    """
    angle = within_km / EARTH_KM
    south, north = lat - degrees(angle), lat + degrees(angle)
    if south <= -90 or north >= 90:
        return Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0)
    wide = degrees(asin(min(1.0, sin(angle) / cos(radians(lat)))))
    west, east = lng - wide, lng + wide
    return Box(south, north, west + 360 if west < -180 else west, east - 360 if east > 180 else east)


def metres(one: organisation.Place, other: organisation.Place) -> float:
    """How far two places are from each other, by the haversine formula."""
    up, along = radians(other.lat - one.lat) / 2, radians(other.lng - one.lng) / 2
    bow = sin(up) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(along) ** 2
    return 2 * EARTH_KM * 1000 * asin(min(1.0, sqrt(bow)))


def plan(wants: Mapping[SkuId, int], options: Sequence[Option]) -> list[Want] | None:
    """Who sends what: the first option that has everything, else the fewest locations; None if all are too few.

    Among sets of the same size the first in preference wins. A quantity in whole units is split in whole units only.
    Up to three locations are found exactly (among the 60 and 20 first); beyond, greedily.
    """
    for option in options:
        if _covers(wants, [option]):
            return _allot(wants, [option])
    useful = [option for option in options if any(_part(option, sku, milli) for sku, milli in wants.items())]
    for size, among in ((2, _PAIRS_AMONG), (3, _TRIPLES_AMONG)):
        for chosen in _by_preference(useful[:among], size):
            if _covers(wants, chosen):
                return _allot(wants, chosen)
    chosen = _greedy(wants, useful)
    return _allot(wants, chosen) if _covers(wants, chosen) else None


def missing(wants: Mapping[SkuId, int], options: Iterable[Option]) -> tuple[SkuId, int]:
    """The first sku that all options together have too little of, and how much they have."""
    everywhere = list(options)
    have = {sku: sum(_part(option, sku, milli) for option in everywhere) for sku, milli in wants.items()}
    return next(((sku, have[sku]) for sku, milli in wants.items() if have[sku] < milli), next(iter(have.items())))


def _by_preference(options: Sequence[Option], size: int) -> list[tuple[Option, ...]]:
    places = sorted(combinations(range(len(options)), size), key=lambda chosen: (sum(chosen), chosen))
    return [tuple(options[place] for place in chosen) for chosen in places]


def _part(option: Option, sku: SkuId, milli: int) -> int:
    """What an option can give of a quantity: whole units if it is in whole units."""
    free = min(option.free_milli.get(sku, 0), milli)
    return free - free % MILLI if milli % MILLI == 0 else free


def _covers(wants: Mapping[SkuId, int], chosen: Sequence[Option]) -> bool:
    return all(sum(_part(option, sku, milli) for option in chosen) >= milli for sku, milli in wants.items())


def _greedy(wants: Mapping[SkuId, int], options: Sequence[Option]) -> list[Option]:
    """Always the one that completes most of what is left; between equals the first."""
    left = dict(wants)
    pool = list(options)
    chosen: list[Option] = []
    while left and pool:
        best = max(pool, key=lambda option: sum(_part(option, sku, milli) / milli for sku, milli in left.items()))
        pool.remove(best)
        rest = {sku: milli - _part(best, sku, milli) for sku, milli in left.items()}
        if rest == left:
            break
        left = {sku: milli for sku, milli in rest.items() if milli > 0}
        chosen.append(best)
    return chosen


def _allot(wants: Mapping[SkuId, int], chosen: Sequence[Option]) -> list[Want]:
    """Each sku from the first that has all of it, else from each in turn."""
    allotted: list[Want] = []
    for sku, milli in wants.items():
        whole = next((option for option in chosen if _part(option, sku, milli) == milli), None)
        left = milli
        for option in chosen if whole is None else [whole]:
            part = min(_part(option, sku, milli), left)
            if part > 0:
                allotted.append(Want(option.location_id, sku, part))
                left -= part
    return allotted
