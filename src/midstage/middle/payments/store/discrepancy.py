"""SQL of discrepancies."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.kit.money import Money
from midstage.middle.payments.types import (
    Discrepancy,
    DiscrepancyFilters,
    DiscrepancyId,
    DiscrepancyKind,
    DiscrepancyState,
    MerchantId,
    PaymentId,
)

NOTE_DISCREPANCY = """
insert into payment_discrepancy (brand_id, discrepancy_id, kind, payment_id, refund_id, merchant_id, transaction_no,
                                 expected_minor, expected_currency, got_minor, got_currency, happened_at, found_at, note)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict do nothing
"""
END_DISCREPANCY = """
update payment_discrepancy set state = $3, note = $4, ended_at = $5
 where brand_id = $1 and discrepancy_id = $2 and state = 'open' and kind = any($6)
returning discrepancy_id, kind, payment_id, refund_id, merchant_id, transaction_no, expected_minor,
       expected_currency, got_minor, got_currency, happened_at, state, note, found_at, ended_at
"""
CORRECT_DISCREPANCIES = """
update payment_discrepancy set state = 'corrected', ended_at = $4
 where brand_id = $1 and payment_id = $2 and transaction_no = $3 and state = 'open' and kind = 'amount_differs'
"""
OPEN_DISCREPANCIES_OF = """
select count(*) from payment_discrepancy
 where brand_id = $1 and payment_id = $2 and state = 'open' and kind = 'amount_differs'
"""
READ_DISCREPANCY = """
select discrepancy_id, kind, payment_id, refund_id, merchant_id, transaction_no, expected_minor,
       expected_currency, got_minor, got_currency, happened_at, state, note, found_at, ended_at from payment_discrepancy
 where brand_id = $1 and discrepancy_id = $2
"""
OPEN_DISCREPANCY = """
select discrepancy_id, kind, payment_id, refund_id, merchant_id, transaction_no, expected_minor,
       expected_currency, got_minor, got_currency, happened_at, state, note, found_at, ended_at from payment_discrepancy
 where brand_id = $1 and payment_id = $2 and merchant_id = $3 and transaction_no = $4 and got_minor = $5
   and state = 'open' and kind = 'amount_differs'
"""
LIST_DISCREPANCIES = """
select discrepancy_id, kind, payment_id, refund_id, merchant_id, transaction_no, expected_minor,
       expected_currency, got_minor, got_currency, happened_at, state, note, found_at, ended_at from payment_discrepancy
 where brand_id = $1 and ($2::text is null or state = $2) and ($3::text is null or kind = $3)
   and ($4::timestamptz is null or (found_at, discrepancy_id) < ($4, $5::uuid))
 order by found_at desc, discrepancy_id desc limit $6
"""


async def note_discrepancy(tx: Tx, found: Discrepancy) -> bool:
    """Whether it is new: the same said again adds nothing."""
    touched = await tx.run(
        NOTE_DISCREPANCY,
        tx.brand,
        found.discrepancy_id,
        found.kind.value,
        found.payment_id,
        found.refund_id,
        found.merchant_id,
        found.transaction_no,
        found.expected.minor,
        found.expected.currency,
        found.got.minor,
        found.got.currency,
        found.happened_at,
        tx.now,
        found.note,
    )
    return touched == 1


async def read_discrepancy(tx: Tx, discrepancy_id: DiscrepancyId) -> Discrepancy | None:
    row = await tx.row(READ_DISCREPANCY, tx.brand, discrepancy_id)
    return None if row is None else to_discrepancy(row)


async def open_discrepancy(
    tx: Tx, payment_id: PaymentId, merchant_id: MerchantId, transaction_no: str, *, got_minor: int
) -> Discrepancy | None:
    row = await tx.row(OPEN_DISCREPANCY, tx.brand, payment_id, merchant_id, transaction_no, got_minor)
    return None if row is None else to_discrepancy(row)


async def end_discrepancy(
    tx: Tx, discrepancy_id: DiscrepancyId, state: DiscrepancyState, note: str, kinds: Sequence[DiscrepancyKind]
) -> Discrepancy | None:
    row = await tx.row(
        END_DISCREPANCY, tx.brand, discrepancy_id, state.value, note[:500], tx.now, [kind.value for kind in kinds]
    )
    return None if row is None else to_discrepancy(row)


async def correct_discrepancies(tx: Tx, payment_id: PaymentId, transaction_no: str) -> int:
    return await tx.run(CORRECT_DISCREPANCIES, tx.brand, payment_id, transaction_no, tx.now)


async def open_discrepancies_of(tx: Tx, payment_id: PaymentId) -> int:
    return await tx.value(OPEN_DISCREPANCIES_OF, tx.brand, payment_id)


async def list_discrepancies(
    tx: Tx, filters: DiscrepancyFilters, place: tuple[datetime, UUID] | None, limit: int
) -> list[Discrepancy]:
    at, last = place or (None, None)
    rows = await tx.rows(LIST_DISCREPANCIES, tx.brand, filters.state, filters.kind, at, last, limit)
    return [to_discrepancy(row) for row in rows]


def to_discrepancy(row: Record) -> Discrepancy:
    return Discrepancy(
        discrepancy_id=row["discrepancy_id"],
        kind=DiscrepancyKind(row["kind"]),
        payment_id=row["payment_id"],
        refund_id=row["refund_id"],
        merchant_id=row["merchant_id"],
        transaction_no=row["transaction_no"],
        expected=Money(row["expected_minor"], row["expected_currency"]),
        got=Money(row["got_minor"], row["got_currency"]),
        happened_at=row["happened_at"],
        state=DiscrepancyState(row["state"]),
        note=row["note"],
        found_at=row["found_at"],
        ended_at=row["ended_at"],
    )
