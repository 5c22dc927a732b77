"""What a till reads off barcodes, many at once."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.catalogue.store.offers import to_offer
from midstage.middle.catalogue.types import Offer

# The arrays come from sub-selects so that one plan serves all; see OFFERS.
SCANNED_OFFERS = """
select s.sku_id, s.product_id, s.code, p.name_zh, p.name_en, s.options_text_zh, s.options_text_en, s.unit, s.milli_step,
       p.tax_class, p.tax_rate_millionths, p.tax_inclusive, p.category_path, p.trademark,
       s.state = 'live' and p.state = 'live' as live, b.space, b.key, b.milli
  from unnest((select $2::text[]), (select $3::text[])) as asked (space, key)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
  join sku s on s.brand_id = b.brand_id and s.sku_id = b.sku_id
  join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
"""


async def scanned_offers(tx: Tx, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[Offer, int]]:
    """By the space and key of a barcode: what it stands for, and how much of it."""
    rows = await tx.rows(SCANNED_OFFERS, tx.brand, [space for space, _ in places], [key for _, key in places])
    return {(row["space"], row["key"]): (to_offer(row[:15]), row["milli"]) for row in rows}
