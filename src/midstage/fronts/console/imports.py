"""Files of rows that are brought in over the console."""

from typing import Annotated

from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing
from midstage.fronts._http.desk import AnyRequest
from midstage.fronts._http.files import FileMissing, FileUnreadable, read_table, received
from midstage.fronts._http.rows.forms import Kind
from midstage.fronts._http.rows.load import Imported, Mode, TooManyRefused, bring_in
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.middle.access import api as access

TAGS = ["console: imports"]
HowMuch = Annotated[
    Mode, QueryParameter(name="mode", description="What happens to the good rows of a file with bad ones")
]
NEEDS = {
    Kind.STORES: "organisation.write",
    Kind.PRODUCTS: "catalogue.write",
    Kind.PRICES: "pricing.write",
    Kind.ENTRIES: "pricing.write",
    Kind.STOCK: "inventory.write",
    Kind.MEMBERS: "members.write",
}
FAULTS = (access.NotPermitted, NeedsWholeBrand, FileMissing, FileUnreadable, TooManyRefused)


async def _import(kind: Kind, tx: Tx, staff: Staff, request: AnyRequest, mode: Mode) -> Imported:
    whole_brand(staff, NEEDS[kind])
    body, name = await received(request)
    return await bring_in(tx, kind, read_table(body, name), mode)


@changing("POST", "/imports/stores", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.STORES], refuses=FAULTS)
async def import_stores(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Open stores from a file.

    Columns: code, name; kind, unit, operator, currency, area_m2, lat, lng, address.
    """
    return await _import(Kind.STORES, tx, staff, request, mode)


@changing("POST", "/imports/products", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.PRODUCTS], refuses=FAULTS)
async def import_products(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Create products of one sku each from a file.

    Columns: code, name or name_en, category, tax_class; sku_code, barcode, unit, step, trademark, description,
    description_en, state.
    """
    return await _import(Kind.PRODUCTS, tx, staff, request, mode)


@changing("POST", "/imports/prices", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.PRICES], refuses=FAULTS)
async def import_prices(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Set list and supply prices from a file.

    Columns: sku_code, list_price (as 12.80); supply_price, currency.
    """
    return await _import(Kind.PRICES, tx, staff, request, mode)


@changing("POST", "/imports/entries", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.ENTRIES], refuses=FAULTS)
async def import_entries(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Set prices in price lists from a file.

    Columns: price_list (its code), sku_code, price (as 12.80).
    """
    return await _import(Kind.ENTRIES, tx, staff, request, mode)


@changing("POST", "/imports/stock", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.STOCK], refuses=FAULTS)
async def import_stock(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Open, receive, adjust or count the stock of the stores that I see from a file.

    Columns: store_code, sku_code, quantity (as 1.5); booking (opening, received, adjusted or counted), safety (of
    opening stock), reason (of what is adjusted or counted).
    """
    within = await reach(tx, staff, NEEDS[Kind.STOCK])
    body, name = await received(request)
    return await bring_in(tx, Kind.STOCK, read_table(body, name), mode, within=within.stores)


@changing("POST", "/imports/members", once=True, file=True, tags=TAGS, needs=NEEDS[Kind.MEMBERS], refuses=FAULTS)
async def import_members(tx: Tx, staff: Staff, request: AnyRequest, mode: HowMuch = Mode.ALL_OR_NOTHING) -> Imported:
    """Let members join from a file.

    Columns: phone or card; name, store_code, level, joined_on.
    """
    return await _import(Kind.MEMBERS, tx, staff, request, mode)


HANDLERS: list[HTTPRouteHandler] = [
    import_stores,
    import_products,
    import_prices,
    import_entries,
    import_stock,
    import_members,
]
