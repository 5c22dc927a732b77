"""Transfers and their lines."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.types import DiscrepancyId, LocationId, SkuId
from midstage.middle.inventory.work import Transfer, TransferFilter, TransferId, TransferLine, TransferState

ADD_TRANSFER = """
insert into stock_transfer (brand_id, transfer_id, from_id, to_id, from_operator, to_operator, state, note, due_on,
                            asked_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
"""

ADD_TRANSFER_LINES = """
insert into stock_transfer_line (brand_id, transfer_id, sku_id, asked_milli, approved_milli)
select $1, $2, n.sku_id, n.asked, n.approved from unnest($3::uuid[], $4::bigint[], $5::bigint[]) as n (sku_id, asked, approved)
"""

TRANSFER = """
select t.transfer_id, t.from_id, t.to_id, t.from_operator, t.to_operator, t.currency, t.state, t.note, t.due_on,
       t.version, t.asked_at, t.changed_at
  from stock_transfer t where t.brand_id = $1 and t.transfer_id = $2
"""

TRANSFERS = """
select t.transfer_id, t.from_id, t.to_id, t.from_operator, t.to_operator, t.currency, t.state, t.note, t.due_on,
       t.version, t.asked_at, t.changed_at
  from stock_transfer t
 where t.brand_id = $1 and t.transfer_id < $2 and ($3::text is null or t.state = $3)
   and ($4::uuid[] is null or t.from_id = any($4) or t.to_id = any($4))
   and ($5::uuid is null or t.from_id = $5) and ($6::uuid is null or t.to_id = $6)
 order by t.transfer_id desc
 limit $7
"""

TRANSFER_LINES = """
select l.sku_id, l.asked_milli, l.approved_milli, l.sent_milli, l.received_milli, l.over_milli, l.lost_milli,
       l.back_milli, l.sent_minor, l.arrived_minor, l.lost_minor, l.back_minor, l.discrepancy_id
  from stock_transfer_line l
 where l.brand_id = $1 and l.transfer_id = $2 and l.sku_id > $3
 order by l.sku_id
 limit $4
"""

# The one place where a transfer goes on: whoever comes second finds another version.
MOVE_TRANSFER = """
update stock_transfer t
   set state = $4, version = t.version + 1, changed_at = $5, currency = case when $6 = '' then t.currency else $6 end
 where t.brand_id = $1 and t.transfer_id = $2 and t.version = $3
returning t.version
"""

SET_STATE = "update stock_transfer set state = $3, currency = $4 where brand_id = $1 and transfer_id = $2"

APPROVE_LINES = """
update stock_transfer_line l set approved_milli = n.approved
  from unnest($3::uuid[], $4::bigint[]) as n (sku_id, approved)
 where l.brand_id = $1 and l.transfer_id = $2 and l.sku_id = n.sku_id
"""

WRITE_LINES = """
update stock_transfer_line l
   set sent_milli = n.sent, received_milli = n.received, over_milli = n.over_, lost_milli = n.lost, back_milli = n.back,
       sent_minor = n.sent_minor, arrived_minor = n.arrived_minor, lost_minor = n.lost_minor, back_minor = n.back_minor,
       discrepancy_id = n.discrepancy_id
  from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
              $10::bigint[], $11::bigint[], $12::bigint[], $13::uuid[])
    as n (sku_id, sent, received, over_, lost, back, sent_minor, arrived_minor, lost_minor, back_minor, discrepancy_id)
 where l.brand_id = $1 and l.transfer_id = $2 and l.sku_id = n.sku_id
"""

ADD_DIFFERENCES = """
insert into stock_discrepancy (brand_id, discrepancy_id, location_id, sku_id, kind, on_hand_milli, reserved_milli,
                               reference, found_at, difference_milli)
select $1, n.discrepancy_id, n.location_id, n.sku_id, n.kind, coalesce(s.on_hand_milli, 0), coalesce(s.reserved_milli, 0),
       $6, $7, n.difference
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $8::bigint[])
    as n (discrepancy_id, location_id, sku_id, kind, difference)
  left join stock s on s.brand_id = $1 and s.location_id = n.location_id and s.sku_id = n.sku_id
returning discrepancy_id, on_hand_milli, reserved_milli
"""

LATE_TRANSFERS = """
select t.transfer_id, t.state, t.to_id, t.changed_at
  from stock_transfer t
 where t.brand_id = $1 and t.state in ('asked', 'approved', 'sent', 'received')
   and (t.changed_at < $2 or t.due_on < $3)
 order by t.transfer_id
 limit $4
"""

_LAST = UUID(int=2**128 - 1)
FIRST = UUID(int=0)


class Difference(msgspec.Struct, frozen=True):
    """Something that did not arrive as it was sent."""

    discrepancy_id: DiscrepancyId
    location_id: LocationId
    sku_id: SkuId
    kind: str
    milli: int


async def add_transfer(tx: Tx, made: Transfer, lines: Sequence[TransferLine]) -> None:
    await tx.run(
        ADD_TRANSFER, tx.brand, made.transfer_id, made.from_id, made.to_id, made.from_operator, made.to_operator,
        made.state, made.note, made.due_on, made.asked_at,
    )  # fmt: skip
    await tx.run(
        ADD_TRANSFER_LINES,
        tx.brand,
        made.transfer_id,
        [line.sku_id for line in lines],
        [line.asked_milli for line in lines],
        [line.approved_milli for line in lines],
    )


async def transfer(tx: Tx, transfer_id: TransferId) -> Transfer | None:
    row = await tx.row(TRANSFER, tx.brand, transfer_id)
    return None if row is None else _transfer(row)


async def transfers(tx: Tx, wanted: TransferFilter, before: UUID | None, limit: int) -> list[Transfer]:
    locations = None if wanted.locations is None else list(wanted.locations)
    rows = await tx.rows(
        TRANSFERS, tx.brand, before or _LAST, wanted.state, locations, wanted.from_id, wanted.to_id, limit
    )  # fmt: skip
    return [_transfer(row) for row in rows]


async def transfer_lines(tx: Tx, transfer_id: TransferId, *, after: UUID = FIRST, limit: int) -> list[TransferLine]:
    return [TransferLine(*row.values()) for row in await tx.rows(TRANSFER_LINES, tx.brand, transfer_id, after, limit)]


async def move_transfer(
    tx: Tx, transfer_id: TransferId, *, seen: int, state: TransferState, currency: str = ""
) -> int | None:
    """Take a transfer to a state; None where somebody else was faster."""
    return await tx.value(MOVE_TRANSFER, tx.brand, transfer_id, seen, state, tx.now, currency)


async def set_state(tx: Tx, transfer_id: TransferId, state: TransferState, currency: str) -> None:
    """The state that a step leads to, once it is known; within the transaction that moved the transfer."""
    await tx.run(SET_STATE, tx.brand, transfer_id, state, currency)


async def approve_lines(tx: Tx, transfer_id: TransferId, lines: Sequence[TransferLine]) -> None:
    skus, approved = [line.sku_id for line in lines], [line.approved_milli for line in lines]
    await tx.run(APPROVE_LINES, tx.brand, transfer_id, skus, approved)


async def write_lines(tx: Tx, transfer_id: TransferId, lines: Sequence[TransferLine]) -> None:
    columns: list[list[Any]] = [
        [line.sku_id for line in lines],
        [line.sent_milli for line in lines],
        [line.received_milli for line in lines],
        [line.over_milli for line in lines],
        [line.lost_milli for line in lines],
        [line.back_milli for line in lines],
        [line.sent_minor for line in lines],
        [line.arrived_minor for line in lines],
        [line.lost_minor for line in lines],
        [line.back_minor for line in lines],
        [line.discrepancy_id for line in lines],
    ]
    await tx.run(WRITE_LINES, tx.brand, transfer_id, *columns)


async def add_differences(tx: Tx, reference: UUID, found: Sequence[Difference]) -> dict[DiscrepancyId, tuple[int, int]]:
    """Write discrepancies; returns what lay there and what of it was promised."""
    rows = await tx.rows(
        ADD_DIFFERENCES,
        tx.brand,
        [one.discrepancy_id for one in found],
        [one.location_id for one in found],
        [one.sku_id for one in found],
        [one.kind for one in found],
        reference,
        tx.now,
        [one.milli for one in found],
    )
    return {row["discrepancy_id"]: (row["on_hand_milli"], row["reserved_milli"]) for row in rows}


async def late_transfers(tx: Tx, before: Any, today: Any, limit: int) -> list[Record]:
    return await tx.rows(LATE_TRANSFERS, tx.brand, before, today, limit)


def _transfer(row: Record) -> Transfer:
    return msgspec.convert(dict(row.items()), Transfer)
