"""What stores ask of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing.facts import EntryChange
from midstage.middle.pricing.types import Entry, OwnPrice, OwnPriceFilters

_COLUMNS = "o.store_id, o.sku_id, o.unit_minor, o.currency, o.by_kind, o.by_id, o.at"
WRITE_OWN = """
insert into own_price as o (brand_id, store_id, sku_id, unit_minor, currency, by_kind, by_id, at)
select $1, $2, d.sku_id, d.unit_minor, $3, $4, $5, $6 from unnest($7::uuid[], $8::bigint[]) as d (sku_id, unit_minor)
    on conflict (brand_id, store_id, sku_id) do update
   set unit_minor = excluded.unit_minor, currency = excluded.currency, by_kind = excluded.by_kind,
       by_id = excluded.by_id, at = excluded.at
 where (o.unit_minor, o.currency) is distinct from (excluded.unit_minor, excluded.currency)
returning new.sku_id, new.unit_minor, old.unit_minor
"""
DELETE_OWN = """
delete from own_price where brand_id = $1 and store_id = $2 and sku_id = any($3::uuid[])
returning sku_id, null::bigint, unit_minor
"""
READ_OWN = f"""
select {_COLUMNS} from own_price o where o.brand_id = $1 and o.store_id = $2 and o.sku_id = $3
"""  # noqa: S608  # fragments of this file only
OWN_PRICES = f"""
select {_COLUMNS} from own_price o
 where o.brand_id = $1 and ($2::uuid is null or o.store_id = $2) and ($3::uuid is null or o.sku_id = $3)
   and ($4::uuid[] is null or o.store_id = any($4)) and (o.store_id, o.sku_id) > ($5::uuid, $6::uuid)
 order by o.store_id, o.sku_id limit $7
"""  # noqa: S608  # fragments of this file only
STORES_WITH_OWN = """
select distinct o.store_id from own_price o
 where o.brand_id = $1 and ($2::uuid is null or o.store_id = $2) and ($3::uuid[] is null or o.store_id = any($3))
"""
# rules.band_of as SQL, for the stores whose policy has a band; where it has none (null) nothing holds.
OUT_OF_BAND = f"""
select {_COLUMNS}, p.list_minor, greatest(o.at, p.changed_at) as since
  from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as band (store_id, low, high)
  join own_price o on o.brand_id = $1 and o.store_id = band.store_id
  left join sku_price p on p.brand_id = o.brand_id and p.sku_id = o.sku_id and p.currency = o.currency
 where (band.low is null or p.list_minor is null
        or o.unit_minor * 100 < p.list_minor * band.low or o.unit_minor * 100 > p.list_minor * band.high)
   and (o.store_id, o.sku_id) > ($5::uuid, $6::uuid)
 order by o.store_id, o.sku_id limit $7
"""  # noqa: S608  # fragments of this file only
_FIRST = UUID(int=0)


async def write_own(
    tx: Tx, store_id: organisation.StoreId, currency: str, prices: Sequence[Entry]
) -> list[EntryChange]:
    """Set a store's own prices; returns those that are new or other than before."""
    rows = await tx.rows(
        WRITE_OWN,
        tx.brand,
        store_id,
        currency,
        tx.by.kind,
        tx.by.id,
        tx.now,
        [price.sku_id for price in prices],
        [price.unit_minor for price in prices],
    )
    return [EntryChange(*row) for row in rows]


async def delete_own(tx: Tx, store_id: organisation.StoreId, sku_ids: Sequence[catalogue.SkuId]) -> list[EntryChange]:
    return [EntryChange(*row) for row in await tx.rows(DELETE_OWN, tx.brand, store_id, sku_ids)]


async def read_own(tx: Tx, store_id: organisation.StoreId, sku_id: catalogue.SkuId) -> OwnPrice | None:
    row = await tx.row(READ_OWN, tx.brand, store_id, sku_id)
    return _own(row) if row else None


async def list_own(tx: Tx, filters: OwnPriceFilters, page: PageRequest) -> list[OwnPrice]:
    place = page.place(tuple[UUID, UUID]) or (_FIRST, _FIRST)
    stores = None if filters.stores is None else list(filters.stores)
    asked: tuple[Any, ...] = (filters.store_id, filters.sku_id, stores, *place, page.fetch)
    return [_own(row) for row in await tx.rows(OWN_PRICES, tx.brand, *asked)]


async def stores_with_own(
    tx: Tx, store_id: organisation.StoreId | None, stores: frozenset[organisation.StoreId] | None
) -> list[organisation.StoreId]:
    """The stores, of those within reach, that have prices of their own."""
    within = None if stores is None else list(stores)
    return [organisation.StoreId(row[0]) for row in await tx.rows(STORES_WITH_OWN, tx.brand, store_id, within)]


async def out_of_band(
    tx: Tx, bands: Sequence[tuple[organisation.StoreId, int | None, int | None]], page: PageRequest
) -> list[tuple[OwnPrice, int | None, datetime]]:
    """The own prices of these stores that are out of their band of percent, with the list price and since when."""
    place = page.place(tuple[UUID, UUID]) or (_FIRST, _FIRST)
    stores, lows, highs = [one[0] for one in bands], [one[1] for one in bands], [one[2] for one in bands]
    rows = await tx.rows(OUT_OF_BAND, tx.brand, stores, lows, highs, *place, page.fetch)
    return [(_own(row), row["list_minor"], row["since"]) for row in rows]


def _own(row: Record) -> OwnPrice:
    return OwnPrice(*list(row.values())[:7])
