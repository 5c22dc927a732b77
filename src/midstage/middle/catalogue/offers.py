"""What checkout asks of a sku, and whether it is still on sale."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue import barcodes, listing_rules, store
from midstage.middle.catalogue.listing_types import Goods, Reason, Rule, Selling, Standing
from midstage.middle.catalogue.policy import GOODS, GoodsPolicy
from midstage.middle.catalogue.refusals import (
    NoSuchBarcode,
    NoSuchSku,
    NotForSale,
)
from midstage.middle.catalogue.types import (
    Offer,
    Scanned,
    SkuId,
)
from midstage.middle.organisation import api as organisation

MAX_BARCODE = 64
K = TypeVar("K")
_NO_POLICY = Standing(GoodsPolicy(), None)


async def offers(tx: Tx, sku_ids: Sequence[SkuId], *, at: Selling | None = None) -> dict[SkuId, Offer]:
    """The offers of these skus in one statement; what the brand does not have is left out, what is not live says so.

    With `at` each says whether it is sold there, and if not why (`refused`); the goods policy is asked for only where
    a product is restricted, and kept for some seconds.
    """
    return await judged(tx, await store.read_offers(tx, sku_ids, at), at)


async def judged(tx: Tx, found: Mapping[K, tuple[Offer, Goods | None]], at: Selling | None) -> dict[K, Offer]:
    """Offers with why they are not sold there, those that are not."""
    if at is None or all(goods is None or not goods.restricted for _, goods in found.values()):
        return {key: offer for key, (offer, _) in found.items()}
    standing = await organisation.standing_of(tx, GOODS, at.store)
    return {
        key: offer
        if goods is None
        else msgspec.structs.replace(offer, refused=listing_rules.against(listing_rules.judge(goods, at, standing)))
        for key, (offer, goods) in found.items()
    }


async def why(tx: Tx, sku_id: SkuId, at: Selling) -> list[Reason]:
    """Why a sku is sold in a store by a channel, or is not: every rule that spoke, and the one that decided.

    Price, stock and the state of the store are not the catalogue's: `orders.why_here` adds them.
    """
    found = (await store.read_offers(tx, [sku_id], at)).get(sku_id)
    if found is None:
        return [
            Reason(Rule.UNKNOWN, allows=False, zh="没有这个规格", en="There is no such sku", decided=True),
        ]
    offer, goods = found
    standing = await organisation.standing_of(tx, GOODS, at.store) if goods and goods.restricted else _NO_POLICY
    return listing_rules.judge(goods or Goods(offer.live), at, standing)


async def confirm(tx: Tx, sku_ids: Sequence[SkuId]) -> None:
    """Raises NotForSale for the first of these skus that shoppers cannot buy at this moment; one statement."""
    wrong = await store.first_not_live(tx, sku_ids)
    if wrong is not None:
        raise NotForSale(str(wrong))


async def require_skus(tx: Tx, sku_ids: Sequence[SkuId]) -> None:
    """Raises NoSuchSku for the first of these that the brand does not have, in whatever state; one statement."""
    unknown = await store.first_unknown(tx, sku_ids)
    if unknown is not None:
        raise NoSuchSku(str(unknown))


async def sku_ids(tx: Tx, codes: Sequence[str]) -> dict[str, SkuId]:
    """The skus with these codes; unknown codes are left out."""
    return await store.read_sku_codes(tx, codes)


async def by_barcode(tx: Tx, scanned: str) -> Scanned:
    """The sku that a scanned code stands for, in any state. A UPC-A and its EAN-13 are the same. Raises NoSuchBarcode."""
    found = await store.scan(tx, barcodes.places(scanned)) if len(scanned) <= MAX_BARCODE else None
    if found is None:
        raise NoSuchBarcode(scanned[:MAX_BARCODE])
    return found
