"""Lists as files: CSV with the columns that the imports read, sent page by page while it is read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from midstage.fronts._http.calls import reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.files import csv_answer, write_csv
from midstage.fronts._http.rows.forms import FORMS, Kind
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.kit.money import exponent
from midstage.kit.paging import MAX_LIMIT, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

TAGS = ["console: exports"]
UNSEEN = (access.OutOfScope, organisation.NoSuchStore)
Line: TypeAlias = Mapping[str, object]
"""The cells of a row by the name of their column; what is left out is empty."""
Part: TypeAlias = tuple[list[Line], str | None]
ReadPart: TypeAlias = Callable[[Tx, Reach, PageRequest], Awaitable[Part]]


@reading("/exports/stores", tags=TAGS, needs="organisation.read")
async def export_stores(request: AnyRequest, staff: Staff) -> Stream:
    """The stores that I see, by code."""
    return await _export(request, staff, Kind.STORES, "organisation.read", _stores)


@reading("/exports/products", tags=TAGS, needs="catalogue.read")
async def export_products(request: AnyRequest, staff: Staff) -> Stream:
    """All products, one row for each sku, the newest first."""
    return await _export(request, staff, Kind.PRODUCTS, "catalogue.read", _products)


@reading("/exports/prices", tags=TAGS, needs="pricing.read")
async def export_prices(request: AnyRequest, staff: Staff) -> Stream:
    """List and supply prices of all skus that have one."""
    return await _export(request, staff, Kind.PRICES, "pricing.read", _prices)


@reading("/exports/entries/{price_list_id:uuid}", tags=TAGS, needs="pricing.read", refuses=(pricing.NoSuchPriceList,))
async def export_entries(price_list_id: UUID, request: AnyRequest, staff: Staff) -> Stream:
    """The prices of a price list."""
    async with desk_of(request).database.reading(staff.tenant, by=staff.by) as tx:
        found = await pricing.price_list(tx, pricing.PriceListId(price_list_id))

    async def part(tx: Tx, _: Reach, page: PageRequest) -> Part:
        return await _entries(tx, found, page)

    return await _export(request, staff, Kind.ENTRIES, "pricing.read", part)


@reading("/exports/stock", tags=TAGS, needs="inventory.read", refuses=UNSEEN)
async def export_stock(request: AnyRequest, staff: Staff, store_id: UUID | None = None) -> Stream:
    """What lies in the stores that I see, or in one of them."""

    async def part(tx: Tx, within: Reach, page: PageRequest) -> Part:
        return await _stock(tx, inventory.StockFilter(locations=within.locations(store_id)), page)

    return await _export(request, staff, Kind.STOCK, "inventory.read", part, of=store_id)


@reading("/exports/members", tags=TAGS, needs="members.write", refuses=UNSEEN)
async def export_members(request: AnyRequest, staff: Staff, store_id: UUID | None = None) -> Stream:
    """Members of the stores that I see, or of one of them, with phones, cards and names; the trail keeps who asked."""
    desk = desk_of(request)

    async def part(tx: Tx, within: Reach, page: PageRequest) -> Part:
        lines, after = await _members(tx, members.MemberFilter(store_ids=within.narrowed(store_id)), page)
        if lines:
            desk.notebook.saw(
                staff.tenant, staff.by, "console.export_members", fields=["phone", "card", "name"], persons=len(lines)
            )
        return lines, after

    async def noted(tx: Tx) -> None:
        tx.note("members.export", "brand", tx.brand, after={"store_id": store_id})

    answer = await _export(request, staff, Kind.MEMBERS, "members.write", part, of=store_id)
    await desk.database.attempt(staff.tenant, noted, by=staff.by)
    return answer


async def _export(
    request: AnyRequest, staff: Staff, kind: Kind, permission: str, read: ReadPart, *, of: UUID | None = None
) -> Stream:
    """A list as a stream. No transaction stays open while a slow reader takes a part. Raises what UNSEEN says."""
    database = desk_of(request).database
    async with database.reading(staff.tenant, by=staff.by) as tx:
        within = await reach(tx, staff, permission)
        if of is not None:
            within.need_store(await organisation.one_store(tx, organisation.StoreId(of)))
    columns = [*FORMS[kind].needed, *FORMS[kind].others]

    async def parts() -> AsyncIterator[bytes]:
        after: str | None = None
        first = True
        while first or after is not None:
            async with database.reading(staff.tenant, by=staff.by) as tx:
                lines, after = await read(tx, within, PageRequest(after, MAX_LIMIT))
            yield write_csv(columns, [[line.get(name) for name in columns] for line in lines], header=first)
            first = False

    return csv_answer(kind.value, parts())


async def _stores(tx: Tx, within: Reach, page: PageRequest) -> Part:
    found = await organisation.list_stores(tx, organisation.Filter(scope=within.scope), page)
    units = await organisation.units(tx, sorted({store.unit_id for store in found.items}))
    operators = await organisation.operators(tx, sorted({store.operator_id for store in found.items}))
    lines: list[Line] = [
        {
            "code": store.code,
            "name": store.name,
            "kind": store.kind.value,
            "unit": units[store.unit_id].code,
            "operator": operators[store.operator_id].code,
            "currency": store.currency,
            "area_m2": store.area_m2,
            "lat": store.place.lat if store.place else None,
            "lng": store.place.lng if store.place else None,
            "address": store.address,
        }
        for store in found.items
        if store.kind is not organisation.StoreKind.VIRTUAL
    ]
    return lines, found.next


async def _products(tx: Tx, _: Reach, page: PageRequest) -> Part:
    found, following = await _product_page(tx, page)
    categories = {one.category_id: one.code for one in await catalogue.categories(tx)}
    lines: list[Line] = [
        {
            "code": product.code,
            "name": product.name.zh,
            "name_en": product.name.en,
            "category": categories[product.category_id],
            "tax_class": product.tax_class,
            "sku_code": sku.code,
            "barcode": sku.barcodes[0].code if sku.barcodes else None,
            "unit": sku.unit.value,
            "step": _quantity(sku.milli_step),
            "trademark": product.trademark,
            "description": product.description.zh,
            "description_en": product.description.en,
            "state": product.state.value,
        }
        for product in found
        for sku in product.skus
    ]
    return lines, following


async def _prices(tx: Tx, _: Reach, page: PageRequest) -> Part:
    found, following = await _product_page(tx, page)
    codes = {sku.sku_id: sku.code for product in found for sku in product.skus}
    prices = await pricing.base_prices(tx, list(codes))
    lines: list[Line] = [
        {
            "sku_code": codes[sku_id],
            "list_price": _price(price.list_minor, price.currency),
            "supply_price": _price(price.supply_minor, price.currency),
            "currency": price.currency,
        }
        for sku_id, price in prices.items()
    ]
    return lines, following


async def _product_page(tx: Tx, page: PageRequest) -> tuple[list[catalogue.Product], str | None]:
    listed = await catalogue.products(tx, page=page)
    ids = [one.product_id for one in listed.items]
    found = await catalogue.products_by_id(tx, ids)
    return [found[product_id] for product_id in ids if product_id in found], listed.next


async def _entries(tx: Tx, of: pricing.PriceList, page: PageRequest) -> Part:
    found = await pricing.entries(tx, of.price_list_id, page)
    codes = await _sku_codes(tx, (entry.sku_id for entry in found.items))
    lines: list[Line] = [
        {"price_list": of.code, "sku_code": codes[entry.sku_id], "price": _price(entry.unit_minor, of.currency)}
        for entry in found.items
    ]
    return lines, found.next


async def _stock(tx: Tx, filters: inventory.StockFilter, page: PageRequest) -> Part:
    found = await inventory.stock_list(tx, filters, page)
    stores = await organisation.stores(tx, sorted({organisation.StoreId(row.location_id) for row in found.items}))
    codes = await _sku_codes(tx, (row.sku_id for row in found.items))
    lines: list[Line] = [
        {
            "store_code": stores[organisation.StoreId(row.location_id)].code,
            "sku_code": codes[row.sku_id],
            "quantity": _quantity(row.on_hand_milli),
            "safety": _quantity(row.safety_milli),
            "booking": "opening",
        }
        for row in found.items
    ]
    return lines, found.next


async def _members(tx: Tx, wanted: members.MemberFilter, page: PageRequest) -> Part:
    found = await members.find(tx, wanted, page)
    known = await identity.identifiers_of_many(tx, [member.person_id for member in found.items])
    stores = await organisation.stores(tx, sorted({member.store_id for member in found.items}))
    lines: list[Line] = [
        {
            "phone": _first(known[member.person_id], identity.IdentifierKind.PHONE),
            "card": _first(known[member.person_id], identity.IdentifierKind.CARD),
            "name": member.name,
            "store_code": stores[member.store_id].code,
            "level": member.level,
            "joined_on": tx.tenant.business_date(member.joined_at),
        }
        for member in found.items
    ]
    return lines, found.next


async def _sku_codes(tx: Tx, sku_ids: Iterable[catalogue.SkuId]) -> dict[catalogue.SkuId, str]:
    offers = await catalogue.offers(tx, sorted(set(sku_ids)))
    return {sku_id: offer.sku_code for sku_id, offer in offers.items()}


def _first(known: Iterable[identity.Attached], kind: identity.IdentifierKind) -> str | None:
    return next((one.identifier.value for one in known if one.identifier.kind is kind), None)


def _quantity(milli: int) -> str:
    """Thousandths as people write them, as short as they go: 1500 is 1.5."""
    return _decimal(milli, 3).rstrip("0").rstrip(".")


def _price(minor: int | None, currency: str) -> str | None:
    """Minor units as people write them: 12800 fen are 128.00."""
    return None if minor is None else _decimal(minor, exponent(currency))


def _decimal(value: int, places: int) -> str:
    whole, part = divmod(abs(value), 10**places)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


HANDLERS: list[HTTPRouteHandler] = [
    export_stores,
    export_products,
    export_prices,
    export_entries,
    export_stock,
    export_members,
]
