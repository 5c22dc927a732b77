"""The catalogue: its tree, attributes, tax classes, products and skus. All of it is of the whole brand."""

from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.console.callers import Staff
from midstage.fronts.console.scope import NeedsWholeBrand, whole_brand
from midstage.fronts.console.words import Rank, Search, Short, Version
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue

T = TypeVar("T")
TAGS = ["console: catalogue"]
READ, WRITE = "catalogue.read", "catalogue.write"
CATEGORY_FAULTS = (
    NeedsWholeBrand,
    catalogue.NoSuchCategory,
    catalogue.CategoryCodeTaken,
    catalogue.CategoryMisplaced,
    catalogue.CategoryNotEmpty,
    catalogue.CatalogueTextWrong,
)
SKU_FAULTS = (
    NeedsWholeBrand,
    catalogue.NoSuchProduct,
    catalogue.NoSuchSku,
    catalogue.NoSuchCategory,
    catalogue.NoSuchTaxClass,
    catalogue.ProductChangedMeanwhile,
    catalogue.SkuCodeTaken,
    catalogue.StateWrong,
    catalogue.CatalogueTextWrong,
    catalogue.TooManyOf,
    catalogue.AttributeWrong,
    catalogue.MediaWrong,
    catalogue.OptionsWrong,
    catalogue.OptionsTaken,
    catalogue.BarcodeWrong,
    catalogue.BarcodeTaken,
    catalogue.UnitStepWrong,
)
PRODUCT_FAULTS = (*SKU_FAULTS, catalogue.ProductCodeTaken, catalogue.NotPublishable)

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Step = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000, description="Thousandths of the unit")]
Value = (
    bool | Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)] | float | Annotated[str, msgspec.Meta(max_length=300)]
)
Values = Annotated[dict[Code, Value], msgspec.Meta(max_length=100)]
Choice = Annotated[dict[Code, Code], msgspec.Meta(max_length=5)]
Tags = Annotated[list[Code], msgspec.Meta(max_length=50)]
InState = Annotated[catalogue.State | None, QueryParameter(name="state")]


class NameBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name in Chinese and English; one of them may be missing."""

    zh: Short = ""
    en: Short = ""


class DescriptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What there is to say of a product."""

    zh: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    en: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


class NewCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category under the one whose code is named, or at the top."""

    code: Code
    name: NameBody
    parent_code: Code | None = None
    rank: Rank = 0


class ChangeCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a category is to change; what is left out stays."""

    code: Code | None = None
    name: NameBody | None = None
    rank: Rank | None = None


class MoveCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which category; null is the top."""

    parent_id: UUID | None


class AttributeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attribute that products of the category, and of all beneath it, have."""

    code: Code
    kind: catalogue.AttributeKind
    name: NameBody
    choices: Annotated[list[Code], msgspec.Meta(max_length=200)] = []
    required: bool = False


class DefineAttributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All attributes that the category itself adds."""

    attributes: Annotated[list[AttributeBody], msgspec.Meta(max_length=100)]


class TaxClassBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate in millionths (13 % is 130000), and whether prices include it."""

    code: Code
    name: NameBody
    rate_millionths: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    inclusive: bool


class MediaBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture or film, by an https address or a path of this site."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    kind: Code = "image"
    alt: NameBody = NameBody()


class OptionValueBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One colour, one size."""

    code: Code
    name: NameBody


class OptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the skus of a product differ by."""

    code: Code
    name: NameBody
    values: Annotated[list[OptionValueBody], msgspec.Meta(max_length=200)]


class BarcodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code as printed, and how much of the sku one scan is."""

    kind: catalogue.BarcodeKind
    code: Code
    milli: Step = 1000


Options = Annotated[list[OptionBody], msgspec.Meta(max_length=5)]
Media = Annotated[list[MediaBody], msgspec.Meta(max_length=50)]
Barcodes = Annotated[list[BarcodeBody], msgspec.Meta(max_length=20)]


class NewSku(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sku. Without a step a piece good goes by whole pieces, any other by thousandths."""

    code: Code
    options: Choice = {}
    barcodes: Barcodes = []
    unit: catalogue.Unit = catalogue.Unit.PIECE
    milli_step: Step | None = None
    rank: Rank = 0


class ChangeSku(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a sku is to change; what is left out stays."""

    code: Code | UnsetType = UNSET
    options: Choice | UnsetType = UNSET
    barcodes: Barcodes | UnsetType = UNSET
    unit: catalogue.Unit | UnsetType = UNSET
    milli_step: Step | UnsetType = UNSET
    rank: Rank | UnsetType = UNSET


class NewProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product with its skus, as a draft. Publish it to sell it."""

    code: Code
    name: NameBody
    category_id: UUID
    tax_class: Code
    skus: Annotated[list[NewSku], msgspec.Meta(max_length=500)] = []
    trademark: Short = ""
    description: DescriptionBody = DescriptionBody()
    options: Options = []
    attributes: Values = {}
    tags: Tags = []
    media: Media = []


class ChangeProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a product is to change; what is left out stays."""

    code: Code | UnsetType = UNSET
    name: NameBody | UnsetType = UNSET
    category_id: UUID | UnsetType = UNSET
    tax_class: Code | UnsetType = UNSET
    trademark: Short | UnsetType = UNSET
    description: DescriptionBody | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    attributes: Values | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    media: Media | UnsetType = UNSET


@reading("/categories", tags=TAGS, needs=READ)
async def categories(tx: Tx, staff: Staff) -> list[catalogue.Category]:  # noqa: ARG001  # the caller is who may ask
    """The whole tree: parents before their children, each level by rank and code."""
    return await catalogue.categories(tx)


@changing(
    "POST", "/categories", status=201, once=True, tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *CATEGORY_FAULTS)
)
async def create_category(data: NewCategory, tx: Tx, staff: Staff) -> catalogue.Category:
    """Add a category to the tree."""
    whole_brand(staff, WRITE)
    category_id = await catalogue.create_category(tx, as_of(catalogue.CategoryDraft, data))
    return next(found for found in await catalogue.categories(tx) if found.category_id == category_id)


@changing(
    "PATCH", "/categories/{category_id:uuid}", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *CATEGORY_FAULTS)
)
async def change_category(category_id: UUID, data: ChangeCategory, tx: Tx, staff: Staff) -> catalogue.Category:
    """Rename or re-rank a category; its products are found by the new name at once."""
    whole_brand(staff, WRITE)
    name = as_of(catalogue.Name, data.name) if data.name else None
    return await catalogue.change_category(
        tx, catalogue.CategoryId(category_id), code=data.code, name=name, rank=data.rank
    )


@changing(
    "POST", "/categories/{category_id:uuid}/move", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *CATEGORY_FAULTS)
)
async def move_category(category_id: UUID, data: MoveCategory, tx: Tx, staff: Staff) -> catalogue.Category:
    """Put a category and all beneath it under another one, or at the top."""
    whole_brand(staff, WRITE)
    parent_id = catalogue.CategoryId(data.parent_id) if data.parent_id else None
    return await catalogue.move_category(tx, catalogue.CategoryId(category_id), parent_id=parent_id)


@changing(
    "DELETE",
    "/categories/{category_id:uuid}",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, *CATEGORY_FAULTS),
)
async def remove_category(category_id: UUID, tx: Tx, staff: Staff) -> None:
    """Remove a category that is empty."""
    whole_brand(staff, WRITE)
    await catalogue.remove_category(tx, catalogue.CategoryId(category_id))


@reading(
    "/categories/{category_id:uuid}/attributes",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, catalogue.NoSuchCategory),
)
async def attributes(
    category_id: UUID,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
) -> list[catalogue.AttributeDefinition]:
    """What attributes products of a category have: its own and those of all above it, by code."""
    return await catalogue.attributes(tx, catalogue.CategoryId(category_id))


@changing(
    "PUT",
    "/categories/{category_id:uuid}/attributes",
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        NeedsWholeBrand,
        catalogue.NoSuchCategory,
        catalogue.AttributeWrong,
        catalogue.AttributeInUse,
        catalogue.CatalogueTextWrong,
        catalogue.TooManyOf,
    ),
)
async def define_attributes(
    category_id: UUID, data: DefineAttributes, tx: Tx, staff: Staff
) -> list[catalogue.AttributeDefinition]:
    """Set a category's own attributes; shows all that its products then have."""
    whole_brand(staff, WRITE)
    definitions = as_of(list[catalogue.AttributeDefinition], data.attributes)
    await catalogue.define_attributes(tx, catalogue.CategoryId(category_id), definitions)
    return await catalogue.attributes(tx, catalogue.CategoryId(category_id))


@reading("/tax-classes", tags=TAGS, needs=READ)
async def tax_classes(tx: Tx, staff: Staff) -> list[catalogue.TaxClass]:  # noqa: ARG001  # the caller is who may ask
    """The tax classes, by code."""
    return [found for _, found in sorted((await catalogue.tax_classes(tx)).items())]


@changing(
    "PUT",
    "/tax-classes",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, catalogue.TaxRateWrong, catalogue.CatalogueTextWrong),
)
async def set_tax_class(data: TaxClassBody, tx: Tx, staff: Staff) -> catalogue.TaxClass:
    """Create a tax class, or change it for all of its products; orders keep the rate they were sold at."""
    whole_brand(staff, WRITE)
    tax = as_of(catalogue.TaxClass, data)
    await catalogue.set_tax_class(tx, tax)
    return tax


@reading("/products", tags=TAGS, needs=READ, refuses=(catalogue.SearchTooLong,))
async def products(  # noqa: PLR0913, PLR0917  # each is a filter of the list
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
    text: Search | None = None,
    in_state: InState = None,
    category_id: UUID | None = None,
    trademark: Short | None = None,
    tag: Code | None = None,
    sort: catalogue.Sort = catalogue.Sort.NEWEST,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[catalogue.Listed]:
    """Products in any state. With a text the nearest come first, and `sort` is not looked at."""
    filters = catalogue.ProductFilters(
        state=in_state,
        category_id=catalogue.CategoryId(category_id) if category_id else None,
        trademark=trademark,
        tags=[tag] if tag else [],
    )
    page = PageRequest(after, limit)
    if text:
        return await catalogue.search(tx, text, filters, page)
    return await catalogue.products(tx, filters, page, sort=sort)


@reading("/products/{product_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, catalogue.NoSuchProduct))
async def product(
    product_id: UUID,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
) -> catalogue.Product:
    """One product with all of its skus."""
    return await catalogue.product(tx, catalogue.ProductId(product_id))


@changing(
    "POST", "/products", status=201, once=True, tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *PRODUCT_FAULTS)
)
async def create_product(data: NewProduct, tx: Tx, staff: Staff) -> catalogue.Product:
    """Create a product with its skus, as a draft."""
    whole_brand(staff, WRITE)
    return await catalogue.create_product(tx, as_of(catalogue.ProductDraft, data))


@changing("PATCH", "/products/{product_id:uuid}", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *PRODUCT_FAULTS))
async def change_product(
    product_id: UUID, data: ChangeProduct, tx: Tx, staff: Staff, seen: Version | None = None
) -> catalogue.Product:
    """Change a product."""
    whole_brand(staff, WRITE)
    change = as_of(catalogue.ProductChange, data)
    return await catalogue.change_product(tx, catalogue.ProductId(product_id), change, seen=seen)


@changing(
    "POST", "/products/{product_id:uuid}/publish", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *PRODUCT_FAULTS)
)
async def publish_product(product_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Product:
    """Let shoppers see a product, and its draft skus with it."""
    whole_brand(staff, WRITE)
    return await catalogue.publish_product(tx, catalogue.ProductId(product_id), seen=seen)


@changing(
    "POST", "/products/{product_id:uuid}/retire", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *PRODUCT_FAULTS)
)
async def retire_product(product_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Product:
    """Take a product off sale; orders that name it stay as they are, and it can be published again."""
    whole_brand(staff, WRITE)
    return await catalogue.retire_product(tx, catalogue.ProductId(product_id), seen=seen)


@changing(
    "POST",
    "/products/{product_id:uuid}/skus",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, *SKU_FAULTS),
)
async def add_sku(product_id: UUID, data: NewSku, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Sku:
    """Add a sku to a product, as a draft."""
    whole_brand(staff, WRITE)
    return await catalogue.add_sku(tx, catalogue.ProductId(product_id), as_of(catalogue.SkuDraft, data), seen=seen)


@changing("PATCH", "/skus/{sku_id:uuid}", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *SKU_FAULTS))
async def change_sku(sku_id: UUID, data: ChangeSku, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Sku:
    """Change a sku; `seen` is the version of its product."""
    whole_brand(staff, WRITE)
    return await catalogue.change_sku(tx, catalogue.SkuId(sku_id), as_of(catalogue.SkuChange, data), seen=seen)


@changing("POST", "/skus/{sku_id:uuid}/publish", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *SKU_FAULTS))
async def publish_sku(sku_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Sku:
    """Put a sku on sale, or back on sale; shoppers see it once its product is live."""
    whole_brand(staff, WRITE)
    return await catalogue.publish_sku(tx, catalogue.SkuId(sku_id), seen=seen)


@changing("POST", "/skus/{sku_id:uuid}/retire", tags=TAGS, needs=WRITE, refuses=(access.OutOfScope, *SKU_FAULTS))
async def retire_sku(sku_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Sku:
    """Take one sku off sale; a scan still finds it."""
    whole_brand(staff, WRITE)
    return await catalogue.retire_sku(tx, catalogue.SkuId(sku_id), seen=seen)


@reading("/skus/by-barcode", tags=TAGS, needs=READ, refuses=(access.OutOfScope, catalogue.NoSuchBarcode))
async def sku_by_barcode(
    code: Code,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
) -> catalogue.Scanned:
    """The sku that a scanned code stands for, in any state. A UPC-A and its EAN-13 are the same."""
    return await catalogue.by_barcode(tx, code)


def as_of(kind: type[T], data: Any) -> T:
    """A body, whose limits were checked, as the words of the middle; what was left out stays left out."""
    return msgspec.convert(msgspec.to_builtins(data), kind)


HANDLERS: list[HTTPRouteHandler] = [
    categories, create_category, change_category, move_category, remove_category, attributes, define_attributes,
    tax_classes, set_tax_class, products, product, create_product, change_product, publish_product, retire_product,
    add_sku, change_sku, publish_sku, retire_sku, sku_by_barcode,
]  # fmt: skip
