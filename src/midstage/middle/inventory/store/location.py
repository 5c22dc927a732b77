"""Locations as inventory knows them."""

from collections.abc import Iterable, Sequence

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.types import Location, LocationId
from midstage.middle.organisation import api as organisation

PLACE_LOCATIONS = """
insert into stock_location (brand_id, location_id, kind, operator_id, lat, lng, sells_online, active)
select $1, l.location_id, l.kind, l.operator_id, l.lat, l.lng, l.sells_online, l.active
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::double precision[], $6::double precision[], $7::boolean[],
              $8::boolean[]) as l (location_id, kind, operator_id, lat, lng, sells_online, active)
 order by l.location_id
    on conflict (brand_id, location_id) do update
   set kind = excluded.kind, operator_id = excluded.operator_id, lat = excluded.lat, lng = excluded.lng,
       sells_online = excluded.sells_online, active = excluded.active
"""

LOCATIONS = """
select l.location_id, l.kind, l.operator_id, l.lat, l.lng, l.sells_online, l.active
  from stock_location l
 where l.brand_id = $1 and ($2::uuid[] is null or l.location_id = any($2))
 order by l.location_id
"""

UNKNOWN_LOCATIONS = """
select g.location_id from unnest($2::uuid[]) as g (location_id)
 where not exists (select 1 from stock_location l where l.brand_id = $1 and l.location_id = g.location_id)
 order by g.location_id
 limit 1
"""


async def place_locations(tx: Tx, locations: Sequence[Location]) -> None:
    await tx.run(
        PLACE_LOCATIONS,
        tx.brand,
        [one.location_id for one in locations],
        [one.kind for one in locations],
        [one.operator_id for one in locations],
        [one.place and one.place.lat for one in locations],
        [one.place and one.place.lng for one in locations],
        [one.sells_online for one in locations],
        [one.active for one in locations],
    )


async def locations(tx: Tx, ids: Sequence[LocationId] | None) -> list[Location]:
    return [_location(row) for row in await tx.rows(LOCATIONS, tx.brand, ids)]


async def unknown_location(tx: Tx, ids: Iterable[LocationId]) -> LocationId | None:
    return await tx.value(UNKNOWN_LOCATIONS, tx.brand, list(ids))


def _location(row: Record) -> Location:
    lat, lng = row["lat"], row["lng"]
    return Location(
        location_id=row["location_id"],
        kind=organisation.StoreKind(row["kind"]),
        operator_id=row["operator_id"],
        place=None if lat is None else organisation.Place(lat, lng),
        sells_online=row["sells_online"],
        active=row["active"],
    )
