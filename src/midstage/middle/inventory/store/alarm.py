"""Alarm levels and alarms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.store.plans import plan_for
from midstage.middle.inventory.types import LocationId, SkuId
from midstage.middle.inventory.work import Alarm, AlarmFilter, AlarmId, Key

SET_LEVELS = """
insert into stock_alarm_level (brand_id, location_id, sku_id, min_milli)
select $1, $2, n.sku_id, n.min_milli from unnest($3::uuid[], $4::bigint[]) as n (sku_id, min_milli)
 order by n.sku_id
    on conflict (brand_id, location_id, sku_id) do update set min_milli = excluded.min_milli
"""

DROP_LEVELS = """
delete from stock_alarm_level where brand_id = $1 and location_id = $2 and sku_id = any($3::uuid[])
"""

LEVELS = """
select l.sku_id, l.min_milli from stock_alarm_level l
 where l.brand_id = $1 and l.location_id = $2 and l.sku_id > $3
 order by l.sku_id
 limit $4
"""

WATCHES = """
select exists (select 1 from stock_alarm_level l where l.brand_id = $1)
    or exists (select 1 from stock_alarm a where a.brand_id = $1 and a.resolved_at is null)
"""

TOUCHED = """
select m.movement_id, m.location_id, m.sku_id from stock_movement m
 where m.brand_id = $1 and m.movement_id > $2
 order by m.movement_id
 limit $3
"""

WATCHED = """
select s.location_id, s.sku_id, s.on_hand_milli - s.reserved_milli - s.safety_milli as free, s.incoming_milli,
       l.min_milli, a.alarm_id
  from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
  join stock s on s.brand_id = $1 and s.location_id = w.location_id and s.sku_id = w.sku_id
  left join stock_alarm_level l on l.brand_id = $1 and l.location_id = s.location_id and l.sku_id = s.sku_id
  left join stock_alarm a
    on a.brand_id = $1 and a.location_id = s.location_id and a.sku_id = s.sku_id and a.resolved_at is null
 order by s.location_id, s.sku_id
"""

NEXT_STOCK = """
select s.location_id, s.sku_id from stock s
 where s.brand_id = $1 and (s.location_id, s.sku_id) > ($2, $3)
 order by s.location_id, s.sku_id
 limit $4
"""

SOLD = """
select w.location_id, w.sku_id,
       (select coalesce(-sum(m.on_hand_delta_milli), 0) from stock_movement m
         where m.brand_id = $1 and m.location_id = w.location_id and m.sku_id = w.sku_id
           and m.kind in ('handed_over', 'sold') and m.on_hand_delta_milli <> 0 and m.moved_at >= $4)::bigint as milli
  from unnest($2::uuid[], $3::uuid[]) as w (location_id, sku_id)
"""

RAISE = """
insert into stock_alarm (brand_id, alarm_id, location_id, sku_id, level_milli, free_milli, raised_at)
select $1, n.alarm_id, n.location_id, n.sku_id, n.level, n.free, $2
  from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::bigint[])
    as n (alarm_id, location_id, sku_id, level, free)
 order by n.location_id, n.sku_id
    on conflict do nothing
returning alarm_id
"""

RESOLVE = """
update stock_alarm a set resolved_at = $2
 where a.brand_id = $1 and a.alarm_id = any($3::uuid[]) and a.resolved_at is null
returning a.alarm_id
"""

SNOOZE = """
update stock_alarm a set snoozed_until = $3
 where a.brand_id = $1 and a.alarm_id = $2 and a.resolved_at is null
returning a.location_id
"""

ALARMS = """
select a.alarm_id, a.location_id, a.sku_id, a.level_milli,
       coalesce(s.on_hand_milli - s.reserved_milli - s.safety_milli, 0) as free_milli,
       coalesce(s.incoming_milli, 0) as incoming_milli, a.raised_at, a.snoozed_until, a.resolved_at
  from stock_alarm a
  left join stock s on s.brand_id = $1 and s.location_id = a.location_id and s.sku_id = a.sku_id
 where a.brand_id = $1 and a.alarm_id < $2 and ($3::uuid[] is null or a.location_id = any($3))
   and ($4::uuid is null or a.sku_id = $4) and ($5 or a.snoozed_until is null or a.snoozed_until <= $7)
   and ($6 or a.resolved_at is null)
 order by a.alarm_id desc
 limit $8
"""

ALARM = """
select a.alarm_id, a.location_id, a.sku_id, a.level_milli,
       coalesce(s.on_hand_milli - s.reserved_milli - s.safety_milli, 0) as free_milli,
       coalesce(s.incoming_milli, 0) as incoming_milli, a.raised_at, a.snoozed_until, a.resolved_at
  from stock_alarm a
  left join stock s on s.brand_id = $1 and s.location_id = a.location_id and s.sku_id = a.sku_id
 where a.brand_id = $1 and a.alarm_id = $2
"""

OLD_ALARMS = """
select a.alarm_id, a.location_id, a.sku_id, a.level_milli, a.raised_at
  from stock_alarm a
 where a.brand_id = $1 and a.resolved_at is null and a.raised_at < $2
   and (a.snoozed_until is null or a.snoozed_until <= $3)
 order by a.alarm_id
 limit $4
"""

_LAST = UUID(int=2**128 - 1)


class Watched(msgspec.Struct, frozen=True):
    """A stock row as alarms look at it."""

    location_id: LocationId
    sku_id: SkuId
    free_milli: int
    incoming_milli: int
    min_milli: int | None
    alarm_id: AlarmId | None


class Low(msgspec.Struct, frozen=True):
    """An alarm to raise."""

    alarm_id: AlarmId
    location_id: LocationId
    sku_id: SkuId
    level_milli: int
    free_milli: int


async def set_levels(tx: Tx, location: LocationId, levels: Mapping[SkuId, int]) -> None:
    await tx.run(SET_LEVELS, tx.brand, location, list(levels), list(levels.values()))


async def drop_levels(tx: Tx, location: LocationId, skus: Sequence[SkuId]) -> None:
    await tx.run(DROP_LEVELS, tx.brand, location, skus)


async def levels(tx: Tx, location: LocationId, after: UUID, limit: int) -> list[tuple[SkuId, int]]:
    return [(row["sku_id"], row["min_milli"]) for row in await tx.rows(LEVELS, tx.brand, location, after, limit)]


async def anything_watched(tx: Tx) -> bool:
    return bool(await tx.value(WATCHES, tx.brand))


async def touched(tx: Tx, after: int, limit: int) -> list[tuple[int, Key]]:
    rows = await tx.rows(TOUCHED, tx.brand, after, limit)
    return [(row["movement_id"], (row["location_id"], row["sku_id"])) for row in rows]


async def watched(tx: Tx, keys: Sequence[Key]) -> list[Watched]:
    places, skus = [location for location, _ in keys], [sku for _, sku in keys]
    await plan_for(tx, len(keys))
    return [Watched(*row.values()) for row in await tx.rows(WATCHED, tx.brand, places, skus)]


async def next_stock(tx: Tx, after: Key, limit: int) -> list[Key]:
    return [(row["location_id"], row["sku_id"]) for row in await tx.rows(NEXT_STOCK, tx.brand, *after, limit)]


async def sold_since(tx: Tx, keys: Sequence[Key], since: datetime) -> dict[Key, int]:
    places, skus = [location for location, _ in keys], [sku for _, sku in keys]
    rows = await tx.rows(SOLD, tx.brand, places, skus, since)
    return {(row["location_id"], row["sku_id"]): row["milli"] for row in rows}


async def raise_alarms(tx: Tx, low: Sequence[Low]) -> set[AlarmId]:
    """Raise those that are not raised yet; returns which were."""
    rows = await tx.rows(
        RAISE,
        tx.brand,
        tx.now,
        [one.alarm_id for one in low],
        [one.location_id for one in low],
        [one.sku_id for one in low],
        [one.level_milli for one in low],
        [one.free_milli for one in low],
    )
    return {row["alarm_id"] for row in rows}


async def resolve_alarms(tx: Tx, ids: Sequence[AlarmId]) -> set[AlarmId]:
    return {row["alarm_id"] for row in await tx.rows(RESOLVE, tx.brand, tx.now, ids)}


async def snooze(tx: Tx, alarm_id: AlarmId, until: datetime) -> bool:
    return await tx.value(SNOOZE, tx.brand, alarm_id, until) is not None


async def alarms(tx: Tx, wanted: AlarmFilter, before: UUID | None, limit: int) -> list[Alarm]:
    locations = None if wanted.locations is None else list(wanted.locations)
    rows = await tx.rows(
        ALARMS, tx.brand, before or _LAST, locations, wanted.sku_id, wanted.snoozed_too, wanted.resolved_too, tx.now,
        limit,
    )  # fmt: skip
    return [Alarm(*row.values()) for row in rows]


async def alarm(tx: Tx, alarm_id: AlarmId) -> Alarm | None:
    row = await tx.row(ALARM, tx.brand, alarm_id)
    return None if row is None else Alarm(*row.values())


async def old_alarms(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(OLD_ALARMS, tx.brand, before, tx.now, limit)
