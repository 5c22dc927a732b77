"""What a row of each kind is: its columns, and the draft that it says. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from midstage.fronts._http.rows.cells import Cells
from midstage.kit.ids import new_id
from midstage.kit.money import exponent
from midstage.kit.refusals import Refusal
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

T = TypeVar("T")
_MOST_MINOR = 10**12
_MOST_MILLI = 10**12
_MOST_AREA_M2 = 1_000_000
_LONG = 2_000


class Kind(StrEnum):
    """What the rows of a file are. Entries are prices in price lists."""

    STORES = "stores"
    PRODUCTS = "products"
    PRICES = "prices"
    ENTRIES = "entries"
    STOCK = "stock"
    MEMBERS = "members"
    DORMANT = "dormant"


class Booking(StrEnum):
    """How a quantity of a stock file is booked."""

    OPENING = "opening"
    RECEIVED = "received"
    ADJUSTED = "adjusted"
    COUNTED = "counted"


REASONED = (Booking.ADJUSTED, Booking.COUNTED)
"""What a person changes by hand, and says why."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are read against: the brand, and what their codes stand for."""

    currency: str
    country: str
    now: datetime
    units: Mapping[str, organisation.UnitId] = {}
    operators: Mapping[str, organisation.OperatorId] = {}
    stores: Mapping[str, organisation.StoreId] = {}
    categories: Mapping[str, catalogue.CategoryId] = {}
    tax_classes: Mapping[str, str] = {}
    skus: Mapping[str, catalogue.SkuId] = {}
    levels: Mapping[str, str] = {}
    price_lists: Mapping[str, pricing.PriceList] = {}


class StockRow(msgspec.Struct, frozen=True):
    """So much of a sku: to open with, that came, that is more or less than was thought, or that was counted."""

    opening: inventory.Opening
    booking: Booking
    reason: str = ""


class EntryRow(msgspec.Struct, frozen=True):
    """What a sku costs in a price list."""

    price_list_id: pricing.PriceListId
    entry: pricing.Entry


class MemberRow(msgspec.Struct, frozen=True):
    """A person with a phone or a card, who joins."""

    person: identity.NewPerson
    joiner: members.Joiner


class Form(msgspec.Struct, frozen=True):
    """Which columns a kind has (those before the bar must be there), how a row is read, and what names it."""

    needed: tuple[str, ...]
    others: tuple[str, ...]
    read: Callable[[Cells, Around], Any]
    names: Callable[[Any], list[str]]
    """What no two rows of a file may have in common."""


def read_store(cells: Cells, around: Around) -> organisation.NewStore:
    """A store; unit, operator and currency are the brand's own where they are not given."""
    lat, lng = cells.degrees("lat", 90), cells.degrees("lng", 180)
    if (lat is None) != (lng is None) and not cells.bad:
        cells.wrong(
            "lat" if lat is None else "lng", "missing", "经纬度须同时填写", "latitude and longitude go together"
        )
    return organisation.NewStore(
        code=cells.text("code", limit=60, needed=True),
        name=cells.text("name", needed=True),
        kind=cells.choice("kind", organisation.StoreKind, organisation.StoreKind.DIRECT),
        unit_id=cells.known("unit", around.units),
        operator_id=cells.known("operator", around.operators),
        currency=cells.text("currency", limit=3).upper() or None,
        area_m2=cells.number("area_m2", places=0, least=1, most=_MOST_AREA_M2),
        place=None if lat is None or lng is None else organisation.Place(lat, lng),
        address=cells.text("address", limit=_LONG),
    )


def read_product(cells: Cells, around: Around) -> catalogue.ProductDraft:
    """A product with one sku, which has the product's code where it is given none of its own."""
    code = cells.text("code", limit=60, needed=True)
    name = catalogue.Name(cells.text("name"), cells.text("name_en"))
    if not (name.zh or name.en):
        cells.wrong("name", "missing", "名称必填（中文或英文）", "it needs a name, in Chinese or English")
    barcode = cells.text("barcode", limit=60)
    return catalogue.ProductDraft(
        code=code,
        name=name,
        category_id=cells.known("category", around.categories, needed=True) or catalogue.CategoryId(new_id()),
        tax_class=cells.known("tax_class", around.tax_classes, needed=True) or "",
        skus=[
            catalogue.SkuDraft(
                code=cells.text("sku_code", limit=60) or code,
                barcodes=[catalogue.Barcode(barcode_kind(barcode), barcode)] if barcode else [],
                unit=cells.choice("unit", catalogue.Unit, catalogue.Unit.PIECE),
                milli_step=cells.number("step", places=3, least=1, most=_MOST_MILLI),
            )
        ],
        trademark=cells.text("trademark"),
        description=catalogue.Name(cells.text("description", limit=_LONG), cells.text("description_en", limit=_LONG)),
        state=cells.choice("state", catalogue.State, catalogue.State.DRAFT),
    )


def barcode_kind(code: str) -> catalogue.BarcodeKind:
    """A GTIN by its length and check digit; whatever else is printed is the store's own."""
    lengths = {
        8: catalogue.BarcodeKind.EAN8,
        12: catalogue.BarcodeKind.UPCA,
        13: catalogue.BarcodeKind.EAN13,
        14: catalogue.BarcodeKind.GTIN14,
    }
    gtin = code.isascii() and code.isdigit() and len(code) in lengths and catalogue.is_gtin(code)
    return (
        lengths[len(code)] if gtin and code[:2] not in {"02", "04"} and code[0] != "2" else catalogue.BarcodeKind.STORE
    )


def read_price(cells: Cells, around: Around) -> pricing.BasePrice:
    """List and supply price of a sku, written in yuan and not in fen."""
    currency = cells.text("currency", limit=3).upper() or around.currency
    places = exponent(currency)
    sku_id = cells.known("sku_code", around.skus, needed=True)
    listed = cells.number("list_price", places=places, most=_MOST_MINOR, needed=True)
    supply = cells.number("supply_price", places=places, most=_MOST_MINOR)
    return pricing.BasePrice(sku_id or catalogue.SkuId(new_id()), listed or 0, currency, supply)


def read_entry(cells: Cells, around: Around) -> EntryRow:
    """The price of a sku in a price list, written in yuan and not in fen."""
    found = cells.known("price_list", around.price_lists, needed=True)
    sku_id = cells.known("sku_code", around.skus, needed=True)
    places = exponent(found.currency if found else around.currency)
    price = cells.number("price", places=places, most=_MOST_MINOR, needed=True)
    price_list_id = found.price_list_id if found else pricing.PriceListId(new_id())
    return EntryRow(price_list_id, pricing.Entry(sku_id or catalogue.SkuId(new_id()), price or 0))


def read_stock(cells: Cells, around: Around) -> StockRow:
    """A quantity in the sku's unit, and how it is booked."""
    store_id = cells.known("store_code", around.stores, needed=True)
    sku_id = cells.known("sku_code", around.skus, needed=True)
    booking = cells.choice("booking", Booking, Booking.OPENING)
    least = {Booking.RECEIVED: 1, Booking.ADJUSTED: -_MOST_MILLI}.get(booking, 0)
    quantity = cells.number("quantity", places=3, least=least, most=_MOST_MILLI, needed=True)
    safety = cells.number("safety", places=3, most=_MOST_MILLI)
    reason = cells.text("reason", limit=500, needed=booking in REASONED)
    if safety is not None and booking is not Booking.OPENING:
        cells.wrong("safety", "not_here", "仅期初库存可填安全库存", "only opening stock has a safety quantity")
    if quantity == 0 and booking is Booking.ADJUSTED:
        cells.wrong("quantity", "out_of_bounds", "调整数量不能为零", "an adjustment by nothing is none")
    opening = inventory.Opening(
        inventory.location_of(store_id or organisation.StoreId(new_id())),
        sku_id or catalogue.SkuId(new_id()),
        quantity or 0,
        safety or 0,
    )
    return StockRow(opening, booking, reason)


def read_member(cells: Cells, around: Around) -> MemberRow:
    """A member, by phone or card or both; store and level are the brand's first where they are not given."""
    given: list[identity.Identifier] = []
    for column, kind in (("phone", identity.IdentifierKind.PHONE), ("card", identity.IdentifierKind.CARD)):
        value = cells.text(column)
        if value:
            try:
                given.append(identity.identifier(kind, value, country=around.country))
            except Refusal as refusal:
                cells.refused(column, refusal)
    if not given and not cells.bad:
        cells.wrong("phone", "missing", "手机号与卡号至少填一项", "it needs a phone or a card")
    person_id = identity.PersonId(new_id())
    name = cells.text("name", limit=100)
    joined_at = _joined(cells, around)
    return MemberRow(
        identity.NewPerson(person_id, given, joined_at),
        members.Joiner(
            person_id=person_id,
            member_id=members.MemberId(new_id()),
            front="import",
            joined_at=joined_at,
            store_id=cells.known("store_code", around.stores),
            level=cells.known("level", around.levels),
            profile=members.Profile(name=name or None),
        ),
    )


def read_dormant(cells: Cells, around: Around) -> members.NewDormant:
    """A member of an old system, by the number she has there and her phone."""
    old_no = cells.text("old_no", limit=100, needed=True)
    value = cells.text("phone", needed=True)
    phone = identity.Identifier(identity.IdentifierKind.PHONE, "")
    if value:
        try:
            phone = identity.identifier(identity.IdentifierKind.PHONE, value, country=around.country)
        except Refusal as refusal:
            cells.refused("phone", refusal)
    return members.NewDormant(
        old_no=old_no,
        phone=phone,
        level=cells.known("level", around.levels) or next(iter(around.levels), ""),
        points=cells.number("points", places=0, most=_MOST_MINOR) or 0,
        name=cells.text("name", limit=100) or None,
        store_id=cells.known("store_code", around.stores),
    )


def _joined(cells: Cells, around: Around) -> datetime:
    text = cells.text("joined_on", limit=10)
    if not text:
        return around.now
    try:
        joined = datetime.combine(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC), time(4), tzinfo=UTC)
    except ValueError:
        cells.wrong("joined_on", "not_a_date", "应为日期，如 2026-01-31", "it is a date like 2026-01-31")
        return around.now
    if not datetime(1970, 1, 1, tzinfo=UTC) <= joined <= around.now:
        cells.wrong("joined_on", "out_of_bounds", "入会日期不能晚于今天或早于 1970 年", "it lies between 1970 and now")
        return around.now
    return joined


def _product_names(draft: catalogue.ProductDraft) -> list[str]:
    codes = [f"sku {sku.code}" for sku in draft.skus]
    return [f"code {draft.code}", *codes, *(f"barcode {one.code}" for sku in draft.skus for one in sku.barcodes)]


def _store_names(new: organisation.NewStore) -> list[str]:
    return [new.code]


def _price_names(price: pricing.BasePrice) -> list[str]:
    return [str(price.sku_id)]


def _entry_names(row: EntryRow) -> list[str]:
    return [f"{row.price_list_id} {row.entry.sku_id}"]


def _stock_names(row: StockRow) -> list[str]:
    return [f"{row.opening.location_id} {row.opening.sku_id} {row.booking}"]


def _dormant_names(row: members.NewDormant) -> list[str]:
    return [row.old_no]


def _member_names(row: MemberRow) -> list[str]:
    return [f"{one.kind} {one.value}" for one in row.person.identifiers]


FORMS: dict[Kind, Form] = {
    Kind.STORES: Form(
        ("code", "name"),
        ("kind", "unit", "operator", "currency", "area_m2", "lat", "lng", "address"),
        read_store,
        _store_names,
    ),
    Kind.PRODUCTS: Form(
        ("code", "category", "tax_class"),
        (
            "name", "name_en", "sku_code", "barcode", "unit", "step", "trademark", "description", "description_en",
            "state",
        ),
        read_product,
        _product_names,
    ),
    Kind.PRICES: Form(("sku_code", "list_price"), ("supply_price", "currency"), read_price, _price_names),
    Kind.ENTRIES: Form(("price_list", "sku_code", "price"), (), read_entry, _entry_names),
    Kind.STOCK: Form(("store_code", "sku_code", "quantity"), ("booking", "safety", "reason"), read_stock, _stock_names),
    Kind.MEMBERS: Form((), ("phone", "card", "name", "store_code", "level", "joined_on"), read_member, _member_names),
    Kind.DORMANT: Form(
        ("old_no", "phone"), ("name", "level", "points", "store_code"), read_dormant, _dormant_names
    ),
}  # fmt: skip
