"""All SQL of the catalogue, over its own tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from asyncpg import UniqueViolationError

from midstage.kit.database import Record, Tx
from midstage.kit.findings import Finding
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import barcodes, lexemes, rules
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    AttributeKind,
    BarcodeTaken,
    Category,
    CategoryCodeTaken,
    CategoryId,
    Listed,
    Media,
    Name,
    Offer,
    Option,
    OptionsTaken,
    Product,
    ProductChangedMeanwhile,
    ProductCodeTaken,
    ProductFilters,
    ProductId,
    Scanned,
    Sku,
    SkuCodeTaken,
    SkuId,
    Sort,
    State,
    TaxClass,
    Unit,
    Value,
)

_SEPARATOR = "\x1f"  # no text of ours has it: control characters are refused
_json = msgspec.json.encode

OFFERS = """
select s.sku_id, s.product_id, s.code, p.name_zh, p.name_en, s.options_text_zh, s.options_text_en, s.unit, s.milli_step,
       p.tax_class, p.tax_rate_millionths, p.tax_inclusive, p.category_path, p.trademark,
       s.state = 'live' and p.state = 'live' as live
  from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 where s.brand_id = $1 and s.sku_id = any($2::uuid[])
"""


async def read_offers(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, Offer]:
    return {SkuId(row[0]): _offer(row) for row in await tx.rows(OFFERS, tx.brand, sku_ids)}


def _offer(row: Record) -> Offer:
    sku_id, product_id, code, zh, en, text_zh, text_en, unit, step, tax, rate, inclusive, path, trademark, live = row
    return Offer(
        sku_id, product_id, code, zh or en, en or zh, text_zh, text_en, Unit(unit), step, tax, rate, inclusive,
        path, trademark, live,
    )  # fmt: skip


NOT_LIVE = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (
   select 1 from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
    where s.brand_id = $1 and s.sku_id = wanted.sku_id and s.state = 'live' and p.state = 'live')
 order by wanted.sku_id limit 1
"""
UNKNOWN_SKU = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = wanted.sku_id)
 order by wanted.sku_id limit 1
"""
SKU_CODES = "select code, sku_id from sku where brand_id = $1 and code = any($2::text[])"
PRODUCT_OF_SKU = "select product_id from sku where brand_id = $1 and sku_id = $2"
BY_BARCODE = """
select b.sku_id, s.product_id, b.milli, s.state = 'live' and p.state = 'live' as live
  from unnest($2::text[], $3::text[]) with ordinality as asked (space, key, preference)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
  join sku s on s.brand_id = b.brand_id and s.sku_id = b.sku_id
  join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 order by asked.preference limit 1
"""


async def first_not_live(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(NOT_LIVE, tx.brand, sku_ids))


async def first_unknown(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(UNKNOWN_SKU, tx.brand, sku_ids))


async def read_sku_codes(tx: Tx, codes: Sequence[str]) -> dict[str, SkuId]:
    return {code: SkuId(sku_id) for code, sku_id in await tx.rows(SKU_CODES, tx.brand, codes)}


async def product_of_sku(tx: Tx, sku_id: SkuId) -> ProductId | None:
    return cast("ProductId | None", await tx.value(PRODUCT_OF_SKU, tx.brand, sku_id))


async def scan(tx: Tx, places: Sequence[tuple[str, str]]) -> Scanned | None:
    row = await tx.row(BY_BARCODE, tx.brand, [space for space, _ in places], [key for _, key in places])
    return Scanned(row[0], row[1], row[2], row[3]) if row else None


# Products, with their skus and barcodes in the same statement.

READ_PRODUCTS = """
select p.product_id, p.code, p.name_zh, p.name_en, p.category_id, p.category_path, p.tax_class, p.state, p.version,
       p.changed_at, p.published_at, p.trademark, p.description_zh, p.description_en, p.options, p.attributes, p.tags,
       p.media, coalesce((
         select jsonb_agg(jsonb_build_object(
                  'sku_id', s.sku_id, 'code', s.code, 'options', s.options, 'unit', s.unit,
                  'milli_step', s.milli_step, 'state', s.state, 'rank', s.rank, 'barcodes', coalesce((
                    select jsonb_agg(jsonb_build_object('kind', b.kind, 'code', b.code, 'milli', b.milli)
                             order by b.kind, b.code)
                      from barcode b where b.brand_id = s.brand_id and b.sku_id = s.sku_id), '[]')
                ) order by s.rank, s.sku_id)
           from sku s where s.brand_id = p.brand_id and s.product_id = p.product_id), '[]') as skus
  from product p
 where p.brand_id = $1 and p.product_id = any($2::uuid[])
"""
CODES_OF_PRODUCTS = "select code, product_id from product where brand_id = $1 and code = any($2::text[])"


async def read_products(tx: Tx, product_ids: Sequence[ProductId]) -> dict[ProductId, Product]:
    return {ProductId(row["product_id"]): _product(row) for row in await tx.rows(READ_PRODUCTS, tx.brand, product_ids)}


async def read_product_codes(tx: Tx, codes: Sequence[str]) -> dict[str, ProductId]:
    return {code: ProductId(product_id) for code, product_id in await tx.rows(CODES_OF_PRODUCTS, tx.brand, codes)}


def _product(row: Record) -> Product:
    decode = msgspec.json.decode
    return Product(
        product_id=row["product_id"],
        code=row["code"],
        name=Name(row["name_zh"], row["name_en"]),
        category_id=row["category_id"],
        category_path=row["category_path"],
        tax_class=row["tax_class"],
        state=State(row["state"]),
        version=row["version"],
        changed_at=row["changed_at"],
        published_at=row["published_at"],
        trademark=row["trademark"],
        description=Name(row["description_zh"], row["description_en"]),
        options=decode(row["options"], type=list[Option]),
        attributes=decode(row["attributes"], type=dict[str, Value]),
        tags=row["tags"],
        media=decode(row["media"], type=list[Media]),
        skus=decode(row["skus"], type=list[Sku]),
    )


# Category and tax class come from their own rows, locked by read_path and read_tax_classes.
INSERT_PRODUCTS = """
insert into product (
  brand_id, product_id, code, name_zh, name_en, description_zh, description_en, category_id, category_path, trademark,
  options, attributes, tags, media, tax_class, tax_rate_millionths, tax_inclusive, state, name_keys, name_length, search,
  changed_at, published_at)
select $1, d.product_id, d.code, d.name_zh, d.name_en, d.description_zh, d.description_en, c.category_id, c.path,
       d.trademark, d.options, d.attributes, string_to_array(d.tags, e'\\x1f'), d.media, t.code, t.rate_millionths,
       t.inclusive, d.state, string_to_array(d.name_keys, e'\\x1f'), d.name_length, d.search::tsvector,
       $2::timestamptz, case when d.state = 'live' then $2::timestamptz end
  from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
              $11::jsonb[], $12::jsonb[], $13::text[], $14::jsonb[], $15::text[], $16::text[], $17::text[], $18::integer[],
              $19::text[])
    as d (product_id, code, name_zh, name_en, description_zh, description_en, category_id, trademark, options, attributes,
          tags, media, tax_class, state, name_keys, name_length, search)
  join category c on c.brand_id = $1 and c.category_id = d.category_id
  join tax_class t on t.brand_id = $1 and t.code = d.tax_class
    on conflict do nothing
"""
INSERT_SKUS = """
insert into sku (
  brand_id, sku_id, product_id, code, options, options_text_zh, options_text_en, unit, milli_step, state, rank)
select $1, d.sku_id, d.product_id, d.code, d.options, d.options_text_zh, d.options_text_en, d.unit, d.milli_step, d.state,
       d.rank
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::text[], $8::text[], $9::bigint[],
              $10::text[], $11::integer[])
    as d (sku_id, product_id, code, options, options_text_zh, options_text_en, unit, milli_step, state, rank)
    on conflict do nothing
"""
INSERT_BARCODES = """
insert into barcode (brand_id, space, key, sku_id, kind, code, milli)
select $1, d.space, d.key, d.sku_id, d.kind, d.code, d.milli
  from unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::bigint[])
    as d (space, key, sku_id, kind, code, milli)
    on conflict do nothing
"""
FOREIGN_BARCODE = """
select b.code
  from unnest($2::text[], $3::text[], $4::uuid[]) as d (space, key, sku_id)
  join barcode b on b.brand_id = $1 and b.space = d.space and b.key = d.key and b.sku_id <> d.sku_id
 order by b.code limit 1
"""


async def insert_products(tx: Tx, products: Sequence[Product], vectors: Sequence[str]) -> None:
    """Insert products with all that belongs to them. Raises …Taken for the first code that is somebody else's."""
    keys = [_name_keys(product) for product in products]
    inserted = await tx.run(
        INSERT_PRODUCTS,
        tx.brand,
        tx.now,
        [p.product_id for p in products],
        [p.code for p in products],
        [p.name.zh for p in products],
        [p.name.en for p in products],
        [p.description.zh for p in products],
        [p.description.en for p in products],
        [p.category_id for p in products],
        [p.trademark for p in products],
        [_json(p.options).decode() for p in products],
        [_json(p.attributes).decode() for p in products],
        [_SEPARATOR.join(p.tags) for p in products],
        [_json(p.media).decode() for p in products],
        [p.tax_class for p in products],
        [p.state.value for p in products],
        [_SEPARATOR.join(key) for key in keys],
        [_name_length(key) for key in keys],
        vectors,
    )
    if inserted != len(products):
        ours = {p.code: p.product_id for p in products}
        taken = await read_product_codes(tx, list(ours))
        raise ProductCodeTaken(min(code for code, product_id in taken.items() if product_id != ours[code]))
    await insert_skus(tx, [(p, sku) for p in products for sku in p.skus])


def _name_keys(product: Product) -> list[str]:
    return [lexemes.normal(text) for text in (product.name.in_zh(), product.name.in_en(), product.code)]


def _name_length(keys: Sequence[str]) -> int:
    """Of two names that fit equally, the shorter is nearer to what was asked."""
    return min(len(keys[0]), len(keys[1]))


async def insert_skus(tx: Tx, skus: Sequence[tuple[Product, Sku]]) -> None:
    """Insert skus with their barcodes. Raises SkuCodeTaken, OptionsTaken, BarcodeTaken."""
    if not skus:
        return
    texts = [rules.options_text(product, sku) for product, sku in skus]
    inserted = await tx.run(
        INSERT_SKUS,
        tx.brand,
        [sku.sku_id for _, sku in skus],
        [product.product_id for product, _ in skus],
        [sku.code for _, sku in skus],
        [_json(sku.options).decode() for _, sku in skus],
        [text.zh for text in texts],
        [text.en for text in texts],
        [sku.unit.value for _, sku in skus],
        [sku.milli_step for _, sku in skus],
        [sku.state.value for _, sku in skus],
        [sku.rank for _, sku in skus],
    )
    if inserted != len(skus):
        ours = {sku.code: sku.sku_id for _, sku in skus}
        held = await read_sku_codes(tx, list(ours))
        taken = sorted(code for code, sku_id in held.items() if sku_id != ours[code])
        raise SkuCodeTaken(taken[0]) if taken else OptionsTaken(min(ours.keys() - held.keys()))
    await insert_barcodes(tx, [sku for _, sku in skus])


async def insert_barcodes(tx: Tx, skus: Sequence[Sku]) -> None:
    """Raises BarcodeTaken for the first that another sku carries."""
    printed = [(*barcodes.place(barcode), sku.sku_id, barcode) for sku in skus for barcode in sku.barcodes]
    if not printed:
        return
    spaces, keys = [row[0] for row in printed], [row[1] for row in printed]
    sku_ids, codes = [row[2] for row in printed], [row[3] for row in printed]
    inserted = await tx.run(
        INSERT_BARCODES,
        tx.brand,
        spaces,
        keys,
        sku_ids,
        [barcode.kind.value for barcode in codes],
        [barcode.code for barcode in codes],
        [barcode.milli for barcode in codes],
    )
    if inserted != len(printed):
        taken = await tx.value(FOREIGN_BARCODE, tx.brand, spaces, keys, sku_ids)
        raise BarcodeTaken(str(taken))


UPDATE_PRODUCT = """
update product p
   set code = $4, name_zh = $5, name_en = $6, description_zh = $7, description_en = $8, category_id = c.category_id,
       category_path = c.path, trademark = $10, options = $11::jsonb, attributes = $12::jsonb, tags = $13::text[],
       media = $14::jsonb, tax_class = t.code, tax_rate_millionths = t.rate_millionths, tax_inclusive = t.inclusive,
       state = $16, name_keys = $17::text[], name_length = $18, search = $19::text::tsvector, changed_at = $20,
       published_at = $21, version = p.version + 1
  from category c, tax_class t
 where p.brand_id = $1 and p.product_id = $2 and p.version = $3
   and c.brand_id = $1 and c.category_id = $9 and t.brand_id = $1 and t.code = $15
"""
UPDATE_SKUS = """
update sku s
   set code = d.code, options = d.options, options_text_zh = d.options_text_zh, options_text_en = d.options_text_en,
       unit = d.unit, milli_step = d.milli_step, state = d.state, rank = d.rank
  from unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
              $10::integer[])
    as d (sku_id, code, options, options_text_zh, options_text_en, unit, milli_step, state, rank)
 where s.brand_id = $1 and s.sku_id = d.sku_id
"""
DELETE_BARCODES = "delete from barcode where brand_id = $1 and sku_id = any($2::uuid[])"


async def write_product(tx: Tx, product: Product, vector: str, *, seen: int) -> None:
    """Write a product over the version that was seen. Raises ProductChangedMeanwhile, ProductCodeTaken."""
    keys = _name_keys(product)
    try:
        written = await tx.run(
            UPDATE_PRODUCT,
            tx.brand,
            product.product_id,
            seen,
            product.code,
            product.name.zh,
            product.name.en,
            product.description.zh,
            product.description.en,
            product.category_id,
            product.trademark,
            _json(product.options).decode(),
            _json(product.attributes).decode(),
            product.tags,
            _json(product.media).decode(),
            product.tax_class,
            product.state.value,
            keys,
            _name_length(keys),
            vector,
            product.changed_at,
            product.published_at,
        )
    except UniqueViolationError:
        raise ProductCodeTaken(product.code) from None
    if written != 1:
        raise ProductChangedMeanwhile(product.code, seen)


async def write_skus(tx: Tx, product: Product, skus: Sequence[Sku], *, barcodes_too: bool) -> None:
    """Write skus of a product that write_product guards. Raises SkuCodeTaken, OptionsTaken, BarcodeTaken."""
    if not skus:
        return
    texts = [rules.options_text(product, sku) for sku in skus]
    try:
        await tx.run(
            UPDATE_SKUS,
            tx.brand,
            [sku.sku_id for sku in skus],
            [sku.code for sku in skus],
            [_json(sku.options).decode() for sku in skus],
            [text.zh for text in texts],
            [text.en for text in texts],
            [sku.unit.value for sku in skus],
            [sku.milli_step for sku in skus],
            [sku.state.value for sku in skus],
            [sku.rank for sku in skus],
        )
    except UniqueViolationError as error:
        taken = OptionsTaken if error.constraint_name == "sku_options" else SkuCodeTaken
        raise taken(skus[0].code) from None
    if barcodes_too:
        await tx.run(DELETE_BARCODES, tx.brand, [sku.sku_id for sku in skus])
        await insert_barcodes(tx, skus)


# Lists and search.

SEARCH = """
select page.*, array(
         select s.sku_id from sku s
          where s.brand_id = $1 and s.product_id = page.product_id and s.state = 'live' order by s.rank, s.sku_id
       ) as sku_ids
  from (
    select * from (
      select p.product_id, p.code, p.name_zh, p.name_en, p.trademark, p.category_id, p.tags, p.media -> 0 as cover, p.state,
             p.changed_at, p.name_length,
             case when $4 = any(p.name_keys) then 0
                  when starts_with(p.name_keys[1], $4) or starts_with(p.name_keys[2], $4) then 1
                  when p.search @@ $3::text::tsquery then 2
                  else 3 end as distance
        from product p
       where p.brand_id = $1 and p.search @@ $2::text::tsquery and p.state = any($5::text[])
    ) as hit
    where (distance, name_length, product_id) > ($6::integer, $7::integer, $8::uuid)
    order by distance, name_length, product_id limit $9
  ) as page
 order by page.distance, page.name_length, page.product_id
"""
_LISTED = """
select page.product_id, page.code, page.name_zh, page.name_en, page.trademark, page.category_id, page.tags,
       page.media -> 0 as cover, page.state, page.changed_at, array(
         select s.sku_id from sku s
          where s.brand_id = $1 and s.product_id = page.product_id and s.state = 'live' order by s.rank, s.sku_id
       ) as sku_ids
"""
_NEWEST = "and p.product_id < $3::uuid order by p.product_id desc limit $4) as page order by page.product_id desc"
_CHANGED = (
    "and (p.changed_at, p.product_id) > ($3::timestamptz, $4::uuid) order by p.changed_at, p.product_id limit $5)"
    " as page order by page.changed_at, page.product_id"
)
_ALL = """
  from (
    select p.product_id, p.code, p.name_zh, p.name_en, p.trademark, p.category_id, p.tags, p.media, p.state, p.changed_at
      from product p where p.brand_id = $1 and p.state = any($2::text[])
"""
LIST_NEWEST = f"{_LISTED} {_ALL} {_NEWEST}"
LIST_NEWEST_MARKED = f"{_LISTED} {_ALL} and p.search @@ $5::text::tsquery {_NEWEST}"
LIST_CHANGED = f"{_LISTED} {_ALL} {_CHANGED}"
LIST_CHANGED_MARKED = f"{_LISTED} {_ALL} and p.search @@ $6::text::tsquery {_CHANGED}"

_SearchPlace = tuple[int, int, UUID]
_ChangedPlace = tuple[datetime, UUID]
_BEFORE_ALL: _SearchPlace = (-1, 0, UUID(int=0))
_LAST_ID = UUID(int=2**128 - 1)
_LONG_AGO = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


async def search(
    tx: Tx, query: lexemes.Query, state: State | None, page: PageRequest
) -> list[tuple[_SearchPlace, Listed]]:
    place = page.place(_SearchPlace) or _BEFORE_ALL
    args = (query.find, query.named, query.key, _states(state), *place, page.fetch)
    rows = await tx.rows(SEARCH, tx.brand, *args)
    return [((row["distance"], row["name_length"], row["product_id"]), _listed(row)) for row in rows]


async def list_products(
    tx: Tx, state: State | None, marks: str, sort: Sort, page: PageRequest
) -> list[tuple[tuple[Any, ...], Listed]]:
    if sort is Sort.NEWEST:
        place: tuple[Any, ...] = page.place(tuple[UUID]) or (_LAST_ID,)
        sql = LIST_NEWEST_MARKED if marks else LIST_NEWEST
    else:
        place = page.place(_ChangedPlace) or (_LONG_AGO, UUID(int=0))
        sql = LIST_CHANGED_MARKED if marks else LIST_CHANGED
    rows = await tx.rows(sql, tx.brand, _states(state), *place, page.fetch, *([marks] if marks else []))
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


# Categories and their attributes.

READ_CATEGORIES = """
select category_id, code, name_zh, name_en, path, rank from category
 where brand_id = $1 and category_id = any($2::uuid[])
"""
ALL_CATEGORIES = """
select category_id, code, name_zh, name_en, path, rank from category
 where brand_id = $1 order by cardinality(path), rank, code
"""
CATEGORIES_BY_CODE = """
select category_id, code, name_zh, name_en, path, rank from category
 where brand_id = $1 and code = any($2::text[])
"""
SUBTREE = """
select category_id, code, name_zh, name_en, path, rank from category
 where brand_id = $1 and $2::uuid = any(path) order by category_id for no key update
"""
# Shared locks: neither a path nor a name can change under a product that is being written.
LOCKED_PATH = """
select c.category_id, c.code, c.name_zh, c.name_en, c.path, c.rank
  from category c
 where c.brand_id = $1 and c.category_id in (
   select unnest(leaf.path) from category leaf where leaf.brand_id = $1 and leaf.category_id = any($2::uuid[]))
 order by c.category_id for share of c
"""
INSERT_CATEGORIES = """
insert into category (brand_id, category_id, parent_id, path, code, name_zh, name_en, rank)
select $1, d.category_id, d.parent_id, string_to_array(d.path, ',')::uuid[], d.code, d.name_zh, d.name_en, d.rank
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[])
    as d (category_id, parent_id, path, code, name_zh, name_en, rank)
    on conflict do nothing
"""
UPDATE_CATEGORY = """
update category set code = $3, name_zh = $4, name_en = $5, rank = $6 where brand_id = $1 and category_id = $2
"""
UPDATE_PATHS = """
update category c
   set path = string_to_array(d.path, ',')::uuid[],
       parent_id = (string_to_array(d.path, ',')::uuid[])[cardinality(string_to_array(d.path, ',')) - 1]
  from unnest($2::uuid[], $3::text[]) as d (category_id, path)
 where c.brand_id = $1 and c.category_id = d.category_id
"""
DELETE_CATEGORY = """
delete from category c
 where c.brand_id = $1 and c.category_id = $2
   and not exists (select 1 from category child where child.brand_id = $1 and child.parent_id = $2)
   and not exists (
     select 1 from product p where p.brand_id = $1 and p.category_id = $2 and p.search @@ $3::text::tsquery)
"""
READ_DEFINITIONS = """
select category_id, code, kind, name_zh, name_en, choices, required
  from attribute_definition where brand_id = $1 and category_id = any($2::uuid[]) order by code
"""
DELETE_DEFINITIONS = "delete from attribute_definition where brand_id = $1 and category_id = $2"
INSERT_DEFINITIONS = """
insert into attribute_definition (brand_id, category_id, code, kind, name_zh, name_en, choices, required)
select $1, $2, d.code, d.kind, d.name_zh, d.name_en, string_to_array(d.choices, e'\\x1f'), d.required
  from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])
    as d (code, kind, name_zh, name_en, choices, required)
"""
ANY_WITH_MARKS = "select exists (select 1 from product where brand_id = $1 and search @@ $2::text::tsquery)"


def _category(row: Record) -> Category:
    return Category(row["category_id"], row["code"], Name(row["name_zh"], row["name_en"]), row["path"], row["rank"])


async def read_categories(tx: Tx, ids: Sequence[CategoryId] | None = None) -> dict[CategoryId, Category]:
    """Those with these ids, or all, parents before their children."""
    if ids is None:
        rows = await tx.rows(ALL_CATEGORIES, tx.brand)
    else:
        rows = await tx.rows(READ_CATEGORIES, tx.brand, ids)
    return {CategoryId(row["category_id"]): _category(row) for row in rows}


async def read_categories_by_code(tx: Tx, codes: Sequence[str]) -> dict[str, Category]:
    return {row["code"]: _category(row) for row in await tx.rows(CATEGORIES_BY_CODE, tx.brand, codes)}


async def lock_paths(tx: Tx, ids: Sequence[CategoryId]) -> dict[CategoryId, Category]:
    """These categories and all above them, held still until the end of the transaction."""
    while True:
        rows = await tx.rows(LOCKED_PATH, tx.brand, ids)
        found = {CategoryId(row["category_id"]): _category(row) for row in rows}
        # A category that was moved while we waited shows its new path; that path is then read and locked too.
        if all(above in found for known in ids if known in found for above in found[known].path):
            return found


async def lock_subtree(tx: Tx, category_id: CategoryId) -> dict[CategoryId, Category]:
    """A category and all beneath it, held for changing."""
    rows = await tx.rows(SUBTREE, tx.brand, category_id)
    return {CategoryId(row["category_id"]): _category(row) for row in rows}


async def insert_categories(tx: Tx, categories: Sequence[Category]) -> None:
    """Raises CategoryCodeTaken."""
    inserted = await tx.run(
        INSERT_CATEGORIES,
        tx.brand,
        [c.category_id for c in categories],
        [c.parent_id for c in categories],
        [_path(c.path) for c in categories],
        [c.code for c in categories],
        [c.name.zh for c in categories],
        [c.name.en for c in categories],
        [c.rank for c in categories],
    )
    if inserted != len(categories):
        ours = {c.code: c.category_id for c in categories}
        held = await read_categories_by_code(tx, list(ours))
        raise CategoryCodeTaken(min(code for code, c in held.items() if c.category_id != ours[code]))


def _path(path: Sequence[CategoryId]) -> str:
    return ",".join(str(category) for category in path)


async def write_category(tx: Tx, category: Category) -> None:
    """Raises CategoryCodeTaken."""
    name = category.name
    try:
        await tx.run(UPDATE_CATEGORY, tx.brand, category.category_id, category.code, name.zh, name.en, category.rank)
    except UniqueViolationError:
        raise CategoryCodeTaken(category.code) from None


async def write_paths(tx: Tx, paths: Mapping[CategoryId, Sequence[CategoryId]]) -> None:
    await tx.run(UPDATE_PATHS, tx.brand, list(paths), [_path(path) for path in paths.values()])


async def delete_category(tx: Tx, category_id: CategoryId) -> bool:
    """Whether it was empty and is gone; its attribute definitions go with it."""
    await tx.run(DELETE_DEFINITIONS, tx.brand, category_id)
    marks = lexemes.marked([lexemes.brand_mark(tx.brand), lexemes.category_mark(category_id)])
    return await tx.run(DELETE_CATEGORY, tx.brand, category_id, marks) == 1


async def read_definitions(
    tx: Tx, category_ids: Sequence[CategoryId]
) -> dict[CategoryId, dict[str, AttributeDefinition]]:
    """The definitions of each of these categories, by code."""
    found: dict[CategoryId, dict[str, AttributeDefinition]] = {}
    for row in await tx.rows(READ_DEFINITIONS, tx.brand, category_ids):
        name = Name(row["name_zh"], row["name_en"])
        definition = AttributeDefinition(row["code"], AttributeKind(row["kind"]), name, row["choices"], row["required"])
        found.setdefault(CategoryId(row["category_id"]), {})[definition.code] = definition
    return found


async def write_definitions(tx: Tx, category_id: CategoryId, definitions: Sequence[AttributeDefinition]) -> None:
    await tx.run(DELETE_DEFINITIONS, tx.brand, category_id)
    await tx.run(
        INSERT_DEFINITIONS,
        tx.brand,
        category_id,
        [d.code for d in definitions],
        [d.kind.value for d in definitions],
        [d.name.zh for d in definitions],
        [d.name.en for d in definitions],
        [_SEPARATOR.join(d.choices) for d in definitions],
        [d.required for d in definitions],
    )


async def attribute_is_used(tx: Tx, category_id: CategoryId, code: str) -> bool:
    return bool(await tx.value(ANY_WITH_MARKS, tx.brand, lexemes.uses_attribute(tx.brand, category_id, code)))


# Making a category's products new after it was renamed or moved, and a tax class' after a change of its rate.

PRODUCTS_BENEATH = """
select product_id from product
 where brand_id = $1 and search @@ $2::text::tsquery and product_id > $3 order by product_id limit $4
"""
REFRESH = """
update product p
   set category_path = c.path, search = d.search::tsvector, changed_at = $2, version = p.version + 1
  from unnest($3::uuid[], $4::integer[], $5::text[]) as d (product_id, seen, search), category c
 where p.brand_id = $1 and p.product_id = d.product_id and p.version = d.seen
   and c.brand_id = $1 and c.category_id = p.category_id
"""
REFRESH_TAX = """
update product
   set tax_rate_millionths = $3, tax_inclusive = $4, changed_at = $5, version = version + 1
 where brand_id = $1 and tax_class = $2
"""
LOCK_PRODUCTS = """
select product_id from product
 where brand_id = $1 and product_id = any($2::uuid[]) order by product_id for no key update
"""


async def lock_beneath(tx: Tx, category_id: CategoryId, *, after: UUID, limit: int) -> list[ProductId]:
    """The next products in or beneath a category, by id, held for changing."""
    marks = lexemes.marked([lexemes.brand_mark(tx.brand), lexemes.category_mark(category_id)])
    rows = await tx.rows(PRODUCTS_BENEATH, tx.brand, marks, after, limit)
    product_ids = [ProductId(row[0]) for row in rows]
    await tx.rows(LOCK_PRODUCTS, tx.brand, product_ids)
    return product_ids


async def refresh_products(tx: Tx, products: Sequence[Product], vectors: Sequence[str]) -> None:
    seen = [product.version for product in products]
    await tx.run(REFRESH, tx.brand, tx.now, [product.product_id for product in products], seen, vectors)


# Tax classes.

TAX_CLASSES = """
select code, name_zh, name_en, rate_millionths, inclusive from tax_class
 where brand_id = $1 order by code
"""
LOCKED_TAX_CLASSES = """
select code, name_zh, name_en, rate_millionths, inclusive from tax_class
 where brand_id = $1 and code = any($2::text[]) order by code for share
"""
WRITE_TAX_CLASS = """
insert into tax_class (brand_id, code, name_zh, name_en, rate_millionths, inclusive) values ($1, $2, $3, $4, $5, $6)
    on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, rate_millionths = excluded.rate_millionths,
       inclusive = excluded.inclusive
"""


def _tax_class(row: Record) -> TaxClass:
    return TaxClass(row["code"], Name(row["name_zh"], row["name_en"]), row["rate_millionths"], row["inclusive"])


async def read_tax_classes(tx: Tx) -> dict[str, TaxClass]:
    return {row["code"]: _tax_class(row) for row in await tx.rows(TAX_CLASSES, tx.brand)}


async def lock_tax_classes(tx: Tx, codes: Sequence[str]) -> dict[str, TaxClass]:
    """These tax classes, held still until the end of the transaction."""
    return {row["code"]: _tax_class(row) for row in await tx.rows(LOCKED_TAX_CLASSES, tx.brand, codes)}


async def write_tax_class(tx: Tx, tax: TaxClass) -> int:
    """Write a tax class and the copies that products hold of it; returns how many products."""
    rate, inclusive = tax.rate_millionths, tax.inclusive
    await tx.run(WRITE_TAX_CLASS, tx.brand, tax.code, tax.name.zh, tax.name.en, rate, inclusive)
    return await tx.run(REFRESH_TAX, tx.brand, tax.code, rate, inclusive, tx.now)


# What the doctor looks for.

WRONG_PATHS = """
select p.product_id, p.category_path, c.path
  from product p join category c on c.brand_id = p.brand_id and c.category_id = p.category_id
 where p.brand_id = $1 and p.category_path <> c.path limit 20
"""
WRONG_TAX = """
select p.product_id, p.tax_rate_millionths, t.rate_millionths, p.tax_inclusive, t.inclusive
  from product p join tax_class t on t.brand_id = p.brand_id and t.code = p.tax_class
 where p.brand_id = $1 and (p.tax_rate_millionths, p.tax_inclusive) <> (t.rate_millionths, t.inclusive) limit 20
"""
LIVE_WITHOUT_SKU = """
select p.product_id, p.code
  from product p
 where p.brand_id = $1 and p.state = 'live' and not exists (
   select 1 from sku s where s.brand_id = $1 and s.product_id = p.product_id) limit 20
"""
BROKEN_TREE = """
select c.category_id, c.path, above.path as above
  from category c left join category above on above.brand_id = c.brand_id and above.category_id = c.parent_id
 where c.brand_id = $1 and c.path <> coalesce(above.path, '{}') || c.category_id limit 20
"""
ORPHANS = """
select p.product_id, null::uuid as sku_id
  from product p
 where p.brand_id = $1
   and (not exists (select 1 from category c where c.brand_id = $1 and c.category_id = p.category_id)
        or not exists (select 1 from tax_class t where t.brand_id = $1 and t.code = p.tax_class))
union all
select s.product_id, s.sku_id
  from sku s
 where s.brand_id = $1 and not exists (select 1 from product p where p.brand_id = $1 and p.product_id = s.product_id)
union all
select null, b.sku_id
  from barcode b where b.brand_id = $1 and not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = b.sku_id)
 limit 20
"""
FAULTS = {
    ORPHANS: ("catalogue.orphan", "A product, sku or barcode refers to what is not there."),
    WRONG_PATHS: ("catalogue.category_path", "A product's copy of its category's path differs from the category's."),
    WRONG_TAX: ("catalogue.tax", "A product's copy of its tax rate differs from the tax class'."),
    LIVE_WITHOUT_SKU: ("catalogue.live_without_sku", "A live product has no sku."),
    BROKEN_TREE: ("catalogue.tree", "A category's path is not its parent's and itself."),
}


async def find_faults(tx: Tx) -> list[Finding]:
    return [Finding(*fault, dict(row)) for sql, fault in FAULTS.items() for row in await tx.rows(sql, tx.brand)]
