"""SQL of business days and shifts."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.organisation import api as organisation
from midstage.middle.payments.till_types import (
    DayState,
    Pieces,
    Shift,
    ShiftFilters,
    ShiftId,
    ShiftKind,
    ShiftOpenAlready,
    ShiftState,
)

_COLUMNS = """
shift_id, till_id, store_id, business_date, currency, kind, state, opened_by, held_by, opened_at, float_minor,
closed_at, closed_by, blind, expected_minor, counted_minor, note
"""
BEGIN_DAY = """
insert into till_day (brand_id, store_id, business_date) values ($1, $2, $3) on conflict do nothing
"""
HOLD_DAY = """
select state from till_day where brand_id = $1 and store_id = $2 and business_date = $3 for share
"""
LOCK_DAY = """
select state from till_day where brand_id = $1 and store_id = $2 and business_date = $3 for update
"""
CLOSE_DAY = """
update till_day set state = 'closed', closed_at = $4, closed_by = $5, report = $6::text::jsonb
 where brand_id = $1 and store_id = $2 and business_date = $3 and state = 'open'
"""
DAY_REPORT = """
select report::text as report from till_day where brand_id = $1 and store_id = $2 and business_date = $3
"""
OPEN_DAYS = """
select d.store_id, d.business_date, (select max(coalesce(s.closed_at, s.opened_at)) from till_shift s
         where s.brand_id = $1 and s.store_id = d.store_id and s.business_date = d.business_date) as since
  from till_day d
 where d.brand_id = $1 and d.state = 'open' and d.business_date < $2
 order by d.business_date, d.store_id limit $3
"""
OPEN_SHIFT = """
insert into till_shift (brand_id, shift_id, till_id, store_id, business_date, currency, kind, state, opened_by, held_by,
                        opened_at, float_minor)
values ($1, $2, $3, $4, $5, $6, 'counted', 'open', $7, $7, $8, $9)
"""
LATE_SHIFT = """
insert into till_shift (brand_id, shift_id, till_id, store_id, business_date, currency, kind, state, opened_by, held_by,
                        opened_at, float_minor, closed_at, closed_by, blind, expected_minor, counted_minor, pieces)
values ($1, $2, $3, $4, $5, $6, 'late', 'closed', $7, $7, $8, 0, $8, $7, false, 0, 0, '[]') on conflict do nothing
"""
_SELECT = f"select {_COLUMNS} from till_shift where brand_id = $1"  # noqa: S608  # fragments of this file only
READ_SHIFT = f"{_SELECT} and shift_id = $2"
LOCK_SHIFT = f"{_SELECT} and shift_id = $2 for update"
OPEN_SHIFT_OF = f"{_SELECT} and till_id = $2 and state = 'open'"
# Sales of one till hold their shift together; whoever counts it waits for them, and they see that it was counted.
HOLD_OPEN_SHIFT = f"{_SELECT} and till_id = $2 and state = 'open' for share"
HOLD_SHIFT = f"{_SELECT} and shift_id = $2 for share"
LATE_SHIFT_OF = f"{_SELECT} and till_id = $2 and business_date = $3 and kind = 'late'"
SHIFTS_AROUND = f"""
{_SELECT} and till_id = $2 and kind = 'counted' and opened_at <= $3 order by opened_at desc limit 5
"""
SHIFTS_OF_DAY = f"{_SELECT} and store_id = $2 and business_date = $3 order by till_id, opened_at, shift_id"
LIST_SHIFTS = f"""
{_SELECT} and ($2::uuid[] is null or store_id = any($2)) and ($3::uuid is null or till_id = $3)
   and ($4::date is null or business_date = $4) and ($5::text is null or state = $5)
   and (not $6 or counted_minor <> expected_minor)
   and ($7::timestamptz is null or (opened_at, shift_id) < ($7, $8::uuid))
 order by opened_at desc, shift_id desc limit $9
"""
LATE_OPEN = f"{_SELECT} and state = 'open' and opened_at < $2 order by opened_at limit $3"
SHIFTS_AFTER = f"{_SELECT} and ($2::uuid is null or shift_id > $2) order by shift_id limit $3"
CLOSE_SHIFT = """
update till_shift set state = 'closed', closed_at = $3, closed_by = $4, blind = $5, expected_minor = $6,
       counted_minor = $7, pieces = $8::text::jsonb, note = $9
 where brand_id = $1 and shift_id = $2 and state = 'open'
"""
EXPECT_MORE = """
update till_shift set expected_minor = expected_minor + $3 where brand_id = $1 and shift_id = $2 and state = 'closed'
"""
HAND_OVER = "update till_shift set held_by = $3 where brand_id = $1 and shift_id = $2 and state = 'open'"
INSERT_HOLDER = """
insert into till_holder (brand_id, shift_id, since, held_by, expected_minor, counted_minor)
values ($1, $2, $3, $4, $5, $6)
"""
HOLDERS = """
select since, held_by, expected_minor, counted_minor from till_holder where brand_id = $1 and shift_id = $2 order by since
"""
_LATE_ROWS = 200


async def begin_day(tx: Tx, store_id: organisation.StoreId, day: date) -> DayState:
    """The business day of a store, made where it is new, and held: it will not be closed before this ends."""
    await tx.run(BEGIN_DAY, tx.brand, store_id, day)
    return DayState(await tx.value(HOLD_DAY, tx.brand, store_id, day))


async def lock_day(tx: Tx, store_id: organisation.StoreId, day: date) -> DayState | None:
    state = await tx.value(LOCK_DAY, tx.brand, store_id, day)
    return None if state is None else DayState(state)


async def hold_day(tx: Tx, store_id: organisation.StoreId, day: date) -> DayState | None:
    state = await tx.value(HOLD_DAY, tx.brand, store_id, day)
    return None if state is None else DayState(state)


async def close_day(tx: Tx, store_id: organisation.StoreId, day: date, report: bytes) -> int:
    return await tx.run(CLOSE_DAY, tx.brand, store_id, day, tx.now, tx.by.id, report.decode())


async def day_report(tx: Tx, store_id: organisation.StoreId, day: date) -> bytes | None:
    report = await tx.value(DAY_REPORT, tx.brand, store_id, day)
    return None if report is None else report.encode()


async def open_days(tx: Tx, before: date) -> list[tuple[UUID, date, datetime]]:
    rows = await tx.rows(OPEN_DAYS, tx.brand, before, _LATE_ROWS)
    return [(row["store_id"], row["business_date"], row["since"] or tx.now) for row in rows]


async def open_shift(tx: Tx, shift: Shift) -> None:
    """Raises ShiftOpenAlready."""
    try:
        async with tx.savepoint():
            await tx.run(
                OPEN_SHIFT, tx.brand, shift.shift_id, shift.till_id, shift.store_id, shift.business_date,
                shift.currency, shift.opened_by, shift.opened_at, shift.float_minor,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise ShiftOpenAlready(shift.till_id) from None


async def late_shift(tx: Tx, shift: Shift) -> Shift | None:
    """The shift of what is told late, made where it is new."""
    await tx.run(
        LATE_SHIFT, tx.brand, shift.shift_id, shift.till_id, shift.store_id, shift.business_date, shift.currency,
        shift.opened_by, shift.opened_at,
    )  # fmt: skip
    return _one(await tx.row(LATE_SHIFT_OF, tx.brand, shift.till_id, shift.business_date))


async def read_shift(tx: Tx, shift_id: ShiftId) -> Shift | None:
    return _one(await tx.row(READ_SHIFT, tx.brand, shift_id))


async def lock_shift(tx: Tx, shift_id: ShiftId) -> Shift | None:
    return _one(await tx.row(LOCK_SHIFT, tx.brand, shift_id))


async def hold_shift(tx: Tx, shift_id: ShiftId) -> Shift | None:
    return _one(await tx.row(HOLD_SHIFT, tx.brand, shift_id))


async def open_shift_of(tx: Tx, till_id: organisation.TouchpointId) -> Shift | None:
    return _one(await tx.row(OPEN_SHIFT_OF, tx.brand, till_id))


async def hold_open_shift(tx: Tx, till_id: organisation.TouchpointId) -> Shift | None:
    return _one(await tx.row(HOLD_OPEN_SHIFT, tx.brand, till_id))


async def shifts_around(tx: Tx, till_id: organisation.TouchpointId, at: datetime) -> list[Shift]:
    """The last shifts of a till that were opened by then."""
    return [to_shift(row) for row in await tx.rows(SHIFTS_AROUND, tx.brand, till_id, at)]


async def shifts_of_day(tx: Tx, store_id: organisation.StoreId, day: date) -> list[Shift]:
    return [to_shift(row) for row in await tx.rows(SHIFTS_OF_DAY, tx.brand, store_id, day)]


async def late_open(tx: Tx, before: datetime) -> list[Shift]:
    return [to_shift(row) for row in await tx.rows(LATE_OPEN, tx.brand, before, _LATE_ROWS)]


async def shifts_after(tx: Tx, after: UUID | None, limit: int) -> list[Shift]:
    return [to_shift(row) for row in await tx.rows(SHIFTS_AFTER, tx.brand, after, limit)]


async def list_shifts(tx: Tx, filters: ShiftFilters, place: tuple[datetime, UUID] | None, limit: int) -> list[Shift]:
    at, last = place or (None, None)
    stores = None if filters.store_ids is None else list(filters.store_ids)
    rows = await tx.rows(
        LIST_SHIFTS, tx.brand, stores, filters.till_id, filters.business_date, filters.state, filters.only_different,
        at, last, limit,
    )  # fmt: skip
    return [to_shift(row) for row in rows]


async def close_shift(
    tx: Tx,
    shift_id: ShiftId,
    *,
    blind: bool,
    expected_minor: int,
    counted_minor: int,
    pieces: Sequence[Pieces],
    note: str,
) -> int:
    return await tx.run(
        CLOSE_SHIFT, tx.brand, shift_id, tx.now, tx.by.id, blind, expected_minor, counted_minor,
        msgspec.json.encode(pieces).decode(), note,
    )  # fmt: skip


def expect_more(tx: Tx, shift_id: ShiftId, minor: int, otherwise: Exception) -> None:
    """Of a shift that was counted: what should have been in its drawer, with what is told only now."""
    tx.later(EXPECT_MORE, tx.brand, shift_id, minor, expect=1, otherwise=otherwise)


async def hand_over(
    tx: Tx, shift_id: ShiftId, held_by: UUID, *, expected_minor: int, counted_minor: int | None
) -> None:
    await tx.run(HAND_OVER, tx.brand, shift_id, held_by)
    await tx.run(INSERT_HOLDER, tx.brand, shift_id, tx.now, held_by, expected_minor, counted_minor)


async def holders(tx: Tx, shift_id: ShiftId) -> list[Record]:
    return await tx.rows(HOLDERS, tx.brand, shift_id)


def _one(row: Record | None) -> Shift | None:
    return None if row is None else to_shift(row)


def to_shift(row: Record) -> Shift:
    return Shift(
        shift_id=row["shift_id"],
        till_id=row["till_id"],
        store_id=row["store_id"],
        business_date=row["business_date"],
        currency=row["currency"],
        kind=ShiftKind(row["kind"]),
        state=ShiftState(row["state"]),
        opened_by=row["opened_by"],
        held_by=row["held_by"],
        opened_at=row["opened_at"],
        float_minor=row["float_minor"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        blind=row["blind"],
        expected_minor=row["expected_minor"],
        counted_minor=row["counted_minor"],
        note=row["note"],
    )
