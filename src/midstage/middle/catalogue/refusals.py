"""What the catalogue refuses, and why."""

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text


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


class BundleWrong(Invalid):
    """A bundle is sold in whole pieces and has 1 to 50 different parts, each in a multiple of its own step, none a bundle."""

    text = Text(
        zh="组合商品 {sku} 不成立：{reason_zh}",
        en="{sku} cannot be such a bundle: {reason_en}.",
    )
    sku: str
    reason_zh: str
    reason_en: str


class BundlePartNotLive(Conflict):
    """A bundle goes on sale when all of its parts are."""

    text = Text(
        zh="组合商品 {sku} 的组成规格 {part} 未上架，不能上架",
        en="The bundle {sku} cannot go on sale: its part {part} is not.",
    )
    sku: str
    part: str


class OwnGoodsNotAllowed(Conflict):
    """The goods policy that holds there allows no goods of one's own."""

    text = Text(
        zh="该门店或经营主体适用的商品策略不允许自营商品",
        en="The goods policy that holds there allows no goods of one's own.",
    )
    owner: str


class OptOutNotAllowed(Conflict):
    """The goods policy of the store does not let it opt out of what headquarters lists."""

    text = Text(zh="门店适用的商品策略不允许退选总部商品", en="The goods policy of the store does not let it opt out.")
    store: str


class ListingScopeWrong(Invalid):
    """Only a store opts out: for itself, by all channels or one."""

    text = Text(
        zh="退选须且只能指明一家门店（可限定渠道）",
        en="An opt-out names one store, and a channel at most besides.",
    )
    product: str


class NoSuchListing(NotFound):
    """There is no such row of listing, or it was taken out before."""

    text = Text(zh="没有这条上架规则", en="There is no such row of listing.")
    listing: str


class NotOwnGoods(Conflict):
    """The product is headquarters' or somebody else's; this is for goods of one's own."""

    text = Text(zh="该商品不是自营商品", en="This product is nobody's own, or somebody else's.")
    product: str
