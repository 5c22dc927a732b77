"""Categories and their attributes."""

from collections.abc import Mapping, Sequence

from asyncpg import UniqueViolationError

from midstage.kit.database import Record, Tx
from midstage.middle.catalogue import lexemes
from midstage.middle.catalogue.refusals import (
    CategoryCodeTaken,
)
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    AttributeKind,
    Category,
    CategoryId,
    Name,
)

_SEPARATOR = "\x1f"  # no text of ours has it: control characters are refused

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
