"""Creating, changing, publishing and retiring products and their skus."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import barcodes, bundles, lexemes, owned, rules, store
from midstage.middle.catalogue.facts import (
    ProductChanged,
    ProductPublished,
    ProductRetired,
    ProductsLoaded,
)
from midstage.middle.catalogue.listing_types import Selling
from midstage.middle.catalogue.offers import offers
from midstage.middle.catalogue.refusals import (
    BarcodeTaken,
    NoSuchCategory,
    NoSuchProduct,
    NoSuchTaxClass,
    ProductChangedMeanwhile,
    ProductCodeTaken,
    SkuCodeTaken,
    StateWrong,
)
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    Category,
    CategoryId,
    Loaded,
    Product,
    ProductChange,
    ProductDraft,
    ProductId,
    Sku,
    SkuChange,
    SkuDraft,
    SkuId,
    State,
)

# A statement of this many products stays well under a second; a fact of this many ids under 20 KB.
_CHUNK = 2_000
_FACT = 500
_NO_ID = UUID(int=0)
T = TypeVar("T")


class Surroundings(msgspec.Struct, frozen=True):
    """What a product is checked against: held still until the transaction ends."""

    categories: dict[CategoryId, Category]
    definitions: dict[CategoryId, dict[str, AttributeDefinition]]

    def path(self, category_id: CategoryId) -> list[Category]:
        return [self.categories[above] for above in self.categories[category_id].path]

    def attributes(self, category_id: CategoryId) -> dict[str, AttributeDefinition]:
        """Those of the category and of all above it; the nearer definition of a code holds."""
        found: dict[str, AttributeDefinition] = {}
        for category in self.categories[category_id].path:
            found.update(self.definitions.get(category, {}))
        return found


async def create_product(tx: Tx, draft: ProductDraft) -> Product:
    """Create a product with its skus, as a draft or live. Raises …Taken and the refusals of what is wrong in it."""
    loaded = await load_products(tx, [draft])
    return await product(tx, loaded.products[draft.code])


async def load_products(tx: Tx, drafts: Sequence[ProductDraft]) -> Loaded:
    """Create many products with the same checks as one; all or none. Returns the ids by code."""
    around = await surroundings(tx, {draft.category_id for draft in drafts})
    await _hold_tax_classes(tx, {draft.tax_class for draft in drafts})
    await owned.check_allowed(tx, {draft.owner for draft in drafts if draft.owner is not None})
    products = [_begun(tx, draft, around) for draft in drafts]
    _check_distinct(products)
    mark = lexemes.brand_mark(tx.brand)
    for part in _parts(products, _CHUNK):
        vectors = [lexemes.vector(rules.document(mark, p, around.path(p.category_id))) for p in part]
        await store.insert_products(tx, part, vectors)
    await _settle_bundles(tx, products)
    tell_loaded(tx, products)
    return Loaded(
        products={p.code: p.product_id for p in products},
        skus={sku.code: sku.sku_id for p in products for sku in p.skus},
    )


def _begun(tx: Tx, draft: ProductDraft, around: Surroundings) -> Product:
    if draft.state is State.RETIRED:
        raise StateWrong(draft.code, draft.state.value)
    if draft.category_id not in around.categories:
        raise NoSuchCategory(str(draft.category_id))
    begun = Product(
        product_id=ProductId(new_id()),
        code=draft.code,
        name=draft.name,
        category_id=draft.category_id,
        category_path=around.categories[draft.category_id].path,
        tax_class=draft.tax_class,
        state=draft.state,
        version=1,
        changed_at=tx.now,
        published_at=tx.now if draft.state is State.LIVE else None,
        trademark=draft.trademark,
        description=draft.description,
        options=draft.options,
        attributes=draft.attributes,
        tags=draft.tags,
        media=draft.media,
        owner=draft.owner,
        skus=[new_sku(sku, draft.state) for sku in draft.skus],
    )
    rules.check_product(begun, around.attributes(draft.category_id))
    if draft.state is State.LIVE:
        rules.publish(msgspec.structs.replace(begun, state=State.DRAFT))
    return begun


def new_sku(draft: SkuDraft, state: State) -> Sku:
    step = rules.default_step(draft.unit) if draft.milli_step is None else draft.milli_step
    return Sku(
        SkuId(new_id()),
        draft.code,
        dict(sorted(draft.options.items())),
        draft.barcodes,
        draft.unit,
        step,
        state,
        draft.rank,
        draft.parts,
    )


async def _settle_bundles(tx: Tx, products: Sequence[Product]) -> None:
    made = [(p, sku) for p in products for sku in p.skus if sku.parts]
    if made:
        await bundles.settle(tx, [sku for _, sku in made])
        await bundles.check_ready(tx, sorted({p.product_id for p, _ in made}))


def _check_distinct(products: Sequence[Product]) -> None:
    """Within one load, as the statements' own check sees only what was there before and the code of each row."""
    codes: set[str] = set()
    skus: set[str] = set()
    printed: set[tuple[str, str]] = set()
    for each in products:
        if each.code in codes:
            raise ProductCodeTaken(each.code)
        codes.add(each.code)
        for sku in each.skus:
            if sku.code in skus:
                raise SkuCodeTaken(sku.code)
            skus.add(sku.code)
            for barcode in sku.barcodes:
                key = barcodes.place(barcode)
                if key in printed:
                    raise BarcodeTaken(barcode.code)
                printed.add(key)


def tell_loaded(tx: Tx, products: Sequence[Product]) -> None:
    for state in (State.DRAFT, State.LIVE):
        for part in _parts([p for p in products if p.state is state], _FACT):
            load_id = new_id()
            ids = [p.product_id for p in part]
            count = sum(len(p.skus) for p in part)
            tx.tell(ProductsLoaded(load_id=load_id, state=state.value, product_ids=list(ids), sku_count=count))
            whole = part[0] if len(part) == 1 else {"products": len(part), "skus": count, "first": part[0].code}
            subject = ids[0] if len(part) == 1 else load_id
            tx.note("catalogue.create_product", "product", subject, after=whole)


def _parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


async def product(tx: Tx, product_id: ProductId, *, visible_only: bool = False, at: Selling | None = None) -> Product:
    """A product with all of its skus; with `visible_only` as a shopper sees it, with `at` also only where it is sold.

    Raises NoSuchProduct.
    """
    found = (await store.read_products(tx, [product_id])).get(product_id)
    if found is None or (visible_only and found.state is not State.LIVE):
        raise NoSuchProduct(str(product_id))
    if not visible_only:
        return found
    live = [sku for sku in found.skus if sku.state is State.LIVE]
    if at is not None:
        sold = await offers(tx, [sku.sku_id for sku in live], at=at)
        live = [sku for sku in live if sold[sku.sku_id].live and sold[sku.sku_id].refused is None]
        if not live:
            raise NoSuchProduct(str(product_id))
    return msgspec.structs.replace(found, skus=live)


async def products_by_id(tx: Tx, product_ids: Sequence[ProductId]) -> dict[ProductId, Product]:
    """Several products with all of their skus, in one statement; unknown ids are left out."""
    return await store.read_products(tx, product_ids)


async def product_ids(tx: Tx, codes: Sequence[str]) -> dict[str, ProductId]:
    """The products with these codes; unknown codes are left out."""
    return await store.read_product_codes(tx, codes)


async def change_product(tx: Tx, product_id: ProductId, change: ProductChange, *, seen: int | None = None) -> Product:
    """Change what is given. Raises ProductChangedMeanwhile where `seen` is no longer its version."""
    before = await read_to_change(tx, product_id, seen)
    after = msgspec.structs.replace(before, **given(change))
    saved = await save(tx, before, after)
    if saved.options != before.options:
        await store.write_skus(tx, saved, saved.skus, barcodes_too=False)
    _tell_changed(tx, before, saved)
    return saved


async def publish_product(tx: Tx, product_id: ProductId, *, seen: int | None = None) -> Product:
    """Let shoppers see a product, and its draft skus with it. Raises NotPublishable without a sku to sell."""
    before = await read_to_change(tx, product_id, seen)
    state, drafts = rules.publish(before)
    ready = {sku.sku_id for sku in drafts}
    skus = [with_state(sku, State.LIVE) if sku.sku_id in ready else sku for sku in before.skus]
    after = msgspec.structs.replace(before, state=state, skus=skus, published_at=tx.now)
    saved = await save(tx, before, after)
    await store.write_skus(tx, saved, [sku for sku in skus if sku.sku_id in ready], barcodes_too=False)
    await check_ready(tx, saved)
    live = [sku.sku_id for sku in skus if sku.state is State.LIVE]
    tx.tell(ProductPublished(product_id=product_id, product_version=saved.version, sku_ids=list(live)))
    tx.note("catalogue.publish_product", "product", product_id, before=before.state, after=saved.state)
    return saved


async def retire_product(tx: Tx, product_id: ProductId, *, seen: int | None = None) -> Product:
    """Take a product off sale; orders that name it stay as they are, and it can be published again."""
    before = await read_to_change(tx, product_id, seen)
    saved = await save(tx, before, msgspec.structs.replace(before, state=rules.retire(before)))
    tx.tell(ProductRetired(product_id=product_id, product_version=saved.version))
    tx.note("catalogue.retire_product", "product", product_id, before=before.state, after=saved.state)
    return saved


async def check_ready(tx: Tx, product: Product) -> None:
    if any(sku.parts for sku in product.skus):
        await bundles.check_ready(tx, [product.product_id])


async def refresh_beneath(tx: Tx, category_id: CategoryId) -> int:
    """Bring path and search text of all products in or beneath a category up to date; returns how many."""
    after, count = ProductId(_NO_ID), 0
    while product_ids := await store.lock_beneath(tx, category_id, after=after, limit=_CHUNK):
        found = list((await store.read_products(tx, product_ids)).values())
        around = await surroundings(tx, {each.category_id for each in found})
        mark = lexemes.brand_mark(tx.brand)
        moved = [msgspec.structs.replace(p, category_path=around.categories[p.category_id].path) for p in found]
        vectors = [lexemes.vector(rules.document(mark, p, around.path(p.category_id))) for p in moved]
        await store.refresh_products(tx, moved, vectors)
        after, count = product_ids[-1], count + len(found)
    return count


async def _hold_tax_classes(tx: Tx, codes: set[str]) -> None:
    missing = codes - (await store.lock_tax_classes(tx, sorted(codes))).keys()
    if missing:
        raise NoSuchTaxClass(min(missing))


async def surroundings(tx: Tx, category_ids: set[CategoryId]) -> Surroundings:
    categories = await store.lock_paths(tx, sorted(category_ids))
    missing = category_ids - categories.keys()
    if missing:
        raise NoSuchCategory(str(min(missing)))
    return Surroundings(categories, await store.read_definitions(tx, list(categories)))


async def read_to_change(tx: Tx, product_id: ProductId, seen: int | None) -> Product:
    found = await product(tx, product_id)
    if seen is not None and found.version != seen:
        raise ProductChangedMeanwhile(found.code, seen)
    return found


async def save(tx: Tx, before: Product, after: Product) -> Product:
    """Check and write a product over the version it was read with; its skus are the caller's to write."""
    around = await surroundings(tx, {after.category_id})
    await _hold_tax_classes(tx, {after.tax_class})
    path = around.path(after.category_id)
    saved = msgspec.structs.replace(
        after, category_path=[c.category_id for c in path], version=before.version + 1, changed_at=tx.now
    )
    rules.check_product(saved, around.attributes(after.category_id))
    vector = lexemes.vector(rules.document(lexemes.brand_mark(tx.brand), saved, path))
    await store.write_product(tx, saved, vector, seen=before.version)
    return saved


def given(change: ProductChange | SkuChange) -> dict[str, Any]:
    return {
        field: value for field in change.__struct_fields__ if (value := getattr(change, field)) is not msgspec.UNSET
    }


def with_state(sku: Sku, state: State) -> Sku:
    return msgspec.structs.replace(sku, state=state)


def _tell_changed(tx: Tx, before: Product, after: Product) -> None:
    fields = [f for f in ProductChange.__struct_fields__ if getattr(before, f) != getattr(after, f)]
    tx.tell(ProductChanged(product_id=after.product_id, product_version=after.version, fields=fields))
    was, now = ({field: getattr(each, field) for field in fields} for each in (before, after))
    tx.note("catalogue.change_product", "product", after.product_id, before=was, after=now)
