"""Lines that are bundles: sold as one, taken from stock part by part. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from midstage.kit import money
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders.types import Line, LinePart, LineWish, Part
from midstage.middle.pricing import api as pricing

FIRST_PART = 1


class Pool:
    """What a plan takes from which part of the order (part_no counts its locations from 1), given out once."""

    def __init__(self, plan: Iterable[inventory.Want], locations: Sequence[inventory.LocationId]) -> None:
        self._left: dict[inventory.SkuId, list[tuple[int, int]]] = {}
        for want in plan:
            self._left.setdefault(want.sku_id, []).append((locations.index(want.location_id) + 1, want.milli))

    def take(self, sku_id: inventory.SkuId, milli: int) -> list[tuple[int, int]]:
        """So much of a sku: from which parts, and how much from each. What the plan lacks is not there."""
        taken: list[tuple[int, int]] = []
        left = self._left.get(sku_id, [])
        while milli and left:
            part_no, there = left.pop(0)
            some = min(there, milli)
            taken.append((part_no, some))
            milli -= some
            if there > some:
                left.insert(0, (part_no, there - some))
        return taken


def goods_wanted(
    wishes: Sequence[LineWish], offers: Mapping[catalogue.SkuId, catalogue.Offer]
) -> dict[catalogue.SkuId, int]:
    """What wishes take from stock, bundles by their parts, each sku once."""
    wanted: dict[catalogue.SkuId, int] = {}
    for wish in wishes:
        for part in consists(offers[wish.sku_id], wish.quantity_milli):
            wanted[part.sku_id] = wanted.get(part.sku_id, 0) + part.quantity_milli
    return wanted


def consists(offer: catalogue.Offer, quantity_milli: int) -> list[catalogue.BundlePart]:
    """What so much of an offer is made of; what is no bundle is made of itself."""
    if not offer.parts:
        return [catalogue.BundlePart(offer.sku_id, quantity_milli)]
    return catalogue.expand(offer.parts, quantity_milli)


def skus_to_price(offers: Iterable[catalogue.Offer]) -> list[catalogue.SkuId]:
    """The parts of bundles, by whose list prices a bundle's total is split."""
    return list(dict.fromkeys(part.sku_id for offer in offers for part in offer.parts))


def with_parts(
    line: Line,
    offer: catalogue.Offer,
    quotes: Mapping[catalogue.SkuId, pricing.Quote],
    pool: Pool | None = None,
) -> Line:
    """A line with the parts of its bundle, each from where the pool has it (without one, all from the first part)."""
    if not offer.parts:
        return line
    taken = [
        (part.sku_id, part_no, milli)
        for part in consists(offer, line.quantity_milli)
        for part_no, milli in (
            pool.take(part.sku_id, part.quantity_milli) if pool else [(FIRST_PART, part.quantity_milli)]
        )
    ]
    weights = [quotes[sku_id].list_minor * milli if sku_id in quotes else 0 for sku_id, _, milli in taken]
    shares = money.split_minor(line.total_minor, weights)
    parts = [LinePart(*part, share) for part, share in zip(taken, shares, strict=True)]
    return msgspec.structs.replace(line, part_no=parts[0].part_no, parts=parts)


def goods_of(line: Line) -> list[tuple[catalogue.SkuId, int, int]]:
    """What a line takes from stock: sku, part of the order, quantity."""
    if not line.parts:
        return [(line.sku_id, line.part_no, line.quantity_milli)]
    return [(part.sku_id, part.part_no, part.quantity_milli) for part in line.parts]


def goods_back(line: Line, quantity_milli: int) -> dict[catalogue.SkuId, int]:
    """What comes back into stock with so much of a line: of a bundle, its share of every part."""
    back: dict[catalogue.SkuId, int] = {}
    for sku_id, _, milli in goods_of(line):
        back[sku_id] = back.get(sku_id, 0) + milli
    return {sku_id: milli * quantity_milli // line.quantity_milli for sku_id, milli in back.items()}


def wants_of(lines: Iterable[Line], parts: Mapping[int, Part]) -> list[inventory.Want]:
    """What an order takes from which location."""
    return [
        inventory.Want(parts[part_no].location_id, sku_id, milli)
        for line in lines
        for sku_id, part_no, milli in goods_of(line)
    ]
