"""Creating, changing, publishing and retiring products and their skus."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import barcodes, lexemes, rules, store
from midstage.middle.catalogue.facts import (
    ProductChanged,
    ProductPublished,
    ProductRetired,
    ProductsLoaded,
    SkuAdded,
    SkuPublished,
    SkuRetired,
)
from midstage.middle.catalogue.refusals import (
    BarcodeTaken,
    NoSuchCategory,
    NoSuchProduct,
    NoSuchSku,
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


class _Surroundings(msgspec.Struct, frozen=True):
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
    around = await _surroundings(tx, {draft.category_id for draft in drafts})
    await _hold_tax_classes(tx, {draft.tax_class for draft in drafts})
    products = [_begun(tx, draft, around) for draft in drafts]
    _check_distinct(products)
    mark = lexemes.brand_mark(tx.brand)
    for part in _parts(products, _CHUNK):
        vectors = [lexemes.vector(rules.document(mark, p, around.path(p.category_id))) for p in part]
        await store.insert_products(tx, part, vectors)
    _tell_loaded(tx, products)
    return Loaded(
        products={p.code: p.product_id for p in products},
        skus={sku.code: sku.sku_id for p in products for sku in p.skus},
    )


def _begun(tx: Tx, draft: ProductDraft, around: _Surroundings) -> Product:
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
        skus=[_new_sku(sku, draft.state) for sku in draft.skus],
    )
    rules.check_product(begun, around.attributes(draft.category_id))
    if draft.state is State.LIVE:
        rules.publish(msgspec.structs.replace(begun, state=State.DRAFT))
    return begun


def _new_sku(draft: SkuDraft, state: State) -> Sku:
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
    )


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


def _tell_loaded(tx: Tx, products: Sequence[Product]) -> None:
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


async def product(tx: Tx, product_id: ProductId, *, visible_only: bool = False) -> Product:
    """A product with all of its skus; with `visible_only` as a shopper sees it. Raises NoSuchProduct."""
    found = (await store.read_products(tx, [product_id])).get(product_id)
    if found is None or (visible_only and found.state is not State.LIVE):
        raise NoSuchProduct(str(product_id))
    if visible_only:
        return msgspec.structs.replace(found, skus=[sku for sku in found.skus if sku.state is State.LIVE])
    return found


async def products_by_id(tx: Tx, product_ids: Sequence[ProductId]) -> dict[ProductId, Product]:
    """Several products with all of their skus, in one statement; unknown ids are left out."""
    return await store.read_products(tx, product_ids)


async def product_ids(tx: Tx, codes: Sequence[str]) -> dict[str, ProductId]:
    """The products with these codes; unknown codes are left out."""
    return await store.read_product_codes(tx, codes)


async def change_product(tx: Tx, product_id: ProductId, change: ProductChange, *, seen: int | None = None) -> Product:
    """Change what is given. Raises ProductChangedMeanwhile where `seen` is no longer its version."""
    before = await _read(tx, product_id, seen)
    after = msgspec.structs.replace(before, **_given(change))
    saved = await _save(tx, before, after)
    if saved.options != before.options:
        await store.write_skus(tx, saved, saved.skus, barcodes_too=False)
    _tell_changed(tx, before, saved)
    return saved


async def publish_product(tx: Tx, product_id: ProductId, *, seen: int | None = None) -> Product:
    """Let shoppers see a product, and its draft skus with it. Raises NotPublishable without a sku to sell."""
    before = await _read(tx, product_id, seen)
    state, drafts = rules.publish(before)
    ready = {sku.sku_id for sku in drafts}
    skus = [_with_state(sku, State.LIVE) if sku.sku_id in ready else sku for sku in before.skus]
    after = msgspec.structs.replace(before, state=state, skus=skus, published_at=tx.now)
    saved = await _save(tx, before, after)
    await store.write_skus(tx, saved, [sku for sku in skus if sku.sku_id in ready], barcodes_too=False)
    live = [sku.sku_id for sku in skus if sku.state is State.LIVE]
    tx.tell(ProductPublished(product_id=product_id, product_version=saved.version, sku_ids=list(live)))
    tx.note("catalogue.publish_product", "product", product_id, before=before.state, after=saved.state)
    return saved


async def retire_product(tx: Tx, product_id: ProductId, *, seen: int | None = None) -> Product:
    """Take a product off sale; orders that name it stay as they are, and it can be published again."""
    before = await _read(tx, product_id, seen)
    saved = await _save(tx, before, msgspec.structs.replace(before, state=rules.retire(before)))
    tx.tell(ProductRetired(product_id=product_id, product_version=saved.version))
    tx.note("catalogue.retire_product", "product", product_id, before=before.state, after=saved.state)
    return saved


async def add_sku(tx: Tx, product_id: ProductId, draft: SkuDraft, *, seen: int | None = None) -> Sku:
    """Add a sku to a product, as a draft; publish_sku or publish_product puts it on sale."""
    before = await _read(tx, product_id, seen)
    sku = _new_sku(draft, State.DRAFT)
    saved = await _save(tx, before, msgspec.structs.replace(before, skus=[*before.skus, sku]))
    await store.insert_skus(tx, [(saved, sku)])
    tx.tell(SkuAdded(product_id=product_id, sku_id=sku.sku_id, product_version=saved.version, state=sku.state.value))
    tx.note("catalogue.add_sku", "sku", sku.sku_id, after=sku)
    return sku


async def change_sku(tx: Tx, sku_id: SkuId, change: SkuChange, *, seen: int | None = None) -> Sku:
    """Change what is given of a sku; `seen` is the version of its product."""
    before, old = await _read_sku(tx, sku_id, seen)
    new = msgspec.structs.replace(old, **_given(change))
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=new.barcodes != old.barcodes)
    fields = ["skus", *(field for field in _given(change) if getattr(old, field) != getattr(new, field))]
    tx.tell(ProductChanged(product_id=saved.product_id, product_version=saved.version, fields=fields))
    tx.note("catalogue.change_sku", "sku", sku_id, before=old, after=new)
    return new


async def publish_sku(tx: Tx, sku_id: SkuId, *, seen: int | None = None) -> Sku:
    """Put a sku on sale, or back on sale; shoppers see it once its product is live."""
    before, old = await _read_sku(tx, sku_id, seen)
    if old.state is State.LIVE:
        raise StateWrong(old.code, old.state.value)
    new = _with_state(old, State.LIVE)
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=False)
    tx.tell(SkuPublished(product_id=saved.product_id, sku_id=sku_id, product_version=saved.version))
    tx.note("catalogue.publish_sku", "sku", sku_id, before=old.state, after=new.state)
    return new


async def retire_sku(tx: Tx, sku_id: SkuId, *, seen: int | None = None) -> Sku:
    """Take one sku off sale; search no longer finds its product by the sku's code, a scan still finds the sku."""
    before, old = await _read_sku(tx, sku_id, seen)
    if old.state is State.RETIRED:
        raise StateWrong(old.code, old.state.value)
    new = _with_state(old, State.RETIRED)
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=False)
    tx.tell(SkuRetired(product_id=saved.product_id, sku_id=sku_id, product_version=saved.version))
    tx.note("catalogue.retire_sku", "sku", sku_id, before=old.state, after=new.state)
    return new


async def refresh_beneath(tx: Tx, category_id: CategoryId) -> int:
    """Bring path and search text of all products in or beneath a category up to date; returns how many."""
    after, count = ProductId(_NO_ID), 0
    while product_ids := await store.lock_beneath(tx, category_id, after=after, limit=_CHUNK):
        found = list((await store.read_products(tx, product_ids)).values())
        around = await _surroundings(tx, {each.category_id for each in found})
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


async def _surroundings(tx: Tx, category_ids: set[CategoryId]) -> _Surroundings:
    categories = await store.lock_paths(tx, sorted(category_ids))
    missing = category_ids - categories.keys()
    if missing:
        raise NoSuchCategory(str(min(missing)))
    return _Surroundings(categories, await store.read_definitions(tx, list(categories)))


async def _read(tx: Tx, product_id: ProductId, seen: int | None) -> Product:
    found = await product(tx, product_id)
    if seen is not None and found.version != seen:
        raise ProductChangedMeanwhile(found.code, seen)
    return found


async def _read_sku(tx: Tx, sku_id: SkuId, seen: int | None) -> tuple[Product, Sku]:
    product_id = await store.product_of_sku(tx, sku_id)
    if product_id is None:
        raise NoSuchSku(str(sku_id))
    found = await _read(tx, product_id, seen)
    return found, next(sku for sku in found.skus if sku.sku_id == sku_id)


async def _save_sku(tx: Tx, before: Product, new: Sku) -> Product:
    skus = [new if sku.sku_id == new.sku_id else sku for sku in before.skus]
    return await _save(tx, before, msgspec.structs.replace(before, skus=skus))


async def _save(tx: Tx, before: Product, after: Product) -> Product:
    """Check and write a product over the version it was read with; its skus are the caller's to write."""
    around = await _surroundings(tx, {after.category_id})
    await _hold_tax_classes(tx, {after.tax_class})
    path = around.path(after.category_id)
    saved = msgspec.structs.replace(
        after, category_path=[c.category_id for c in path], version=before.version + 1, changed_at=tx.now
    )
    rules.check_product(saved, around.attributes(after.category_id))
    vector = lexemes.vector(rules.document(lexemes.brand_mark(tx.brand), saved, path))
    await store.write_product(tx, saved, vector, seen=before.version)
    return saved


def _given(change: ProductChange | SkuChange) -> dict[str, Any]:
    return {
        field: value for field in change.__struct_fields__ if (value := getattr(change, field)) is not msgspec.UNSET
    }


def _with_state(sku: Sku, state: State) -> Sku:
    return msgspec.structs.replace(sku, state=state)


def _tell_changed(tx: Tx, before: Product, after: Product) -> None:
    fields = [f for f in ProductChange.__struct_fields__ if getattr(before, f) != getattr(after, f)]
    tx.tell(ProductChanged(product_id=after.product_id, product_version=after.version, fields=fields))
    was, now = ({field: getattr(each, field) for field in fields} for each in (before, after))
    tx.note("catalogue.change_product", "product", after.product_id, before=was, after=now)
