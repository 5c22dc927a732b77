"""SQL of what tills took and gave back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.payments.till_types import CashKind, CashMove, ShiftId, TillPart
from midstage.middle.payments.types import PaymentId, Refund, TenderId

INSERT_PAID = """
insert into payment (brand_id, payment_id, order_id, currency, due_minor, paid_minor, state, opened_at, due_at, paid_at,
                     split)
values ($1, $2, $3, $4, $5, $5, 'paid', $6, $6, $6, $7)
"""
INSERT_TAKEN = """
insert into tender (brand_id, payment_id, tender_id, kind, method, amount_minor, currency, happened_at, booked_at,
                    shift_id, reference, given_minor)
select $1, $2, t.tender_id, 'payment', t.method, t.amount_minor, $3, $4, $5, $6, t.reference, t.given_minor
  from unnest($7::uuid[], $8::text[], $9::bigint[], $10::text[], $11::bigint[])
    as t (tender_id, method, amount_minor, reference, given_minor)
"""
INSERT_CASH = """
insert into till_cash (brand_id, shift_id, move_id, kind, amount_minor, reason, reference, by_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
CASH_MOVES = """
select move_id, kind, amount_minor, reason, reference, by_id, at from till_cash
 where brand_id = $1 and shift_id = $2 order by at, move_id
"""
CASH_SUMS = """
select shift_id, kind, sum(amount_minor)::bigint as minor from till_cash
 where brand_id = $1 and shift_id = any($2) group by shift_id, kind
"""
TENDER_SUMS = """
select shift_id, method, count(*) filter (where amount_minor > 0)::bigint as taken,
       coalesce(sum(amount_minor) filter (where amount_minor > 0), 0)::bigint as taken_minor,
       count(*) filter (where amount_minor < 0)::bigint as given_back,
       coalesce(-sum(amount_minor) filter (where amount_minor < 0), 0)::bigint as given_back_minor
  from tender where brand_id = $1 and shift_id = any($2) group by shift_id, method order by shift_id, method
"""
# A refund that a till gives back in the moment in which it is asked for.
INSERT_RETURNED = """
insert into refund (brand_id, refund_id, payment_id, order_id, tender_id, key, part, amount_minor, currency, reason,
                    state, by_hand, next_try_at, requested_at, ended_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'refunded', true, $11, $11, $11)
"""
MOVE_RETURNED = """
update payment set refunded_minor = refunded_minor + $3
 where brand_id = $1 and payment_id = $2 and paid_minor - refunding_minor - refunded_minor >= $3
"""
INSERT_GIVEN = """
insert into tender (brand_id, payment_id, tender_id, kind, method, refund_id, amount_minor, currency, happened_at,
                    booked_at, shift_id)
values ($1, $2, $3, 'refund', $4, $5, -$6::bigint, $7, $8, $8, $9)
"""
TAKEN_BY_ORDER = """
select p.order_id, sum(t.amount_minor)::bigint as minor
  from tender t join payment p on p.brand_id = t.brand_id and p.payment_id = t.payment_id
 where t.brand_id = $1 and t.shift_id = any($2) and t.kind = 'payment' group by p.order_id
"""


class TenderSums(msgspec.Struct, frozen=True):
    """What a shift took and gave back by a method."""

    method: str
    taken: int
    taken_minor: int
    given_back: int
    given_back_minor: int


def write_taken(
    tx: Tx,
    payment_id: PaymentId,
    order_id: UUID,
    shift_id: ShiftId,
    taken: Sequence[TillPart],
    *,
    currency: str,
    at: datetime,
    split: bool,
) -> None:
    """A payment that is paid as it comes to be, and its tenders, with the flush."""
    total = sum(one.amount_minor for one in taken)
    tx.later(INSERT_PAID, tx.brand, payment_id, order_id, currency, total, at, split)
    tx.later(
        INSERT_TAKEN, tx.brand, payment_id, currency, at, tx.now, shift_id, [new_id() for _ in taken],
        [one.method for one in taken], [one.amount_minor for one in taken], [one.reference for one in taken],
        [one.given_minor for one in taken],
    )  # fmt: skip


def write_cash(
    tx: Tx, shift_id: ShiftId, move_id: UUID, kind: CashKind, minor: int, *, reason: str, reference: UUID | None
) -> None:
    tx.later(INSERT_CASH, tx.brand, shift_id, move_id, kind, minor, reason, reference, tx.by.id, tx.now)


def write_returned(tx: Tx, refund: Refund, tender_id: TenderId, method: str, shift_id: ShiftId) -> None:
    """A refund that went at once, with the flush; `move_returned` goes with it."""
    tx.later(
        INSERT_RETURNED, tx.brand, refund.refund_id, refund.payment_id, refund.order_id, refund.tender_id, refund.key,
        refund.part, refund.amount.minor, refund.amount.currency, refund.reason, tx.now,
    )  # fmt: skip
    tx.later(
        INSERT_GIVEN, tx.brand, refund.payment_id, tender_id, method, refund.refund_id, refund.amount.minor,
        refund.amount.currency, tx.now, shift_id,
    )  # fmt: skip


def move_returned(tx: Tx, payment_id: PaymentId, minor: int, otherwise: Exception) -> None:
    """What of a payment went back, once for each payment of a flush."""
    tx.later(MOVE_RETURNED, tx.brand, payment_id, minor, expect=1, otherwise=otherwise)


async def cash_moves(tx: Tx, shift_id: ShiftId) -> list[CashMove]:
    return [
        CashMove(
            row["move_id"], CashKind(row["kind"]), row["amount_minor"], row["reason"], row["reference"], row["by_id"],
            row["at"],
        )
        for row in await tx.rows(CASH_MOVES, tx.brand, shift_id)
    ]  # fmt: skip


async def cash_sums(tx: Tx, shift_ids: Sequence[ShiftId]) -> dict[tuple[UUID, CashKind], int]:
    rows = await tx.rows(CASH_SUMS, tx.brand, shift_ids)
    return {(row["shift_id"], CashKind(row["kind"])): row["minor"] for row in rows}


async def tender_sums(tx: Tx, shift_ids: Sequence[ShiftId]) -> dict[UUID, list[TenderSums]]:
    found: dict[UUID, list[TenderSums]] = {shift_id: [] for shift_id in shift_ids}
    for row in await tx.rows(TENDER_SUMS, tx.brand, shift_ids):
        shift_id, *sums = row
        found[shift_id].append(TenderSums(*sums))
    return found


async def taken_by_order(tx: Tx, shift_ids: Sequence[ShiftId]) -> dict[UUID, int]:
    return {row["order_id"]: row["minor"] for row in await tx.rows(TAKEN_BY_ORDER, tx.brand, shift_ids)}
