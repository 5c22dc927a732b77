"""The SQL of webhooks. What a courier writes names the epoch of its turn, so that a late one writes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from midstage.kit.database import Connection, Record, Tx
from midstage.kit.ids import BrandId
from midstage.kit.webhooks.types import DeliveryState, EndpointId, Webhook, WebhookDelivery, WebhookEnd, WebhookState

INSERT = """
insert into webhook_endpoint (brand_id, endpoint_id, url, note, types, secret, cursor, made_at, changed_at)
select $1, $2, $3, $4, $5, $6, coalesce((select h.number from fact_head h where h.brand_id = $1), 0), $7, $7
 where (select count(*) from webhook_endpoint e where e.brand_id = $1) < $8
"""

# Two who make one at the same moment are counted one after the other.
TURNS = "select pg_advisory_xact_lock(hashtextextended('webhook_endpoint', $1))"

ENDPOINTS = """
select e.endpoint_id, e.url, e.note, e.types, e.state, e.why, e.cursor, e.failures, e.failing_since,
       case when e.rest_until > $3 then e.rest_until end as rest_until,
       e.succeeded_at, e.old_until, e.made_at, e.version,
       (select count(*) from webhook_delivery d where d.brand_id = $1 and d.endpoint_id = e.endpoint_id
           and d.state in ('retrying', 'behind')) as waiting,
       (select count(*) from webhook_delivery d where d.brand_id = $1 and d.endpoint_id = e.endpoint_id
           and d.state = 'given_up') as given_up
  from webhook_endpoint e
 where e.brand_id = $1 and ($2::uuid is null or e.endpoint_id = $2)
 order by e.endpoint_id
"""

LOCK = """
select endpoint_id, url, note, types, state, cursor, version from webhook_endpoint
 where brand_id = $1 and endpoint_id = $2 for update
"""

# Who is let in again begins without the failures of before.
CHANGE = """
update webhook_endpoint
   set url = $3, note = $4, types = $5, state = $6, why = '', changed_at = $7, version = version + 1,
       failures = case when $6 = 'active' and state <> 'active' then 0 else failures end,
       failing_since = case when $6 = 'active' and state <> 'active' then null else failing_since end,
       rest_until = case when $6 = 'active' and state <> 'active' then '-infinity' else rest_until end,
       cursor = case when $8 then greatest(cursor, coalesce((select h.number from fact_head h where h.brand_id = $1), 0))
                else cursor end,
       epoch = epoch + 1, leased_until = '-infinity'
 where brand_id = $1 and endpoint_id = $2
"""

SECRETS = """
select url, secret, case when old_until > $3 then old_secret end as old_secret from webhook_endpoint
 where brand_id = $1 and endpoint_id = $2
"""

ROTATE = """
update webhook_endpoint set old_secret = secret, old_until = $4, secret = $3, changed_at = $5, version = version + 1
 where brand_id = $1 and endpoint_id = $2
"""

DELETE = "delete from webhook_endpoint where brand_id = $1 and endpoint_id = $2"

# Over all brands, which the kit alone may do: endpoints that nobody is at, with something to send.
DUE = """
select e.brand_id, e.endpoint_id from webhook_endpoint e left join fact_head h on h.brand_id = e.brand_id
 where e.state = 'active' and e.rest_until <= $1 and e.leased_until <= $1
   and (h.number > e.cursor or exists (
         select from webhook_delivery d where d.brand_id = e.brand_id and d.endpoint_id = e.endpoint_id
            and d.state = 'retrying' and d.next_try_at <= $1))
 order by e.leased_until limit $2
"""

TAKE = """
update webhook_endpoint set leased_until = $4, epoch = epoch + 1
 where brand_id = $1 and endpoint_id = $2 and state = 'active' and rest_until <= $3 and leased_until <= $3
returning url, types, secret, case when old_until > $3 then old_secret end as old_secret, cursor, epoch, failures
"""

READ = """
select n.number, n.fact_id, n.recorded_at, f.type, f.version, f.key, f.payload, f.business_date,
       d.number is not null as seen
  from (select number, fact_id, recorded_at from fact_number
         where brand_id = $1 and number > $2 order by number limit $3) n
  left join fact f on f.brand_id = $1 and f.id = n.fact_id and f.recorded_at = n.recorded_at
   and (cardinality($4::text[]) = 0 or f.type = any ($4))
  left join webhook_delivery d on d.brand_id = $1 and d.endpoint_id = $5 and d.number = n.number
 order by n.number
"""

BLOCKED = """
select distinct key from webhook_delivery
 where brand_id = $1 and endpoint_id = $2 and key = any ($3) and state in ('retrying', 'behind')
"""

WAITING = """
select count(*) from webhook_delivery
 where brand_id = $1 and endpoint_id = $2 and state in ('retrying', 'behind')
"""

# The subjects whose first is due, each with what waits behind it.
CHAINS = """
select d.number, d.fact_id, d.recorded_at, d.type, d.key, d.since, d.attempts, f.version, f.payload, f.business_date
  from (select key from webhook_delivery
         where brand_id = $1 and endpoint_id = $2 and state = 'retrying' and next_try_at <= $3
         order by next_try_at limit $4) k
 cross join lateral (
       select number, fact_id, recorded_at, type, key, since, attempts from webhook_delivery
        where brand_id = $1 and endpoint_id = $2 and key = k.key and state in ('retrying', 'behind')
        order by number limit $5) d
  left join fact f on f.brand_id = $1 and f.id = d.fact_id and f.recorded_at = d.recorded_at
 order by d.number
"""

# $5: something arrived; $6: how many failed after that, or at all.
FENCE = """
update webhook_endpoint
   set leased_until = $4,
       succeeded_at = case when $5 then $7 else succeeded_at end,
       failures = case when $5 then $6 else failures + $6 end,
       failing_since = case when $6 = 0 then case when $5 then null else failing_since end
                            when $5 then $7 else coalesce(failing_since, $7) end
 where brand_id = $1 and endpoint_id = $2 and epoch = $3
returning old.failures as failures_before, new.failures, new.failing_since, new.state
"""

RECORD = """
insert into webhook_delivery as d (brand_id, endpoint_id, number, fact_id, recorded_at, key, type, state, attempts,
                                   since, tried_at, next_try_at, status, took_ms, told)
select $1, $2, r.number, r.fact_id, r.recorded_at, r.key, r.type, r.state, r.attempts, r.since, r.tried_at,
       coalesce(r.next_try_at, 'infinity'), r.status, r.took_ms, r.told
  from unnest($3::bigint[], $4::bigint[], $5::timestamptz[], $6::uuid[], $7::text[], $8::text[], $9::integer[],
              $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::smallint[], $14::integer[], $15::text[])
    as r (number, fact_id, recorded_at, key, type, state, attempts, since, tried_at, next_try_at, status, took_ms, told)
on conflict (brand_id, endpoint_id, number) do update
   set state = excluded.state, attempts = excluded.attempts, tried_at = excluded.tried_at,
       next_try_at = excluded.next_try_at, status = excluded.status, took_ms = excluded.took_ms, told = excluded.told
"""

# Of each subject the first that waits is the one that is tried; with $3 null, of all subjects.
LEAD = """
update webhook_delivery d
   set state = case when d.number = first.number then 'retrying' else 'behind' end,
       next_try_at = case when d.number <> first.number then 'infinity' when d.state = 'retrying' and not $5 then d.next_try_at
                     else $4 end
  from (select key, min(number) as number from webhook_delivery
         where brand_id = $1 and endpoint_id = $2 and state in ('retrying', 'behind') and ($3::uuid[] is null or key = any ($3))
         group by key) first
 where d.brand_id = $1 and d.endpoint_id = $2 and d.key = first.key and d.state in ('retrying', 'behind')
   and (d.state = 'retrying' or d.number = first.number)
"""

HURRY = """
update webhook_delivery set next_try_at = $3
 where brand_id = $1 and endpoint_id = $2 and state = 'retrying' and next_try_at > $3
"""

REST = "update webhook_endpoint set rest_until = $4 where brand_id = $1 and endpoint_id = $2 and epoch = $3"

DISABLE = """
update webhook_endpoint set state = 'disabled', why = $4, changed_at = $5, version = version + 1
 where brand_id = $1 and endpoint_id = $2 and epoch = $3 and state = 'active'
"""

MOVE = """
update webhook_endpoint set cursor = greatest(cursor, $4), leased_until = $5
 where brand_id = $1 and endpoint_id = $2 and epoch = $3
returning state
"""

HEAD = """
select (select h.number from fact_head h where h.brand_id = $1) as head,
       (select min(n.number) from fact_number n where n.brand_id = $1) as oldest
"""

NUMBER_AT = "select min(n.number) from fact_number n where n.brand_id = $1 and n.recorded_at >= $2"

REWIND = """
update webhook_endpoint
   set cursor = least(cursor, $3), epoch = epoch + 1, leased_until = '-infinity', rest_until = '-infinity'
 where brand_id = $1 and endpoint_id = $2
"""

FORGET_FROM = "delete from webhook_delivery where brand_id = $1 and endpoint_id = $2 and number > $3"

AGAIN = """
update webhook_delivery
   set state = 'behind', next_try_at = 'infinity', attempts = 0, since = $4
 where brand_id = $1 and endpoint_id = $2 and ($3::bigint is null and state = 'given_up' or number = $3)
returning key
"""

DELIVERIES = """
select number, type, key, state, attempts, since, tried_at,
       case when state = 'retrying' then next_try_at end as next_try_at, status, took_ms, told
  from webhook_delivery
 where brand_id = $1 and endpoint_id = $2 and number < $3 and ($4::text is null or state = $4)
   and ($5::uuid is null or key = $5)
 order by number desc limit $6
"""

# Over all brands, which the kit alone may do.
FORGET = """
delete from webhook_delivery where ctid = any (array(
  select ctid from webhook_delivery where state in ('delivered', 'given_up') and tried_at < $1 limit $2 for update skip locked))
"""
RETENTION = "select days from retention where what = 'webhook_delivery'"


class Row(msgspec.Struct, frozen=True):
    """A delivery as it is to be written."""

    number: int
    fact_id: int
    recorded_at: datetime
    key: UUID
    type: str
    state: DeliveryState
    attempts: int
    since: datetime
    tried_at: datetime | None
    next_try_at: datetime | None
    status: int | None
    took_ms: int | None
    told: str


async def endpoints(tx: Tx, endpoint_id: UUID | None = None) -> list[Webhook]:
    return [
        Webhook(
            endpoint_id=EndpointId(row["endpoint_id"]),
            url=row["url"],
            note=row["note"],
            types=row["types"],
            state=WebhookState(row["state"]),
            why=WebhookEnd(row["why"]) if row["why"] else None,
            cursor=row["cursor"],
            failures=row["failures"],
            failing_since=row["failing_since"],
            rest_until=row["rest_until"],
            succeeded_at=row["succeeded_at"],
            old_secret_until=row["old_until"],
            made_at=row["made_at"],
            version=row["version"],
            waiting=row["waiting"],
            given_up=row["given_up"],
        )
        for row in await tx.rows(ENDPOINTS, tx.brand, endpoint_id, tx.now)
    ]


async def due(link: Connection, now: datetime, limit: int) -> list[tuple[BrandId, EndpointId]]:
    rows = await link.fetch(DUE, now, limit)
    return [(BrandId(row["brand_id"]), EndpointId(row["endpoint_id"])) for row in rows]


async def chains(tx: Tx, endpoint_id: UUID, now: datetime, *, subjects: int, length: int) -> list[Record]:
    return await tx.rows(CHAINS, tx.brand, endpoint_id, now, subjects, length)


async def blocked(tx: Tx, endpoint_id: UUID, keys: Sequence[UUID]) -> set[UUID]:
    return {row["key"] for row in await tx.rows(BLOCKED, tx.brand, endpoint_id, keys)}


async def record(tx: Tx, endpoint_id: UUID, rows: Sequence[Row]) -> None:
    columns = [[getattr(row, name) for row in rows] for name in Row.__struct_fields__]
    await tx.run(RECORD, tx.brand, endpoint_id, *columns)


async def lead(tx: Tx, endpoint_id: UUID, keys: Sequence[UUID] | None, *, hurry: bool = False) -> None:
    """Let the first of each subject be tried, and the others wait behind it; with `hurry`, at once."""
    await tx.run(LEAD, tx.brand, endpoint_id, None if keys is None else list(keys), tx.now, hurry)


async def head(tx: Tx) -> tuple[int, int | None]:
    """The newest number, and the oldest that is still kept."""
    row = cast("Record", await tx.row(HEAD, tx.brand))
    return row["head"] or 0, row["oldest"]


async def deliveries(
    tx: Tx, endpoint_id: UUID, before: int, state: DeliveryState | None, key: UUID | None, limit: int
) -> list[WebhookDelivery]:
    rows = await tx.rows(DELIVERIES, tx.brand, endpoint_id, before, state, key, limit)
    return [
        WebhookDelivery(
            number=row["number"],
            type=row["type"],
            key=row["key"],
            state=DeliveryState(row["state"]),
            attempts=row["attempts"],
            since=row["since"],
            tried_at=row["tried_at"],
            next_try_at=row["next_try_at"],
            status=row["status"],
            took_ms=row["took_ms"],
            told=row["told"],
        )
        for row in rows
    ]
