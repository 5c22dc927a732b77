"""What stock is worth at supply price: by store, operator or category, now or at the end of a business day."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.files import csv_answer, write_csv
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.supply import supply_prices
from midstage.fronts._http.words import BadDate, day_begins
from midstage.fronts.console.stock_words import VALUES
from midstage.kit.database import Tx
from midstage.kit.money import exponent
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

TAGS = ["console: stock value"]
SKUS = 2_000
COLUMNS = (
    "operator_code", "store_code", "sku_code", "quantity", "value", "currency", "in_transit", "in_transit_value", "priced",
)  # fmt: skip


class By(StrEnum):
    STORE = "store"
    OPERATOR = "operator"
    CATEGORY = "category"


class Valued(msgspec.Struct, frozen=True):
    """What a store, an operator or a category has, and what that is worth; what is on its way from there is apart.

    `unpriced_milli` is the part of the quantity of which no supply price was ever known, worth nothing for now.
    """

    id: UUID | None
    currency: str
    quantity_milli: int
    value_minor: int
    transit_milli: int
    transit_minor: int
    unpriced_milli: int


class Brought(msgspec.Struct, frozen=True):
    """How many stock rows were brought into the books of value; zero when they are up to now."""

    rows: int


@reading("/stock/value", tags=TAGS, needs=VALUES, refuses=(access.OutOfScope, organisation.NoSuchStore, BadDate))
async def stock_value(
    tx: Tx, staff: Staff, by: By = By.STORE, store_id: UUID | None = None, on: date | None = None
) -> list[Valued]:
    """What the stock that I see is worth, at the moving average of supply prices; with `on` at the end of that day."""
    day_begins(tx.tenant, on)
    mine = await reach(tx, staff, VALUES)
    if store_id is not None:
        mine.need_store(await organisation.one_store(tx, organisation.StoreId(store_id)))
    stores = mine.narrowed(store_id)
    totals: dict[tuple[UUID | None, str], list[int]] = {}
    after: inventory.SkuId | None = None
    while True:
        rows, after = await inventory.worth(tx, on=on, after=after, limit=SKUS)
        seen = [row for row in rows if stores is None or organisation.StoreId(row.location_id) in stores]
        categories: Mapping[inventory.SkuId, UUID] = await _categories(tx, seen) if by is By.CATEGORY else {}
        for row in seen:
            keys: dict[By, UUID | None] = {
                By.STORE: row.location_id,
                By.OPERATOR: row.operator_id,
                By.CATEGORY: categories.get(row.sku_id),
            }
            total = totals.setdefault((keys[by], row.currency), [0, 0, 0, 0, 0])
            unpriced = 0 if row.priced else row.quantity_milli
            figures = (row.quantity_milli, row.value_minor, row.transit_milli, row.transit_minor, unpriced)
            for place, figure in enumerate(figures):
                total[place] += figure
        if after is None:
            break
    listed = sorted(totals.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    return [Valued(key, currency, *figures) for (key, currency), figures in listed]


@changing("POST", "/stock/value/refresh", tags=TAGS, needs=VALUES)
async def refresh_value(tx: Tx, staff: Staff) -> Brought:
    """Bring the next two thousand stock rows into the books of value, rather than wait for the sweep of the minute."""
    await reach(tx, staff, VALUES)
    rows = await inventory.value_pending(tx, supply=supply_prices)
    await inventory.value_unpriced(tx, supply=supply_prices)
    return Brought(rows)


@reading(
    "/exports/stock-value", tags=TAGS, needs=VALUES, refuses=(access.OutOfScope, organisation.NoSuchStore, BadDate)
)
async def export_stock_value(
    request: AnyRequest, staff: Staff, store_id: UUID | None = None, on: date | None = None
) -> Stream:
    """What the stock that I see is worth, one row for each store and sku, as CSV."""
    database = desk_of(request).database
    async with database.reading(staff.tenant, by=staff.by) as tx:
        day_begins(tx.tenant, on)
        mine = await reach(tx, staff, VALUES)
        if store_id is not None:
            mine.need_store(await organisation.one_store(tx, organisation.StoreId(store_id)))

    async def parts() -> AsyncIterator[bytes]:
        after: inventory.SkuId | None = None
        first = True
        while first or after is not None:
            async with database.reading(staff.tenant, by=staff.by) as tx:
                rows, after = await inventory.worth(tx, on=on, after=after, limit=SKUS)
                lines = await _lines(tx, mine, store_id, rows)
            yield write_csv(COLUMNS, lines, header=first)
            first = False

    return csv_answer("stock-value", parts())


async def _categories(tx: Tx, rows: list[inventory.Worth]) -> Mapping[inventory.SkuId, UUID]:
    """The category of each sku itself, the lowest of its path."""
    offers = await catalogue.offers(tx, sorted({row.sku_id for row in rows}))
    return {sku: offer.category_path[-1] for sku, offer in offers.items() if offer.category_path}


async def _lines(tx: Tx, mine: Reach, store_id: UUID | None, rows: list[inventory.Worth]) -> list[list[object]]:
    within = mine.narrowed(store_id)
    seen = [row for row in rows if within is None or organisation.StoreId(row.location_id) in within]
    stores = await organisation.stores(tx, sorted({organisation.StoreId(row.location_id) for row in seen}))
    operators = await organisation.operators(tx, sorted({row.operator_id for row in seen}))
    offers = await catalogue.offers(tx, sorted({row.sku_id for row in seen}))
    return [
        [
            operators[row.operator_id].code if row.operator_id in operators else "",
            stores[organisation.StoreId(row.location_id)].code,
            offers[row.sku_id].sku_code if row.sku_id in offers else "",
            _decimal(row.quantity_milli, 3),
            _decimal(row.value_minor, exponent(row.currency)) if row.priced else None,
            row.currency,
            _decimal(row.transit_milli, 3),
            _decimal(row.transit_minor, exponent(row.currency)),
            row.priced,
        ]
        for row in seen
        if organisation.StoreId(row.location_id) in stores
    ]


def _decimal(value: int, places: int) -> str:
    whole, part = divmod(abs(value), 10**places)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


HANDLERS: list[HTTPRouteHandler] = [stock_value, refresh_value, export_stock_value]
