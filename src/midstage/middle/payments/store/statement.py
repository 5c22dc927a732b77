"""SQL of providers' days: what came, how far it is reconciled, and the lines themselves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.payments.statement_types import Line, StatementDay, StatementFilters, StatementState, StatementSum
from midstage.middle.payments.types import MerchantId

# The days of a merchant that are over and not opened yet: from the one after the last, or from the merchant's first.
OPEN_DAYS = """
insert into statement_day (brand_id, merchant_id, day, opened_at, next_try_at)
select m.brand_id, m.merchant_id, d.day::date, $3, $3
  from merchant m,
       lateral (select coalesce(max(s.day) + 1, least(m.changed_at::date, $2::date)) as first from statement_day s
                 where s.brand_id = $1 and s.merchant_id = m.merchant_id) as f,
       generate_series(greatest(f.first, $2::date - 31), $2::date, interval '1 day') as d (day)
 where m.brand_id = $1 and f.first <= $2::date
on conflict do nothing
"""
PUT_DAY = """
insert into statement_day (brand_id, merchant_id, day, opened_at) values ($1, $2, $3, $4) on conflict do nothing
"""
DUE_DAYS = """
select merchant_id, day from statement_day
 where brand_id = $1 and next_try_at <= $2 order by next_try_at, day limit $3
"""
READ_DAY = """
select merchant_id, day, state, since_at, until_at, runs, line_count, matched, fetched_at, next_try_at, error,
       (select count(*) from statement_difference d
         where d.brand_id = $1 and d.merchant_id = $2 and d.day = $3 and d.state in ('open', 'waiting'))::integer
         as differences
  from statement_day where brand_id = $1 and merchant_id = $2 and day = $3
"""
LOCK_DAY = """
select merchant_id, day, state, since_at, until_at, runs, line_count, matched, fetched_at, next_try_at, error,
       0 as differences
  from statement_day where brand_id = $1 and merchant_id = $2 and day = $3 for no key update
"""
LIST_DAYS = """
select s.merchant_id, s.day, s.state, s.since_at, s.until_at, s.runs, s.line_count, s.matched, s.fetched_at,
       s.next_try_at, s.error,
       (select count(*) from statement_difference d
         where d.brand_id = $1 and d.merchant_id = s.merchant_id and d.day = s.day and d.state in ('open', 'waiting')
       )::integer as differences
  from statement_day s
 where s.brand_id = $1 and ($2::uuid is null or s.merchant_id = $2) and ($3::text is null or s.state = $3)
   and ($4::date is null or s.day >= $4) and ($5::date is null or s.day <= $5)
   and ($6::date is null or (s.day, s.merchant_id) < ($6, $7::uuid))
 order by s.day desc, s.merchant_id desc limit $8
"""
DAYS_COVERING = """
select distinct s.day from statement_day s, unnest($3::timestamptz[]) as moment (at)
 where s.brand_id = $1 and s.merchant_id = $2 and s.since_at <= moment.at and s.until_at > moment.at
"""
NOTE_TROUBLE = """
update statement_day set error = $4, next_try_at = $5 where brand_id = $1 and merchant_id = $2 and day = $3
"""
WRITE_DAY = """
update statement_day
   set state = $4, since_at = $5, until_at = $6, runs = $7, line_count = $8, matched = $9, fetched_at = $10,
       next_try_at = $11, error = ''
 where brand_id = $1 and merchant_id = $2 and day = $3
"""
DROP_LINES = "delete from statement_line where brand_id = $1 and merchant_id = $2 and day = $3"
LINES = """
select line_no, payment_no, refund_no, transaction_no, amount_minor, fee_minor, currency, happened_at
  from statement_line where brand_id = $1 and merchant_id = $2 and day = $3 order by line_no
"""
LINE_OF = """
select line_no, payment_no, refund_no, transaction_no, amount_minor, fee_minor, currency, happened_at
  from statement_line
 where brand_id = $1 and merchant_id = $2 and day = $3 and transaction_no = $4 and (refund_no <> '') = $5
 order by line_no limit 1
"""
LISTED_ON = """
select distinct transaction_no, refund_no <> '' as back, day from statement_line
 where brand_id = $1 and merchant_id = $2 and day <> $3 and transaction_no = any($4)
"""
SUMS = """
select day, merchant_id, currency, ours_minor, theirs_minor, fee_minor, fee_booked_minor from statement_sum
 where brand_id = $1 and merchant_id = any($2) and day = any($3) order by currency
"""
PUT_SUMS = """
insert into statement_sum (brand_id, merchant_id, day, currency, ours_minor, theirs_minor, fee_minor, fee_booked_minor)
select $1, $2, $3, s.currency, s.ours, s.theirs, s.fee, s.booked
  from unnest($4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    as s (currency, ours, theirs, fee, booked)
on conflict (brand_id, merchant_id, day, currency) do update
   set ours_minor = excluded.ours_minor, theirs_minor = excluded.theirs_minor, fee_minor = excluded.fee_minor,
       fee_booked_minor = excluded.fee_booked_minor
 where statement_sum.brand_id = $1
"""
FEES_BOOKED = """
select merchant_id, currency, sum(fee_booked_minor)::bigint as minor from statement_sum
 where brand_id = $1 group by merchant_id, currency
"""
OVERDUE_DAYS = """
select merchant_id, day, state, error, opened_at from statement_day
 where brand_id = $1 and state <> 'reconciled' and day < $2 order by day limit $3
"""
LINE_COLUMNS = (
    "brand_id", "merchant_id", "day", "line_no", "payment_no", "refund_no", "transaction_no", "amount_minor",
    "fee_minor", "currency", "happened_at",
)  # fmt: skip


async def open_days(tx: Tx, yesterday: date) -> int:
    return await tx.run(OPEN_DAYS, tx.brand, yesterday, tx.now)


async def put_day(tx: Tx, merchant_id: MerchantId, day: date) -> None:
    await tx.run(PUT_DAY, tx.brand, merchant_id, day, tx.now)


async def due_days(tx: Tx, limit: int) -> list[tuple[MerchantId, date]]:
    rows = await tx.rows(DUE_DAYS, tx.brand, tx.now, limit)
    return [(MerchantId(row["merchant_id"]), row["day"]) for row in rows]


async def read_day(tx: Tx, merchant_id: MerchantId, day: date) -> StatementDay | None:
    row = await tx.row(READ_DAY, tx.brand, merchant_id, day)
    if row is None:
        return None
    return to_day(row, (await sums(tx, [merchant_id], [day])).get((merchant_id, day), []))


async def lock_day(tx: Tx, merchant_id: MerchantId, day: date) -> StatementDay | None:
    row = await tx.row(LOCK_DAY, tx.brand, merchant_id, day)
    return None if row is None else to_day(row, [])


async def list_days(
    tx: Tx, filters: StatementFilters, place: tuple[date, UUID] | None, limit: int
) -> list[StatementDay]:
    last_day, last = place or (None, None)
    rows = await tx.rows(
        LIST_DAYS, tx.brand, filters.merchant_id, filters.state, filters.since, filters.until, last_day, last, limit
    )
    of = await sums(tx, [row["merchant_id"] for row in rows], [row["day"] for row in rows])
    return [to_day(row, of.get((row["merchant_id"], row["day"]), [])) for row in rows]


async def days_covering(tx: Tx, merchant_id: MerchantId, moments: Sequence[datetime]) -> list[date]:
    rows = await tx.rows(DAYS_COVERING, tx.brand, merchant_id, moments)
    return sorted(row["day"] for row in rows)


async def note_trouble(tx: Tx, merchant_id: MerchantId, day: date, error: str, next_try_at: datetime) -> None:
    await tx.run(NOTE_TROUBLE, tx.brand, merchant_id, day, error[:500], next_try_at)


async def write_day(tx: Tx, day: StatementDay) -> None:
    await tx.run(
        WRITE_DAY, tx.brand, day.merchant_id, day.day, day.state.value, day.since, day.until, day.runs, day.lines,
        day.matched, day.fetched_at, day.next_try_at,
    )  # fmt: skip


async def replace_lines(tx: Tx, merchant_id: MerchantId, day: date, lines: Sequence[Line]) -> None:
    await tx.run(DROP_LINES, tx.brand, merchant_id, day)
    await tx.copy(
        "statement_line",
        LINE_COLUMNS,
        (
            (
                tx.brand, merchant_id, day, line.line_no, line.payment_no, line.refund_no, line.transaction_no,
                line.amount_minor, line.fee_minor, line.currency, line.happened_at,
            )
            for line in lines
        ),
    )  # fmt: skip


async def lines(tx: Tx, merchant_id: MerchantId, day: date) -> list[Line]:
    return [Line(**row) for row in await tx.rows(LINES, tx.brand, merchant_id, day)]


async def line_of(tx: Tx, merchant_id: MerchantId, day: date, number: str, *, back: bool) -> Line | None:
    row = await tx.row(LINE_OF, tx.brand, merchant_id, day, number, back)
    return None if row is None else Line(**row)


async def listed_on(tx: Tx, merchant_id: MerchantId, day: date, numbers: Sequence[str]) -> list[tuple[str, bool, date]]:
    """Which of these movements stand on the statements of other days: number, whether given back, the day."""
    rows = await tx.rows(LISTED_ON, tx.brand, merchant_id, day, numbers)
    return [(row["transaction_no"], row["back"], row["day"]) for row in rows]


async def sums(
    tx: Tx, merchant_ids: Sequence[MerchantId], days: Sequence[date]
) -> dict[tuple[MerchantId, date], list[StatementSum]]:
    found: dict[tuple[MerchantId, date], list[StatementSum]] = {}
    for row in await tx.rows(SUMS, tx.brand, merchant_ids, days):
        one = StatementSum(
            row["currency"], row["ours_minor"], row["theirs_minor"], row["fee_minor"], row["fee_booked_minor"]
        )
        found.setdefault((MerchantId(row["merchant_id"]), row["day"]), []).append(one)
    return found


async def put_sums(tx: Tx, merchant_id: MerchantId, day: date, given: Sequence[StatementSum]) -> None:
    await tx.run(
        PUT_SUMS,
        tx.brand,
        merchant_id,
        day,
        [one.currency for one in given],
        [one.ours_minor for one in given],
        [one.theirs_minor for one in given],
        [one.fee_minor for one in given],
        [one.fee_booked_minor for one in given],
    )


async def fees_booked(tx: Tx) -> Mapping[tuple[UUID, str], int]:
    return {(row["merchant_id"], row["currency"]): row["minor"] for row in await tx.rows(FEES_BOOKED, tx.brand)}


async def overdue_days(tx: Tx, before: date, limit: int) -> list[Record]:
    return await tx.rows(OVERDUE_DAYS, tx.brand, before, limit)


def to_day(row: Record, of_currency: Sequence[StatementSum]) -> StatementDay:
    return StatementDay(
        merchant_id=row["merchant_id"],
        day=row["day"],
        state=StatementState(row["state"]),
        since=row["since_at"],
        until=row["until_at"],
        runs=row["runs"],
        lines=row["line_count"],
        matched=row["matched"],
        differences=row["differences"],
        fetched_at=row["fetched_at"],
        next_try_at=row["next_try_at"],
        error=row["error"],
        sums=of_currency,
    )
