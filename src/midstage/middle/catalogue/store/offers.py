"""What checkout and scanners read."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue.listing_types import Goods, Listing, Owner, Selling
from midstage.middle.catalogue.types import (
    BundlePart,
    Offer,
    ProductId,
    Scanned,
    SkuId,
    Unit,
)
from midstage.middle.organisation import api as organisation

# The arrays come from subselects so that one plan serves all: a bare parameter is planned anew for each call, which
# costs three times what the look-up does. What only bundles and restricted products have is looked up for them alone.
_PARTS = """
select json_agg(json_build_array(b.part_sku_id, b.quantity_milli, part.code, part.state = 'live' and whole.state = 'live')
                order by b.place, b.part_sku_id)
  from bundle_part b
  join sku part on part.brand_id = b.brand_id and part.sku_id = b.part_sku_id
  join product whole on whole.brand_id = part.brand_id and whole.product_id = part.product_id
 where b.brand_id = $1 and b.sku_id = s.sku_id
"""
_LISTINGS = """
select json_agg(json_build_object(
         'listing_id', l.listing_id, 'product_id', l.product_id, 'kind', l.kind, 'reason', l.reason,
         'by_kind', l.by_kind, 'by_id', l.by_id, 'at', l.at, 'scope', json_build_object(
           'sales_channel', l.sales_channel, 'store_id', l.store_id, 'operator_id', l.operator_id, 'unit_id', l.unit_id))
         order by l.kind, l.listing_id)
  from listing l
 where l.brand_id = $1 and l.product_id = p.product_id
   and (l.store_id is null or l.store_id = (select $2::uuid))
   and (l.sales_channel is null or l.sales_channel = (select $3::text))
   and (l.operator_id is null or l.operator_id = (select $4::uuid))
   and (l.unit_id is null or l.unit_id = any((select $5::uuid[])::uuid[]))
"""
_LIMITED = """
exists (select 1 from listing l where l.brand_id = $1 and l.product_id = p.product_id and l.kind = 'listed')
"""
OFFER_COLUMNS = f"""
s.sku_id, s.product_id, s.code, p.name_zh, p.name_en, s.options_text_zh, s.options_text_en, s.unit, s.milli_step,
p.tax_class, p.tax_rate_millionths, p.tax_inclusive, p.category_path, p.trademark,
s.state = 'live' and p.state = 'live' as live,
case when s.bundle then ({_PARTS}) end as parts,
case when p.restricted and (select $2::uuid) is not null then json_build_object(
  'store_id', p.owner_store_id, 'operator_id', p.owner_operator_id, 'limited', {_LIMITED}, 'rows', ({_LISTINGS})) end as listing
"""
OFFERS = f"""
select {OFFER_COLUMNS}
  from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 where s.brand_id = $1 and s.sku_id = any((select $6::uuid[])::uuid[])
"""  # noqa: S608  # fragments of this file only
OFFER_WIDTH = 17


class _Restricted(msgspec.Struct, frozen=True):
    """What has a say in where a product is sold, as the statement gives it."""

    store_id: organisation.StoreId | None
    operator_id: organisation.OperatorId | None
    limited: bool
    rows: list[Listing] | None


_parts_of = msgspec.json.Decoder(list[tuple[SkuId, int, str, bool]])
_restricted_of = msgspec.json.Decoder(_Restricted)


async def read_offers(tx: Tx, sku_ids: Sequence[SkuId], at: Selling | None) -> dict[SkuId, tuple[Offer, Goods | None]]:
    """The offers, and what listing looks at of those for which anything but the state has a say."""
    return {SkuId(row[0]): to_offer(row) for row in await tx.rows(OFFERS, tx.brand, *where(at), sku_ids)}


def where(at: Selling | None) -> tuple[Any, ...]:
    """The place of a sale, as OFFER_COLUMNS asks for it."""
    if at is None:
        return (None, None, None, None)
    return (at.store.store_id, at.sales_channel, at.store.operator_id, at.store.unit_path)


def to_offer(row: Iterable[Any]) -> tuple[Offer, Goods | None]:
    """What OFFER_COLUMNS gives."""
    (
        sku_id, product_id, code, zh, en, text_zh, text_en, unit, step, tax, rate, inclusive, path, trademark, live,
        consists, listing,
    ) = row  # fmt: skip
    parts = _parts_of.decode(consists) if consists else ()
    offer = Offer(
        sku_id, product_id, code, zh or en, en or zh, text_zh, text_en, Unit(unit), step, tax, rate, inclusive,
        path, trademark, live and all(ready for _, _, _, ready in parts),
        [BundlePart(part, milli) for part, milli, _, _ in parts] if parts else (),
    )  # fmt: skip
    if not parts and listing is None:
        return offer, None
    unready = [part for _, _, part, ready in parts if not ready]
    if listing is None:
        return offer, Goods(live, unready)
    found = _restricted_of.decode(listing)
    owner = Owner(found.store_id, found.operator_id) if found.store_id or found.operator_id else None
    return offer, Goods(live, unready, owner, found.rows or [], found.limited)


NOT_LIVE = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (
   select 1 from sku s join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
    where s.brand_id = $1 and s.sku_id = wanted.sku_id and s.state = 'live' and p.state = 'live')
 order by wanted.sku_id limit 1
"""
UNKNOWN_SKU = """
select wanted.sku_id
  from unnest($2::uuid[]) as wanted (sku_id)
 where not exists (select 1 from sku s where s.brand_id = $1 and s.sku_id = wanted.sku_id)
 order by wanted.sku_id limit 1
"""
SKU_CODES = "select code, sku_id from sku where brand_id = $1 and code = any($2::text[])"
PRODUCT_OF_SKU = "select product_id from sku where brand_id = $1 and sku_id = $2"
BY_BARCODE = """
select b.sku_id, s.product_id, b.milli, s.state = 'live' and p.state = 'live' as live
  from unnest($2::text[], $3::text[]) with ordinality as asked (space, key, preference)
  join barcode b on b.brand_id = $1 and b.space = asked.space and b.key = asked.key
  join sku s on s.brand_id = b.brand_id and s.sku_id = b.sku_id
  join product p on p.brand_id = s.brand_id and p.product_id = s.product_id
 order by asked.preference limit 1
"""


async def first_not_live(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(NOT_LIVE, tx.brand, sku_ids))


async def first_unknown(tx: Tx, sku_ids: Sequence[SkuId]) -> SkuId | None:
    return cast("SkuId | None", await tx.value(UNKNOWN_SKU, tx.brand, sku_ids))


async def read_sku_codes(tx: Tx, codes: Sequence[str]) -> dict[str, SkuId]:
    return {code: SkuId(sku_id) for code, sku_id in await tx.rows(SKU_CODES, tx.brand, codes)}


async def product_of_sku(tx: Tx, sku_id: SkuId) -> ProductId | None:
    return cast("ProductId | None", await tx.value(PRODUCT_OF_SKU, tx.brand, sku_id))


async def scan(tx: Tx, places: Sequence[tuple[str, str]]) -> Scanned | None:
    row = await tx.row(BY_BARCODE, tx.brand, [space for space, _ in places], [key for _, key in places])
    return Scanned(row[0], row[1], row[2], row[3]) if row else None
