"""Products with their skus and barcodes: one statement reads all of it, each table has one to write it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from asyncpg import UniqueViolationError

from midstage.kit.database import Record, Tx
from midstage.middle.catalogue import barcodes, lexemes, rules
from midstage.middle.catalogue.refusals import (
    BarcodeTaken,
    OptionsTaken,
    ProductChangedMeanwhile,
    ProductCodeTaken,
    SkuCodeTaken,
)
from midstage.middle.catalogue.store.listing import owner_of
from midstage.middle.catalogue.store.offers import read_sku_codes
from midstage.middle.catalogue.types import (
    Media,
    Name,
    Option,
    Product,
    ProductId,
    Sku,
    State,
    Value,
)

_SEPARATOR = "\x1f"  # no text of ours has one: control characters are refused
_json = msgspec.json.encode

READ_PRODUCTS = """
select p.product_id, p.code, p.name_zh, p.name_en, p.category_id, p.category_path, p.tax_class, p.state, p.version,
       p.changed_at, p.published_at, p.trademark, p.description_zh, p.description_en, p.options, p.attributes, p.tags,
       p.media, p.owner_store_id, p.owner_operator_id, coalesce((
         select jsonb_agg(jsonb_build_object(
                  'sku_id', s.sku_id, 'code', s.code, 'options', s.options, 'unit', s.unit,
                  'milli_step', s.milli_step, 'state', s.state, 'rank', s.rank,
                  'parts', case when s.bundle then (
                    select jsonb_agg(jsonb_build_object('sku_id', c.part_sku_id, 'quantity_milli', c.quantity_milli)
                             order by c.place, c.part_sku_id)
                      from bundle_part c where c.brand_id = s.brand_id and c.sku_id = s.sku_id) else '[]' end,
                  'barcodes', coalesce((
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
        owner=owner_of(row["owner_store_id"], row["owner_operator_id"]),
    )


# Category and tax class come from their own rows, locked by lock_paths and lock_tax_classes.
INSERT_PRODUCTS = """
insert into product (
  brand_id, product_id, code, name_zh, name_en, description_zh, description_en, category_id, category_path, trademark,
  options, attributes, tags, media, tax_class, tax_rate_millionths, tax_inclusive, state, name_keys, name_length, search,
  changed_at, published_at, owner_store_id, owner_operator_id, restricted)
select $1, d.product_id, d.code, d.name_zh, d.name_en, d.description_zh, d.description_en, c.category_id, c.path,
       d.trademark, d.options, d.attributes, string_to_array(d.tags, e'\\x1f'), d.media, t.code, t.rate_millionths,
       t.inclusive, d.state, string_to_array(d.name_keys, e'\\x1f'), d.name_length, d.search::tsvector,
       $2::timestamptz, case when d.state = 'live' then $2::timestamptz end, d.owner_store_id, d.owner_operator_id,
       d.owner_store_id is not null or d.owner_operator_id is not null
  from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
              $11::jsonb[], $12::jsonb[], $13::text[], $14::jsonb[], $15::text[], $16::text[], $17::text[], $18::integer[],
              $19::text[], $20::uuid[], $21::uuid[])
    as d (product_id, code, name_zh, name_en, description_zh, description_en, category_id, trademark, options, attributes,
          tags, media, tax_class, state, name_keys, name_length, search, owner_store_id, owner_operator_id)
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
    keys = [name_keys(product) for product in products]
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
        [name_length(key) for key in keys],
        vectors,
        [p.owner.store_id if p.owner else None for p in products],
        [p.owner.operator_id if p.owner else None for p in products],
    )
    if inserted != len(products):
        ours = {p.code: p.product_id for p in products}
        taken = await read_product_codes(tx, list(ours))
        raise ProductCodeTaken(min(code for code, product_id in taken.items() if product_id != ours[code]))
    await insert_skus(tx, [(p, sku) for p in products for sku in p.skus])


def name_keys(product: Product) -> list[str]:
    return [lexemes.normal(text) for text in (product.name.in_zh(), product.name.in_en(), product.code)]


def name_length(keys: Sequence[str]) -> int:
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
    keys = name_keys(product)
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
            name_length(keys),
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
    await update_skus(tx, [(product, sku) for sku in skus], barcodes_of=skus if barcodes_too else [])


async def update_skus(tx: Tx, skus: Sequence[tuple[Product, Sku]], *, barcodes_of: Sequence[Sku]) -> None:
    """Write skus whose products are guarded. Raises SkuCodeTaken, OptionsTaken, BarcodeTaken."""
    if skus:
        texts = [rules.options_text(product, sku) for product, sku in skus]
        values: list[Any] = [
            [sku.sku_id for _, sku in skus],
            [sku.code for _, sku in skus],
            [_json(sku.options).decode() for _, sku in skus],
            [text.zh for text in texts],
            [text.en for text in texts],
            [sku.unit.value for _, sku in skus],
            [sku.milli_step for _, sku in skus],
            [sku.state.value for _, sku in skus],
            [sku.rank for _, sku in skus],
        ]
        try:
            await tx.run(UPDATE_SKUS, tx.brand, *values)
        except UniqueViolationError as error:
            taken = OptionsTaken if error.constraint_name == "sku_options" else SkuCodeTaken
            raise taken(skus[0][1].code) from None
    if barcodes_of:
        await tx.run(DELETE_BARCODES, tx.brand, [sku.sku_id for sku in barcodes_of])
        await insert_barcodes(tx, barcodes_of)
