"""The catalogue: its products and skus. All of it is of the whole brand."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Rank, Search, Short, Version
from midstage.fronts.console.categories import READ, TAGS, WRITE, Code, DescriptionBody, NameBody, as_of
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation

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
    catalogue.BundleWrong,
    catalogue.BundlePartNotLive,
)
PRODUCT_FAULTS = (*SKU_FAULTS, catalogue.ProductCodeTaken, catalogue.NotPublishable)

Step = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000, description="Thousandths of the unit")]
Value = (
    bool | Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)] | float | Annotated[str, msgspec.Meta(max_length=300)]
)
Values = Annotated[dict[Code, Value], msgspec.Meta(max_length=100)]
Choice = Annotated[dict[Code, Code], msgspec.Meta(max_length=5)]
Tags = Annotated[list[Code], msgspec.Meta(max_length=50)]
InState = Annotated[catalogue.State | None, QueryParameter(name="state")]


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


class PartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sku of which a bundle consists, and how much of it is in one piece of the bundle."""

    sku_id: UUID
    quantity_milli: Step


Options = Annotated[list[OptionBody], msgspec.Meta(max_length=5)]
Media = Annotated[list[MediaBody], msgspec.Meta(max_length=50)]
Barcodes = Annotated[list[BarcodeBody], msgspec.Meta(max_length=20)]


class NewSku(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sku. Without a step a piece good goes by whole pieces, any other by thousandths. With parts it is a bundle."""

    code: Code
    options: Choice = {}
    barcodes: Barcodes = []
    unit: catalogue.Unit = catalogue.Unit.PIECE
    milli_step: Step | None = None
    rank: Rank = 0
    parts: Annotated[list[PartBody], msgspec.Meta(max_length=50)] = []


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


@reading("/products", tags=TAGS, needs=READ, refuses=(catalogue.SearchTooLong,))
async def products(  # noqa: PLR0913, PLR0917  # each is a filter of the list
    tx: Tx,
    staff: Staff,
    text: Search | None = None,
    in_state: InState = None,
    category_id: UUID | None = None,
    trademark: Short | None = None,
    tag: Code | None = None,
    sort: catalogue.Sort = catalogue.Sort.NEWEST,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[catalogue.Listed]:
    """Products in any state. With a text the nearest come first, and `sort` is not looked at.

    Own goods of stores and operators out of one's reach are left out, so that a page may be shorter than asked.
    """
    filters = catalogue.ProductFilters(
        state=in_state,
        category_id=catalogue.CategoryId(category_id) if category_id else None,
        trademark=trademark,
        tags=[tag] if tag else [],
    )
    page = PageRequest(after, limit)
    found = (
        await catalogue.search(tx, text, filters, page)
        if text
        else await catalogue.products(tx, filters, page, sort=sort)
    )
    return Page(await _within(tx, staff, found.items), found.next)


async def _within(tx: Tx, staff: Staff, listed: Sequence[catalogue.Listed]) -> list[catalogue.Listed]:
    """Without the own goods of stores and operators that lie out of reach."""
    mine = await reach(tx, staff, READ)
    owners = {} if mine.everything else await catalogue.owners(tx, [one.product_id for one in listed])
    if not owners:
        return list(listed)
    stores = await organisation.stores(tx, list(mine.stores or ()))
    operators = mine.scope.operators | {store.operator_id for store in stores.values()}

    def seen(owner: catalogue.Owner | None) -> bool:
        if owner is None:
            return True
        return mine.covers(owner.store_id) if owner.store_id is not None else owner.operator_id in operators

    return [one for one in listed if seen(owners.get(one.product_id))]


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


HANDLERS: list[HTTPRouteHandler] = [
    products, product, create_product, change_product, publish_product, retire_product,
    add_sku, change_sku, publish_sku, retire_sku, sku_by_barcode,
]  # fmt: skip
