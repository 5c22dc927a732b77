"""What a till reads off barcodes, many at once."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.catalogue.listing_types import Goods, Selling
from midstage.middle.catalogue.store.offers import OFFER_COLUMNS, OFFER_WIDTH, to_offer, where
from midstage.middle.catalogue.types import Offer

# The arrays come from sub-selects so that one plan serves all; see OFFERS.
SCANNED_OFFERS = f"""
select {OFFER_COLUMNS}, b.space, b.key, b.milli
  from unnest((select $6::text[]), (select $7::text[])) as asked (space, key)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
  join sku s on s.brand_id = b.brand_id and s.sku_id = b.sku_id
  join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
"""  # noqa: S608  # fragments of the catalogue's store only


async def scanned_offers(
    tx: Tx, places: Sequence[tuple[str, str]], at: Selling | None
) -> dict[tuple[str, str], tuple[Offer, Goods | None, int]]:
    """By the space and key of a barcode: what it stands for, what listing looks at of it, and how much of it."""
    spaces, keys = [space for space, _ in places], [key for _, key in places]
    rows = await tx.rows(SCANNED_OFFERS, tx.brand, *where(at), spaces, keys)
    return {(row["space"], row["key"]): (*to_offer(row[:OFFER_WIDTH]), row["milli"]) for row in rows}
