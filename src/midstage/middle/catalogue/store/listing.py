"""Where products are listed: the rows, and the flag that spares others a look at them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue.listing_types import (
    Goods,
    Listing,
    ListingDraft,
    ListingFilters,
    ListingId,
    ListingKind,
    ListingScope,
    Owner,
)
from midstage.middle.catalogue.types import ProductId, SkuId
from midstage.middle.organisation import api as organisation

_COLUMNS = """
l.listing_id, l.product_id, l.kind, l.sales_channel, l.store_id, l.operator_id, l.unit_id, l.reason, l.by_kind, l.by_id,
l.at
"""
LOCK_PRODUCTS = """
select p.product_id, p.owner_store_id, p.owner_operator_id from product p
 where p.brand_id = $1 and p.product_id = any($2::uuid[]) order by p.product_id for no key update
"""
INSERT_LISTINGS = f"""
insert into listing as l (
  brand_id, listing_id, product_id, kind, sales_channel, store_id, operator_id, unit_id, reason, by_kind, by_id, at)
select $1, d.listing_id, d.product_id, d.kind, d.sales_channel, d.store_id, d.operator_id, d.unit_id, d.reason, $2, $3, $4
  from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::uuid[], $11::uuid[], $12::text[])
    as d (listing_id, product_id, kind, sales_channel, store_id, operator_id, unit_id, reason)
    on conflict (brand_id, product_id, kind, store_id, sales_channel, operator_id, unit_id) do update
   set reason = excluded.reason, by_kind = excluded.by_kind, by_id = excluded.by_id, at = excluded.at
 where l.reason <> excluded.reason
returning {_COLUMNS}
"""  # noqa: S608  # fragments of this file only
DELETE_LISTINGS = f"""
delete from listing l where l.brand_id = $1 and l.listing_id = any($2::uuid[]) returning {_COLUMNS}
"""  # noqa: S608  # fragments of this file only
RESTRICT = """
update product p
   set restricted = p.owner_store_id is not null or p.owner_operator_id is not null
                    or exists (select 1 from listing l where l.brand_id = $1 and l.product_id = p.product_id)
 where p.brand_id = $1 and p.product_id = any($2::uuid[])
"""
READ_LISTINGS = f"""
select {_COLUMNS} from listing l where l.brand_id = $1 and l.listing_id = any($2::uuid[])
"""  # noqa: S608  # fragments of this file only
LISTINGS_OF = f"""
select {_COLUMNS} from listing l
 where l.brand_id = $1 and l.product_id = any($2::uuid[]) and (l.kind <> 'opted_out' or $3 or l.store_id = any($4::uuid[]))
"""  # noqa: S608  # fragments of this file only
LISTINGS = f"""
select {_COLUMNS} from listing l
 where l.brand_id = $1 and ($2::uuid is null or l.product_id = $2) and ($3::text is null or l.kind = $3)
   and ($4::uuid is null or l.store_id = $4) and ($5::uuid[] is null or l.store_id = any($5)) and l.listing_id > $6
 order by l.listing_id limit $7
"""  # noqa: S608  # fragments of this file only
GOODS_OF = """
select s.sku_id, s.state = 'live' and p.state = 'live' as live, p.product_id, p.owner_store_id, p.owner_operator_id,
       p.restricted, case when s.bundle then (
         select array_agg(part.code order by b.place)
           from bundle_part b
           join sku part on part.brand_id = b.brand_id and part.sku_id = b.part_sku_id
           join product whole on whole.brand_id = part.brand_id and whole.product_id = part.product_id
          where b.brand_id = $1 and b.sku_id = s.sku_id and (part.state <> 'live' or whole.state <> 'live')) end as unready
  from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 where s.brand_id = $1 and s.sku_id = any($2::uuid[])
"""
_FIRST = UUID(int=0)


async def lock_products(tx: Tx, product_ids: Sequence[ProductId]) -> dict[ProductId, Owner | None]:
    """Hold products until the end of the transaction; whose own each is."""
    return {ProductId(row[0]): owner_of(row[1], row[2]) for row in await tx.rows(LOCK_PRODUCTS, tx.brand, product_ids)}


def owner_of(store_id: UUID | None, operator_id: UUID | None) -> Owner | None:
    if store_id is None and operator_id is None:
        return None
    return Owner(
        organisation.StoreId(store_id) if store_id else None,
        organisation.OperatorId(operator_id) if operator_id else None,
    )


async def insert_listings(tx: Tx, drafts: Sequence[ListingDraft]) -> list[Listing]:
    """Write rows of products that are held; returns those that are new, or have another reason than before."""
    rows = await tx.rows(
        INSERT_LISTINGS,
        tx.brand,
        tx.by.kind,
        tx.by.id,
        tx.now,
        [new_id() for _ in drafts],
        [draft.product_id for draft in drafts],
        [draft.kind.value for draft in drafts],
        [draft.scope.sales_channel for draft in drafts],
        [draft.scope.store_id for draft in drafts],
        [draft.scope.operator_id for draft in drafts],
        [draft.scope.unit_id for draft in drafts],
        [draft.reason for draft in drafts],
    )
    await tx.run(RESTRICT, tx.brand, sorted({draft.product_id for draft in drafts}))
    return [_listing(row) for row in rows]


async def delete_listings(tx: Tx, listing_ids: Sequence[ListingId], products: Sequence[ProductId]) -> list[Listing]:
    """Take rows of products that are held out; returns those that were there."""
    rows = await tx.rows(DELETE_LISTINGS, tx.brand, listing_ids)
    await tx.run(RESTRICT, tx.brand, products)
    return [_listing(row) for row in rows]


async def read_listings(tx: Tx, listing_ids: Sequence[ListingId]) -> list[Listing]:
    return [_listing(row) for row in await tx.rows(READ_LISTINGS, tx.brand, listing_ids)]


async def read_listings_of(
    tx: Tx, product_ids: Sequence[ProductId], stores: Sequence[organisation.StoreId] | None
) -> list[Listing]:
    """All rows of products, the opt-outs of these stores alone (all, if none are said)."""
    rows = await tx.rows(LISTINGS_OF, tx.brand, product_ids, stores is None, list(stores or []))
    return [_listing(row) for row in rows]


async def list_listings(tx: Tx, filters: ListingFilters, page: PageRequest) -> list[Listing]:
    place = page.place(tuple[UUID]) or (_FIRST,)
    stores = None if filters.stores is None else list(filters.stores)
    kind = filters.kind.value if filters.kind else None
    asked: tuple[Any, ...] = (filters.product_id, kind, filters.store_id, stores, *place, page.fetch)
    return [_listing(row) for row in await tx.rows(LISTINGS, tx.brand, *asked)]


async def read_goods(tx: Tx, sku_ids: Sequence[SkuId], stores: Sequence[organisation.StoreId]) -> dict[SkuId, Goods]:
    """What listing looks at of skus, for any of these stores."""
    found = await tx.rows(GOODS_OF, tx.brand, sku_ids)
    restricted = sorted({row["product_id"] for row in found if row["restricted"]})
    rows = await read_listings_of(tx, restricted, stores) if restricted else []
    return {
        SkuId(row["sku_id"]): Goods(
            live=row["live"],
            unready_parts=row["unready"] or (),
            owner=owner_of(row["owner_store_id"], row["owner_operator_id"]),
            rows=[one for one in rows if one.product_id == row["product_id"]],
            limited=any(one.kind is ListingKind.LISTED and one.product_id == row["product_id"] for one in rows),
        )
        for row in found
    }


def _listing(row: Record) -> Listing:
    return Listing(
        listing_id=row["listing_id"],
        product_id=row["product_id"],
        kind=ListingKind(row["kind"]),
        scope=ListingScope(row["sales_channel"], row["store_id"], row["operator_id"], row["unit_id"]),
        reason=row["reason"],
        by_kind=row["by_kind"],
        by_id=row["by_id"],
        at=row["at"],
    )
