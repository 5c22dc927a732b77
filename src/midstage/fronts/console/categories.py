"""The catalogue: its tree, attributes and tax classes. All of it is of the whole brand."""

from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Rank, Short
from midstage.kit.database import Tx
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

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


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


def as_of(kind: type[T], data: Any) -> T:
    """A body, whose limits were checked, as the words of the middle; what was left out stays left out."""
    return msgspec.convert(msgspec.to_builtins(data), kind)


HANDLERS: list[HTTPRouteHandler] = [
    categories,
    create_category,
    change_category,
    move_category,
    remove_category,
    attributes,
    define_attributes,
    tax_classes,
    set_tax_class,
]
