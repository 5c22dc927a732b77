"""The SQL of reads of personal data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from midstage.kit.audit import Principal
from midstage.kit.database import Record, Tx
from midstage.middle.access.read_words import PersonalRead, ReadFilter

# Which fields is one text with commas on the way, as arrays of arrays do not unnest; names of fields have no commas.
INSERT = """
insert into personal_read (brand_id, read_at, read_id, by_kind, by_id, call, member_id, order_id, fields, persons)
select $1, r.read_at, r.read_id, r.by_kind, r.by_id, r.call, r.member_id, r.order_id,
       string_to_array(r.fields, ','), r.persons
  from unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[],
              $10::integer[])
    as r (read_at, read_id, by_kind, by_id, call, member_id, order_id, fields, persons)
on conflict do nothing
"""

# A file that may have held a member is among the reads of that member: it names nobody.
READS = """
select read_at, read_id, by_kind, by_id, call, member_id, order_id, fields, persons
  from personal_read
 where brand_id = $1
   and ($2::uuid[] is null or member_id = any($2) or (persons > 0 and member_id is null and order_id is null))
   and ($3::uuid is null or order_id = $3)
   and ($4::uuid is null or by_id = $4)
   and ($5::timestamptz is null or read_at >= $5)
   and ($6::timestamptz is null or read_at < $6)
   and ($7::timestamptz is null or (read_at, read_id) < ($7, $8))
 order by read_at desc, read_id desc limit $9
"""

# How many people each caller has looked at since; a file counts as many as it held, a search for nobody as one.
LOOKERS = """
select by_kind, by_id, min(read_at) as since,
       (count(distinct coalesce(member_id, order_id))
        + coalesce(sum(greatest(persons, 1)) filter (where member_id is null and order_id is null), 0))::bigint as persons
  from personal_read
 where brand_id = $1 and read_at > $2
 group by by_kind, by_id
having count(distinct coalesce(member_id, order_id))
       + coalesce(sum(greatest(persons, 1)) filter (where member_id is null and order_id is null), 0) > $3
 order by 4 desc limit $4
"""

FORGET = """
delete from personal_read p using (
  select read_at, read_id from personal_read where brand_id = $1 and read_at < $2 order by read_at limit $3
) over
 where p.brand_id = $1 and p.read_at = over.read_at and p.read_id = over.read_id
"""


async def insert(tx: Tx, reads: Sequence[PersonalRead]) -> None:
    columns: list[tuple[Any, ...]] = [
        (
            one.at,
            one.read_id,
            one.by.kind,
            one.by.id,
            one.call,
            one.member_id,
            one.order_id,
            ",".join(one.fields),
            one.persons,
        )
        for one in reads
    ]
    await tx.run(INSERT, tx.brand, *(list(column) for column in zip(*columns, strict=True)))


async def read(tx: Tx, filters: ReadFilter, place: tuple[datetime, UUID] | None, limit: int) -> list[PersonalRead]:
    at, read_id = place or (None, None)
    rows = await tx.rows(
        READS,
        tx.brand,
        None if filters.member_ids is None else list(filters.member_ids),
        filters.order_id,
        filters.by_id,
        filters.since,
        filters.before,
        at,
        read_id,
        limit,
    )
    return [_read(row) for row in rows]


async def lookers(tx: Tx, since: datetime, most: int, limit: int) -> list[Record]:
    return await tx.rows(LOOKERS, tx.brand, since, most, limit)


async def forget(tx: Tx, kept: timedelta, limit: int) -> int:
    """Delete some of what is older than that; returns how many."""
    return await tx.run(FORGET, tx.brand, tx.now - kept, limit)


def _read(row: Record) -> PersonalRead:
    return PersonalRead(
        Principal(row["by_kind"], row["by_id"]),
        row["call"],
        row["member_id"],
        row["order_id"],
        tuple(row["fields"]),
        row["read_at"],
        row["read_id"],
        row["persons"],
    )
