"""List and supply prices, price lists, and what holds of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from asyncpg import UniqueViolationError

from midstage.kit.database import Record, Tx
from midstage.kit.findings import Finding
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.pricing.facts import BaseChange, EntryChange
from midstage.middle.pricing.types import (
    BasePrice,
    Entry,
    PriceContext,
    PriceList,
    PriceListChangedMeanwhile,
    PriceListCodeTaken,
    PriceListFilters,
    PriceListId,
    PriceListState,
    PricesChanged,
    Quote,
    Rule,
    Scope,
)

# The order by is rules.precedence; a property test holds the two together.
QUOTE = """
select p.sku_id, coalesce(best.unit_minor, p.list_minor) as unit_minor, p.currency, p.list_minor, best.price_list_id,
       coalesce(best.rule, 'list_price') as rule,
       coalesce((select v.version from price_version v where v.brand_id = $1), 0) as version,
       (select o.unit_minor from own_price o
         where o.brand_id = $1 and o.store_id = $5 and o.sku_id = p.sku_id and o.currency = p.currency) as own_minor
  from sku_price p
  left join lateral (
    select e.unit_minor, l.price_list_id,
           case when l.store_id is not null then 'store' when l.operator_id is not null then 'operator'
                when l.unit_id is not null then 'unit' when l.level is not null then 'level'
                when l.sales_channel is not null then 'channel' else 'brand' end as rule
      from price_entry e join price_list l on l.brand_id = e.brand_id and l.price_list_id = e.price_list_id
     where e.brand_id = $1 and e.sku_id = p.sku_id and l.state = 'live' and l.currency = p.currency
       and l.starts_at <= $3 and (l.ends_at is null or $3 < l.ends_at)
       and (l.sales_channel is null or l.sales_channel = $4) and (l.store_id is null or l.store_id = $5)
       and (l.unit_id is null or l.unit_id = any($6::uuid[])) and (l.operator_id is null or l.operator_id = $7)
       and (l.level is null or l.level = $8)
     order by l.store_id is not null desc, l.operator_id is not null desc,
              coalesce(array_position($6::uuid[], l.unit_id), 0) desc, l.level is not null desc,
              l.sales_channel is not null desc, l.rank desc, l.starts_at desc, l.price_list_id desc
     limit 1
  ) as best on true
 where p.brand_id = $1 and p.sku_id = any($2::uuid[])
"""
READ_VERSION = "select version from price_version where brand_id = $1"
IS_VERSION = "select version from price_version where brand_id = $1 and version = $2"
MOVE_VERSION = """
insert into price_version (brand_id, version) values ($1, 1)
    on conflict (brand_id) do update set version = price_version.version + 1
returning version
"""


async def quote(
    tx: Tx, context: PriceContext, sku_ids: Sequence[catalogue.SkuId], at: datetime
) -> dict[catalogue.SkuId, tuple[Quote, int | None]]:
    """The price by the lists, and what the store asks of its own, whether that holds or not."""
    rows = await tx.rows(
        QUOTE,
        tx.brand,
        sku_ids,
        at,
        context.sales_channel,
        context.store_id,
        context.unit_path,
        context.operator_id,
        context.level,
    )
    return {
        catalogue.SkuId(row[0]): (Quote(row[1], row[2], row[3], row[4], Rule(row[5]), row[6]), row[7]) for row in rows
    }


async def read_version(tx: Tx) -> int:
    return cast("int | None", await tx.value(READ_VERSION, tx.brand)) or 0


def hold_to(tx: Tx, seen: int) -> None:
    tx.later(IS_VERSION, tx.brand, seen, expect=1, otherwise=PricesChanged(seen))


async def move_version(tx: Tx) -> int:
    """The next version; whoever changes prices after us waits here until we are done."""
    return cast("int", await tx.value(MOVE_VERSION, tx.brand))


# List and supply prices.

READ_BASE = """
select sku_id, list_minor, currency, supply_minor from sku_price where brand_id = $1 and sku_id = any($2::uuid[])
"""
WRITE_BASE = """
insert into sku_price as p (brand_id, sku_id, list_minor, supply_minor, currency, changed_at)
select $1, d.sku_id, d.list_minor, d.supply_minor, d.currency, $2
  from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[]) as d (sku_id, list_minor, supply_minor, currency)
    on conflict (brand_id, sku_id) do update
   set list_minor = excluded.list_minor, supply_minor = excluded.supply_minor, currency = excluded.currency,
       changed_at = excluded.changed_at
 where (p.list_minor, p.supply_minor, p.currency)
       is distinct from (excluded.list_minor, excluded.supply_minor, excluded.currency)
returning new.sku_id, new.currency, new.list_minor, new.supply_minor, old.list_minor, old.supply_minor
"""
FIRST_UNFIT = """
select d.sku_id, p.sku_id is null as unpriced
  from unnest($2::uuid[]) as d (sku_id)
  left join sku_price p on p.brand_id = $1 and p.sku_id = d.sku_id
 where p.currency is distinct from $3
 order by d.sku_id limit 1
"""


async def read_base(tx: Tx, sku_ids: Sequence[catalogue.SkuId]) -> dict[catalogue.SkuId, BasePrice]:
    rows = await tx.rows(READ_BASE, tx.brand, sku_ids)
    return {catalogue.SkuId(row[0]): BasePrice(row[0], row[1], row[2], row[3]) for row in rows}


async def write_base(tx: Tx, prices: Sequence[BasePrice]) -> list[BaseChange]:
    """Set these prices; returns those that are new or other than before."""
    rows = await tx.rows(
        WRITE_BASE,
        tx.brand,
        tx.now,
        [price.sku_id for price in prices],
        [price.list_minor for price in prices],
        [price.supply_minor for price in prices],
        [price.currency for price in prices],
    )
    return [BaseChange(*row) for row in rows]


async def first_unfit(tx: Tx, sku_ids: Sequence[catalogue.SkuId], currency: str) -> tuple[catalogue.SkuId, bool] | None:
    """The first sku without a list price (True) or with one of another currency (False)."""
    row = await tx.row(FIRST_UNFIT, tx.brand, sku_ids, currency)
    return (row[0], row[1]) if row else None


# Price lists.

_LIST = """
select l.price_list_id, l.code, l.name_zh, l.name_en, l.currency, l.sales_channel, l.store_id, l.operator_id, l.unit_id,
       l.level, l.starts_at, l.ends_at, l.rank, l.state, l.version
"""
READ_LIST = f"{_LIST} from price_list l where l.brand_id = $1 and l.price_list_id = $2"
LOCK_LIST = f"{READ_LIST} for no key update"
LISTS = f"""
{_LIST} from price_list l
 where l.brand_id = $1 and l.state = any($2::text[]) and ($3::uuid is null or l.store_id = $3)
   and ($4::text is null or l.sales_channel = $4) and ($5::text is null or l.level = $5) and l.price_list_id < $6
 order by l.price_list_id desc limit $7
"""
LISTS_OF_SKU = f"""
{_LIST}, e.unit_minor
  from price_entry e join price_list l on l.brand_id = e.brand_id and l.price_list_id = e.price_list_id
 where e.brand_id = $1 and e.sku_id = $2
 order by l.state = 'live' desc, l.starts_at desc, l.price_list_id desc limit $3
"""
INSERT_LIST = """
insert into price_list (
  brand_id, price_list_id, code, name_zh, name_en, currency, sales_channel, store_id, operator_id, unit_id, level,
  starts_at, ends_at, rank, state, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict do nothing
"""
UPDATE_LIST = """
update price_list
   set code = $3, name_zh = $4, name_en = $5, currency = $6, sales_channel = $7, store_id = $8, operator_id = $9,
       unit_id = $10, level = $11, starts_at = $12, ends_at = $13, rank = $14, state = $15, version = $16
 where brand_id = $1 and price_list_id = $2 and version = $16 - 1
"""
WRITE_ENTRIES = """
insert into price_entry as e (brand_id, sku_id, price_list_id, unit_minor)
select $1, d.sku_id, $2, d.unit_minor from unnest($3::uuid[], $4::bigint[]) as d (sku_id, unit_minor)
    on conflict (brand_id, sku_id, price_list_id) do update set unit_minor = excluded.unit_minor
 where e.unit_minor <> excluded.unit_minor
returning new.sku_id, new.unit_minor, old.unit_minor
"""
DELETE_ENTRIES = """
delete from price_entry where brand_id = $1 and price_list_id = $2 and sku_id = any($3::uuid[])
returning sku_id, null::bigint, unit_minor
"""
ENTRIES = """
select sku_id, unit_minor from price_entry
 where brand_id = $1 and price_list_id = $2 and sku_id > $3 order by sku_id limit $4
"""
_LAST_ID = UUID(int=2**128 - 1)
_FIRST_ID = UUID(int=0)


def _price_list(row: Record) -> PriceList:
    return PriceList(
        price_list_id=row["price_list_id"],
        code=row["code"],
        name=catalogue.Name(row["name_zh"], row["name_en"]),
        currency=row["currency"],
        scope=Scope(row["sales_channel"], row["store_id"], row["operator_id"], row["unit_id"], row["level"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        rank=row["rank"],
        state=PriceListState(row["state"]),
        version=row["version"],
    )


def _values(found: PriceList) -> tuple[object, ...]:
    scope = found.scope
    return (
        found.price_list_id,
        found.code,
        found.name.zh,
        found.name.en,
        found.currency,
        scope.sales_channel,
        scope.store_id,
        scope.operator_id,
        scope.unit_id,
        scope.level,
        found.starts_at,
        found.ends_at,
        found.rank,
        found.state.value,
        found.version,
    )


async def read_list(tx: Tx, price_list_id: PriceListId) -> PriceList | None:
    row = await tx.row(READ_LIST, tx.brand, price_list_id)
    return _price_list(row) if row else None


async def lock_list(tx: Tx, price_list_id: PriceListId) -> PriceList | None:
    """A price list, held for changing it or its entries."""
    row = await tx.row(LOCK_LIST, tx.brand, price_list_id)
    return _price_list(row) if row else None


async def read_lists(tx: Tx, filters: PriceListFilters, page: PageRequest) -> list[PriceList]:
    states = [filters.state.value] if filters.state else [state.value for state in PriceListState]
    place = page.place(tuple[UUID]) or (_LAST_ID,)
    asked = (states, filters.store_id, filters.sales_channel, filters.level, *place, page.fetch)
    return [_price_list(row) for row in await tx.rows(LISTS, tx.brand, *asked)]


async def read_lists_of(tx: Tx, sku_id: catalogue.SkuId, limit: int) -> list[tuple[PriceList, int]]:
    """The price lists that a sku stands in, with its price there; live ones first."""
    return [(_price_list(row), row["unit_minor"]) for row in await tx.rows(LISTS_OF_SKU, tx.brand, sku_id, limit)]


async def insert_list(tx: Tx, found: PriceList) -> None:
    """Raises PriceListCodeTaken."""
    if await tx.run(INSERT_LIST, tx.brand, *_values(found)) != 1:
        raise PriceListCodeTaken(found.code)


async def write_list(tx: Tx, found: PriceList) -> None:
    """Write a price list over the version before its own. Raises PriceListCodeTaken, PriceListChangedMeanwhile."""
    try:
        written = await tx.run(UPDATE_LIST, tx.brand, *_values(found))
    except UniqueViolationError:
        raise PriceListCodeTaken(found.code) from None
    if written != 1:
        raise PriceListChangedMeanwhile(found.code, found.version - 1)


async def write_entries(tx: Tx, price_list_id: PriceListId, entries: Sequence[Entry]) -> list[EntryChange]:
    """Set these prices of a list; returns those that are new or other than before."""
    sku_ids, prices = [entry.sku_id for entry in entries], [entry.unit_minor for entry in entries]
    return [EntryChange(*row) for row in await tx.rows(WRITE_ENTRIES, tx.brand, price_list_id, sku_ids, prices)]


async def delete_entries(tx: Tx, price_list_id: PriceListId, sku_ids: Sequence[catalogue.SkuId]) -> list[EntryChange]:
    return [EntryChange(*row) for row in await tx.rows(DELETE_ENTRIES, tx.brand, price_list_id, sku_ids)]


async def read_entries(tx: Tx, price_list_id: PriceListId, page: PageRequest) -> list[Entry]:
    place = page.place(tuple[UUID]) or (_FIRST_ID,)
    return [Entry(*row) for row in await tx.rows(ENTRIES, tx.brand, price_list_id, *place, page.fetch)]


# What the doctor looks for.

ENTRY_WITHOUT_BASE = """
select e.sku_id, e.price_list_id
  from price_entry e join price_list l on l.brand_id = e.brand_id and l.price_list_id = e.price_list_id
 where e.brand_id = $1 and l.state = 'live'
   and not exists (select 1 from sku_price p where p.brand_id = $1 and p.sku_id = e.sku_id and p.currency = l.currency)
 limit 20
"""
NO_VERSION = """
select p.sku_id from sku_price p
 where p.brand_id = $1 and not exists (select 1 from price_version v where v.brand_id = $1) limit 20
"""
ENTRY_WITHOUT_LIST = """
select e.sku_id, e.price_list_id
  from price_entry e
 where e.brand_id = $1
   and not exists (select 1 from price_list l where l.brand_id = $1 and l.price_list_id = e.price_list_id)
 limit 20
"""
# A currency that changed later is told as out of band; a list price that is gone cannot be.
OWN_WITHOUT_BASE = """
select o.store_id, o.sku_id
  from own_price o
 where o.brand_id = $1 and not exists (select 1 from sku_price p where p.brand_id = $1 and p.sku_id = o.sku_id)
 limit 20
"""
FAULTS = {
    ENTRY_WITHOUT_LIST: ("pricing.orphan", "A price stands in a list that is not there."),
    ENTRY_WITHOUT_BASE: (
        "pricing.entry_without_base",
        "A live price list has a sku without a list price in its currency.",
    ),
    OWN_WITHOUT_BASE: ("pricing.own_without_base", "A store's own price is of a sku without a list price."),
    NO_VERSION: ("pricing.version", "A sku has a price, yet the brand's prices never had a version."),
}


async def find_faults(tx: Tx) -> list[Finding]:
    return [Finding(*fault, dict(row)) for sql, fault in FAULTS.items() for row in await tx.rows(sql, tx.brand)]
