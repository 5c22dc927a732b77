"""Deliveries that are expected, and their lines."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.inventory.types import SkuId
from midstage.middle.inventory.work import Delivery, DeliveryFilter, DeliveryId, DeliveryLine, DeliveryState

ADD_DELIVERY = """
insert into stock_delivery (brand_id, delivery_id, location_id, supplier, document, due_on, currency, over_percent, state,
                            note, expected_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
"""

ADD_DELIVERY_LINES = """
insert into stock_delivery_line (brand_id, delivery_id, sku_id, expected_milli, supply_minor)
select $1, $2, n.sku_id, n.expected, n.supply from unnest($3::uuid[], $4::bigint[], $5::bigint[]) as n (sku_id, expected, supply)
"""

DELIVERY = """
select d.delivery_id, d.location_id, d.supplier, d.document, d.due_on, d.currency, d.over_percent, d.state, d.note,
       d.version, d.expected_at, d.changed_at
  from stock_delivery d where d.brand_id = $1 and d.delivery_id = $2
"""

DELIVERIES = """
select d.delivery_id, d.location_id, d.supplier, d.document, d.due_on, d.currency, d.over_percent, d.state, d.note,
       d.version, d.expected_at, d.changed_at
  from stock_delivery d
 where d.brand_id = $1 and d.delivery_id < $2 and ($3::text is null or d.state = $3)
   and ($4::uuid[] is null or d.location_id = any($4))
 order by d.delivery_id desc
 limit $5
"""

DELIVERY_LINES = """
select l.sku_id, l.expected_milli, l.supply_minor, l.received_milli, l.refused_milli, l.off_milli, l.received_minor
  from stock_delivery_line l
 where l.brand_id = $1 and l.delivery_id = $2 and l.sku_id > $3
 order by l.sku_id
 limit $4
"""

MOVE_DELIVERY = """
update stock_delivery d set state = $4, version = d.version + 1, changed_at = $5
 where d.brand_id = $1 and d.delivery_id = $2 and d.version = $3 and d.state in ('expected', 'part')
returning d.version
"""

SET_DELIVERY_STATE = "update stock_delivery set state = $3 where brand_id = $1 and delivery_id = $2"

WRITE_DELIVERY_LINES = """
update stock_delivery_line l
   set received_milli = n.received, refused_milli = n.refused, off_milli = n.off_, received_minor = n.minor
  from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    as n (sku_id, received, refused, off_, minor)
 where l.brand_id = $1 and l.delivery_id = $2 and l.sku_id = n.sku_id
"""

LATE_DELIVERIES = """
select d.delivery_id, d.location_id, d.state, d.due_on, d.expected_at
  from stock_delivery d
 where d.brand_id = $1 and d.state in ('expected', 'part') and d.due_on < $2
 order by d.delivery_id
 limit $3
"""

_LAST = UUID(int=2**128 - 1)
_FIRST = UUID(int=0)


async def add_delivery(tx: Tx, made: Delivery, lines: Sequence[DeliveryLine]) -> None:
    await tx.run(
        ADD_DELIVERY, tx.brand, made.delivery_id, made.location_id, made.supplier, made.document, made.due_on,
        made.currency, made.over_percent, made.state, made.note, made.expected_at,
    )  # fmt: skip
    await tx.run(
        ADD_DELIVERY_LINES,
        tx.brand,
        made.delivery_id,
        [line.sku_id for line in lines],
        [line.expected_milli for line in lines],
        [line.supply_minor for line in lines],
    )


async def delivery(tx: Tx, delivery_id: DeliveryId) -> Delivery | None:
    row = await tx.row(DELIVERY, tx.brand, delivery_id)
    return None if row is None else msgspec.convert(dict(row.items()), Delivery)


async def deliveries(tx: Tx, wanted: DeliveryFilter, before: UUID | None, limit: int) -> list[Delivery]:
    locations = None if wanted.locations is None else list(wanted.locations)
    rows = await tx.rows(DELIVERIES, tx.brand, before or _LAST, wanted.state, locations, limit)
    return [msgspec.convert(dict(row.items()), Delivery) for row in rows]


async def delivery_lines(
    tx: Tx, delivery_id: DeliveryId, *, after: SkuId | None = None, limit: int
) -> list[DeliveryLine]:
    rows = await tx.rows(DELIVERY_LINES, tx.brand, delivery_id, after or _FIRST, limit)
    return [DeliveryLine(*row.values()) for row in rows]


async def move_delivery(tx: Tx, delivery_id: DeliveryId, *, seen: int, state: DeliveryState) -> int | None:
    """Take it to a state; None where somebody was faster, or it is over."""
    return await tx.value(MOVE_DELIVERY, tx.brand, delivery_id, seen, state, tx.now)


async def set_delivery_state(tx: Tx, delivery_id: DeliveryId, state: DeliveryState) -> None:
    """The state that a receipt leads to; within the transaction that moved the delivery."""
    await tx.run(SET_DELIVERY_STATE, tx.brand, delivery_id, state)


async def write_delivery_lines(tx: Tx, delivery_id: DeliveryId, lines: Sequence[DeliveryLine]) -> None:
    await tx.run(
        WRITE_DELIVERY_LINES,
        tx.brand,
        delivery_id,
        [line.sku_id for line in lines],
        [line.received_milli for line in lines],
        [line.refused_milli for line in lines],
        [line.off_milli for line in lines],
        [line.received_minor for line in lines],
    )


async def late_deliveries(tx: Tx, today: date, limit: int) -> list[Record]:
    return await tx.rows(LATE_DELIVERIES, tx.brand, today, limit)
