"""The books of value: pools, how far each stock row is in them, and every change."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.inventory.costing import Pool
from midstage.middle.inventory.store.plans import plan_for
from midstage.middle.inventory.types import LocationId, MovementKind, SkuId
from midstage.middle.inventory.work import Key, Worth
from midstage.middle.organisation import api as organisation

PoolKey = tuple[organisation.OperatorId, SkuId]

OPEN_COSTS = """
with want as materialized (
  select w.location_id, w.sku_id, l.operator_id
    from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
    join stock_location l on l.brand_id = $1 and l.location_id = w.location_id
), place as (
  insert into stock_cost_place (brand_id, location_id, sku_id, operator_id)
  select $1, want.location_id, want.sku_id, want.operator_id from want
   where not exists (select 1 from stock_cost_place p
                      where p.brand_id = $1 and p.location_id = want.location_id and p.sku_id = want.sku_id)
   order by want.location_id, want.sku_id
      on conflict do nothing
)
insert into stock_cost (brand_id, operator_id, sku_id)
select distinct $1::integer, want.operator_id, want.sku_id from want
 where not exists (select 1 from stock_cost c
                    where c.brand_id = $1 and c.operator_id = want.operator_id and c.sku_id = want.sku_id)
 order by want.operator_id, want.sku_id
    on conflict do nothing
"""

LOCK_COSTS = """
select c.operator_id, c.sku_id, c.currency, c.quantity_milli, c.value_minor, c.rate_minor, c.rate_milli
  from stock_cost c
 where c.brand_id = $1 and (c.operator_id, c.sku_id) in (
   select p.operator_id, p.sku_id
     from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
     join stock_cost_place p on p.brand_id = $1 and p.location_id = w.location_id and p.sku_id = w.sku_id
    union
   select l.operator_id, w.sku_id
     from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
     join stock_location l on l.brand_id = $1 and l.location_id = w.location_id)
 order by c.operator_id, c.sku_id
   for no key update of c
"""

# Within a stock row movements are numbered under the row's lock, so none can appear before one that was seen.
PENDING = """
select p.location_id, p.sku_id, p.operator_id, l.operator_id as owner_id, p.quantity_milli, m.movement_id, m.kind,
       m.on_hand_delta_milli, m.reference, m.moved_at, p.movement_id as valued_id
  from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
  join stock_cost_place p on p.brand_id = $1 and p.location_id = w.location_id and p.sku_id = w.sku_id
  join stock_location l on l.brand_id = $1 and l.location_id = p.location_id
  left join stock_movement m
    on m.brand_id = $1 and m.location_id = p.location_id and m.sku_id = p.sku_id
   and m.on_hand_delta_milli <> 0 and m.movement_id > p.movement_id
 order by m.movement_id nulls last, p.location_id, p.sku_id
"""

WRITE_COSTS = """
update stock_cost c
   set currency = n.currency, quantity_milli = n.quantity, value_minor = n.value, rate_minor = n.rate_minor,
       rate_milli = n.rate_milli
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    as n (operator_id, sku_id, currency, quantity, value, rate_minor, rate_milli)
 where c.brand_id = $1 and c.operator_id = n.operator_id and c.sku_id = n.sku_id
"""

WRITE_PLACES = """
update stock_cost_place p set operator_id = n.operator_id, quantity_milli = n.quantity, movement_id = n.movement_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])
    as n (location_id, sku_id, operator_id, quantity, movement_id)
 where p.brand_id = $1 and p.location_id = n.location_id and p.sku_id = n.sku_id
"""

ADD_ENTRIES = """
insert into stock_cost_entry (brand_id, operator_id, location_id, sku_id, transit, kind, reference, movement_id, milli,
                              in_minor, out_minor, business_date)
select $1, e.operator_id, e.location_id, e.sku_id, e.transit, e.kind, e.reference, e.movement_id, e.milli, e.in_minor,
       e.out_minor, e.business_date
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::uuid[], $8::bigint[], $9::bigint[],
              $10::bigint[], $11::bigint[], $12::date[])
    with ordinality
    as e (operator_id, location_id, sku_id, transit, kind, reference, movement_id, milli, in_minor, out_minor,
          business_date, place)
 order by e.place
"""

READ_COSTS = """
select w.location_id, c.sku_id, c.currency, c.quantity_milli, c.value_minor, c.rate_minor, c.rate_milli
  from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
  join stock_location l on l.brand_id = $1 and l.location_id = w.location_id
  join stock_cost c on c.brand_id = $1 and c.operator_id = l.operator_id and c.sku_id = w.sku_id
"""

UNVALUED = """
select m.movement_id, m.location_id, m.sku_id
  from stock_movement m
  left join stock_cost_place p on p.brand_id = $1 and p.location_id = m.location_id and p.sku_id = m.sku_id
 where m.brand_id = $1 and m.movement_id > $2 and m.on_hand_delta_milli <> 0
   and m.movement_id > coalesce(p.movement_id, 0)
 order by m.movement_id
 limit $3
"""

VALUED_AT = """
select p.sku_id from stock_cost_place p
 where p.brand_id = $1 and p.location_id = $2 and p.sku_id > $3 order by p.sku_id limit $4
"""

UNPRICED = """
select c.operator_id, c.sku_id, (select p.location_id from stock_cost_place p
                                  where p.brand_id = $1 and p.operator_id = c.operator_id and p.sku_id = c.sku_id
                                  order by p.location_id limit 1) as location_id
  from stock_cost c
 where c.brand_id = $1 and c.rate_milli = 0 and c.quantity_milli > 0 and (c.operator_id, c.sku_id) > ($2, $3)
 order by c.operator_id, c.sku_id
 limit $4
"""

# A pool's value is spread over its locations by what lies there, by the running sum, so that the parts are the whole.
WORTH = """
with chosen as materialized (
  select distinct c.sku_id from stock_cost c where c.brand_id = $1 and c.sku_id > $3 order by c.sku_id limit $4
), later as materialized (
  select e.operator_id, e.sku_id, e.location_id, sum(e.milli) as milli, sum(e.in_minor - e.out_minor) as minor
    from stock_cost_entry e
   where e.brand_id = $1 and not e.transit and e.business_date > $2::date and e.sku_id in (select sku_id from chosen)
   group by e.operator_id, e.sku_id, e.location_id
), transit as (
  select e.operator_id, e.sku_id, e.location_id, sum(e.milli) as transit_milli,
         sum(e.in_minor - e.out_minor) as transit_minor
    from stock_cost_entry e
   where e.brand_id = $1 and e.transit and e.sku_id in (select sku_id from chosen)
     and ($2::date is null or e.business_date <= $2)
   group by e.operator_id, e.sku_id, e.location_id
  having sum(e.milli) <> 0 or sum(e.in_minor - e.out_minor) <> 0
), place as (
  select operator_id, sku_id, location_id, coalesce(present.milli, 0) - coalesce(later.milli, 0) as milli
    from (select p.operator_id, p.sku_id, p.location_id, p.quantity_milli as milli
            from stock_cost_place p where p.brand_id = $1 and p.sku_id in (select sku_id from chosen)) as present
    full join later using (operator_id, sku_id, location_id)
), pool as (
  select c.operator_id, c.sku_id, c.currency, c.rate_milli > 0 as priced,
         c.value_minor - coalesce((select sum(later.minor) from later
                                    where later.operator_id = c.operator_id and later.sku_id = c.sku_id), 0) as minor
    from stock_cost c where c.brand_id = $1 and c.sku_id in (select sku_id from chosen)
), spread as (
  select place.operator_id, place.sku_id, place.location_id, place.milli, greatest(place.milli, 0) as share,
         pool.currency, pool.minor, pool.priced,
         sum(greatest(place.milli, 0)) over (partition by place.operator_id, place.sku_id) as whole,
         sum(greatest(place.milli, 0)) over by_place as upto, row_number() over by_place as place_no
    from place join pool using (operator_id, sku_id)
  window by_place as (partition by place.operator_id, place.sku_id order by place.location_id)
)
select operator_id, location_id, sku_id, coalesce(spread.currency, '') as currency,
       coalesce(spread.milli, 0)::bigint as milli,
       coalesce(case when spread.whole > 0
                     then div(spread.minor * spread.upto, spread.whole)
                          - div(spread.minor * (spread.upto - spread.share), spread.whole)
                     when spread.place_no = 1 then spread.minor else 0 end, 0)::bigint as minor,
       coalesce(transit.transit_milli, 0)::bigint as transit_milli,
       coalesce(transit.transit_minor, 0)::bigint as transit_minor, coalesce(spread.priced, true) as priced
  from spread full join transit using (operator_id, sku_id, location_id)
 order by sku_id, operator_id, location_id
"""


class Kept(msgspec.Struct):
    """A pool while it is worked on."""

    pool: Pool
    currency: str


class Pending(msgspec.Struct, frozen=True):
    """A stock row with a movement that is not valued yet, or without."""

    location_id: LocationId
    sku_id: SkuId
    operator_id: organisation.OperatorId
    owner_id: organisation.OperatorId
    quantity_milli: int
    movement_id: int | None
    kind: MovementKind | None
    milli: int | None
    reference: UUID | None
    moved_at: datetime | None
    valued_id: int


class Entry(msgspec.Struct, frozen=True):
    """A change of value."""

    operator_id: organisation.OperatorId
    location_id: LocationId
    sku_id: SkuId
    kind: str
    reference: UUID
    milli: int
    in_minor: int
    out_minor: int
    business_date: date
    movement_id: int | None = None
    transit: bool = False


class Place(msgspec.Struct):
    """How far a stock row is in the books, and whose it is."""

    operator_id: organisation.OperatorId
    quantity_milli: int
    movement_id: int


async def open_costs(tx: Tx, keys: Sequence[Key]) -> None:
    await plan_for(tx, len(keys))
    await tx.run(OPEN_COSTS, tx.brand, *_columns(keys))


async def lock_costs(tx: Tx, keys: Sequence[Key]) -> dict[PoolKey, Kept]:
    rows = await tx.rows(LOCK_COSTS, tx.brand, *_columns(keys))
    return {(row[0], row[1]): Kept(Pool(row[3], row[4], row[5], row[6]), row[2]) for row in rows}


async def pending(tx: Tx, keys: Sequence[Key]) -> list[Pending]:
    rows = await tx.rows(PENDING, tx.brand, *_columns(keys))
    return [
        Pending(row[0], row[1], row[2], row[3], row[4], row[5], row[6] and MovementKind(row[6]), *row[7:])
        for row in (tuple(row.values()) for row in rows)
    ]


async def write_costs(tx: Tx, pools: Mapping[PoolKey, Kept], places: Mapping[Key, Place], moved: Iterable[Key]) -> None:
    """Write pools, and the places that moved."""
    at = [(key, places[key]) for key in moved]
    tx.later(
        WRITE_COSTS,
        tx.brand,
        [operator for operator, _ in pools],
        [sku for _, sku in pools],
        [kept.currency for kept in pools.values()],
        [kept.pool.quantity_milli for kept in pools.values()],
        [kept.pool.value_minor for kept in pools.values()],
        [kept.pool.rate_minor for kept in pools.values()],
        [kept.pool.rate_milli for kept in pools.values()],
    )
    tx.later(
        WRITE_PLACES,
        tx.brand,
        *_columns([key for key, _ in at]),
        [place.operator_id for _, place in at],
        [place.quantity_milli for _, place in at],
        [place.movement_id for _, place in at],
    )


async def add_entries(tx: Tx, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    columns: list[list[Any]] = [
        [one.operator_id for one in entries],
        [one.location_id for one in entries],
        [one.sku_id for one in entries],
        [one.transit for one in entries],
        [one.kind for one in entries],
        [one.reference for one in entries],
        [one.movement_id for one in entries],
        [one.milli for one in entries],
        [one.in_minor for one in entries],
        [one.out_minor for one in entries],
        [one.business_date for one in entries],
    ]
    tx.later(ADD_ENTRIES, tx.brand, *columns)


async def read_costs(tx: Tx, keys: Sequence[Key]) -> dict[Key, Kept]:
    """The pools that these stock rows are part of, as they stand in the books."""
    rows = await tx.rows(READ_COSTS, tx.brand, *_columns(keys))
    return {(row[0], row[1]): Kept(Pool(row[3], row[4], row[5], row[6]), row[2]) for row in rows}


async def currency_of(tx: Tx, location: LocationId, sku: SkuId) -> str:
    """In which currency it is valued; empty while no price is known."""
    kept = (await read_costs(tx, [(location, sku)])).get((location, sku))
    return "" if kept is None else kept.currency


async def unvalued(tx: Tx, after: int, limit: int) -> list[tuple[int, Key]]:
    rows = await tx.rows(UNVALUED, tx.brand, after, limit)
    return [(row["movement_id"], (row["location_id"], row["sku_id"])) for row in rows]


async def skus_valued_at(tx: Tx, location: LocationId, after: UUID, limit: int) -> list[SkuId]:
    return [SkuId(row["sku_id"]) for row in await tx.rows(VALUED_AT, tx.brand, location, after, limit)]


async def unpriced(
    tx: Tx, after: PoolKey | None, limit: int
) -> list[tuple[organisation.OperatorId, SkuId, LocationId]]:
    """Pools with goods and without a price, each with a place of it."""
    operator, sku = after or (UUID(int=0), UUID(int=0))
    return [(row[0], row[1], row[2]) for row in await tx.rows(UNPRICED, tx.brand, operator, sku, limit)]


async def worth(tx: Tx, on: date | None, after: UUID, limit: int) -> list[Worth]:
    """What the next skus are worth, everywhere; at the end of a business day or now."""
    return [Worth(*row.values()) for row in await tx.rows(WORTH, tx.brand, on, after, limit)]


def _columns(keys: Iterable[Key]) -> tuple[list[LocationId], list[SkuId]]:
    listed = list(keys)
    return [location for location, _ in listed], [sku for _, sku in listed]
