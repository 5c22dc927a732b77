"""What a row of a change by file says: only what it says is to change. Pure.

An empty cell leaves what is; a cell of one hyphen empties it, where that is possible.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from midstage.fronts._http.files import Row
from midstage.fronts._http.rows.cells import Cells
from midstage.fronts._http.rows.forms import barcode_kind
from midstage.kit.money import exponent
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
NOTHING = "-"
ATTRIBUTE = "attribute."
OPTIONS = 3
_LONG = 5_000
_MOST = 10**12
_MOST_RANK = 10**6

OF_PRODUCT = (
    "name", "name_en", "category", "tax_class", "trademark", "description", "description_en", "tags", "state",
)  # fmt: skip
OF_SKU = (
    "sku_code", "barcode", "unit", "step", "rank", "sku_state",
    *(f"option{n}_{part}" for n in range(1, OPTIONS + 1) for part in ("name", "value")),
)  # fmt: skip


class Columns(msgspec.Struct, frozen=True):
    """Which columns a kind of change has; `prefix` begins the names of any number more."""

    needed: tuple[str, ...]
    others: tuple[str, ...]
    prefix: str | None = None

    def knows(self, name: str) -> bool:
        return name in self.needed or name in self.others or (self.prefix is not None and name.startswith(self.prefix))


COLUMNS: Mapping[catalogue.ChangeKind, Columns] = {
    catalogue.ChangeKind.PRODUCTS: Columns(("code",), (*OF_PRODUCT, *OF_SKU), ATTRIBUTE),
    catalogue.ChangeKind.PRICES: Columns(("sku_code", "list_price"), ("supply_price", "currency")),
    catalogue.ChangeKind.LISTINGS: Columns(
        ("product_code", "kind"), ("sales_channel", "store_code", "operator_code", "unit_code", "reason", "action")
    ),
    catalogue.ChangeKind.CATEGORIES: Columns(("code",), ("name", "name_en", "parent", "rank")),
    catalogue.ChangeKind.TAX_CLASSES: Columns(("code",), ("name", "name_en", "rate", "inclusive")),
}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the codes of a batch of rows stand for."""

    currency: str
    categories: Mapping[str, catalogue.CategoryId] = {}
    tax_classes: Mapping[str, str] = {}
    skus: Mapping[str, catalogue.SkuId] = {}
    products: Mapping[str, catalogue.ProductId] = {}
    stores: Mapping[str, organisation.StoreId] = {}
    operators: Mapping[str, organisation.OperatorId] = {}
    units: Mapping[str, organisation.UnitId] = {}


class Action(StrEnum):
    """Whether a row of listing is to be there, or not."""

    ADD = "add"
    REMOVE = "remove"


def read_product(rows: Sequence[Row], known: Known) -> tuple[catalogue.ProductPatch, list[Cells]]:
    """The rows of one product. What is of the product itself stands in one of them, or is the same in all."""
    cells = [Cells(row) for row in rows]
    given = sorted({column for row in rows for column in row.cells if column.startswith(ATTRIBUTE)})
    _check_agreed(cells, (*OF_PRODUCT, *given))
    first = [_first(cells, column) for column in OF_PRODUCT]
    name, name_en, category, tax, trademark, description, description_en, tags, state = first
    attributes = {
        column.removeprefix(ATTRIBUTE): text
        for column in given
        if (text := _first(cells, column).text(column, limit=300))
    }
    code = cells[0].text("code", limit=64, needed=True)
    patch = catalogue.ProductPatch(
        lines=[one.line for one in cells],
        code=code,
        zh=_said(name, "name"),
        en=_emptied(name_en, "name_en"),
        category_id=_or_unset(category.known("category", known.categories)),
        tax_class=_or_unset(tax.known("tax_class", known.tax_classes)),
        trademark=_emptied(trademark, "trademark"),
        description_zh=_emptied(description, "description", limit=_LONG),
        description_en=_emptied(description_en, "description_en", limit=_LONG),
        tags=_words(tags, "tags"),
        attributes=attributes,
        state=_choice(state, "state", catalogue.State),
        skus=[sku for one in cells if (sku := _sku(one, code, alone=len(cells) == 1)) is not None],
    )
    return patch, cells


def _check_agreed(cells: Sequence[Cells], columns: Sequence[str]) -> None:
    """What is said of a product twice is said alike."""
    for column in columns:
        said = _first(cells, column).peek(column)
        for other in cells:
            if other.peek(column) not in ("", said):
                other.wrong(column, "differs", "与同一商品的其他行不一致", "another row of this product says otherwise")


def _first(cells: Sequence[Cells], column: str) -> Cells:
    """The first row that says something in a column."""
    return next((one for one in cells if one.peek(column)), cells[0])


def _sku(cells: Cells, product: str, *, alone: bool) -> catalogue.SkuPatch | None:
    """The sku of a row. A row that says nothing of a sku is of the product alone; a lone new one has its code."""
    named = cells.text("sku_code", limit=64)
    if not named and not any(cells.peek(column) for column in OF_SKU):
        return None
    if not named and not alone:
        cells.wrong("sku_code", "missing", "同一商品有多行时必填", "it is missing, where a product has several rows")
    step = cells.number("step", places=3, least=1, most=_MOST)
    return catalogue.SkuPatch(
        line=cells.line,
        code=named or product,
        options=_options(cells),
        barcodes=_barcodes(cells),
        unit=_choice(cells, "unit", catalogue.Unit),
        milli_step=_or_unset(step),
        rank=_or_unset(cells.number("rank", places=0, least=-_MOST_RANK, most=_MOST_RANK)),
        state=_choice(cells, "sku_state", catalogue.State),
    )


def _options(cells: Cells) -> list[tuple[str, str]] | UnsetType:
    found: list[tuple[str, str]] = []
    for n in range(1, OPTIONS + 1):
        name, value = cells.text(f"option{n}_name", limit=64), cells.text(f"option{n}_value", limit=64)
        if bool(name) != bool(value):
            column = f"option{n}_value" if name else f"option{n}_name"
            cells.wrong(
                column, "missing", "选项的名称与取值须同时填写", "the name and the value of an option go together"
            )
        elif name:
            found.append((name, value))
    return found or UNSET


def _barcodes(cells: Cells) -> list[catalogue.Barcode] | UnsetType:
    words = _words(cells, "barcode")
    if isinstance(words, UnsetType):
        return UNSET
    return [catalogue.Barcode(barcode_kind(word), word) for word in words]


def read_price(cells: Cells, known: Known) -> tuple[pricing.BasePrice | None, bool]:
    """List and supply price of a sku, written in yuan and not in fen; whether the supply price stays as it is."""
    currency = cells.text("currency", limit=3).upper() or known.currency
    places = exponent(currency)
    sku_id = cells.known("sku_code", known.skus, needed=True)
    listed = cells.number("list_price", places=places, most=_MOST, needed=True)
    emptied = cells.peek("supply_price") == NOTHING
    supply = None if emptied else cells.number("supply_price", places=places, most=_MOST)
    keeps = supply is None and not emptied
    if sku_id is None or listed is None:
        return None, keeps
    return pricing.BasePrice(sku_id, listed, currency, supply), keeps


def read_listing(cells: Cells, known: Known) -> catalogue.ListingPatch | None:
    """Where a product is listed, withheld or opted out of, or is so no longer."""
    product = cells.known("product_code", known.products, needed=True)
    cells.text("kind", needed=True)
    kind = cells.choice("kind", catalogue.ListingKind, catalogue.ListingKind.LISTED)
    scope = catalogue.ListingScope(
        sales_channel=cells.text("sales_channel", limit=64) or None,
        store_id=cells.known("store_code", known.stores),
        operator_id=cells.known("operator_code", known.operators),
        unit_id=cells.known("unit_code", known.units),
    )
    reason = cells.text("reason", limit=200)
    present = cells.choice("action", Action, Action.ADD) is Action.ADD
    if product is None:
        return None
    return catalogue.ListingPatch(cells.line, catalogue.ListingDraft(product, kind, scope, reason), present)


def read_category(cells: Cells, _: Known) -> catalogue.CategoryPatch:
    """A category; a hyphen for its parent puts it at the top."""
    return catalogue.CategoryPatch(
        line=cells.line,
        code=cells.text("code", limit=64, needed=True),
        zh=_said(cells, "name"),
        en=_emptied(cells, "name_en"),
        parent=_emptied(cells, "parent", limit=64),
        rank=_or_unset(cells.number("rank", places=0, least=-_MOST_RANK, most=_MOST_RANK)),
    )


def read_tax_class(cells: Cells, _: Known) -> catalogue.TaxPatch:
    """A tax class; its rate in percent."""
    inclusive = cells.text("inclusive", limit=5).lower()
    if inclusive not in {"", "true", "false"}:
        cells.wrong("inclusive", "not_one_of", "应为 true 或 false", "it is true or false")
    return catalogue.TaxPatch(
        line=cells.line,
        code=cells.text("code", limit=64, needed=True),
        zh=_said(cells, "name"),
        en=_emptied(cells, "name_en"),
        rate_millionths=_or_unset(cells.number("rate", places=4, most=1_000_000)),
        inclusive=inclusive == "true" if inclusive else UNSET,
    )


def _said(cells: Cells, column: str) -> str | UnsetType:
    return cells.text(column) or UNSET


def _emptied(cells: Cells, column: str, *, limit: int = 200) -> str | UnsetType:
    text = cells.text(column, limit=limit)
    return UNSET if not text else "" if text == NOTHING else text


def _words(cells: Cells, column: str) -> list[str] | UnsetType:
    """Several words in one cell, apart by blanks, commas or semicolons."""
    text = cells.text(column, limit=1_000)
    if not text:
        return UNSET
    return [] if text == NOTHING else text.replace(",", " ").replace(";", " ").split()


def _choice(cells: Cells, column: str, kind: type[E]) -> E | UnsetType:
    if not cells.peek(column):
        return UNSET
    before = len(cells.bad)
    chosen = cells.choice(column, kind, next(iter(kind)))
    return UNSET if len(cells.bad) > before else chosen


def _or_unset(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
