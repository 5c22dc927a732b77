"""Where goods are free: at given locations, near a place, or anywhere that could send them."""

from collections.abc import Sequence

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.rules import Box
from midstage.middle.inventory.store.pieces import seller_values, whole
from midstage.middle.inventory.types import LocationId, Near, Option, Seller, SkuId
from midstage.middle.organisation import api as organisation

# What the seller may promise of some skus at some locations; rows that do not exist are not free.
FREE_AT = whole("""
select s.location_id, s.sku_id, <free>::bigint as free
  from stock s
  left join (select l.location_id, <percent> as percent from stock_location l where l.brand_id = $1 and l.location_id = any($4::uuid[])) l using (location_id)
 where s.brand_id = $1 and s.location_id = any($4::uuid[]) and s.sku_id = any($5::uuid[])
""")

# The nearest active locations that have any of the skus, within a box first and a circle then.
NEAREST = whole("""
with close as materialized (
  select l.location_id, <metres> as metres, <percent> as percent
    from stock_location l
   where l.brand_id = $1 and l.active and l.lat between $8 and $9
     and case when $10::double precision <= $11::double precision then l.lng between $10 and $11
              else l.lng >= $10 or l.lng <= $11 end
), free as (
  select close.location_id, close.metres, s.sku_id, <free>::bigint as milli
    from close join stock s on s.brand_id = $1 and s.location_id = close.location_id and s.sku_id = any($4::uuid[])
   where close.metres <= $12)
select location_id, round(metres)::bigint as metres, array_agg(sku_id order by sku_id) as skus,
       array_agg(milli order by sku_id) as free
  from free where milli > 0
 group by location_id, metres
 order by metres, location_id
 limit $5
""")

# Who could send what, in the order of preference: by distance from a place; without one, warehouses first.
OPTIONS = whole("""
with near as materialized (
  select l.location_id,
         case when $6::double precision is null then (l.kind not in ('warehouse', 'online'))::integer
              else  <metres> end as rank, <percent> as percent
    from stock_location l
   where l.brand_id = $1 and l.active
     and case when (select $8::uuid[]) is null then l.sells_online else l.location_id = any((select $8::uuid[])::uuid[]) end
   order by rank nulls last, l.location_id
   limit $5
), free as (
  select near.location_id, near.rank, s.sku_id, <free>::bigint as milli
    from near join stock s on s.brand_id = $1 and s.location_id = near.location_id and s.sku_id = any((select $4::uuid[])::uuid[]))
select location_id, array_agg(sku_id) as skus, array_agg(milli) as free
  from free where milli > 0
 group by location_id, rank
 order by rank nulls last, location_id
""")


async def free_at(
    tx: Tx, locations: Sequence[LocationId], skus: Sequence[SkuId], seller: Seller | None
) -> dict[tuple[LocationId, SkuId], int]:
    rows = await tx.rows(FREE_AT, tx.brand, *seller_values(seller), locations, skus)
    return {(LocationId(row["location_id"]), SkuId(row["sku_id"])): row["free"] for row in rows}


async def nearest(
    tx: Tx,
    skus: Sequence[SkuId],
    place: organisation.Place,
    around: Box,
    *,
    within_m: float,
    limit: int,
    seller: Seller | None,
) -> list[Near]:
    rows = await tx.rows(
        NEAREST,
        tx.brand,
        *seller_values(seller),
        skus,
        limit,
        place.lat,
        place.lng,
        around.south,
        around.north,
        around.west,
        around.east,
        within_m,
    )
    return [Near(row["location_id"], row["metres"], _free(row)) for row in rows]


async def options(
    tx: Tx,
    skus: Sequence[SkuId],
    *,
    near: organisation.Place | None,
    candidates: Sequence[LocationId] | None,
    seller: Seller | None,
    limit: int,
) -> list[Option]:
    """Who could send what, the preferred first."""
    lat, lng = (None, None) if near is None else (near.lat, near.lng)
    rows = await tx.rows(OPTIONS, tx.brand, *seller_values(seller), skus, limit, lat, lng, candidates)
    return [Option(row["location_id"], _free(row)) for row in rows]


def _free(row: Record) -> dict[SkuId, int]:
    return {SkuId(sku): milli for sku, milli in zip(row["skus"], row["free"], strict=True)}
