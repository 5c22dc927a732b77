"""SQL of sales that tills made offline."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.kit.ids import new_id
from midstage.kit.refusals import Refusal
from midstage.middle.orders.offline_types import OfflineSale, RefusedSale, RefusedState, decode_sale
from midstage.middle.orders.store.rows import as_json
from midstage.middle.orders.store.till import INSERT_TILL_SALE, sale_values
from midstage.middle.orders.till_types import Till, TillSale
from midstage.middle.orders.types import OrderId
from midstage.middle.organisation import api as organisation

# The first statement of a booking. Of two that tell of one sale the second waits here, and finds it booked.
CLAIM = f"""
{INSERT_TILL_SALE}
    on conflict (brand_id, till_id, device_sale_id) where device_sale_id is not null do nothing
"""  # fragments of this module's store only
KNOWN = """
select s.device_sale_id, s.order_id, s.content_hash, s.differs_minor, o.number
  from till_sale s join sales_order o on o.brand_id = s.brand_id and o.order_id = s.order_id
 where s.brand_id = $1 and s.till_id = $2 and s.device_sale_id = any($3::text[])
"""
_REFUSED_COLUMNS = """
refused_id, store_id, till_id, device_sale_id, content::text as content, code, reason_zh, reason_en, state, order_id, note,
received_at, tries
"""
# Told again it stays one row; one that a person has ended stays ended.
KEEP_REFUSED = f"""
insert into refused_sale as r (brand_id, refused_id, store_id, till_id, device_sale_id, content_hash, content, code,
                               reason_zh, reason_en, received_at, tried_at)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $11)
    on conflict (brand_id, till_id, device_sale_id, content_hash) do update
   set tries = r.tries + 1, tried_at = excluded.tried_at,
       code = case when r.state = 'waiting' then excluded.code else r.code end,
       reason_zh = case when r.state = 'waiting' then excluded.reason_zh else r.reason_zh end,
       reason_en = case when r.state = 'waiting' then excluded.reason_en else r.reason_en end
returning {_REFUSED_COLUMNS}
"""  # noqa: S608  # fragments of this module's store only
ENDED = """
select device_sale_id, content_hash, refused_id, state, code, reason_en, order_id from refused_sale
 where brand_id = $1 and till_id = $2 and device_sale_id = any($3::text[]) and state <> 'waiting'
"""
END_REFUSED = """
update refused_sale set state = $5, order_id = $6, note = $7, ended_at = $8
 where brand_id = $1 and till_id = $2 and device_sale_id = $3 and ($4::uuid is null or refused_id = $4)
   and ($9::bytea is null or content_hash = $9) and state = 'waiting'
"""
LOCK_REFUSED = f"""
select {_REFUSED_COLUMNS} from refused_sale where brand_id = $1 and refused_id = $2 and state = 'waiting' for update
"""  # noqa: S608  # fragments of this module's store only
LIST_REFUSED = f"""
select {_REFUSED_COLUMNS} from refused_sale
 where brand_id = $1 and state = 'waiting' and ($2::uuid[] is null or store_id = any($2))
   and ($3::timestamptz is null or (received_at, refused_id) > ($3, $4::uuid))
 order by received_at, refused_id limit $5
"""  # noqa: S608  # fragments of this module's store only

REFUSED_BEFORE = """
select refused_id, store_id, code, received_at from refused_sale
 where brand_id = $1 and state = 'waiting' and received_at < $2 order by received_at limit $3
"""


async def claim(tx: Tx, order_id: OrderId, sale: TillSale) -> int:
    return await tx.run(CLAIM, *sale_values(tx, order_id, sale))


async def known(tx: Tx, till_id: organisation.TouchpointId, ids: Sequence[str]) -> dict[str, Record]:
    return {row["device_sale_id"]: row for row in await tx.rows(KNOWN, tx.brand, till_id, ids)}


async def ended(tx: Tx, till_id: organisation.TouchpointId, ids: Sequence[str]) -> dict[tuple[str, bytes], Record]:
    """What a person has ended, by the sale's own number and its content."""
    rows = await tx.rows(ENDED, tx.brand, till_id, ids)
    return {(row["device_sale_id"], row["content_hash"]): row for row in rows}


async def keep(
    tx: Tx,
    till: Till,
    sale: OfflineSale,
    why: Refusal,
    *,
    content_hash: bytes,
) -> RefusedSale:
    row = await tx.row(
        KEEP_REFUSED, tx.brand, new_id(), till.at.store_id, till.till_id, sale.device_sale_id, content_hash,
        as_json(sale), why.code, why.say("zh-CN"), why.say("en"), tx.now,
    )  # fmt: skip
    if row is None:
        raise AssertionError("the statement writes one row, or changes it")
    return to_refused(row)


async def end(
    tx: Tx,
    till_id: organisation.TouchpointId,
    device_sale_id: str,
    *,
    became: RefusedState,
    order_id: OrderId | None = None,
    refused_id: UUID | None = None,
    content_hash: bytes | None = None,
    note: str = "",
) -> int:
    return await tx.run(
        END_REFUSED, tx.brand, till_id, device_sale_id, refused_id, became, order_id, note, tx.now, content_hash
    )


async def lock_refused(tx: Tx, refused_id: UUID) -> RefusedSale | None:
    row = await tx.row(LOCK_REFUSED, tx.brand, refused_id)
    return None if row is None else to_refused(row)


async def list_refused(
    tx: Tx, store_ids: frozenset[organisation.StoreId] | None, place: tuple[datetime, UUID] | None, limit: int
) -> list[RefusedSale]:
    at, last = place or (None, None)
    stores = None if store_ids is None else list(store_ids)
    return [to_refused(row) for row in await tx.rows(LIST_REFUSED, tx.brand, stores, at, last, limit)]


async def refused_before(tx: Tx, before: datetime, limit: int) -> list[Record]:
    return await tx.rows(REFUSED_BEFORE, tx.brand, before, limit)


def to_refused(row: Record) -> RefusedSale:
    fields: dict[str, Any] = dict(row)
    fields["sale"] = decode_sale(fields.pop("content"))
    fields["state"] = RefusedState(fields["state"])
    return RefusedSale(**fields)
