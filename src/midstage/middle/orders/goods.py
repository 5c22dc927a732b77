"""What lies on the counter: barcodes, labels and codes, read into goods with their prices."""

from collections.abc import Mapping, Sequence

from midstage.kit import money
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import bundles, labels, rules
from midstage.middle.orders.labels import LABELS, Label, Says
from midstage.middle.orders.till_types import (
    CHANNEL,
    BarcodeUnknown,
    Goods,
    LineUnclear,
    QuotedLine,
    SkuUnknown,
    TillLine,
)
from midstage.middle.orders.types import MAX_LINES, MAX_QUANTITY_MILLI, Line, NotSoldHere, OrderEmpty
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

ONE_MILLI = 1000
_UNIT_MICROGRAMS = {
    catalogue.Unit.GRAM: 10**6,
    catalogue.Unit.KILOGRAM: 10**9,
    catalogue.Unit.JIN: 500 * 10**6,
    catalogue.Unit.OUNCE: 28_349_523,
    catalogue.Unit.POUND: 453_592_370,
}


async def read_lines(tx: Tx, at: organisation.Store, lines: Sequence[TillLine], *, strict: bool = True) -> list[Goods]:
    """What the lines are, in one statement for all barcodes and one for all ids. What is not live is read, too.

    Raises OrderEmpty, LineUnclear, BarcodeUnknown, SkuUnknown, LabelDamaged; and with `strict`
    catalogue.QuantityUnsellable.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise OrderEmpty
    for no, line in enumerate(lines, start=1):
        if sum(named is not None for named in (line.barcode, line.sku, line.sku_id)) != 1:
            raise LineUnclear(no)
    read = await _labels(tx, at, lines)
    here = catalogue.Selling(at, CHANNEL)
    scanned = await _scan(tx, [line.barcode for line in lines if line.barcode is not None], read, here)
    by_id = await _offers(tx, lines, here)
    found: list[Goods] = []
    for no, line in enumerate(lines, start=1):
        goods = _goods(no, line, scanned, by_id, read)
        if strict:
            catalogue.check_quantity(goods.offer, goods.quantity_milli)
        found.append(goods)
    return found


async def price_goods(
    tx: Tx, at: organisation.Store, goods: Sequence[Goods], *, level: str | None, strict: bool = True
) -> list[Line]:
    """The lines of an order, as they cost here and now. One statement.

    A price on a label is the truth; of weighed goods the weight follows from it. Raises NotSoldHere (with
    `strict` also where the store does not list it), and with `strict` catalogue.NotForSale.
    """
    for one in goods if strict else ():
        if not one.offer.live:
            raise catalogue.NotForSale(str(one.offer.sku_id))
        rules.check_listed(one.offer)
    quotes = await quotes_of(tx, at, [one.offer for one in goods], level=level)
    return [_line(no, one, quotes) for no, one in enumerate(goods, start=1)]


async def quotes_of(
    tx: Tx, at: organisation.Store, offers: Sequence[catalogue.Offer], *, level: str | None
) -> dict[catalogue.SkuId, pricing.Quote]:
    """What things cost at the tills of a store, and the parts of bundles. One statement."""
    context = pricing.PriceContext(
        sales_channel=CHANNEL,
        store_id=at.store_id,
        unit_path=at.unit_path,
        operator_id=at.operator_id,
        level=level,
    )
    wanted = {offer.sku_id for offer in offers}.union(bundles.skus_to_price(offers))
    return await pricing.quote(tx, context, list(wanted), at=tx.now)


async def quote_lines(
    tx: Tx, at: organisation.Store, lines: Sequence[TillLine], *, level: str | None = None
) -> list[QuotedLine]:
    """What a cart costs at the till, before it is sold; what is not for sale says so. Raises as read_lines, NotSoldHere."""
    goods = await read_lines(tx, at, lines)
    priced = await price_goods(tx, at, goods, level=level, strict=False)
    return [
        QuotedLine(line, one.offer.live and one.offer.refused is None) for line, one in zip(priced, goods, strict=True)
    ]


async def _labels(tx: Tx, at: organisation.Store, lines: Sequence[TillLine]) -> dict[str, Label]:
    settings = await organisation.settings_of(tx, LABELS, at)
    found = {line.barcode: labels.read_label(line.barcode, settings.layouts) for line in lines if line.barcode}
    return {code: label for code, label in found.items() if label is not None}


async def _scan(
    tx: Tx, codes: Sequence[str], read: dict[str, Label], here: catalogue.Selling
) -> dict[str, tuple[catalogue.Offer, int]]:
    """By what was scanned; a label by the first of its goods' codes that is known."""
    asked = [code for code in codes if code not in read]
    asked += [item for label in read.values() for item in label.items]
    if not asked:
        return {}
    known = await catalogue.scanned_offers(tx, list(dict.fromkeys(asked)), at=here)
    for code, label in read.items():
        item = next((one for one in label.items if one in known), None)
        if item is not None:
            known[code] = known[item]
    return known


async def _offers(tx: Tx, lines: Sequence[TillLine], here: catalogue.Selling) -> dict[str, catalogue.Offer]:
    """By sku code, and by id as text."""
    codes = [line.sku for line in lines if line.sku is not None]
    by_code = await catalogue.sku_ids(tx, codes) if codes else {}
    ids = [catalogue.SkuId(line.sku_id) for line in lines if line.sku_id is not None]
    wanted = list({*ids, *by_code.values()})
    offers = await catalogue.offers(tx, wanted, at=here) if wanted else {}
    found = {str(sku_id): offer for sku_id, offer in offers.items()}
    return found | {code: offers[sku_id] for code, sku_id in by_code.items() if sku_id in offers}


def _goods(
    no: int,
    line: TillLine,
    scanned: dict[str, tuple[catalogue.Offer, int]],
    by_id: dict[str, catalogue.Offer],
    read: dict[str, Label],
) -> Goods:
    if line.barcode is None:
        named = line.sku if line.sku is not None else str(line.sku_id)
        offer = by_id.get(named)
        if offer is None:
            raise SkuUnknown(no, named)
        return Goods(offer, line.quantity_milli or ONE_MILLI)
    found = scanned.get(line.barcode)
    if found is None:
        raise BarcodeUnknown(no, line.barcode)
    offer, each_milli = found
    label = read.get(line.barcode)
    if label is None:
        # A barcode may stand for several pieces; how many of it were scanned multiplies them.
        quantity = each_milli * (line.quantity_milli or ONE_MILLI) // ONE_MILLI
        return Goods(offer, min(max(quantity, 1), MAX_QUANTITY_MILLI))
    if label.says is Says.WEIGHT:
        return Goods(offer, weighed(label.value, offer.unit))
    if label.says is Says.COUNT:
        return Goods(offer, label.value * ONE_MILLI)
    return Goods(offer, line.quantity_milli or ONE_MILLI, label.value)


def weighed(grams: int, unit: catalogue.Unit) -> int:
    """So many grams in thousandths of a unit; of what is not weighed, in thousandths of a thousand."""
    micrograms = _UNIT_MICROGRAMS.get(unit, 10**9)
    return max(1, (2 * grams * 10**9 + micrograms) // (2 * micrograms))


def _line(no: int, goods: Goods, quotes: Mapping[catalogue.SkuId, pricing.Quote]) -> Line:
    quote = quotes.get(goods.offer.sku_id)
    if quote is None:
        raise NotSoldHere(goods.offer.sku_id)
    milli, minor = goods.quantity_milli, goods.label_minor
    if minor is None:
        minor = money.times(quote.unit_minor, milli)
    elif goods.offer.milli_step < ONE_MILLI and quote.unit_minor:
        milli = max(1, minor * ONE_MILLI // quote.unit_minor)
    return bundles.with_parts(rules.line_of(no, 1, goods.offer, quote, milli, minor), goods.offer, quotes)
