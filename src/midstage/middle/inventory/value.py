"""Keep the books of value: book the movements that are not in them yet, and say what stock is worth.

Promises, sales and openings are not slowed by it: they write their movements, which are valued here later, at the latest
by the sweep of a minute. What brings a price or needs a value (a receipt, a transfer, an adjustment, a count) is valued
in its own transaction, after whatever was booked on the same stock rows before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.money import MILLI, Money
from midstage.middle.inventory import costing, store
from midstage.middle.inventory.costing import Booked
from midstage.middle.inventory.store import Entry, Kept, Pending, Place, PoolKey
from midstage.middle.inventory.telling import tell_owner
from midstage.middle.inventory.types import LocationId, SkuId
from midstage.middle.inventory.work import Key, SupplyPrices, Worth
from midstage.middle.inventory.work_refusals import SupplyCurrencyWrong
from midstage.middle.organisation import api as organisation

SWEEP = 2_000
_OWNER, _PRICED = "owner", "priced"
_FIRST = UUID(int=0)


class Given(msgspec.Struct, frozen=True):
    """What the goods of one reference are worth in all, by stock row."""

    reference: UUID
    minor: Mapping[Key, int]
    currency: str


class _Books:
    """The pools of some stock rows, locked, and what is booked on them."""

    def __init__(self, tx: Tx, pools: dict[PoolKey, Kept], supply: Mapping[SkuId, Money], given: Given | None) -> None:
        self._tx = tx
        self._supply = supply
        self._given = given
        self.pools = pools
        self.places: dict[Key, Place] = {}
        self.moved: dict[Key, None] = {}
        self.entries: list[Entry] = []
        self.owners: dict[tuple[LocationId, PoolKey], tuple[PoolKey, int, int]] = {}

    def learn(self, row: Pending) -> None:
        """Value what lies there without a price, if there is one now."""
        kept = self.pools[row.operator_id, row.sku_id]
        known = self._supply.get(row.sku_id)
        if known is None or kept.pool.priced or kept.pool.quantity_milli <= 0:
            return
        kept.pool, booked = costing.price(kept.pool, known.minor)
        kept.currency = known.currency
        day = self._tx.tenant.business_date(self._tx.now)
        self.entries.append(
            Entry(row.operator_id, row.location_id, row.sku_id, _PRICED, row.location_id, 0, booked.in_minor, 0, day)
        )

    def take(self, row: Pending) -> None:
        """Book a movement."""
        key = (row.location_id, row.sku_id)
        place = self.places.setdefault(key, Place(row.operator_id, row.quantity_milli, row.valued_id))
        if row.movement_id is None or row.milli is None or row.moved_at is None or row.reference is None:
            return
        place.quantity_milli += row.milli
        place.movement_id = row.movement_id
        self.moved[key] = None
        booked = self._book(place.operator_id, row.sku_id, row.milli, self._worth(place.operator_id, key, row))
        day = self._tx.tenant.business_date(row.moved_at)
        self.entries.append(
            Entry(
                place.operator_id, row.location_id, row.sku_id, str(row.kind), row.reference, row.milli,
                booked.in_minor, booked.out_minor, day, row.movement_id,
            )
        )  # fmt: skip

    def hand_over(self, key: Key, owner: organisation.OperatorId) -> None:
        """Take what lies in a place to the books of the operator whose it is now."""
        location, sku = key
        place = self.places[key]
        before, milli = place.operator_id, place.quantity_milli
        if milli:
            left = self._book(before, sku, -milli, 0)
            self._owned(key, before, -milli, left)
            come = self._book(owner, sku, milli, left.out_minor)
            self._owned(key, owner, milli, come)
            self.owners[location, (before, sku)] = ((owner, sku), milli, left.out_minor)
        place.operator_id = owner
        self.moved[key] = None

    def _owned(self, key: Key, operator: organisation.OperatorId, milli: int, booked: Booked) -> None:
        location, sku = key
        day = self._tx.tenant.business_date(self._tx.now)
        self.entries.append(
            Entry(operator, location, sku, _OWNER, location, milli, booked.in_minor, booked.out_minor, day)
        )

    def _worth(self, operator: organisation.OperatorId, key: Key, row: Pending) -> int | None:
        """What came is worth, if somebody says so."""
        given = self._given
        kept = self.pools[operator, row.sku_id]
        if given is not None and row.reference == given.reference and key in given.minor:
            self._one_currency(kept, row.sku_id, given.currency)
            return given.minor[key]
        price = self._supply.get(row.sku_id)
        if row.milli is None or row.milli <= 0 or kept.pool.priced or price is None:
            return None
        if kept.currency not in {"", price.currency}:
            return None
        kept.currency = price.currency
        return costing.part(price.minor, row.milli, MILLI)

    def _one_currency(self, kept: Kept, sku: SkuId, currency: str) -> None:
        if kept.currency not in {"", currency}:
            raise SupplyCurrencyWrong(sku, kept.currency, currency)
        kept.currency = currency

    def _book(self, operator: organisation.OperatorId, sku: SkuId, milli: int, given: int | None) -> Booked:
        kept = self.pools[operator, sku]
        kept.pool, booked = costing.book(kept.pool, milli, given)
        return booked


async def value_rows(
    tx: Tx, keys: Iterable[Key], *, given: Given | None = None, supply: SupplyPrices | None = None
) -> list[Entry]:
    """Bring some stock rows into the books of value; returns what was booked, in its order.

    Raises SupplyCurrencyWrong.
    """
    ordered = sorted(set(keys))
    if not ordered:
        return []
    await store.open_costs(tx, ordered)
    pools = await store.lock_costs(tx, ordered)
    rows = await store.pending(tx, ordered)
    if any((row.operator_id, row.sku_id) not in pools or (row.owner_id, row.sku_id) not in pools for row in rows):
        # A location changed hands while we waited for its pools.
        await store.open_costs(tx, ordered)
        pools |= await store.lock_costs(tx, ordered)
    prices = await _supplied(tx, pools, rows, supply)
    books = _Books(tx, pools, prices, given)
    for row in rows:
        books.learn(row)
        books.take(row)
    for row in rows:
        key = (row.location_id, row.sku_id)
        if books.places[key].operator_id != row.owner_id:
            _share_currency(pools, row)
            books.hand_over(key, row.owner_id)
    if books.entries or books.moved:
        await store.write_costs(tx, pools, books.places, books.moved)
        await store.add_entries(tx, books.entries)
        _tell_owners(tx, books)
    return books.entries


async def value_pending(tx: Tx, *, supply: SupplyPrices | None = None, limit: int = SWEEP) -> int:
    """Book the next movements that nobody has valued yet; returns how many stock rows there were. For the sweep."""
    at = await store.follow(tx, "value")
    if at is None:
        return 0
    found = await store.unvalued(tx, at.through_id, limit)
    await value_rows(tx, {key for _, key in found}, supply=supply)
    # Everything up to what is safe is valued now, but for what the limit left out.
    through = at.safe_id if len(found) < limit else min(at.safe_id, found[-1][0])
    await store.move_follow(tx, "value", at, max(at.through_id, through))
    return len({key for _, key in found})


async def revalue_location(tx: Tx, location: LocationId) -> None:
    """Take what the books have of a location to those of its operator. For a location that changed hands."""
    after = _FIRST
    while skus := await store.skus_valued_at(tx, location, SkuId(after), SWEEP):
        await value_rows(tx, [(location, sku) for sku in skus])
        after = skus[-1]


async def value_unpriced(tx: Tx, after: PoolKey | None = None, *, supply: SupplyPrices) -> PoolKey | None:
    """Value the next goods that came before their price was known; returns where to go on. For the nightly sweep."""
    found = await store.unpriced(tx, after, SWEEP)
    await value_rows(tx, [(location, sku) for _, sku, location in found], supply=supply)
    return found[-1][:2] if len(found) == SWEEP else None


async def estimate(
    tx: Tx, milli: Mapping[Key, int], *, supply: SupplyPrices | None = None
) -> tuple[dict[Key, int | None], str]:
    """What quantities are worth at the average, without booking; None where no price is known. And in which currency."""
    kept = await store.read_costs(tx, list(milli))
    unknown = sorted(
        {sku for location, sku in milli if (location, sku) not in kept or not kept[location, sku].pool.priced}
    )
    prices: Mapping[SkuId, Money] = await supply(tx, unknown) if supply is not None and unknown else {}
    found: dict[Key, int | None] = {}
    currency = ""
    for (location, sku), amount in milli.items():
        known = kept.get((location, sku))
        price = prices.get(sku)
        if known is not None and known.pool.priced:
            found[location, sku] = costing.worth(known.pool, amount)
            currency = currency or known.currency
        elif price is not None:
            found[location, sku] = costing.part(price.minor, abs(amount), MILLI)
            currency = currency or price.currency
        else:
            found[location, sku] = None
    return found, currency


async def worth(
    tx: Tx, *, on: date | None = None, after: SkuId | None = None, limit: int = 1_000
) -> tuple[list[Worth], SkuId | None]:
    """What stock is worth by operator, location and sku, some skus at a time; and from which sku to go on.

    Now, or at the end of a business day. It says what the books say: `value_pending` brings them up to this moment.
    """
    rows = await store.worth(tx, on, after or _FIRST, limit)
    skus = {row.sku_id for row in rows}
    last = max(skus, default=None)
    return rows, last if len(skus) >= limit else None


async def _supplied(
    tx: Tx, pools: Mapping[PoolKey, Kept], rows: Sequence[Pending], supply: SupplyPrices | None
) -> Mapping[SkuId, Money]:
    """Supply prices of the skus that come and were never priced."""
    if supply is None:
        return {}
    asked = {row.sku_id for row in rows if not pools[row.operator_id, row.sku_id].pool.priced}
    return await supply(tx, sorted(asked)) if asked else {}


def _share_currency(pools: Mapping[PoolKey, Kept], row: Pending) -> None:
    """Goods that change hands carry their currency along. Raises SupplyCurrencyWrong."""
    before, after = pools[row.operator_id, row.sku_id], pools[row.owner_id, row.sku_id]
    if after.currency not in {"", before.currency} and before.currency:
        raise SupplyCurrencyWrong(row.sku_id, after.currency, before.currency)
    after.currency = before.currency or after.currency


def _tell_owners(tx: Tx, books: _Books) -> None:
    """Say once for each pair of operators what went from one to the other."""
    told: dict[tuple[LocationId, organisation.OperatorId, organisation.OperatorId], list[tuple[SkuId, int, int]]] = {}
    for (location, (before, sku)), ((owner, _), milli, minor) in books.owners.items():
        told.setdefault((location, before, owner), []).append((sku, milli, minor))
    for (location, before, owner), lines in told.items():
        tell_owner(tx, location, location, before, owner, lines, books.pools[owner, lines[0][0]].currency)
