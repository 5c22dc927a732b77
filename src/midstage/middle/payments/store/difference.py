"""SQL of the differences between statements and our book, and of their history."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.payments.statement_types import (
    Difference,
    DifferenceFilters,
    DifferenceId,
    DifferenceKind,
    DifferenceState,
    DifferenceStep,
    Resolution,
)
from midstage.middle.payments.types import MerchantId

PUT_DIFFERENCE = """
insert into statement_difference (
  brand_id, difference_id, merchant_id, day, kind, mark, transaction_no, payment_id, refund_id, tender_id, currency,
  ours_minor, theirs_minor, state, happened_at, found_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
# The version is the assumption that every move checks again.
MOVE_DIFFERENCE = """
update statement_difference
   set state = $4, standing = $5, resolution = $6, note = $7, wait_until = $8, ended_at = $9, ours_minor = $10,
       theirs_minor = $11, payment_id = $12, refund_id = $13, tender_id = $14, version = version + 1
 where brand_id = $1 and difference_id = $2 and version = $3
"""
ADD_STEP = """
insert into statement_difference_step (brand_id, difference_id, version, was, became, verb, by_kind, by_id, note, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
READ_DIFFERENCE = """
select difference_id, merchant_id, day, kind, mark, transaction_no, payment_id, refund_id, tender_id, currency,
       ours_minor, theirs_minor, state, standing, resolution, note, wait_until, happened_at, found_at, ended_at, version
  from statement_difference where brand_id = $1 and difference_id = $2
"""
DIFFERENCES_OF_DAY = """
select difference_id, merchant_id, day, kind, mark, transaction_no, payment_id, refund_id, tender_id, currency,
       ours_minor, theirs_minor, state, standing, resolution, note, wait_until, happened_at, found_at, ended_at, version
  from statement_difference where brand_id = $1 and merchant_id = $2 and day = $3 order by found_at, difference_id
"""
LIST_DIFFERENCES = """
select difference_id, merchant_id, day, kind, mark, transaction_no, payment_id, refund_id, tender_id, currency,
       ours_minor, theirs_minor, state, standing, resolution, note, wait_until, happened_at, found_at, ended_at, version
  from statement_difference
 where brand_id = $1 and ($2::uuid is null or merchant_id = $2) and ($3::date is null or day = $3)
   and ($4::text is null or state = $4) and ($5::text is null or kind = $5)
   and (not $6::boolean or state in ('open', 'waiting'))
   and ($7::timestamptz is null or (found_at, difference_id) < ($7, $8::uuid))
 order by found_at desc, difference_id desc limit $9
"""
STEPS_OF = """
select version, was, became, verb, by_kind, by_id, note, at from statement_difference_step
 where brand_id = $1 and difference_id = $2 order by version
"""
ADJUSTED = """
select merchant_id, currency, sum(ours_minor - theirs_minor)::bigint as minor from statement_difference
 where brand_id = $1 and resolution in ('fee', 'written_off') group by merchant_id, currency
"""
OLDEST_OPEN = """
select difference_id, merchant_id, day, kind, currency, theirs_minor - ours_minor as minor, found_at
  from statement_difference
 where brand_id = $1 and state in ('open', 'waiting') and found_at < $2
   and (state = 'open' or (wait_until is not null and wait_until < $3))
 order by found_at limit $4
"""


async def put_difference(tx: Tx, new: Difference) -> None:
    tx.later(
        PUT_DIFFERENCE, tx.brand, new.difference_id, new.merchant_id, new.day, new.kind.value, new.mark,
        new.transaction_no, new.payment_id, new.refund_id, new.tender_id, new.currency, new.ours_minor,
        new.theirs_minor, new.state.value, new.happened_at, tx.now,
    )  # fmt: skip
    add_step(tx, new, None, "found", "")


async def move_difference(tx: Tx, seen: Difference, became: Difference, verb: str) -> bool:
    """Move a difference from the version that was seen; False if somebody was quicker."""
    moved = await tx.run(
        MOVE_DIFFERENCE, tx.brand, seen.difference_id, seen.version, became.state.value, became.standing,
        became.resolution.value if became.resolution else None, became.note[:500], became.wait_until, became.ended_at,
        became.ours_minor, became.theirs_minor, became.payment_id, became.refund_id, became.tender_id,
    )  # fmt: skip
    if moved:
        add_step(tx, became, seen.state, verb, became.note)
    return moved == 1


def add_step(tx: Tx, one: Difference, was: DifferenceState | None, verb: str, note: str) -> None:
    version = one.version if was is None else one.version + 1
    tx.later(
        ADD_STEP, tx.brand, one.difference_id, version, was.value if was else None, one.state.value, verb, tx.by.kind,
        tx.by.id, note[:500], tx.now,
    )  # fmt: skip


async def read_difference(tx: Tx, difference_id: DifferenceId) -> Difference | None:
    row = await tx.row(READ_DIFFERENCE, tx.brand, difference_id)
    return None if row is None else to_difference(row)


async def differences_of_day(tx: Tx, merchant_id: MerchantId, day: date) -> list[Difference]:
    return [to_difference(row) for row in await tx.rows(DIFFERENCES_OF_DAY, tx.brand, merchant_id, day)]


async def list_differences(
    tx: Tx, filters: DifferenceFilters, place: tuple[datetime, UUID] | None, limit: int
) -> list[Difference]:
    at, last = place or (None, None)
    rows = await tx.rows(
        LIST_DIFFERENCES, tx.brand, filters.merchant_id, filters.day, filters.state, filters.kind, filters.unresolved,
        at, last, limit,
    )  # fmt: skip
    return [to_difference(row) for row in rows]


async def steps_of(tx: Tx, difference_id: DifferenceId) -> list[DifferenceStep]:
    return [
        DifferenceStep(
            row["version"],
            DifferenceState(row["was"]) if row["was"] else None,
            DifferenceState(row["became"]),
            row["verb"],
            row["by_kind"],
            row["by_id"],
            row["note"],
            row["at"],
        )
        for row in await tx.rows(STEPS_OF, tx.brand, difference_id)
    ]


async def adjusted(tx: Tx) -> Mapping[tuple[UUID, str], int]:
    return {(row["merchant_id"], row["currency"]): row["minor"] for row in await tx.rows(ADJUSTED, tx.brand)}


async def oldest_open(tx: Tx, before: datetime, today: date, limit: int) -> list[Record]:
    return await tx.rows(OLDEST_OPEN, tx.brand, before, today, limit)


def to_difference(row: Record) -> Difference:
    return Difference(
        difference_id=row["difference_id"],
        merchant_id=row["merchant_id"],
        day=row["day"],
        kind=DifferenceKind(row["kind"]),
        mark=row["mark"],
        transaction_no=row["transaction_no"],
        payment_id=row["payment_id"],
        refund_id=row["refund_id"],
        tender_id=row["tender_id"],
        currency=row["currency"],
        ours_minor=row["ours_minor"],
        theirs_minor=row["theirs_minor"],
        state=DifferenceState(row["state"]),
        standing=row["standing"],
        resolution=Resolution(row["resolution"]) if row["resolution"] else None,
        note=row["note"],
        wait_until=row["wait_until"],
        happened_at=row["happened_at"],
        found_at=row["found_at"],
        ended_at=row["ended_at"],
        version=row["version"],
    )
