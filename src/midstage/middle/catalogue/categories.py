"""The category tree and what attributes products of a category have."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import products, rules, store
from midstage.middle.catalogue.facts import CategoriesLoaded, CategoryChanged, CategoryRemoved
from midstage.middle.catalogue.refusals import (
    AttributeInUse,
    AttributeWrong,
    CategoryCodeTaken,
    CategoryMisplaced,
    CategoryNotEmpty,
    NoSuchCategory,
)
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    Category,
    CategoryDraft,
    CategoryId,
    Name,
)


async def categories(tx: Tx) -> list[Category]:
    """The whole tree: parents before their children, each level by rank and code."""
    return list((await store.read_categories(tx)).values())


async def category_ids(tx: Tx, codes: Sequence[str]) -> dict[str, CategoryId]:
    """The categories with these codes; unknown codes are left out."""
    return {code: found.category_id for code, found in (await store.read_categories_by_code(tx, codes)).items()}


async def attributes(tx: Tx, category_id: CategoryId) -> list[AttributeDefinition]:
    """What attributes products of a category have: its own and those of all above it, by code."""
    path = (await _category(tx, category_id)).path
    found = await store.read_definitions(tx, path)
    merged = {code: definition for above in path for code, definition in found.get(above, {}).items()}
    return [merged[code] for code in sorted(merged)]


async def create_category(tx: Tx, draft: CategoryDraft) -> CategoryId:
    """Create one category. Raises CategoryCodeTaken, NoSuchCategory for its parent, CategoryMisplaced too deep."""
    return (await load_categories(tx, [draft]))[draft.code]


async def load_categories(tx: Tx, drafts: Sequence[CategoryDraft]) -> dict[str, CategoryId]:
    """Create many categories, parents before their children; all or none. Returns the ids by code."""
    parents = {draft.parent_code for draft in drafts if draft.parent_code is not None}
    there = await store.read_categories_by_code(tx, sorted(parents))
    held = await store.lock_paths(tx, sorted(parent.category_id for parent in there.values()))
    known = {code: held[parent.category_id] for code, parent in there.items()}
    created: dict[str, Category] = {}
    for draft in drafts:
        if draft.code in created:
            raise CategoryCodeTaken(draft.code)
        known[draft.code] = created[draft.code] = _begun(draft, known)
    await store.insert_categories(tx, list(created.values()))
    if created:
        load_id = new_id()
        ids = {code: each.category_id for code, each in created.items()}
        tx.tell(CategoriesLoaded(load_id=load_id, category_ids=list(ids.values())))
        tx.note("catalogue.create_categories", "category", load_id, after=ids)
    return {code: each.category_id for code, each in created.items()}


def _begun(draft: CategoryDraft, known: dict[str, Category]) -> Category:
    rules.check_code("code", draft.code)
    rules.check_name("name", draft.name)
    above: list[CategoryId] = []
    if draft.parent_code is not None:
        if draft.parent_code not in known:
            raise NoSuchCategory(draft.parent_code)
        above = known[draft.parent_code].path
    if len(above) >= rules.MAX_LEVELS:
        raise CategoryMisplaced(draft.code, rules.MAX_LEVELS)
    category_id = CategoryId(new_id())
    return Category(category_id, draft.code, draft.name, [*above, category_id], draft.rank)


async def change_category(
    tx: Tx, category_id: CategoryId, *, code: str | None = None, name: Name | None = None, rank: int | None = None
) -> Category:
    """Rename or re-rank a category; with a new name its products are found by that at once."""
    before = await _locked(tx, category_id)
    after = msgspec.structs.replace(
        before,
        code=before.code if code is None else code,
        name=name or before.name,
        rank=before.rank if rank is None else rank,
    )
    rules.check_code("code", after.code)
    rules.check_name("name", after.name)
    await store.write_category(tx, after)
    if after.name != before.name:
        await products.refresh_beneath(tx, category_id)
    _tell(tx, before, after)
    return after


async def move_category(tx: Tx, category_id: CategoryId, *, parent_id: CategoryId | None) -> Category:
    """Put a category and all beneath it under another one, or at the top. Raises CategoryMisplaced for a loop."""
    parent = None if parent_id is None else (await store.lock_paths(tx, [parent_id])).get(parent_id)
    if parent_id is not None and parent is None:
        raise NoSuchCategory(str(parent_id))
    subtree = await store.lock_subtree(tx, category_id)
    if category_id not in subtree:
        raise NoSuchCategory(str(category_id))
    before = subtree[category_id]
    paths = rules.move(before, parent, subtree.values())
    await store.write_paths(tx, paths)
    await products.refresh_beneath(tx, category_id)
    after = msgspec.structs.replace(before, path=paths[category_id])
    _tell(tx, before, after)
    return after


async def remove_category(tx: Tx, category_id: CategoryId) -> None:
    """Remove an empty category. Raises CategoryNotEmpty."""
    before = await _locked(tx, category_id)
    if not await store.delete_category(tx, category_id):
        raise CategoryNotEmpty(before.code)
    tx.tell(CategoryRemoved(category_id=category_id))
    tx.note("catalogue.remove_category", "category", category_id, before=before)


async def define_attributes(tx: Tx, category_id: CategoryId, definitions: Sequence[AttributeDefinition]) -> None:
    """Set a category's own attributes. Raises AttributeInUse where one that products have would go or turn.

    What is newly required is asked for when a product is changed next; those that lack it stay on sale until then.
    """
    category = await _locked(tx, category_id)
    rules.check_count("attributes", definitions, rules.MAX_ATTRIBUTES)
    new = {definition.code: definition for definition in definitions}
    if len(new) != len(definitions):
        raise AttributeWrong(min(code for code in new if sum(d.code == code for d in definitions) > 1))
    for definition in definitions:
        rules.check_definition(definition)
    old = (await store.read_definitions(tx, [category_id])).get(category_id, {})
    for code, definition in old.items():
        kept = new.get(code)
        narrowed = kept is None or kept.kind is not definition.kind or not set(definition.choices) <= set(kept.choices)
        if narrowed and await store.attribute_is_used(tx, category_id, code):
            raise AttributeInUse(code)
    await store.write_definitions(tx, category_id, definitions)
    tx.tell(CategoryChanged(category_id=category_id, path=list(category.path)))
    tx.note("catalogue.define_attributes", "category", category_id, before=list(old.values()), after=list(new.values()))


async def _category(tx: Tx, category_id: CategoryId) -> Category:
    found = (await store.read_categories(tx, [category_id])).get(category_id)
    if found is None:
        raise NoSuchCategory(str(category_id))
    return found


async def _locked(tx: Tx, category_id: CategoryId) -> Category:
    """A category held for changing, with all beneath it, so that no product is written there meanwhile."""
    found = (await store.lock_subtree(tx, category_id)).get(category_id)
    if found is None:
        raise NoSuchCategory(str(category_id))
    return found


def _tell(tx: Tx, before: Category, after: Category) -> None:
    tx.tell(CategoryChanged(category_id=after.category_id, path=list(after.path)))
    tx.note("catalogue.change_category", "category", after.category_id, before=before, after=after)
