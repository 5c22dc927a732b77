"""Adding, changing, publishing and retiring the skus of a product, and saying of what a bundle consists."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue import bundles, store
from midstage.middle.catalogue.facts import ProductChanged, SkuAdded, SkuPublished, SkuRetired
from midstage.middle.catalogue.products import check_ready, given, new_sku, read_to_change, save, with_state
from midstage.middle.catalogue.refusals import NoSuchSku, StateWrong
from midstage.middle.catalogue.types import BundlePart, Product, ProductId, Sku, SkuChange, SkuDraft, SkuId, State


async def add_sku(tx: Tx, product_id: ProductId, draft: SkuDraft, *, seen: int | None = None) -> Sku:
    """Add a sku to a product, as a draft; publish_sku or publish_product puts it on sale."""
    before = await read_to_change(tx, product_id, seen)
    sku = new_sku(draft, State.DRAFT)
    saved = await save(tx, before, msgspec.structs.replace(before, skus=[*before.skus, sku]))
    await store.insert_skus(tx, [(saved, sku)])
    await bundles.settle(tx, [sku])
    tx.tell(SkuAdded(product_id=product_id, sku_id=sku.sku_id, product_version=saved.version, state=sku.state.value))
    tx.note("catalogue.add_sku", "sku", sku.sku_id, after=sku)
    return sku


async def change_sku(tx: Tx, sku_id: SkuId, change: SkuChange, *, seen: int | None = None) -> Sku:
    """Change what is given of a sku; `seen` is the version of its product."""
    before, old = await _read_sku(tx, sku_id, seen)
    new = msgspec.structs.replace(old, **given(change))
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=new.barcodes != old.barcodes)
    fields = ["skus", *(field for field in given(change) if getattr(old, field) != getattr(new, field))]
    tx.tell(ProductChanged(product_id=saved.product_id, product_version=saved.version, fields=fields))
    tx.note("catalogue.change_sku", "sku", sku_id, before=old, after=new)
    return new


async def set_parts(tx: Tx, sku_id: SkuId, parts: Sequence[BundlePart], *, seen: int | None = None) -> Sku:
    """Say of what a sku consists: it is a bundle from now on. Orders that were placed keep what they were placed with.

    A sku that was on sale as a plain one stays so, and a bundle that was stays a bundle, as stock and orders rest on it.
    Raises BundleWrong, NoSuchSku, BundlePartNotLive, StateWrong.
    """
    before, old = await _read_sku(tx, sku_id, seen)
    if old.state is not State.DRAFT and bool(old.parts) != bool(parts):
        raise StateWrong(old.code, old.state.value)
    new = msgspec.structs.replace(old, parts=list(parts))
    saved = await _save_sku(tx, before, new)
    await bundles.settle(tx, [new], rewrite=True)
    await check_ready(tx, saved)
    tx.tell(ProductChanged(product_id=saved.product_id, product_version=saved.version, fields=["skus", "parts"]))
    tx.note("catalogue.set_parts", "sku", sku_id, before=old.parts, after=new.parts)
    return new


async def publish_sku(tx: Tx, sku_id: SkuId, *, seen: int | None = None) -> Sku:
    """Put a sku on sale, or back on sale; shoppers see it once its product is live."""
    before, old = await _read_sku(tx, sku_id, seen)
    if old.state is State.LIVE:
        raise StateWrong(old.code, old.state.value)
    new = with_state(old, State.LIVE)
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=False)
    await check_ready(tx, saved)
    tx.tell(SkuPublished(product_id=saved.product_id, sku_id=sku_id, product_version=saved.version))
    tx.note("catalogue.publish_sku", "sku", sku_id, before=old.state, after=new.state)
    return new


async def retire_sku(tx: Tx, sku_id: SkuId, *, seen: int | None = None) -> Sku:
    """Take one sku off sale; search no longer finds its product by the sku's code, a scan still finds the sku."""
    before, old = await _read_sku(tx, sku_id, seen)
    if old.state is State.RETIRED:
        raise StateWrong(old.code, old.state.value)
    new = with_state(old, State.RETIRED)
    saved = await _save_sku(tx, before, new)
    await store.write_skus(tx, saved, [new], barcodes_too=False)
    tx.tell(SkuRetired(product_id=saved.product_id, sku_id=sku_id, product_version=saved.version))
    tx.note("catalogue.retire_sku", "sku", sku_id, before=old.state, after=new.state)
    return new


async def _read_sku(tx: Tx, sku_id: SkuId, seen: int | None) -> tuple[Product, Sku]:
    product_id = await store.product_of_sku(tx, sku_id)
    if product_id is None:
        raise NoSuchSku(str(sku_id))
    found = await read_to_change(tx, product_id, seen)
    return found, next(sku for sku in found.skus if sku.sku_id == sku_id)


async def _save_sku(tx: Tx, before: Product, new: Sku) -> Product:
    skus = [new if sku.sku_id == new.sku_id else sku for sku in before.skus]
    return await save(tx, before, msgspec.structs.replace(before, skus=skus))
