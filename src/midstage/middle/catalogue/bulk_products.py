"""Products by file: what many rows would do, and doing it, a few statements for hundreds of products."""

from collections.abc import Mapping, Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.refusals import Refusal
from midstage.middle.catalogue import barcodes, bulk_rules, bundles, lexemes, rules, store
from midstage.middle.catalogue.change_types import PlannedProduct, ProductPatch, SkuPatch
from midstage.middle.catalogue.facts import ProductsChanged
from midstage.middle.catalogue.products import Surroundings, surroundings, tell_loaded
from midstage.middle.catalogue.refusals import (
    BarcodeTaken,
    NoSuchTaxClass,
    ProductChangedMeanwhile,
    SkuCodeTaken,
)
from midstage.middle.catalogue.types import Category, CategoryId, Product, ProductId, Sku, SkuId

FACT = 500
_SHOWN = 20


class _Known(msgspec.Struct, frozen=True):
    """What a batch is compared to: the products, who has which sku code and barcode, categories, tax classes."""

    products: Mapping[str, Product]
    skus: Mapping[str, SkuId]
    printed: Mapping[tuple[str, str], SkuId]
    around: Surroundings
    tax_classes: frozenset[str]
    codes: Mapping[CategoryId, str]


async def plan_products(tx: Tx, patches: Sequence[ProductPatch], *, hold: bool = False) -> list[PlannedProduct]:
    """What each of these would do, with what is wrong; nothing is written. Six statements, however many.

    With `hold` the products stay as they are until the end of the transaction.
    """
    known = await _read(tx, patches, hold=hold)
    return [_plan(tx, patch, known) for patch in patches]


def _plan(tx: Tx, patch: ProductPatch, known: _Known) -> PlannedProduct:
    before = known.products.get(patch.code)
    if before is None and not patch.skus:  # a new product without a word of its sku has one, of its own code
        patch = msgspec.structs.replace(patch, skus=[SkuPatch(line=patch.lines[0], code=patch.code)])
    try:
        after = _checked(tx, before, patch, known)
    except Refusal as refusal:
        return PlannedProduct(before, None, bulk_rules.faulty_rows(patch, refusal))
    return PlannedProduct(before, after, bulk_rules.rows_of(before, after, patch, known.codes))


def _checked(tx: Tx, before: Product | None, patch: ProductPatch, known: _Known) -> Product:
    category_id = patch.category_id if not isinstance(patch.category_id, msgspec.UnsetType) else None
    if category_id is None and before is not None:
        category_id = before.category_id
    definitions = known.around.attributes(category_id) if category_id is not None else {}
    after = bulk_rules.patched(before, patch, definitions, tx.now)
    path = [category.category_id for category in known.around.path(after.category_id)]
    after = msgspec.structs.replace(after, category_path=path, changed_at=tx.now)
    if after.tax_class not in known.tax_classes:
        raise NoSuchTaxClass(after.tax_class)
    rules.check_product(after, known.around.attributes(after.category_id))
    ours = {sku.sku_id for sku in before.skus} if before else set[SkuId]()
    for sku in after.skus:
        if sku.code in known.skus and known.skus[sku.code] not in ours:
            raise SkuCodeTaken(sku.code)
        for barcode in sku.barcodes:
            if known.printed.get(barcodes.place(barcode), sku.sku_id) != sku.sku_id:
                raise BarcodeTaken(barcode.code)
    return after


async def _read(tx: Tx, patches: Sequence[ProductPatch], *, hold: bool) -> _Known:
    ids = await store.read_product_codes(tx, [patch.code for patch in patches])
    if hold:
        await store.lock_products(tx, sorted(ids.values()))
    found = await store.read_products(tx, sorted(ids.values()))
    wanted = {patch.category_id for patch in patches if not isinstance(patch.category_id, msgspec.UnsetType)}
    around = await surroundings(tx, wanted | {product.category_id for product in found.values()})
    classes = {patch.tax_class for patch in patches if not isinstance(patch.tax_class, msgspec.UnsetType)}
    held = await store.lock_tax_classes(tx, sorted(classes | {product.tax_class for product in found.values()}))
    given = [sku for patch in patches for sku in patch.skus]
    codes = [sku.code for sku in given] + [patch.code for patch in patches if not patch.skus]
    printed = [
        barcodes.place(barcode)
        for sku in given
        if not isinstance(sku.barcodes, msgspec.UnsetType)
        for barcode in sku.barcodes
        if barcodes.fits(barcode)
    ]
    return _Known(
        products={product.code: product for product in found.values()},
        skus=await store.read_sku_codes(tx, codes),
        printed=await store.owners_of_barcodes(tx, printed) if printed else {},
        around=around,
        tax_classes=frozenset(held),
        codes=_codes(around.categories),
    )


def _codes(categories: Mapping[CategoryId, Category]) -> dict[CategoryId, str]:
    return {category_id: category.code for category_id, category in categories.items()}


async def write_products(tx: Tx, planned: Sequence[PlannedProduct]) -> None:
    """Do what was planned for products that are held. Raises …Taken, ProductChangedMeanwhile, BundlePartNotLive."""
    new = [one.after for one in planned if one.before is None and one.after is not None]
    changed = [(one.before, one.after) for one in planned if one.before is not None and one.after is not None]
    around = await surroundings(tx, {product.category_id for product in [*new, *(after for _, after in changed)]})
    if new:
        made = [msgspec.structs.replace(product, version=1) for product in new]
        await store.insert_products(tx, made, _vectors(tx, made, around))
        tell_loaded(tx, made)
    if changed:
        await _update(tx, changed, around)


async def _update(tx: Tx, changed: Sequence[tuple[Product, Product]], around: Surroundings) -> None:
    if not await store.update_products(tx, changed, _vectors(tx, [after for _, after in changed], around)):
        raise ProductChangedMeanwhile(changed[0][0].code, changed[0][0].version)
    added: list[tuple[Product, Sku]] = []
    touched: list[tuple[Product, Sku]] = []
    printed: list[Sku] = []
    for before, after in changed:
        old = {sku.sku_id: sku for sku in before.skus}
        for sku in after.skus:
            was = old.get(sku.sku_id)
            if was is None:
                added.append((after, sku))
            elif was != sku or before.options != after.options:
                touched.append((after, sku))
                printed += [sku] if was.barcodes != sku.barcodes else []
    await store.update_skus(tx, touched, barcodes_of=printed)
    await store.insert_skus(tx, added)
    await bundles.check_ready(tx, _with_bundles(changed))
    _tell(tx, changed)


def _with_bundles(changed: Sequence[tuple[Product, Product]]) -> list[ProductId]:
    return sorted(after.product_id for _, after in changed if any(sku.parts for sku in after.skus))


def _vectors(tx: Tx, products: Sequence[Product], around: Surroundings) -> list[str]:
    mark = lexemes.brand_mark(tx.brand)
    return [lexemes.vector(rules.document(mark, one, around.path(one.category_id))) for one in products]


def _tell(tx: Tx, changed: Sequence[tuple[Product, Product]]) -> None:
    change_id = new_id()
    ids = [after.product_id for _, after in changed]
    for start in range(0, len(ids), FACT):
        tx.tell(ProductsChanged(change_id=change_id, product_ids=list(ids[start : start + FACT])))
    shown = {"count": len(ids), "codes": [after.code for _, after in changed[:_SHOWN]]}
    tx.note("catalogue.change_products", "product", change_id, after=shown)
