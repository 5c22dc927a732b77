"""Bundles: a sku that consists of other skus in fixed quantities, is sold as one, and has no stock but theirs."""

from collections.abc import Mapping, Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue import store
from midstage.middle.catalogue.refusals import BundlePartNotLive, BundleWrong, NoSuchSku
from midstage.middle.catalogue.types import BundlePart, ProductId, Sku, SkuId

MILLI = 1000


async def settle(tx: Tx, skus: Sequence[Sku], *, rewrite: bool = False) -> None:
    """Write of what skus consist, that were written before. Raises NoSuchSku, BundleWrong.

    With `rewrite` also those that consist of nothing (any more). Bundles and parts are held in one order, so that no
    bundle becomes a part, nor a part a bundle, while somebody looks.
    """
    wanted = [sku for sku in skus if sku.parts or rewrite]
    if not wanted:
        return
    ids = {part.sku_id for sku in wanted for part in sku.parts} | {sku.sku_id for sku in wanted}
    held = await store.lock_skus(tx, sorted(ids))
    bundles = {sku.sku_id: sku.code for sku in wanted if sku.parts}
    for sku in wanted:
        _check(sku, held, bundles)
    used = await store.first_part(tx, sorted(bundles))
    if used is not None:
        raise BundleWrong(bundles[used], "它已是其他组合商品的组成规格", "it is itself a part of a bundle")
    await store.write_parts(tx, [(sku.sku_id, sku.parts) for sku in wanted])


def _check(sku: Sku, held: Mapping[SkuId, store.HeldSku], bundles: Mapping[SkuId, str]) -> None:
    for part in sku.parts:
        found = held.get(part.sku_id)
        if found is None:
            raise NoSuchSku(str(part.sku_id))
        if found.bundle or part.sku_id in bundles:
            raise BundleWrong(sku.code, f"组成规格 {found.code} 本身是组合商品", f"its part {found.code} is a bundle")
        if part.quantity_milli % found.milli_step:
            raise BundleWrong(
                sku.code,
                f"组成规格 {found.code} 的数量不是其销售步长的整数倍",
                f"the quantity of its part {found.code} is no multiple of the step in which that is sold",
            )


async def check_ready(tx: Tx, product_ids: Sequence[ProductId]) -> None:
    """Raises BundlePartNotLive where a live bundle of these products has a part that is not on sale."""
    found = await store.first_unready(tx, product_ids)
    if found is not None:
        raise BundlePartNotLive(*found)


async def bundle_parts(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, list[BundlePart]]:
    """Of what bundles consist, in one statement; a sku that is none is left out."""
    return await store.read_parts(tx, sku_ids)


def expand(parts: Sequence[BundlePart], quantity_milli: int) -> list[BundlePart]:
    """What so many bundles take of each part; a bundle is sold in whole pieces, so nothing is rounded."""
    return [
        msgspec.structs.replace(part, quantity_milli=part.quantity_milli * quantity_milli // MILLI) for part in parts
    ]


def available(parts: Sequence[BundlePart], free_milli: Mapping[SkuId, int]) -> int:
    """How many whole bundles can be made of what is free of their parts, in thousandths: the scarcest part decides."""
    return min((max(0, free_milli.get(part.sku_id, 0)) // part.quantity_milli for part in parts), default=0) * MILLI
