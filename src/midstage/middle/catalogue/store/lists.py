"""Lists and search."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import lexemes
from midstage.middle.catalogue.listing_types import Owner, Selling
from midstage.middle.catalogue.policy import GoodsMode, GoodsPolicy
from midstage.middle.catalogue.store.offers import where
from midstage.middle.catalogue.types import (
    Listed,
    Media,
    Name,
    ProductFilters,
    Sort,
    State,
)

# listing_rules.judge as SQL, for products that are live; a property test holds the two together. $2 to $5 are the place
# of the sale (no store: everywhere), $6 and $7 whether the goods policy there allows goods of one's own and opting out.
_FITS = """
(l.store_id is null or l.store_id = $2::uuid) and (l.sales_channel is null or l.sales_channel = $3::text)
and (l.operator_id is null or l.operator_id = $4::uuid) and (l.unit_id is null or l.unit_id = any($5::uuid[]))
"""
_OF_PRODUCT = "select 1 from listing l where l.brand_id = $1 and l.product_id = p.product_id and l.kind"
_SOLD = f"""
($2::uuid is null or not p.restricted or (
  not exists ({_OF_PRODUCT} = 'withheld' and {_FITS})
  and not ($7::boolean and exists ({_OF_PRODUCT} = 'opted_out' and {_FITS}))
  and case when p.owner_store_id = $2::uuid or p.owner_operator_id = $4::uuid then $6::boolean
           when p.owner_store_id is not null or p.owner_operator_id is not null then exists ({_OF_PRODUCT} = 'listed' and {_FITS})
           else not exists ({_OF_PRODUCT} = 'listed') or exists ({_OF_PRODUCT} = 'listed' and {_FITS}) end))
"""
_OWNED = "($8::uuid is null or p.owner_store_id = $8) and ($9::uuid is null or p.owner_operator_id = $9)"
SEARCH = f"""
select page.*, array(
         select s.sku_id from sku s
          where s.brand_id = $1 and s.product_id = page.product_id and s.state = 'live' order by s.rank, s.sku_id
       ) as sku_ids
  from (
    select * from (
      select p.product_id, p.code, p.name_zh, p.name_en, p.trademark, p.category_id, p.tags, p.media -> 0 as cover, p.state,
             p.changed_at, p.name_length,
             case when $12 = any(p.name_keys) then 0
                  when starts_with(p.name_keys[1], $12) or starts_with(p.name_keys[2], $12) then 1
                  when p.search @@ $11::text::tsquery then 2
                  else 3 end as distance
        from product p
       where p.brand_id = $1 and p.search @@ $10::text::tsquery and p.state = any($13::text[])
         and {_SOLD} and {_OWNED}
    ) as hit
    where (distance, name_length, product_id) > ($14::integer, $15::integer, $16::uuid)
    order by distance, name_length, product_id limit $17
  ) as page
 order by page.distance, page.name_length, page.product_id
"""  # noqa: S608  # fragments of this file only
_LISTED = """
select page.product_id, page.code, page.name_zh, page.name_en, page.trademark, page.category_id, page.tags,
       page.media -> 0 as cover, page.state, page.changed_at, array(
         select s.sku_id from sku s
          where s.brand_id = $1 and s.product_id = page.product_id and s.state = 'live' order by s.rank, s.sku_id
       ) as sku_ids
"""
_NEWEST = "and p.product_id < $11::uuid order by p.product_id desc limit $12) as page order by page.product_id desc"
_CHANGED = (
    "and (p.changed_at, p.product_id) > ($11::timestamptz, $12::uuid) order by p.changed_at, p.product_id limit $13)"
    " as page order by page.changed_at, page.product_id"
)
_ALL = f"""
  from (
    select p.product_id, p.code, p.name_zh, p.name_en, p.trademark, p.category_id, p.tags, p.media, p.state, p.changed_at
      from product p where p.brand_id = $1 and p.state = any($10::text[]) and {_SOLD} and {_OWNED}
"""  # noqa: S608  # fragments of this file only
LIST_NEWEST = f"{_LISTED} {_ALL} {_NEWEST}"
LIST_NEWEST_MARKED = f"{_LISTED} {_ALL} and p.search @@ $13::text::tsquery {_NEWEST}"
LIST_CHANGED = f"{_LISTED} {_ALL} {_CHANGED}"
LIST_CHANGED_MARKED = f"{_LISTED} {_ALL} and p.search @@ $14::text::tsquery {_CHANGED}"

_SearchPlace = tuple[int, int, UUID]
_ChangedPlace = tuple[datetime, UUID]
_BEFORE_ALL: _SearchPlace = (-1, 0, UUID(int=0))
_LAST_ID = UUID(int=2**128 - 1)
_LONG_AGO = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


class Whose(msgspec.Struct, frozen=True):
    """Where products are to be sold, under which policy, and whose own they are to be."""

    at: Selling | None = None
    policy: GoodsPolicy = GoodsPolicy()
    owner: Owner | None = None

    def values(self) -> tuple[Any, ...]:
        owner = self.owner or Owner()
        own = self.policy.mode is GoodsMode.CENTRAL_PLUS_OWN
        return (*where(self.at), own, self.policy.opt_out, owner.store_id, owner.operator_id)


async def search(
    tx: Tx, query: lexemes.Query, state: State | None, whose: Whose, page: PageRequest
) -> list[tuple[_SearchPlace, Listed]]:
    place = page.place(_SearchPlace) or _BEFORE_ALL
    args = (query.find, query.named, query.key, _states(state), *place, page.fetch)
    rows = await tx.rows(SEARCH, tx.brand, *whose.values(), *args)
    return [((row["distance"], row["name_length"], row["product_id"]), _listed(row)) for row in rows]


async def list_products(
    tx: Tx, state: State | None, marks: str, sort: Sort, whose: Whose, page: PageRequest
) -> list[tuple[tuple[Any, ...], Listed]]:
    if sort is Sort.NEWEST:
        place: tuple[Any, ...] = page.place(tuple[UUID]) or (_LAST_ID,)
        sql = LIST_NEWEST_MARKED if marks else LIST_NEWEST
    else:
        place = page.place(_ChangedPlace) or (_LONG_AGO, UUID(int=0))
        sql = LIST_CHANGED_MARKED if marks else LIST_CHANGED
    rows = await tx.rows(
        sql, tx.brand, *whose.values(), _states(state), *place, page.fetch, *([marks] if marks else [])
    )
    listed = [_listed(row) for row in rows]
    return [((x.product_id,) if sort is Sort.NEWEST else (x.changed_at, x.product_id), x) for x in listed]


def _states(state: State | None) -> list[str]:
    return [state.value] if state else [each.value for each in State]


def _listed(row: Record) -> Listed:
    return Listed(
        product_id=row["product_id"],
        code=row["code"],
        name=Name(row["name_zh"], row["name_en"]),
        trademark=row["trademark"],
        category_id=row["category_id"],
        tags=row["tags"],
        cover=msgspec.json.decode(row["cover"], type=Media) if row["cover"] else None,
        state=State(row["state"]),
        sku_ids=row["sku_ids"],
        changed_at=row["changed_at"],
    )


def marks_of(tx: Tx, filters: ProductFilters) -> list[str]:
    """The lexemes that a product must have to pass the filters, the state left out."""
    return [
        *([lexemes.category_mark(filters.category_id)] if filters.category_id else []),
        *([lexemes.trademark_mark(filters.trademark)] if filters.trademark else []),
        *(lexemes.tag_mark(tag) for tag in filters.tags),
        *lexemes.attribute_marks(filters.attributes),
        lexemes.brand_mark(tx.brand),
    ]
