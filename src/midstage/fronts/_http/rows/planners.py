"""For each kind of change by file: which rows belong together, what they would do, and doing it through the doors."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from midstage.fronts._http.files import Row
from midstage.fronts._http.rows import patches
from midstage.fronts._http.rows.cells import Cells
from midstage.fronts._http.rows.patches import Known
from midstage.kit.database import Tx
from midstage.kit.money import exponent
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

P = TypeVar("P")
Group = list[Row]
MOST_OF_ONE = 500  # rows of one product


class Planned(msgspec.Struct, frozen=True):
    """What a group of rows would do, row by row, and whatever doing it takes (None: it is wrong)."""

    rows: list[catalogue.ChangeRow]
    draft: Any = None


class Around:
    """What is looked up once for a whole file."""

    home: organisation.Brand | None = None
    tax_classes: Mapping[str, str] | None = None
    stores: Mapping[str, organisation.StoreId] | None = None
    operators: Mapping[str, organisation.OperatorId] | None = None
    units: Mapping[str, organisation.UnitId] | None = None


class Planner(Protocol):
    """One kind of change."""

    def together(self, row: Row, following: Row) -> bool:
        """Whether two rows that follow each other are of one thing."""
        ...

    def names(self, group: Group) -> list[str]:
        """What no two groups of a file may have in common."""
        ...

    async def plan(self, tx: Tx, groups: Sequence[Group], around: Around, *, hold: bool) -> list[Planned]:
        """What each group would do, in its order. With `hold` what they are compared to stays until the end."""
        ...

    async def write(self, tx: Tx, planned: Sequence[Planned]) -> None:
        """Do it. Raises what the doors refuse."""
        ...


class Products:
    """A row a sku; the rows of one product follow each other."""

    def together(self, row: Row, following: Row) -> bool:
        return bool(_text(row, "code")) and _text(row, "code") == _text(following, "code")

    def names(self, group: Group) -> list[str]:
        code = _text(group[0], "code")
        skus = [_text(row, "sku_code") for row in group]
        printed = [word for row in group for word in _text(row, "barcode").replace(",", " ").replace(";", " ").split()]
        return [
            *([f"code {code}"] if code else []),
            *(f"sku {sku}" for sku in skus if sku),
            *(f"barcode {word}" for word in printed if word != patches.NOTHING),
        ]

    async def plan(self, tx: Tx, groups: Sequence[Group], around: Around, *, hold: bool) -> list[Planned]:
        known = await _known_products(tx, groups, around)
        read = [(group, *patches.read_product(group, known)) for group in groups]
        good = [patch for _, patch, cells in read if not _bad(cells)]
        found = iter(await catalogue.plan_products(tx, good, hold=hold) if good else [])
        planned: list[Planned] = []
        for group, _, cells in read:
            if _bad(cells):
                planned.append(Planned(_faulty(group, cells)))
                continue
            one = next(found)
            planned.append(Planned(_with_cells(group, one.rows), one if one.after is not None else None))
        return planned

    async def write(self, tx: Tx, planned: Sequence[Planned]) -> None:
        await catalogue.write_products(tx, [one.draft for one in planned if one.draft is not None])


class Prices:
    """A row a sku."""

    def together(self, row: Row, following: Row) -> bool:  # noqa: ARG002  # no two rows are of one thing
        return False

    def names(self, group: Group) -> list[str]:
        return [code] if (code := _text(group[0], "sku_code")) else []

    async def plan(self, tx: Tx, groups: Sequence[Group], around: Around, *, hold: bool) -> list[Planned]:
        known = Known(
            currency=(await _home(tx, around)).currency, skus=await catalogue.sku_ids(tx, _codes(groups, "sku_code"))
        )
        read = [(group, Cells(group[0])) for group in groups]
        prices = [(group, cells, *patches.read_price(cells, known)) for group, cells in read]
        good = [price for _, cells, price, _ in prices if price is not None and not cells.bad]
        keeps = {price.sku_id for _, _, price, keep in prices if price is not None and keep}
        found = iter(await pricing.plan_base_prices(tx, good, keep_supply=keeps, hold=hold) if good else [])
        return [
            Planned(_faulty(group, [cells])) if price is None or cells.bad else _price(group, *next(found))
            for group, cells, price, _ in prices
        ]

    async def write(self, tx: Tx, planned: Sequence[Planned]) -> None:
        await pricing.set_base_prices(tx, [one.draft for one in planned if one.draft is not None])


def _price(group: Group, before: pricing.BasePrice | None, after: pricing.BasePrice) -> Planned:
    old, new = _price_fields(before), _price_fields(after)
    fields = [
        catalogue.FieldChange(field, old.get(field), value)
        for field, value in new.items()
        if old.get(field, "") != value
    ]
    made = catalogue.Outcome.NEW if before is None else catalogue.Outcome.CHANGED
    row = catalogue.ChangeRow(group[0].line, made if fields else catalogue.Outcome.SAME, fields=fields)
    return Planned(_with_cells(group, [row]), after)


def _price_fields(price: pricing.BasePrice | None) -> dict[str, str]:
    if price is None:
        return {}
    places = exponent(price.currency)
    supply = "" if price.supply_minor is None else _money(price.supply_minor, places)
    return {"list_price": _money(price.list_minor, places), "supply_price": supply, "currency": price.currency}


def _money(minor: int, places: int) -> str:
    whole, part = divmod(minor, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)


class Listings:
    """A row a place where a product is listed, withheld or opted out of."""

    def together(self, row: Row, following: Row) -> bool:  # noqa: ARG002  # no two rows are of one thing
        return False

    def names(self, group: Group) -> list[str]:
        parts = ("product_code", "kind", "sales_channel", "store_code", "operator_code", "unit_code")
        return ["\t".join(_text(group[0], part) for part in parts)]

    async def plan(self, tx: Tx, groups: Sequence[Group], around: Around, *, hold: bool) -> list[Planned]:
        await _places(tx, around)
        known = Known(
            currency="",
            products=await catalogue.product_ids(tx, _codes(groups, "product_code")),
            stores=around.stores or {},
            operators=around.operators or {},
            units=around.units or {},
        )
        read = [(group, cells := Cells(group[0]), patches.read_listing(cells, known)) for group in groups]
        good = [patch for _, cells, patch in read if patch is not None and not cells.bad]
        found = iter(await catalogue.plan_listings(tx, good, hold=hold) if good else [])
        planned: list[Planned] = []
        for group, cells, patch in read:
            if patch is None or cells.bad:
                planned.append(Planned(_faulty(group, [cells])))
            else:
                one = next(found)
                planned.append(Planned(_with_cells(group, [one.row]), one))
        return planned

    async def write(self, tx: Tx, planned: Sequence[Planned]) -> None:
        await catalogue.write_listings(tx, [one.draft for one in planned if one.draft is not None])


class Plain(Generic[P]):
    """Rows that are read one by one, and planned and written as they are read."""

    def __init__(
        self,
        read: Callable[[Cells, Known], P],
        plan: Callable[[Tx, Sequence[P]], Awaitable[list[catalogue.ChangeRow]]],
        write: Callable[[Tx, Sequence[P]], Awaitable[None]],
    ) -> None:
        self._read, self._plan, self._write = read, plan, write

    def together(self, row: Row, following: Row) -> bool:  # noqa: ARG002  # no two rows are of one thing
        return False

    def names(self, group: Group) -> list[str]:
        return [code] if (code := _text(group[0], "code")) else []

    async def plan(self, tx: Tx, groups: Sequence[Group], around: Around, *, hold: bool) -> list[Planned]:  # noqa: ARG002  # these hold what they read
        known = Known(currency="")
        read = [(group, cells := Cells(group[0]), self._read(cells, known)) for group in groups]
        good = [patch for _, cells, patch in read if not cells.bad]
        found = iter(await self._plan(tx, good) if good else [])
        return [
            Planned(_faulty(group, [cells])) if cells.bad else Planned(_with_cells(group, [next(found)]), patch)
            for group, cells, patch in read
        ]

    async def write(self, tx: Tx, planned: Sequence[Planned]) -> None:
        await self._write(tx, [one.draft for one in planned if one.draft is not None])


PLANNERS: Mapping[catalogue.ChangeKind, Planner] = {
    catalogue.ChangeKind.PRODUCTS: Products(),
    catalogue.ChangeKind.PRICES: Prices(),
    catalogue.ChangeKind.LISTINGS: Listings(),
    catalogue.ChangeKind.CATEGORIES: Plain(
        patches.read_category, catalogue.plan_categories, catalogue.write_categories
    ),
    catalogue.ChangeKind.TAX_CLASSES: Plain(
        patches.read_tax_class, catalogue.plan_tax_classes, catalogue.write_tax_classes
    ),
}


async def _known_products(tx: Tx, groups: Sequence[Group], around: Around) -> Known:
    if around.tax_classes is None:
        around.tax_classes = {code: code for code in await catalogue.tax_classes(tx)}
    codes = _codes(groups, "category")
    return Known(
        currency="",
        categories=await catalogue.category_ids(tx, codes) if codes else {},
        tax_classes=around.tax_classes,
    )


async def _home(tx: Tx, around: Around) -> organisation.Brand:
    if around.home is None:
        around.home = await organisation.brand(tx)
    return around.home


async def _places(tx: Tx, around: Around) -> None:
    if around.stores is None:
        around.stores = {one.code: one.store_id for one in (await organisation.stores(tx)).values()}
        around.operators = {one.code: one.operator_id for one in (await organisation.operators(tx)).values()}
        around.units = {one.code: one.unit_id for one in (await organisation.units(tx)).values()}


def _bad(cells: Iterable[Cells]) -> bool:
    return any(one.bad for one in cells)


def _faulty(group: Group, cells: Sequence[Cells]) -> list[catalogue.ChangeRow]:
    """What is wrong, by row; a thing of several rows is changed whole or not at all."""
    other = catalogue.RowFault("", "product_faulty", "同一商品的其他行有误", "another row of this product is wrong")
    rows: list[catalogue.ChangeRow] = []
    for row, one in zip(group, cells, strict=True):
        faults = [catalogue.RowFault(bad.column, bad.code, bad.reason_zh, bad.reason_en) for bad in one.bad]
        rows.append(catalogue.ChangeRow(row.line, catalogue.Outcome.FAULT, faults=faults or [other]))
    return rows


def _with_cells(group: Group, rows: Sequence[catalogue.ChangeRow]) -> list[catalogue.ChangeRow]:
    """Rows that write something keep what they were read from."""
    cells = {row.line: row.cells for row in group}
    writes = (catalogue.Outcome.NEW, catalogue.Outcome.CHANGED)
    return [msgspec.structs.replace(row, cells=cells[row.line]) if row.outcome in writes else row for row in rows]


def _text(row: Row, column: str) -> str:
    value = row.cells.get(column)
    return "" if value is None else str(value).strip()


def _codes(groups: Sequence[Group], column: str) -> list[str]:
    texts = {_text(row, column) for group in groups for row in group}
    return sorted(text for text in texts if text and "\0" not in text)
