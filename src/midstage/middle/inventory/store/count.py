"""Counts, their lines, and what was entered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.types import LocationId, SkuId
from midstage.middle.inventory.work import Count, CountFilter, CountId, CountLine, CountState

LOCK_LOCATION = """
select l.location_id from stock_location l where l.brand_id = $1 and l.location_id = $2 for no key update
"""

OVERLAP = """
select c.count_id
  from stock_count c
  join stock_count_line l on l.brand_id = $1 and l.count_id = c.count_id
 where c.brand_id = $1 and c.location_id = $2 and c.state in ('open', 'finished') and c.count_id <> $4
   and ($3::uuid[] is null or l.sku_id = any($3))
 limit 1
"""

# A transaction is over within seconds, so what began after the count did has a larger number than what was done
# five minutes before it.
ADD_COUNT = """
insert into stock_count (brand_id, count_id, location_id, kind, category_ids, blind, state, note, opened_at, mark_id)
select $1, $2, $3, $4, $5::uuid[], $6, 'open', $7, $8::timestamptz,
       coalesce((select m.movement_id from stock_movement m
                  where m.brand_id = $1 and m.moved_at < $8::timestamptz - interval '5 minutes'
                  order by m.movement_id desc limit 1), 0)
"""

ADD_ALL_LINES = """
insert into stock_count_line (brand_id, count_id, sku_id, book_milli)
select $1, $2, s.sku_id, s.on_hand_milli from stock s where s.brand_id = $1 and s.location_id = $3
"""

ADD_LINES = """
insert into stock_count_line (brand_id, count_id, sku_id, book_milli)
select $1, $2, n.sku_id, coalesce(s.on_hand_milli, 0)
  from unnest($4::uuid[]) as n (sku_id)
  left join stock s on s.brand_id = $1 and s.location_id = $3 and s.sku_id = n.sku_id
 order by n.sku_id
    on conflict do nothing
returning sku_id
"""

COUNT_SKUS = """
select s.sku_id from stock s where s.brand_id = $1 and s.location_id = $2 order by s.sku_id
"""

COUNT = """
select c.count_id, c.location_id, c.kind, c.category_ids, c.blind, c.state, c.note, c.loss_minor, c.gain_minor,
       c.currency, c.version, c.opened_at, c.finished_at, c.closed_at
  from stock_count c where c.brand_id = $1 and c.count_id = $2
"""

# Counters share the head; whoever finishes waits for them, and they do not enter anything after that.
SHARE_COUNT = "select c.state from stock_count c where c.brand_id = $1 and c.count_id = $2 for share"

COUNTS = """
select c.count_id, c.location_id, c.kind, c.category_ids, c.blind, c.state, c.note, c.loss_minor, c.gain_minor,
       c.currency, c.version, c.opened_at, c.finished_at, c.closed_at
  from stock_count c
 where c.brand_id = $1 and c.count_id < $2 and ($3::text is null or c.state = $3)
   and ($4::uuid[] is null or c.location_id = any($4))
 order by c.count_id desc
 limit $5
"""

COUNT_LINES = """
select l.sku_id, l.round, l.counted_milli, l.last_at, l.book_milli, l.expected_milli, l.difference_milli, l.value_minor,
       l.moved_between
  from stock_count_line l
 where l.brand_id = $1 and l.count_id = $2 and l.sku_id > $3
   and (not $4 or l.difference_milli <> 0)
 order by l.sku_id
 limit $5
"""

UNKNOWN_SKUS = """
select n.sku_id from unnest($3::uuid[]) as n (sku_id)
 where not exists (select 1 from stock_count_line l where l.brand_id = $1 and l.count_id = $2 and l.sku_id = n.sku_id)
"""

TALLY = """
with held as materialized (
  select l.sku_id, l.round from stock_count_line l
   where l.brand_id = $1 and l.count_id = $2 and l.sku_id = any($3::uuid[])
   order by l.sku_id for no key update of l
), fresh as (
  insert into stock_count_entry (brand_id, count_id, entry_id, sku_id, round, milli, counted_at, device, by_kind, by_id)
  select $1, $2, n.entry_id, n.sku_id, held.round, n.milli, n.counted_at, $7, $8, $9
    from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::timestamptz[]) as n (sku_id, entry_id, milli, counted_at)
    join held on held.sku_id = n.sku_id
      on conflict do nothing
  returning sku_id, milli, counted_at
), total as (
  select fresh.sku_id, sum(fresh.milli)::bigint as milli, min(fresh.counted_at) as first_at, max(fresh.counted_at) as last_at
    from fresh group by fresh.sku_id
)
update stock_count_line l
   set counted_milli = coalesce(l.counted_milli, 0) + total.milli, first_at = least(l.first_at, total.first_at),
       last_at = greatest(l.last_at, total.last_at)
  from total
 where l.brand_id = $1 and l.count_id = $2 and l.sku_id = total.sku_id
returning l.sku_id
"""

AGAIN = """
update stock_count_line l
   set round = l.round + 1, counted_milli = null, first_at = null, last_at = null, expected_milli = null,
       difference_milli = null, value_minor = null, moved_between = null
 where l.brand_id = $1 and l.count_id = $2 and l.sku_id = any($3::uuid[])
returning l.sku_id
"""

MOVE_COUNT = """
update stock_count c
   set state = $5, version = c.version + 1,
       finished_at = case when $5 = 'finished' then $6::timestamptz when $5 = 'open' then null else c.finished_at end,
       closed_at = case when $5 in ('approved', 'abandoned') then $6::timestamptz end
 where c.brand_id = $1 and c.count_id = $2 and c.version = $3 and c.state = any($4::text[])
returning c.version
"""

MISSING_IS_ZERO = """
update stock_count_line l set counted_milli = 0, first_at = $3, last_at = $3
 where l.brand_id = $1 and l.count_id = $2 and l.counted_milli is null
"""

# What was counted at a moment is compared with the book of that moment: what is there now, less what moved since.
COMPARE = """
with head as materialized (
  select c.location_id, c.mark_id from stock_count c where c.brand_id = $1 and c.count_id = $2
), book as materialized (
  select l.sku_id, l.counted_milli,
         coalesce((select s.on_hand_milli from stock s
                    where s.brand_id = $1 and s.location_id = head.location_id and s.sku_id = l.sku_id), 0)
         - coalesce((select sum(m.on_hand_delta_milli) from stock_movement m
                      where m.brand_id = $1 and m.location_id = head.location_id and m.sku_id = l.sku_id
                        and m.on_hand_delta_milli <> 0 and m.movement_id > head.mark_id
                        and m.moved_at > l.last_at), 0)::bigint as expected,
         exists (select 1 from stock_movement m
                  where m.brand_id = $1 and m.location_id = head.location_id and m.sku_id = l.sku_id
                    and m.on_hand_delta_milli <> 0 and m.movement_id > head.mark_id
                    and m.moved_at > l.first_at and m.moved_at <= l.last_at) as between_
    from head
    join stock_count_line l on l.brand_id = $1 and l.count_id = $2 and l.counted_milli is not null
)
update stock_count_line l
   set expected_milli = book.expected, difference_milli = book.counted_milli - book.expected,
       moved_between = book.between_
  from book
 where l.brand_id = $1 and l.count_id = $2 and l.sku_id = book.sku_id
returning l.sku_id, l.difference_milli
"""

VALUE_LINES = """
update stock_count_line l set value_minor = n.minor
  from unnest($3::uuid[], $4::bigint[]) as n (sku_id, minor)
 where l.brand_id = $1 and l.count_id = $2 and l.sku_id = n.sku_id
"""

VALUE_COUNT = """
update stock_count set loss_minor = $3, gain_minor = $4, currency = $5 where brand_id = $1 and count_id = $2
"""

DIFFERENCES = """
select l.sku_id, l.difference_milli from stock_count_line l
 where l.brand_id = $1 and l.count_id = $2 and l.difference_milli <> 0
 order by l.sku_id
"""

HAS_COUNTED = """
select exists (select 1 from stock_count_entry e where e.brand_id = $1 and e.count_id = $2 and e.by_id = $3)
"""

OPEN_COUNTS = """
select c.count_id, c.location_id, c.state, c.opened_at, c.finished_at
  from stock_count c
 where c.brand_id = $1 and c.state in ('open', 'finished') and coalesce(c.finished_at, c.opened_at) < $2
 order by c.count_id
 limit $3
"""

_LAST = UUID(int=2**128 - 1)
_FIRST = UUID(int=0)


async def lock_location(tx: Tx, location: LocationId) -> bool:
    """Let nobody else open a count here meanwhile; false where there is no such location."""
    return await tx.value(LOCK_LOCATION, tx.brand, location) is not None


async def overlap(tx: Tx, location: LocationId, skus: Sequence[SkuId] | None, but: UUID) -> CountId | None:
    """Another open count that has some of these skus, or any at all."""
    return await tx.value(OVERLAP, tx.brand, location, skus, but)


async def add_count(tx: Tx, made: Count, skus: Sequence[SkuId] | None) -> None:
    """Write a count, of these skus or of everything there."""
    await tx.run(
        ADD_COUNT, tx.brand, made.count_id, made.location_id, made.kind, made.category_ids, made.blind, made.note,
        made.opened_at,
    )  # fmt: skip
    if skus is None:
        await tx.run(ADD_ALL_LINES, tx.brand, made.count_id, made.location_id)
    else:
        await add_lines(tx, made.count_id, made.location_id, skus)


async def add_lines(tx: Tx, count_id: CountId, location: LocationId, skus: Sequence[SkuId]) -> None:
    await tx.rows(ADD_LINES, tx.brand, count_id, location, skus)


async def skus_there(tx: Tx, location: LocationId) -> list[SkuId]:
    return [SkuId(row["sku_id"]) for row in await tx.rows(COUNT_SKUS, tx.brand, location)]


async def count(tx: Tx, count_id: CountId) -> Count | None:
    row = await tx.row(COUNT, tx.brand, count_id)
    return None if row is None else msgspec.convert(dict(row.items()), Count)


async def share_count(tx: Tx, count_id: CountId) -> CountState | None:
    found = await tx.value(SHARE_COUNT, tx.brand, count_id)
    return None if found is None else CountState(found)


async def counts(tx: Tx, wanted: CountFilter, before: UUID | None, limit: int) -> list[Count]:
    locations = None if wanted.locations is None else list(wanted.locations)
    rows = await tx.rows(COUNTS, tx.brand, before or _LAST, wanted.state, locations, limit)
    return [msgspec.convert(dict(row.items()), Count) for row in rows]


async def count_lines(
    tx: Tx, count_id: CountId, *, after: UUID | None, limit: int, different: bool = False
) -> list[CountLine]:
    rows = await tx.rows(COUNT_LINES, tx.brand, count_id, after or _FIRST, different, limit)
    return [CountLine(*row.values()) for row in rows]


async def not_in_count(tx: Tx, count_id: CountId, skus: Sequence[SkuId]) -> list[SkuId]:
    return [SkuId(row["sku_id"]) for row in await tx.rows(UNKNOWN_SKUS, tx.brand, count_id, skus)]


async def tally(
    tx: Tx, count_id: CountId, entries: Sequence[tuple[SkuId, UUID, int, datetime]], *, device: str
) -> None:
    await tx.rows(
        TALLY,
        tx.brand,
        count_id,
        [sku for sku, _, _, _ in entries],
        [entry_id for _, entry_id, _, _ in entries],
        [milli for _, _, milli, _ in entries],
        [at for _, _, _, at in entries],
        device,
        tx.by.kind,
        tx.by.id,
    )


async def again(tx: Tx, count_id: CountId, skus: Sequence[SkuId]) -> int:
    """Begin a new round of these lines."""
    return len(await tx.rows(AGAIN, tx.brand, count_id, skus))


async def move_count(
    tx: Tx, count_id: CountId, *, seen: int, before: Sequence[CountState], state: CountState
) -> int | None:
    return await tx.value(MOVE_COUNT, tx.brand, count_id, seen, list(before), state, tx.now)


async def missing_is_zero(tx: Tx, count_id: CountId) -> None:
    await tx.run(MISSING_IS_ZERO, tx.brand, count_id, tx.now)


async def compare(tx: Tx, count_id: CountId) -> dict[SkuId, int]:
    """Compare with the book of the moment; returns the differences, those of nothing too."""
    return {SkuId(row[0]): row[1] for row in await tx.rows(COMPARE, tx.brand, count_id)}


async def value_count(tx: Tx, count_id: CountId, minor: Mapping[SkuId, int | None], currency: str) -> tuple[int, int]:
    """Keep what differences are worth; returns what is lost and gained in all."""
    await tx.run(VALUE_LINES, tx.brand, count_id, list(minor), list(minor.values()))
    loss = -sum(n for n in minor.values() if n is not None and n < 0)
    gain = sum(n for n in minor.values() if n is not None and n > 0)
    await tx.run(VALUE_COUNT, tx.brand, count_id, loss, gain, currency)
    return loss, gain


async def differences(tx: Tx, count_id: CountId) -> dict[SkuId, int]:
    return {SkuId(row[0]): row[1] for row in await tx.rows(DIFFERENCES, tx.brand, count_id)}


async def has_counted(tx: Tx, count_id: CountId, who: UUID) -> bool:
    return bool(await tx.value(HAS_COUNTED, tx.brand, count_id, who))


async def open_counts(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(OPEN_COUNTS, tx.brand, before, limit)
