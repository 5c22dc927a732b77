"""What checkout asks of a sku, and whether it is still on sale."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.catalogue import barcodes, store
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

MAX_BARCODE = 64


async def offers(tx: Tx, sku_ids: Sequence[SkuId]) -> dict[SkuId, Offer]:
    """The offers of these skus in one statement; what the brand does not have is left out, what is not live says so."""
    return await store.read_offers(tx, sku_ids)


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
