"""The words of the catalogue."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from midstage.middle.catalogue.ids import CategoryId, ProductId, SkuId
from midstage.middle.catalogue.listing_types import Owner, Reason

Value = bool | int | float | str
"""A value of an attribute; of which kind its definition says."""


class State(StrEnum):
    """Of a product and of a sku: prepared, sold, or sold no longer (and kept, because orders name it)."""

    DRAFT = "draft"
    LIVE = "live"
    RETIRED = "retired"


class Unit(StrEnum):
    """What 1,000 thousandths of a quantity are."""

    PIECE = "piece"
    GRAM = "gram"
    KILOGRAM = "kilogram"
    JIN = "jin"
    OUNCE = "ounce"
    POUND = "pound"
    MILLILITRE = "millilitre"
    LITRE = "litre"
    GALLON = "gallon"
    METRE = "metre"


class BarcodeKind(StrEnum):
    """GTINs by their printed form, and the store's own codes (prefixes 02, 04, 2, or any text)."""

    EAN13 = "ean13"
    EAN8 = "ean8"
    UPCA = "upca"
    GTIN14 = "gtin14"
    STORE = "store"


class AttributeKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class Sort(StrEnum):
    """The orders in which products can be listed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    CHANGED = "changed"


class Name(msgspec.Struct, frozen=True):
    """A name in Chinese and English; one of them may be missing."""

    zh: str = ""
    en: str = ""

    def in_zh(self) -> str:
        return self.zh or self.en

    def in_en(self) -> str:
        return self.en or self.zh


class TaxClass(msgspec.Struct, frozen=True):
    """A rate in millionths (13 % is 130_000), and whether prices include it."""

    code: str
    name: Name
    rate_millionths: int
    inclusive: bool


class Category(msgspec.Struct, frozen=True):
    """A node of the tree; `path` leads from the root down to it."""

    category_id: CategoryId
    code: str
    name: Name
    path: list[CategoryId]
    rank: int = 0

    @property
    def parent_id(self) -> CategoryId | None:
        return self.path[-2] if len(self.path) > 1 else None


class CategoryDraft(msgspec.Struct, frozen=True):
    """A category to create; its parent is named by code and may stand before it in the same load."""

    code: str
    name: Name
    parent_code: str | None = None
    rank: int = 0


class AttributeDefinition(msgspec.Struct, frozen=True):
    """An attribute that products of a category, and of all categories beneath it, have."""

    code: str
    kind: AttributeKind
    name: Name
    choices: list[str] = []
    required: bool = False


class Media(msgspec.Struct, frozen=True):
    """A picture or film, by an https address or a path of this site."""

    address: str
    kind: str = "image"
    alt: Name = Name()


class OptionValue(msgspec.Struct, frozen=True):
    code: str
    name: Name


class Option(msgspec.Struct, frozen=True):
    """What the skus of a product differ by: a colour, a size."""

    code: str
    name: Name
    values: list[OptionValue]


class Barcode(msgspec.Struct, frozen=True):
    """A code as printed; `milli` is how much of the sku one scan is (a case of twelve is 12_000)."""

    kind: BarcodeKind
    code: str
    milli: int = 1000


class BundlePart(msgspec.Struct, frozen=True):
    """A sku of which a bundle consists, and how much of it is in one piece of the bundle."""

    sku_id: SkuId
    quantity_milli: int


class Sku(msgspec.Struct, frozen=True):
    """What is counted, priced and sold: a product with every option chosen. With `parts` it is a bundle."""

    sku_id: SkuId
    code: str
    options: dict[str, str]
    barcodes: list[Barcode]
    unit: Unit
    milli_step: int
    state: State
    rank: int = 0
    parts: list[BundlePart] = []


class SkuDraft(msgspec.Struct, frozen=True):
    """A sku to create. Without a step a piece good goes by whole pieces, any other by thousandths."""

    code: str
    options: dict[str, str] = {}
    barcodes: list[Barcode] = []
    unit: Unit = Unit.PIECE
    milli_step: int | None = None
    rank: int = 0
    parts: list[BundlePart] = []


class SkuChange(msgspec.Struct, frozen=True):
    """What to change of a sku; what is left out stays."""

    code: str | msgspec.UnsetType = msgspec.UNSET
    options: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    barcodes: list[Barcode] | msgspec.UnsetType = msgspec.UNSET
    unit: Unit | msgspec.UnsetType = msgspec.UNSET
    milli_step: int | msgspec.UnsetType = msgspec.UNSET
    rank: int | msgspec.UnsetType = msgspec.UNSET


class Product(msgspec.Struct, frozen=True):
    """An SPU with its skus. `version` counts every change of either."""

    product_id: ProductId
    code: str
    name: Name
    category_id: CategoryId
    category_path: list[CategoryId]
    tax_class: str
    state: State
    version: int
    changed_at: datetime
    published_at: datetime | None = None
    trademark: str = ""
    description: Name = Name()
    options: list[Option] = []
    attributes: dict[str, Value] = {}
    tags: list[str] = []
    media: list[Media] = []
    skus: list[Sku] = []
    owner: Owner | None = None
    """Whose own it is; headquarters', if nobody's."""


class ProductDraft(msgspec.Struct, frozen=True):
    """A product to create, with its skus; they begin in its state, which is draft or live."""

    code: str
    name: Name
    category_id: CategoryId
    tax_class: str
    skus: list[SkuDraft] = []
    trademark: str = ""
    description: Name = Name()
    options: list[Option] = []
    attributes: dict[str, Value] = {}
    tags: list[str] = []
    media: list[Media] = []
    state: State = State.DRAFT
    owner: Owner | None = None


class ProductChange(msgspec.Struct, frozen=True):
    """What to change of a product; what is left out stays."""

    code: str | msgspec.UnsetType = msgspec.UNSET
    name: Name | msgspec.UnsetType = msgspec.UNSET
    category_id: CategoryId | msgspec.UnsetType = msgspec.UNSET
    tax_class: str | msgspec.UnsetType = msgspec.UNSET
    trademark: str | msgspec.UnsetType = msgspec.UNSET
    description: Name | msgspec.UnsetType = msgspec.UNSET
    options: list[Option] | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, Value] | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    media: list[Media] | msgspec.UnsetType = msgspec.UNSET


class Loaded(msgspec.Struct, frozen=True):
    """The ids that a load gave, by code."""

    products: dict[str, ProductId]
    skus: dict[str, SkuId]


class Offer(msgspec.Struct, frozen=True):
    """What checkout needs to know of a sku, but for price and stock.

    `refused` says why it is not sold where one asked for it, though it is live. With `parts` it is a bundle.
    """

    sku_id: SkuId
    product_id: ProductId
    sku_code: str
    title_zh: str
    title_en: str
    options_text: str
    options_text_en: str
    unit: Unit
    milli_step: int
    tax_class: str
    tax_rate_millionths: int
    tax_inclusive: bool
    category_path: list[CategoryId]
    trademark: str
    live: bool
    parts: Sequence[BundlePart] = ()
    refused: Reason | None = None


class Scanned(msgspec.Struct, frozen=True):
    """What a barcode stands for, and how much of it."""

    sku_id: SkuId
    product_id: ProductId
    milli: int
    live: bool


class ProductFilters(msgspec.Struct, frozen=True):
    """Which products; every one that is given must fit. `category_id` takes in what lies beneath it."""

    state: State | None = None
    category_id: CategoryId | None = None
    trademark: str | None = None
    tags: list[str] = []
    attributes: dict[str, Value] = {}
    owner: Owner | None = None
    """Only the own goods of this store or operator."""


class Listed(msgspec.Struct, frozen=True):
    """A product as lists show it; `sku_ids` are its live skus in their rank."""

    product_id: ProductId
    code: str
    name: Name
    trademark: str
    category_id: CategoryId
    tags: list[str]
    cover: Media | None
    state: State
    sku_ids: list[SkuId]
    changed_at: datetime
