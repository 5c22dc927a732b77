"""Listing, categories and tax classes by file: what many rows would do, and doing it."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.refusals import Refusal
from midstage.middle.catalogue import bulk_rules, categories, listing, rules, store, taxes
from midstage.middle.catalogue.change_types import (
    CategoryPatch,
    ChangeRow,
    FieldChange,
    ListingPatch,
    Outcome,
    PlannedListing,
    TaxPatch,
)
from midstage.middle.catalogue.listing_types import Listing, ListingId, ListingKind, ListingScope
from midstage.middle.catalogue.policy import GOODS
from midstage.middle.catalogue.refusals import (
    CategoryMisplaced,
    NoSuchCategory,
    OptOutNotAllowed,
)
from midstage.middle.catalogue.types import Category, CategoryDraft, CategoryId, Name, ProductId, TaxClass
from midstage.middle.organisation import api as organisation

_Key = tuple[ProductId, ListingKind, ListingScope]


async def plan_listings(tx: Tx, patches: Sequence[ListingPatch], *, hold: bool = False) -> list[PlannedListing]:
    """What each of these would do; nothing is written. With `hold` the products' listing stays until the end."""
    products = sorted({patch.draft.product_id for patch in patches})
    if hold:
        await store.lock_products(tx, products)
    stores = sorted({patch.draft.scope.store_id for patch in patches if patch.draft.scope.store_id is not None})
    rows = await store.read_listings_of(tx, products, stores)
    there = {(row.product_id, row.kind, row.scope): row for row in rows}
    refusing = await _stores_without_opt_out(tx, patches)
    return [_plan_listing(patch, there, refusing) for patch in patches]


def _plan_listing(
    patch: ListingPatch, there: dict[_Key, Listing], refusing: frozenset[organisation.StoreId]
) -> PlannedListing:
    old = there.get((patch.draft.product_id, patch.draft.kind, patch.draft.scope))
    if patch.present:
        return _plan_row(patch, old, refusing)
    if old is None:
        return PlannedListing(ChangeRow(patch.line, Outcome.SAME))
    gone = [FieldChange("kind", old.kind.value, None)]
    return PlannedListing(ChangeRow(patch.line, Outcome.CHANGED, fields=gone), removed=old.listing_id)


def _plan_row(patch: ListingPatch, old: Listing | None, refusing: frozenset[organisation.StoreId]) -> PlannedListing:
    draft = patch.draft
    try:
        listing.check(draft)
        if draft.kind is ListingKind.OPTED_OUT and draft.scope.store_id in refusing:
            raise OptOutNotAllowed(str(draft.scope.store_id))
    except Refusal as refusal:
        return PlannedListing(ChangeRow(patch.line, Outcome.FAULT, faults=[bulk_rules.fault_of(refusal)]))
    if old is not None and old.reason == draft.reason:
        return PlannedListing(ChangeRow(patch.line, Outcome.SAME))
    before = {"kind": old.kind.value, "reason": old.reason} if old else {}
    fields = bulk_rules.differences(before, {"kind": draft.kind.value, "reason": draft.reason})
    outcome = Outcome.NEW if old is None else Outcome.CHANGED
    return PlannedListing(ChangeRow(patch.line, outcome, fields=fields), draft)


async def _stores_without_opt_out(tx: Tx, patches: Sequence[ListingPatch]) -> frozenset[organisation.StoreId]:
    ids = {
        patch.draft.scope.store_id
        for patch in patches
        if patch.draft.kind is ListingKind.OPTED_OUT and patch.draft.scope.store_id is not None
    }
    if not ids:
        return frozenset()
    stores = await organisation.stores(tx, sorted(ids))
    standings = await organisation.standings_of(tx, GOODS, stores.values())
    return frozenset(store_id for store_id, one in standings.items() if not one.settings.opt_out)


async def write_listings(tx: Tx, planned: Sequence[PlannedListing]) -> None:
    """Do what was planned. Raises as list_goods."""
    removed: list[ListingId] = [one.removed for one in planned if one.removed is not None]
    if removed:
        await listing.unlist_goods(tx, removed)
    drafts = [one.draft for one in planned if one.draft is not None]
    if drafts:
        await listing.list_goods(tx, drafts)


async def plan_categories(tx: Tx, patches: Sequence[CategoryPatch]) -> list[ChangeRow]:
    """What each of these would do, the rows before it being done; nothing is written."""
    tree = {one.code: one for one in await categories.categories(tx)}
    code_of = {one.category_id: code for code, one in tree.items()}
    paths = {code: [code_of[above] for above in one.path] for code, one in tree.items()}
    rows: list[ChangeRow] = []
    for patch in patches:
        try:
            rows.append(_plan_category(patch, tree, paths))
        except Refusal as refusal:
            rows.append(ChangeRow(patch.line, Outcome.FAULT, faults=[bulk_rules.fault_of(refusal)]))
    return rows


def _plan_category(patch: CategoryPatch, tree: dict[str, Category], paths: dict[str, list[str]]) -> ChangeRow:
    """Compare with the tree as the rows before have left it, and leave it so for those that follow."""
    old = tree.get(patch.code)
    was = paths.get(patch.code, [patch.code])
    parent = bulk_rules.given_or(patch.parent, was[-2] if len(was) > 1 else "")
    if parent and parent not in paths:
        raise NoSuchCategory(parent)
    above = paths[parent] if parent else []
    depth = max((len(path) - path.index(patch.code) for path in paths.values() if patch.code in path), default=1)
    if patch.code in above or len(above) + depth > rules.MAX_LEVELS:
        raise CategoryMisplaced(patch.code, rules.MAX_LEVELS)
    name = Name(
        bulk_rules.given_or(patch.zh, old.name.zh if old else ""),
        bulk_rules.given_or(patch.en, old.name.en if old else ""),
    )
    rank = bulk_rules.given_or(patch.rank, old.rank if old else 0)
    rules.check_code("code", patch.code)
    rules.check_name("name", name)
    before = _category_fields(old, was) if old else {}
    made = Category(old.category_id if old else CategoryId(new_id()), patch.code, name, [], rank)
    fields = bulk_rules.differences(before, _category_fields(made, [*above, patch.code]))
    tree[patch.code] = made
    for path in [path for path in paths.values() if patch.code in path] if old else []:
        path[: path.index(patch.code) + 1] = [*above, patch.code]
    paths.setdefault(patch.code, [*above, patch.code])
    outcome = Outcome.NEW if old is None else Outcome.CHANGED if fields else Outcome.SAME
    return ChangeRow(patch.line, outcome, fields=fields)


def _category_fields(category: Category, path: Sequence[str]) -> dict[str, str]:
    return {
        "name": category.name.zh,
        "name_en": category.name.en,
        "parent": path[-2] if len(path) > 1 else "",
        "rank": str(category.rank),
    }


async def write_categories(tx: Tx, patches: Sequence[CategoryPatch]) -> None:
    """Do what was planned, row by row: a move changes what the next row is compared to."""
    for patch in patches:
        await _write_category(tx, patch)


async def _write_category(tx: Tx, patch: CategoryPatch) -> None:
    old = (await store.read_categories_by_code(tx, [patch.code])).get(patch.code)
    if old is None:
        draft = CategoryDraft(
            patch.code,
            Name(bulk_rules.given_or(patch.zh, ""), bulk_rules.given_or(patch.en, "")),
            None,
            bulk_rules.given_or(patch.rank, 0),
        )
        parent = bulk_rules.given_or(patch.parent, "")
        await categories.create_category(tx, msgspec.structs.replace(draft, parent_code=parent or None))
        return
    name = Name(bulk_rules.given_or(patch.zh, old.name.zh), bulk_rules.given_or(patch.en, old.name.en))
    if (name, bulk_rules.given_or(patch.rank, old.rank)) != (old.name, old.rank):
        await categories.change_category(tx, old.category_id, name=name, rank=bulk_rules.given_or(patch.rank, old.rank))
    if isinstance(patch.parent, str):
        parents = await store.read_categories_by_code(tx, [patch.parent]) if patch.parent else {}
        parent_id = parents[patch.parent].category_id if patch.parent else None
        if parent_id != old.parent_id:
            await categories.move_category(tx, old.category_id, parent_id=parent_id)


async def plan_tax_classes(tx: Tx, patches: Sequence[TaxPatch]) -> list[ChangeRow]:
    """What each of these would do; nothing is written."""
    there = await store.lock_tax_classes(tx, [patch.code for patch in patches])
    rows: list[ChangeRow] = []
    for patch in patches:
        old = there.get(patch.code)
        try:
            new = _tax_class(patch, old)
        except Refusal as refusal:
            rows.append(ChangeRow(patch.line, Outcome.FAULT, faults=[bulk_rules.fault_of(refusal)]))
            continue
        fields = bulk_rules.differences(_tax_fields(old) if old else {}, _tax_fields(new))
        outcome = Outcome.NEW if old is None else Outcome.CHANGED if fields else Outcome.SAME
        rows.append(ChangeRow(patch.line, outcome, fields=fields))
    return rows


async def write_tax_classes(tx: Tx, patches: Sequence[TaxPatch]) -> None:
    """Do what was planned: the products of a class carry its rate at once, orders keep theirs."""
    there = await store.lock_tax_classes(tx, [patch.code for patch in patches])
    for patch in patches:
        await taxes.set_tax_class(tx, _tax_class(patch, there.get(patch.code)))


def _tax_class(patch: TaxPatch, old: TaxClass | None) -> TaxClass:
    """Raises the refusal of what is wrong."""
    base = old or TaxClass(patch.code, Name(), -1, inclusive=True)
    new = TaxClass(
        patch.code,
        Name(bulk_rules.given_or(patch.zh, base.name.zh), bulk_rules.given_or(patch.en, base.name.en)),
        bulk_rules.given_or(patch.rate_millionths, base.rate_millionths),
        bulk_rules.given_or(patch.inclusive, base.inclusive),
    )
    rules.check_tax_class(new)
    return new


def _tax_fields(tax: TaxClass) -> dict[str, str]:
    return {
        "name": tax.name.zh,
        "name_en": tax.name.en,
        "rate": bulk_rules.decimal(tax.rate_millionths, 4),
        "inclusive": "true" if tax.inclusive else "false",
    }
