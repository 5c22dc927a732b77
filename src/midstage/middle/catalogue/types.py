"""The words of the catalogue."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text

ProductId = NewType("ProductId", UUID)
SkuId = NewType("SkuId", UUID)
CategoryId = NewType("CategoryId", UUID)
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


class Sku(msgspec.Struct, frozen=True):
    """What is counted, priced and sold: a product with every option chosen."""

    sku_id: SkuId
    code: str
    options: dict[str, str]
    barcodes: list[Barcode]
    unit: Unit
    milli_step: int
    state: State
    rank: int = 0


class SkuDraft(msgspec.Struct, frozen=True):
    """A sku to create. Without a step a piece good goes by whole pieces, any other by thousandths."""

    code: str
    options: dict[str, str] = {}
    barcodes: list[Barcode] = []
    unit: Unit = Unit.PIECE
    milli_step: int | None = None
    rank: int = 0


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
    """What checkout needs to know of a sku, but for price and stock."""

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


class NoSuchProduct(NotFound):
    """There is no such product, or it is not on sale."""

    text = Text(zh="没有这件商品", en="There is no such product.")
    product: str


class NoSuchSku(NotFound):
    """There is no such sku."""

    text = Text(zh="没有这个规格", en="There is no such sku.")
    sku: str


class NoSuchBarcode(NotFound):
    """No sku carries this barcode."""

    text = Text(zh="没有商品使用条码 {barcode}", en="No product carries the barcode {barcode}.")
    barcode: str


class NoSuchCategory(NotFound):
    """There is no such category."""

    text = Text(zh="没有类目 {category}", en="There is no category {category}.")
    category: str


class NoSuchTaxClass(NotFound):
    """There is no such tax class."""

    text = Text(zh="没有税类 {tax_class}", en="There is no tax class {tax_class}.")
    tax_class: str


class NotForSale(Conflict):
    """The sku is not on sale: it or its product is a draft or retired, or there is none."""

    text = Text(zh="商品 {sku} 未在售", en="{sku} is not on sale.")
    sku: str


class QuantityUnsellable(Invalid):
    """The quantity is not a positive multiple of the step in which the sku is sold."""

    text = Text(
        zh="商品 {sku} 的数量 {quantity_milli}‰ 不是最小销售单位 {milli_step}‰ 的整数倍",
        en="{sku} is sold in steps of {milli_step} thousandths; {quantity_milli} is not a multiple of it.",
    )
    sku: str
    quantity_milli: int
    milli_step: int


class UnitStepWrong(Invalid):
    """A step is positive, and that of a piece good is whole pieces."""

    text = Text(
        zh="规格 {sku} 按 {unit} 销售，步长 {milli_step}‰ 无效",
        en="{sku}, sold by {unit}, cannot have a step of {milli_step} thousandths.",
    )
    sku: str
    unit: str
    milli_step: int


class BarcodeWrong(Invalid):
    """The barcode has a wrong length, character or check digit for its kind, or a prefix that only store codes have."""

    text = Text(zh="条码 {barcode} 不是有效的 {kind} 条码", en="{barcode} is not a valid barcode of the kind {kind}.")
    barcode: str
    kind: str


class BarcodeTaken(Conflict):
    """Another sku carries this barcode."""

    text = Text(zh="条码 {barcode} 已被其他规格使用", en="Another sku carries the barcode {barcode}.")
    barcode: str


class ProductCodeTaken(Conflict):
    """Another product has this code."""

    text = Text(zh="商品编码 {thing} 已存在", en="Another product has the code {thing}.")
    thing: str


class SkuCodeTaken(Conflict):
    """Another sku has this code."""

    text = Text(zh="规格编码 {thing} 已存在", en="Another sku has the code {thing}.")
    thing: str


class CategoryCodeTaken(Conflict):
    """Another category has this code."""

    text = Text(zh="类目编码 {thing} 已存在", en="Another category has the code {thing}.")
    thing: str


class CategoryNotEmpty(Conflict):
    """A category with products or categories in it cannot be removed."""

    text = Text(
        zh="类目 {category} 下还有商品或子类目", en="The category {category} still has products or categories in it."
    )
    category: str


class CategoryMisplaced(Invalid):
    """A category cannot lie beneath itself, nor deeper than eight levels."""

    text = Text(
        zh="类目 {category} 不能放在这里（层级最多 {levels} 级，且不能放在自己之下）",
        en="The category {category} cannot lie there: at most {levels} levels, and never beneath itself.",
    )
    category: str
    levels: int


class CatalogueTextWrong(Invalid):
    """A text is missing, too long, or has characters that nobody can see."""

    text = Text(
        zh="{field} 为空、过长（最多 {limit} 字）或含有控制字符",
        en="{field} is missing, longer than {limit} characters, or has control characters.",
    )
    field: str
    limit: int


class TooManyOf(Invalid):
    """More of something than one product may have."""

    text = Text(zh="{field} 最多 {limit} 个", en="At most {limit} of {field}.")
    field: str
    limit: int


class TaxRateWrong(Invalid):
    """A tax rate lies between 0 and 100 %."""

    text = Text(
        zh="税率 {rate_millionths}（百万分之一）超出 0 至 100%",
        en="The rate of {rate_millionths} millionths is not within 0 and 100 %.",
    )
    rate_millionths: int


class OptionsWrong(Invalid):
    """A sku chooses exactly one known value of every option of its product."""

    text = Text(
        zh="规格 {sku} 的选项 {option} 缺失或无效",
        en="The sku {sku} lacks the option {option} or has an unknown value of it.",
    )
    sku: str
    option: str


class OptionsTaken(Conflict):
    """Another sku of the product has the same options."""

    text = Text(
        zh="规格 {sku} 与同一商品的另一规格选项相同", en="Another sku of the product has the same options as {sku}."
    )
    sku: str


class AttributeWrong(Invalid):
    """An attribute is not defined for the category, is missing though required, or has a value of another kind."""

    text = Text(
        zh="属性 {attribute} 未定义、缺失或取值不符",
        en="The attribute {attribute} is not defined here, missing, or has a value of another kind.",
    )
    attribute: str


class AttributeInUse(Conflict):
    """Products have values of this attribute, so its kind cannot change and it cannot go."""

    text = Text(
        zh="属性 {attribute} 已有商品使用，不能更改类型或删除",
        en="Products use the attribute {attribute}; its kind cannot change and it cannot be removed.",
    )
    attribute: str


class MediaWrong(Invalid):
    """A picture or film has an https address or a path of this site."""

    text = Text(zh="图片或视频地址 {address} 无效", en="{address} is not an https address or a path of this site.")
    address: str


class NotPublishable(Conflict):
    """A product goes live with at least one sku that is not retired."""

    text = Text(zh="商品 {product} 没有可售规格，不能上架", en="The product {product} has no sku to sell.")
    product: str


class StateWrong(Conflict):
    """The product or sku is in a state from which this cannot be done."""

    text = Text(zh="{thing} 当前状态为 {state}，不能执行该操作", en="{thing} is {state}; this cannot be done.")
    thing: str
    state: str


class ProductChangedMeanwhile(Conflict):
    """Somebody else changed the product after it was read."""

    text = Text(
        zh="商品 {product} 已被他人修改，请刷新后重试", en="Somebody else changed the product {product}; look again."
    )
    product: str
    seen: int


class SearchTooLong(Invalid):
    """A search has at most so many characters."""

    text = Text(zh="搜索内容最多 {limit} 字", en="A search has at most {limit} characters.")
    limit: int
